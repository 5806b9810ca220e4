using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// What happens when rooms and accounts end. Two stores hold them: the documents the room and its list; the log what was said. The first
/// write takes the room away and notes that it is ending; the note goes when the rest is gone (fault R13, ADR 0048).
/// </summary>
/// <remarks>
/// The notes are the place that has been come to: each is finished by the same steps, all of which may be done twice, whether it was just made, is left from an
/// earlier run of the program, or could not be finished because the disk was full (<see cref="EndingWork"/>).
/// </remarks>
internal sealed partial class RoomDirectory
{
    private readonly ConcurrentDictionary<string, FormerRoom> _former = new();

    // What is noted and not finished, nearly always nothing; and whether it is left from an earlier run, of which the lists in memory know nothing.
    private readonly ConcurrentDictionary<Ending, bool> _endings = new();
    private int _hasToldOfEndings;

    public async Task<RoomChange> DeleteAsync(Room room, Account by)
    {
        if (settings.DefaultRooms.Contains(room.Id))
        {
            return MayManage(room, by) ? RoomChange.IsDefault : RoomChange.NotAllowed;
        }

        List<string> members;
        await _changes.WaitAsync();
        try
        {
            if (room.IsDeleted || !MayManage(room, by))
            {
                return room.IsDeleted ? RoomChange.NotFound : RoomChange.NotAllowed;
            }

            members = await EndAsync(room);
        }
        finally
        {
            _changes.Release();
        }

        await EndedAsync(room, members);
        return RoomChange.Done;
    }

    /// <summary>Forgets an erased account. Its rooms are handed over; those with nobody but guests in them end with it.</summary>
    public async Task ForgetAsync(Account account)
    {
        // Whoever still holds the inbox appends nothing to it from here on, so its end in the log is the end.
        if (_inboxes.TryRemove(account.Id, out var inbox))
        {
            inbox.Close();
        }

        await TryFinishAsync(new Ending(IsRoom: false, account.Id), isOld: false);
    }

    /// <summary>Goes on with what could not be finished before.</summary>
    public async Task FinishEndingsAsync()
    {
        foreach (var (ending, isOld) in _endings)
        {
            await TryFinishAsync(ending, isOld);
        }
    }

    /// <summary>What an earlier run of the program began and did not end. Before anything is served.</summary>
    private Task FinishEndingsAsync(StoredRooms stored)
    {
        foreach (var room in stored.Former)
        {
            _former[room.Id] = room;
        }

        // Also rooms of accounts that version 0.1 erased, which left them to nobody.
        var ownerless = _rooms.Values.Where(room => room.Record.OwnerId is { } owner && accounts.Find(owner) is null).Select(room => room.Record.OwnerId!);
        foreach (var account in stored.Erased.Union(ownerless))
        {
            _endings[new Ending(IsRoom: false, account)] = true;
        }

        foreach (var room in stored.Former.Where(room => room.IsEnding))
        {
            // guard: the end of a room is finished by the next start
            _endings[new Ending(IsRoom: true, room.Id)] = true;
        }

        return FinishEndingsAsync();
    }

