using Microsoft.Extensions.Logging;
using Npgsql;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Cluster.Migrations;

/// <summary>What became of the database since it was last opened.</summary>
internal enum LifeOutcome
{
    /// <summary>It is as it was left, or new.</summary>
    SameLife,

    /// <summary>A synchronous standby has taken over: all that was acknowledged is there.</summary>
    NothingLost,

    /// <summary>
    /// It was restored, or a standby has taken over that may have been behind: rights that were taken away may be back. Login sessions of
    /// browsers and passwords are to be ended.
    /// </summary>
    PerhapsLost,
}

/// <summary>
/// Which life of the database this program has opened: that of one system, on one timeline, under one oid (decision 37). In another one
/// numbers may be given a second time, so all logs have other epochs there.
/// </summary>
/// <remarks>
/// <para>What cannot be told apart is a copy of the files of the server that was put back as it was: whoever does that runs
/// <c>cluster restored</c>.</para>
/// A node that is connected to another life all of a sudden has in its memory what is not stored: it ends (<see cref="Lost"/>).
/// </remarks>
internal sealed partial class DatabaseLife : IAsyncDisposable
{
    /// <summary>The advisory lock under which it is looked at and renewed: "wm" and 16.</summary>
    private const long Lock = 0x77_6D_00_00_00_10;

    /// <summary>How often it is noted whether a standby is synchronous: it says what a fail-over may have lost.</summary>
    private static readonly TimeSpan _betweenNotes = TimeSpan.FromSeconds(20);

    // Begins with another letter than the one that it takes the place of.
    private const string OtherEpoch = "CASE WHEN epoch LIKE 'x%' THEN 'y' ELSE 'x' END || substr(md5(random()::text || clock_timestamp()::text || epoch), 1, 5)";

    private const string Actual =
        """
        SELECT (SELECT system_identifier FROM pg_control_system()),
            CASE WHEN pg_is_in_recovery() THEN -1 ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint END,
            (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
            current_setting('synchronous_standby_names') <> '' AND current_setting('synchronous_commit') NOT IN ('off', 'local')
        """;

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _connection;
    private readonly ILogger _logger;
    private readonly Place _place;
    private Task _noting = Task.CompletedTask;

    private DatabaseLife(string connection, Guid id, Place place, LifeOutcome outcome, ILogger logger) =>
        (_connection, Id, _place, Outcome, _logger) = (connection, id, place, outcome, logger);

    /// <summary>Another one after each restoring and each fail-over.</summary>
    public Guid Id { get; }

    public LifeOutcome Outcome { get; }

    /// <summary>Completes, with why in one line, when the database is another one than at the start: this program must end.</summary>
    public Task<string> Lost => _lost.Task;

    /// <summary>
    /// Looks which life it is, and renews all epochs if it is another one than the last time. One node at a time; the tables are there
    /// (<see cref="Schema.MigrateAsync"/>), and nothing of the database was read yet.
    /// </summary>
    /// <exception cref="IOException">The database cannot be used: the message says why, in one line.</exception>
    public static async Task<DatabaseLife> OpenAsync(string connection, ILogger logger, CancellationToken cancellation = default)
    {
        try
        {
            await using NpgsqlConnection database = new(connection);
            await database.OpenAsync(cancellation);
            await using var transaction = await database.BeginTransactionAsync(cancellation);
            await ExecuteAsync(database, $"SELECT pg_advisory_xact_lock({Lock})", cancellation);
            await ThrowIfHalfMovedAsync(database, cancellation);
            var now = await ReadActualAsync(database, cancellation);
            if (now.IsStandby)
            {
                throw new IOException("The database is a standby, which takes no writes. Set WebMessenger:Cluster:Postgres to the primary, or promote it.");
            }

            var (id, outcome) = await ReadStoredAsync(database, cancellation) is not { } stored ? (Guid.NewGuid(), LifeOutcome.SameLife)
                : stored.Place.IsSameLife(now) ? (stored.Id, LifeOutcome.SameLife)
                : (Guid.NewGuid(), stored.Place.IsTakenOverBy(now) && stored.Place.IsSynchronous ? LifeOutcome.NothingLost : LifeOutcome.PerhapsLost);
            if (outcome != LifeOutcome.SameLife)
            {
                await RenewAsync(database, cancellation);
                LogRenewed(logger, outcome);
            }

            await StoreAsync(database, id, now, cancellation);
            await transaction.CommitAsync(cancellation);
            DatabaseLife life = new(connection, id, now, outcome, logger);
            life._noting = life.NoteAsync();
            return life;
        }
        catch (Exception error) when (PgErrors.IsOf(error))
        {
            throw error.ToIOException();
        }
    }

