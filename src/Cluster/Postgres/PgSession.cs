using System.Data;
using Npgsql;
using NpgsqlTypes;

namespace WebMessenger.Cluster.Postgres;

/// <summary>The writer's connection and its transactions, each of two trips: one locks the journal and looks, the other writes and
/// commits.</summary>
/// <remarks>The writer's own. What it throws, <see cref="IsFault"/> knows.</remarks>
internal sealed class PgSession(NpgsqlDataSource database, string node, PgEventLogOptions options, Func<NpgsqlBatchCommand?> fence) : IDisposable
{
    private const string Beginning = "BEGIN ISOLATION LEVEL READ COMMITTED";

    private NpgsqlConnection? _connection;

    /// <summary>The database refused, and can be asked again on the same connection.</summary>
    public bool IsOpen => _connection is { State: ConnectionState.Open };

    /// <summary>It has the journal locked, and has not looked yet.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>It is the database's, or the way to it.</summary>
    /// <remarks>Closes a connection that fell apart: what became of its transaction nobody knows.</remarks>
    public bool IsFault(Exception error)
    {
        if (PgErrors.IsOfBroken(error))
        {
            Close();
        }

        return PgErrors.IsOf(error) || (error is InvalidOperationException && !IsOpen);
    }

    /// <summary>Locks the journal before it is known what the batch asks for; <see cref="Begin"/> goes on in that transaction.</summary>
    public void Lock()
    {
        using NpgsqlBatch batch = new(Connection()) { BatchCommands = { new(Beginning), new("SELECT FROM journal_head FOR UPDATE") } };
        batch.ExecuteNonQuery();
        HasBegun = true;
    }

    /// <summary>Locks the journal, and reads what the batch asks for, and what other nodes wrote.</summary>
    /// <param name="applied">The last batch that this node has taken over.</param>
    public void Begin(PgLook look, long applied, DocumentWork? documents)
    {
        var command = fence();
        using NpgsqlBatch batch = new(Connection());
        if (!HasBegun)
        {
            batch.BatchCommands.Add(new(Beginning));
        }

        HasBegun = false;
        look.AddTo(batch, applied, options.FeedStep, command);
        documents?.AddReads(batch);
        using var reader = batch.ExecuteReader();
        look.Read(reader, command is not null);
        documents?.ReadAsync(reader, CancellationToken.None).GetAwaiter().GetResult();
        while (reader.NextResult())
        {
            // An error of a later command shows here.
        }
    }

    /// <summary>Ends the transaction without having written.</summary>
    public void Rollback()
    {
        HasBegun = false;
        Execute("ROLLBACK");
    }

    /// <summary>Writes all and commits. When it throws and is not open any more, nobody knows whether that was done.</summary>
    public void Commit(PgCommit commit)
    {
        using NpgsqlBatch batch = new(Connection());
        commit.AddRows(batch);
        var head = commit.Head;
        batch.BatchCommands.Add(new("INSERT INTO journal (n, node, batch, at, bytes, changes) VALUES ($1, $2, $3, $4, $5, $6)")
        {
            Parameters =
            {
                PgLook.Of(head.Number),
                new NpgsqlParameter<string> { TypedValue = node, NpgsqlDbType = NpgsqlDbType.Text },
                new NpgsqlParameter<Guid> { TypedValue = commit.Batch, NpgsqlDbType = NpgsqlDbType.Uuid },
                PgLook.Of(commit.At),
                PgLook.Of(head.Bytes),
                new NpgsqlParameter<byte[]> { TypedValue = commit.Changes, NpgsqlDbType = NpgsqlDbType.Bytea },
            },
        });
        batch.BatchCommands.Add(new("INSERT INTO feed (n, payload) VALUES ($1, $2)")
        {
            Parameters = { PgLook.Of(head.Number), new NpgsqlParameter<byte[]> { TypedValue = commit.Payload, NpgsqlDbType = NpgsqlDbType.Bytea } },
        });
        batch.BatchCommands.Add(new("UPDATE journal_head SET n = $1, told = $2, bytes = $3, logs = $4")
        {
            Parameters = { PgLook.Of(head.Number), PgLook.Of(head.Told), PgLook.Of(head.Bytes), PgLook.Of(head.Logs) },
        });
        batch.BatchCommands.Add(new("COMMIT"));
        batch.ExecuteNonQuery();
    }

    /// <summary>
    /// Whether a batch is there whose commit nobody saw. Waits until its transaction is over, for that one has the journal locked.
    /// </summary>
    public bool IsStored(long number, Guid id)
    {
        using NpgsqlBatch batch = new(Connection())
        {
            BatchCommands =
            {
                new(Beginning),
                new("SELECT n FROM journal_head FOR UPDATE"),
                new("SELECT 1 FROM journal WHERE n = $1 AND batch = $2")
                {
                    Parameters = { PgLook.Of(number), new NpgsqlParameter<Guid> { TypedValue = id, NpgsqlDbType = NpgsqlDbType.Uuid } },
                },
                new("COMMIT"),
            },
        };
        using var reader = batch.ExecuteReader();
        reader.NextResult();
        return reader.Read();
    }

    /// <summary>What the journal's row says, and the next batches after one; without a lock, or within a transaction.</summary>
    public (JournalHead Head, List<(long Number, byte[] Payload)> Feed) ReadFeed(long applied)
    {
        using NpgsqlBatch batch = new(Connection())
        {
            BatchCommands =
            {
                new("SELECT epoch, n, told, bytes, logs FROM journal_head"),
                new("SELECT n, payload FROM feed WHERE n > $1 ORDER BY n LIMIT $2") { Parameters = { PgLook.Of(applied), PgLook.Of(options.FeedStep) } },
            },
        };
        using var reader = batch.ExecuteReader();
        reader.Read();
        JournalHead head = new(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4));
        reader.NextResult();
        List<(long, byte[])> feed = [];
        while (reader.Read())
        {
            feed.Add((reader.GetInt64(0), reader.GetFieldValue<byte[]>(1)));
        }

        return (head, feed);
    }

    /// <summary>A write that changes nothing.</summary>
    public void Probe()
    {
        using NpgsqlBatch batch = new(Connection()) { BatchCommands = { new("BEGIN"), new("UPDATE journal_head SET epoch = epoch"), new("COMMIT") } };
        batch.ExecuteNonQuery();
    }

    /// <summary>Takes back what was not committed, as far as it can be told; the next trip is made on a new connection.</summary>
    public void Close()
    {
        try
        {
            _connection?.Dispose();
        }
        catch (Exception error) when (PgErrors.IsOf(error) || error is InvalidOperationException)
        {
            // It was broken; the server takes back what it had begun.
        }

        (_connection, HasBegun) = (null, false);
    }

    public void Dispose() => Close();

    private void Execute(string sql)
    {
        using NpgsqlCommand command = new(sql, Connection());
        command.ExecuteNonQuery();
    }

    private NpgsqlConnection Connection()
    {
        if (_connection is { State: ConnectionState.Open } open)
        {
            return open;
        }

        // A transaction that had begun is gone with its connection.
        Close();
        return _connection = database.OpenConnection();
    }
}

/// <summary>What a transaction writes.</summary>
/// <param name="Batch">By which it is known if nobody saw whether it was committed.</param>
/// <param name="Head">The journal's row after it.</param>
/// <param name="At">In milliseconds since 1970.</param>
/// <param name="Changes">What the journal keeps.</param>
/// <param name="Payload">What other nodes take over.</param>
internal sealed record PgCommit(Guid Batch, JournalHead Head, long At, byte[] Changes, byte[] Payload, Action<NpgsqlBatch> AddRows);
