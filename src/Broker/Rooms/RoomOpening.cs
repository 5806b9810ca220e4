using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Rooms;

/// <summary>Reads rooms, lists and invitations at start, goes on with what an earlier run has left, and makes the rooms that the
/// settings name.</summary>
internal sealed class RoomOpening(
    RoomDirectory directory,
    RoomStore store,
    MembershipStore memberships,
    ChangedRooms changed,
    RestraintStore restraints,
    AddressBans addresses,
    RoomMaking making,
    RoomInvitations invitations,
    RoomEndings endings,
    AccountDirectory accounts,
    LeftBehind left,
    BrokerSettings settings)
{
    /// <summary>Before anything is served.</summary>
    /// <param name="isFirst">False: other nodes serve the house. Then nothing is tidied up: what seems to be left over may be what one of
    /// them is just writing.</param>
    /// <exception cref="IOException">It cannot be read, or a room that the settings name cannot be stored.</exception>
    public async Task OpenAsync(bool isFirst = true)
    {
        var stored = await store.LoadAsync();
        foreach (var record in await changed.BringUpAsync(stored.Rooms, store, isFirst))
        {
            directory.Enter(directory.Build(record));
        }

        var strangers = await RestoreMembersAsync(stored.Former, isFirst);
        await RestoreOwnersAsync(strangers, isFirst);
        await restraints.RestoreAsync(isFirst);
        await addresses.RestoreAsync(isFirst);
        await invitations.RestoreAsync(stored, isFirst);
        await endings.RestoreAsync(stored, strangers, isFirst);
        foreach (var id in settings.DefaultRooms)
        {
            if (directory.Find(id.Value) is null)
            {
                await making.CreateDefaultAsync(id);
            }
        }
    }

    /// <returns>Accounts that are stored to be in rooms, and are not there any more.</returns>
    private async Task<HashSet<string>> RestoreMembersAsync(List<FormerRoom> former, bool isFirst)
    {
        var ending = former.Where(room => room.IsEnding).Select(room => room.Key).ToHashSet();
        HashSet<string> strangers = [];
        HashSet<string> over = [];
        if (isFirst)
        {
            await memberships.OpenAsync(store);
        }

        var lastId = "";
        Account? account = null;
        await foreach (var (key, id, record) in memberships.AllAsync(directory.KeyOf))
        {
            if (directory.FindByKey(key) is not { } room)
            {
                over.Add(key);
                continue;
            }

            if (id != lastId)
            {
                (lastId, account) = (id, accounts.Find(id));
            }

            if (account is null)
            {
                strangers.Add(id);
            }

            if (account is not null && record.IsListed)
            {
                // With the string that the account has: the stored one would be another for each place.
                directory.AddMember(room, account.Id, new Membership(record, isStored: true));
            }
            else if (record.Role == MemberRole.Owner)
            {
                directory.BelongTo(room, account?.Id ?? id);
            }
        }

        // The end of a room finds by its places what else its members have of it, and takes them away last.
        foreach (var key in over.Where(key => isFirst && /* guard: a room's places stay until its end has used them */ !ending.Contains(key)))
        {
            await left.TryAsync(() => memberships.RemoveRoomAsync(key));
        }

        return strangers;
    }

    // What version 0.1 has left, and a copy that was made while a room was, name the maker alone.
    private async Task RestoreOwnersAsync(HashSet<string> strangers, bool isFirst)
    {
        List<StoredMembership> owners = [];
        foreach (var room in directory.All)
        {
            if (room.OwnerId is not null || room.Record.MakerId is not { } maker)
            {
                continue;
            }

            directory.BelongTo(room, maker);
            if (accounts.Find(maker) is null)
            {
                strangers.Add(maker);
                continue;
            }

            var membership = room.MembershipOf(maker);
            var record = membership is null ? MembershipRecord.AwayOwner : membership.Record with { Role = MemberRole.Owner };
            membership?.Become(record);
            owners.Add(new StoredMembership(room.Key, maker, record));
        }

        if (isFirst)
        {
            await memberships.PutAllAsync(owners);
        }
    }
}
