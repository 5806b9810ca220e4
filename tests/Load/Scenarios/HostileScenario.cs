using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// Connections that mean harm before they have signed in, and take-overs of clients that have stopped reading:
/// what they cost, and how long an honest CONNECT takes beside them.
/// </summary>
/// <remarks>The server's limits of an address are off: all come from one.</remarks>
internal sealed class HostileScenario : IScenario
{
    private const int Honest = 1, Accounts = 2;
    private const long MemoryAllowed = 64_000_000;
    private const double IdleSlack = 0.05;

    private static readonly TimeSpan ConnectAllowed = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly int _connections;
    private readonly int _halfOpen;
    private readonly int _connects;
    private readonly int _takeOvers;

    private HostileScenario(Arguments arguments)
    {
        (_connections, _halfOpen) = (arguments.Number("connections", 1, 20_000), arguments.Number("halfopen", 1, 20_000));
        (_connects, _takeOvers) = (arguments.Number("connects", 1, 10_000), arguments.Number("takeovers", 1, 1_000));
    }

    public static ScenarioKind Kind { get; } = new(
        "hostile",
        "half-open, slow and senseless connections, and take-overs of stalled clients: memory, CPU, and an honest CONNECT beside them",
        [
            new("connections", "1000", "hostile ones at once: half-open, slow, garbage, huge lengths"),
            new("halfopen", "5000", "half-open ones that are kept up while honest clients connect"),
            new("connects", "200", "honest clients that connect meanwhile, one after the other"),
            new("takeovers", "50", "clients that stop reading and whose id is taken"),
        ],
        arguments => new HostileScenario(arguments),
        IsComparable: false);

