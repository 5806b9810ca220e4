using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using WebMessenger.Load.Fuzz;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Load.Wire;

namespace WebMessenger.Load.Commands;

/// <summary>Millions of hostile packets against the server, with an honest client beside them.</summary>
internal sealed class FuzzCommand : ICommand
{
    private const double AllowedGrowth = 32e6;

    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(30);

    public string Name => "fuzz";

    public string Summary => "hostile packets and conversations from a seed: no crash, no connection left, memory bounded, an honest client undisturbed";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("packets", "10000000", "how many to send"),
        new("seed", "", "the same seed makes the same packets; printed when it is left out"),
        new("server", "", "another build of WebMessenger.dll, not the one beside this program"),
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var packets = arguments.Number("packets", 1, int.MaxValue);
        var seed = arguments.TextOrNull("seed") is null ? Random.Shared.Next() : arguments.Number("seed", 0, int.MaxValue);
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{packets} packets, --seed {seed}"));
        await using WebMessengerServer contender = new(arguments.TextOrNull("server"), []);
        await using var server = await contender.StartAsync(new Preparation(4, 1), cancellation);
        var accounts = Enumerable.Range(1, 3).Select(i => server.Login(i)!).Select(login => (login.UserName, login.Secret)).ToList();
        var open = OpenFiles(server);
        Fuzzer fuzzer = new(server.Mqtt, server.WebSocket, accounts, seed);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var honest = HonestAsync(server.Mqtt, server.Login(0)!, stop.Token);

        // What a server takes once (threads, buffers, the store's tables) is taken by then.
        var before = Stopwatch.GetTimestamp();
        await fuzzer.RunAsync(packets / 5, cancellation);
        var warm = server.Process.ResidentBytes;
        await fuzzer.RunAsync(packets, cancellation);
        var seconds = Stopwatch.GetElapsedTime(before).TotalSeconds;
        await stop.CancelAsync();
        var times = await honest;
        var (left, grown) = await SettleAsync(server, open, warm, cancellation);
        var isAlive = await server.StopAsync();
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"""
            packets {fuzzer.Packets}, connections {fuzzer.Connections}, in {seconds:0} s
            connections that the server did not end: {fuzzer.Hung}; files open more than before: {left}
            memory growth after the first fifth: {grown / 1e6:0.0} MB (at {warm / 1e6:0} MB)
            honest client: {times.Count} publishes, p50 {times.Microseconds(0.5) / 1000:0.0} ms, p99 {times.Microseconds(0.99) / 1000:0.0} ms
            server {(isAlive ? "stopped in order" : "did not stop in order: " + server.Process.LastWords)}
            """));
        return isAlive && fuzzer.Hung == 0 && left <= 0 && grown <= AllowedGrowth ? 0 : 1;
    }

    // Keep-alives and durable clients end by themselves; the last sockets take a moment.
    private static async Task<(int Left, double Grown)> SettleAsync(ServerUnderTest server, int open, long warm, CancellationToken cancellation)
    {
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(200));
        var since = Stopwatch.GetTimestamp();
        while (OpenFiles(server) > open && Stopwatch.GetElapsedTime(since) < SettleTime)
        {
            await look.WaitForNextTickAsync(cancellation);
        }

        return (OpenFiles(server) - open, server.Process.ResidentBytes - (double)warm);
    }

    // Sockets only: the store opens and closes files of its own.
    private static int OpenFiles(ServerUnderTest server) => OperatingSystem.IsLinux()
        ? new DirectoryInfo($"/proc/{server.Process.Id}/fd").EnumerateFileSystemInfos().Count(file => file.LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true)
        : 0;

    private static async Task<Histogram> HonestAsync(IPEndPoint address, Login login, CancellationToken stop)
    {
        Histogram times = new();
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address, CancellationToken.None);
        await socket.SendAsync(ClientPackets.Connect(MqttVersion.V311, "honest", login), CancellationToken.None);
        var buffer = new byte[4];
        await ReceiveAsync(socket, buffer);
        var publish = ClientPackets.Publish(MqttVersion.V311, "users/" + login.UserName, "honest"u8, out var packetIdAt);
        publish[packetIdAt + 1] = 1;
        using PeriodicTimer pace = new(TimeSpan.FromMilliseconds(20));
        while (!stop.IsCancellationRequested)
        {
            await pace.WaitForNextTickAsync(CancellationToken.None);
            var at = Stopwatch.GetTimestamp();
            await socket.SendAsync(publish, CancellationToken.None);
            await ReceiveAsync(socket, buffer);
            times.Record(Stopwatch.GetTimestamp() - at);
        }

        return times;
    }

    private static async Task ReceiveAsync(Socket socket, byte[] whole)
    {
        for (var got = 0; got < whole.Length;)
        {
            var count = await socket.ReceiveAsync(whole.AsMemory(got));
            got += count > 0 ? count : throw new LoadException("The server closed the honest client's connection.");
        }
    }
}
