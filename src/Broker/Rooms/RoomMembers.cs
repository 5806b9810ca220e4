using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Who comes into rooms and leaves them. No gate is held while the disk syncs: what is begun at once is written at once
/// (fault R9, ADR 0047).
/// </summary>
internal sealed class RoomMembers(
    RoomDirectory directory,
    MembershipStore memberships,
    RoomInvitations invitations,
    ChangeTurns turns,
    IEventLog log,
    IReadMarks positions,
    IUnreadListeners unread,
    IRoomClients clients,
    IKeptClients kept,
    NotifyLevels levels,
    DiskSpace space,
    AuditPlaces audits,
    IRecords records,
    TimeProvider time,
    IReplication? replication = null)
{
    /// <summary>The disk is nearly full: nobody is put on a list.</summary>
    public bool TakesNobody => space.IsLow;

    /// <summary>
    /// Puts an account on a room's list, which uses up its invitation. Alone, a guest's place in a public room is not stored: it ends with
    /// the guest.
    /// </summary>
    /// <param name="byItself">The account comes by itself, which it may into a public room, its own, and one that it is invited
    /// into.</param>
    /// <param name="pass">Asked in the turn for what the account comes by; it gives null when that does not hold any more, and nobody is
    /// put on the list then. Null: it comes by nothing else.</param>
    /// <returns>Whether it was put on the list. False: it is on it, or is not let in.</returns>
    public async Task<bool> JoinAsync(Room room, Account account, bool byItself = false, Func<InvitePass?>? pass = null)
    {
        await positions.LoadAsync(account);
        await room.OpenAsync();
        using var turn = await turns.OfAccountAsync(account.Id);
        Task begun;
        using (await /* guard: who comes waits for who changes the room */ room.Turns.ShareAsync())
        {
            // Looked at anew in this turn: the room may have become private, or the account been erased, since the caller looked.
            if (room.IsMember(account.Id) || room.IsDeleted || account.IsErased)
            {
                return false;
            }

            var shown = pass?.Invoke();
            var isInvited = invitations.IsInvited(room, account);
            if ((/* guard: an invite link is looked at again in the turn */ pass is not null && shown is null)
                || (byItself
                    && (/* guard: who comes into a room is looked at again */ !RoomPolicy.MayEnter(room, account, isInvited, hasLink: shown is not null)
                        || (/* guard: nobody comes into a full room */ room.IsFullFor(account))
                        || (!isInvited && AddressBans.WhyNot(room, account) is not null)
                        || !RoomPolicy.LetsGuestIn(room, account, isInvited))))
            {
                return false;
            }

            var isOwner = room.OwnerId == account.Id;
            var record = MembershipRecord.Begin(isOwner ? MemberRole.Owner : MemberRole.Member, time.GetUtcNow());
            Membership membership = new(record, isStored: IsStored(room, account));
            var before = isOwner ? MembershipRecord.AwayOwner : null;
            var restraint = room.Restraints.BytesOf(account.Id);
            try
            {
                await (membership.IsStored
                    ? memberships.EnterAsync(room.Key, account.Id, before, membership.Record, restraint, shown)
                    : memberships.EnterUnstoredAsync(room.Key, account.Id, restraint, shown));
            }
            catch
            {
                // guard: a guest who did not come in does not count
                room.Guard.ForgetGuest(account.Id);
                throw;
            }

            // After the place is on disk: a crash in between leaves an invitation of somebody who is in, which the next start removes.
            await invitations.UseUpAsync(room.Key, account.Id);
            directory.AddMember(room, account.Id, membership);
            room.AddressBans.Stays?.Note(account, room.IsMember);
            begun = positions.BeginAsync(account, room);
        }

        await begun;
        clients.Place(account.Id, room, replay: true);
        kept.RoomJoined(account.Id, room);
        return true;
    }

    /// <summary>
    /// Why an account that wanted to come in by itself is not on the list: it is banned, the room is full, or it is not for it.
    /// </summary>
    public PublishRefusal WhyNotIn(Room room, Account account)
    {
        var isInvited = invitations.IsInvited(room, account);
        return WhyKeptOut(room, account)
            ?? (!RoomPolicy.MayEnter(room, account, isInvited) ? PublishRefusal.NoSuchRoom
            : room.IsFullFor(account) ? TalkRefusals.RoomFull
            : WhyGuestsWait(room, account) ?? PublishRefusal.NoSuchRoom);
    }

    /// <summary>Null: nothing that somebody did keeps the account out: no ban, also by address, no kick of just now, no quiet.</summary>
    /// <param name="hasLink">By an invite link that holds.</param>
    public PublishRefusal? WhyKeptOut(Room room, Account account, bool hasLink = false)
    {
        var isInvited = invitations.IsInvited(room, account);
        return RoomPolicy.WhyKeptOut(room, account, isInvited, hasLink)
            ?? (isInvited || room.IsMember(account.Id) ? null : AddressBans.WhyNot(room, account));
    }

    /// <summary>Why a guest whom all else lets in is not; null: that is none, or as many guests come in as want to.</summary>
    public static PublishRefusal? WhyGuestsWait(Room room, Account account) =>
        account.IsGuest && room.Record.Policy.Guard.GuestsPerMinute is > 0 and var most
            ? TalkRefusals.TooManyGuests(room.Guard.GuestsWait(most)) : null;

    /// <summary>
    /// Takes an account off a room's list. When it completes, none of the account's clients hears the room, and nothing that the
    /// account said there is still to be stored. Whoever is just coming in is in first, and then taken off.
    /// </summary>
    /// <param name="byItself">The account leaves; else somebody takes it off, and it is told so.</param>
    /// <param name="by">Whose right it is looked at again, and who is noted as having done it; null: that was decided elsewhere.</param>
    public async Task<RoomChange> LeaveAsync(Room room, Account account, bool byItself = false, Account? by = null)
    {
        using var turn = await /* guard: who is put out waits for his coming in */ turns.OfAccountAsync(account.Id);
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

            if (/* guard: who is muted takes nobody off the list */ by is not null && RoomPolicy.WhyMuted(room, by) is not null)
            {
                return RoomChange.Muted;
            }

            if (/* guard: the owner of a private room stays, looked at again */ room.Record.IsPrivate && room.OwnerId == account.Id)
            {
                return RoomChange.OwnerStays;
            }

            await (by is null
                ? RemoveStoredAsync(room, account.Id, membership, [])
                : audits.WriteAsync(room.Key, EntryOf(by, account), by, async entry =>
                {
                    await RemoveStoredAsync(room, account.Id, membership, [entry]);
                    return true;
                }));
            directory.RemoveMember(room, account.Id);
            forgotten = Lost(room, account, byItself ? RoomLoss.Left : RoomLoss.Removed);
        }

        await SettleAsync(room, account, forgotten);
        return RoomChange.Done;
    }

    /// <summary>
    /// What an act has in the batch of its event to take an account off the list: the same as <see cref="LeaveAsync"/> writes alone.
    /// In the turns of the account and of the room.
    /// </summary>
    public async Task<RecordChange[]> RemovalOfAsync(Room room, Account account, Membership membership)
    {
        await PrepareAsync(room, account.Id);
        var place = membership.IsStored
            ? MembershipStore.ChangesOf(room.Key, account.Id, membership.Role == MemberRole.Owner ? MembershipRecord.AwayOwner : null) : [];
        return [.. place, .. positions.RemovalsOf(account.Id, room.Log)];
    }

    /// <summary>It is off the list: its listeners and positions. In the turns of the account and of the room.</summary>
    /// <returns>Completes when its positions are forgotten: for <see cref="SettleAsync"/>.</returns>
    public Task Lost(Room room, Account account, RoomLoss loss)
    {
        room.AddressBans.Stays?.Note(account, room.IsMember);
        unread.Lost(room, account.Id, loss);
        return positions.ForgetAsync(account, room);
    }

    /// <summary>
    /// When it completes, none of the clients of an account that is off the list hears the room. In the turn of the account alone.
    /// </summary>
    public async Task SettleAsync(Room room, Account account, Task forgotten)
    {
        // guard: a removed member leaves its place
        clients.Place(account.Id, room, replay: false);
        await /* guard: a kick is answered when what has a number is on disk */ log.SettleAsync();
        await kept.RoomLostAsync(account.Id, room);
        await forgotten;
    }

    /// <summary>What of a room the account wants to be called for. False: it does not hear the room.</summary>
    /// <exception cref="RecordsNotWrittenException">It could not be stored.</exception>
    public async Task<bool> SetLevelAsync(Room room, Account account, NotifyLevel level)
    {
        using var turn = await /* guard: who leaves takes his level along */ turns.OfAccountAsync(account.Id);
        if (!RoomPolicy.MayHear(room, account) || account.IsErased)
        {
            return false;
        }

        await levels.SetAsync(account.Id, room.Log, level);
        return true;
    }

    /// <summary>Nobody waits for an account that was signed out when its last client had gone a moment before.</summary>
    public void SignedOut(Account account)
    {
        if (clients.IsConnected(account.Id))
        {
            return;
        }

        foreach (var room in directory.RoomsOf(account.Id))
        {
            room.EndGrace(account.Id);
        }
    }

    /// <summary>Shows an account under its new names; filters on its old inbox end.</summary>
    public void Renamed(Account account, string oldUserName)
    {
        foreach (var room in directory.RoomsOf(account.Id))
        {
            room.Rename(account);
        }

        if (oldUserName != account.UserName)
        {
            clients.InboxRenamed(account.Id, oldUserName);
        }
    }

    // Also a guest's in a public room, where other nodes have to know of it: it goes with the guest's account.
    private bool IsStored(Room room, Account account) => !account.IsGuest || room.Record.IsPrivate || replication is { IsAlone: false };

    private Task PrepareAsync(Room room, string accountId)
    {
        clients.Removed(accountId, room);

        // First: it would let him in again after the next start.
        return invitations.RemoveUsedUpAsync(room.Key, accountId);
    }

    // As a kick says it, without an event.
    private static AuditRecord EntryOf(Account by, Account whom) => new(AuditRecord.Removed, AuditPerson.Of(by), AuditPerson.Of(whom));

    /// <param name="entry">What is kept of who takes the account off the list; empty: it leaves.</param>
    private async Task RemoveStoredAsync(Room room, string accountId, Membership membership, RecordChange[] entry)
    {
        await PrepareAsync(room, accountId);
        if (!membership.IsStored)
        {
            // A guest's place is in memory, but what it wants to be called for is not.
            if (levels.Of(accountId, room.Log) != NotifyLevel.All)
            {
                await levels.SetAsync(accountId, room.Log, NotifyLevel.All);
            }

            if (entry.Length > 0)
            {
                await records.WriteAsync(entry);
            }

            return;
        }

        // In the same write: after a crash nothing would say that they are still there.
        RecordChange[] beside = [.. positions.RemovalsOf(accountId, room.Log), .. entry];
        if (membership.Role == MemberRole.Owner)
        {
            await memberships.PutAsync(room.Key, accountId, membership.Record, MembershipRecord.AwayOwner, beside);
        }
        else
        {
            await memberships.RemoveAsync(room.Key, accountId, membership.Record, beside);
        }
    }
}
