using System.Globalization;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>Subscribers that take what comes and never acknowledge it, while a room goes on: what they cost the server in memory.</summary>
internal sealed class SilentScenario : IScenario, IPacketHandler
{
    /// <summary>The figure that counts.</summary>
    public const string Growth = "growth";

    /// <summary>A reference to a shared packet, which is the least that a queue would keep of each message for each subscriber.</summary>
    private const int BytesOfReference = 8;

    private const int Window = 64;

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly int _subscribers;
    private readonly int _messages;
    private readonly int _textLength;
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _allSubscribed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _subscribed;
    private int _ended;
    private long _deliveries;

    private SilentScenario(Arguments arguments)
        : this(arguments.Number("subscribers", 1, 10_000), arguments.Number("messages", 1, 10_000_000), arguments.TextLength())
    {
    }

    public SilentScenario(int subscribers, int messages, int textLength) => (_subscribers, _messages, _textLength) = (subscribers, messages, textLength);

    public static ScenarioKind Kind { get; } = new(
        "silent",
        "subscribers that never acknowledge while messages pass: the server's memory",
        [
            new("subscribers", "200", "how many, half of them MQTT 5, half 3.1.1"),
            new("messages", "100000", "how many pass; as many pass before anybody subscribes, to warm up"),
            SharedOptions.Text,
        ],
        arguments => new SilentScenario(arguments),
        IsComparable: false);

    /// <summary>What is kept if every subscriber has a queue of copies.</summary>
    public double MegabytesOfCopies => (double)_subscribers * _messages * _textLength / 1e6;

    public string Title => string.Create(CultureInfo.InvariantCulture, $"{_subscribers} subscribers at QoS 1 that never acknowledge, {_messages} messages, {_textLength}-byte text");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"silent-{_subscribers}x{_messages}");

    public Preparation Preparation { get; } = new(Accounts: 20, Rooms: 1);

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using Swarm swarm = new(server.Door(Transport.Tcp), MqttVersion.V5, rooms: 1);
        await swarm.OpenAsync([], [[0]], Window, _textLength, server.Login, cancellation);
        var peakBefore = await PassAsync(swarm, server, cancellation);
        var links = await SubscribeAsync(server, cancellation);
        try
        {
            var before = server.Process.ResidentBytes;
            var peak = Math.Max(before, await PassAsync(swarm, server, cancellation));
            int ended;
            long deliveries;
            lock (_gate)
            {
                (ended, deliveries) = (_ended, _deliveries);
            }

            List<Figure> figures =
            [
                new("memory after as many without subscribers", "MB", peakBefore / 1e6),
                new("memory when all are subscribed", "MB", before / 1e6),
                new("most memory while messages pass", "MB", peak / 1e6),
                new(Growth, "MB", (peak - before) / 1e6),
                new("a queue for each, of references", "MB", (double)_subscribers * _messages * BytesOfReference / 1e6),
                new("a queue for each, of copies", "MB", MegabytesOfCopies),
                new("deliveries", "", deliveries),
                new("subscribers closed meanwhile", "", ended),
            ];
            return new Outcome(figures, [.. await swarm.VerifyAsync(cancellation), .. deliveries == 0 ? ["Nothing was delivered at all."] : Array.Empty<string>()]);
        }
        finally
        {
            foreach (var link in links)
            {
                link.Cut();
            }
        }
    }

    void IPacketHandler.Handle(in ServerPacket packet)
    {
        lock (_gate)
        {
            switch (packet.Type)
            {
                case PacketType.SubAck when ++_subscribed == _subscribers:
                    _allSubscribed.TrySetResult();
                    break;
                case PacketType.Publish:
                    _deliveries++;
                    break;
            }
        }
    }

    void IPacketHandler.AllHandled()
    {
        // Nothing is ever said.
    }

    private async Task<List<MqttLink>> SubscribeAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        List<MqttLink> links = [];
        for (var i = 0; i < _subscribers; i++)
        {
            var version = i % 2 == 0 ? MqttVersion.V5 : MqttVersion.V311;
            var link = await MqttLink.TryOpenAsync(server.Mqtt, cancellation) ?? throw new LoadException("The server does not listen any more.");
            links.Add(link);
            link.Send(ConnectWish.Clean.ToPacket(version, string.Create(CultureInfo.InvariantCulture, $"silent-{i}"), server.Login(i)));
            link.Send(ClientPackets.Subscribe(version, 1, RoomTopic.Of(0), 1));
            _ = ReadAsync(link);
        }

        try
        {
            await _allSubscribed.Task.WaitAsync(Patience, cancellation);
        }
        catch (TimeoutException)
        {
            throw new LoadException("Not all could subscribe.");
        }

        return links;
    }

    private async Task ReadAsync(MqttLink link)
    {
        await link.ReadAsync(this, 4 * 1024);
        lock (_gate)
        {
            _ended++;
        }
    }

    // Returns the most memory that was seen.
    private async Task<long> PassAsync(Swarm swarm, ServerUnderTest server, CancellationToken cancellation)
    {
        swarm.Publish(_messages);
        var passed = swarm.QuietAsync(cancellation);
        var peak = server.Process.ResidentBytes;
        while (!passed.IsCompleted)
        {
            await Task.WhenAny(passed, Task.Delay(Pace, cancellation));
            peak = Math.Max(peak, server.Process.ResidentBytes);
        }

        await passed;
        return peak;
    }
}
