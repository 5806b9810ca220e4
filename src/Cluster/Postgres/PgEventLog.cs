using Microsoft.Extensions.Logging;
using Npgsql;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Cluster.Postgres;

/// <summary>The event log of one of several nodes on one PostgreSQL database, and the records beside it.</summary>
/// <remarks>
/// Threads: <see cref="PgWriter"/> alone writes events and records, and changes heads in memory. Readers take a pass at the
/// <see cref="ReadGate"/>, so that the connections are not closed under them; they hold no lock while they read.
/// </remarks>
internal sealed class PgEventLog : IEventLog, IRecords, IJournal, ILogSpace
{
    // What an event takes beside its body and author, in a table and its index.
    private const int EventOverhead = 120;

    // What is looked at to tell how large an event is.
    private const int Sample = 100;

    private static readonly TimeSpan _longestRead = TimeSpan.FromSeconds(10);

    private readonly NpgsqlDataSource _reading;
    private readonly NpgsqlDataSource _writing;
    private readonly PgParts _parts;
    private readonly PgReads _reads;
    private readonly PgWriter _writer;
    private readonly PgSweep _sweep;
    private readonly PgReplication _replication;
    private int _isDisposed;

    private PgEventLog(PgConnections connections, PgEventLogOptions options, INodeLinks links, TimeProvider time, ILogger logger, Func<NpgsqlBatchCommand?> fence)
    {
        (_reading, _writing) = (connections.Reading, connections.Writing);
        ReadGate gate = new();
        _reads = new PgReads(_reading, gate);
        PgJournal journal = new(_reads);
        PgLogStates states = new(ReadHead, options.LogsInMemory);
        PgHearing hearing = new(states, journal, options, logger);
        _parts = new(links.Self, options, time, logger, _reads, gate, states, journal, hearing);
        PgSession session = new(_writing, links.Self, options, fence);
        var (head, _) = session.ReadFeed(long.MaxValue);
        journal.Start(head);
        hearing.Start(head.Number);
        _replication = new PgReplication(hearing, links, options, logger);
        _writer = new PgWriter(_parts, session, _replication.Bring);
        _replication.Begins = () => _writer.LookAsync(begins: true);
        _sweep = new PgSweep(_reading, options, time, logger);
    }

    /// <summary>Opens it; the tables must be there (<see cref="Migrations.Schema"/>).</summary>
    /// <param name="connection">How to reach the database, as Npgsql takes it.</param>
    /// <param name="links">Not started yet: this one answers there.</param>
    /// <param name="fence">
    /// What is asked in each transaction that writes: a command whose one row, if there is one, says by a boolean whether this node was
    /// declared dead. Null: nobody declares.
    /// </param>
    /// <param name="prepare">What else is to be done with connections, each of which opens with it.</param>
    /// <exception cref="IOException">The database is not there: the message says why, in one line.</exception>
    public static PgEventLog Open(
        string connection, PgEventLogOptions? options, INodeLinks links, TimeProvider time, ILogger<PgEventLog> logger, Func<NpgsqlBatchCommand?>? fence = null,
        Action<NpgsqlDataSourceBuilder>? prepare = null)
    {
        options ??= new PgEventLogOptions();
        var connections = PgConnections.To(connection, links.Self, options, prepare);
        try
        {
            return new PgEventLog(connections, options, links, time, logger, fence ?? (static () => null));
        }
        catch (Exception error) when (PgErrors.IsOf(error))
        {
            connections.Dispose();
            throw PgErrors.ToRead(error);
        }
    }

    public LogHealth Health => _writer.Health;

    /// <summary>What other nodes write.</summary>
    public IReplication Replication => _replication;

    /// <summary>Of how many logs the head is in memory.</summary>
    public int HeadsInMemory => _parts.States.Count;

    /// <summary>The last batch that this node has taken over, or written.</summary>
    public long Applied => _parts.Hearing.Applied;

    /// <summary>Whether this node deletes what is old enough for all of them.</summary>
    public Func<bool> Sweeps
    {
        get => _sweep.IsOurs;
        set => _sweep.IsOurs = value;
    }

