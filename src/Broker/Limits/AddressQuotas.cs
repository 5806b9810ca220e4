using System.Net;
using WebMessenger.Auth.Limits;

namespace WebMessenger.Broker.Limits;

/// <summary>
/// What guests and new accounts behind one address may have stored in a day, all of them together: whoever makes one after the other gets
/// no more disk by it. A /48 of IPv6 has as much as four addresses.
/// </summary>
/// <remarks>Thread-safe. In memory alone: a restart forgets it.</remarks>
/// <param name="perDay">Bytes; 0: no limit.</param>
internal sealed class AddressQuotas(int perDay, TimeProvider time)
{
    /// <summary>Addresses and networks that are remembered. Beyond it the half that has used least is forgotten.</summary>
    internal const int Most = 20_000;

    private const int NetworkShare = 4;

    private readonly Lock _gate = new();
    private readonly Dictionary<(Origin Origin, bool IsNetwork), Kept> _kept = [];

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _kept.Count;
            }
        }
    }

    /// <summary>Null: there is no limit.</summary>
    public StorageQuota? Of(IPAddress? address)
    {
        if (perDay == 0)
        {
            return null;
        }

        lock (_gate)
        {
            var quota = Of((Origin.Of(address), false), perDay);
            if (Origin.TrySite(address, out var network))
            {
                quota.PayAlso(Of((network, true), (int)Math.Min((long)perDay * NetworkShare, int.MaxValue)), TimeSpan.MaxValue);
            }

            return quota;
        }
    }

    /// <summary>Forgets who has all of the day again and no connection that pays out of it. Called once a minute.</summary>
    public void Sweep()
    {
        lock (_gate)
        {
            foreach (var (key, kept) in _kept)
            {
                if (!kept.IsNeeded())
                {
                    _kept.Remove(key);
                }
            }
        }
    }

    private StorageQuota Of((Origin Origin, bool IsNetwork) key, int bytes)
    {
        if (_kept.TryGetValue(key, out var kept) && kept.Find() is { } known)
        {
            return known;
        }

        if (_kept.Count >= Most)
        {
            foreach (var (least, _) in _kept.OrderBy(entry => entry.Value.Used).Take(Most / 2).ToList())
            {
                _kept.Remove(least);
            }
        }

        StorageQuota quota = new(bytes, 0, time);
        _kept[key] = new Kept(quota);
        return quota;
    }

    /// <summary>
    /// Held as long as something of it is used; after that as long as a connection holds it, which must not get a second one by that.
    /// </summary>
    private sealed class Kept(StorageQuota quota)
    {
        private readonly WeakReference<StorageQuota> _held = new(quota);
        private StorageQuota? _used = quota;

        public long Used => Find()?.Used ?? 0;

        public StorageQuota? Find()
        {
            if (_used is null && _held.TryGetTarget(out var held))
            {
                _used = held;
            }

            return _used;
        }

        public bool IsNeeded()
        {
            if (Find() is not { } quota)
            {
                return false;
            }

            _used = quota.Used > 0 ? quota : null;
            return true;
        }
    }
}
