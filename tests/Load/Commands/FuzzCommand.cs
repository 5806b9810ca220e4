using System.Diagnostics;
using System.Globalization;
using WebMessenger.Load.Fuzz;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Commands;

/// <summary>Millions of hostile packets against the server, with an honest client beside them.</summary>
internal sealed class FuzzCommand : ICommand
{
    private const double AllowedGrowth = 32e6;

    // Their accounts; that of number 0 is the honest client's.
    private static readonly int[] Hostile = [1, 2, 3];

    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AloneTime = TimeSpan.FromSeconds(10);

    public string Name => "fuzz";

    public string Summary => "hostile packets and conversations from a seed: no crash, no connection left, memory bounded, an honest client undisturbed";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("packets", "10000000", "how many to send"),
        new("seed", "", "the same seed makes the same packets; printed when it is left out"),
        new("rate", "0", "hostile connections begun a second, at most; 0: as many as the server takes, sixteen at a time"),
        new("limits", "off", "the server's limits of an address and an account: off, or on as they are shipped"),
        new("through", "account", "access tokens: of an account, which talk in a room, or mount, which hear and say a room's data topics"),
        new("server", "", "another build of WebMessenger.dll, not the one beside this program"),
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var packets = arguments.Number("packets", 1, int.MaxValue);
        var rate = arguments.Number("rate", 0, 100_000);
        var seed = arguments.TextOrNull("seed") is null ? Random.Shared.Next() : arguments.Number("seed", 0, int.MaxValue);
        var limits = arguments.Text("limits") switch
        {
            "on" => true,
            "off" => false,
            _ => throw new UsageException("--limits is on or off."),
        };
        var throughMounts = arguments.Text("through") switch
        {
            "mount" => true,
            "account" => false,
            _ => throw new UsageException("--through is account or mount."),
        };
        await Console.Out.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"{packets} packets, --seed {seed}, --through {arguments.Text("through")}, limits {arguments.Text("limits")}"));
        await using WebMessengerServer contender = new(arguments.TextOrNull("server"), [], limits);
        await using var server = await contender.StartAsync(new Preparation(4, 1), cancellation);
        var logins = throughMounts ? await DeviceRoom.MountsAsync(server, Hostile, cancellation) : [.. Hostile.Select(i => server.Login(i)!)];
        var words = throughMounts ? FuzzWords.Data : FuzzWords.Talk;
        using HonestClient honest = new(server.Mqtt, server.Login(0)!, server.Folder);
        await RunForAsync(honest, Task.Delay(AloneTime, cancellation));
        var alone = Told(honest);
        var open = OpenFiles(server);
        Fuzzer fuzzer = new(server.Mqtt, server.WebSocket, [.. logins.Select(login => new FuzzLogin(login.UserName, login.Secret, words))], seed, rate);

        // What a server takes once (threads, buffers, the store's tables) is taken by then.
        long warm = 0;
        var (before, cpu, own, machine) = (Stopwatch.GetTimestamp(), server.Process.Cpu, Environment.CpuUsage.TotalTime, Machine.Busy());
        await RunForAsync(honest, FuzzAsync());
        var seconds = Stopwatch.GetElapsedTime(before).TotalSeconds;
        (cpu, own) = (server.Process.Cpu - cpu, Environment.CpuUsage.TotalTime - own);
        var others = Machine.Busy() is { } after && machine is { } then ? after - then - cpu - own : TimeSpan.Zero;
        var (left, grown) = await SettleAsync(server, open, warm, cancellation);
        var isAlive = await server.StopAsync();
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"""
            packets {fuzzer.Packets}, connections {fuzzer.Connections} ({fuzzer.Answered} got as far as a CONNACK), in {seconds:0} s: {fuzzer.Packets / seconds:0} packets and {fuzzer.Connections / seconds:0} connections a second
            CPU, in % of a core: server {100 * cpu.TotalSeconds / seconds:0}, generator {100 * own.TotalSeconds / seconds:0}, everything else {100 * others.TotalSeconds / seconds:0}, of {100 * Environment.ProcessorCount}
            connections that the server did not end: {fuzzer.Hung}; files open more than before: {left}
            memory growth after the first fifth: {grown / 1e6:0.0} MB (at {warm / 1e6:0} MB)
            honest client, alone:     {alone}
            honest client, beside it: {Told(honest)}
            server {(isAlive ? "stopped in order" : "did not stop in order: " + server.Process.LastWords)}
            """));
        return isAlive && fuzzer.Hung == 0 && left <= 0 && grown <= AllowedGrowth ? 0 : 1;

        async Task FuzzAsync()
        {
            await fuzzer.RunAsync(packets / 5, cancellation);
            warm = server.Process.ResidentBytes;
            await fuzzer.RunAsync(packets, cancellation);
        }
    }

    private static async Task RunForAsync(HonestClient honest, Task meanwhile)
    {
        using CancellationTokenSource stop = new();
        var talking = honest.RunAsync(stop.Token);
        await Task.WhenAny(meanwhile, talking);
        await stop.CancelAsync();
        await talking;
        await meanwhile;
    }

    private static string Told(HonestClient honest) => string.Create(CultureInfo.InvariantCulture,
        $"{honest.Times.Count} publishes, p50 {Milliseconds(honest.Times, 0.5)}, p99 {Milliseconds(honest.Times, 0.99)}; a write + fdatasync p50 {Milliseconds(honest.Disk, 0.5)}, p99 {Milliseconds(honest.Disk, 0.99)}");

    private static string Milliseconds(Histogram times, double part) => string.Create(CultureInfo.InvariantCulture, $"{times.Microseconds(part) / 1000:0.0} ms");

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
}
