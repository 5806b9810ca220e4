using WebMessenger.Auth.Limits;

namespace WebMessenger.Broker.Limits;

/// <summary>So many in a second, and a burst. Thread-safe.</summary>
/// <param name="perSecond">0: no limit.</param>
/// <param name="period">In place of the second; null: a second.</param>
internal sealed class RateBudget(int perSecond, int burst, TimeProvider time, TimeSpan? period = null)
{
    // Both are changed under the gate.
    private int _perSecond = perSecond;
    private readonly Lock _gate = new();
    private BucketSize _size = new(Math.Max(1, burst), perSecond, period ?? TimeSpan.FromSeconds(1));
    private TokenBucket _bucket = new(Math.Max(1, burst), TokenBucket.Now(time));
    private double _untold;

    /// <summary>What was taken here, and other nodes were not told of.</summary>
    public long Untold
    {
        get
        {
            lock (_gate)
            {
                return (long)_untold;
            }
        }
    }

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

    /// <summary>Takes one. False: none is left; <paramref name="wait"/> says for how long.</summary>
    public bool TryTake(out TimeSpan wait) => TryTake(1, out wait);

    /// <summary>Takes <paramref name="cost"/>, all or nothing; of a smaller burst than that, all of it.</summary>
    public bool TryTake(int cost, out TimeSpan wait)
    {
        wait = default;
        if (Volatile.Read(ref _perSecond) == 0)
        {
            return true;
        }

        lock (_gate)
        {
            var (now, taken) = (TokenBucket.Now(time), Math.Min(cost, _size.Capacity));
            if (_bucket.TryTake(_size, taken, now))
            {
                _untold += taken;
                return true;
            }

            wait = TimeSpan.FromSeconds(Math.Max(0.001, _bucket.WaitFor(_size, taken, now).TotalSeconds));
            return false;
        }
    }

    public void Told(long count)
    {
        lock (_gate)
        {
            _untold -= count;
        }
    }

    /// <summary>So much was taken on another node: no more is owed by that than a full one has.</summary>
    public void TakeElsewhere(long count)
    {
        lock (_gate)
        {
            if (_perSecond > 0)
            {
                _bucket.Take(_size, count, -_size.Capacity, TokenBucket.Now(time));
            }
        }
    }

    /// <summary>From now on so many, 0: without limit; what was taken of late stays taken.</summary>
    public void Become(int most, int atOnce)
    {
        lock (_gate)
        {
            var now = TokenBucket.Now(time);
            var taken = _size.Capacity - _bucket.Left(_size, now);
            (_perSecond, _size) = (most, new(Math.Max(1, atOnce), most, _size.Period));
            _bucket = new(_size.Capacity - taken, now);
        }
    }

    /// <summary>Gives back what was taken and turned out not to be due: at most as many as were taken.</summary>
    public void Return(int count)
    {
        lock (_gate)
        {
            _bucket.Give(_size, count);
            _untold -= count;
        }
    }
}
