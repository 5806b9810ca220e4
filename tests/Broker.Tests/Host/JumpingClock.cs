namespace WebMessenger.Broker.Tests.Host;

/// <summary>A machine's clock that tests set. What has passed since the start goes on as it is.</summary>
/// <param name="inner">The time that passes.</param>
internal sealed class JumpingClock(TimeProvider inner) : TimeProvider
{
    private long _offTicks;

    /// <summary>By how much the clock is wrong.</summary>
    public TimeSpan Off
    {
        get => new(Interlocked.Read(ref _offTicks));
        set => Interlocked.Exchange(ref _offTicks, value.Ticks);
    }

    public override long TimestampFrequency => inner.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + Off;

    public override long GetTimestamp() => inner.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        inner.CreateTimer(callback, state, dueTime, period);
}
