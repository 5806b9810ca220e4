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

    // As it was when it was found full: nobody is counted anew for each who asks. For a second at most, and until somebody leaves.
    private (int Present, RoomRecord Record)? _full;

    private int Bound => room.Record.Policy.Capacity;

    public bool HasPlaceFor(Account account) =>
        Bound <= 0
        || presence.Count < Bound
        || presence.Find(account.Id) is not null
        || RoomPolicy.IsHost(room, account)
        || (/* guard: capacity of a room */ !IsFull());

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

    /// <summary>About once a second. Returns the accounts that have waited longest, as many as there are places by now.</summary>
    public IReadOnlyList<string> EndOfSecond()
    {
        _full = null;
        if (_waiting is not { Count: > 0 })
        {
            return [];
        }

        var free = Bound <= 0 ? int.MaxValue : Bound - Counted();
        return free <= 0 ? [] : [.. _waiting.Select(member => member.Account.Id).Distinct().Take(free)];
    }

    /// <summary>Somebody has left.</summary>
    public void Left() => _full = null;

    /// <summary>Nobody waits any more.</summary>
    public void Clear() => (_waiting, _nodes, _full) = (null, null, null);

    private bool IsFull()
    {
        var now = (presence.Count, room.Record);
        if (_full == now)
        {
            return true;
        }

        var isFull = Counted() >= Bound;
        _full = isFull ? now : null;
        return isFull;
    }

    private int Counted() => presence.Everybody.Count(present => !RoomPolicy.IsHost(room, present.Account));
}
