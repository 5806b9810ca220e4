using System.Buffers.Binary;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>The journal in the store: gathered by the log thread, one record a batch, and read by any thread.</summary>
/// <remarks>
/// Each record carries the bytes that were ever written up to it, so that what is kept is known from the first and the last of them.
/// A number that a failed write had is not given again, for the write may be on disk all the same.
/// The last record stays whatever its age: the next number follows from it.
/// </remarks>
internal sealed class LogJournal
{
    // Of one page, and of one step of trimming.
    private const int PageBytes = 1 << 20;
    private const int TrimStep = 1_000;

    private readonly RocksDb _db;
    private readonly RocksEventLogOptions _options;
    private readonly TimeProvider _time;
    private readonly string _epoch;
    private long _trimmedTo;
    private long _end;
    private TaskCompletionSource? _more;
    private volatile bool _isClosed;

    // From here on: the log thread's own.
    private byte[] _buffer = new byte[256];
    private int _length = LogRecords.JournalHeader;
    private readonly List<(LogState Log, long Seq)> _replaced = [];
    private long _number;
    private long _bytes;

    /// <exception cref="LogDamagedException">It cannot be read.</exception>
    public LogJournal(RocksDb db, RocksEventLogOptions options, TimeProvider time)
    {
        (_db, _options, _time) = (db, options, time);
        (_epoch, _trimmedTo) = RocksStore.ReadJournalStart(db) ?? throw new LogDamagedException("The event log lacks the beginning of its journal.");
        (_number, _bytes) = Last(db) ?? (_trimmedTo, 0);
        _end = _number;
    }

    /// <summary>A trim is under way: <see cref="Trim"/> has more to do.</summary>
    public bool IsTrimming { get; private set; }

    /// <summary>All that is on disk.</summary>
    public JournalPosition End => new(_epoch, Volatile.Read(ref _end));

    /// <summary>Gathers a change of the batch that is being built.</summary>
    public void Add(LogState state, JournalKind kind, long from, long to)
    {
        var name = state.Prefix.AsSpan(0, state.Prefix.Length - 1);
        var length = LogRecords.JournalEntrySize(name);
        if (_buffer.Length < _length + length)
        {
            Array.Resize(ref _buffer, Math.Max(2 * _buffer.Length, _length + length));
        }

        LogRecords.JournalEntry(_buffer.AsSpan(_length), name, kind, from, to);
        _length += length;
    }

    /// <summary>Gathers a body that the batch puts in the place of another.</summary>
    public void Replaces(LogState state, long seq) => _replaced.Add((state, seq));

    /// <summary>
    /// Adds what <see cref="Replaces"/> has gathered, as the stretches that it amounts to: a follower reads each in one go.
    /// </summary>
    public void AddReplaced()
    {
        if (_replaced.Count > 1)
        {
            _replaced.Sort(static (one, other) =>
                one.Log.Prefix.AsSpan().SequenceCompareTo(other.Log.Prefix) is not 0 and var order ? order : one.Seq.CompareTo(other.Seq));
        }

        for (var next = 0; next < _replaced.Count;)
        {
            var (log, from) = _replaced[next];
            var to = from;
            while (++next < _replaced.Count && _replaced[next].Log == log && _replaced[next].Seq <= to + 1)
            {
                to = _replaced[next].Seq;
            }

            Add(log, JournalKind.Replace, from, to);
        }
    }

    /// <summary>Puts what was gathered into the batch.</summary>
    public void PutInto(WriteBatch batch, long now)
    {
        if (_length == LogRecords.JournalHeader)
        {
            return;
        }

        _number++;
        _bytes += _length;
        BinaryPrimitives.WriteInt64BigEndian(_buffer, now);
        BinaryPrimitives.WriteInt64BigEndian(_buffer.AsSpan(8), _bytes);
        Span<byte> key = stackalloc byte[LogRecords.JournalKeySize];
        LogRecords.JournalKey(key, _number);
        batch.Put(key, _buffer.AsSpan(0, _length));
    }

    /// <summary>The batch is on disk: whoever waits may read it.</summary>
    public void Publish()
    {
        if (_number == _end)
        {
            return;
        }

        // A full fence, as the one of who waits: either he sees the end, or is seen here.
        Interlocked.Exchange(ref _end, _number);
        if (Volatile.Read(ref _more) is not null)
        {
            Interlocked.Exchange(ref _more, null)?.TrySetResult();
        }
    }

    /// <summary>The batch is written, or refused.</summary>
    public void Clear()
    {
        _length = LogRecords.JournalHeader;
        _replaced.Clear();
    }

    /// <summary>Nothing more comes.</summary>
    public void Close()
    {
        _isClosed = true;
        Interlocked.Exchange(ref _more, null)?.TrySetResult();
    }

