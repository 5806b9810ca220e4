namespace WebMessenger.Broker.Connections;

/// <summary>So much work in a second, and a burst, for work whose price is known only when it is due or done. Thread-safe.</summary>
/// <remarks>
/// Whoever finds something left may take all that it needs and leave a debt, of <see cref="LongestWait"/> at most: so nothing is too
/// large to be done, and nobody waits for longer.
/// </remarks>
/// <param name="perSecond">0: no limit.</param>
/// <param name="seconds">How many seconds' worth may be taken at once.</param>
internal sealed class WorkBudget(int perSecond, int seconds, TimeProvider time)
{
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly double _burst = (double)perSecond * seconds;
    private double _left = (double)perSecond * seconds;
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

    /// <summary>Whether something is left. False: <paramref name="wait"/> says when there is.</summary>
    public bool HasSome(out TimeSpan wait) => TryTake(0, out wait);

    /// <summary>
    /// Takes this much if anything is left, be it too much. False: nothing is left; <paramref name="wait"/> says when to ask again.
    /// </summary>
    public bool TryTake(double price, out TimeSpan wait)
    {
        wait = default;
        if (perSecond == 0)
        {
            return true;
        }

        lock (_gate)
        {
            Refill();
            if (_left > 0)
            {
                Spend(price);
                return true;
            }

            wait = TimeSpan.FromSeconds((-_left / perSecond) + 0.001);
            return false;
        }
    }

    /// <summary>Takes this much, for what was done already.</summary>
    public void Take(double price)
    {
        lock (_gate)
        {
            Refill();
            Spend(price);
        }
    }

    // Under _gate.
    private void Spend(double price) => _left = Math.Max(_left - price, -perSecond * LongestWait.TotalSeconds);

    // Under _gate.
    private void Refill()
    {
        var now = time.GetTimestamp();
        _left = Math.Min(_burst, _left + (time.GetElapsedTime(_at, now).TotalSeconds * perSecond));
        _at = now;
    }
}
