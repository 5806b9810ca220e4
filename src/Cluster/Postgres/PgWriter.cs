using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>
/// The one thread of a node that writes: takes what is queued, writes one transaction under the journal's lock, and completes each append
/// in order. What other nodes wrote is taken over by it before it decides, and whenever they bring something.
/// </summary>
/// <remarks>
/// <c>_gate</c> guards the queue and what wakes the thread, and is never held during a trip to the database. It may be held while the
/// gate of <see cref="PgHearing"/> is taken, never the other way round.
/// </remarks>
internal sealed class PgWriter : IAsyncDisposable
{
    /// <summary>While the database is away it is tried so often whether it is back.</summary>
    private static readonly TimeSpan _retryPeriod = TimeSpan.FromMilliseconds(200);

    /// <summary>Batches of several nodes overtake each other on their ways here: what is missing is read only when it did not come so
    /// long.</summary>
    private static readonly TimeSpan _grace = TimeSpan.FromMilliseconds(10);

    private readonly PgParts _parts;
    private readonly PgSession _session;
    private readonly PgHearing _hearing;
    private readonly PgTransactions _transactions;
    private readonly PgStanding _standing;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly AppendCompletion _completion;
    private readonly object _gate = new();
    private List<PendingAppend> _queue = [];
    private List<(bool Begins, TaskCompletionSource Done)> _lookers = [];
    private bool _waiting;
    private bool _closing;

    // From here on: the writer's own.
    private readonly int _thread;
    private long _behindSince;

    /// <param name="bring">Brings to other nodes what was written, with its payload; must not block.</param>
    public PgWriter(PgParts parts, PgSession session, Action<HeardBatch, byte[]> bring)
    {
        _parts = parts;
        _session = session;
        _hearing = parts.Hearing;
        _hearing.Wake = Wake;
        _standing = new PgStanding(session, parts.Logger);
        _completion = new AppendCompletion(parts.Logger);
        _transactions = new PgTransactions(parts, session, _standing, bring, GoesOnWaiting);
        Thread thread = new(Run) { IsBackground = true, Name = "event log" };
        _thread = thread.ManagedThreadId;
        thread.Start();
    }

    public LogHealth Health => _standing.Health;

    /// <summary>Whether the caller is what must not wait for it.</summary>
    public bool IsThis => Environment.CurrentManagedThreadId == _thread;

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

