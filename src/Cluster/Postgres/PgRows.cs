using Npgsql;
using NpgsqlTypes;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>The rows that a batch writes, gathered while it decides.</summary>
/// <remarks>The writer's own; used again for each batch.</remarks>
internal sealed class PgRows
{
    private static readonly Guid _anyContent = PgKeys.ToGuid(LogRecords.AnyContent);

    // Of events.
    private readonly List<long> _eventLogs = [];
    private readonly List<long> _eventSeqs = [];
    private readonly List<long> _eventAts = [];
    private readonly List<byte[]> _eventAuthors = [];
    private readonly List<Guid?> _eventKeys = [];
    private readonly List<ReadOnlyMemory<byte>> _eventBodies = [];

    // Of their ids.
    private readonly List<Guid> _ids = [];
    private readonly List<long> _idLogs = [];
    private readonly List<Guid> _idHashes = [];
    private readonly List<long> _idSeqs = [];
    private readonly List<long> _idAts = [];

    private readonly Dictionary<(long LogId, long Seq), (ReadOnlyMemory<byte> Body, long By, long At)> _replaced = [];
    private readonly List<(Guid Key, long LogId, long Seq)> _forgotten = [];
    private readonly Dictionary<byte[], byte[]?> _records = new(new RecordOverlay.ByBytes());
    private readonly List<PgLogState> _heads = [];
    private readonly List<(long LogId, long Next, long Below)> _clearings = [];

    public bool IsEmpty => _heads.Count == 0 && _records.Count == 0 && _replaced.Count == 0;

    public IReadOnlyCollection<KeyValuePair<byte[], byte[]?>> Records => _records;

    /// <summary>The logs whose head the batch changes; each has its next one.</summary>
    public IReadOnlyList<PgLogState> Heads => _heads;

    public void Event(long logId, long seq, long at, byte[] author, Guid? key, ReadOnlyMemory<byte> body)
    {
        _eventLogs.Add(logId);
        _eventSeqs.Add(seq);
        _eventAts.Add(at);
        _eventAuthors.Add(author);
        _eventKeys.Add(key);
        _eventBodies.Add(body);
    }

    public void Id(Guid key, in PgId id)
    {
        _ids.Add(key);
        _idLogs.Add(id.LogId);
        _idHashes.Add(PgKeys.ToGuid(id.ContentHash));
        _idSeqs.Add(id.Seq);
        _idAts.Add(id.At);
    }

    /// <param name="by">The seq of the event that replaces it; 0: nothing of it is said to have changed.</param>
    public void Replaced(long logId, long seq, ReadOnlyMemory<byte> body, long by, long at) => _replaced[(logId, seq)] = (body, by, at);

    /// <summary>The id is equal to any content from now on.</summary>
    public void Forgotten(Guid key, long logId, long seq) => _forgotten.Add((key, logId, seq));

    public void Record(in RecordChange change) => _records[change.Key] = change.Value;

    public void Head(PgLogState state) => _heads.Add(state);

    /// <summary>Events of a log below a seq are to be deleted step by step, from another one on.</summary>
    public void Clearing(long logId, long next, long below) => _clearings.Add((logId, next, below));

    public void Clear()
    {
        _eventLogs.Clear();
        _eventSeqs.Clear();
        _eventAts.Clear();
        _eventAuthors.Clear();
        _eventKeys.Clear();
        _eventBodies.Clear();
        _ids.Clear();
        _idLogs.Clear();
        _idHashes.Clear();
        _idSeqs.Clear();
        _idAts.Clear();
        _replaced.Clear();
        _forgotten.Clear();
        _records.Clear();
        _heads.Clear();
        _clearings.Clear();
    }

    public void AddTo(NpgsqlBatch batch)
    {
        var commands = batch.BatchCommands;
        if (_eventSeqs.Count > 0)
        {
            commands.Add(new("INSERT INTO events (log_id, seq, at, author, key, body) SELECT * FROM unnest($1, $2, $3, $4, $5, $6)")
            {
                Parameters =
                {
                    PgLook.Of(_eventLogs, NpgsqlDbType.Bigint), PgLook.Of(_eventSeqs, NpgsqlDbType.Bigint), PgLook.Of(_eventAts, NpgsqlDbType.Bigint),
                    PgLook.Of(_eventAuthors, NpgsqlDbType.Bytea), PgLook.Of(_eventKeys, NpgsqlDbType.Uuid), PgLook.Of(_eventBodies, NpgsqlDbType.Bytea),
                },
            });
        }

        if (_ids.Count > 0)
        {
            // The row of an id that was used before and may go, or of another life of the log, may still be there.
            commands.Add(new("""
                INSERT INTO event_ids (key, log_id, hash, seq, at) SELECT * FROM unnest($1, $2, $3, $4, $5)
                ON CONFLICT (key) DO UPDATE SET log_id = EXCLUDED.log_id, hash = EXCLUDED.hash, seq = EXCLUDED.seq, at = EXCLUDED.at
                """)
            {
                Parameters =
                {
                    PgLook.Of(_ids, NpgsqlDbType.Uuid), PgLook.Of(_idLogs, NpgsqlDbType.Bigint), PgLook.Of(_idHashes, NpgsqlDbType.Uuid),
                    PgLook.Of(_idSeqs, NpgsqlDbType.Bigint), PgLook.Of(_idAts, NpgsqlDbType.Bigint),
                },
            });
        }

        AddReplaced(commands);
        AddHeads(commands);
        AddRecords(commands);
        foreach (var (log, next, below) in _clearings)
        {
            commands.Add(new("""
                INSERT INTO clearings (log_id, next, below) VALUES ($1, $2, $3)
                ON CONFLICT (log_id) DO UPDATE SET below = greatest(clearings.below, EXCLUDED.below), next = least(clearings.next, EXCLUDED.next)
                """)
            {
                Parameters = { PgLook.Of(log), PgLook.Of(next), PgLook.Of(below) },
            });
        }
    }

