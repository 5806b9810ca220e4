namespace WebMessenger.Broker.Limits;

/// <summary>What one account may still have stored: so many bytes at once, and as many again within each day.</summary>
/// <remarks>
/// The log thread alone takes and gives back, so this needs no lock. Who looks from elsewhere may see the two fields a moment apart, which
/// is off by what was just taken and no harm. Time is the monotonic clock's: a wall clock that jumps gives nobody a day.
/// </remarks>
/// <param name="perDay">Bytes; 0: no limit.</param>
/// <param name="used">Bytes of the day that are gone already.</param>
internal sealed class StorageQuota(int perDay, double used, TimeProvider time)
{
    private static readonly double SecondsPerDay = TimeSpan.FromDays(1).TotalSeconds;

    private double _used = used;
    private long _at = time.GetTimestamp();
    private volatile Payment? _also;
    private volatile StorageQuota? _limited;

    /// <summary>When something was taken last, by the monotonic clock.</summary>
    public long LastTaken => Volatile.Read(ref _at);

    /// <summary>Bytes that are gone and have not come back yet.</summary>
    public long Used => (long)Math.Ceiling(UsedAt(time.GetTimestamp()));

    /// <summary>
    /// What all limited tokens of the account have together: half of its day, and out of it. So one that is stolen leaves the other half.
    /// </summary>
    public StorageQuota Limited
    {
        get
        {
            if (_limited is null)
            {
                StorageQuota half = new(perDay == 0 ? 0 : Math.Max(perDay / 2, 1), 0, time);
                half.PayAlso(this, TimeSpan.MaxValue);
                Interlocked.CompareExchange(ref _limited, half, null);
            }

            return _limited;
        }
    }

    /// <summary>For so long another one is charged as well, and says whether there is something left. Null: none.</summary>
    public void PayAlso(StorageQuota? other, TimeSpan lasting) => _also = other is null ? null : new Payment(other, time.GetTimestamp(), lasting);

    /// <summary>Takes so many bytes. False: they are not left; <paramref name="wait"/> says for how long, a day at most.</summary>
    public bool TryTake(int bytes, out TimeSpan wait)
    {
        wait = default;
        var now = time.GetTimestamp();
        var before = UsedAt(now);
        if (perDay > 0 && before + bytes > perDay)
        {
            wait = TimeSpan.FromSeconds(Math.Clamp((before + bytes - perDay) * SecondsPerDay / perDay, 1, SecondsPerDay));
            return false;
        }

        if (Also(now) is { } other && !other.TryTake(bytes, out wait))
        {
            return false;
        }

        if (perDay > 0)
        {
            Volatile.Write(ref _used, before + bytes);
            Volatile.Write(ref _at, now);
        }

        return true;
    }

    /// <summary>What was taken and could not be stored.</summary>
    public void GiveBack(int bytes)
    {
        Volatile.Write(ref _used, Math.Max(0, Volatile.Read(ref _used) - bytes));
        Also(time.GetTimestamp())?.GiveBack(bytes);
    }

    private StorageQuota? Also(long now) => _also is { } also && time.GetElapsedTime(also.Since, now) < also.Lasting ? also.Quota : null;

    private double UsedAt(long now) =>
        Math.Max(0, Volatile.Read(ref _used) - (time.GetElapsedTime(Volatile.Read(ref _at), now).TotalSeconds * perDay / SecondsPerDay));

    private sealed record Payment(StorageQuota Quota, long Since, TimeSpan Lasting);
}
