using System.Net;
using WebMessenger.Auth.Limits;

namespace WebMessenger.Broker.Limits;

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

    /// <summary>An address from which somebody came for something is believed to be people's for so long.</summary>
    private static readonly TimeSpan UseRemembered = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<(Origin Origin, bool IsNetwork), Count> _counts = [];

    private bool IsLimited => perAddress > 0 || perSecond > 0;

    /// <summary>Takes a place; false: this address, or the network that it lies in, has or takes as many as it may.</summary>
    public bool TryEnter(IPAddress? address) => TryEnter(address, int.MaxValue, int.MaxValue, 1, out _);

    /// <summary>The same for a place that costs more than one until it is of use.</summary>
    /// <param name="share">What an address may hold at this moment, if that is less than its limit.</param>
    /// <param name="networkShare">The same for a /48.</param>
    /// <param name="cost">How many it is of those that may be taken in a second. An address that was of use lately and has not so many left pays one: else a stranger kept his
    /// neighbours out with a fraction of the connections that they may have.</param>
    /// <param name="charged">What it was charged.</param>
    public bool TryEnter(IPAddress? address, int share, int networkShare, int cost, out int charged)
    {
        charged = cost;
        if (!IsLimited)
        {
            return true;
        }

        var key = (Origin.Of(address), false);
        var isInNetwork = Origin.TrySite(address, out var site);
        lock (_gate)
        {
            var network = isInNetwork ? Find((site, true), NetworkShare) : null;
            var isKnown = _counts.TryGetValue(key, out var place);

            // So many came within seconds that another one is not remembered, and what is not remembered is not let in.
            if ((network is null && isInNetwork) || (!isKnown && _counts.Count >= AddressesKnown))
            {
                return false;
            }

            place ??= New(1);
            if (IsFull(place, perAddress, share)
                || (network is not null && IsFull(network, (long)perAddress * NetworkShare, networkShare)))
            {
                return false;
            }

            if (!TryPay(place, network, cost))
            {
                if (!WasUsedLately(place) || !TryPay(place, network, 1))
                {
                    return false;
                }

                charged = 1;
            }

            // Now, and not before: else a network that is refused took all that are remembered with its addresses, and kept everybody out who is new.
            if (!isKnown)
            {
                _counts.Add(key, place);
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
        if (!IsLimited)
        {
            return;
        }

        lock (_gate)
        {
            Give((Origin.Of(address), false));
            if (Origin.TrySite(address, out var site))
            {
                Give((site, true));
            }
        }
    }

    /// <summary>A place that was taken is of use: from here on it costs one.</summary>
    /// <param name="charged">See <see cref="TryEnter(IPAddress?, int, int, int, out int)"/>.</param>
    public void Used(IPAddress? address, int charged)
    {
        if (!IsLimited)
        {
            return;
        }

        lock (_gate)
        {
            Use((Origin.Of(address), false));
            if (Origin.TrySite(address, out var site))
            {
                Use((site, true));
            }
        }

        void Use((Origin Origin, bool IsNetwork) key)
        {
            if (_counts.TryGetValue(key, out var count))
            {
                count.Rate.Return(charged - 1);
                count.UsedAt = time.GetTimestamp();
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

    // The address first: one that is refused uses up nothing of its neighbours'.
    private static bool TryPay(Count place, Count? network, int cost)
    {
        if (!place.Rate.TryTake(cost, out _))
        {
            return false;
        }

        if (network is null || network.Rate.TryTake(cost, out _))
        {
            return true;
        }

        place.Rate.Return(cost);
        return false;
    }

    private bool WasUsedLately(Count place) => place.UsedAt is { } at && time.GetElapsedTime(at) < UseRemembered;

    private static bool IsFull(Count count, long limit, int share) => limit > 0 && count.Open >= Math.Min(limit, share);

    // Null: there is no room to remember it.
    private Count? Find((Origin Origin, bool IsNetwork) key, int times)
    {
        if (!_counts.TryGetValue(key, out var count) && _counts.Count < AddressesKnown)
        {
            count = New(times);
            _counts.Add(key, count);
        }

        return count;
    }

    private Count New(int times) => new(new RateBudget(Times(perSecond, times), Math.Max(1, Times(burst, times)), time));

    private static int Times(int number, int times) => (int)Math.Min((long)number * times, int.MaxValue);

    private void Give((Origin Origin, bool IsNetwork) key)
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

        /// <summary>When somebody last came from there for something; null: nobody did, as far as is remembered.</summary>
        public long? UsedAt { get; set; }
    }
}
