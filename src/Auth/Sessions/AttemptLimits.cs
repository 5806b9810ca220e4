using System.Net;
using System.Net.Sockets;

namespace WebMessenger.Auth.Sessions;

/// <summary>Where a request comes from, as limits count it: one IPv4 address, one IPv6 /64 (one household has all of it), or "unknown".</summary>
public readonly record struct Origin(UInt128 Prefix, bool IsKnown)
{
    public static Origin Of(IPAddress? address)
    {
        if (address is null)
        {
            return default;
        }

        var v6 = address.AddressFamily == AddressFamily.InterNetwork ? address.MapToIPv6() : address;
        Span<byte> bytes = stackalloc byte[16];
        v6.TryWriteBytes(bytes, out _);
        if (!v6.IsIPv4MappedToIPv6)
        {
            bytes[8..].Clear();
        }

        return new Origin(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes), true);
    }
}

/// <summary>
/// How often a password may be guessed. Counted per address, and per account *and* address: whoever guesses at my account from elsewhere does not lock me out (attack 20).
/// </summary>
/// <remarks>Thread-safe. An attempt is counted before the password is checked, so that a thousand at once are not all let in before the first has failed.</remarks>
internal sealed class AttemptLimits(AuthOptions options, TimeProvider time)
{
    // Ten wrong in a row, then one every six minutes.
    private const int WrongPerAccountAndAddress = 10;

    private readonly Buckets<Origin> _signIns = new(options.SignInsPerMinutePerAddress, TimeSpan.FromMinutes(1), time);
    private readonly Buckets<Origin> _links = new(options.SignInsPerMinutePerAddress, TimeSpan.FromMinutes(1), time);
    private readonly Buckets<Origin> _registrations = new(options.RegistrationsPerHourPerAddress, TimeSpan.FromHours(1), time);
    private readonly Buckets<(string Account, Origin Origin)> _wrong = new(
        options.SignInsPerMinutePerAddress == 0 ? 0 : WrongPerAccountAndAddress, TimeSpan.FromHours(1), time);

    /// <summary>Null: allowed, and counted.</summary>
    public TimeSpan? TakeRegistration(IPAddress? address) => _registrations.Take(Origin.Of(address));

    /// <summary>Null: allowed, and counted.</summary>
    public TimeSpan? TakeGuest(IPAddress? address) => _signIns.Take(Origin.Of(address));

    /// <summary>Null: allowed, and counted. As often as signing in, and beside it: who tries links keeps nobody from signing in.</summary>
    public TimeSpan? TakeLink(IPAddress? address) => _links.Take(Origin.Of(address));

    /// <summary>Null: allowed, and counted as wrong until <see cref="WasRight"/>.</summary>
    public TimeSpan? TakePassword(string account, IPAddress? address)
    {
        var origin = Origin.Of(address);
        if (_wrong.Wait((account, origin)) is { } wait)
        {
            return wait;
        }

        return _signIns.Take(origin) ?? _wrong.Take((account, origin));
    }

    /// <summary>Null: a password would be checked now. Counts nothing.</summary>
    public TimeSpan? WaitForPassword(string account, IPAddress? address)
    {
        var origin = Origin.Of(address);
        return _wrong.Wait((account, origin)) ?? _signIns.Wait(origin);
    }

    /// <summary>Nothing was checked, so nothing was wrong.</summary>
    public void WasNotChecked(string account, IPAddress? address) => _wrong.Give((account, Origin.Of(address)));

    public void WasRight(string account, IPAddress? address) => _wrong.Reset((account, Origin.Of(address)));
}

/// <summary>Token buckets by key: `capacity` at once, refilled over `period`. A capacity of 0 limits nothing.</summary>
internal sealed class Buckets<TKey>(int capacity, TimeSpan period, TimeProvider time)
    where TKey : notnull
{
    // Full buckets are forgotten when there are this many; an attacker with as many addresses has other means.
    private const int TidyAt = 20_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, (double Tokens, long At)> _buckets = [];

    public TimeSpan? Take(TKey key)
    {
        if (capacity == 0)
        {
            return null;
        }

        lock (_gate)
        {
            var tokens = Level(key);
            if (tokens < 1)
            {
                return UntilOne(tokens);
            }

            if (_buckets.Count >= TidyAt)
            {
                Tidy();
            }

            _buckets[key] = (tokens - 1, time.GetTimestamp());
            return null;
        }
    }

    public TimeSpan? Wait(TKey key)
    {
        if (capacity == 0)
        {
            return null;
        }

        lock (_gate)
        {
            var tokens = Level(key);
            return tokens < 1 ? UntilOne(tokens) : null;
        }
    }

    public void Give(TKey key)
    {
        lock (_gate)
        {
            if (_buckets.ContainsKey(key))
            {
                _buckets[key] = (Math.Min(capacity, Level(key) + 1), time.GetTimestamp());
            }
        }
    }

    public void Reset(TKey key)
    {
        lock (_gate)
        {
            _buckets.Remove(key);
        }
    }

    private TimeSpan UntilOne(double tokens) => (1 - tokens) / capacity * period;

    private double Level(TKey key) => _buckets.TryGetValue(key, out var bucket)
        ? Math.Min(capacity, bucket.Tokens + (time.GetElapsedTime(bucket.At) / period * capacity))
        : capacity;

    private void Tidy()
    {
        foreach (var key in _buckets.Keys.ToList())
        {
            if (Level(key) >= capacity)
            {
                _buckets.Remove(key);
            }
        }

        if (_buckets.Count >= TidyAt)
        {
            // Nothing but busy buckets: forget the half that has waited longest, so that memory stays bounded.
            foreach (var key in _buckets.OrderBy(bucket => bucket.Value.At).Take(TidyAt / 2).Select(bucket => bucket.Key).ToList())
            {
                _buckets.Remove(key);
            }
        }
    }
}
