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
    private readonly Dictionary<string, DailyLeft> _left = [];
    private readonly long _began = time.GetTimestamp();
    private int _tidyAt = TidyAt;

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
            var now = Now(accountId);
            var isLeft = now.Left >= 1;
            _left[accountId] = isLeft ? now with { Left = now.Left - 1 } : now;
            return isLeft;
        }
    }

    /// <summary>Gives back what was taken for something that did not happen.</summary>
    public void Give(string accountId)
    {
        lock (_gate)
        {
            if (_left.ContainsKey(accountId))
            {
                var now = Now(accountId);
                _left[accountId] = now with { Left = Math.Min(perDay, now.Left + 1) };
            }
        }
    }

    /// <summary>How long until there is one.</summary>
    public TimeSpan WaitOf(string accountId)
    {
        lock (_gate)
        {
            return perDay == 0 ? TimeSpan.Zero : TimeSpan.FromDays(Math.Max(0, 1 - Now(accountId).Left) / perDay);
        }
    }

    /// <summary>To be stored.</summary>
    public DailyLeft Of(string accountId)
    {
        lock (_gate)
        {
            return Now(accountId);
        }
    }

    /// <summary>As it was stored.</summary>
    public void Restore(string accountId, DailyLeft left)
    {
        lock (_gate)
        {
            _left[accountId] = left;
        }
    }

    public void Forget(string accountId)
    {
        lock (_gate)
        {
            _left.Remove(accountId);
        }
    }

    private DailyLeft Now(string accountId)
    {
        var now = isStored ? time.GetUtcNow() : DateTimeOffset.UnixEpoch + time.GetElapsedTime(_began);
        return _left.TryGetValue(accountId, out var left)
            ? new DailyLeft(Math.Clamp(left.Left + (Math.Max(0, (now - left.At).TotalDays) * perDay), 0, perDay), now)
            : new DailyLeft(perDay, now);
    }

    private void Tidy()
    {
        foreach (var accountId in _left.Keys.Where(accountId => Now(accountId).Left >= perDay).ToList())
        {
            _left.Remove(accountId);
        }

        // Those that stay are busy: looked at again when there are twice as many, and not at each take.
        _tidyAt = Math.Max(TidyAt, 2 * _left.Count);
        Tidied++;
    }
}
