using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace WebMessenger.Cluster.Postgres;

/// <summary>Deletes what is old enough: truncated and dropped events, ids, what the journal and the feed keep no longer. A step at a
/// time.</summary>
/// <remarks>
/// It takes no lock that the writers wait for: what they hold just then is left for the next time. Runs on the pool, one run at a time.
/// </remarks>
internal sealed class PgSweep : IAsyncDisposable
{
    // A step goes through many rows; nobody waits for it.
    private const int StepSeconds = 30;

    private static readonly TimeSpan _feedPeriod = TimeSpan.FromSeconds(30);

    private readonly NpgsqlDataSource _database;
    private readonly PgEventLogOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _over = new();
    private readonly ITimer _timer;
    private readonly Timer _feedTimer;
    private int _isClearing;

    public PgSweep(NpgsqlDataSource database, PgEventLogOptions options, TimeProvider time, ILogger logger)
    {
        (_database, _options, _time, _logger) = (database, options, time, logger);
        _timer = time.CreateTimer(self => _ = ((PgSweep)self!).TryAsync(RunAsync), this, options.SweepPeriod, options.SweepPeriod);
        _feedTimer = new Timer(self => _ = ((PgSweep)self!).TryAsync(TrimFeedAsync), this, _feedPeriod, _feedPeriod);
    }

    /// <summary>Whether it is this node's duty.</summary>
    public Func<bool> IsOurs { get; set; } = static () => true;

    /// <summary>Something was truncated or dropped: clears it, in the background.</summary>
    public void Begin()
    {
        if (Interlocked.Exchange(ref _isClearing, 1) == 0)
        {
            _ = TryAsync(ClearAsync);
        }
    }

    /// <summary>Everything that is due by now.</summary>
    public async Task RunAsync()
    {
        await ClearAsync(_over.Token);
        await OneAtATimeAsync(SweepIdsAsync, _over.Token);
        await OneAtATimeAsync(TrimJournalAsync, _over.Token);
        await TrimFeedAsync();
    }

