using System.Globalization;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// Turns of the same traffic, in half of which some more members of the first room are there that have stopped reading.
/// They have asked for the room's history and not read it, so that their sockets are full from the start of the turn,
/// however slow the traffic is.
/// </summary>
internal sealed class StalledTurns
{
    public const string Without = "none stalled";
    public const string With = "stalled";
    public const string EndToEnd = "end to end, p99";
    public const string Memory = "server memory";

    private const int Pairs = 3;
    private const int ReceiveBuffer = 4096;

    /// <summary>Above what the collector's own coming and going makes of it.</summary>
    private const double MemoryAllowed = 64;

    // What comes and goes with the turn itself is not measured.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private static readonly string[] Compared = ["server CPU per delivery", "deliveries", Memory];

    private readonly ServerUnderTest _server;
    private readonly int _stalled;
    private readonly TimeSpan _turn;

    private StalledTurns(ServerUnderTest server, int stalled, TimeSpan turn) =>
        (_server, _stalled, _turn) = (server, stalled, turn);

    /// <summary>Before the members come: says what those that stall will not read.</summary>
    public static async Task<StalledTurns> PrepareAsync(ServerUnderTest server, int stalled, TimeSpan seconds, CancellationToken cancellation)
    {
        using var speaker = await RawClient.OpenAsync(server.Door(Transport.Tcp), null, server.Login(0), "speaker", 0, cancellation);
        await Stalling.FillAsync(speaker, RoomTopic.Of(0));
        return new StalledTurns(server, stalled, seconds / 2);
    }

    /// <summary>While the swarm goes on publishing.</summary>
    public async Task<IReadOnlyList<Figure>> RunAsync(Swarm swarm, Meter meter, CancellationToken cancellation)
    {
        List<Figure> without = [], with = [];
        Histogram timesWithout = new(), timesWith = new();
        for (var turn = 0; turn < 2 * Pairs; turn++)
        {
            // Without, with, with, without, …: what only grows with time counts for neither.
            if (turn % 4 is 0 or 3)
            {
                without.AddRange(await MeasureAsync(swarm, meter, timesWithout, cancellation));
                continue;
            }

            var stalled = await StallAsync(cancellation);
            try
            {
                with.AddRange(await MeasureAsync(swarm, meter, timesWith, cancellation));
            }
            finally
            {
                stalled.ForEach(client => client.Dispose());
            }
        }

        // Of all turns together: the slow ones are few.
        List<Figure> figures =
        [
            new($"end to end, p50, {Without}", "ms", timesWithout.Microseconds(0.5) / 1000),
            new($"end to end, p50, {With}", "ms", timesWith.Microseconds(0.5) / 1000),
            new($"{EndToEnd}, {Without}", "ms", timesWithout.Microseconds(0.99) / 1000),
            new($"{EndToEnd}, {With}", "ms", timesWith.Microseconds(0.99) / 1000),
        ];
        foreach (var name in Compared)
        {
            var unit = with.First(figure => figure.Name == name).Unit;
            figures.Add(new($"{name}, {Without}", unit, Median(without, name)));
            figures.Add(new($"{name}, {With}", unit, Median(with, name)));
        }

        figures.Add(new("a queue for the stalled would take", "MB", _stalled * Stalling.Bytes / 1e6));
        figures.Add(new("generator CPU", "% of a core", Median(with, "generator CPU")));
        if (Median(with, Memory) - Median(without, Memory) > MemoryAllowed)
        {
            lock (swarm.Gate)
            {
                swarm.Problem(string.Create(CultureInfo.InvariantCulture, $"With {_stalled} stalled the server took over {MemoryAllowed:0} MB more."));
            }
        }

        return figures;
    }

    private static double Median(IEnumerable<Figure> figures, string name) => Figure.Median(figures.Where(figure => figure.Name == name).Select(figure => figure.Value));

    private async Task<IReadOnlyList<Figure>> MeasureAsync(Swarm swarm, Meter meter, Histogram times, CancellationToken cancellation)
    {
        await swarm.GoOnAsync(Pause, cancellation);
        meter.Begin();
        await swarm.GoOnAsync(_turn, cancellation);
        lock (swarm.Gate)
        {
            times.Add(swarm.EndToEnd);
        }

        return meter.End();
    }

    private async Task<List<RawClient>> StallAsync(CancellationToken cancellation)
    {
        List<RawClient> clients = [];
        for (var i = 0; i < _stalled; i++)
        {
            clients.Add(await RawClient.OpenAsync(_server.Door(Transport.Tcp), null, _server.Login(i), string.Create(CultureInfo.InvariantCulture, $"stalled-{i}"), ReceiveBuffer, cancellation));
            await Stalling.StallAsync(clients[i], RoomTopic.Of(0));
        }

        return clients;
    }
}
