using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// The groups that share a room's data topics, or its talk (decision 33): each begins with the first that holds its filter, and ends with
/// the last.
/// </summary>
/// <remarks>
/// Thread-safe. Under <c>_gate</c> a group is put among the room's subscriptions and into its data log, and taken out: so
/// <c>DataSpace._treeGate</c>, <c>DataLog._gate</c> and <c>SharedTalk._gate</c> are taken under it, and no client's write lock.
/// </remarks>
internal sealed class DataGroups(IGroupRoom room, DataLogs logs, BrokerLimits limits)
{
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<(DataGroupName Name, string Filter), DataGroup> _groups = [];

    // Places that a SUBSCRIBE was granted whose filters are about to be held, and how many of them.
    private readonly Dictionary<(DataGroupName Name, string Filter), int> _reserved = [];

    // Of both together, each place once.
    private readonly Dictionary<string, int> _ofAccount = [];
    private int _count;

    // Of an earlier run of the program, until somebody holds the filter.
    private readonly Dictionary<(DataGroupName Name, string Filter), byte[]> _records = [];

    /// <summary>Whether the account may hold the filter together with others: the group is there, or one more may be.</summary>
    public bool MayHold(DataGroupName name, DataFilter filter)
    {
        lock (_gate)
        {
            return HasPlaceFor((name, filter.Text));
        }
    }

    /// <summary>
    /// The same, and the place is kept until <see cref="Unreserve"/>: a SUBSCRIBE is answered before its filters are held.
    /// </summary>
    public bool TryReserve(DataGroupName name, DataFilter filter)
    {
        var key = (name, filter.Text);
        lock (_gate)
        {
            if (!HasPlaceFor(key))
            {
                return false;
            }

            Count(key, 1);
            _reserved[key] = _reserved.GetValueOrDefault(key) + 1;
            return true;
        }
    }

    /// <summary>The filter is held, or is not going to be.</summary>
    public void Unreserve(DataGroupName name, DataFilter filter)
    {
        var key = (name, filter.Text);
        lock (_gate)
        {
            if (--_reserved[key] == 0)
            {
                _reserved.Remove(key);
                Count(key, -1);
            }
        }
    }

    /// <summary>A connected client holds the filter. Null: the room, or the account there, has as many groups as it may.</summary>
    public DataGroup? Join(DataSubscription subscription)
    {
        lock (_gate)
        {
            var group = Of(subscription.Group!, subscription.Filter);
            group?.Add(subscription);
            return group;
        }
    }

    /// <returns>The group that the client is no member of any more. Null: it was none, or holds the filter anew.</returns>
    public DataGroup? Leave(DataSubscription subscription)
    {
        lock (_gate)
        {
            if (!_groups.TryGetValue((subscription.Group!, subscription.Filter.Text), out var group) || !group.Remove(subscription))
            {
                return null;
            }

            EndIfEmpty(subscription.Group!, group);
            return group;
        }
    }

    /// <summary>A client that is kept holds the filter, connected or away. Null: as of <see cref="Join"/>.</summary>
    public DataGroupHold? Hold(DataGroupName name, DataFilter filter, LoginSession session)
    {
        lock (_gate)
        {
            if (Of(name, filter) is not { } group)
            {
                return null;
            }

            DataGroupHold hold = new(this, room.Room, group, name, session);
            group.Add(hold);
            return hold;
        }
    }

    /// <summary>It does not any more.</summary>
    public void Release(DataGroupHold hold)
    {
        lock (_gate)
        {
            hold.Group.Remove(hold);
            EndIfEmpty(hold.Name, hold.Group);
        }
    }

    /// <summary>Where a group of an earlier run is, for when somebody holds its filter. Before anything is served.</summary>
    public void Restore(DataGroupName name, string filter, byte[] record)
    {
        lock (_gate)
        {
            _records[(name, filter)] = record;
        }
    }

    /// <summary>Of earlier runs, and nobody holds them. What takes them off the disk is to be written by the caller.</summary>
    public IReadOnlyList<RecordChange> TakeUnheld()
    {
        lock (_gate)
        {
            List<RecordChange> gone = [.. _records.Keys.Select(one => new RecordChange(room.KeyOf(one.Name, one.Filter), null))];
            _records.Clear();
            return gone;
        }
    }

    // Under the gate. Null: there is none, and no place for one.
    private DataGroup? Of(DataGroupName name, DataFilter filter)
    {
        var key = (name, filter.Text);
        if (_groups.TryGetValue(key, out var group))
        {
            return group;
        }

        if (!HasPlaceFor(key))
        {
            return null;
        }

        DataGroupCursor cursor = new(room.Log, logs, room.KeyOf(name, filter.Text), limits.DataGroupUnacknowledged);
        if (_records.Remove(key, out var record))
        {
            cursor.TryRestore(record);
        }

        group = new DataGroup(room, filter, cursor);
        Count(key, 1);
        _groups[key] = group;
        room.Log.Add(cursor);
        room.Subscribe(group);
        return group;
    }

    // Under the gate, as all below.
    private bool HasPlaceFor((DataGroupName Name, string Filter) key) => IsCounted(key) || HasPlace(key.Name.Account);

    private bool IsCounted((DataGroupName Name, string Filter) key) => _groups.ContainsKey(key) || _reserved.ContainsKey(key);

    // Of a place that is, or was, there for one reason alone.
    private void Count((DataGroupName Name, string Filter) key, int more)
    {
        if (IsCounted(key))
        {
            return;
        }

        _count += more;
        if ((_ofAccount[key.Name.Account] = _ofAccount.GetValueOrDefault(key.Name.Account) + more) == 0)
        {
            _ofAccount.Remove(key.Name.Account);
        }
    }

    private bool HasPlace(string account) =>
        (limits.DataGroupsPerRoom == 0 || /* guard: groups of a room */ _count < limits.DataGroupsPerRoom)
        && (limits.DataGroupsPerRoomAndAccount == 0
            || /* guard: groups of an account in a room */ _ofAccount.GetValueOrDefault(account) < limits.DataGroupsPerRoomAndAccount);

    private void EndIfEmpty(DataGroupName name, DataGroup group)
    {
        if (!group.IsEmpty || !_groups.Remove((name, group.Filter.Text)))
        {
            return;
        }

        room.Unsubscribe(group);
        group.Cursor.End();
        Count((name, group.Filter.Text), -1);
    }
}
