using Npgsql;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>The journal in the database: one row a batch, read by any thread as far as this node has taken it over.</summary>
internal sealed class PgJournal(PgReads reads)
{
    // Of one page.
    private const int PageBytes = 1 << 20;

    private long _end;
    private TaskCompletionSource? _more;
    private volatile bool _isClosed;

    public string Epoch { get; private set; } = "";

    public JournalPosition End => new(Epoch, Volatile.Read(ref _end));

    /// <summary>Before anything is written or heard.</summary>
    public void Start(in JournalHead head) => (Epoch, _end) = (head.Epoch, head.Told);

    /// <summary>What the journal keeps of a batch.</summary>
    public static byte[] Encode(IReadOnlyList<LogChange> changes)
    {
        if (changes.Count == 0)
        {
            return [];
        }

        var size = LogRecords.JournalHeader;
        foreach (var change in changes)
        {
            size += LogRecords.JournalEntrySize(NameOf(change));
        }

        // As the embedded log has them, with a header that is empty here: time and bytes are columns.
        var bytes = new byte[size];
        var at = LogRecords.JournalHeader;
        foreach (var change in changes)
        {
            var name = NameOf(change);
            LogRecords.JournalEntry(bytes.AsSpan(at), name, change.Kind, change.From, change.To);
            at += LogRecords.JournalEntrySize(name);
        }

        return bytes;
    }

    /// <summary>A batch that changed logs is taken over: whoever waits may read it. The writer's.</summary>
    public void Publish(long number)
    {
        // A full fence, as the one of who waits: either he sees the end, or is seen here.
        Interlocked.Exchange(ref _end, number);
        if (Volatile.Read(ref _more) is not null)
        {
            Interlocked.Exchange(ref _more, null)?.TrySetResult();
        }
    }

    /// <summary>Nothing more comes.</summary>
    public void Close()
    {
        _isClosed = true;
        Interlocked.Exchange(ref _more, null)?.TrySetResult();
    }

    public JournalPage Read(JournalPosition? after, int limit) => reads.Read(connection => Read(connection, after, limit));

    public async Task WaitAsync(JournalPosition after, CancellationToken cancellation)
    {
        while (true)
        {
            TaskCompletionSource mine = new(TaskCreationOptions.RunContinuationsAsynchronously);
            var more = Interlocked.CompareExchange(ref _more, mine, null) ?? mine;
            ObjectDisposedException.ThrowIf(_isClosed, typeof(PgEventLog));
            if (after.Epoch != Epoch || after.Number != Volatile.Read(ref _end))
            {
                return;
            }

            await more.Task.WaitAsync(cancellation);
        }
    }

    private JournalPage Read(NpgsqlConnection connection, JournalPosition? after, int limit)
    {
        var end = End;
        if (after is not { } from || (/* guard: a place of other data of the cluster is told */ from.Epoch != Epoch) || from.Number > end.Number)
        {
            return new(IsGap: true, end, []);
        }

        List<JournalBatch> batches = [];
        var bytes = 0;
        using NpgsqlBatch batch = new(connection)
        {
            BatchCommands =
            {
                new("SELECT n, changes FROM journal WHERE n > $1 AND n <= $2 AND changes <> '' ORDER BY n LIMIT $3")
                {
                    Parameters = { PgLook.Of(from.Number), PgLook.Of(end.Number), PgLook.Of(limit) },
                },
                // After the rows: what was gone by then is known here.
                new("SELECT trimmed FROM journal_start"),
            },
        };
        using var reader = batch.ExecuteReader();
        while (bytes < PageBytes && reader.Read())
        {
            var changes = reader.GetFieldValue<byte[]>(1);
            bytes += changes.Length;
            batches.Add(new(reader.GetInt64(0), LogRecords.ReadJournal(changes)));
        }

        reader.NextResult();
        reader.Read();
        if (/* guard: who is behind the journal of the cluster is told */ from.Number < reader.GetInt64(0))
        {
            return new(IsGap: true, end, []);
        }

        return new(IsGap: false, batches.Count == 0 ? end : new(Epoch, batches[^1].Number), batches, IsCut: batches.Count == limit || bytes >= PageBytes);
    }

    private static byte[] NameOf(in LogChange change) => System.Text.Encoding.ASCII.GetBytes(change.Log.Value);
}
