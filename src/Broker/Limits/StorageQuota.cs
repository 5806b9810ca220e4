using WebMessenger.Auth.Limits;

namespace WebMessenger.Broker.Limits;

/// <summary>What one account may still have stored: so many bytes at once, and as many again within each day.</summary>
/// <remarks>
/// Thread-safe: the log thread takes of talk, and the threads of rooms of what devices say. Under <c>_gate</c> only those of the quotas
/// that are charged as well are taken: a token's, its account's, its address's, its network's, in this order. Time is the monotonic
/// clock's: a wall clock that jumps gives nobody a day.
/// </remarks>
/// <param name="perDay">Bytes; 0: no limit.</param>
/// <param name="used">Bytes of the day that are gone already.</param>
internal sealed class StorageQuota(int perDay, double used, TimeProvider time)
{
    private readonly BucketSize _size = new(perDay, perDay, TimeSpan.FromDays(1));
    private readonly Lock _gate = new();
    private TokenBucket _bucket = new(perDay - used, TokenBucket.Now(time));
    private volatile Payment? _also;
    private volatile StorageQuota? _limited;

    /// <summary>When something was taken last, by the monotonic clock.</summary>
    public TimeSpan LastTaken
    {
        get
        {
            lock (_gate)
            {
                return _bucket.At;
            }
        }
    }

    /// <summary>Bytes that are gone and have not come back yet.</summary>
    public long Used
    {
        get
        {
            lock (_gate)
            {
                return (long)Math.Ceiling(perDay - _bucket.Left(_size, TokenBucket.Now(time)));
            }
        }
    }

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
        lock (_gate)
        {
            var now = TokenBucket.Now(time);
            if (perDay > 0 && _bucket.Left(_size, now) < bytes)
            {
                wait = TimeSpan.FromSeconds(Math.Clamp(_bucket.WaitFor(_size, bytes, now).TotalSeconds, 1, _size.Period.TotalSeconds));
                return false;
            }

            // This one is charged last: what the other refuses uses up nothing here.
            return (Also() is not { } other || other.TryTake(bytes, out wait)) && (perDay == 0 || _bucket.TryTake(_size, bytes, now));
        }
    }

    /// <summary>What was taken and could not be stored.</summary>
    public void GiveBack(int bytes)
    {
        lock (_gate)
        {
            _bucket.Give(_size, bytes);
        }

        Also()?.GiveBack(bytes);
    }

    private StorageQuota? Also() => _also is { } also && time.GetElapsedTime(also.Since) < also.Lasting ? also.Quota : null;

    private sealed record Payment(StorageQuota Quota, long Since, TimeSpan Lasting);
}