    public JournalPage Read(JournalPosition? after, int limit)
    {
        var end = End;
        using var iterator = _db.NewIterator();
        // After the iterator, which sees the store as it was then: what was trimmed by then is known here.
        if (after is not { } from || (/* guard: a place of other data is told */ from.Epoch != _epoch) || from.Number > end.Number || /* guard: who is behind the journal is told */ from.Number < Volatile.Read(ref _trimmedTo))
        {
            return new(IsGap: true, end, []);
        }

        List<JournalBatch> batches = [];
        Span<byte> key = stackalloc byte[LogRecords.JournalKeySize];
        LogRecords.JournalKey(key, from.Number + 1);
        var bytes = 0;
        for (iterator.Seek(key); batches.Count < limit && bytes < PageBytes && iterator.Valid(); iterator.Next())
        {
            // What is on disk and not published is not to be read in its log yet either.
            if (LogRecords.JournalNumber(iterator.GetKeySpan()) is not { } number || number > end.Number)
            {
                break;
            }

            var value = iterator.GetValueSpan();
            bytes += value.Length;
            batches.Add(new(number, LogRecords.ReadJournal(value)));
        }

        RocksStore.ThrowIfFailed(iterator);
        // A number that a failed write had is nowhere: the end is behind it all the same,
        // or who waits for more than his place would never wait.
        return new(IsGap: false, batches.Count == 0 ? end : new(_epoch, batches[^1].Number), batches, IsCut: batches.Count == limit || bytes >= PageBytes);
    }

    public async Task WaitAsync(JournalPosition after, CancellationToken cancellation)
    {
        while (true)
        {
            TaskCompletionSource mine = new(TaskCreationOptions.RunContinuationsAsynchronously);
            var more = Interlocked.CompareExchange(ref _more, mine, null) ?? mine;
            ObjectDisposedException.ThrowIf(_isClosed, typeof(RocksEventLog));
            if (after.Epoch != _epoch || after.Number != Volatile.Read(ref _end))
            {
                return;
            }

            await more.Task.WaitAsync(cancellation);
        }
    }

    public void BeginTrim() => IsTrimming = true;

    /// <summary>Forgets a few of the oldest records if they are too old, or there are too many. What it throws ends that trim.</summary>
    public void Trim()
    {
        if (!IsTrimming)
        {
            return;
        }

        IsTrimming = false;
        var oldest = _time.GetUtcNow().ToUnixTimeMilliseconds() - (long)_options.JournalAge.TotalMilliseconds;
        Span<byte> first = stackalloc byte[LogRecords.JournalKeySize];
        LogRecords.JournalKey(first, _trimmedTo + 1);
        using var iterator = _db.NewIterator();
        var trimmedTo = _trimmedTo;
        var looked = 0;
        for (iterator.Seek(first); looked < TrimStep && iterator.Valid(); iterator.Next(), looked++)
        {
            var value = iterator.GetValueSpan();
            if (LogRecords.JournalNumber(iterator.GetKeySpan()) is not { } number || number == _end
                || (BinaryPrimitives.ReadInt64BigEndian(value) >= oldest && _bytes - BinaryPrimitives.ReadInt64BigEndian(value[8..]) < _options.JournalBytes))
            {
                break;
            }

            trimmedTo = number;
        }

        RocksStore.ThrowIfFailed(iterator);
        if (trimmedTo == _trimmedTo)
        {
            return;
        }

        Span<byte> last = stackalloc byte[LogRecords.JournalKeySize];
        LogRecords.JournalKey(last, trimmedTo + 1);
        using WriteBatch batch = new();
        batch.DeleteRange(first.ToArray(), (ulong)first.Length, last.ToArray(), (ulong)last.Length);
        batch.Put(LogRecords.JournalStartKey, LogRecords.JournalStart(new(_epoch, trimmedTo)));
        var before = _trimmedTo;
        // Known before it is gone.
        Volatile.Write(ref _trimmedTo, trimmedTo);
        try
        {
            // Not synced: what a crash takes back of it is done again.
            _db.Write(batch);
        }
        catch
        {
            // All of it is still there: who is behind is not sent back to the logs for nothing,
            // and the next trim begins with the same records.
            Volatile.Write(ref _trimmedTo, before);
            throw;
        }

        IsTrimming = looked == TrimStep;
    }

    private static (long Number, long Bytes)? Last(RocksDb db)
    {
        using var iterator = db.NewIterator();
        Span<byte> key = stackalloc byte[LogRecords.JournalKeySize];
        LogRecords.JournalKey(key, long.MaxValue);
        iterator.SeekForPrev(key);
        RocksStore.ThrowIfFailed(iterator);
        return iterator.Valid() && LogRecords.JournalNumber(iterator.GetKeySpan()) is { } number
            ? (number, BinaryPrimitives.ReadInt64BigEndian(iterator.GetValueSpan()[8..]))
            : null;
    }
}
