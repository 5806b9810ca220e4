using Npgsql;

namespace WebMessenger.Cluster.Nodes;

/// <summary>One node as its row in the database says.</summary>
/// <param name="Address">Of its silo, in Orleans' form.</param>
/// <param name="State">One of <see cref="NodeRows"/>.</param>
/// <param name="Renewed">The database's time, as it is in the row.</param>
/// <param name="Age">How far the database's clock was past <paramref name="Renewed"/> when the row was read.</param>
internal sealed record NodeRow(string Name, string Address, string State, bool IsDead, DateTime Renewed, TimeSpan Age);

/// <summary>The rows of table `nodes`. All times in them are the database's.</summary>
internal static class NodeRows
{
    public const string Starting = "starting";
    public const string Serving = "serving";
    public const string Leaving = "leaving";

    // One node at a time declares another one dead, if nobody has declared it dead itself: two who do not reach each other must not both
    // go.
    private const long DeclareLock = 0x77_6D_00_00_00_02;

    /// <summary>After this time without a renewal, by the database's clock, others may go on without a node.</summary>
    public static TimeSpan Over { get; } = TimeSpan.FromSeconds(4);

    /// <summary>Renews the lease, and reads the journal's head and all rows, in one round trip.</summary>
    /// <returns>Null: the node is dead, or its row is gone.</returns>
    public static (long Head, List<NodeRow> Rows)? Renew(NpgsqlConnection connection, string name)
    {
        using NpgsqlBatch batch = new(connection)
        {
            BatchCommands =
            {
                NodeConnection.Command("UPDATE nodes SET renewed = clock_timestamp() WHERE name = $1 AND NOT dead RETURNING true", name),
                new NpgsqlBatchCommand("SELECT n FROM journal_head"),
                new NpgsqlBatchCommand("SELECT name, address, state, dead, renewed, clock_timestamp() - renewed FROM nodes"),
            },
        };
        using var reader = batch.ExecuteReader();
        if (!reader.Read())
        {
            return null;
        }

        reader.NextResult();
        reader.Read();
        var head = reader.GetInt64(0);
        reader.NextResult();
        List<NodeRow> rows = [];
        while (reader.Read())
        {
            rows.Add(new(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetBoolean(3), reader.GetDateTime(4), reader.GetTimeSpan(5)));
        }

        return (head, rows);
    }

    public static Task AddAsync(NpgsqlDataSource database, string name, string address, string version) => DoAsync(
        database, NodeConnection.Command("INSERT INTO nodes (name, address, version) VALUES ($1, $2, $3)", name, address, version));

    public static Task SetStateAsync(NpgsqlDataSource database, string name, string state) =>
        DoAsync(database, NodeConnection.Command("UPDATE nodes SET state = $2 WHERE name = $1", name, state));

    public static Task RemoveAsync(NpgsqlDataSource database, string name) =>
        DoAsync(database, NodeConnection.Command("DELETE FROM nodes WHERE name = $1", name));

    /// <summary>Declares a node dead that has not renewed its lease for <see cref="Over"/>.</summary>
    /// <param name="renewed">Its last renewal as the caller has seen it; with a later one it lives.</param>
    public static Task BuryAsync(NpgsqlDataSource database, string name, DateTime renewed) => DoAsync(database, NodeConnection.Command(
        "UPDATE nodes SET dead = true WHERE name = $1 AND NOT dead AND renewed = $2 AND clock_timestamp() - renewed > $3", name, renewed, Over));

    /// <summary>Declares a node dead, whatever its lease: for <see cref="NodeLease.Holds"/> it may still write to its clients.</summary>
    /// <param name="by">
    /// Who does; nothing happens if that is dead itself. Null: one that is no node yet, and is about to have its address.
    /// </param>
    public static Task CondemnAsync(NpgsqlDataSource database, string name, string? by) => DoAsync(
        database,
        NodeConnection.Command($"SELECT pg_advisory_xact_lock({DeclareLock})"),
        NodeConnection.Command(
            "UPDATE nodes SET dead = true WHERE name = $1 AND NOT dead AND ($2 = '' OR EXISTS (SELECT 1 FROM nodes WHERE name = $2 AND NOT dead))",
            name, by ?? ""));

    /// <summary>Ends what a dead node has begun in the database, and waits for that.</summary>
    public static Task FenceAsync(NpgsqlDataSource database, string name) => DoAsync(database, NodeConnection.Command(
        "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE application_name = $1 AND usename = current_user AND pid <> pg_backend_pid()",
        name));

    /// <summary>Rows of the dead go after a day. Of Orleans' rows those are over whose node is not among the living.</summary>
    /// <remarks>A silo that starts tries for long to reach those that stand there as active.</remarks>
    public static Task CleanAsync(NpgsqlDataSource database, string deployment) => DoAsync(
        database,
        NodeConnection.Command("DELETE FROM nodes WHERE dead AND renewed < clock_timestamp() - interval '1 day'"),
        NodeConnection.Command(
            """
            WITH gone AS (
              UPDATE OrleansMembershipTable m SET Status = 6 WHERE m.DeploymentId = $1 AND m.Status <> 6
              AND NOT EXISTS (SELECT 1 FROM nodes n WHERE n.name = m.SiloName AND NOT n.dead) RETURNING 1)
            UPDATE OrleansMembershipVersionTable SET Version = Version + 1, Timestamp = now()
            WHERE DeploymentId = $1 AND EXISTS (SELECT 1 FROM gone)
            """,
            deployment),
        NodeConnection.Command(
            "DELETE FROM OrleansMembershipTable WHERE DeploymentId = $1 AND Status = 6 AND IAmAliveTime < now() - interval '1 day'", deployment));

    /// <summary>All rows, now.</summary>
    public static async Task<List<NodeRow>> ReadAsync(NpgsqlDataSource database)
    {
        await using var command = database.CreateCommand("SELECT name, address, state, dead, renewed, clock_timestamp() - renewed FROM nodes");
        await using var reader = await command.ExecuteReaderAsync();
        List<NodeRow> rows = [];
        while (await reader.ReadAsync())
        {
            rows.Add(new(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetBoolean(3), reader.GetDateTime(4), reader.GetTimeSpan(5)));
        }

        return rows;
    }

    private static async Task DoAsync(NpgsqlDataSource database, params NpgsqlBatchCommand[] commands)
    {
        await using var batch = database.CreateBatch();
        foreach (var command in commands)
        {
            batch.BatchCommands.Add(command);
        }

        await batch.ExecuteNonQueryAsync();
    }
}
