using System.Globalization;
using System.Net;
using Npgsql;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Postgres;

namespace WebMessenger.Cluster.Checks;

/// <summary>Looks at a cluster from the machine of a node: its database, the way there, and the nodes. Changes nothing.</summary>
internal sealed class ClusterCheck(HouseOptions options, TimeProvider time)
{
    /// <summary>PostgreSQL 14 and what came after: `idle_session_timeout`, and connections that are found dead while they wait.</summary>
    private const int OldestVersion = 140_000;

    private const int LeastNodes = 2;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    private static readonly string[] _settings =
    [
        "server_version_num", "server_version", "server_encoding", "synchronous_commit", "fsync", "full_page_writes", "max_connections", "superuser_reserved_connections", "idle_session_timeout",
        "statement_timeout", "transaction_timeout", "checkpoint_timeout", "max_wal_size", "synchronous_standby_names", "data_checksums",
    ];

    /// <exception cref="ArgumentException">The connection string is none.</exception>
    public async Task<IReadOnlyList<CheckRow>> RunAsync(CancellationToken cancellation)
    {
        NpgsqlConnectionStringBuilder to = new(options.Postgres) { Pooling = false, Timeout = (int)_patience.TotalSeconds, ApplicationName = "webmessenger check" };
        await using NpgsqlConnection database = new(to.ConnectionString);
        try
        {
            await database.OpenAsync(cancellation);
            List<CheckRow> rows = [.. await WayAsync(database, to, cancellation)];
            var settings = await SettingsAsync(database, cancellation);
            rows.AddRange(OfSettings(settings));
            rows.Add(await ConnectionsAsync(database, settings, cancellation));
            rows.AddRange(await OfTablesAsync(database, cancellation));
            rows.AddRange(await new StandbyCheck(database).RunAsync(cancellation));
            rows.AddRange(await new SpeedCheck(database, time).RunAsync(cancellation));
            rows.AddRange(await new NodesCheck(database, options, time).RunAsync(cancellation));
            return rows;
        }
        catch (Exception error) when (PgErrors.IsOf(error))
        {
            return [new CheckRow("database", error.ToIOException().Message, CheckVerdict.Wrong, "Set WebMessenger:Cluster:Postgres, and let this machine in (pg_hba.conf, firewall).")];
        }
    }

