using Npgsql;
using WebMessenger.Cluster.Migrations;

namespace WebMessenger.Cluster.Checks;

/// <summary>Whether another machine has what this database has, and whether this is the one that the nodes knew.</summary>
internal sealed class StandbyCheck(NpgsqlConnection database)
{
    public async Task<IReadOnlyList<CheckRow>> RunAsync(CancellationToken cancellation) => [await LifeAsync(cancellation), await StandbyAsync(cancellation)];

    private async Task<CheckRow> LifeAsync(CancellationToken cancellation)
    {
        try
        {
            return await DatabaseLife.IsKnownAsync(database, cancellation) switch
            {
                null => CheckRow.Good("timeline", "new"),
                true => CheckRow.Good("timeline", "as the nodes know it"),
                false => new CheckRow(
                    "timeline", "another one: restored, or a standby has taken over", CheckVerdict.Advice, "The next start gives all logs new epochs, and ends login sessions unless the standby was synchronous."),
            };
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return new CheckRow("timeline", error.MessageText, CheckVerdict.Wrong, "GRANT EXECUTE ON FUNCTION pg_control_system() to the user of the nodes.");
        }
    }

    private async Task<CheckRow> StandbyAsync(CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new(
            "SELECT current_setting('synchronous_standby_names'), count(*), count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')) FROM pg_stat_replication", database);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var (names, all, synchronous) = (reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2));
        return names.Length > 0
            ? CheckRow.If(all > 0, "standby", synchronous > 0 ? $"{all}, of which {synchronous} synchronous" : $"{all} of {names}", CheckVerdict.Wrong, "No standby is there, and commits wait for one: start it, or empty synchronous_standby_names.")
            : new CheckRow(
                "standby", all == 0 ? "none" : $"{all}, not synchronous", CheckVerdict.Advice,
                all == 0 ? "What is here is here alone: docs/cluster.md says how to have a standby." : "A fail-over may lose the last moment, and ends login sessions: name it in synchronous_standby_names.");
    }
}
