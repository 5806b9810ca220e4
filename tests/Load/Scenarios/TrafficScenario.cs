using System.Globalization;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Load.Wire;

namespace WebMessenger.Load.Scenarios;

/// <summary>Publishers that keep their windows full, or publish at a steady rate, to rooms with members. Everything at QoS 1.</summary>
internal sealed class TrafficScenario : IScenario
{
    /// <summary>More would be an account for every connection, which costs a password hash each and changes nothing for a delivery.</summary>
    private const int AccountsAtMost = 100;

    private readonly int _rooms;
    private readonly int _members;
    private readonly int _publishers;
    private readonly int _window;
    private readonly int _rate;
    private readonly int _textLength;
    private readonly TimeSpan _warmUp;
    private readonly TimeSpan _seconds;
    private readonly MqttVersion _version;
    private readonly Transport _transport;

    private TrafficScenario(string name, int rooms, int members, int publishers, int rate, Arguments arguments)
    {
        (_rooms, _members, _publishers, _rate) = (rooms, members, publishers, rate);
        _window = arguments.Number("window", 1, 128);
        _textLength = arguments.TextLength();
        (_warmUp, _seconds) = (arguments.Seconds("warmup"), arguments.Seconds("seconds"));
        (_version, _transport) = (arguments.Version(), arguments.Transport());
        Preparation = new Preparation(Math.Min(AccountsAtMost, (rooms * members) + publishers), rooms);
        FileName = string.Create(CultureInfo.InvariantCulture, $"{name}-{rooms}x{members}-{publishers}x{_window}{(rate > 0 ? $"-{rate}ps" : "")}{SharedOptions.Suffix(_version, _transport)}");
    }

    public static ScenarioKind Room { get; } = new(
        "room",
        "members of a room (or of many) hear publishers",
        [
            new("members", "100", "members of each room, a connection each"),
            new("rooms", "1", "rooms; publishers share them out, and speak to each of theirs in turn"),
            new("publishers", "1", "publishers, which are connections beside the members"),
            new("window", "16", "unacknowledged publishes that each publisher keeps under way, 1 to 128"),
            new("rate", "0", "publishes a second, all together; 0: as many as the window lets through"),
            SharedOptions.Text, SharedOptions.Mqtt, SharedOptions.Over, SharedOptions.WarmUp, SharedOptions.Seconds,
        ],
        arguments => new TrafficScenario(
            "room", arguments.Number("rooms", 1, 10_000), arguments.Number("members", 1, 10_000), arguments.Number("publishers", 1, 1_000), arguments.Number("rate", 0, 100_000), arguments));

    public static ScenarioKind Senders { get; } = new(
        "senders",
        "many senders whom nobody hears: what the log takes",
        [
            new("senders", "256", "publishers, a connection each"),
            new("rooms", "1", "rooms; senders share them out"),
            new("window", "16", "unacknowledged publishes that each sender keeps under way, 1 to 128"),
            SharedOptions.Text, SharedOptions.Mqtt, SharedOptions.Over, SharedOptions.WarmUp, SharedOptions.Seconds,
        ],
        arguments => new TrafficScenario("senders", arguments.Number("rooms", 1, 10_000), 0, arguments.Number("senders", 1, 10_000), 0, arguments));

    public string Title => string.Create(CultureInfo.InvariantCulture,
        $"rooms: {_rooms}, members of each: {_members}, publishers: {_publishers}, {(_rate > 0 ? $"publishes/s: {_rate}" : $"window: {_window}")}, {_textLength}-byte text, QoS 1, {_version.Name()}, {_transport.Name()}");

    public string FileName { get; }

    public Preparation Preparation { get; }

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using Swarm swarm = new(server.Door(_transport), _version, _rooms);
        await swarm.OpenAsync(
            [.. Enumerable.Range(0, _rooms * _members).Select(member => member % _rooms)],
            [.. Enumerable.Range(0, _publishers).Select(RoomsOf)],
            _window,
            _textLength,
            server.Login,
            cancellation);
        await PublishForAsync(swarm, _warmUp, cancellation);
        Meter meter = new(server, swarm);
        meter.Begin();
        await PublishForAsync(swarm, _seconds, cancellation);
        var figures = meter.End();
        swarm.Stop();
        await swarm.QuietAsync(cancellation);
        return new Outcome(figures, await swarm.VerifyAsync(cancellation));
    }

    private async Task PublishForAsync(Swarm swarm, TimeSpan time, CancellationToken cancellation)
    {
        if (_rate > 0)
        {
            await swarm.PublishAtRateAsync(_rate, time, cancellation);
            return;
        }

        swarm.Publish(long.MaxValue);
        await Task.WhenAny(swarm.Broken, Task.Delay(time, cancellation));
        cancellation.ThrowIfCancellationRequested();
    }

    private int[] RoomsOf(int publisher) => _publishers > _rooms
        ? [publisher % _rooms]
        : [.. Enumerable.Range(0, _rooms).Where(room => room % _publishers == publisher)];
}