    // A pooler between that gives each transaction another connection would lose locks and leases.
    private static async Task<List<CheckRow>> WayAsync(NpgsqlConnection database, NpgsqlConnectionStringBuilder to, CancellationToken cancellation)
    {
        var process = (int)(await ScalarAsync(database, "SELECT pg_backend_pid()", cancellation))!;
        var isEncrypted = await ScalarAsync(database, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", cancellation) is true;
        return
        [
            CheckRow.If(process == database.ProcessID, "connection", process == database.ProcessID ? "direct" : "through a pooler", CheckVerdict.Wrong, "Connect to PostgreSQL itself: locks and leases are a connection's own."),
            CheckRow.If(
                isEncrypted || IsOfThisMachine(to.Host), "encryption", isEncrypted ? "TLS" : IsOfThisMachine(to.Host) ? "none, on this machine" : "none", CheckVerdict.Advice,
                "Add SSL Mode=VerifyFull;Root Certificate=… to the connection string, and hostssl to pg_hba.conf."),
        ];
    }

    private static bool IsOfThisMachine(string? host) =>
        host is null or "localhost" || host.StartsWith('/') || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static List<CheckRow> OfSettings(Dictionary<string, string> settings)
    {
        long Number(string name) => settings.TryGetValue(name, out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : 0;
        string Text(string name) => settings.GetValueOrDefault(name, "");
        CheckRow On(string name, CheckVerdict otherwise, string toDo) => CheckRow.If(Text(name) == "on", name, Text(name), otherwise, toDo);
        return
        [
            CheckRow.If(Number("server_version_num") >= OldestVersion, "version", Text("server_version"), CheckVerdict.Wrong, "PostgreSQL 14 or later is needed."),
            CheckRow.If(Text("server_encoding") == "UTF8", "encoding", Text("server_encoding"), CheckVerdict.Wrong, "Make the database with ENCODING 'UTF8'."),
            CheckRow.If(
                Text("synchronous_commit") is not ("off" or "local"), "synchronous_commit", Text("synchronous_commit"), CheckVerdict.Wrong,
                "Set it to on: what was acknowledged would be lost with a crash."),
            On("fsync", CheckVerdict.Wrong, "Set it to on: a power cut would damage the database."),
            On("full_page_writes", CheckVerdict.Wrong, "Set it to on, but for a file system that writes pages whole (ZFS)."),
            On("data_checksums", CheckVerdict.Advice, "Make them with pg_checksums --enable (server stopped): a bad disk is told, and not believed."),
            CheckRow.If(
                Number("idle_session_timeout") == 0, "idle_session_timeout", $"{Number("idle_session_timeout")} ms", CheckVerdict.Wrong, "Set it to 0 for this user: nodes hold connections that wait."),
            CheckRow.If(
                Number("statement_timeout") is 0 or >= 30_000 && Number("transaction_timeout") is 0 or >= 30_000, "statement_timeout",
                $"{Number("statement_timeout")} ms", CheckVerdict.Wrong, "Set it, and transaction_timeout, to 0 for this user: nodes bring limits of their own."),
            CheckRow.If(
                Number("checkpoint_timeout") <= 300, "checkpoint_timeout", $"{Number("checkpoint_timeout")} s", CheckVerdict.Advice,
                "5 min or less: after a crash all since the last checkpoint is done again before anybody is let in."),
            CheckRow.If(
                Number("max_wal_size") is >= 512 and <= 4_096, "max_wal_size", $"{Number("max_wal_size")} MB", CheckVerdict.Advice,
                "1 to 2 GB: less makes checkpoints all the time, more a long recovery."),
        ];
    }

    // Of as many nodes as there are, and of two where there are fewer: one is started anew while the other runs.
    private async Task<CheckRow> ConnectionsAsync(NpgsqlConnection database, Dictionary<string, string> settings, CancellationToken cancellation)
    {
        var inUse = await CountAsync(database, "SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL", cancellation);
        var nodes = await ScalarAsync(database, "SELECT to_regclass('nodes') IS NOT NULL", cancellation) is true
            ? await CountAsync(database, "SELECT count(*) FROM nodes WHERE NOT dead", cancellation) : 0;
        long Number(string name) => long.Parse(settings.GetValueOrDefault(name, "0"), CultureInfo.InvariantCulture);
        var (most, ofNode) = (Number("max_connections"), ConnectionCounts.OfNode(options.ReadConnections));
        var needed = (Math.Max(nodes, LeastNodes) * ofNode) + Number("superuser_reserved_connections");
        return CheckRow.If(
            most >= needed, "max_connections", $"{most}, {inUse} in use", CheckVerdict.Advice,
            $"A node takes up to {ofNode}, so {Math.Max(nodes, LeastNodes)} need {needed} with those that are kept for superusers: set it to that, and some for you.");
    }

    private static async Task<List<CheckRow>> OfTablesAsync(NpgsqlConnection database, CancellationToken cancellation)
    {
        var isThere = await ScalarAsync(database, "SELECT to_regclass('schema_steps') IS NOT NULL", cancellation) is true;
        var step = isThere ? await CountAsync(database, "SELECT coalesce(max(number), 0) FROM schema_steps", cancellation) : 0;
        var newest = Schema.Steps[^1].Number;
        List<CheckRow> rows =
        [
            CheckRow.If(
                await ScalarAsync(database, "SELECT has_schema_privilege(current_schema(), 'CREATE')", cancellation) is true, "rights", "tables may be made", CheckVerdict.Wrong,
                "The user may make no tables: make it the owner of the database."),
            step == newest ? CheckRow.Good("schema", $"step {step}")
                : step < newest ? new CheckRow("schema", step == 0 ? "none yet" : $"step {step} of {newest}", CheckVerdict.Advice, "The next node that starts brings it up to date.")
                : new CheckRow("schema", $"step {step}, and this version knows {newest}", step > newest + 1 ? CheckVerdict.Wrong : CheckVerdict.Advice, "A newer version runs: bring this one up to it."),
        ];
        if (isThere && await ScalarAsync(database, "SELECT to_regclass('moves') IS NOT NULL", cancellation) is true
            && await ScalarAsync(database, "SELECT 1 FROM moves WHERE finished IS NULL", cancellation) is not null)
        {
            rows.Add(new CheckRow("move", "not finished", CheckVerdict.Wrong, "Run cluster move again: no node starts before."));
        }

        if (isThere && await ScalarAsync(database, "SELECT to_regclass('search_entries_words') IS NOT NULL", cancellation) is true)
        {
            rows.Add(CheckRow.If(
                await ScalarAsync(database, "SELECT 1 FROM pg_extension WHERE extname = 'btree_gin'", cancellation) is not null, "search", "with btree_gin", CheckVerdict.Advice,
                "Without the extension btree_gin searches within one room take longer: install PostgreSQL's contrib package, and run search rebuild."));
        }

        return rows;
    }

    private static async Task<Dictionary<string, string>> SettingsAsync(NpgsqlConnection database, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new("SELECT name, setting FROM pg_settings WHERE name = ANY ($1)", database);
        command.Parameters.Add(new() { Value = _settings });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        Dictionary<string, string> settings = [];
        while (await reader.ReadAsync(cancellation))
        {
            settings[reader.GetString(0)] = reader.GetString(1);
        }

        return settings;
    }

    private static async Task<long> CountAsync(NpgsqlConnection database, string sql, CancellationToken cancellation) =>
        Convert.ToInt64(await ScalarAsync(database, sql, cancellation), CultureInfo.InvariantCulture);

    private static async Task<object?> ScalarAsync(NpgsqlConnection database, string sql, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new(sql, database);
        return await command.ExecuteScalarAsync(cancellation);
    }
}
