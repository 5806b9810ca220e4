using System.Globalization;
using Npgsql;

namespace WebMessenger.Cluster.Checks;

/// <summary>How long a round trip and a commit take, and how far this machine's clock is from the database's.</summary>
internal sealed class SpeedCheck(NpgsqlConnection database, TimeProvider time)
{
    private const int Rounds = 51;

    private static readonly TimeSpan _goodTrip = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan _goodCommit = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _goodClock = TimeSpan.FromSeconds(1);

    public async Task<IReadOnlyList<CheckRow>> RunAsync(CancellationToken cancellation)
    {
        var trip = await MedianAsync("SELECT 1", cancellation);

        // A record of the write-ahead log, as a commit of a node has, and no row.
        var commit = await MedianAsync("SELECT pg_logical_emit_message(true, 'webmessenger', 'check')", cancellation);
        return
        [
            CheckRow.If(trip <= _goodTrip, "round trip", Text(trip), CheckVerdict.Advice, "Have the nodes near the database: each message takes two round trips and a commit."),
            CheckRow.If(commit <= _goodCommit, "commit", Text(commit), CheckVerdict.Advice, "A faster disk for pg_wal, or a nearer synchronous standby."),
            await ClockAsync(cancellation),
        ];
    }

    private async Task<CheckRow> ClockAsync(CancellationToken cancellation)
    {
        var (away, asked) = (TimeSpan.MaxValue, time.GetUtcNow());
        await using (NpgsqlCommand command = new("SELECT clock_timestamp()", database))
        {
            var its = new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync(cancellation))!);
            away = its - (asked + ((time.GetUtcNow() - asked) / 2));
        }

        return CheckRow.If(
            away.Duration() <= _goodClock, "clock", Clock(away), CheckVerdict.Wrong,
            "Set both by NTP: times of messages would go back and forth.");
    }

    /// <param name="away">By how much the database's is later.</param>
    internal static string Clock(TimeSpan away) => string.Create(
        CultureInfo.InvariantCulture, $"this machine's is {away.Duration().TotalSeconds:F3} s {(away < TimeSpan.Zero ? "ahead of" : "behind")} the database's");

    private async Task<TimeSpan> MedianAsync(string sql, CancellationToken cancellation)
    {
        List<TimeSpan> all = [];
        await using NpgsqlCommand command = new(sql, database);
        await command.PrepareAsync(cancellation);
        for (var round = 0; round < Rounds; round++)
        {
            var began = time.GetTimestamp();
            await command.ExecuteScalarAsync(cancellation);
            all.Add(time.GetElapsedTime(began));
        }

        all.Sort();
        return all[Rounds / 2];
    }

    private static string Text(TimeSpan span) => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:F2} ms");
}
