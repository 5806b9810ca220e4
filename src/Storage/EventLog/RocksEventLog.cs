using System.Text;
using Microsoft.Extensions.Logging;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>The event log in RocksDB, and the records beside it: one thread writes, any thread reads.</summary>
/// <remarks>
/// Threads: <see cref="LogThread"/> alone writes to the store, closes it at the end, and changes a <see cref="LogState"/>.
/// Readers take a pass at the <see cref="ReadGate"/>, so that the store is not closed under them; they hold no lock while they read.
/// </remarks>
internal sealed class RocksEventLog : IEventLog, IRecords, IJournal, ILogSpace
{
    private readonly RocksDb _db;
    private readonly LogThread _thread;
    private readonly LogJournal _journal;
    private readonly ReadGate _gate;
    private readonly LogStates _states;

    private RocksEventLog(RocksStore store, RocksEventLogOptions options, TimeProvider time, ILogger<RocksEventLog> logger)
    {
        _db = store.Db;
        _gate = new ReadGate();
        _states = new LogStates(_db, options.LogsInMemory);
        _journal = new LogJournal(_db, options, time);
        _thread = new LogThread(store, _journal, _gate, _states, options, time, logger);
    }

    /// <summary>Opens or creates the store in a folder of its own; one of an older format is migrated without a copy.</summary>
    /// <exception cref="IOException">
    /// It cannot be opened: the message says why, in one line.
    /// <see cref="LogDamagedException"/> when the files are damaged beyond what can be left out.
    /// </exception>
    public static RocksEventLog Open(string folder, RocksEventLogOptions? options, TimeProvider time, ILogger<RocksEventLog> logger)
    {
        options ??= new RocksEventLogOptions();
        return Open(RocksStore.Open(folder, options, time, logger), options, time, logger);
    }

    /// <summary>
    /// Goes on with a store that is open, and closes it in the end.
    /// One of an older format is migrated: whoever wants it as it was has made a copy by now.
    /// </summary>
    /// <exception cref="IOException">It cannot be read, or migrated; the store is closed.</exception>
    public static RocksEventLog Open(RocksStore store, RocksEventLogOptions options, TimeProvider time, ILogger<RocksEventLog> logger)
    {
        try
        {
            if (store.IsOfOlderFormat)
            {
                store.Migrate();
            }

            return new RocksEventLog(store, options, time, logger);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    public LogHealth Health => _thread.Health;

    /// <summary>Of how many logs the head is in memory.</summary>
    public int HeadsInMemory => _states.Count;

    public void Append(PendingAppend append, bool moreFollows = false)
    {
        ArgumentNullException.ThrowIfNull(append);
        LogArguments.CheckAppend(append);
        _thread.Enqueue(append, moreFollows);
    }

    public void Wake() => _thread.Wake();

    public Task SettleAsync()
    {
        PendingRecords nothing = new([], []);
        _thread.Enqueue(nothing);
        return nothing.DecidedAsync();
    }

    public LogHead Head(LogName log)
    {
        LogArguments.CheckName(log);
        using var pass = _gate.Enter();
        return StateOf(log).Durable.ToHead();
    }

    public OpenLog Open(LogName log)
    {
        LogArguments.CheckName(log);
        using var pass = _gate.Enter();
        var open = _states.Open(log);
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

    public Task TruncateAsync(LogName log, long before)
    {
        LogArguments.CheckName(log);
        ArgumentOutOfRangeException.ThrowIfNegative(before);
        PendingTruncate truncate = new(log, before);
        _thread.Enqueue(truncate);
        return truncate.Task;
    }

    public Task DropAsync(LogName log)
    {
        LogArguments.CheckName(log);
        PendingDrop drop = new(log);
        _thread.Enqueue(drop);
        return drop.Task;
    }

    public JournalPage ReadJournal(JournalPosition? after, int limit)
    {
        LogArguments.CheckLimit(limit);
        using var pass = EnterToRead();
        return _journal.Read(after, limit);
    }

    public Task WaitAsync(JournalPosition after, CancellationToken cancellation) => _journal.WaitAsync(after, cancellation);

    public IReadOnlyList<LogName> ReadLogs(LogName? after, int limit)
    {
        LogArguments.CheckLimit(limit);
        if (after is { } last)
        {
            LogArguments.CheckName(last);
        }

        List<LogName> logs = [];
        using var pass = EnterToRead();
        using var iterator = _db.NewIterator();
        for (iterator.Seek(after is { } name ? LogRecords.End(Encoding.ASCII.GetBytes(name.Value)) : LogRecords.FirstLogKey); logs.Count < limit && iterator.Valid();)
        {
            var found = LogRecords.NameIn(iterator.GetKeySpan()).ToArray();
            logs.Add(LogName.Stored(found));
            iterator.Seek(LogRecords.End(found));
        }

        RocksStore.ThrowIfFailed(iterator);
        return logs;
    }

    public Task WriteAsync(IReadOnlyList<RecordChange> changes) => WriteAsync(changes, []);

    public Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions)
    {
        ArgumentNullException.ThrowIfNull(changes);
        ArgumentNullException.ThrowIfNull(conditions);
        LogArguments.CheckKeys(changes, conditions);
        PendingRecords records = new(changes, conditions);
        _thread.Enqueue(records);
        return records.Task;
    }

    public byte[]? Find(ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(key.Length, LogRecords.MaxRecordKey, nameof(key));
        using var pass = EnterToRead();
        return RocksStore.FindRecord(_db, key);
    }

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix)
    {
        using var pass = EnterToRead();
        return RecordReads.Read(_db, prefix, [], int.MaxValue);
    }

    public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit)
    {
        LogArguments.CheckLimit(limit);
        using var pass = EnterToRead();
        return RecordReads.Read(_db, prefix, after, limit);
    }

