using System.Diagnostics;
using System.Globalization;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Commands;

/// <summary>Fills a server with events, then stops and kills it by turns, and times each start until it says that it is ready.</summary>
internal sealed class StartCommand : ICommand
{
    private const int Publishers = 64;
    private const int Window = 128;
    private const int TextLength = 60;
    private const long AtOnce = 100_000;

    public string Name => "start";

    public string Summary => "how long a start takes with many events stored, after a stop and after kill -9";

    public IReadOnlyList<Option> Options { get; } =
    [
        new("events", "1000000", "messages that are stored, in all rooms together"),
        new("rooms", "1", "rooms; the messages are shared out"),
        new("members", "1", "members present in each room while it is filled, a connection each"),
        new("starts", "3", "how often it is started after a stop, and how often after a kill"),
        .. SharedOptions.Server,
    ];

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        long events = arguments.Number("events", 1, 100_000_000);
        var rooms = arguments.Number("rooms", 1, 10_000);
        var members = arguments.Number("members", 0, 1_000);
        var starts = arguments.Number("starts", 1, 100);
        await using WebMessengerServer contender = new(arguments.TextOrNull("server"), arguments.All("setting"));
        var server = await contender.StartAsync(new Preparation(Math.Min(100, (rooms * members) + Publishers), rooms), cancellation);
        try
        {
            var watch = Stopwatch.StartNew();
            await FillAsync(server, events, rooms, members, cancellation);
            await Console.Error.WriteLineAsync($"{events:N0} messages stored in {watch.Elapsed.TotalSeconds:F1} s");
            List<Start> afterStop = [];
            List<Start> afterKill = [];
            foreach (var (times, isKill) in Enumerable.Repeat((afterKill, true), starts).Concat(Enumerable.Repeat((afterStop, false), starts)))
            {
                if (isKill)
                {
                    await server.Process.KillAsync();
                }
                else if (!await server.StopAsync())
                {
                    throw new LoadException($"The server did not end in order: {server.Process.LastWords}");
                }

                await server.Process.DisposeAsync();
                watch.Restart();
                server = await contender.StartAgainAsync(server, rooms, cancellation);
                times.Add(new(watch.Elapsed.TotalSeconds, server.Process.Cpu.TotalSeconds));
            }

            var machine = Machine.Describe();
            Console.WriteLine($"{events:N0} events in {rooms:N0} rooms, {members} present in each when it was first killed; {StoredBytes(server.Folder) / 1e6:F0} MB on disk");
            Console.WriteLine($"{machine.Processor}, {machine.Cores} cores, {machine.OperatingSystem}, {machine.Runtime}");
            Console.WriteLine($"from starting the process to its saying that it is ready, after kill -9: {Show(afterKill)}");
            Console.WriteLine($"the same after a stop in order:                                         {Show(afterStop)}");
            return 0;
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    private static async Task FillAsync(ServerUnderTest server, long events, int rooms, int members, CancellationToken cancellation)
    {
        using Swarm swarm = new(server.Door(Transport.Tcp), MqttVersion.V311, rooms);
        var publishers = Enumerable.Range(0, Publishers).Select(publisher => Enumerable.Range(0, rooms).Where(room => room % Publishers == publisher % rooms).ToArray());
        await swarm.OpenAsync([.. Enumerable.Range(0, rooms * members).Select(member => member % rooms)], [.. publishers.Where(of => of.Length > 0)], Window, TextLength, server.Login, cancellation);
        for (var left = events; left > 0; left -= AtOnce)
        {
            swarm.Publish(Math.Min(left, AtOnce));
            await swarm.QuietAsync(cancellation);
        }

        if (await swarm.VerifyAsync(cancellation) is { Count: > 0 } problems)
        {
            throw new LoadException(string.Join(Environment.NewLine, problems));
        }

        // Killed while the members are still there: it has to find out who they were.
        await server.Process.KillAsync();
    }

    private static long StoredBytes(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    private static string Show(List<Start> starts) => $"{Show(starts.ConvertAll(start => start.Seconds))}, CPU {Show(starts.ConvertAll(start => start.Cpu))}";

    private static string Show(List<double> seconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{seconds.Order().ElementAt(seconds.Count / 2):F2} s [{seconds.Min():F2}–{seconds.Max():F2}]");

    private readonly record struct Start(double Seconds, double Cpu);
}
