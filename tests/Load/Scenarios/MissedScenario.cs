using System.Globalization;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Crash;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>How long a client that was away takes to have what it missed, while others go on talking.</summary>
internal sealed class MissedScenario : IScenario
{
    private const string ClientId = "away";
    private const uint SessionExpirySeconds = 3600;

    private readonly int _events;
    private readonly int _times;
    private readonly int _rate;
    private readonly int _textLength;
    private readonly bool _isDurableToo;

    private MissedScenario(Arguments arguments)
    {
        (_events, _times, _rate) = (arguments.Number("events", 1, 1_000_000), arguments.Number("times", 1, 1_000), arguments.Number("rate", 1, 10_000));
        _textLength = arguments.TextLength();
        _isDurableToo = arguments.Text("durable") switch
        {
            "yes" => true,
            "no" => false,
            _ => throw new UsageException("--durable must be yes or no."),
        };
    }

    public static ScenarioKind Kind { get; } = new(
        "missed",
        "a client that missed many events comes back, beside live traffic: the time until it has them",
        [
            new("events", "10000", "how many it missed"),
            new("times", "5", "how often, for each way to come back"),
            new("rate", "50", "messages a second meanwhile"),
            new("durable", "yes", "yes: also clients whose place the server keeps"),
            SharedOptions.Text,
        ],
        arguments => new MissedScenario(arguments),
        IsComparable: false);

    public string Title => string.Create(CultureInfo.InvariantCulture, $"{_events} missed events, {_textLength}-byte text, {_rate} messages/s meanwhile; from opening the socket to the last event missed");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"missed-{_events}");

    public Preparation Preparation { get; } = new(Accounts: 2, Rooms: 1);

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using Swarm swarm = new(server.Door(Transport.Tcp), MqttVersion.V5, rooms: 1);
        using StoredLog log = new(new Uri($"http://{server.WebSocket}"), server.Login(0)!);
        await swarm.OpenAsync([], [[0]], window: 64, _textLength, server.Login, cancellation);
        await PublishAsync(swarm, cancellation);
        List<Figure> figures = [];
        foreach (var (name, quality, wish) in Ways())
        {
            await MeasureAsync(name, figures, () => AfterAsync(server, swarm, log, quality, wish, cancellation));
        }

        foreach (var (name, version, wish) in _isDurableToo ? DurableWays() : [])
        {
            await MeasureAsync(name, figures, () => DurableAsync(server, swarm, log, version, wish, cancellation));
        }

        return new Outcome(figures, await swarm.VerifyAsync(cancellation));
    }

    private static IEnumerable<(string Name, byte Quality, ConnectWish Wish)> Ways() =>
    [
        ("`after`, Receive Maximum 65535", 1, new ConnectWish(ReceiveMaximum: ushort.MaxValue)),
        ("`after`, Receive Maximum 20", 1, new ConnectWish(ReceiveMaximum: 20)),
        ("`after`, QoS 0", 0, ConnectWish.Clean),
    ];

    private static IEnumerable<(string Name, MqttVersion Version, ConnectWish Wish)> DurableWays() =>
    [
        ("durable, 3.1.1", MqttVersion.V311, new ConnectWish(IsClean: false)),
        ("durable, 5", MqttVersion.V5, new ConnectWish(IsClean: false, SessionExpirySeconds)),
        ("durable, 5, Receive Maximum 20", MqttVersion.V5, new ConnectWish(IsClean: false, SessionExpirySeconds, ReceiveMaximum: 20)),
    ];

    private async Task MeasureAsync(string name, List<Figure> figures, Func<Task<TimeSpan>> once)
    {
        // The first warms up.
        await once();
        List<double> times = [];
        for (var i = 0; i < _times; i++)
        {
            times.Add((await once()).TotalMilliseconds);
        }

        times.Sort();
        figures.Add(new Figure($"{name}, median", "ms", times[times.Count / 2]));
        figures.Add(new Figure($"{name}, longest", "ms", times[^1]));
    }

    private async Task<TimeSpan> AfterAsync(ServerUnderTest server, Swarm swarm, StoredLog log, byte quality, ConnectWish wish, CancellationToken cancellation)
    {
        var head = await log.HeadAsync(0, cancellation);
        var after = head - _events;
        return await AmidTrafficAsync(swarm, () => CatchUpProbe.RunAsync(
            server.Mqtt,
            MqttVersion.V5,
            wish.ToPacket(MqttVersion.V5, ClientId, server.Login(1)),
            ClientPackets.Subscribe(MqttVersion.V5, 1, RoomTopic.Of(0), quality, ("after", after.ToString(CultureInfo.InvariantCulture))),
            after,
            head,
            cancellation), cancellation);
    }

    private async Task<TimeSpan> DurableAsync(ServerUnderTest server, Swarm swarm, StoredLog log, MqttVersion version, ConnectWish wish, CancellationToken cancellation)
    {
        // Begins anew, so that it is known where it begins.
        var connect = wish.ToPacket(version, ClientId, server.Login(1));
        await CatchUpProbe.RunAsync(
            server.Mqtt, version, (wish with { IsClean = true, SessionExpirySeconds = 0 }).ToPacket(version, ClientId, server.Login(1)), ClientPackets.Subscribe(version, 1, RoomTopic.Of(0), 1), 0, 0, cancellation);
        await CatchUpProbe.RunAsync(server.Mqtt, version, connect, ClientPackets.Subscribe(version, 1, RoomTopic.Of(0), 1), 0, 0, cancellation);
        var after = await log.HeadAsync(0, cancellation);
        await PublishAsync(swarm, cancellation);
        var head = await log.HeadAsync(0, cancellation);
        return await AmidTrafficAsync(swarm, () => CatchUpProbe.RunAsync(server.Mqtt, version, connect, null, after, head, cancellation), cancellation);
    }

    private async Task<TimeSpan> AmidTrafficAsync(Swarm swarm, Func<Task<TimeSpan>> measure, CancellationToken cancellation)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var traffic = swarm.PublishAtRateAsync(_rate, enough.Token);
        var took = await measure();
        await enough.CancelAsync();
        await traffic;
        await swarm.QuietAsync(cancellation);
        return took;
    }

    private Task PublishAsync(Swarm swarm, CancellationToken cancellation)
    {
        swarm.Publish(_events);
        return swarm.QuietAsync(cancellation);
    }
}
