namespace WebMessenger.Broker.Limits;

/// <summary>So many in a second, and a burst: a token bucket. Thread-safe.</summary>
/// <param name="perSecond">0: no limit.</param>
internal sealed class RateBudget(int perSecond, int burst, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly double _burst = Math.Max(1, burst);
    private double _left = Math.Max(1, burst);
    private long _at = time.GetTimestamp();

    /// <summary>Nothing was taken lately.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                Refill();
                return _left >= _burst;
            }
        }
    }

    /// <summary>Takes one. False: none is left; <paramref name="wait"/> says for how long.</summary>
    public bool TryTake(out TimeSpan wait) => TryTake(1, out wait);

    /// <summary>Takes <paramref name="cost"/>, all or nothing; of a smaller burst than that, all of it.</summary>
    public bool TryTake(int cost, out TimeSpan wait)
    {
        wait = default;
        if (perSecond == 0)
        {
            return true;
        }

        lock (_gate)
        {
            Refill();
            var taken = Math.Min(cost, _burst);
            if (_left >= taken)
            {
                _left -= taken;
                return true;
            }

            wait = TimeSpan.FromSeconds(Math.Max(0.001, (taken - _left) / perSecond));
            return false;
        }
    }

    /// <summary>Gives back what was taken and turned out not to be due: at most as many as were taken.</summary>
    public void Return(int count)
    {
        lock (_gate)
        {
            Refill();
            _left = Math.Min(_burst, _left + count);
        }
    }

    private void Refill()
    {
        var now = time.GetTimestamp();
        _left = Math.Min(_burst, _left + (time.GetElapsedTime(_at, now).TotalSeconds * perSecond));
        _at = now;
    }
}
