using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// What was said on the data topics of one room at QoS 1 or 2 and matches a filter of a client that is kept, or of a group (decision
/// 32): each once, under a seq, however many clients are owed it.
/// </summary>
/// <remarks>
/// <para>The thread that says what is in the room's queue appends, and hands over what it has appended together. What is over the bounds,
/// too old, or owed to nobody goes, the oldest first. Seqs have holes where the disk took nothing.</para>
/// <c>_gate</c> is taken before that of a cursor. Under both records are handed to the store, and nothing is read.
/// </remarks>
internal sealed partial class DataLog(string roomKey, IRecords records, DiskSpace space, BrokerLimits limits, TimeProvider time, ILogger logger)
    : IGroupLog
{
    /// <summary>Entries that are removed together.</summary>
    private const int LargestChunk = 256;

    /// <summary>Bytes that a client has read for it at once, unless one entry is larger.</summary>
    private const int ReadAtOnce = 256 * 1024;
    private const int MostRead = 64;
    private const int OpenedAtOnce = 32;

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly byte[] _prefix = DataLogRecord.PrefixOf(roomKey);
    private readonly DataLogChunks _chunks = new(limits.DataLogPerRoom is > 0 and var most ? Math.Clamp(most / 64, 1, LargestChunk) : LargestChunk);
    private readonly HashSet<ILogCursor> _cursors = [];
    private HashSet<ILogCursor> _waiting = [];
    private TaskCompletionSource? _nextStored;
    private volatile int _cursorCount;
    private volatile bool _isOpen;
    private volatile bool _isGone;
    private Task? _opening;
    private long _head;
    private long _stored;
    private int _hasToldOfDropping;

    // Appended and not handed over. The saying thread's.
    private List<RecordChange> _batch = [];
    private List<(long Seq, int Bytes, long At)> _entries = [];
    private TaskCompletionSource<bool>? _told;
    private Task _before = Task.CompletedTask;

    /// <summary>Clients that are kept, or groups, have filters here.</summary>
    public bool HasCursors => _cursorCount > 0;

    public bool IsOpen => _isOpen;

    /// <summary>The newest seq that was given.</summary>
    public long Head => Volatile.Read(ref _head);

    /// <summary>Up to here each entry is on disk, or never will be.</summary>
    public long Stored => Volatile.Read(ref _stored);

    /// <summary>Entries, and their bytes.</summary>
    public (int Count, long Bytes) Size
    {
        get
        {
            lock (_gate)
            {
                return (_chunks.Count, _chunks.Bytes);
            }
        }
    }

    /// <summary>Has in memory what there is. Before anything is appended.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public Task OpenAsync()
    {
        if (_isOpen)
        {
            return Task.CompletedTask;
        }

        lock (_gate)
        {
            return _isOpen ? Task.CompletedTask : _opening ??= Task.Run(Open);
        }
    }

    /// <summary>Puts a publish behind the others, when <see cref="Flush"/> is called. The saying thread's.</summary>
    /// <param name="message">Null: only <paramref name="received"/> is written.</param>
    /// <param name="received">Says that a QoS 2 publish was received, in the very batch of what it said.</param>
    /// <param name="seq">0: it gets none, and the outcome is false.</param>
    /// <returns>Whether it is on disk.</returns>
    public Task<bool> Append(DataMessage? message, RecordChange? received, out long seq)
    {
        seq = 0;
        if (message is not null && (!_isOpen || _isGone || space.IsLow))
        {
            return Task.FromResult(false);
        }

        if (message is not null)
        {
            seq = Interlocked.Increment(ref _head);
            var record = DataLogRecord.Write(message);
            _batch.Add(new RecordChange(DataLogRecord.KeyOf(_prefix, seq), record));
            _entries.Add((seq, record.Length, message.At.ToUnixTimeMilliseconds()));
        }

        if (received is { } change)
        {
            _batch.Add(change);
        }

        return (_told ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }

    /// <summary>Hands over what was appended.</summary>
    public void Flush()
    {
        if (_told is not { } told)
        {
            return;
        }

        HashSet<ILogCursor> waiting = [];
        lock (_gate)
        {
            // Those who wait for what is in this batch. Who comes from here on waits for the next one.
            (waiting, _waiting) = (_waiting, waiting);
        }

        _before = WriteAsync(_before, _batch, _entries, Head, waiting, told);
        (_batch, _entries, _told) = ([], [], null);
    }

    /// <summary>
    /// The cursor is behind: it is told when all that has a seq now is on disk. The saying thread's, before that is handed over.
    /// </summary>
    public void TellWhenStored(ILogCursor cursor)
    {
        lock (_gate)
        {
            _waiting.Add(cursor);
        }
    }

    public void Add(ILogCursor cursor)
    {
        lock (_gate)
        {
            _cursors.Add(cursor);
            _cursorCount = _cursors.Count;

            if (cursor.LargestSeq > _head)
            {
                // After damage the newest entries may be gone: no seq that the client has had is given again.
                (_head, _stored) = (cursor.LargestSeq, _isOpen ? cursor.LargestSeq : _stored);
            }

            if (_isOpen)
            {
                cursor.Opened(_head);
            }
        }
    }

    void IGroupLog.Add(DataGroupCursor cursor) => Add(cursor);

    void IGroupLog.Remove(DataGroupCursor cursor) => Remove(cursor);

    void IGroupLog.TellWhenStored(DataGroupCursor cursor) => TellWhenStored(cursor);

    public void Remove(ILogCursor cursor)
    {
        lock (_gate)
        {
            _cursors.Remove(cursor);
            _cursorCount = _cursors.Count;
        }
    }

    /// <summary>Some of what is stored after a seq. Reads the disk.</summary>
    /// <param name="end">How far that is: nothing between is left out but what is not there any more.</param>
    /// <param name="most">Entries, at least 1.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public IReadOnlyList<(long Seq, DataMessage? Message)> Read(long after, out long end, int most = MostRead)
    {
        int count;
        lock (_gate)
        {
            if (_chunks.After(after) is not { } chunk)
            {
                end = Stored;
                return [];
            }

            // Not beyond the stretch whose largest entry is known.
            count = (int)Math.Min(Math.Clamp(ReadAtOnce / Math.Max(1, chunk.Largest), 1, Math.Min(most, MostRead)), Math.Max(1, chunk.Last - Math.Max(after, chunk.First - 1)));
            end = chunk.Last;
        }

        var page = records.ReadPage(_prefix, DataLogRecord.KeyOf(_prefix, after), count);
        List<(long Seq, DataMessage? Message)> entries = new(page.Count);
        foreach (var (key, value) in page)
        {
            if (DataLogRecord.SeqOf(_prefix, key) is var seq && seq <= Stored)
            {
                entries.Add((seq, DataLogRecord.Read(value)));
            }
        }

        end = entries.Count > 0 ? entries[^1].Seq : end;
        return entries;
    }

    /// <summary>Null: it is not there any more. Reads the disk.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public DataMessage? Find(long seq) => records.Find(DataLogRecord.KeyOf(_prefix, seq)) is { } record ? DataLogRecord.Read(record) : null;

    /// <summary>It is another node's from now on, and nothing is written or removed here.</summary>
    public void LetGo()
    {
        (_isGone, _isOpen) = (true, false);
    }

    /// <summary>About once a second: what is too old, over the bounds, or owed to nobody goes.</summary>
    public void Sweep()
    {
        lock (_gate)
        {
            if (_isOpen && !_chunks.IsEmpty)
            {
                Trim(_cursors.Count == 0 ? long.MaxValue : _cursors.Min(cursor => cursor.FirstNeeded));
            }
        }
    }

    /// <summary>The room was deleted, perhaps by an earlier run of the program. May be called twice.</summary>
    /// <exception cref="IOException">Not all is off the disk.</exception>
    public async Task ForgetAsync()
    {
        lock (_gate)
        {
            // Under it, so that who is at removing entries has handed the head over before it is removed here.
            _isGone = true;
        }

        for (byte[] last = [];
             await Task.Run(() => records.ReadPage(_prefix, last, OpenedAtOnce)) is { Count: > 0 } page;
             last = page[^1].Key)
        {
            await records.WriteAsync([.. page.Select(record => new RecordChange(record.Key, null)), RetainedRecord.NoteReplaced()]);
        }

        await records.WriteAsync([new RecordChange(DataLogRecord.HeadKey(roomKey), null)]);
    }

    private void Open()
    {
        try
        {
            var head = records.Find(DataLogRecord.HeadKey(roomKey)) is { Length: 8 } value ? DataLogRecord.SeqOf([], value) : 0;
            for (byte[] last = []; records.ReadPage(_prefix, last, OpenedAtOnce) is { Count: > 0 } page; last = page[^1].Key)
            {
                foreach (var (key, record) in page)
                {
                    head = Math.Max(head, DataLogRecord.SeqOf(_prefix, key));
                    _chunks.Add(DataLogRecord.SeqOf(_prefix, key), record.Length, DataLogRecord.AtOf(record));
                }
            }

            lock (_gate)
            {
                _head = _stored = Math.Max(_head, head);
                foreach (var cursor in _cursors)
                {
                    cursor.Opened(_head);
                }

                _isOpen = true;
            }
        }
        catch
        {
            lock (_gate)
            {
                // Nothing of it counts: whoever asks next reads it anew.
                _opening = null;
                while (!_chunks.IsEmpty)
                {
                    _chunks.RemoveOldest();
                }
            }

            throw;
        }
    }

    [LoggerMessage(4320, LogLevel.Information,
        "What devices say in room {Room} is more than clients that are away are kept: they miss the oldest, and are told so")]
    private static partial void LogDropped(ILogger logger, string room);

    [LoggerMessage(4321, LogLevel.Warning, "Old entries of the data log of room {Room} could not be removed: {Reason}")]
    private static partial void LogNotRemoved(ILogger logger, string room, string reason);
}
