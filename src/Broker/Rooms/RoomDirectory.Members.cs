using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>Who comes into rooms and leaves them. No gate is held while the disk syncs: what is begun at once is written at once
/// (fault R9, ADR 0047).</summary>
internal sealed partial class RoomDirectory
{
    // Invitations that are used up and could not be removed from disk.
    private readonly ConcurrentDictionary<(string Room, string Account), Invitation> _usedUp = new();

    /// <summary>
    /// Puts an account on a room's list, which uses up its invitation. A guest's place in a public room is not stored: it ends with
    /// the guest.
    /// </summary>
    /// <param name="byItself">The account comes by itself, which it may into a public room, its own, and one that it is invited
    /// into.</param>
    public async Task JoinAsync(Room room, Account account, bool byItself = false)
    {
        await positions.LoadAsync(account);
        await room.OpenAsync();
        using var turn = await _turns.EnterAsync(account.Id);
        Task begun;
        using (await /* guard: who comes waits for who changes the room */ room.Turns.ShareAsync())
        {
            // Looked at anew in this turn: the room may have become private, or the account been erased, since the caller looked.
            if (room.IsMember(account.Id)
                || room.IsDeleted
                || account.IsErased
                || (byItself && /* guard: who comes into a room is looked at again */ !RoomPolicy.MayEnter(room, account, IsInvited(room, account))))
            {
                return;
            }

            var isOwner = room.OwnerId == account.Id;
            var record = MembershipRecord.Begin(isOwner ? MemberRole.Owner : MemberRole.Member, time.GetUtcNow());
            Membership membership = new(record, isStored: !account.IsGuest || room.Record.IsPrivate);
            if (membership.IsStored)
            {
                await memberships.PutAsync(room.Key, account.Id, isOwner ? AwayOwner : null, membership.Record);
            }

            // After the place is on disk: a crash in between leaves an invitation of somebody who is in, which the next start removes.
            await UseUpAsync(room.Key, account.Id);
            Index(room, account.Id, membership);
            begun = positions.BeginAsync(account, room);
        }

        await begun;
        clients.Place(account.Id, room, replay: true);
        kept.RoomJoined(account.Id, room);
    }

    /// <summary>
    /// Takes an account off a room's list. When it completes, none of the account's clients hears the room, and nothing that the
    /// account said there is still to be
    /// stored. Whoever is just coming in is in first, and then taken off.
    /// </summary>
    /// <param name="byItself">The account leaves; else somebody takes it off, and it is told so.</param>
    /// <param name="by">Whose right it is looked at again; null: that was decided elsewhere.</param>
    public async Task<RoomChange> LeaveAsync(Room room, Account account, bool byItself = false, Account? by = null)
    {
        using var turn = await /* guard: who is put out waits for his coming in */ _turns.EnterAsync(account.Id);
        Task forgotten;
        using (await room.Turns.ShareAsync())
        {
            if (room.MembershipOf(account.Id) is not { } membership)
            {
                return RoomChange.NotFound;
            }

            if (by is not null && !RoomPolicy.MayRemove(room, by, account))
            {
                return RoomChange.NotAllowed;
            }

            clients.Removed(account.Id, room);
            await RemoveStoredAsync(room, account.Id, membership);
            Unindex(room, account.Id);
            unread.Lost(room, account.Id, byItself ? RoomLoss.Left : RoomLoss.Removed);
            forgotten = positions.ForgetAsync(account, room);
        }

        // guard: a removed member leaves its place
        clients.Place(account.Id, room, replay: false);
        await /* guard: a kick is answered when what has a number is on disk */ log.SettleAsync();
        await kept.RoomLostAsync(account.Id, room);
        await forgotten;
        return RoomChange.Done;
    }

    // Its owner keeps a room when he leaves the list.
    private static MembershipRecord AwayOwner { get; } = new(MemberRole.Owner, IsListed: false, null, null, 0);

