using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Nodes;

/// <summary>This node's lease: fresh while the last renewal that the database has confirmed began 2 s ago or less.</summary>
/// <remarks>
/// Whether it is fresh is found by the clock at each question, not by a timer: a process that was frozen is stale in the moment in which it
/// wakes.
/// Once it was stale, it is fresh again when this node has heard what it may have missed, and answered what it was asked.
/// </remarks>
internal sealed class NodeLease : ILease
{
    /// <summary>For how long a confirmed renewal holds, from its beginning.</summary>
    public static readonly TimeSpan Holds = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly NodeHooks _hooks;
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _waiting;
    private long _began = long.MinValue;
    private long _timesStale;
    private bool _hasHeard;
    private bool _isHearing;
    private bool _isOver;

    public NodeLease(NodeHooks hooks) => _hooks = hooks;

    // The renewal first, then what was heard: Confirm writes them the other way round.
    public bool IsFresh => /* guard: a stale lease is not fresh */ IsRecent(Volatile.Read(ref _began))
        && /* guard: a node that has missed something is not fresh */ Volatile.Read(ref _hasHeard)
        && /* guard: a lease that is over is never fresh again */ !Volatile.Read(ref _isOver);

    public long Losses => Interlocked.Read(ref _timesStale);

    /// <summary>Completes with the reason when it never is fresh again: the program has to end itself.</summary>
    public Task<string> Ended => _ended.Task;

    public ValueTask WhenFreshAsync()
    {
        if (IsFresh)
        {
            return ValueTask.CompletedTask;
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            return IsFresh ? ValueTask.CompletedTask : new((_waiting ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task);
        }
    }

    /// <summary>The database has confirmed a renewal.</summary>
    /// <param name="began">When it was asked to, by <see cref="LeaseClock"/>.</param>
    public void Confirm(TimeSpan began)
    {
        lock (_gate)
        {
            if (_isOver)
            {
                return;
            }

            if (!IsRecent(_began))
            {
                Interlocked.Increment(ref _timesStale);
                Volatile.Write(ref _hasHeard, false);
            }

            Volatile.Write(ref _began, began.Ticks);
            if (_hasHeard)
            {
                Tell();
            }
            else if (!_isHearing)
            {
                _isHearing = true;
                _ = Task.Run(HearAsync);
            }
        }
    }

    /// <summary>It never is fresh again, and the program has to end itself.</summary>
    public void End(string reason)
    {
        if (Close())
        {
            _ended.TrySetResult(reason);
        }
    }

    /// <summary>It never is fresh again, because this node stops in order.</summary>
    /// <returns>False: it was over already.</returns>
    public bool Close()
    {
        lock (_gate)
        {
            if (_isOver)
            {
                return false;
            }

            Volatile.Write(ref _isOver, true);
            _waiting?.TrySetException(new ObjectDisposedException(nameof(NodeLease)));
            _waiting = null;
            return true;
        }
    }

    private static bool IsRecent(long began) => began != long.MinValue && LeaseClock.Now.Ticks - began <= Holds.Ticks;

    private async Task HearAsync()
    {
        while (true)
        {
            var times = Interlocked.Read(ref _timesStale);
            var hasHeard = await TryHearAsync();
            lock (_gate)
            {
                if (_isOver || (hasHeard && times == _timesStale))
                {
                    _isHearing = false;
                    Volatile.Write(ref _hasHeard, !_isOver);
                    Tell();
                    return;
                }
            }

            if (!hasHeard)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50));
            }
        }
    }

    // What fails here, replication has said already; while it fails the lease stays stale.
    private async Task<bool> TryHearAsync()
    {
        try
        {
            await _hooks.CatchUpAsync();
            await (/* guard: who has lost touch answers what it was asked before it speaks */ _hooks.AnswerAllAsync());
            return true;
        }
        catch (Exception)
        {
            return false;
        }
    }

    private void Tell()
    {
        if (IsFresh)
        {
            _waiting?.TrySetResult();
            _waiting = null;
        }
    }
}