    private void AddReplaced(NpgsqlBatchCommandCollection commands)
    {
        if (_replaced.Count > 0)
        {
            commands.Add(new("""
                UPDATE events e SET body = k.body, changed_by = k.by, changed_at = k.at FROM unnest($1, $2, $3, $4, $5) k (log_id, seq, body, by, at)
                WHERE e.log_id = k.log_id AND e.seq = k.seq
                """)
            {
                Parameters =
                {
                    PgLook.Of(_replaced.Keys.Select(one => one.LogId).ToList(), NpgsqlDbType.Bigint),
                    PgLook.Of(_replaced.Keys.Select(one => one.Seq).ToList(), NpgsqlDbType.Bigint),
                    PgLook.Of(_replaced.Values.Select(one => one.Body).ToList(), NpgsqlDbType.Bytea),
                    PgLook.Of(_replaced.Values.Select(one => one.By).ToList(), NpgsqlDbType.Bigint),
                    PgLook.Of(_replaced.Values.Select(one => one.At).ToList(), NpgsqlDbType.Bigint),
                },
            });
        }

        if (_forgotten.Count > 0)
        {
            // It may have been forgotten, or used again since.
            commands.Add(new("""
                UPDATE event_ids e SET hash = $4 FROM unnest($1, $2, $3) k (key, log_id, seq)
                WHERE e.key = k.key AND e.log_id = k.log_id AND e.seq = k.seq
                """)
            {
                Parameters =
                {
                    PgLook.Of(_forgotten.ConvertAll(one => one.Key), NpgsqlDbType.Uuid),
                    PgLook.Of(_forgotten.ConvertAll(one => one.LogId), NpgsqlDbType.Bigint),
                    PgLook.Of(_forgotten.ConvertAll(one => one.Seq), NpgsqlDbType.Bigint),
                    new NpgsqlParameter<Guid> { TypedValue = _anyContent, NpgsqlDbType = NpgsqlDbType.Uuid },
                },
            });
        }
    }

    private void AddHeads(NpgsqlBatchCommandCollection commands)
    {
        AddHeads(commands, isNew: true, """
            INSERT INTO logs (name, id, epoch, head, first, last_at) SELECT * FROM unnest($1, $2, $3, $4, $5, $6)
            """);
        AddHeads(commands, isNew: false, """
            UPDATE logs l SET id = k.id, epoch = k.epoch, head = k.head, first = k.first, last_at = k.last_at
            FROM unnest($1, $2, $3, $4, $5, $6) k (name, id, epoch, head, first, last_at) WHERE l.name = k.name
            """);
    }

    private void AddHeads(NpgsqlBatchCommandCollection commands, bool isNew, string sql)
    {
        var some = _heads.FindAll(state => state.Durable!.Id == 0 == isNew);
        if (some.Count == 0)
        {
            return;
        }

        commands.Add(new(sql)
        {
            Parameters =
            {
                PgLook.Of(some.ConvertAll(state => state.Log.Value), NpgsqlDbType.Text),
                PgLook.Of(some.ConvertAll(state => state.Next!.Id), NpgsqlDbType.Bigint),
                PgLook.Of(some.ConvertAll(state => state.Next!.Epoch), NpgsqlDbType.Text),
                PgLook.Of(some.ConvertAll(state => state.Next!.Head), NpgsqlDbType.Bigint),
                PgLook.Of(some.ConvertAll(state => state.Next!.First), NpgsqlDbType.Bigint),
                PgLook.Of(some.ConvertAll(state => state.Next!.LastAt), NpgsqlDbType.Bigint),
            },
        });
    }

    private void AddRecords(NpgsqlBatchCommandCollection commands)
    {
        var put = _records.Where(record => record.Value is not null).ToList();
        if (put.Count > 0)
        {
            commands.Add(new("INSERT INTO records (key, value) SELECT * FROM unnest($1, $2) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value")
            {
                Parameters =
                {
                    PgLook.Of(put.ConvertAll(record => record.Key), NpgsqlDbType.Bytea), PgLook.Of(put.ConvertAll(record => record.Value!), NpgsqlDbType.Bytea),
                },
            });
        }

        if (put.Count < _records.Count)
        {
            commands.Add(new("DELETE FROM records r USING unnest($1) k WHERE r.key = k")
            {
                Parameters = { PgLook.Of(_records.Where(record => record.Value is null).Select(record => record.Key).ToList(), NpgsqlDbType.Bytea) },
            });
        }
    }
}
