using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Rooms;

/// <summary>Whether a room with a capacity has a place for one account more, and who waits for one.</summary>
/// <remarks>
/// Guarded by the room's gate.
/// Moderators and who ranks above come in whenever they like, and take nobody's place.
/// Who is here stays, also when the room is for fewer from then on, or he is a moderator no more.
/// </remarks>
internal sealed class RoomCapacity(Room room, RoomPresence presence)
{
    // In the order in which they came. Those who go are taken out, so there are never more than connections.
    private LinkedList<IMember>? _waiting;
    private Dictionary<IMember, LinkedListNode<IMember>>? _nodes;

    // Who takes a place was counted when so many were here: not anew for each who asks. For a second at most, and until somebody leaves.
    private (int Present, int Taken)? _counted;

    private int Bound => room.Record.Policy.Capacity;

    public bool HasPlaceFor(Account account) =>
        Bound <= 0
        || presence.Count < Bound
        || presence.Find(account.Id) is not null
        || RoomPolicy.IsHost(room, account)
        || (/* guard: capacity of a room */ Taken() < Bound);

    /// <summary>The client is placed anew when there is a place for it: see <see cref="EndOfSecond"/>.</summary>
    public void Wait(IMember member)
    {
        if ((_nodes ??= new(ReferenceEqualityComparer.Instance)).ContainsKey(member))
        {
            return;
        }

        _nodes.Add(member, (_waiting ??= new()).AddLast(member));
    }

    /// <summary>The client has its place, or wants none any more.</summary>
    public void EndWait(IMember member)
    {
        if (_nodes?.Remove(member, out var node) == true)
        {
            _waiting!.Remove(node);
        }
    }

    /// <summary>
    /// About once a second. Returns the accounts that have waited longest, as many as there are places by now, and all that need none any
    /// more: by another client they are here, or they have become moderators.
    /// </summary>
    public IReadOnlyList<string> EndOfSecond()
    {
        _counted = null;
        if (_waiting is not { Count: > 0 })
        {
            return [];
        }

        var free = Bound <= 0 ? int.MaxValue : Bound - Taken();
        return
        [
            .. _waiting.Select(member => member.Account).DistinctBy(account => account.Id)
                .Where(account => presence.Find(account.Id) is not null || RoomPolicy.IsHost(room, account) || free-- > 0)
                .Select(account => account.Id),
        ];
    }

    /// <summary>Somebody has left.</summary>
    public void Left() => _counted = null;

    /// <summary>Nobody waits any more.</summary>
    public void Clear() => (_waiting, _nodes, _counted) = (null, null, null);

    private int Taken()
    {
        if (_counted is not { } counted || counted.Present != presence.Count)
        {
            _counted = counted = (presence.Count, presence.Everybody.Count(present => !RoomPolicy.IsHost(room, present.Account)));
        }

        return counted.Taken;
    }
}
