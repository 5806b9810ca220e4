using Npgsql;
using NpgsqlTypes;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>What a batch has to see before it decides: asked for while its appends are gathered, read in one trip under the journal's
/// lock.</summary>
/// <remarks>The writer's own; used again for each batch.</remarks>
internal sealed class PgLook
{
    private readonly List<Guid> _keys = [];
    private readonly List<PgLogState> _heads = [];
    private readonly HashSet<PgLogState> _headsAsked = [];
    private readonly List<byte[]> _records = [];
    private readonly List<string> _earlierLogs = [];
    private readonly List<long> _earlierSeqs = [];

    public Dictionary<Guid, PgId> Ids { get; } = [];

    public Dictionary<byte[], byte[]> Records { get; } = new(new RecordOverlay.ByBytes());

    public Dictionary<(string Log, long Seq), PgEvent> Earlier { get; } = [];

    /// <summary>Of those that were asked for; who is not there has no row.</summary>
    public Dictionary<string, PgHead> Heads { get; } = [];

    /// <summary>What the journal's row says, which is locked.</summary>
    public JournalHead Head { get; private set; }

    /// <summary>Batches that this node has not taken over.</summary>
    public List<(long Number, byte[] Payload)> Feed { get; } = [];

    /// <summary>This node was declared dead: it may not write any more.</summary>
    public bool IsDead { get; private set; }

    public IReadOnlyList<PgLogState> HeadsAsked => _heads;

    public void AskId(Guid key) => _keys.Add(key);

    public void AskHead(PgLogState state)
    {
        if (_headsAsked.Add(state))
        {
            _heads.Add(state);
        }
    }

    public void AskRecord(byte[] key) => _records.Add(key);

    public void AskEvent(LogName log, long seq)
    {
        _earlierLogs.Add(log.Value);
        _earlierSeqs.Add(seq);
    }

    /// <summary>Nothing is asked for, and nothing known.</summary>
    public void Clear()
    {
        _keys.Clear();
        _heads.Clear();
        _headsAsked.Clear();
        _records.Clear();
        _earlierLogs.Clear();
        _earlierSeqs.Clear();
        Forget();
    }

    /// <summary>Adds the commands, of which the first locks the journal's row.</summary>
    /// <param name="applied">The last batch that this node has taken over.</param>
    /// <param name="fence">Null: nobody is declared dead. Else its one row, if there is one, begins with a boolean: this node was.</param>
    public void AddTo(NpgsqlBatch batch, long applied, int feedStep, NpgsqlBatchCommand? fence)
    {
        var commands = batch.BatchCommands;
        commands.Add(new("SELECT epoch, n, told, bytes, logs FROM journal_head FOR UPDATE"));
        commands.Add(new("SELECT n, payload FROM feed WHERE n > $1 ORDER BY n LIMIT $2") { Parameters = { Of(applied), Of((long)feedStep) } });
        if (fence is not null)
        {
            commands.Add(fence);
        }

        if (_keys.Count > 0)
        {
            commands.Add(new("SELECT e.key, e.log_id, e.hash, e.seq, e.at FROM unnest($1) k JOIN event_ids e ON e.key = k")
            {
                Parameters = { Of(_keys, NpgsqlDbType.Uuid) },
            });
        }

        if (_heads.Count > 0)
        {
            commands.Add(new("SELECT l.name, l.id, l.epoch, l.head, l.first, l.last_at FROM unnest($1) k JOIN logs l ON l.name = k")
            {
                Parameters = { Of(_heads.ConvertAll(state => state.Log.Value), NpgsqlDbType.Text) },
            });
        }

        if (_records.Count > 0)
        {
            commands.Add(new("SELECT r.key, r.value FROM unnest($1) k JOIN records r ON r.key = k") { Parameters = { Of(_records, NpgsqlDbType.Bytea) } });
        }

        if (_earlierSeqs.Count > 0)
        {
            commands.Add(new("""
                SELECT l.name, e.seq, e.log_id, e.at, e.author, e.key, e.body, e.changed_by FROM unnest($1, $2) k (name, seq)
                JOIN logs l ON l.name = k.name JOIN events e ON e.log_id = l.id AND e.seq = k.seq
                """)
            {
                Parameters = { Of(_earlierLogs, NpgsqlDbType.Text), Of(_earlierSeqs, NpgsqlDbType.Bigint) },
            });
        }
    }

    /// <summary>The results of these commands; the reader then stands behind them, at the next result if there is one.</summary>
    public void Read(NpgsqlDataReader reader, bool hasFence)
    {
        Forget();
        reader.Read();
        Head = new(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4));
        reader.NextResult();
        while (reader.Read())
        {
            Feed.Add((reader.GetInt64(0), reader.GetFieldValue<byte[]>(1)));
        }

        reader.NextResult();
        if (hasFence)
        {
            IsDead = reader.Read() && reader.GetBoolean(0);
            reader.NextResult();
        }

        if (_keys.Count > 0)
        {
            while (reader.Read())
            {
                Ids[reader.GetGuid(0)] = new(reader.GetInt64(1), PgKeys.ToHash(reader.GetGuid(2)), reader.GetInt64(3), reader.GetInt64(4));
            }

            reader.NextResult();
        }

        if (_heads.Count > 0)
        {
            while (reader.Read())
            {
                Heads[reader.GetString(0)] = new(reader.GetInt64(1), reader.GetString(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5));
            }

            reader.NextResult();
        }

        if (_records.Count > 0)
        {
            while (reader.Read())
            {
                Records[reader.GetFieldValue<byte[]>(0)] = reader.GetFieldValue<byte[]>(1);
            }

            reader.NextResult();
        }

        if (_earlierSeqs.Count > 0)
        {
            ReadEarlier(reader);
            reader.NextResult();
        }
    }

    private void ReadEarlier(NpgsqlDataReader reader)
    {
        while (reader.Read())
        {
            Earlier[(reader.GetString(0), reader.GetInt64(1))] = new(
                reader.GetInt64(2),
                reader.GetInt64(3),
                reader.GetFieldValue<byte[]>(4),
                reader.IsDBNull(5) ? null : reader.GetGuid(5),
                reader.GetFieldValue<byte[]>(6),
                reader.GetInt64(7));
        }
    }

    private void Forget()
    {
        Ids.Clear();
        Records.Clear();
        Earlier.Clear();
        Heads.Clear();
        Feed.Clear();
        IsDead = false;
    }

    public static NpgsqlParameter Of(long value) => new NpgsqlParameter<long> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bigint };

    /// <summary>An array of them.</summary>
    public static NpgsqlParameter Of<T>(List<T> values, NpgsqlDbType type) =>
        new NpgsqlParameter<List<T>> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };
}

/// <summary>The one row of the journal.</summary>
/// <param name="Number">The last batch.</param>
/// <param name="Told">The last batch that did something to a log.</param>
/// <param name="Bytes">Of all that the journal ever told.</param>
/// <param name="Logs">The last id that a log was given.</param>
internal readonly record struct JournalHead(string Epoch, long Number, long Told, long Bytes, long Logs);
