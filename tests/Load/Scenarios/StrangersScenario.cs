using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// Strangers at some addresses who hold all the sockets they get, by every door, and say nothing, half of something, or it slowly:
/// what connected people and newcomers notice.
/// </summary>
/// <remarks>The server's limits are as it is shipped. It must have MQTT over TLS and https, too.</remarks>
internal sealed class StrangersScenario(int addresses, int socketsOfEach, TimeSpan time) : IScenario
{
    /// <summary>Names of figures, for who looks at them.</summary>
    public const string HeldByStrangers = "sockets held by strangers", Refused = "newcomers that did not come in";

    private const int Honest = 3, Newcomer = Honest;

    /// <summary>Connected people's publishes may take so many times as long (p99) as before.</summary>
    private const double SlowerAllowed = 2;

    private static readonly TimeSpan NewcomerAllowed = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FillTime = TimeSpan.FromSeconds(10);

    public string Title => string.Create(CultureInfo.InvariantCulture, $"strangers at {addresses} addresses, {socketsOfEach} sockets wanted by each, beside {Honest} who talk");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"strangers-{addresses}-{socketsOfEach}");

    public string Promise => "the server lives; during the attack acknowledgements take at most twice as long (p99), and a newcomer from another address is in its room within a second (p99).";

    public Preparation Preparation => new(Honest + 1, Rooms: 1);

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        List<HonestClient> people = [];
        try
        {
            for (var i = 0; i < Honest; i++)
            {
                // Each syncs a file of its own beside the server's.
                var folder = Directory.CreateDirectory(Path.Combine(server.Folder, string.Create(CultureInfo.InvariantCulture, $"probe-{i}")));
                people.Add(new HonestClient(server.Mqtt, server.Login(i)!, folder.FullName));
            }

            // Code that is not compiled yet is nobody's attack.
            await TalkAsync(people, time / 3, cancellation);
            await NewcomersAsync(server, time / 3, cancellation);

            // Newcomers come in both halves: what they cost is not the strangers'.
            var firstNewcomers = NewcomersAsync(server, time, cancellation);
            var before = await TalkAsync(people, time, cancellation);
            var (firstIns, _) = await firstNewcomers;

            // What a thread that only writes and syncs waits for is the machine's, which the strangers work on as well.
            var diskBefore = DiskOf(people);

            await using var strangers = StrangersProcess.Start(server, addresses, socketsOfEach);
            await Task.Delay(FillTime, cancellation);
            var newcomers = NewcomersAsync(server, time, cancellation);
            var during = await TalkAsync(people, time, cancellation);
            var diskDuring = DiskOf(people);
            var (ins, failed) = await newcomers;
            var (held, opened) = (strangers.Held, strangers.Opened);
            await strangers.StopAsync();

            List<Figure> figures =
            [
                new(HeldByStrangers, "", held),
                new("sockets they opened, all in all", "", opened),
                .. Figures("publish before", before),
                .. Figures("publish during", during),
                .. Figures("write and sync beside it, before", diskBefore),
                .. Figures("write and sync beside it, during", diskDuring),
                .. Figures("newcomer in the room before", firstIns),
                .. Figures("newcomer in the room during", ins),
                new(Refused, "", failed),
                new("the server's memory", "MB", server.Process.ResidentBytes / 1e6),
            ];
            return new Outcome(figures, [.. Problems(before, during, ins, failed)]);
        }
        finally
        {
            people.ForEach(person => person.Dispose());
        }
    }

    private static IEnumerable<string> Problems(Histogram before, Histogram during, Histogram ins, int failed)
    {
        if (during.Microseconds(0.99) > SlowerAllowed * before.Microseconds(0.99))
        {
            yield return "connected people waited more than twice as long (p99)";
        }

        if (failed > 0)
        {
            yield return "newcomers did not come in";
        }

        if (ins.Count == 0 || ins.Microseconds(0.99) > NewcomerAllowed.TotalMicroseconds)
        {
            yield return "a newcomer took longer than a second (p99)";
        }
    }

    private static IEnumerable<Figure> Figures(string name, Histogram times) =>
        [new(name + ", p50", "ms", times.Microseconds(0.5) / 1000), new(name + ", p99", "ms", times.Microseconds(0.99) / 1000), new(name + ", max", "ms", times.Microseconds(1) / 1000)];

    private static async Task<Histogram> TalkAsync(List<HonestClient> people, TimeSpan time, CancellationToken cancellation)
    {
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        enough.CancelAfter(time);
        await Task.WhenAll(people.Select(person => person.RunAsync(enough.Token)));
        cancellation.ThrowIfCancellationRequested();
        Histogram all = new();
        people.ForEach(person => all.Add(person.Times));
        return all;
    }

    private static Histogram DiskOf(List<HonestClient> people)
    {
        Histogram all = new();
        people.ForEach(person => all.Add(person.Disk));
        return all;
    }

    /// <summary>One after the other, each from an address of its own, as a page comes: by WebSocket, signed in, and in a room.</summary>
    private static async Task<(Histogram Times, int Failed)> NewcomersAsync(ServerUnderTest server, TimeSpan time, CancellationToken cancellation)
    {
        Histogram times = new();
        var failed = 0;
        var begin = Stopwatch.GetTimestamp();
        for (var i = 0; Stopwatch.GetElapsedTime(begin) < time; i++)
        {
            var from = IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"127.0.1.{1 + (i % 250)}"));
            var start = Stopwatch.GetTimestamp();
            try
            {
                using var client = await RawClient.OpenAsync(
                    server.Door(Transport.WebSocket), null, server.Login(Newcomer), string.Create(CultureInfo.InvariantCulture, $"newcomer-{i}"), 0, cancellation, from);
                await client.SubscribeAsync(RoomTopic.Of(0));
                times.Record(Stopwatch.GetTimestamp() - start);
            }
            catch (Exception error) when (error is SocketException or IOException or LoadException or TimeoutException or InvalidOperationException)
            {
                failed++;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellation);
        }

        return (times, failed);
    }
}