    private async Task TryFinishAsync(Ending ending, bool isOld)
    {
        _endings[ending] = isOld;
        try
        {
            await (ending.IsRoom ? FinishRoomAsync(ending.Id) : FinishAccountAsync(ending.Id, isOld));
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
                LogLeftBehind(logger, error.Message);
            }
        }
    }

    private async Task FinishAccountAsync(string accountId, bool isOld)
    {
        Exception? failure = null;
        try
        {
            await log.DropAsync(LogName.OfAccount(accountId));
            await positions.ForgetAsync(accountId);
            await kept.AccountLostAsync(accountId);
        }
        catch (IOException error)
        {
            // The note stays for it. What others see of the account goes now.
            failure = error;
        }

        List<(Room Room, List<string> Members)> ended;
        await _changes.WaitAsync();
        try
        {
            ended = await RemoveAsync(accountId, isAll: failure is null, isOld);
        }
        finally
        {
            _changes.Release();
        }

        foreach (var (room, members) in ended)
        {
            await EndedAsync(room, members);
        }

        if (failure is not null)
        {
            throw failure;
        }
    }

    /// <summary>Only its maker and administrators take the id of a deleted room again: links, filters and bots of others still name it (fault S17).</summary>
    private static bool MayTake(FormerRoom former, Account account) => former.OwnerId == account.Id || account.Profile.IsAdministrator;

    // Under _changes. The rooms that ended by it, and who was in them.
    private async Task<List<(Room Room, List<string> Members)>> RemoveAsync(string accountId, bool isAll, bool isOld)
    {
        var (handedOver, over) = await HandOverAsync(accountId);
        await store.RemoveAccountAsync(accountId, isOld ? null : [.. RoomsOf(accountId).Select(room => room.Key)], handedOver, isAll);
        _tries.Forget(accountId);
        _asks.Forget(accountId);
        _withdrawals.Forget(accountId);
        _invitations.RemoveAll(one => one.Account == accountId || one.By == accountId);
        foreach (var room in RoomsOf(accountId))
        {
            room.RemoveMember(accountId);
            lock (_gate)
            {
                Unindex(room, accountId);
            }
        }

        foreach (var record in handedOver)
        {
            _rooms[record.Id.Value].Change(record);
        }

        List<(Room, List<string>)> ended = [];
        foreach (var room in over)
        {
            ended.Add((room, await EndAsync(room)));
        }

        return ended;
    }

    // Under _changes. A room counts for whoever has it; so nobody can leave rooms behind that count for no one (fault S20).
    private async Task<(List<RoomRecord> HandedOver, List<Room> Over)> HandOverAsync(string accountId)
    {
        List<RoomRecord> handedOver = [];
        List<Room> over = [];
        foreach (var room in _rooms.Values.Where(room => room.Record.OwnerId == accountId))
        {
            var heir = (await store.LongestMembersAsync(room.Key)).Find(member =>
                member != accountId && room.IsMember(member) && accounts.Find(member) is { IsGuest: false, IsErased: false, Ban: null });
            if (heir is not null || settings.DefaultRooms.Contains(room.Id))
            {
                handedOver.Add(room.Record with { OwnerId = /* guard: an erased account's rooms are handed over */ heir });
            }
            else
            {
                over.Add(room);
            }
        }

        return (handedOver, over);
    }

    // Under _changes. From here on the room is gone for everybody; what was said in it is removed by FinishAsync.
    private async Task<List<string>> EndAsync(Room room)
    {
        FormerRoom former = new(room.Id.Value, room.Key, room.Record.OwnerId, IsEnding: true);
        await store.DeleteAsync(former);
        var members = room.MemberIds.ToList();
        _former[former.Id] = former;
        _rooms.TryRemove(room.Id.Value, out _);
        _byKey.TryRemove(room.Key, out _);
        room.Delete();
        _invitations.RemoveAll(one => one.Room == former.Key);
        _endings[new Ending(IsRoom: true, former.Id)] = false;
        positions.Ended(room, members);
        lock (_gate)
        {
            foreach (var member in members)
            {
                Unindex(room, member);
            }
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

        await TryFinishAsync(new Ending(IsRoom: true, room.Id.Value), isOld: false);
    }

    // The tokens first, outside the gate: the gate of accounts is never taken under it.
    private async Task FinishRoomAsync(string id)
    {
        // guard: tokens that name a deleted room
        await tokens.ForgetRoomAsync(id);
        await _changes.WaitAsync();
        try
        {
            // Somebody else may have finished it, and a room of this id be there again.
            if (_former.TryGetValue(id, out var former) && former.IsEnding)
            {
                await log.DropAsync(LogName.OfRoom(former.Key));
                await positions.ForgetAsync(LogName.OfRoom(former.Key), await store.LongestMembersAsync(former.Key));
                var ended = former with { IsEnding = false };
                await store.EndedAsync(ended);
                _former[id] = ended;
            }
        }
        finally
        {
            _changes.Release();
        }
    }

    [LoggerMessage(4270, LogLevel.Warning, "What is left of deleted rooms or erased accounts could not all be removed. It is noted, and tried again every five seconds: {Reason}")]
    private static partial void LogLeftBehind(ILogger logger, string reason);

    /// <summary>A room (by its id) or an account of which something is left.</summary>
    private readonly record struct Ending(bool IsRoom, string Id);
}