    private async Task RemoveStoredAsync(Room room, string accountId, Membership membership)
    {
        // First: it would let him in again after the next start.
        if (_usedUp.TryGetValue((room.Key, accountId), out var usedUp))
        {
            await store.RemoveInvitationsAsync([usedUp]);
            _usedUp.TryRemove((room.Key, accountId), out _);
        }

        if (!membership.IsStored)
        {
            return;
        }

        if (membership.Role == MemberRole.Owner)
        {
            await memberships.PutAsync(room.Key, accountId, membership.Record, AwayOwner);
        }
        else
        {
            await memberships.RemoveAsync(room.Key, accountId, membership.Record);
        }
    }

    private async Task UseUpAsync(string room, string accountId)
    {
        if (_invitations.Find(room, accountId) is not { } usedUp)
        {
            return;
        }

        _usedUp[(room, accountId)] = usedUp;
        _invitations.Remove(room, accountId);
        if (await WithoutStoppingAsync(() => store.RemoveInvitationsAsync([usedUp])))
        {
            _usedUp.TryRemove((room, accountId), out _);
        }
    }

    /// <returns>Accounts that are stored to be in rooms, and are not there any more.</returns>
    private async Task<HashSet<string>> RestoreMembersAsync(List<FormerRoom> former)
    {
        var ending = former.Where(room => room.IsEnding).Select(room => room.Key).ToHashSet();
        HashSet<string> strangers = [];
        HashSet<string> left = [];
        foreach (var (key, accountId, record) in await memberships.LoadAsync(store))
        {
            if (!_byKey.TryGetValue(key, out var room))
            {
                left.Add(key);
            }
            else if (accounts.Find(accountId) is null)
            {
                strangers.Add(accountId);
                if (record.Role == MemberRole.Owner)
                {
                    room.BelongTo(accountId);
                    Remember(room, accountId);
                }
            }
            else if (record.IsListed)
            {
                Index(room, accountId, new Membership(record, isStored: true));
            }
            else
            {
                room.BelongTo(accountId);
                Remember(room, accountId);
            }
        }

        // The end of a room finds by its places what else its members have of it, and takes them away last.
        foreach (var key in left.Where(key => /* guard: a room's places stay until its end has used them */ !ending.Contains(key)))
        {
            await WithoutStoppingAsync(() => memberships.RemoveRoomAsync(key));
        }

        await RestoreOwnersAsync(strangers);
        return strangers;
    }

    // What version 0.1 has left, and a copy that was made while a room was, name the maker alone.
    private async Task RestoreOwnersAsync(HashSet<string> strangers)
    {
        List<StoredMembership> owners = [];
        foreach (var room in _rooms.Values)
        {
            if (room.OwnerId is not null || room.Record.MakerId is not { } maker)
            {
                continue;
            }

            room.BelongTo(maker);
            Remember(room, maker);
            if (accounts.Find(maker) is null)
            {
                strangers.Add(maker);
                continue;
            }

            var membership = room.MembershipOf(maker);
            var record = membership is null ? AwayOwner : membership.Record with { Role = MemberRole.Owner };
            membership?.Become(record);
            owners.Add(new StoredMembership(room.Key, maker, record));
        }

        await memberships.PutAllAsync(owners);
    }

    private void Index(Room room, string accountId, Membership membership)
    {
        room.AddMember(accountId, membership);
        Remember(room, accountId);
        unread.Joined(room, accountId);
    }

    private void Unindex(Room room, string accountId)
    {
        room.RemoveMember(accountId);
        lock (_gate)
        {
            if (room.OwnerId != accountId && _roomsOfAccount.TryGetValue(accountId, out var rooms) && rooms.Remove(room) && rooms.Count == 0)
            {
                _roomsOfAccount.Remove(accountId);
            }
        }
    }

    private void Remember(Room room, string accountId)
    {
        lock (_gate)
        {
            if (!_roomsOfAccount.TryGetValue(accountId, out var rooms))
            {
                _roomsOfAccount[accountId] = rooms = [];
            }

            rooms.Add(room);
        }
    }
}
