using WebMessenger.Auth.Limits;

namespace WebMessenger.Broker.Limits;

/// <summary>What an account has left of something that it may do so often a day: it comes back little by little.</summary>
/// <param name="Left">0 to what a day allows.</param>
/// <param name="At">As of when.</param>
internal readonly record struct DailyLeft(double Left, DateTimeOffset At);

/// <summary>How often a day each account may do one thing. Thread-safe.</summary>
/// <param name="perDay">So many at once, and so many again within a day; 0: no limit.</param>
/// <param name="isStored">
/// It lasts over restarts, and so goes by the wall clock: one that goes back gives nothing and takes nothing, one that jumps ahead gives a
/// day's worth at most (fault B13). Else no clock that is set has a say.
/// </param>
internal sealed class DailyBudget(int perDay, TimeProvider time, bool isStored)
{
    // Full ones are forgotten when there are so many: each says no more than none does.
    private const int TidyAt = 10_000;

    private readonly Lock _gate = new();
    private readonly BucketSize _size = new(perDay, perDay, TimeSpan.FromDays(1));
    private readonly Dictionary<string, TokenBucket> _left = [];
    private int _tidyAt = TidyAt;
    private UntoldUses? _untold;

    /// <summary>How many times it has looked at all it knows.</summary>
    internal int Tidied { get; private set; }

    /// <summary>Takes one. False: none is left.</summary>
    public bool TryTake(string accountId)
    {
        if (perDay == 0)
        {
            return true;
        }

        lock (_gate)
        {
            if (_left.Count >= _tidyAt)
            {
                Tidy();
            }

            // Noted when none is left, too: after a clock that was years ahead has been set back, it counts from now on.
            var bucket = Now(accountId);
            var isLeft = bucket.TryTake(_size, 1, bucket.At);
            _left[accountId] = bucket;
            if (isLeft)
            {
                _untold?.Add(accountId, 1);
            }

            return isLeft;
        }
    }

    /// <summary>There are other nodes: from now on they are told what is taken here, and what is taken there counts here.</summary>
    /// <param name="kind">As <see cref="ISharedUse.Kind"/>.</param>
    public ISharedUse Share(byte kind)
    {
        lock (_gate)
        {
            return new Shared(kind, this, _untold ??= new());
        }
    }

    /// <summary>Gives back what was taken for something that did not happen.</summary>
    public void Give(string accountId)
    {
        lock (_gate)
        {
            if (_left.TryGetValue(accountId, out var bucket))
            {
                bucket.Give(_size, 1);
                _left[accountId] = bucket;
                _untold?.Add(accountId, -1);
            }
        }
    }

    /// <summary>How long until there is one.</summary>
    public TimeSpan WaitOf(string accountId)
    {
        lock (_gate)
        {
            var bucket = Now(accountId);
            return perDay == 0 ? TimeSpan.Zero : bucket.WaitFor(_size, 1, bucket.At);
        }
    }

    /// <summary>To be stored.</summary>
    public DailyLeft Of(string accountId)
    {
        lock (_gate)
        {
            var bucket = Now(accountId);
            return new(bucket.Left(_size, bucket.At), DateTimeOffset.UnixEpoch + bucket.At);
        }
    }

    /// <summary>As it was stored.</summary>
    public void Restore(string accountId, DailyLeft left)
    {
        lock (_gate)
        {
            _left[accountId] = new TokenBucket(Math.Max(0, left.Left), left.At - DateTimeOffset.UnixEpoch);
        }
    }

    public void Forget(string accountId)
    {
        lock (_gate)
        {
            _left.Remove(accountId);
        }
    }

    // No more is owed by that than a day's worth.
    private void TakeElsewhere(string accountId, long count)
    {
        if (perDay == 0)
        {
            return;
        }

        lock (_gate)
        {
            if (_left.Count >= _tidyAt)
            {
                Tidy();
            }

            var bucket = Now(accountId);
            bucket.Take(_size, count, -perDay, bucket.At);
            _left[accountId] = bucket;
        }
    }

    // With what has come back, as of now.
    private TokenBucket Now(string accountId)
    {
        var now = isStored ? time.GetUtcNow() - DateTimeOffset.UnixEpoch : TokenBucket.Now(time);
        return new(_left.TryGetValue(accountId, out var bucket) ? bucket.Left(_size, now) : perDay, now);
    }

    private void Tidy()
    {
        foreach (var accountId in _left.Keys.Where(IsFull).ToList())
        {
            _left.Remove(accountId);
        }

        // Those that stay are busy: looked at again when there are twice as many, and not at each take.
        _tidyAt = Math.Max(TidyAt, 2 * _left.Count);
        Tidied++;

        bool IsFull(string accountId) => Now(accountId) is var bucket && bucket.IsFull(_size, bucket.At);
    }

    private sealed class Shared(byte kind, DailyBudget budget, UntoldUses untold) : ISharedUse
    {
        public byte Kind => kind;

        public IReadOnlyList<KeyValuePair<string, long>> Untold => untold.All;

        public void Told(string key, long count) => untold.Add(key, -count);

        public void UsedElsewhere(string key, long count) => budget.TakeElsewhere(key, count);
    }
}