    public string Title => string.Create(CultureInfo.InvariantCulture,
        $"{_connections} hostile connections, {_halfOpen} half-open ones beside {_connects} honest CONNECTs, {_takeOvers} stalled take-overs");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"hostile-{_connections}-{_halfOpen}");

    public string Promise => "at most 64 MB for all hostile connections, CPU back within 5 % of a core a second after, honest CONNECTs within 200 ms (p99).";

    public Preparation Preparation => new(Accounts, Rooms: 1);

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        // Code and pools that any connection needs are not theirs.
        var warmUp = await AttackAsync(server, 100, cancellation);
        await ConnectsAsync(server, 100, "warm", cancellation);
        CloseAll(warmUp);
        await Task.Delay(Second * 2, cancellation);
        var idle = await CpuAsync(server, cancellation);
        var memoryBefore = server.Process.ResidentBytes;

        var hostile = await AttackAsync(server, _connections, cancellation);
        var memoryPeak = server.Process.ResidentBytes;
        for (var i = 0; i < 20; i++)
        {
            await Task.Delay(Second / 4, cancellation);
            memoryPeak = Math.Max(memoryPeak, server.Process.ResidentBytes);
        }

        // The server has closed what was silent for 5 s; the rest goes with us.
        CloseAll(hostile);
        await Task.Delay(Second, cancellation);
        var idleAfter = await CpuAsync(server, cancellation);

        var alone = await ConnectsAsync(server, _connects, "alone", cancellation);
        var beside = await BesideHalfOpenAsync(server, cancellation);
        var (taking, others) = await TakeOversAsync(server, cancellation);
        List<Figure> figures =
        [
            new("memory for the hostile connections", "MB", Math.Max(0, memoryPeak - memoryBefore) / 1e6),
            new("CPU when idle", "% of a core", 100 * idle),
            new("CPU when idle, a second after", "% of a core", 100 * idleAfter),
            .. Figures("CONNECT alone", alone),
            .. Figures($"CONNECT beside {_halfOpen} half-open", beside),
            .. Figures("CONNECT that takes over a stalled client", taking),
            .. Figures("another's CONNECT meanwhile", others),
        ];
        List<string> problems = [];
        if (memoryPeak - memoryBefore > MemoryAllowed)
        {
            problems.Add("the hostile connections cost more than 64 MB");
        }

        if (idleAfter > idle + IdleSlack)
        {
            problems.Add("the CPU was not back within 5 % of a core after a second");
        }

        if (beside.Microseconds(0.99) > ConnectAllowed.TotalMicroseconds || taking.Microseconds(1) > ConnectAllowed.TotalMicroseconds || others.Microseconds(1) > ConnectAllowed.TotalMicroseconds)
        {
            problems.Add("an honest CONNECT took longer than 200 ms");
        }

        return new Outcome(figures, problems);
    }

    private static IEnumerable<Figure> Figures(string name, Histogram times) =>
        [new(name + ", p50", "ms", times.Microseconds(0.5) / 1000), new(name + ", p99", "ms", times.Microseconds(0.99) / 1000), new(name + ", max", "ms", times.Microseconds(1) / 1000)];

    /// <summary>Of the server, as a part of a core.</summary>
    private static async Task<double> CpuAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        var (cpu, start) = (server.Process.Cpu, Stopwatch.GetTimestamp());
        await Task.Delay(Second * 2, cancellation);
        return (server.Process.Cpu - cpu) / Stopwatch.GetElapsedTime(start);
    }

    private static void CloseAll(IEnumerable<Socket> sockets)
    {
        foreach (var socket in sockets)
        {
            socket.Close(0);
        }
    }

    private static async Task<Socket> OpenAsync(IPEndPoint server, CancellationToken cancellation)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, cancellation);
        return socket;
    }

    /// <summary>
    /// A quarter each: silent; a CONNECT a byte at a time, here its first half; garbage; a length of 256 MB, and some of it.
    /// </summary>
    private static async Task<List<Socket>> AttackAsync(ServerUnderTest server, int connections, CancellationToken cancellation)
    {
        Random random = new(1);
        var connect = ConnectWish.Clean.ToPacket(MqttVersion.V5, "slow", server.Login(0));
        var garbage = new byte[4096];
        List<Socket> sockets = [];
        for (var i = 0; i < connections; i++)
        {
            var socket = await OpenAsync(server.Mqtt, cancellation);
            sockets.Add(socket);
            random.NextBytes(garbage);
            ReadOnlyMemory<byte> bytes = (i % 4) switch
            {
                0 => default,
                1 => connect.AsMemory(0, connect.Length / 2),
                2 => garbage,
                _ => (byte[])[0x10, 0xFF, 0xFF, 0xFF, 0x7F, .. garbage],
            };
            try
            {
                await socket.SendAsync(bytes, cancellation);
            }
            catch (SocketException)
            {
                // Closed by the server already.
            }
        }

        return sockets;
    }

    /// <summary>Honest clients of one account, one after the other: from the first byte to CONNACK.</summary>
    private static async Task<Histogram> ConnectsAsync(ServerUnderTest server, int connects, string name, CancellationToken cancellation)
    {
        Histogram times = new();
        for (var i = 0; i < connects; i++)
        {
            var start = Stopwatch.GetTimestamp();
            using var client = await RawClient.OpenAsync(
                server.Door(Transport.Tcp), null, server.Login(Honest), string.Create(CultureInfo.InvariantCulture, $"{name}-{i}"), 0, cancellation);
            times.Record(Stopwatch.GetTimestamp() - start);
        }

        return times;
    }

    private async Task<Histogram> BesideHalfOpenAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        TaskCompletionSource full = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var keeping = KeepHalfOpenAsync(server, full, enough.Token);
        await Task.WhenAny(full.Task, keeping);
        var times = await ConnectsAsync(server, _connects, "beside", cancellation);
        await enough.CancelAsync();
        CloseAll(await keeping);
        return times;
    }

    /// <summary>The server closes what is silent for 5 s, so they are opened anew in turn, all within four.</summary>
    private async Task<IEnumerable<Socket>> KeepHalfOpenAsync(ServerUnderTest server, TaskCompletionSource full, CancellationToken enough)
    {
        Queue<Socket> open = new();
        var begin = Stopwatch.GetTimestamp();
        try
        {
            for (long opened = 0; ; opened++)
            {
                open.Enqueue(await OpenAsync(server.Mqtt, enough));
                if (open.Count > _halfOpen)
                {
                    full.TrySetResult();
                    open.Dequeue().Close(0);
                    var early = TimeSpan.FromSeconds(4.0 * opened / _halfOpen) - Stopwatch.GetElapsedTime(begin);
                    if (early > TimeSpan.FromMilliseconds(20))
                    {
                        await Task.Delay(early, enough);
                    }
                }
            }
        }
        catch (OperationCanceledException) when (enough.IsCancellationRequested)
        {
            return open;
        }
    }

    private async Task<(Histogram Taking, Histogram Others)> TakeOversAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        Histogram taking = new(), others = new();
        var door = server.Door(Transport.Tcp);
        using (var speaker = await RawClient.OpenAsync(door, null, server.Login(0), "speaker", 0, cancellation))
        {
            await Stalling.FillAsync(speaker, RoomTopic.Of(0));
        }

        for (var i = 0; i < _takeOvers; i++)
        {
            using var stalled = await RawClient.OpenAsync(door, null, server.Login(0), "stalled", 4096, cancellation);
            await Stalling.StallAsync(stalled, RoomTopic.Of(0));
            var start = Stopwatch.GetTimestamp();
            async Task<RawClient> TimedAsync(int login, string name, Histogram times)
            {
                var client = await RawClient.OpenAsync(door, null, server.Login(login), name, 0, cancellation);
                lock (times)
                {
                    times.Record(Stopwatch.GetTimestamp() - start);
                }

                return client;
            }

            foreach (var client in await Task.WhenAll(TimedAsync(0, "stalled", taking), TimedAsync(Honest, "other", others)))
            {
                client.Dispose();
            }
        }

        return (taking, others);
    }
}
