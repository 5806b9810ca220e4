namespace WebMessenger.Auth.Limits;

/// <summary>How large a bucket is, and how fast it fills.</summary>
/// <param name="Capacity">The most that is in it, and what a new one has.</param>
/// <param name="Refill">What comes back in each <paramref name="Period"/>, little by little.</param>
public readonly record struct BucketSize(double Capacity, double Refill, TimeSpan Period);

/// <summary>A token bucket: the one place where what has come back until now is worked out.</summary>
/// <remarks>
/// A value that changes; whoever owns it locks.
/// Every call says what time it is, by one clock that the owner chooses: <see cref="Now"/>, or the wall clock where the bucket is stored.
/// A clock that goes back gives nothing and takes nothing.
/// </remarks>
public struct TokenBucket(double left, TimeSpan at)
{
    /// <summary>As of when what is left was noted.</summary>
    public readonly TimeSpan At => at;

    public static TokenBucket Full(in BucketSize size, TimeSpan now) => new(size.Capacity, now);

    /// <summary>The time by the monotonic clock, which nobody sets.</summary>
    public static TimeSpan Now(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);

        // In whole numbers: a double is no longer exact to a tick when a machine has run for months.
        var (seconds, rest) = Math.DivRem(time.GetTimestamp(), time.TimestampFrequency);
        return new TimeSpan((seconds * TimeSpan.TicksPerSecond) + (rest * TimeSpan.TicksPerSecond / time.TimestampFrequency));
    }

    /// <summary>What is in it; below 0 it is a debt.</summary>
    public readonly double Left(in BucketSize size, TimeSpan now) =>
        Math.Min(size.Capacity, left + (Math.Max(0, (now - at) / size.Period) * size.Refill));

    /// <summary>Nothing was taken lately.</summary>
    public readonly bool IsFull(in BucketSize size, TimeSpan now) => Left(size, now) >= size.Capacity;

    /// <summary>How long until there is so much; zero: there is now. Not of a bucket that nothing comes back to.</summary>
    public readonly TimeSpan WaitFor(in BucketSize size, double count, TimeSpan now) =>
        Math.Max(0, count - Left(size, now)) / size.Refill * size.Period;

    /// <summary>False: so much is not there, and nothing was taken.</summary>
    public bool TryTake(in BucketSize size, double count, TimeSpan now)
    {
        var before = Left(size, now);
        if (before < count)
        {
            return false;
        }

        (left, at) = (before - count, now);
        return true;
    }

    /// <summary>Takes so much, be it more than is there.</summary>
    /// <param name="leastLeft">No more than that is owed after.</param>
    public void Take(in BucketSize size, double count, double leastLeft, TimeSpan now) =>
        (left, at) = (Math.Max(Left(size, now) - count, leastLeft), now);

    /// <summary>What was taken and turned out not to be due.</summary>
    public void Give(in BucketSize size, double count) => left = Math.Min(size.Capacity, left + count);
}