    /// <summary>
    /// Has the next opening find another life, whatever it finds: for whoever has put back files of the server. No node runs.
    /// </summary>
    /// <param name="keepsLogins">Login sessions live on, those too that have ended since.</param>
    /// <exception cref="IOException">The database cannot be written.</exception>
    public static async Task ForgetAsync(NpgsqlConnection database, bool keepsLogins, CancellationToken cancellation)
    {
        try
        {
            await using (NpgsqlCommand running = new("SELECT name FROM nodes WHERE NOT dead AND clock_timestamp() - renewed < interval '5 s' LIMIT 1", database))
            {
                var node = await running.ExecuteScalarAsync(cancellation);
                if (/* guard: no other life under a node that runs */ node is not null)
                {
                    throw new IOException($"The node {node} is running. Stop all of them first, and wait five seconds.");
                }
            }

            var now = await ReadActualAsync(database, cancellation);
            await StoreAsync(database, Guid.NewGuid(), now with { Timeline = 0, System = keepsLogins ? now.System : 0, IsSynchronous = keepsLogins }, cancellation);
        }
        catch (Exception error) when (PgErrors.IsOf(error))
        {
            throw error.ToIOException();
        }
    }

    /// <summary>Whether the database is in the life that it was last opened in; null: it never was. Changes nothing.</summary>
    public static async Task<bool?> IsKnownAsync(NpgsqlConnection database, CancellationToken cancellation)
    {
        await using (NpgsqlCommand isThere = new("SELECT to_regclass('database_life') IS NOT NULL", database))
        {
            if (await isThere.ExecuteScalarAsync(cancellation) is not true)
            {
                return null;
            }
        }

        return await ReadStoredAsync(database, cancellation) is { } stored ? stored.Place.IsSameLife(await ReadActualAsync(database, cancellation)) : null;
    }

