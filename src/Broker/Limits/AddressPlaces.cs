using System.Net;
using WebMessenger.Auth.Limits;

namespace WebMessenger.Broker.Limits;

/// <summary>
/// How many places each address of the network holds, and how fast it takes new ones.
/// An IPv6 /64 counts as one address, for one household has all of it.
/// A /48, which a customer of a host can have for nothing, may hold and take four times as much.
/// </summary>
/// <remarks>Thread-safe: <c>_gate</c> guards all (docs/architecture.md, Locks).</remarks>
/// <param name="perAddress">0: no limit.</param>
/// <param name="perSecond">0: no limit.</param>
/// <param name="uselessShare">Of those that are taken in a second, and at once, one of so many may be of no use.</param>
internal sealed class AddressPlaces(int perAddress, int perSecond, int burst, TimeProvider time, int uselessShare = 1)
{
    private const int NetworkShare = 4;
    private const int AddressesKnown = 100_000;

    /// <summary>An address from which somebody was signed in is believed to be people's for so long after.</summary>
    private static readonly TimeSpan PeopleRemembered = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<(Origin Origin, bool IsNetwork), Count> _counts = [];

    private bool IsLimited => perAddress > 0 || perSecond > 0;

    /// <summary>Takes a place; false: this address, or the network that it lies in, has or takes as many as it may.</summary>
    public bool TryEnter(IPAddress? address) => TryEnter(address, int.MaxValue, int.MaxValue, out _);

    /// <summary>The same for a place that is taken for one of no use until it is said to be of use.</summary>
    /// <param name="share">What an address may hold at this moment, if that is less than its limit.</param>
    /// <param name="networkShare">The same for a /48.</param>
    /// <param name="isUseless">It counts among those of no use. Of an address where somebody is signed in, or was lately, there may be more
    /// of them, which do not count: else a stranger kept his neighbours out with a fraction of what they may take.</param>
    public bool TryEnter(IPAddress? address, int share, int networkShare, out bool isUseless)
    {
        isUseless = true;
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
            if ((network is null && isInNetwork) || (/* guard: memory: addresses of sockets */ !isKnown && _counts.Count >= AddressesKnown))
            {
                return false;
            }

            place ??= New(1);
            if ((/* guard: connections of an address */ IsFull(place, perAddress, share))
                || (network is not null && /* guard: a network of IPv6 has a bound of its own */ IsFull(network, (long)perAddress * NetworkShare, networkShare)))
            {
                return false;
            }

            // What is refused, by either, uses up nothing of the other.
            if (!TryPay(place.Rate, network?.Rate))
            {
                return false;
            }

            isUseless = uselessShare > 1 && TryPay(place.Useless, network?.Useless);
            if (uselessShare > 1 && /* guard: one in five sockets may be of no use */ !isUseless && (/* guard: neighbours who come for something pay one */ !ArePeopleThere(place)))
            {
                place.Rate.Return(1);
                network?.Rate.Return(1);
                return false;
            }

            // Now, and not before: else a network that is refused took all that are remembered with its addresses,
            // and kept everybody out who is new.
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
    /// <param name="wasSignedIn">See <see cref="SignedIn"/>.</param>
    public void Leave(IPAddress? address, bool wasSignedIn = false)
    {
        if (!IsLimited)
        {
            return;
        }

        lock (_gate)
        {
            if (wasSignedIn && _counts.TryGetValue((Origin.Of(address), false), out var place))
            {
                place.SignedIn--;
                place.SignedInUntil = time.GetTimestamp();
            }

            Give((Origin.Of(address), false));
            if (Origin.TrySite(address, out var site))
            {
                Give((site, true));
            }
        }
    }

    /// <summary>Whoever has a place that was taken is signed in. To be said once, and with <see cref="Leave"/>.</summary>
    public void SignedIn(IPAddress? address)
    {
        if (!IsLimited)
        {
            return;
        }

        lock (_gate)
        {
            if (_counts.TryGetValue((Origin.Of(address), false), out var place))
            {
                place.SignedIn++;
            }
        }
    }

    /// <summary>A place that was taken is of use.</summary>
    /// <param name="wasUseless">It counted among those of no use.</param>
    public void Used(IPAddress? address, bool wasUseless)
    {
        if (!IsLimited || !wasUseless)
        {
            return;
        }

        lock (_gate)
        {
            if (_counts.TryGetValue((Origin.Of(address), false), out var place))
            {
                place.Useless.Return(1);
            }

            if (Origin.TrySite(address, out var site) && _counts.TryGetValue((site, true), out var network))
            {
                network.Useless.Return(1);
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
                if (count.Open <= 0 && count.Rate.IsFull && count.Useless.IsFull && !ArePeopleThere(count))
                {
                    _counts.Remove(key);
                }
            }
        }
    }

    // The address first: one that is refused uses up nothing of its neighbours'.
    private static bool TryPay(RateBudget ofAddress, RateBudget? ofNetwork)
    {
        if (/* guard: new sockets have a rate */ /* guard: connects of an address */ !ofAddress.TryTake(out _))
        {
            return false;
        }

        if (ofNetwork is null || ofNetwork.TryTake(out _))
        {
            return true;
        }

        ofAddress.Return(1);
        return false;
    }

    private bool ArePeopleThere(Count place) => place.SignedIn > 0 || (place.SignedInUntil is { } until && time.GetElapsedTime(until) < PeopleRemembered);

    private static bool IsFull(Count count, long limit, int share) => limit > 0 && count.Open >= /* guard: an address has a share of what is free */ Math.Min(limit, share);

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

    private Count New(int times) => new(Budget(times, 1), Budget(times, uselessShare));

    private RateBudget Budget(int times, int share) => new(
        perSecond == 0 ? 0 : Math.Max(1, Times(perSecond, times) / share), Math.Max(1, Times(burst, times) / share), time);

    private static int Times(int number, int times) => (int)Math.Min((long)number * times, int.MaxValue);

    private void Give((Origin Origin, bool IsNetwork) key)
    {
        if (_counts.TryGetValue(key, out var count))
        {
            count.Open--;
        }
    }

    private sealed class Count(RateBudget rate, RateBudget useless)
    {
        public RateBudget Rate { get; } = rate;

        /// <summary>What it may take besides without coming for anything.</summary>
        public RateBudget Useless { get; } = useless;

        public int Open { get; set; }

        /// <summary>Places of those who are signed in.</summary>
        public int SignedIn { get; set; }

        /// <summary>When the last of these was given back; null: none was, as far as is remembered.</summary>
        public long? SignedInUntil { get; set; }
    }
}
