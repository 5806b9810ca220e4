using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>The one thread that writes: takes what is queued, numbers it while building one batch, writes that with one sync, and completes each append in order.</summary>
/// <remarks>
/// It writes at once and gathers while the sync runs: a lone sender waits for its own sync only, and many share one. <c>_gate</c> guards the queue and nothing
/// else; no other lock is taken while it is held, and it is never held during a write.
/// </remarks>
internal sealed class LogThread : IAsyncDisposable
{
    /// <summary>While writing fails, the thread itself tries so often whether it can again: perhaps nobody sends anything, and a supervisor waits.</summary>
    private static readonly TimeSpan ProbePeriod = TimeSpan.FromSeconds(1);

    /// <summary>What is not mended after this time is not mended by waiting. RocksDB goes on by itself after a full disk, and after nothing else (11.12).</summary>
    private static readonly TimeSpan MendingTime = TimeSpan.FromSeconds(10);

    private const string NoSpace = "No space left on device";

    private readonly RocksStore _store;
    private readonly RocksDb _db;
    private readonly ReadGate _readers;
    private readonly Func<LogName, LogState> _stateOf;
    private readonly RocksRoomLogOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly WriteOptions _synced = new WriteOptions().SetSync(true);
    private readonly IdSweep _sweep;
    private readonly ITimer _sweepTimer;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly object _gate = new();
    private List<PendingAppend> _queue = [];
    private bool _waiting;
    private bool _closing;
    private bool _sweepDue;

    // From here on: the log thread's own.
    private readonly WriteBatch _batch = new();
    private readonly List<LogState> _touched = [];
    private readonly Dictionary<IdKey, IdRecord> _idsOfBatch = [];
    private readonly HashSet<LogName> _unreadable = [];
    private readonly Decision[] _decisions;
    private byte[] _buffer = new byte[LogRecords.MaxEventHeader + (64 << 10)];
    private long _now;
    private volatile bool _failing;
    private long _failingSince;

    public LogThread(RocksStore store, ReadGate readers, Func<LogName, LogState> stateOf, RocksRoomLogOptions options, TimeProvider time, ILogger logger)
    {
        _store = store;
        _db = store.Db;
        _readers = readers;
        _stateOf = stateOf;
        _options = options;
        _time = time;
        _logger = logger;
        _decisions = new Decision[options.BatchCount];
        _sweep = new IdSweep(_db, stateOf, options, time);
        new Thread(Run) { IsBackground = true, Name = "event log" }.Start();
        _sweepTimer = time.CreateTimer(static self => ((LogThread)self!).BeginSweep(), this, options.SweepPeriod, options.SweepPeriod);
    }

    public LogHealth Health { get; } = new();

    /// <summary>Once disposal has begun, refuses on the caller's thread.</summary>
    /// <param name="moreFollows">See <see cref="IRoomLog.Append"/>.</param>
    public void Enqueue(PendingAppend append, bool moreFollows = false)
    {
        lock (_gate)
        {
            if (!_closing)
            {
                _queue.Add(append);
                if (!moreFollows)
                {
                    WakeHeld();
                }

                return;
            }
        }

        append.Complete(AppendOutcome.StoreFailed);
        append.Proceed(mayWork: false);
    }

    public void Wake()
    {
        lock (_gate)
        {
            WakeHeld();
        }
    }

