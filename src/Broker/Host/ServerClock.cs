namespace WebMessenger.Broker.Host;

/// <summary>The system's clock was set, and the program is to follow.</summary>
/// <param name="By">How much later it is than the program took it to be; negative: earlier.</param>
/// <param name="Lifetimes">What of it no time has passed for: by so much the end of everything that ends by itself moves.</param>
internal sealed record ClockStep(TimeSpan By, TimeSpan Lifetimes);

/// <summary>
/// The time of the whole program. It runs by the time since the start, which nobody sets, and follows the system's clock when that is
/// believed. Nothing that lives for a time (a login session, a kept client, a guest) ends because a clock was set. See ADR 0039.
/// </summary>
/// <remarks>Thread-safe. <see cref="Look"/> and <see cref="Follow"/> are for one thread at a time.</remarks>
internal sealed class ServerClock : TimeProvider
{
    /// <summary>
    /// A gap (the server was stopped, the machine slept) counts for this long at most: nobody can tell it from a clock that was set.
    /// </summary>
    public static readonly TimeSpan LongestGap = TimeSpan.FromHours(12);

    /// <summary>
    /// A step ahead up to here is a machine that slept or got the time from the network. One beyond it, or back, is believed when it
    /// lasts.
    /// </summary>
    public static readonly TimeSpan BelievedAtOnce = TimeSpan.FromDays(31);

    /// <summary>How long a clock must stay where it was set until it is believed.</summary>
    public static readonly TimeSpan Confirmation = TimeSpan.FromMinutes(10);

    /// <summary>Differences that clocks which are kept right have.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _system;
    private readonly double _ticksPerStamp;
    private volatile Anchor _anchor;
    private (TimeSpan Ahead, long Since)? _suspected;

    /// <param name="system">The machine's clock.</param>
    /// <param name="newest">The time when the server was last known to run; null: not known. Never is it earlier than this.</param>
    /// <param name="doubted">What <see cref="Doubted"/> was then.</param>
    public ServerClock(TimeProvider system, DateTimeOffset? newest, TimeSpan doubted = default)
    {
        _system = system;
        _ticksPerStamp = (double)TimeSpan.TicksPerSecond / system.TimestampFrequency;
        var now = system.GetUtcNow();
        StartsLater = newest is { } last && now - last > LongestGap ? now - last - LongestGap : TimeSpan.Zero;
        _anchor = new Anchor(
            Math.Max(now.UtcTicks, /* guard: the clock is never before what is stored */ newest?.UtcTicks ?? 0),
            system.GetTimestamp(),
            (doubted + StartsLater).Ticks);
    }

    /// <summary>
    /// How much of the time since the server last ran counts for nobody: by so much the end of everything that ends by itself moves at
    /// the start.
    /// </summary>
    public TimeSpan StartsLater { get; }

    /// <summary>
    /// How far the time is ahead of the one that was seen to pass, of which a gap counts for <see cref="LongestGap"/>. Nobody can tell
    /// whether the server was stopped or a clock was set. So an hour of it is made up for in each hour that the server runs.
    /// </summary>
    public TimeSpan Doubted => new(DoubtedTicks(_anchor, PassedTicks(_anchor)));

    /// <summary>
    /// The time without what is <see cref="Doubted"/>: for what removes things for ever because they are old. Never after
    /// <see cref="GetUtcNow"/>.
    /// </summary>
    public DateTimeOffset Trusted
    {
        get
        {
            var anchor = _anchor;
            var passed = PassedTicks(anchor);
            return new DateTimeOffset(anchor.UtcTicks + passed - DoubtedTicks(anchor, passed), TimeSpan.Zero);
        }
    }

    public override long TimestampFrequency => _system.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => _system.LocalTimeZone;

    public override long GetTimestamp() => _system.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        _system.CreateTimer(callback, state, dueTime, period);

    public override DateTimeOffset GetUtcNow()
    {
        var anchor = _anchor;
        return new DateTimeOffset(anchor.UtcTicks + PassedTicks(anchor), TimeSpan.Zero);
    }

    /// <summary>Compares with the system's clock, about once a second. Null: nothing was set, or it is not believed yet.</summary>
    public ClockStep? Look()
    {
        var ahead = _system.GetUtcNow() - GetUtcNow();
        if (ahead.Duration() <= Slack)
        {
            _suspected = null;
            Anew(ahead, TimeSpan.Zero);
            return null;
        }

        if (ahead > TimeSpan.Zero && ahead <= BelievedAtOnce)
        {
            _suspected = null;
            return new ClockStep(ahead, ahead > LongestGap ? ahead - LongestGap : TimeSpan.Zero);
        }

        if (_suspected is not { } suspected || (suspected.Ahead - ahead).Duration() > Slack)
        {
            _suspected = (ahead, _system.GetTimestamp());
            return null;
        }

        return (/* guard: a jump of the clock is believed when it lasts */ _system.GetElapsedTime(suspected.Since) >= Confirmation) ? new ClockStep(ahead, ahead) : null;
    }

    /// <summary>Takes the step.</summary>
    public void Follow(ClockStep step)
    {
        _suspected = null;
        Anew(step.By, step.Lifetimes);
    }

    private static long DoubtedTicks(Anchor anchor, long passed) => Math.Max(0, anchor.DoubtedTicks - passed);

    private long PassedTicks(Anchor anchor) => (long)((_system.GetTimestamp() - anchor.Timestamp) * _ticksPerStamp);

    private void Anew(TimeSpan ahead, TimeSpan doubted)
    {
        var timestamp = _system.GetTimestamp();
        var anchor = _anchor;
        var passed = (long)((timestamp - anchor.Timestamp) * _ticksPerStamp);
        _anchor = new Anchor(
            anchor.UtcTicks + passed + ahead.Ticks, timestamp, Math.Max(0, DoubtedTicks(anchor, passed) + doubted.Ticks));
    }

    private sealed record Anchor(long UtcTicks, long Timestamp, long DoubtedTicks);
}
