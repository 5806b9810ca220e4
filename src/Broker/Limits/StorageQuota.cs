using WebMessenger.Auth.Limits;

namespace WebMessenger.Broker.Limits;

/// <summary>What one account may still have stored: so many bytes at once, and as many again within each day.</summary>
/// <remarks>
/// Thread-safe: the log thread takes of talk, and the threads of rooms of what devices say. Under <c>_gate</c> only those of the quotas
/// that are charged as well are taken: a token's, its account's, its address's, its network's, in this order. Time is the monotonic
/// clock's: a wall clock that jumps gives nobody a day.
/// </remarks>
/// <param name="limit">Bytes a day; 0: no limit.</param>
/// <param name="used">Bytes of the day that are gone already.</param>
internal sealed class StorageQuota(int limit, double used, TimeProvider time)
{
    private static readonly TimeSpan _day = TimeSpan.FromDays(1);

    // Both under the gate.
    private int _perDay = limit;
    private BucketSize _size = new(limit, limit, _day);
    private readonly Lock _gate = new();
    private TokenBucket _bucket = new(limit - used, TokenBucket.Now(time));
    private long _untold;
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
                return (long)Math.Ceiling(_perDay - _bucket.Left(_size, TokenBucket.Now(time)));
            }
        }
    }

    /// <summary>Bytes that were taken here, and other nodes were not told of.</summary>
    public long Untold
    {
        get
        {
            lock (_gate)
            {
                return _untold;
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
                StorageQuota half = new(HalfOf(Volatile.Read(ref _perDay)), 0, time);
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
            if (_perDay > 0 && _bucket.Left(_size, now) < bytes)
            {
                wait = TimeSpan.FromSeconds(Math.Clamp(_bucket.WaitFor(_size, bytes, now).TotalSeconds, 1, _size.Period.TotalSeconds));
                return false;
            }

            // This one is charged last: what the other refuses uses up nothing here.
            var isTaken = (Also() is not { } other || other.TryTake(bytes, out wait)) && (_perDay == 0 || _bucket.TryTake(_size, bytes, now));
            _untold += isTaken ? bytes : 0;
            return isTaken;
        }
    }

    /// <summary>For how long so many bytes are not left, a day at most; zero: they are. None is taken.</summary>
    public TimeSpan WaitFor(long bytes)
    {
        var wait = TimeSpan.Zero;
        lock (_gate)
        {
            var now = TokenBucket.Now(time);
            if (_perDay > 0 && _bucket.Left(_size, now) < bytes)
            {
                wait = TimeSpan.FromSeconds(Math.Clamp(_bucket.WaitFor(_size, bytes, now).TotalSeconds, 1, _size.Period.TotalSeconds));
            }
        }

        return Also()?.WaitFor(bytes) is { } others && others > wait ? others : wait;
    }

    public void Told(long bytes)
    {
        lock (_gate)
        {
            _untold -= bytes;
        }
    }

    /// <summary>So many bytes were taken on another node: no more than a day is owed by that.</summary>
    public void TakeElsewhere(long bytes)
    {
        lock (_gate)
        {
            if (_perDay > 0)
            {
                _bucket.Take(_size, bytes, -_perDay, TokenBucket.Now(time));
            }
        }
    }

    /// <summary>From now on so many bytes a day, 0: without limit; what is gone of the day stays gone.</summary>
    public void Become(int perDay)
    {
        lock (_gate)
        {
            if (perDay == _perDay)
            {
                return;
            }

            var now = TokenBucket.Now(time);
            var gone = Math.Max(0, _perDay - _bucket.Left(_size, now));
            (_perDay, _size, _bucket) = (perDay, new(perDay, perDay, _day), new(perDay - gone, now));
        }

        _limited?.Become(HalfOf(perDay));
    }

    /// <summary>What was taken and could not be stored.</summary>
    public void GiveBack(int bytes)
    {
        lock (_gate)
        {
            _bucket.Give(_size, bytes);
            _untold -= bytes;
        }

        Also()?.GiveBack(bytes);
    }

    private static int HalfOf(int perDay) => perDay == 0 ? 0 : Math.Max(perDay / 2, 1);

    private StorageQuota? Also() => _also is { } also && time.GetElapsedTime(also.Since) < also.Lasting ? also.Quota : null;

    private sealed record Payment(StorageQuota Quota, long Since, TimeSpan Lasting);
}
