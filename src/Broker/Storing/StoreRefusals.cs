namespace WebMessenger.Broker.Storing;

/// <summary>Counts what could not be stored, to be said in one line a minute however many ask. Thread-safe.</summary>
internal sealed class StoreRefusals(TimeProvider time)
{
    private static readonly TimeSpan BetweenSums = TimeSpan.FromMinutes(1);

    private long _count;
    private long? _toldAt;

    public void Add() => Interlocked.Increment(ref _count);

    /// <summary>What was counted since the last sum; 0 also while the minute after it is not over. Called by one thread.</summary>
    public long TakeSum()
    {
        if (Interlocked.Read(ref _count) == 0 || (_toldAt is { } at && time.GetElapsedTime(at) < BetweenSums))
        {
            return 0;
        }

        _toldAt = time.GetTimestamp();
        return Interlocked.Exchange(ref _count, 0);
    }
}
