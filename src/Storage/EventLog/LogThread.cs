using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>
/// The one thread that writes: takes what is queued, numbers it while building one batch,
/// writes that with one sync, and completes each append in order.
/// </summary>
/// <remarks>
/// It writes at once and gathers while the sync runs: a lone sender waits for its own sync only, and many share one.
/// <c>_gate</c> guards the queue and nothing else; no other lock is taken while it is held, and it is never held during a write.
/// </remarks>
internal sealed class LogThread : IAsyncDisposable
{
    /// <summary>
    /// While writing fails, the thread itself tries so often whether it can again: perhaps nobody sends anything, and a supervisor waits.
    /// </summary>
    private static readonly TimeSpan ProbePeriod = TimeSpan.FromSeconds(1);

    /// <summary>
    /// What is not mended after this time is not mended by waiting.
    /// RocksDB goes on by itself after a full disk, and after nothing else (11.12).
    /// </summary>
    private static readonly TimeSpan MendingTime = TimeSpan.FromSeconds(10);

    private const string NoSpace = "No space left on device";

    private readonly RocksStore _store;
    private readonly RocksDb _db;
    private readonly ReadGate _readers;
    private readonly LogStates _states;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly AppendCompletion _completion;
    private readonly WriteOptions _synced = new WriteOptions().SetSync(true);
    private readonly LogJournal _journal;
    private readonly IdSweep _sweep;
    private readonly Truncation _truncation;
    private readonly ITimer _sweepTimer;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly object _gate = new();
    private List<PendingAppend> _queue = [];
    private bool _waiting;
    private bool _closing;
    private bool _sweepDue;
    private List<TaskCompletionSource> _awaitTruncation = [];

    // From here on: the log thread's own.
    private readonly LogBatch _batch;
    private volatile bool _failing;
    private long _failingSince;

    public LogThread(
        RocksStore store, LogJournal journal, ReadGate readers, LogStates states, RocksEventLogOptions options, TimeProvider time, ILogger logger)
    {
        _store = store;
        _db = store.Db;
        _readers = readers;
        _states = states;
        _time = time;
        _logger = logger;
        _completion = new AppendCompletion(logger);
        _journal = journal;
        _batch = new LogBatch(_db, states.Of, journal, options, time, logger);
        _sweep = new IdSweep(_db, states.Of, options, time);
        _truncation = new Truncation(_db, states.Of, options, time);
        new Thread(Run) { IsBackground = true, Name = "event log" }.Start();
        _sweepTimer = time.CreateTimer(static self => ((LogThread)self!).BeginSweep(), this, options.SweepPeriod, options.SweepPeriod);
    }

    public LogHealth Health { get; } = new();

    /// <summary>Once disposal has begun, refuses on the caller's thread.</summary>
    /// <param name="moreFollows">See <see cref="IEventLog.Append"/>.</param>
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

    /// <summary>
    /// Completes when nothing of what was truncated before the call is left to be cleared, or could not be cleared and waits for the next
    /// sweep; or when disposal has begun.
    /// </summary>
    public Task WhenTruncatedAsync()
    {
        TaskCompletionSource cleared = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_closing)
            {
                return Task.CompletedTask;
            }

            _awaitTruncation.Add(cleared);
            WakeHeld();
        }

        return cleared.Task;
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

    private bool IsSweeping => _sweep.IsRunning || _truncation.IsRunning || _journal.IsTrimming;

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
            AnswerTruncated();
            if (_states.AreMany)
            {
                _states.Clear();
            }

            if (_failing)
            {
                Probe();
            }
        }

        AnswerTruncated(isEnd: true);
        _journal.Close();
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
            while (_queue.Count == 0 && !_closing && !_sweepDue && !IsSweeping && !_states.AreMany && _awaitTruncation.Count == 0)
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
                _truncation.Begin();
                _journal.BeginTrim();
            }

            (work, _queue) = (_queue, work);
            return work.Count > 0 || !_closing;
        }
    }

    private void Sweep()
    {
        Step(_sweep.Step);
        Step(_truncation.Step);
        Step(_journal.Trim);
    }

    private void AnswerTruncated(bool isEnd = false)
    {
        if (_truncation.IsRunning && !isEnd)
        {
            return;
        }

        List<TaskCompletionSource> answered;
        lock (_gate)
        {
            (answered, _awaitTruncation) = (_awaitTruncation, []);
        }

        answered.ForEach(one => one.SetResult());
    }

    private void Step(Action step)
    {
        try
        {
            step();
        }
        catch (Exception error) when (error is RocksDbException or LogDamagedException)
        {
            // Something is kept longer than it need be; the next sweep tries again.
            LogMessages.SweepFailed(_logger, error);
        }
    }

    // A write that changes nothing.
    private void Probe()
    {
        Span<byte> key = stackalloc byte[LogRecords.MaxStoredRecordKey];
        try
        {
            using WriteBatch nothing = new();
            nothing.Delete(key[..LogRecords.RecordKey(key, "probe"u8)]);
            _db.Write(nothing, _synced);
            GoOn();
        }
        catch (RocksDbException error)
        {
            if (!error.Message.Contains(NoSpace, StringComparison.Ordinal) && _time.GetElapsedTime(_failingSince) > MendingTime)
            {
                Health.Lose(error.Message.ReplaceLineEndings(" "));
            }
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
            switch (work[0])
            {
                case PendingDrop drop:
                    _batch.Drop(drop.Log, _synced);
                    _completion.Complete(drop, AppendOutcome.Stored);
                    return 1;
                case PendingTruncate truncate:
                    if (_batch.Truncate(truncate.Log, truncate.Before, _synced))
                    {
                        _truncation.Begin();
                    }

                    _completion.Complete(truncate, AppendOutcome.Stored);
                    return 1;
                default:
                    var count = _batch.Build(work);
                    WriteAndComplete(work[..count]);
                    return count;
            }
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

            _batch.TakeBack();
            _completion.Refuse(work);
            RefuseGathered();
            return work.Length;
        }
        finally
        {
            _batch.Clear();
        }
    }

    private void WriteAndComplete(Span<PendingAppend> work)
    {
        if (_batch.Write(_synced) && _failing)
        {
            GoOn();
        }

        _completion.Complete(work, _batch.Decisions);
        AppendCompletion.Proceed(work, mayWork: work.Length == 1 && IsQueueEmpty());
    }

    private bool IsQueueEmpty()
    {
        lock (_gate)
        {
            return _queue.Count == 0;
        }
    }

    /// <summary>
    /// Refuses what came in while the failed write ran: stored after it, it would stand before what its author is about to send again.
    /// </summary>
    private void RefuseGathered()
    {
        List<PendingAppend> gathered;
        lock (_gate)
        {
            (gathered, _queue) = (_queue, []);
        }

        _completion.Refuse(CollectionsMarshal.AsSpan(gathered));
    }
}
