using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Crash;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// Connections that ask for much and read nothing, one kind after the other, none of which goes: what they cost the server in memory, and
/// somebody honest in time.
/// </summary>
/// <remarks>
/// The server's limits of connections of an address and an account are off: all come from one, as a few accounts.
/// Those of long answers are on.
/// </remarks>
internal sealed class UnreadScenario : IScenario
{
    /// <summary>The figure that counts.</summary>
    public const string Growth = "growth, all together";

    private const int Accounts = 20, ReceiveBuffer = 4096;
    private const int FillsBefore = 4;
    private const double MemoryAllowed = 64;

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly int _connections;
    private readonly int _kinds;
    private readonly TimeSpan _seconds;
    private readonly List<Socket> _deaf = [];

    private UnreadScenario(Arguments arguments)
    {
        (_connections, _kinds) = (arguments.Number("connections", 5, 10_000), arguments.Number("kinds", 1, 5));
        _seconds = TimeSpan.FromSeconds(arguments.Number("seconds", 1, 600));
    }

    public static ScenarioKind Kind { get; } = new(
        "unread",
        "connections that read nothing of answers, events, presence, catch-up and history: the server's memory, and an honest client beside them",
        [
            new("connections", "500", "how many, as many of each kind"),
            new("kinds", "5", "how many kinds, in this order: answers, events at QoS 0, at QoS 1 with presence, catch-up, history"),
            new("seconds", "4", "how long each kind goes on before the next one comes beside it"),
        ],
        arguments => new UnreadScenario(arguments),
        IsComparable: false);

