using WebMessenger.Broker.Settings;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Who is asked into which room: all invitations of the last 30 days, in memory, read once at start.
/// What is stored of them is <see cref="RoomInvitations"/>'.
/// </summary>
/// <remarks>Thread-safe; <c>_gate</c> is a leaf lock.</remarks>
internal sealed class Invitations(BrokerLimits limits, TimeProvider time)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<string, Dictionary<string, Invitation>> _ofAccount = [];

    /// <summary>The invitation of an account into a room, declined or not; null: there is none, or its time is over.</summary>
    public Invitation? Find(string room, string accountId)
    {
        lock (_gate)
        {
            return _ofAccount.TryGetValue(accountId, out var rooms) && rooms.TryGetValue(room, out var found) && IsCurrent(found)
                ? found
                : null;
        }
    }

    /// <summary>The invitations that the account has not answered, the newest first.</summary>
    public Invitation[] OpenOf(string accountId)
    {
        lock (_gate)
        {
            return _ofAccount.TryGetValue(accountId, out var rooms)
                ? [.. rooms.Values.Where(IsOpen).OrderByDescending(one => one.At).ThenBy(one => one.Room, StringComparer.Ordinal)]
                : [];
        }
    }

    /// <summary>Whether one more may be added: who is asked has room for it, and has not answered one into this room.</summary>
    public bool MayAdd(string room, string accountId)
    {
        lock (_gate)
        {
            return !_ofAccount.TryGetValue(accountId, out var rooms)
                || ((/* guard: an invitation that was declined */ !(rooms.TryGetValue(room, out var found) && IsCurrent(found)))
                    && (limits.OpenInvitations == 0
                        || /* guard: open invitations of an account */ rooms.Values.Count(IsOpen) < limits.OpenInvitations));
        }
    }

    /// <summary>Adds one, or puts another in the place of that of this account into this room.</summary>
    public void Put(Invitation invitation)
    {
        lock (_gate)
        {
            if (!_ofAccount.TryGetValue(invitation.Account, out var rooms))
            {
                _ofAccount[invitation.Account] = rooms = [];
            }

            foreach (var over in rooms.Values.Where(IsOver).ToList())
            {
                rooms.Remove(over.Room);
            }

            rooms[invitation.Room] = invitation;
        }
    }

    public void Remove(string room, string accountId)
    {
        lock (_gate)
        {
            if (_ofAccount.TryGetValue(accountId, out var rooms) && rooms.Remove(room) && rooms.Count == 0)
            {
                _ofAccount.Remove(accountId);
            }
        }
    }

    /// <summary>Forgets those that the condition holds for: a room or an account has ended.</summary>
    public void RemoveAll(Func<Invitation, bool> isOver)
    {
        lock (_gate)
        {
            foreach (var one in Where(isOver))
            {
                _ofAccount[one.Account].Remove(one.Room);
                if (_ofAccount[one.Account].Count == 0)
                {
                    _ofAccount.Remove(one.Account);
                }
            }
        }
    }

    public List<Invitation> Where(Func<Invitation, bool> condition)
    {
        lock (_gate)
        {
            return [.. _ofAccount.Values.SelectMany(rooms => rooms.Values).Where(condition)];
        }
    }

    /// <summary>Its time is over: it says nothing any more and may be removed.</summary>
    public bool IsOver(Invitation invitation) => !IsCurrent(invitation);

    private bool IsOpen(Invitation invitation) => !invitation.IsDeclined && IsCurrent(invitation);

    private bool IsCurrent(Invitation invitation) => time.GetUtcNow() - invitation.At < Lifetime;
}