    /// <summary>The database was away: connections that wait to be used may be dead.</summary>
    public void Renew() => _reads.Renew();

    /// <summary>There is a batch of this number: what this node has not taken over by then it reads.</summary>
    public void Reached(long number) => _parts.Hearing.Bring(number, null);

    /// <summary>Completes when this node has taken over all up to a number of the journal, and done what it owes for that.</summary>
    /// <exception cref="ObjectDisposedException">The log is closed.</exception>
    public Task AppliedAsync(long number) => _parts.Hearing.AppliedAsync(number);

    /// <summary>Completes when this node has taken over all that is stored by now, and done what it owes for that.</summary>
    /// <exception cref="ObjectDisposedException">The log is closed.</exception>
    public Task CatchUpAsync() => _writer.LookAsync(begins: false);

    /// <summary>Writes documents in a transaction of their own, in one order with all else. Completes as the work does, and fails as it
    /// does.</summary>
    public Task CommitAsync(DocumentWork work)
    {
        PendingDocuments documents = new(work);
        _writer.Enqueue(documents);
        return documents.Task;
    }

    public void Append(PendingAppend append, bool moreFollows = false)
    {
        ArgumentNullException.ThrowIfNull(append);
        LogArguments.CheckAppend(append);
        _writer.Enqueue(append, moreFollows);
    }

    public void Wake() => _writer.Wake();

    public Task SettleAsync()
    {
        PendingRecords nothing = new([], []);
        _writer.Enqueue(nothing);
        return nothing.DecidedAsync();
    }

    public LogHead Head(LogName log)
    {
        LogArguments.CheckName(log);
        using var pass = _parts.Readers.Enter();
        return StateOf(log).Durable!.ToHead();
    }

    public OpenLog Open(LogName log)
    {
        LogArguments.CheckName(log);
        using var pass = _parts.Readers.Enter();
        var open = _parts.States.Open(log);
        ClearStates();
        return open;
    }

    public LogPage ReadAfter(LogName log, long after, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        return Read(log, after, long.MaxValue, limit, newest: false);
    }

    public LogPage ReadBefore(LogName log, long before, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(before);
        return Read(log, 0, before, limit, newest: true);
    }

    public async Task TruncateAsync(LogName log, long before)
    {
        LogArguments.CheckName(log);
        ArgumentOutOfRangeException.ThrowIfNegative(before);
        PendingTruncate truncate = new(log, before);
        _writer.Enqueue(truncate);
        await truncate.Task;
        _sweep.Begin();
    }

    public async Task DropAsync(LogName log)
    {
        LogArguments.CheckName(log);
        PendingDrop drop = new(log);
        _writer.Enqueue(drop);
        await drop.Task;
        _sweep.Begin();
    }

    public JournalPage ReadJournal(JournalPosition? after, int limit)
    {
        LogArguments.CheckLimit(limit);
        return _parts.Journal.Read(after, limit);
    }

    public Task WaitAsync(JournalPosition after, CancellationToken cancellation) => _parts.Journal.WaitAsync(after, cancellation);

    public IReadOnlyList<LogName> ReadLogs(LogName? after, int limit)
    {
        LogArguments.CheckLimit(limit);
        if (after is { } last)
        {
            LogArguments.CheckName(last);
        }

        return _reads.Read(connection => PgRecordReads.Logs(connection, after, limit));
    }

    public Task WriteAsync(IReadOnlyList<RecordChange> changes) => WriteAsync(changes, []);

