using WebMessenger.Auth.Limits;

namespace WebMessenger.Broker.Limits;

/// <summary>So much work in a second, and a burst, for work whose price is known only when it is due or done. Thread-safe.</summary>
/// <remarks>
/// Whoever finds something left may take all that it needs and leave a debt, of <see cref="LongestWait"/> at most: so nothing is too
/// large to be done. Who comes by a <see cref="WorkTurn"/> comes in the order in which it asked, and waits so long at most for each that
/// asked before it, and once for what was done before.
/// </remarks>
/// <param name="perSecond">0: no limit.</param>
/// <param name="seconds">How many seconds' worth may be taken at once.</param>
internal sealed class WorkBudget(int perSecond, int seconds, TimeProvider time)
{
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly BucketSize _size = new((double)perSecond * seconds, perSecond, TimeSpan.FromSeconds(1));
    private TokenBucket _bucket = new((double)perSecond * seconds, TokenBucket.Now(time));

    // Completes when all who stand in line have had their turn.
    private Task _line = Task.CompletedTask;

    /// <summary>A price above it is no dearer: a full budget and the longest debt. 0: nothing has a price.</summary>
    public long Dearest => (long)(_size.Capacity - LeastLeft);

    // The longest debt.
    private double LeastLeft => -perSecond * LongestWait.TotalSeconds;

    /// <summary>Nothing was taken lately.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                return _bucket.IsFull(_size, TokenBucket.Now(time));
            }
        }
    }

    /// <summary>Whether something is left. False: <paramref name="wait"/> says when there is.</summary>
    public bool HasSome(out TimeSpan wait)
    {
        lock (_gate)
        {
            var now = TokenBucket.Now(time);
            wait = perSecond == 0 || _bucket.Left(_size, now) > 0 ? default : _bucket.WaitFor(_size, 0, now) + TimeSpan.FromMilliseconds(1);
            return wait == default;
        }
    }

    /// <summary>
    /// A turn behind all who ask now. It must be ended, be it that it is not wanted any more: the next one waits for that.
    /// </summary>
    public WorkTurn Queue()
    {
        lock (_gate)
        {
            WorkTurn turn = new(_line);
            _line = turn.Done;
            return turn;
        }
    }

    /// <summary>Null: the turn has come. Its owner takes what it needs and ends it. Else it may be asked again after the task.</summary>
    public Task? WaitFor(WorkTurn turn) => (/* guard: turns of an account's clients in their order */ !turn.Before.IsCompleted) ? turn.Before : HasSome(out var wait) ? null : Task.Delay(wait, time);

    /// <summary>Takes this much, be it more than is left: for what is done now, or was done already.</summary>
    public void Take(double price)
    {
        lock (_gate)
        {
            _bucket.Take(_size, price, LeastLeft, TokenBucket.Now(time));
        }
    }
}

/// <summary>A place in the line of a <see cref="WorkBudget"/>.</summary>
/// <param name="before">Completes when all who asked before have had their turn.</param>
internal sealed class WorkTurn(Task before)
{
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Before => before;

    /// <summary>Completes when this one, too, has had it. One that is given up does not let the next past those before it.</summary>
    public Task Done => field ??= before.IsCompleted ? _over.Task : Task.WhenAll(before, _over.Task);

    public void End() => _over.TrySetResult();
}
