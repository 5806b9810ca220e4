using System.Net;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Connections;

/// <summary>
/// How many places each address of the network holds, and how fast it takes new ones. An IPv6 /64 counts as one address, for one household has all of it. A /48, which
/// a customer of a host can have for nothing, may hold and take four times as much.
/// </summary>
/// <remarks>Thread-safe: <c>_gate</c> guards all, and no other lock but that of a <see cref="RateBudget"/> is taken under it.</remarks>
/// <param name="perAddress">0: no limit.</param>
/// <param name="perSecond">0: no limit.</param>
internal sealed class AddressPlaces(int perAddress, int perSecond, int burst, TimeProvider time)
{
    private const int NetworkShare = 4;
    private const int AddressesKnown = 100_000;
    private static readonly UInt128 NetworkMask = UInt128.MaxValue << 80;
    private static readonly UInt128 LastOfIPv4 = 0x0000_FFFF_FFFF_FFFF;

    private readonly Lock _gate = new();
    private readonly Dictionary<(UInt128 Prefix, bool IsNetwork), Count> _counts = [];

    /// <summary>Takes a place; false: this address, or the network that it lies in, has or takes as many as it may.</summary>
    /// <param name="share">What an address may hold at this moment, if that is less than its limit.</param>
    /// <param name="networkShare">The same for a /48.</param>
    public bool TryEnter(IPAddress? address, int share, int networkShare)
    {
        if (perAddress == 0 && perSecond == 0)
        {
            return true;
        }

        var prefix = Origin.Of(address).Prefix;
        lock (_gate)
        {
            var place = Find((prefix, false), 1);
            var network = IsIPv4(prefix) ? null : Find((prefix & NetworkMask, true), NetworkShare);
            if (place is null || (network is null && !IsIPv4(prefix))
                || IsFull(place, perAddress, share)
                || (network is not null && IsFull(network, (long)perAddress * NetworkShare, networkShare))

                // The address first: one that is refused uses up nothing of its neighbours'.
                || !place.Rate.TryTake(out _)
                || (network is not null && !network.Rate.TryTake(out _)))
            {
                return false;
            }

            place.Open++;
            if (network is not null)
            {
                network.Open++;
            }

            return true;
        }
    }

    /// <summary>Gives back a place that was taken.</summary>
    public void Leave(IPAddress? address)
    {
        var prefix = Origin.Of(address).Prefix;
        lock (_gate)
        {
            Give((prefix, false));
            if (!IsIPv4(prefix))
            {
                Give((prefix & NetworkMask, true));
            }
        }
    }

    /// <summary>Forgets who holds nothing and has a full budget. Called now and then.</summary>
    public void Sweep()
    {
        lock (_gate)
        {
            foreach (var (key, count) in _counts)
            {
                if (count.Open <= 0 && count.Rate.IsFull)
                {
                    _counts.Remove(key);
                }
            }
        }
    }

    // An address that is not known is counted under 0.
    private static bool IsIPv4(UInt128 prefix) => prefix <= LastOfIPv4;

    private static bool IsFull(Count count, long limit, int share) => limit > 0 && count.Open >= Math.Min(limit, share);

    // Null: so many addresses came within seconds that another one is not remembered, and what is not remembered is not let in.
    private Count? Find((UInt128 Prefix, bool IsNetwork) key, int times)
    {
        if (!_counts.TryGetValue(key, out var count) && _counts.Count < AddressesKnown)
        {
            count = new Count(new RateBudget(Times(perSecond, times), Math.Max(1, Times(burst, times)), time));
            _counts.Add(key, count);
        }

        return count;
    }

    private static int Times(int number, int times) => (int)Math.Min((long)number * times, int.MaxValue);

    private void Give((UInt128 Prefix, bool IsNetwork) key)
    {
        if (_counts.TryGetValue(key, out var count))
        {
            count.Open--;
        }
    }

    private sealed class Count(RateBudget rate)
    {
        public RateBudget Rate { get; } = rate;

        public int Open { get; set; }
    }
}
