using System.Diagnostics;
using System.Globalization;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>Retained values of one room: what each keeps in memory, and how fast one `#` gets all of them.</summary>
internal sealed class DataReplayScenario : IScenario
{
    private const int Window = 128;
    private const int WarmUps = 2;
    private const int Measured = 5;

    /// <summary>
    /// Of all topics, said as often as all others together before memory is looked at: what publishing takes, whatever is kept of it,
    /// is not counted.
    /// </summary>
    private const int FirstPart = 100;

    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(8);

    private readonly int _values;
    private readonly byte _quality;
    private readonly int _textLength;
    private readonly MqttVersion _version;

    private DataReplayScenario(Arguments arguments)
    {
        (_values, _quality) = (arguments.Number("values", 1_000, 1_000_000), (byte)arguments.Number("qos", 0, 1));
        (_textLength, _version) = (arguments.TextLength(), arguments.Version());
    }

    public static ScenarioKind Kind { get; } = new(
        "data-replay",
        "retained values of a room: memory for each, and how fast one # gets all of them",
        [
            new("values", "100000", "how many, a topic each"),
            new("qos", "0", "of the subscription: 0 or 1"),
            new("text", "48", "length of a value in bytes"),
            .. SharedOptions.Doors,
        ],
        arguments => new DataReplayScenario(arguments));

    public string Title => string.Create(CultureInfo.InvariantCulture, $"{_values} retained values of {_textLength} bytes replayed to one # at QoS {_quality}, {_version.Name()}");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"data-replay-{_values}-qos{_quality}{SharedOptions.Suffix(_version, Transport.Tcp)}");

    public string Promise => "every value came to every client once, with its flag and as it was said last.";

    public Preparation Preparation => DeviceRoom.Preparation;

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        var login = await DeviceRoom.OpenAsync(server, cancellation);
        var first = _values / FirstPart;
        List<string> problems = [.. (await SayAsync(server, login, first, _values, cancellation)).Problems];
        var before = await SettledMemory.OfAsync(server, SettleTime, cancellation);
        var said = await SayAsync(server, login, _values, _values, cancellation);
        problems.AddRange(said.Problems);
        var after = await SettledMemory.OfAsync(server, SettleTime, cancellation);
        var beside = Enumerable.Range(first, _values - first).Sum(value => (long)Topic(value).Length + _textLength);

        using Swarm swarm = new(server.Door(Transport.Tcp), _version, 1) { Manner = new(Topic, _ => ["#"], _quality), ClientIds = "replay" };
        List<double> seconds = [];
        Reading begin = default;
        for (var i = -WarmUps; i < Measured; i++)
        {
            begin = i == 0 ? Reading.Now(server) : begin;
            var replay = await swarm.ReplayAsync(_values, login, cancellation);
            if (i >= 0)
            {
                seconds.Add((double)replay.Ticks / Stopwatch.Frequency);
            }
        }

        var passed = Reading.Now(server) - begin;
        problems.AddRange(await swarm.VerifyAsync(cancellation));
        return new Outcome(
            [
                new("values replayed", "/s", _values / Figure.Median(seconds)),
                new("server CPU per value replayed", "µs", passed.Server.TotalMicroseconds / ((double)_values * Measured)),
                new("generator CPU per value replayed", "µs", passed.Generator.TotalMicroseconds / ((double)_values * Measured)),
                new("memory per value beside its bytes", "B", (double)(after - before - beside) / (_values - first)),
                new("memory of all values", "MB", (after - before) / 1e6),
                new("values said", "/s", _values / said.Time.TotalSeconds),
                new("server CPU per value said", "µs", said.Server.TotalMicroseconds / _values),
            ],
            problems);
    }

    private static string Topic(int value) => string.Create(CultureInfo.InvariantCulture, $"house/room{value}/climate/temperature");

    /// <summary>So many publishes to the first topics, in turn, by one client.</summary>
    private async Task<(TimeSpan Time, TimeSpan Server, IReadOnlyList<string> Problems)> SayAsync(
        ServerUnderTest server, Func<int, Login?> login, int topics, int publishes, CancellationToken cancellation)
    {
        using Swarm swarm = new(server.Door(Transport.Tcp), _version, topics) { Manner = new(Topic, _ => [], Retains: true), ClientIds = "sensor" };
        await swarm.OpenAsync(
            [],
            [[.. Enumerable.Range(0, topics)]],
            Window,
            _textLength,
            login,
            cancellation);
        var begin = Reading.Now(server);
        swarm.Publish(publishes);
        await swarm.QuietAsync(cancellation);
        var passed = Reading.Now(server) - begin;
        return (passed.Time, passed.Server, await swarm.VerifyAsync(cancellation));
    }
}
