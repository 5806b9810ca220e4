namespace WebMessenger.Broker.Streams;

/// <summary>Since the start.</summary>
/// <param name="Events">That were stored in rooms and told.</param>
/// <param name="Deliveries">To how many places they were told, all together.</param>
internal readonly record struct DeliveryTotals(long Events, long Deliveries);

/// <summary>How long events are on their way, from their number until they are with the sockets of all who hear them here.</summary>
/// <remarks>
/// Thread-safe, without a lock. Called once for what a room's worker brings together, not once for each who hears it: two additions and a
/// look at the clock, and a sample every few milliseconds, which allocates nothing. The number's time is in whole milliseconds, so that a
/// sample is up to one too long.
/// </remarks>
internal sealed class DeliveryTimes(TimeProvider time)
{
    // Each a fifth wider than the one before, from a tenth of a millisecond to some hours.
    private const int Steps = 100;
    private const double Narrowest = 0.1, Growth = 1.2;

    private const int MostSamplesASecond = 200;

    private readonly long _between = time.TimestampFrequency / MostSamplesASecond;
    private readonly int[] _samples = new int[Steps];
    private long _events;
    private long _deliveries;
    private long _next;

    public DeliveryTotals Totals => new(Interlocked.Read(ref _events), Interlocked.Read(ref _deliveries));

    /// <summary>So many events, the first of which got its number then, are with so many sockets each.</summary>
    public void Told(DateTimeOffset numbered, int events, int places)
    {
        Interlocked.Add(ref _events, events);
        Interlocked.Add(ref _deliveries, (long)events * places);
        var now = time.GetTimestamp();
        if (places == 0 || now < Volatile.Read(ref _next))
        {
            return;
        }

        // Two at once are two samples.
        Volatile.Write(ref _next, now + _between);
        var milliseconds = (time.GetUtcNow() - numbered).TotalMilliseconds;
        Interlocked.Increment(ref _samples[StepOf(milliseconds)]);
    }

    /// <summary>Half of the samples since the last call, and ninety-nine of a hundred, were no longer than so many milliseconds.</summary>
    /// <returns>Null: there were none.</returns>
    public (double P50, double P99)? Take()
    {
        Span<int> taken = stackalloc int[Steps];
        var all = 0;
        for (var step = 0; step < Steps; step++)
        {
            taken[step] = Interlocked.Exchange(ref _samples[step], 0);
            all += taken[step];
        }

        return all == 0 ? null : (Within(taken, (all + 1) / 2), Within(taken, (int)Math.Ceiling(all * 0.99)));
    }

    private static double Within(ReadOnlySpan<int> samples, int count)
    {
        var step = 0;
        for (var seen = samples[0]; seen < count; seen += samples[step])
        {
            step++;
        }

        return Narrowest * Math.Pow(Growth, step);
    }

    // A clock that was set back makes what is on its way as if it had come at once.
    private static int StepOf(double milliseconds) =>
        milliseconds <= Narrowest ? 0 : Math.Min(Steps - 1, (int)Math.Ceiling(Math.Log(milliseconds / Narrowest) / Math.Log(Growth)));
}