    /// <summary>Completes when nothing is left of what was truncated or dropped before the call.</summary>
    public Task ClearAsync(CancellationToken cancellation)
    {
        Volatile.Write(ref _isClearing, 0);
        return OneAtATimeAsync(ClearAllAsync, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await _feedTimer.DisposeAsync();
        await _over.CancelAsync();

        // Whoever is at it leaves.
        await _turn.WaitAsync();
        _turn.Release();
    }

    private Task ClearAsync() => ClearAsync(_over.Token);

    private async Task TryAsync(Func<Task> sweep)
    {
        try
        {
            if (IsOurs())
            {
                await sweep();
            }
        }
        catch (Exception error) when (PgErrors.IsOf(error) || error is OperationCanceledException or ObjectDisposedException)
        {
            // Something is kept longer than it need be; the next sweep tries again.
            if (!_over.IsCancellationRequested)
            {
                PgLogMessages.SweepFailed(_logger, PgErrors.Line(error));
            }
        }
    }

    private async Task OneAtATimeAsync(Func<NpgsqlConnection, CancellationToken, Task> sweep, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _over.Token);
        await _turn.WaitAsync(either.Token);
        try
        {
            await using var connection = await _database.OpenConnectionAsync(either.Token);
            await sweep(connection, either.Token);
        }
        catch (Exception error) when (PgErrors.IsOf(error))
        {
            throw PgErrors.ToRead(error);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task ClearAllAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        while (await NextClearingAsync(connection, cancellation) is var (log, next, below))
        {
            await ClearStepAsync(connection, log, next, below, cancellation);
        }
    }

    private static async Task<(long Log, long Next, long Below)?> NextClearingAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new("SELECT log_id, next, below FROM clearings ORDER BY log_id LIMIT 1", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2)) : null;
    }

    /// <summary>
    /// Of a dropped log everything goes. Of a truncated one an event whose id is to be remembered stays without its body until its id goes.
    /// </summary>
    private async Task ClearStepAsync(NpgsqlConnection connection, long log, long next, long below, CancellationToken cancellation)
    {
        var oldest = below == long.MaxValue ? long.MaxValue : Oldest(_options.IdAge);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using NpgsqlCommand command = new(
            """
            WITH step AS (SELECT seq, at, key FROM events WHERE log_id = $1 AND seq >= $2 AND seq < $3 ORDER BY seq LIMIT $4),
            gone AS (DELETE FROM events e USING step s WHERE e.log_id = $1 AND e.seq = s.seq AND (s.key IS NULL OR s.at < $5) RETURNING e.key, e.seq),
            stubs AS (UPDATE events e SET body = '', changed_by = 0 FROM step s WHERE e.log_id = $1 AND e.seq = s.seq AND s.key IS NOT NULL AND s.at >= $5),
            held AS (SELECT i.key FROM event_ids i JOIN gone g ON i.key = g.key WHERE i.log_id = $1 AND i.seq = g.seq FOR UPDATE OF i SKIP LOCKED),
            ids AS (DELETE FROM event_ids i USING held h WHERE i.key = h.key)
            SELECT count(*), max(seq) FROM step
            """,
            connection,
            transaction)
        {
            CommandTimeout = StepSeconds,
            Parameters = { PgLook.Of(log), PgLook.Of(next), PgLook.Of(below), PgLook.Of(_options.ClearStep), PgLook.Of(oldest) },
        };
        var (count, last) = (0L, 0L);
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
        {
            await reader.ReadAsync(cancellation);
            (count, last) = (reader.GetInt64(0), reader.IsDBNull(1) ? 0 : reader.GetInt64(1));
        }

        // A truncation that came meanwhile has put `below` higher: then the row stays.
        await using NpgsqlCommand place = new(
            count < _options.ClearStep ? "DELETE FROM clearings WHERE log_id = $1 AND below = $2" : "UPDATE clearings SET next = $3 WHERE log_id = $1 AND below >= $2",
            connection,
            transaction)
        {
            CommandTimeout = StepSeconds,
            Parameters = { PgLook.Of(log), PgLook.Of(below) },
        };
        if (count == _options.ClearStep)
        {
            place.Parameters.Add(PgLook.Of(last + 1));
        }

        await place.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Ids that are older than their time and not among the newest of their log, and what is left of their truncated
    /// events.</summary>
    private async Task SweepIdsAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        foreach (var (id, from, last, first) in await LogsToSweepAsync(connection, cancellation))
        {
            var at = from;
            while (at < last && await SweepStepAsync(connection, id, at, last, first, cancellation) is var next && next > at)
            {
                at = next;
            }
        }
    }

    private async Task<List<(long Id, long From, long Last, long First)>> LogsToSweepAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new(
            """
            SELECT l.id, coalesce(s.seq, 0), greatest(l.head - $1, l.first - 1), l.first FROM logs l LEFT JOIN swept s ON s.log_id = l.id
            WHERE greatest(l.head - $1, l.first - 1) > coalesce(s.seq, 0)
            """,
            connection)
        {
            CommandTimeout = StepSeconds,
            Parameters = { PgLook.Of(_options.IdEvents) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<(long, long, long, long)> logs = [];
        while (await reader.ReadAsync(cancellation))
        {
            logs.Add((reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3)));
        }

        return logs;
    }

    /// <returns>The last event whose id went; the same as before: those that follow are too young.</returns>
    private async Task<long> SweepStepAsync(NpgsqlConnection connection, long log, long from, long last, long first, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new(
            """
            WITH step AS (SELECT seq, at, key FROM events WHERE log_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4),
            old AS (SELECT seq, key FROM step WHERE at < $5 AND seq < coalesce((SELECT min(seq) FROM step WHERE at >= $5), 9223372036854775807)),
            held AS (SELECT i.key FROM event_ids i JOIN old o ON i.key = o.key WHERE i.log_id = $1 AND i.seq = o.seq FOR UPDATE OF i SKIP LOCKED),
            ids AS (DELETE FROM event_ids i USING held h WHERE i.key = h.key),
            stubs AS (DELETE FROM events e USING old o WHERE e.log_id = $1 AND e.seq = o.seq AND o.seq < $6),
            done AS (SELECT CASE WHEN (SELECT count(*) FROM old) = (SELECT count(*) FROM step) AND (SELECT count(*) FROM step) < $4 THEN $3
                     ELSE coalesce((SELECT max(seq) FROM old), $2) END AS seq)
            INSERT INTO swept (log_id, seq) SELECT $1, seq FROM done ON CONFLICT (log_id) DO UPDATE SET seq = EXCLUDED.seq RETURNING seq
            """,
            connection)
        {
            CommandTimeout = StepSeconds,
            Parameters = { PgLook.Of(log), PgLook.Of(from), PgLook.Of(last), PgLook.Of(_options.ClearStep), PgLook.Of(Oldest(_options.IdAge)), PgLook.Of(first) },
        };
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>The oldest rows that are too old, or too many; the last that tells something stays, so that who has followed to it has no
    /// gap.</summary>
    private async Task TrimJournalAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        while (true)
        {
            await using NpgsqlCommand command = new(
                """
                WITH head AS (SELECT n, told, bytes FROM journal_head),
                step AS (SELECT j.n, j.at, j.bytes, head.bytes AS total FROM journal j, head WHERE j.n < head.told ORDER BY j.n LIMIT $1),
                gone AS (SELECT max(n) AS n FROM step WHERE n < coalesce((SELECT min(n) FROM step WHERE at >= $2 AND total - bytes < $3), 9223372036854775807)),
                start AS (UPDATE journal_start SET trimmed = gone.n FROM gone WHERE gone.n IS NOT NULL),
                rows AS (DELETE FROM journal j USING gone WHERE j.n <= gone.n RETURNING 1)
                SELECT count(*) FROM rows
                """,
                connection)
            {
                CommandTimeout = StepSeconds,
                Parameters = { PgLook.Of(_options.ClearStep), PgLook.Of(Oldest(_options.JournalAge)), PgLook.Of(_options.JournalBytes) },
            };
            if ((long)(await command.ExecuteScalarAsync(cancellation))! < _options.ClearStep)
            {
                return;
            }
        }
    }

    // By the database's clock, which wrote it.
    private Task TrimFeedAsync() => OneAtATimeAsync(
        async (connection, cancellation) =>
        {
            await using NpgsqlCommand command = new("DELETE FROM feed WHERE at < clock_timestamp() - $1", connection)
            {
                CommandTimeout = StepSeconds,
                Parameters = { new NpgsqlParameter<TimeSpan> { TypedValue = _options.FeedAge, NpgsqlDbType = NpgsqlDbType.Interval } },
            };
            await command.ExecuteNonQueryAsync(cancellation);
        },
        _over.Token);

    private long Oldest(TimeSpan age) => _time.GetUtcNow().ToUnixTimeMilliseconds() - (long)age.TotalMilliseconds;
}