    /// <summary>Completes when all that was queued is done, the readers have left, and the store is closed.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closing = true;
            WakeHeld();
        }

        _sweepTimer.Dispose();
        return new ValueTask(_stopped.Task);
    }

    private void BeginSweep()
    {
        lock (_gate)
        {
            _sweepDue = true;
            WakeHeld();
        }
    }

    // Under _gate.
    private void WakeHeld()
    {
        if (_waiting)
        {
            _waiting = false;
            Monitor.Pulse(_gate);
        }
    }

    private void Run()
    {
        List<PendingAppend> work = [];
        while (Take(ref work))
        {
            for (var done = 0; done < work.Count;)
            {
                done += Process(CollectionsMarshal.AsSpan(work)[done..]);
            }

            work.Clear();
            Sweep();
            if (_failing)
            {
                Probe();
            }
        }

        _readers.CloseAndWait();
        _batch.Dispose();
        _store.Dispose();
        _stopped.SetResult();
    }

    /// <summary>Swaps the empty list for the queue; false at the end. Waits only when there is nothing at all to do.</summary>
    private bool Take(ref List<PendingAppend> work)
    {
        lock (_gate)
        {
            while (_queue.Count == 0 && !_closing && !_sweepDue && !_sweep.IsRunning)
            {
                _waiting = true;
                if (_failing)
                {
                    Monitor.Wait(_gate, ProbePeriod);
                    break;
                }

                Monitor.Wait(_gate);
            }

            _waiting = false;

            if (_sweepDue)
            {
                _sweepDue = false;
                _sweep.Begin();
            }

            (work, _queue) = (_queue, work);
            return work.Count > 0 || !_closing;
        }
    }

    private void Sweep()
    {
        try
        {
            _sweep.Step();
        }
        catch (Exception error) when (error is RocksDbException or LogDamagedException)
        {
            // Ids are kept longer than they need be; the next sweep tries again.
            LogMessages.SweepFailed(_logger, error);
        }
    }

    // A write that changes nothing.
    private void Probe()
    {
        Span<byte> key = stackalloc byte[LogRecords.MaxStoredRecordKey];
        try
        {
            _batch.Delete(key[..LogRecords.RecordKey(key, "probe"u8)]);
            _db.Write(_batch, _synced);
            GoOn();
        }
        catch (RocksDbException error)
        {
            if (!error.Message.Contains(NoSpace, StringComparison.Ordinal) && _time.GetElapsedTime(_failingSince) > MendingTime)
            {
                Health.Lose(error.Message.ReplaceLineEndings(" "));
            }
        }
        finally
        {
            _batch.Clear();
        }
    }

    private void GoOn()
    {
        _failing = false;
        Health.IsWriting = true;
        LogMessages.WritesAgain(_logger);
    }

    /// <summary>Decides and completes the first few of the work, as many as make a batch; returns how many.</summary>
    private int Process(Span<PendingAppend> work)
    {
        try
        {
            var count = work[0] is PendingDrop ? 1 : Build(work);
            if (work[0] is PendingDrop drop)
            {
                Drop(drop);
            }
            else
            {
                WriteAndComplete(work[..count]);
            }

            return count;
        }
        catch (Exception error) when (error is RocksDbException or LogDamagedException)
        {
            if (!_failing)
            {
                // Once, not for every batch: the disk that is full may be the one that the operator's log is on.
                _failing = true;
                _failingSince = _time.GetTimestamp();
                Health.IsWriting = false;
                LogMessages.WriteFailed(_logger, error.Message);
            }

            TakeBack();
            Refuse(work);
            RefuseGathered();
            return work.Length;
        }
        finally
        {
            _batch.Clear();
            _touched.Clear();
            _idsOfBatch.Clear();
        }
    }

    /// <summary>Numbers appends up to the next drop or the batch's bounds; nothing of it shows before it is written.</summary>
    private int Build(Span<PendingAppend> work)
    {
        _now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        var bytes = 0;
        var count = 0;
        while (count < work.Length && count < _decisions.Length && bytes < _options.BatchBytes && work[count] is not PendingDrop)
        {
            var append = work[count];
            _decisions[count] = append is PendingRecords records ? Put(records, ref bytes) : Decide(append);
            bytes += append.Body.Length;
            count++;
        }

        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        Span<byte> value = stackalloc byte[LogRecords.MaxHeadRecord];
        foreach (var state in _touched)
        {
            _batch.Put(key[..LogRecords.HeadKey(key, state.Prefix)], value[..LogRecords.Head(value, state.Next)]);
        }

        return count;
    }

    private Decision Decide(PendingAppend append)
    {
        if (!append.HasRight)
        {
            return new(AppendOutcome.RightEnded, 0, 0, "");
        }

        LogState state;
        IdRecord known;
        bool isKnown;
        try
        {
            state = Current(append.Log);
            isKnown = TryFindId(append, state, out known);
        }
        catch (Exception error) when (error is RocksDbException or LogDamagedException)
        {
            // What is stored of this log cannot be read, so nothing can be said of the append; others are not concerned.
            if (_unreadable.Add(append.Log))
            {
                LogMessages.LogUnreadable(_logger, append.Log, error);
            }

            return new(AppendOutcome.StoreFailed, 0, 0, "");
        }

        if (isKnown)
        {
            return known.ContentHash == append.ContentHash
                ? new(AppendOutcome.Duplicate, known.Seq, known.At, state.Next.Epoch)
                : new(AppendOutcome.IdInUse, 0, 0, state.Next.Epoch);
        }

        var head = state.Next;
        if (!append.MayBeStored(LogRecords.SizeOf(state.Prefix.Length, append)))
        {
            return new(AppendOutcome.RuledOut, 0, 0, head.Epoch);
        }

        var seq = head.Head + 1;
        var at = Math.Max(_now, head.LastAt);
        state.Next = head with { Head = seq, First = head.First == 0 ? seq : head.First, LastAt = at };
        if (!state.Touched)
        {
            state.Touched = true;
            _touched.Add(state);
        }

        Put(append, state, seq, at);
        return new(AppendOutcome.Stored, seq, at, head.Epoch);
    }

    private void Put(PendingAppend append, LogState state, long seq, long at)
    {
        var body = append.Body.Span;
        if (_buffer.Length < LogRecords.MaxEventHeader + body.Length)
        {
            _buffer = new byte[LogRecords.MaxEventHeader + body.Length];
        }

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

        if (append.Record is { } change)
        {
            Put(change);
        }
    }

    private Decision Put(PendingRecords records, ref int bytes)
    {
        foreach (var change in records.Changes)
        {
            Put(change);
            bytes += change.Value?.Length ?? 0;
        }

        return new(AppendOutcome.Stored, 0, 0, "");
    }

    private void Put(RecordChange change)
    {
        Span<byte> key = stackalloc byte[LogRecords.MaxStoredRecordKey];
        key = key[..LogRecords.RecordKey(key, change.Key)];
        if (change.Value is { } value)
        {
            _batch.Put(key, value);
        }
        else
        {
            _batch.Delete(key);
        }
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
        if (!_db.GetFixedSizeValue(key[..LogRecords.IdKey(key, state.Prefix, append.Author, id)], value))
        {
            return false;
        }

        known = LogRecords.ReadId(value);
        return !IdSweep.MayGo(known.Seq, known.At, state.Next.Head, _now, _options);
    }

    private void WriteAndComplete(Span<PendingAppend> work)
    {
        if (_batch.Count() > 0)
        {
            _db.Write(_batch, _synced);
            if (_failing)
            {
                GoOn();
            }

            foreach (var state in _touched)
            {
                state.Durable = state.Next;
                state.Touched = false;
            }
        }

        for (var i = 0; i < work.Length; i++)
        {
            ref readonly var decision = ref _decisions[i];
            Complete(work[i], decision.Outcome, decision.Seq, decision.At, decision.Epoch);
        }

        // Who is woken finds all that was written for it, instead of the first and then the rest.
        var isIdle = work.Length == 1 && IsQueueEmpty();
        foreach (var append in work)
        {
            append.Proceed(mayWork: isIdle);
        }
    }

    private bool IsQueueEmpty()
    {
        lock (_gate)
        {
            return _queue.Count == 0;
        }
    }

    private void Drop(PendingDrop drop)
    {
        var state = Current(drop.Log);
        if (state.Durable.Head > 0)
        {
            var end = LogRecords.End(state.Prefix.AsSpan(0, state.Prefix.Length - 1));
            _batch.DeleteRange(state.Prefix, (ulong)state.Prefix.Length, end, (ulong)end.Length);
            state.Dropping = true;
            try
            {
                _db.Write(_batch, _synced);
                state.Durable = new(LogState.NewEpoch(not: state.Durable.Epoch), 0, 0, 0, 0);
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

        Complete(drop, AppendOutcome.Stored);
    }

    /// <summary>The state of a log, read back first if a write to it failed.</summary>
    private LogState Current(LogName log)
    {
        var state = _stateOf(log);
        if (state.Stale)
        {
            var known = state.Durable;
            if (RocksStore.ReadHead(_db, state.Prefix) is { } stored)
            {
                if (stored.Epoch == known.Epoch && stored.Head < known.Head)
                {
                    throw new LogDamagedException($"The event log has lost what it had stored of {log}.");
                }

                state.Durable = stored;
            }
            else if (known.Head > 0)
            {
                // A drop was reported as failed and is on disk all the same.
                state.Durable = new(LogState.NewEpoch(not: known.Epoch), 0, 0, 0, 0);
            }

            state.Stale = false;
        }

        return state;
    }

    private void TakeBack()
    {
        foreach (var state in _touched)
        {
            state.Next = state.Durable;
            state.Touched = false;
            state.Stale = true;
        }
    }

    /// <summary>Refuses what came in while the failed write ran: stored after it, it would stand before what its author is about to send again.</summary>
    private void RefuseGathered()
    {
        List<PendingAppend> gathered;
        lock (_gate)
        {
            (gathered, _queue) = (_queue, []);
        }

        Refuse(CollectionsMarshal.AsSpan(gathered));
    }

    private void Refuse(ReadOnlySpan<PendingAppend> appends)
    {
        foreach (var append in appends)
        {
            Complete(append, AppendOutcome.StoreFailed);
            append.Proceed(mayWork: false);
        }
    }

    private void Complete(PendingAppend append, AppendOutcome outcome, long seq = 0, long at = 0, string epoch = "")
    {
        try
        {
            append.Complete(outcome, seq, DateTimeOffset.FromUnixTimeMilliseconds(at), epoch);
        }
        catch (Exception error)
        {
            // What one caller does wrong must not stop the log for all.
            LogMessages.CompletionThrew(_logger, append.Log, error);
        }
    }

    private readonly record struct Decision(AppendOutcome Outcome, long Seq, long At, string Epoch);

    private readonly record struct IdKey(LogState State, string Author, string Id);
}