    /// <summary>For each connection before its first use (<see cref="NpgsqlDataSourceBuilder.UsePhysicalConnectionInitializer"/>):
    /// nothing is
    /// read from, or written to, another life.</summary>
    public void Guard(NpgsqlDataSourceBuilder builder) => builder.UsePhysicalConnectionInitializer(
        connection =>
        {
            using NpgsqlCommand command = new(Actual, connection);
            using var reader = command.ExecuteReader();
            reader.Read();
            ThrowIfOther(Place.Of(reader));
        },
        async connection => ThrowIfOther(await ReadActualAsync(connection, CancellationToken.None)));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _noting;
        _stop.Dispose();
    }

    private void ThrowIfOther(Place now)
    {
        if (now.IsStandby)
        {
            // Once promoted it would be another life, and this connection not asked again.
            throw StoreUnavailableException.OfDatabase("The database is a standby just now, which takes no writes.");
        }

        if (/* guard: a node knows its database */ !_place.IsSameLife(now))
        {
            const string Why = "The database is another one than at the start: a standby has taken over, or it was restored. This node has to be started anew.";
            _lost.TrySetResult(Why);
            throw StoreUnavailableException.OfDatabase(Why);
        }
    }

    // Also finds out a fail-over while nobody needs a connection.
    private async Task NoteAsync()
    {
        var noted = _place.IsSynchronous;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(_betweenNotes, _stop.Token);
                await using NpgsqlConnection database = new(_connection);
                await database.OpenAsync(_stop.Token);
                var now = await ReadActualAsync(database, _stop.Token);
                ThrowIfOther(now);
                if (now.IsSynchronous != noted)
                {
                    await StoreAsync(database, Id, now, _stop.Token);
                    noted = now.IsSynchronous;
                }
            }
            catch (Exception error) when (PgErrors.IsOf(error) || error is OperationCanceledException)
            {
                // It is away, or the end: the parts that need it say so.
            }
        }
    }

    private static async Task ThrowIfHalfMovedAsync(NpgsqlConnection database, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new("SELECT 1 FROM moves WHERE finished IS NULL", database);
        if (/* guard: no start on half a house */ await command.ExecuteScalarAsync(cancellation) is not null)
        {
            throw new IOException("A data folder is being moved into this database, and that is not finished: run cluster move again.");
        }
    }

    private static async Task<Place> ReadActualAsync(NpgsqlConnection database, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new(Actual, database);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return Place.Of(reader);
    }

    private static async Task<(Guid Id, Place Place)?> ReadStoredAsync(NpgsqlConnection database, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new("SELECT system, timeline, database, synchronous, id FROM database_life", database);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? (reader.GetGuid(4), Place.Of(reader)) : null;
    }

    private static async Task StoreAsync(NpgsqlConnection database, Guid id, Place place, CancellationToken cancellation)
    {
        await using NpgsqlCommand store = new(
            """
            INSERT INTO database_life (id, system, timeline, database, synchronous) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (one) DO UPDATE SET id = EXCLUDED.id, system = EXCLUDED.system, timeline = EXCLUDED.timeline, database = EXCLUDED.database,
                synchronous = EXCLUDED.synchronous, since = CASE WHEN database_life.id = EXCLUDED.id THEN database_life.since ELSE clock_timestamp() END
            """,
            database);
        store.Parameters.AddRange(Array.ConvertAll(new object[] { id, place.System, place.Timeline, place.Database, place.IsSynchronous }, value => new NpgsqlParameter { Value = value }));
        await store.ExecuteNonQueryAsync(cancellation);
    }

    // Nodes of the former life are of another house now: nobody here asks them, or waits for them.
    private static async Task RenewAsync(NpgsqlConnection database, CancellationToken cancellation)
    {
        await ExecuteAsync(database, "SELECT 1 FROM journal_head FOR UPDATE", cancellation);
        await ExecuteAsync(database, $"UPDATE logs SET epoch = {OtherEpoch}; UPDATE journal_head SET epoch = {OtherEpoch}; DELETE FROM feed", cancellation);
        foreach (var table in new[] { "nodes", "duties", "orleansmembershiptable", "orleansmembershipversiontable" })
        {
            await ExecuteAsync(database, $"DO $$ BEGIN IF to_regclass('{table}') IS NOT NULL THEN DELETE FROM {table}; END IF; END $$", cancellation);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection database, string sql, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new(sql, database);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    [LoggerMessage(5202, LogLevel.Warning, "The database is another one than the last time, restored or taken over by a standby ({Outcome}): all logs have new epochs")]
    private static partial void LogRenewed(ILogger logger, LifeOutcome outcome);

    /// <param name="Timeline">-1: a standby.</param>
    private readonly record struct Place(long System, long Timeline, long Database, bool IsSynchronous)
    {
        public bool IsStandby => Timeline < 0;

        public static Place Of(NpgsqlDataReader reader) => new(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetBoolean(3));

        public bool IsSameLife(Place other) => (System, Timeline, Database) == (other.System, other.Timeline, other.Database);

        /// <summary>The other one is of the same server's files, promoted: no dump, and no other database.</summary>
        public bool IsTakenOverBy(Place other) => (System, Database) == (other.System, other.Database) && Timeline < other.Timeline;
    }
}
