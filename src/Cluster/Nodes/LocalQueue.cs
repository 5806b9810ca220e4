using WebMessenger.Storage.Documents;

namespace WebMessenger.Cluster.Nodes;

/// <summary>Those of this node who want the turn of one name: one of them, or some who share it, at a time.</summary>
/// <remarks>Thread-safe; nothing is called under its lock.</remarks>
internal sealed class LocalQueue(string name, AdvisoryTurns turns)
{
    // Who shares a turn that others of this node have already keeps the other nodes waiting: not for long.
    private static readonly TimeSpan _joinable = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private AdvisoryTurns.Held? _held;
    private TimeSpan _since;
    private bool _isHeldShared;
    private bool _isBusy;
    private bool _isOver;
    private int _holders;

    public string Name => name;

    /// <summary>Null: this queue is over, and there is a new one of the name.</summary>
    /// <exception cref="IOException">The database is not there.</exception>
    public Task<IDisposable?> TakeAsync(bool isShared, CancellationToken cancellation)
    {
        Waiter waiter = new(isShared);
        lock (_gate)
        {
            if (_isOver)
            {
                return Task.FromResult<IDisposable?>(null);
            }

            if (isShared && _isHeldShared && _held is not null && _waiters.Count == 0 && LeaseClock.Now - _since < _joinable)
            {
                _holders++;
                return Task.FromResult<IDisposable?>(new Turn(this));
            }

            _waiters.AddLast(waiter);
            if (!_isBusy)
            {
                _isBusy = true;
                _ = Task.Run(HoldNextAsync, CancellationToken.None);
            }
        }

        return cancellation.CanBeCanceled ? WaitAsync(waiter, cancellation) : waiter.Done.Task;
    }

    private static async Task<IDisposable?> WaitAsync(Waiter waiter, CancellationToken cancellation)
    {
        try
        {
            return await waiter.Done.Task.WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            // Its turn may come all the same, for the database was asked already: it is given back then.
            _ = waiter.Done.Task.ContinueWith(
                static done => done.Result?.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            throw;
        }
    }

    private async Task HoldNextAsync()
    {
        while (true)
        {
            Waiter first;
            lock (_gate)
            {
                if (_waiters.First is not { } next)
                {
                    (_isBusy, _isOver) = (false, true);
                    break;
                }

                first = next.Value;
                _waiters.RemoveFirst();
            }

            try
            {
                Begin(first, await turns.HoldAsync(LockKey.Of("turn", name, first.IsShared)));
                return;
            }
            catch (Exception error)
            {
                first.Done.TrySetException(error as IOException ?? StoreUnavailableException.OfDatabase("The turn could not be had.", error));
            }
        }

        turns.Forget(this);
    }

    private void Begin(Waiter first, AdvisoryTurns.Held held)
    {
        List<Waiter> holders = [first];
        lock (_gate)
        {
            while (first.IsShared && _waiters.First is { Value.IsShared: true } next)
            {
                holders.Add(next.Value);
                _waiters.RemoveFirst();
            }

            (_held, _isHeldShared, _since, _holders) = (held, first.IsShared, LeaseClock.Now, holders.Count);
        }

        holders.ForEach(holder => holder.Done.TrySetResult(new Turn(this)));
    }

    private void Leave()
    {
        AdvisoryTurns.Held held;
        lock (_gate)
        {
            if (--_holders > 0)
            {
                return;
            }

            (held, _held) = (_held!, null);
        }

        _ = Task.Run(async () =>
        {
            await held.ReleaseAsync();
            await HoldNextAsync();
        });
    }

    private sealed class Turn(LocalQueue queue) : IDisposable
    {
        private int _isOver;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
            {
                queue.Leave();
            }
        }
    }

    private sealed class Waiter(bool isShared)
    {
        public bool IsShared => isShared;

        public TaskCompletionSource<IDisposable?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
