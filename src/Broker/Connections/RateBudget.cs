namespace WebMessenger.Broker.Connections;

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
    public bool TryTake(out TimeSpan wait)
    {
        wait = default;
        if (perSecond == 0)
        {
            return true;
        }

        lock (_gate)
        {
            Refill();
            if (_left >= 1)
            {
                _left--;
                return true;
            }

            wait = TimeSpan.FromSeconds(Math.Max(0.001, (1 - _left) / perSecond));
            return false;
        }
    }

    private void Refill()
    {
        var now = time.GetTimestamp();
        _left = Math.Min(_burst, _left + (time.GetElapsedTime(_at, now).TotalSeconds * perSecond));
        _at = now;
    }
}
