using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// What happens when rooms and accounts end. Two stores hold them: the documents the room; the log its list and what was said. The first
/// write takes the room away and notes that it is ending; the note goes when the rest is gone (fault R13, ADR 0048).
/// </summary>
/// <remarks>
/// The notes are the place that has been come to: each is finished by the same steps, all of which may be done twice.
/// It was just made, is left from an earlier run of the program, or could not be finished because the disk was full
/// (<see cref="EndingWork"/>).
/// </remarks>
internal sealed class RoomEndings(
    RoomDirectory directory,
    RoomStore store,
    MembershipStore memberships,
    ChangedRooms changed,
    RoomInvitations invitations,
    RoomIds ids,
    ChangeTurns turns,
    IEventLog log,
    IReadMarks positions,
    IKeptClients kept,
    IRoomValues values,
    IEnumerable<IRoomRecords> ofRooms,
    IEnumerable<IAccountRecords> ofAccounts,
    IUnreadListeners unread,
    AccountDirectory accounts,
    AccessTokens tokens,
    BrokerSettings settings,
    LeftBehind left,
    AuditPlaces audits,
    ITurns? nodeTurns = null)
{
    // What is noted and not finished: nearly always nothing.
    private readonly ConcurrentDictionary<Ending, byte> _endings = new();
    private int _hasToldOfEndings;

    // By the id of a room: who would finish what another has finished finds the next room of that id.
    private readonly AccountTurns _finishers = AccountTurns.Of(nodeTurns, "ending/");

    public async Task<RoomChange> DeleteAsync(Room room, Account by)
    {
        if (settings.DefaultRooms.Contains(room.Id))
        {
            return RoomPolicy.MayManage(room, by) ? RoomChange.IsDefault : RoomChange.NotAllowed;
        }

        List<string> members;
        using (await turns.OfRoomsAsync())
        {
            using var turn = await room.Turns.BeAloneAsync();
            if (room.IsDeleted || !RoomPolicy.MayManage(room, by))
            {
                return room.IsDeleted ? RoomChange.NotFound : RoomChange.NotAllowed;
            }

            members = await EndAsync(room);
        }

        // There is no event that it could go with. A crash just now leaves it out.
        AuditRecord audit = new(AuditRecord.Destroyed, AuditPerson.Of(by), Changes: null);
        await left.TryAsync(() => audits.WriteAsync(room.Key, audit, by));
        await EndedAsync(room, members);
        return RoomChange.Done;
    }

    /// <summary>Forgets an erased account. Its rooms are handed over; those with nobody but guests in them end with it.</summary>
    public async Task ForgetAsync(Account account)
    {
        directory.CloseInbox(account.Id);
        await TryFinishAsync(new Ending(IsRoom: false, account.Id));
    }

    /// <summary>Goes on with what could not be finished before.</summary>
    public async Task FinishEndingsAsync()
    {
        foreach (var ending in _endings.Keys)
        {
            await TryFinishAsync(ending);
        }
    }

    /// <summary>What an earlier run of the program began and did not end. Before anything is served.</summary>
    /// <param name="isFirst">False: other nodes are at work, and what is ending is theirs to finish while they live.</param>
    public Task RestoreAsync(StoredRooms stored, HashSet<string> strangers, bool isFirst = true)
    {
        foreach (var room in stored.Former)
        {
            ids.Put(room);
        }

        if (!isFirst)
        {
            stored.Former.Where(room => room.IsEnding).ToList().ForEach(Heard);
            return Task.CompletedTask;
        }

        // Also rooms of accounts that version 0.1 erased, which left them to nobody.
        foreach (var account in stored.Erased.Union(strangers))
        {
            _endings[new Ending(IsRoom: false, account)] = default;
        }

        foreach (var room in stored.Former.Where(room => room.IsEnding))
        {
            // guard: the end of a room is finished by the next start
            _endings[new Ending(IsRoom: true, room.Id)] = default;
        }

        return FinishEndingsAsync();
    }

    private async Task TryFinishAsync(Ending ending)
    {
        _endings[ending] = default;
        try
        {
            await (ending.IsRoom ? FinishRoomAsync(ending.Id) : FinishAccountAsync(ending.Id));
            _endings.TryRemove(ending, out _);
            if (_endings.IsEmpty)
            {
                Volatile.Write(ref _hasToldOfEndings, 0);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // Once, not each time that it is tried.
            if (Interlocked.Exchange(ref _hasToldOfEndings, 1) == 0)
            {
                left.Tell(error);
            }
        }
    }

    private async Task FinishAccountAsync(string accountId)
    {
        Exception? failure = null;
        try
        {
            foreach (var records in ofAccounts)
            {
                await records.ForgetAsync(accountId);
            }
        }
        catch (IOException error)
        {
            // The note stays for it. What others see of the account goes now.
            failure = error;
        }

        List<(Room Room, List<string> Members)> ended = [];
        try
        {
            using var turn = await turns.OfAccountAsync(accountId);
            await RemoveAsync(accountId, isAll: failure is null, ended);
        }
        finally
        {
            // They have ended, whatever became of the rest.
            foreach (var (room, members) in ended)
            {
                await EndedAsync(room, members);
            }
        }

        if (failure is not null)
        {
            throw failure;
        }
    }

    // In the turn of the account, which is marked as erased.
    private async Task RemoveAsync(string accountId, bool isAll, List<(Room Room, List<string> Members)> ended)
    {
        await HandOverAsync(accountId, ended);
        await /* guard: the end of an account looks at its own rooms alone */ memberships.RemoveAccountAsync(accountId);
        foreach (var room in directory.RoomsOf(accountId))
        {
            directory.RemoveMember(room, accountId);
        }

        // So that nobody is asked in its name, or an invitation of it is taken back, meanwhile.
        using (await turns.OfRoomsAsync())
        {
            // In memory until they are off the disk: who tries again finds them.
            await store.RemoveAccountAsync(accountId, invitations.OfAccount(accountId), isAll);
            invitations.ForgetAccount(accountId);
        }

        ids.Tries.Forget(accountId);
        invitations.ForgetBudgets(accountId);
    }

    // A room counts for whoever has it; so nobody can leave rooms behind that count for no one (fault S20).
    // Who gives it to whom waits for who was before: nobody gives one to an account that is marked as erased.
    private async Task HandOverAsync(string accountId, List<(Room Room, List<string> Members)> over)
    {
        foreach (var room in directory.RoomsOf(accountId))
        {
            using var turn = await room.Turns.ShareAsync();
        }

        var owned = directory.OwnedBy(accountId);
        if (owned.Count == 0)
        {
            return;
        }

        using var all = await turns.OfRoomsAsync();
        foreach (var room in owned)
        {
            using var turn = await room.Turns.BeAloneAsync();

            // Its owner may have become another before the turn.
            if (!room.IsDeleted && room.OwnerId == accountId && !await TryHandOverAsync(room, accountId))
            {
                over.Add((room, await EndAsync(room)));
            }
        }
    }

    // Alone with the room. False: there is nobody who could have it.
    private async Task<bool> TryHandOverAsync(Room room, string accountId)
    {
        // Moderators before others, and who has been in for longest before all.
        // A place of version 0.1 has no date, and is older than any that has.
        var heir = room.Members
            .Where(one => one.Key != accountId
                && one.Value.IsStored
                && accounts.Find(one.Key) is { IsGuest: false, IsErased: false, Ban: null })
            .OrderByDescending(one => one.Value.Role)
            .ThenBy(one => one.Value.Record.Since ?? DateTimeOffset.MinValue)
            .ThenBy(one => one.Key, StringComparer.Ordinal)
            .FirstOrDefault();
        if (heir.Value is { } membership)
        {
            var record = membership.Record with { Role = MemberRole.Owner };
            await memberships.HandOverAsync(room.Key, accountId, heir.Key, membership.Record, record);
            membership.Become(record);
            room.Restraints.Become(heir.Key, null);
        }
        else if (!settings.DefaultRooms.Contains(room.Id))
        {
            return false;
        }
        else
        {
            // Or the next start would look for an heir again.
            var record = room.Record with { MakerId = null, Revision = room.Record.Revision + 1 };
            await changed.PutAsync(record);
            await left.TryAsync(() => store.SaveAsync(record));
            room.Become(record);
        }

        room.BelongTo(/* guard: an erased account's rooms are handed over */ heir.Key);
        directory.RemoveMember(room, accountId);
        return true;
    }

    // In the turn of all rooms, alone with this one. From here on it is gone for everybody.
    // What was said in it is removed by FinishRoomAsync.
    private async Task<List<string>> EndAsync(Room room)
    {
        FormerRoom former = new(room.Id.Value, room.Key, room.OwnerId, IsEnding: true);
        await store.DeleteAsync(former);
        return Gone(room, former);
    }

    /// <summary>Another node has taken the room away. Memory alone: what is left of it is that node's to remove.</summary>
    public void HeardGone(Room room)
    {
        Gone(room, new FormerRoom(room.Id.Value, room.Key, room.OwnerId, IsEnding: true));
        audits.Forget(room.Key);
    }

    /// <summary>Another node has noted what stays of a room.</summary>
    public void Heard(FormerRoom former)
    {
        ids.Put(former);
        if (former.IsEnding)
        {
            // Should that node die, this one finishes it.
            _endings[new Ending(IsRoom: true, former.Id)] = default;
        }
        else
        {
            _endings.TryRemove(new Ending(IsRoom: true, former.Id), out _);
        }
    }

    // Memory as the disk is by then.
    private List<string> Gone(Room room, FormerRoom former)
    {
        var members = room.MemberIds.ToList();
        ids.Put(former);
        directory.Remove(room);
        room.Delete();
        invitations.ForgetRoom(former.Key);
        _endings[new Ending(IsRoom: true, former.Id)] = default;
        positions.Ended(room, members);
        room.BelongTo(null);
        foreach (var member in former.OwnerId is { } owner ? members.Append(owner) : members)
        {
            directory.RemoveMember(room, member);
        }

        members.ForEach(member => unread.Lost(room, member, RoomLoss.Deleted));
        return members;
    }

    private async Task EndedAsync(Room room, List<string> members)
    {
        try
        {
            await Task.WhenAll(members.Select(member => kept.RoomLostAsync(member, room)));
        }
        catch (IOException)
        {
            // A place in a log that is gone, of which nothing comes any more. It goes with the client's next.
        }

        await TryFinishAsync(new Ending(IsRoom: true, room.Id.Value));
    }

    /// <summary>Removes what is left of a room that was deleted; nothing, if somebody else has.</summary>
    /// <exception cref="IOException">It could not all be removed.</exception>
    public async Task FinishRoomAsync(string id)
    {
        using var finisher = await _finishers.EnterAsync(id);

        // Somebody else may have finished it, and a room of this id be there again, which tokens name.
        if (ids.FormerOf(id) is not { IsEnding: true } former)
        {
            return;
        }

        // Before the turn of rooms: the gate of accounts is never taken in it.
        // guard: tokens that name a deleted room
        await tokens.ForgetRoomAsync(id);
        using var turn = await turns.OfRoomsAsync();

        await log.DropAsync(LogName.OfRoom(former.Key));
        await /* guard: values of a deleted room */ values.ForgetAsync(former.Key);
        foreach (var records in ofRooms)
        {
            await /* guard: hooks of a deleted room */ records.ForgetRoomAsync(former.Key);
        }

        // Read from the places, which therefore go after them.
        await positions.ForgetAsync(LogName.OfRoom(former.Key), memberships.AccountsOf(former.Key));
        await memberships.RemoveRoomAsync(former.Key);
        await changed.ForgetAsync(former.Key);
        var ended = former with { IsEnding = false };
        await store.EndedAsync(ended);
        ids.Put(ended);
    }

    /// <summary>A room (by its id) or an account of which something is left.</summary>
    private readonly record struct Ending(bool IsRoom, string Id);
}
