using System.Globalization;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>Publishers that keep their windows full, or publish at a steady rate, to rooms with members. Everything at QoS 1.</summary>
internal sealed class TrafficScenario : IScenario
{
    /// <summary>
    /// More would be an account for every connection, which costs a password hash each and changes nothing for a delivery.
    /// </summary>
    private const int AccountsAtMost = 100;

    private readonly Crowd _crowd;
    private readonly int _window;
    private readonly int _textLength;
    private readonly TimeSpan _warmUp;
    private readonly TimeSpan _seconds;
    private readonly MqttVersion _version;
    private readonly Transport _transport;

    private TrafficScenario(string name, Crowd crowd, Arguments arguments)
    {
        _crowd = crowd;
        _window = arguments.Number("window", 1, 128);
        _textLength = arguments.TextLength();
        (_warmUp, _seconds) = (arguments.Seconds("warmup"), arguments.Seconds("seconds"));
        (_version, _transport) = (arguments.Version(), arguments.Transport());
        Preparation = new Preparation(Math.Min(AccountsAtMost, (crowd.Rooms * crowd.Members) + crowd.Publishers), crowd.Rooms + crowd.IdleRooms);
        FileName = string.Create(CultureInfo.InvariantCulture,
            $"{name}-{crowd.Rooms}x{crowd.Members}-{crowd.Publishers}x{_window}{Part("-", crowd.Rate, "ps")}{Part("-idle", crowd.IdleRooms)}{Part("-stalled", crowd.Stalled)}{SharedOptions.Suffix(_version, _transport)}");
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
            new("idle-rooms", "0", "further rooms with as many members each, to which nobody speaks"),
            new("stalled", "0", "members that stop reading, beside the others, in three of six turns of half the seconds each: what the others notice"),
            .. SharedOptions.Traffic,
        ],
        arguments => new TrafficScenario(
            "room",
            new Crowd(
                arguments.Number("rooms", 1, 10_000),
                arguments.Number("members", 1, 10_000),
                arguments.Number("publishers", 1, 1_000),
                arguments.Number("rate", 0, 100_000),
                arguments.Number("idle-rooms", 0, 10_000),
                arguments.Number("stalled", 0, 1_000)),
            arguments));

    public static ScenarioKind Senders { get; } = new(
        "senders",
        "many senders whom nobody hears: what the log takes",
        [
            new("senders", "256", "publishers, a connection each"),
            new("rooms", "1", "rooms; senders share them out"),
            new("window", "16", "unacknowledged publishes that each sender keeps under way, 1 to 128"),
            .. SharedOptions.Traffic,
        ],
        arguments => new TrafficScenario("senders", new Crowd(arguments.Number("rooms", 1, 10_000), 0, arguments.Number("senders", 1, 10_000)), arguments));

    public string Title => string.Create(CultureInfo.InvariantCulture,
        $"rooms: {_crowd.Rooms}, members of each: {_crowd.Members}{Part(", more rooms where nobody speaks: ", _crowd.IdleRooms)}{Part(", members that stop reading: ", _crowd.Stalled)}, publishers: {_crowd.Publishers}, {(_crowd.Rate > 0 ? $"publishes/s: {_crowd.Rate}" : $"window: {_window}")}, {_textLength}-byte text, QoS 1, {_version.Name()}, {_transport.Name()}");

    public string FileName { get; }

    public Preparation Preparation { get; }

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        StalledTurns? turns = _crowd.Stalled > 0 ? await StalledTurns.PrepareAsync(server, _crowd.Stalled, _seconds, cancellation) : null;
        using Swarm swarm = new(server.Door(_transport), _version, _crowd.Rooms + _crowd.IdleRooms);
        var (busy, idle) = (_crowd.Rooms * _crowd.Members, _crowd.IdleRooms * _crowd.Members);
        await swarm.OpenAsync(
            [.. Enumerable.Range(0, busy).Select(member => member % _crowd.Rooms), .. Enumerable.Range(0, idle).Select(member => _crowd.Rooms + (member % _crowd.IdleRooms))],
            [.. Enumerable.Range(0, _crowd.Publishers).Select(RoomsOf)],
            _window,
            _textLength,
            server.Login,
            cancellation);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var publishing = _crowd.Rate > 0 ? swarm.PublishAtRateAsync(_crowd.Rate, enough.Token) : Task.CompletedTask;
        if (_crowd.Rate == 0)
        {
            swarm.Publish(long.MaxValue);
        }

        await swarm.GoOnAsync(_warmUp, cancellation);
        Meter meter = new(server, swarm);
        IReadOnlyList<Figure> figures;
        if (turns is not null)
        {
            figures = await turns.RunAsync(swarm, meter, cancellation);
        }
        else
        {
            meter.Begin();
            await swarm.GoOnAsync(_seconds, cancellation);
            figures = meter.End();
        }

        await enough.CancelAsync();
        await publishing;
        swarm.Stop();
        await swarm.QuietAsync(cancellation);
        return new Outcome(figures, await swarm.VerifyAsync(cancellation));
    }

    private static string Part(string before, int number, string after = "") => number > 0 ? string.Create(CultureInfo.InvariantCulture, $"{before}{number}{after}") : "";

    private int[] RoomsOf(int publisher) => _crowd.Publishers > _crowd.Rooms
        ? [publisher % _crowd.Rooms]
        : [.. Enumerable.Range(0, _crowd.Rooms).Where(room => room % _crowd.Publishers == publisher)];

    /// <param name="Members">Of each room.</param>
    /// <param name="Rate">Publishes a second, all together; 0: as many as the window lets through.</param>
    /// <param name="IdleRooms">Further rooms with as many members, to which nobody speaks.</param>
    /// <param name="Stalled">Members of the first room, beside the others, that stop reading.</param>
    private sealed record Crowd(int Rooms, int Members, int Publishers, int Rate = 0, int IdleRooms = 0, int Stalled = 0);
}
