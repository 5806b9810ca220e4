namespace WebMessenger.Broker.Storing;

/// <summary>What one account may still have stored: so many bytes at once, and as many again within each day.</summary>
/// <remarks>
/// The log thread alone takes and gives back, so this needs no lock. Who looks from elsewhere may see the two fields a moment apart, which is off by what was just
/// taken and no harm. Time is the monotonic clock's: a wall clock that jumps gives nobody a day.
/// </remarks>
/// <param name="perDay">Bytes; 0: no limit.</param>
/// <param name="used">Bytes of the day that are gone already.</param>
internal sealed class StorageQuota(int perDay, double used, TimeProvider time)
{
    private static readonly double SecondsPerDay = TimeSpan.FromDays(1).TotalSeconds;

    private double _used = used;
    private long _at = time.GetTimestamp();

    /// <summary>When something was taken last, by the monotonic clock.</summary>
    public long LastTaken => Volatile.Read(ref _at);

    /// <summary>Bytes that are gone and have not come back yet.</summary>
    public long Used => (long)Math.Ceiling(UsedAt(time.GetTimestamp()));

    /// <summary>Takes so many bytes. False: they are not left; <paramref name="wait"/> says for how long, a day at most.</summary>
    public bool TryTake(int bytes, out TimeSpan wait)
    {
        wait = default;
        if (perDay == 0)
        {
            return true;
        }

        var now = time.GetTimestamp();
        var before = UsedAt(now);
        if (before + bytes > perDay)
        {
            wait = TimeSpan.FromSeconds(Math.Clamp((before + bytes - perDay) * SecondsPerDay / perDay, 1, SecondsPerDay));
            return false;
        }

        Volatile.Write(ref _used, before + bytes);
        Volatile.Write(ref _at, now);
        return true;
    }

    /// <summary>What was taken and could not be stored.</summary>
    public void GiveBack(int bytes) => Volatile.Write(ref _used, Math.Max(0, Volatile.Read(ref _used) - bytes));

    private double UsedAt(long now) =>
        Math.Max(0, Volatile.Read(ref _used) - (time.GetElapsedTime(Volatile.Read(ref _at), now).TotalSeconds * perDay / SecondsPerDay));
}
