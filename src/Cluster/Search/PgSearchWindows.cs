using System.Diagnostics;
using Npgsql;

namespace WebMessenger.Cluster.Search;

/// <summary>How far back the newest entries reach, for questions that look at few of them first.</summary>
/// <remarks>
/// A word that many have is found among the newest by looking at each; one that few have is found by its list, however many there are.
/// Which
/// is which, the database guesses well of a stretch that it knows the size of, and badly of all there is: it would go through all for two
/// words that are never said together. So stretches are asked one after the other. Where they end is no more than advice, and some seconds
/// old. Thread-safe.
/// </remarks>
internal sealed class PgSearchWindows(PooledReads reads)
{
    /// <summary>So many of the newest entries are looked at first, and then so many.</summary>
    public static IReadOnlyList<int> Sizes { get; } = [4_096, 65_536];

    private static readonly TimeSpan _fresh = TimeSpan.FromSeconds(30);

    private Known? _known;

    /// <summary>When the oldest of each stretch was said (ms), the newest stretch first; fewer where there are not so many
    /// entries.</summary>
    /// <param name="until">The newest that is looked at (ms).</param>
    public async Task<IReadOnlyList<long>> SinceAsync(long until, CancellationToken timeIsOver)
    {
        if (Volatile.Read(ref _known) is not { } known || Stopwatch.GetElapsedTime(known.AskedAt) > _fresh)
        {
            known = new Known(Stopwatch.GetTimestamp(), await AskAsync(long.MaxValue, timeIsOver));
            Volatile.Write(ref _known, known);
        }

        // Who pages far back has stretches of his own.
        return known.Since is [var newest, ..] && until < newest ? await AskAsync(until, timeIsOver) : known.Since;
    }

    /// <summary>There are others now.</summary>
    public void Forget() => Volatile.Write(ref _known, null);

    private Task<List<long>> AskAsync(long until, CancellationToken timeIsOver) => reads.ReadAsync(
        () =>
        {
            NpgsqlCommand command = new(
                "SELECT w.since FROM unnest($1) WITH ORDINALITY AS s(size, i), LATERAL (SELECT at AS since FROM search_entries WHERE at <= $2 ORDER BY at DESC OFFSET s.size LIMIT 1) w ORDER BY s.i");
            command.Parameters.Add(new() { Value = Sizes.ToArray() });
            command.Parameters.Add(new() { Value = until });
            return command;
        },
        async reader =>
        {
            List<long> rows = [];
            while (await reader.ReadAsync(timeIsOver))
            {
                rows.Add(reader.GetInt64(0));
            }

            return rows;
        },
        timeIsOver);

    private sealed record Known(long AskedAt, IReadOnlyList<long> Since);
}
