using WebMessenger.Storage;

namespace WebMessenger.Broker.Rooms;

/// <summary>The accounts on a room's list, each with its stay. Thread-safe; <c>_gate</c> is a leaf lock.</summary>
/// <remarks>A lock and not a concurrent dictionary, which has an object more for each: there may be a million in all rooms.</remarks>
internal sealed class MemberList
{
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<string, Membership> _members = [];

    /// <summary>A copy.</summary>
    public KeyValuePair<string, Membership>[] All
    {
        get
        {
            lock (_gate)
            {
                return [.. _members];
            }
        }
    }

    public Membership? Find(string accountId)
    {
        lock (_gate)
        {
            return _members.GetValueOrDefault(accountId);
        }
    }

    /// <summary>Puts an account on the list, if it is not there.</summary>
    public void Add(string accountId, Membership membership)
    {
        lock (_gate)
        {
            _members.TryAdd(accountId, membership);
        }
    }

    /// <summary>Takes an account off the list; its stay ends.</summary>
    public void Remove(string accountId)
    {
        lock (_gate)
        {
            if (_members.Remove(accountId, out var membership))
            {
                membership.End();
            }
        }
    }

    /// <summary>Takes off everybody.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            foreach (var membership in _members.Values)
            {
                membership.End();
            }

            _members.Clear();
        }
    }
}
