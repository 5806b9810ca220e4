using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.Logging;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>One batch of the log thread: decides what becomes of each append, numbers what is stored, and writes it.</summary>
/// <remarks>The log thread's own. Nothing of a batch shows before it is written.</remarks>
internal sealed class LogBatch(RocksDb db, Func<LogName, LogState> stateOf, LogJournal journal, RocksEventLogOptions options, TimeProvider time, ILogger logger)
    : IDisposable
{
    private readonly WriteBatch _batch = new();
    private readonly List<LogState> _touched = [];
    private readonly Dictionary<IdKey, IdRecord> _idsOfBatch = [];
    private readonly EarlierEvents _earlier = new(db);
    private PointersOfBatch? _pointers;
    private readonly HashSet<LogName> _unreadable = [];
    private readonly RecordOverlay _records = new();
    private readonly Func<byte[], byte[]?> _stored = key => RocksStore.FindRecord(db, key);
    private byte[] _buffer = new byte[LogRecords.MaxEventHeader + (64 << 10)];
    private long _now;

    /// <summary>What was decided on each of the appends that the batch was built of.</summary>
    public Decision[] Decisions { get; } = new Decision[options.BatchCount];

    private PointersOfBatch Pointers => _pointers ??= new PointersOfBatch(db, _batch, journal);

    /// <summary>Numbers appends up to the next drop, one that ends the batch, or its bounds; nothing shows before it is written.</summary>
    public int Build(Span<PendingAppend> work)
    {
        _now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var bytes = 0;
        var count = 0;
        while (count < work.Length && count < Decisions.Length && bytes < options.BatchBytes && work[count] is not (PendingDrop or PendingTruncate)
            && (/* guard: what is said behind an act is judged by what it has changed */ count == 0 || !work[count - 1].EndsBatch))
        {
            var append = work[count];
            var decision = append is PendingRecords ? DecideRecords(append, work[..count]) : Decide(append, work[..count]);
            if (decision is not { } decided)
            {
                break;
            }

            Decisions[count] = decided;
            bytes += LogRecords.BodiesOf(append) + LogRecords.SizeOf(append.Changes);
            count++;
        }

        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        Span<byte> value = stackalloc byte[LogRecords.MaxHeadRecord];
        journal.AddReplaced();
        foreach (var state in _touched)
        {
            _batch.Put(key[..LogRecords.HeadKey(key, state.Prefix)], value[..LogRecords.Head(value, state.Next)]);
            journal.Add(state, JournalKind.Append, state.Durable.Head + 1, state.Next.Head);
        }

        journal.PutInto(_batch, _now);
        return count;
    }

    /// <summary>Writes what was built and lets readers see it; false when there was nothing to write.</summary>
    public bool Write(WriteOptions synced)
    {
        if (_batch.Count() == 0)
        {
            return false;
        }

        db.Write(_batch, synced);
        foreach (var state in _touched)
        {
            state.Durable = state.Next;
            state.Touched = false;
        }

        journal.Publish();
        return true;
    }

    public void Clear()
    {
        _batch.Clear();
        _touched.Clear();
        _idsOfBatch.Clear();
        _earlier.Clear();
        _records.Clear();
        journal.Clear();
    }

    public void Dispose() => _batch.Dispose();

    public void Drop(LogName log, WriteOptions synced)
    {
        var state = Current(log);
        if (state.Durable.Head > 0)
        {
            var end = LogRecords.End(state.Prefix.AsSpan(0, state.Prefix.Length - 1));
            _batch.DeleteRange(state.Prefix, (ulong)state.Prefix.Length, end, (ulong)end.Length);
            _batch.Delete(LogRecords.TruncatedKey(state.Prefix.AsSpan(0, state.Prefix.Length - 1)));
            journal.Add(state, JournalKind.Drop, 1, state.Durable.Head);
            journal.PutInto(_batch, time.GetUtcNow().ToUnixTimeMilliseconds());
            state.Dropping = true;
            try
            {
                db.Write(_batch, synced);
                state.Durable = new(LogState.NewEpoch(not: state.Durable.Epoch), 0, 0, 0, 0);
                journal.Publish();
            }
            catch (RocksDbException)
            {
                state.Stale = true;
                throw;
            }
            finally
            {
                state.Dropping = false;
            }
        }
    }

    /// <summary>
    /// Forgets all events before one; true when there were any, so that the rest is to be done step by step (<see cref="Truncation"/>).
    /// </summary>
    public bool Truncate(LogName log, long before, WriteOptions synced)
    {
        var state = Current(log);
        var head = state.Durable;
        before = Math.Min(before, head.Head + 1);
        if (head.Head == 0 || before <= head.First)
        {
            return false;
        }

        state.Next = head with { First = before };
        Touch(state);
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        Span<byte> value = stackalloc byte[LogRecords.MaxHeadRecord];
        _batch.Put(key[..LogRecords.HeadKey(key, state.Prefix)], value[..LogRecords.Head(value, state.Next)]);
        var left = LogRecords.TruncatedKey(state.Prefix.AsSpan(0, state.Prefix.Length - 1));
        if (RocksStore.Get(db, left) is null)
        {
            BinaryPrimitives.WriteInt64BigEndian(value, head.First);
            _batch.Put(left, value[..8]);
        }

        journal.Add(state, JournalKind.Truncate, head.First, before - 1);
        journal.PutInto(_batch, time.GetUtcNow().ToUnixTimeMilliseconds());
        return Write(synced);
    }

    public void TakeBack()
    {
        foreach (var state in _touched)
        {
            state.Next = state.Durable;
            state.Touched = false;
            state.Stale = true;
        }
    }

    private void Touch(LogState state)
    {
        if (!state.Touched)
        {
            state.Touched = true;
            _touched.Add(state);
        }
    }

    private Decision DecideRecords(PendingAppend records, ReadOnlySpan<PendingAppend> before)
    {
        try
        {
            if (!_records.Hold(records.Conditions, before, Decisions, _stored))
            {
                return new(AppendOutcome.Conflict, 0, 0, "");
            }
        }
        catch (Exception error) when (error is RocksDbException or LogDamagedException)
        {
            // What it is conditional on cannot be read; others are not concerned.
            return new(AppendOutcome.StoreFailed, 0, 0, "");
        }

        Put(records.Changes);
        return new(AppendOutcome.Stored, 0, 0, "");
    }

    /// <summary>Null: it is about an event that this batch adds or changes, so it has to be the first of another.</summary>
    private Decision? Decide(PendingAppend append, ReadOnlySpan<PendingAppend> before)
    {
        if (!append.HasRight)
        {
            return new Decision(AppendOutcome.RightEnded, 0, 0, "");
        }

        LogState state;
        IdRecord known;
        bool isKnown;
        bool hold;
        var isAllowed = true;
        byte[][] old = [];
        LogState[] others;
        byte[]?[] pointed = [];
        try
        {
            state = Current(append.Log);
            isKnown = TryFindId(append, state, out known);
            if (!isKnown && _earlier.IsAboutThisBatch(append, state))
            {
                return null;
            }

            hold = isKnown || (_records.Hold(append.Conditions, before, Decisions, _stored)
                && _earlier.Hold(append.EntryConditions, state) && _earlier.TryRead(append.Replacements, state, out old));
            others = PointersOfBatch.Open(append, Current);
            hold &= isKnown || others.Length == 0 || Pointers.TryRead(append, others, out pointed);
            isAllowed = isKnown || !hold || _earlier.Allow(append, state);
        }
        catch (Exception error) when (error is RocksDbException or LogDamagedException)
        {
            // What is stored of this log cannot be read, so nothing can be said of the append; others are not concerned.
            if (_unreadable.Add(append.Log))
            {
                LogMessages.LogUnreadable(logger, append.Log, error);
            }

            return new(AppendOutcome.StoreFailed, 0, 0, "");
        }

        if (isKnown)
        {
            return known.ContentHash == append.ContentHash || (/* guard: the id of a replaced event says nothing of its content */ known.ContentHash == LogRecords.AnyContent)
                ? new(AppendOutcome.Duplicate, known.Seq, known.At, state.Next.Epoch)
                : new(AppendOutcome.IdInUse, 0, 0, state.Next.Epoch);
        }

        var head = state.Next;
        if (!hold)
        {
            return new(AppendOutcome.Conflict, 0, 0, head.Epoch);
        }

        if (!isAllowed || !append.MayBeStored(LogRecords.SizeOf(state.Prefix.Length, append)))
        {
            return new(AppendOutcome.RuledOut, 0, 0, head.Epoch);
        }

        var seq = head.Head + 1;
        var at = Math.Max(append.SaidAt?.ToUnixTimeMilliseconds() ?? _now, head.LastAt);
        state.Next = head with { Head = seq, First = head.First == 0 ? seq : head.First, LastAt = at };
        Touch(state);
        Put(append, state, seq, at);
        Replace(append.Replacements, old, state, seq, at);
        if (others.Length > 0)
        {
            Pointers.Put(append, others, pointed, seq, _now, Touch);
        }

        return new(AppendOutcome.Stored, seq, at, head.Epoch);
    }

    private void Replace(IReadOnlyList<Replacement> replacements, byte[][] old, LogState state, long by, long at)
    {
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        for (var i = 0; i < old.Length; i++)
        {
            var (seq, body) = replacements[i];
            var entry = LogRecords.ReadEvent(old[i]);
            Reserve(body.Length);
            var length = LogRecords.ChangedEvent(_buffer, entry, by, at, body.Span);
            _batch.Put(key[..LogRecords.EventKey(key, state.Prefix, seq)], _buffer.AsSpan(0, length));
            _earlier.Changes(state, seq);
            journal.Replaces(state, seq);
            if (entry.HasId)
            {
                ForgetContent(entry, state, seq);
            }
        }
    }

    private void ForgetContent(in EventView entry, LogState state, long seq)
    {
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        key = key[..LogRecords.IdKey(key, state.Prefix, entry.Author, entry.Id)];
        IdKey known = new(state, Encoding.UTF8.GetString(entry.Author), Encoding.UTF8.GetString(entry.Id));
        Span<byte> value = stackalloc byte[LogRecords.IdRecordSize];
        if (_idsOfBatch.ContainsKey(known) || !db.GetFixedSizeValue(key, value) || LogRecords.ReadId(value).Seq != seq)
        {
            // It was forgotten, or used again since.
            return;
        }

        var id = LogRecords.ReadId(value) with { ContentHash = LogRecords.AnyContent };
        LogRecords.Id(value, id);
        _batch.Put(key, value);
        _idsOfBatch[known] = id;
    }

    private void Reserve(int body)
    {
        if (_buffer.Length < LogRecords.MaxEventHeader + body)
        {
            _buffer = new byte[LogRecords.MaxEventHeader + body];
        }
    }

    private void Put(PendingAppend append, LogState state, long seq, long at)
    {
        var body = append.Body.Span;
        Reserve(body.Length);
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        var length = LogRecords.Event(_buffer, at, append.Author, append.Id, body);
        _batch.Put(key[..LogRecords.EventKey(key, state.Prefix, seq)], _buffer.AsSpan(0, length));
        if (append.Id is { } id)
        {
            IdRecord record = new(seq, at, append.ContentHash);
            Span<byte> value = stackalloc byte[LogRecords.IdRecordSize];
            LogRecords.Id(value, record);
            _batch.Put(key[..LogRecords.IdKey(key, state.Prefix, append.Author, id)], value);
            _idsOfBatch[new(state, append.Author, id)] = record;
        }

        Put(append.Changes);
    }

    private void Put(IReadOnlyList<RecordChange> changes)
    {
        if (changes.Count == 0)
        {
            return;
        }

        Span<byte> buffer = stackalloc byte[LogRecords.MaxStoredRecordKey];
        for (var i = 0; i < changes.Count; i++)
        {
            var key = buffer[..LogRecords.RecordKey(buffer, changes[i].Key)];
            if (changes[i].Value is { } value)
            {
                _batch.Put(key, value);
            }
            else
            {
                _batch.Delete(key);
            }
        }

        _records.Put(changes);
    }

    private bool TryFindId(PendingAppend append, LogState state, out IdRecord known)
    {
        known = default;
        if (append.Id is not { } id)
        {
            return false;
        }

        if (_idsOfBatch.TryGetValue(new(state, append.Author, id), out known))
        {
            return true;
        }

        if (state.Next.Head == 0)
        {
            return false;
        }

        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        Span<byte> value = stackalloc byte[LogRecords.IdRecordSize];
        if (!db.GetFixedSizeValue(key[..LogRecords.IdKey(key, state.Prefix, append.Author, id)], value))
        {
            return false;
        }

        known = LogRecords.ReadId(value);
        return !IdSweep.MayGo(known.Seq, known.At, state.Next, _now, options);
    }

    /// <summary>The state of a log, read back first if a write to it failed.</summary>
    private LogState Current(LogName log)
    {
        var state = stateOf(log);
        if (state.Stale)
        {
            state.ReadBack(db);
        }

        return state;
    }

    public readonly record struct Decision(AppendOutcome Outcome, long Seq, long At, string Epoch);

    private readonly record struct IdKey(LogState State, string Author, string Id);
}