    /// <summary>
    /// Makes a copy of the whole store as it is at one moment of this call, in a folder that is not there yet.
    /// Tables, which are never written again, are hard links where the disk has them. Blocks; writing goes on meanwhile.
    /// </summary>
    /// <exception cref="IOException">It could not be made.</exception>
    public void SaveCopy(string folder)
    {
        using var pass = EnterToRead();
        RocksStore.SaveCopy(_db, folder);
    }

    /// <summary>
    /// Writes all files anew, without what was replaced, deleted or dropped before the call, which is in none of them after it.
    /// Blocks for as long as reading and writing all of the store takes; reading and writing go on meanwhile.
    /// </summary>
    /// <param name="records">Before the keys of the records that alone it is about; empty: of the whole store.</param>
    /// <exception cref="IOException">It was not done to its end.</exception>
    public void Purge(ReadOnlySpan<byte> records = default)
    {
        // What is still being cleared would stay in the files.
        _thread.WhenTruncatedAsync().GetAwaiter().GetResult();
        using var pass = EnterToRead();
        RocksPurge.Run(_db, records);
    }

    public async Task GiveBackAsync(LogName log, CancellationToken cancellation = default)
    {
        LogArguments.CheckName(log);
        await _thread.WhenTruncatedAsync().WaitAsync(cancellation);
        await Task.Run(
            () =>
            {
                using var pass = EnterToRead();
                RocksPurge.Run(_db, log);
            },
            cancellation);
    }

    public long SizeOf(LogName log)
    {
        using var pass = EnterToRead();
        return RocksSizes.Of(_db, log);
    }

    /// <summary>Reads every table and compares its checksums.</summary>
    /// <exception cref="LogDamagedException">One does not fit.</exception>
    public void Verify()
    {
        using var pass = EnterToRead();
        RocksStore.Verify(_db);
    }

    public ValueTask DisposeAsync() => _thread.DisposeAsync();

    private ReadGate.Pass EnterToRead()
    {
        DiskReads.Assert();
        return _gate.Enter();
    }

    private LogState StateOf(LogName log)
    {
        var state = _states.Of(log);
        ClearStates();
        return state;
    }

    // Readers alone may bring in more than are to be kept, while nothing is written.
    private void ClearStates()
    {
        if (_states.AreMany)
        {
            _thread.Wake();
        }
    }

    private LogPage Read(LogName log, long after, long before, int limit, bool newest)
    {
        LogArguments.CheckName(log);
        LogArguments.CheckLimit(limit);
        using var pass = EnterToRead();
        while (true)
        {
            var state = StateOf(log);

            // The head first, then the iterator, which sees the store as it is from here on: all up to the head is there,
            // unless the log was dropped or truncated in between. A drop is published before anything is written to the log again,
            // and a truncation before anything is deleted, so the epoch and the first tell.
            var head = state.Durable;
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

            if (first == last)
            {
                // Most look at one: to get it costs a quarter of what an iterator does.
                var stored = RocksStore.Get(_db, LogRecords.EventKey(state.Prefix, first));
                if (stored is not null && IsStill(state, head))
                {
                    return new(head.ToHead(), [Entry(first, stored)]);
                }
            }
            else
            {
                using var iterator = _db.NewIterator();
                if (IsStill(state, head) && ReadEntries(iterator, state, first, last) is { } entries)
                {
                    return new(head.ToHead(), entries);
                }
            }

            // A drop may be on disk and not yet published. Asked for before the epoch: when it is over by now, the epoch has changed.
            var dropping = state.Dropping;
            if (IsStill(state, head))
            {
                if (!dropping)
                {
                    throw new LogDamagedException($"The event log lacks events between {first} and {last} of {log}.");
                }

                Thread.Yield();
            }
        }
    }

    private static bool IsStill(LogState state, in HeadRecord head) =>
        !state.IsGone && state.Durable is var now && now.Epoch == head.Epoch
        && /* guard: what was truncated is not read beside it */ now.First == head.First;

    /// <summary>
    /// Null when an event is not there.
    /// Never looks beyond the last one asked for, so it never wanders through another log or what was dropped.
    /// </summary>
    private static LogEntry[]? ReadEntries(Iterator iterator, LogState state, long first, long last)
    {
        var entries = new LogEntry[last - first + 1];
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        var author = "";
        for (var seq = first; seq <= last; seq++)
        {
            var wanted = key[..LogRecords.EventKey(key, state.Prefix, seq)];
            if (!RocksStore.TryMoveTo(iterator, wanted, isNext: seq > first))
            {
                return null;
            }

            entries[seq - first] = Entry(seq, iterator.GetValueSpan(), author);
            author = entries[seq - first].Author;
        }

        return entries;
    }

    // Events of one author one after the other share its string.
    private static LogEntry Entry(long seq, ReadOnlySpan<byte> stored, string formerAuthor = "")
    {
        var value = LogRecords.ReadEvent(stored);
        var author = IsSame(formerAuthor, value.Author) ? formerAuthor : Encoding.UTF8.GetString(value.Author);
        return new(seq, DateTimeOffset.FromUnixTimeMilliseconds(value.At), author, value.Body.ToArray())
        {
            ChangedBy = value.ChangedBy,
            ChangedAt = value.ChangedBy == 0 ? default : DateTimeOffset.FromUnixTimeMilliseconds(value.ChangedAt),
        };
    }

    private static bool IsSame(string text, ReadOnlySpan<byte> utf8)
    {
        Span<char> chars = stackalloc char[LogRecords.MaxAuthor];
        return chars[..Encoding.UTF8.GetChars(utf8, chars)].SequenceEqual(text);
    }
}