    /// <summary>Completes when all was taken over that is stored by now, and done what is owed for that.</summary>
    /// <param name="begins">Who listens is there from then on.</param>
    public async Task LookAsync(bool begins)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closing, typeof(PgEventLog));
            _lookers.Add((begins, done));
            WakeHeld();
        }

        await done.Task;
        await _hearing.AppliedAsync(0);
    }

    /// <summary>Completes when all that was queued is done, the readers have left, and the connection is closed.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closing = true;
            WakeHeld();
        }

        return new ValueTask(_stopped.Task);
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
            _hearing.TakeOver();
            // Once for what was taken: what comes later is taken with the next, or a busy node would never come to what others wrote.
            WaitForTurn(work);
            for (var done = 0; done < work.Count;)
            {
                done += Process(CollectionsMarshal.AsSpan(work)[done..]);
            }

            work.Clear();
            if (_standing.IsFailing)
            {
                _standing.Probe();
            }

            Follow();
            if (_parts.States.AreMany)
            {
                _parts.States.Clear();
            }
        }

        _hearing.Close();
        _parts.Journal.Close();
        AnswerLookers(new ObjectDisposedException(typeof(PgEventLog).FullName));
        _parts.Readers.CloseAndWait();
        _session.Dispose();
        _stopped.SetResult();
    }

    // What came in while others had the journal is written with what was there before.
    private void WaitForTurn(List<PendingAppend> work)
    {
        if (work.Count > 0 && _transactions.WaitForTurn())
        {
            lock (_gate)
            {
                work.AddRange(_queue);
                _queue.Clear();
            }
        }
    }

    /// <summary>Swaps the empty list for the queue; false at the end. Waits only when there is nothing at all to do.</summary>
    private bool Take(ref List<PendingAppend> work)
    {
        lock (_gate)
        {
            // Who looks waits too while the database is away.
            while (_queue.Count == 0 && !_closing && (_lookers.Count == 0 || _standing.IsFailing) && !_parts.States.AreMany && !_hearing.HasNext)
            {
                _waiting = true;
                if (_standing.IsFailing || (_hearing.IsBehind && !_standing.IsLost))
                {
                    Monitor.Wait(_gate, _standing.IsFailing ? _retryPeriod : _grace);
                    break;
                }

                Monitor.Wait(_gate);
            }

            _waiting = false;
            (work, _queue) = (_queue, work);
            return work.Count > 0 || !_closing;
        }
    }

    /// <summary>Takes over what was written and not brought, where somebody waits for it or it did not come.</summary>
    private void Follow()
    {
        _hearing.TakeOver();
        _transactions.LoseIfTooMuchIsKept();
        bool isAsked;
        lock (_gate)
        {
            isAsked = _lookers.Count > 0;
        }

        if (!isAsked && !_hearing.IsBehind)
        {
            _behindSince = 0;
            return;
        }

        if (!isAsked && _behindSince == 0)
        {
            _behindSince = Stopwatch.GetTimestamp();
        }

        if (_standing.LostBecause is { } cause)
        {
            AnswerLookers(StoreUnavailableException.OfDatabase($"This node cannot go on with its database: {cause}."));
            return;
        }

        if (_standing.IsFailing || (!isAsked && Stopwatch.GetElapsedTime(_behindSince) < _grace))
        {
            return;
        }

        try
        {
            var (head, feed) = _session.ReadFeed(_hearing.Applied);
            if (_transactions.TakeOver(head, feed))
            {
                _behindSince = 0;
                AnswerLookers(null);
            }
        }
        catch (Exception error) when (_session.IsFault(error))
        {
            _standing.Fail(error);
        }
    }

    private void AnswerLookers(Exception? error)
    {
        List<(bool Begins, TaskCompletionSource Done)> lookers;
        lock (_gate)
        {
            (lookers, _lookers) = (_lookers, []);
        }

        if (error is null && lookers.Exists(one => one.Begins))
        {
            _hearing.Begin();
        }

        foreach (var (_, done) in lookers)
        {
            if (error is null)
            {
                done.SetResult();
            }
            else
            {
                done.SetException(error);
            }
        }
    }

    /// <summary>Decides and completes the first few of the work, as many as make a batch; returns how many.</summary>
    private int Process(Span<PendingAppend> work)
    {
        while (true)
        {
            try
            {
                if (_transactions.Run(work) is > 0 and var count)
                {
                    CompleteAll(work[..count]);
                    return count;
                }
            }
            catch (Exception error) when (_session.IsFault(error))
            {
                // Nothing was sent to be written.
                var isFirst = !_standing.IsFailing;
                _standing.Fail(error);
                if (_standing.FailingFor < _parts.Options.Patience)
                {
                    Pause(isFirst);
                    continue;
                }
            }

            _completion.Refuse(work);
            RefuseGathered();
            return work.Length;
        }
    }

    /// <summary>Nobody knows yet what became of a commit. False: the program ends, and does not wait for it any longer.</summary>
    private bool GoesOnWaiting(TimeSpan since)
    {
        if (since > _parts.Options.Patience)
        {
            RefuseGathered();
            if (IsClosing())
            {
                return false;
            }
        }

        Pause(isFirst: false);
        return true;
    }

    private void Pause(bool isFirst)
    {
        if (!isFirst)
        {
            lock (_gate)
            {
                Monitor.Wait(_gate, _retryPeriod);
            }
        }
    }

    private bool IsClosing()
    {
        lock (_gate)
        {
            return _closing;
        }
    }

    private void CompleteAll(ReadOnlySpan<PendingAppend> work)
    {
        _completion.Complete(work, _transactions.Decisions);
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