    public Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions)
    {
        ArgumentNullException.ThrowIfNull(changes);
        ArgumentNullException.ThrowIfNull(conditions);
        LogArguments.CheckKeys(changes, conditions);
        PendingRecords records = new(changes, conditions);
        _writer.Enqueue(records);
        return records.Task;
    }

    public byte[]? Find(ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(key.Length, LogRecords.MaxRecordKey, nameof(key));
        var wanted = key.ToArray();
        return _reads.Read(connection => PgRecordReads.Find(connection, wanted));
    }

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) => PgRecordReads.Read(_reads, prefix, [], int.MaxValue);

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit)
    {
        LogArguments.CheckLimit(limit);
        return PgRecordReads.Read(_reads, prefix, after, limit);
    }

    /// <summary>
    /// Completes when nothing of what was truncated is left. Its space is the database's to use again, and VACUUM's to give back to the
    /// disk.
    /// </summary>
    public Task GiveBackAsync(LogName log, CancellationToken cancellation = default)
    {
        LogArguments.CheckName(log);
        using var pass = _parts.Readers.Enter();
        return _sweep.ClearAsync(cancellation);
    }

    public long SizeOf(LogName log)
    {
        var head = Head(log);
        var events = head.Head == 0 ? 0 : head.Head - head.First + 1;
        var entries = ReadBefore(log, long.MaxValue, Sample).Entries;
        return entries.Count == 0 ? 0 : events * (EventOverhead + entries.Sum(entry => (long)entry.Body.Length + entry.Author.Length) / entries.Count);
    }

    /// <summary>Deletes all that is old enough by now, whoever's duty that is.</summary>
    public Task SweepAsync() => _sweep.RunAsync();

    public async ValueTask DisposeAsync()
    {
        await _sweep.DisposeAsync();
        await _writer.DisposeAsync();
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _replication.Dispose();
            await _reading.DisposeAsync();
            await _writing.DisposeAsync();
        }
    }

    private PgLogState StateOf(LogName log)
    {
        var state = _parts.States.Of(log);
        ClearStates();
        return state;
    }

    // Readers alone may bring in more than are to be kept, while nothing is written.
    private void ClearStates()
    {
        if (_parts.States.AreMany)
        {
            _writer.Wake();
        }
    }

    private PgHead ReadHead(LogName log)
    {
        var (head, number) = _reads.Read(connection => PgEventReads.Head(connection, log));
        AwaitApplied(number);
        return head ?? PgHead.Unused(_parts.Journal.Epoch, log);
    }

    /// <summary>What is read may be of batches that this node has not taken over: nobody is shown that before.</summary>
    private void AwaitApplied(long number)
    {
        if (number <= Applied || _writer.IsThis)
        {
            return;
        }

        if (!_parts.Hearing.WaitFor(number, _longestRead))
        {
            throw StoreUnavailableException.OfDatabase("This node has not heard for too long what the others wrote.");
        }
    }

    private LogPage Read(LogName log, long after, long before, int limit, bool newest)
    {
        LogArguments.CheckName(log);
        LogArguments.CheckLimit(limit);
        using var pass = _parts.Readers.Enter();
        for (var isCurrent = false; ;)
        {
            var state = StateOf(log);
            var head = state.Durable!;
            if (head.Head == 0 || after >= head.Head || before <= head.First)
            {
                return new(head.ToHead(), []);
            }

            var first = Math.Max(after + 1, head.First);
            var last = Math.Min(before - 1, head.Head);
            if (first > last)
            {
                // All of it was truncated.
                return new(head.ToHead(), []);
            }

            (first, last) = newest ? (Math.Max(first, last - limit + 1), last) : (first, Math.Min(last, first + limit - 1));
            var (entries, number) = _reads.Read(connection => PgEventReads.Entries(connection, head.Id, first, last));
            if (entries.Count == last - first + 1 && IsStill(state, head))
            {
                return new(head.ToHead(), entries);
            }

            // Another node may have truncated or dropped it, which this one has not taken over yet.
            if (entries.Count <= last - first && IsStill(state, head))
            {
                if (isCurrent)
                {
                    throw new LogDamagedException($"The event log lacks events between {first} and {last} of {log}.");
                }

                AwaitApplied(number);
                isCurrent = !state.IsGone && IsStill(state, head);
            }
        }
    }

    private static bool IsStill(PgLogState state, PgHead head) =>
        !state.IsGone && state.Durable is { } now && now.Id == head.Id
        && /* guard: what was truncated in the cluster is not read beside it */ now.First == head.First;
}