    public string Title => string.Create(CultureInfo.InvariantCulture, $"{_connections} connections that read nothing, {_seconds.TotalSeconds:0} s for each kind");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"unread-{_connections}");

    public string Promise => "at most 64 MB more memory for all of them.";

    public Preparation Preparation { get; } = new(Accounts, Rooms: 1);

    public IReadOnlyList<string> KeptLimits { get; } = ["AnswersPerAccount", "AnswersPerAddress"];

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using HonestClient honest = new(server.Mqtt, server.Login(0)!, server.Folder);
        using var speaker = await RawClient.OpenAsync(server.Door(Transport.Tcp), null, server.Login(1), "speaker", 0, cancellation);
        List<Task> asking = [];
        try
        {
            // What it costs to say and to write all that is not read is not what the deaf cost,
            // nor is the store's own memory for what is read, which is full from here on.
            for (var i = 0; i < FillsBefore; i++)
            {
                await Stalling.FillAsync(speaker, RoomTopic.Of(0));
            }

            using (StoredLog log = new(new Uri($"http://{server.WebSocket}"), server.Login(0)!))
            {
                await log.ReadAsync(0, cancellation);
            }

            var (alone, _) = await BesideAsync(honest, server, () => Stalling.FillAsync(speaker, RoomTopic.Of(0)), cancellation);
            var before = server.Process.ResidentBytes;
            List<Figure> figures = [new("memory before", "MB", before / 1e6), .. Times("alone", alone)];
            (string Name, Func<Task> Begin)[] kinds =
            [
                ("answers", () => EachAsync(i => AskAsync(server, i, asking, enough.Token), cancellation)),
                ("events at QoS 0", () => EachAsync(i => SubscribeAsync(server, i, 0, cancellation), cancellation)),
                ("events at QoS 1, presence, unread", () => EachAsync(i => SubscribeAsync(server, i, 1, cancellation), cancellation)),
                ("catch-up", () => EachAsync(i => SubscribeAsync(server, i, i % 2, cancellation, ("after", "0")), cancellation)),
                ("history", () => EachAsync(i => ReadHistoryAsync(server, i, asking, enough.Token), cancellation)),
            ];
            var peak = before;
            foreach (var (name, begin) in kinds.Take(_kinds))
            {
                await begin();
                var (times, most) = await BesideAsync(honest, server, () => TalkAsync(speaker, cancellation), cancellation);
                peak = Math.Max(peak, most);
                figures.Add(new($"growth with {name}", "MB", (most - before) / 1e6));
                figures.AddRange(Times($"beside {name}", times));
            }

            figures.Add(new(Growth, "MB", (peak - before) / 1e6));
            return new Outcome(figures, (peak - before) / 1e6 > MemoryAllowed ? ["the connections that read nothing cost more than 64 MB"] : []);
        }
        finally
        {
            await enough.CancelAsync();
            _deaf.ForEach(socket => socket.Close(0));
            await Task.WhenAll(asking);
        }
    }

    private static IEnumerable<Figure> Times(string name, Histogram times) =>
        [new($"honest publish {name}, p50", "ms", times.Microseconds(0.5) / 1000), new($"honest publish {name}, p99", "ms", times.Microseconds(0.99) / 1000)];

    private async Task EachAsync(Func<int, Task> begin, CancellationToken cancellation)
    {
        for (var i = 0; i < _connections / _kinds; i++)
        {
            await begin(i).WaitAsync(Patience, cancellation);
        }
    }

    // As much as is said meanwhile is more than the sockets between hold, with what comes after.
    private async Task TalkAsync(RawClient speaker, CancellationToken cancellation)
    {
        await Stalling.FillAsync(speaker, RoomTopic.Of(0));
        await Task.Delay(_seconds, cancellation);
    }

    // The honest client's times while this goes on, and the most memory that was seen.
    private static async Task<(Histogram Times, long Peak)> BesideAsync(HonestClient honest, ServerUnderTest server, Func<Task> work, CancellationToken cancellation)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var whispering = honest.RunAsync(over.Token);
        var peak = server.Process.ResidentBytes;
        for (var done = work(); !done.IsCompleted; await Task.WhenAny(done, Task.Delay(Pace, cancellation)))
        {
            peak = Math.Max(peak, server.Process.ResidentBytes);
        }

        await over.CancelAsync();
        await whispering;
        Histogram times = new();
        times.Add(honest.Times);
        return (times, Math.Max(peak, server.Process.ResidentBytes));
    }

    // Signed in, and from here on it reads nothing.
    private async Task<Socket> OpenAsync(ServerUnderTest server, MqttVersion version, int number, CancellationToken cancellation)
    {
        var socket = await ConnectAsync(server.Mqtt, cancellation);
        var name = string.Create(CultureInfo.InvariantCulture, $"deaf-{_deaf.Count}");
        await socket.SendAsync(ConnectWish.Clean.ToPacket(version, name, server.Login(2 + (number % (Accounts - 2)))), cancellation);
        await socket.ReceiveAsync(new byte[4], cancellation);
        return socket;
    }

    private async Task<Socket> ConnectAsync(IPEndPoint server, CancellationToken cancellation)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = ReceiveBuffer };
        _deaf.Add(socket);
        await socket.ConnectAsync(server, cancellation);
        return socket;
    }

    private async Task SubscribeAsync(ServerUnderTest server, int number, int quality, CancellationToken cancellation, params (string Name, string Value)[] from)
    {
        var socket = await OpenAsync(server, MqttVersion.V5, number, cancellation);
        var room = RoomTopic.Of(0);
        string[] filters = from.Length > 0 ? [room] : [room, room + "/presence/+", room + "/info", room + "/text"];
        await socket.SendAsync(ClientPackets.Subscribe(MqttVersion.V5, 1, filters, (byte)quality, from), cancellation);
    }

    // Refused publishes, whose answers have reasons, and pings by turns.
    private async Task AskAsync(ServerUnderTest server, int number, List<Task> asking, CancellationToken enough)
    {
        var version = number % 2 == 0 ? MqttVersion.V5 : MqttVersion.V311;
        var socket = await OpenAsync(server, version, number, enough);
        var packet = number % 4 < 2 ? ClientPackets.Publish(version, "nonsense", "x"u8, 1, packetId: 1) : ClientPackets.PingReq;
        asking.Add(SendOnAsync(socket, [.. Enumerable.Repeat(packet, 4096 / packet.Length).SelectMany(bytes => bytes)], enough));
    }

    private async Task ReadHistoryAsync(ServerUnderTest server, int number, List<Task> asking, CancellationToken enough)
    {
        var socket = await ConnectAsync(server.WebSocket, enough);
        var login = server.Login(2 + (number % (Accounts - 2)))!;
        var request = Encoding.ASCII.GetBytes(
            $"GET /api/rooms/{RoomTopic.IdOf(0)}/events?limit=500 HTTP/1.1\r\nHost: {server.WebSocket}\r\nAuthorization: Bearer {login.Secret}\r\n\r\n");
        asking.Add(SendOnAsync(socket, request, enough));
    }

    private static async Task SendOnAsync(Socket socket, byte[] bytes, CancellationToken enough)
    {
        try
        {
            while (!enough.IsCancellationRequested)
            {
                for (var sent = 0; sent < bytes.Length;)
                {
                    sent += await socket.SendAsync(bytes.AsMemory(sent), enough);
                }
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The server has closed it, or the run is over.
        }
    }
}
