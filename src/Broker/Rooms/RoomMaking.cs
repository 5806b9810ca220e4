using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Rooms;

/// <summary>Makes rooms: on disk first, then in the directory, then for the maker's clients.</summary>
internal sealed class RoomMaking(
    RoomDirectory directory,
    RoomStore store,
    MembershipStore memberships,
    RoomIds ids,
    RoomEndings endings,
    ChangeTurns turns,
    IReadMarks positions,
    IRoomClients clients,
    IKeptClients kept,
    BrokerLimits limits,
    TimeProvider time,
    IReplication? replication = null)
{
    // Another node may be quicker, but not each time.
    private const int TriesToMake = 32;

    /// <summary>
    /// Makes a room. Whether its id is taken is told to who may make one more, and costs a try, so that nobody goes through the
    /// private ones (fault S8).
    /// </summary>
    /// <param name="by">The login session that asks; null: nobody's.</param>
    /// <exception cref="IOException">It, or the end of the room that had the id before, could not be stored.</exception>
    public Task<RoomChange> CreateAsync(
        RoomId id, string title, string topic, bool isPrivate, Account owner, LoginSession? by = null, RoomTags? tags = null) => CreateAsync(
            new RoomRecord(RoomStore.NewKey(), id, title, topic, PolicyFields.Of(isPrivate), owner.Id, time.GetUtcNow()) { Tags = tags ?? RoomTags.None },
            owner,
            by);

    /// <summary>The same of a room whose key is new, and whose log may have something in it by now.</summary>
    /// <exception cref="IOException">It, or the end of the room that had the id before, could not be stored.</exception>
    public async Task<RoomChange> CreateAsync(RoomRecord record, Account owner, LoginSession? by = null)
    {
        var id = record.Id;
        if (ids.FormerOf(id.Value) is { IsEnding: true } ending && RoomIds.MayTake(ending, owner))
        {
            await endings.FinishRoomAsync(id.Value);
        }

        await positions.LoadAsync(owner);
        using var turn = await turns.OfAccountAsync(owner.Id);
        using var all = await turns.OfRoomsAsync();
        if (owner.IsErased || /* guard: no room for who was signed out meanwhile */ by is { IsRevoked: true })
        {
            return RoomChange.NotAllowed;
        }

        if (limits.RoomsPerAccount is > 0 and var limit && directory.OwnedBy(owner.Id).Count >= limit)
        {
            return RoomChange.TooMany;
        }

        // Kept also when the room cannot be stored, by which its id is told to be free: while the disk fails ids would cost nothing.
        if (/* guard: room ids that are tried */ !ids.Tries.TryTake(owner.Id))
        {
            return RoomChange.TriedTooOften;
        }

        if (directory.Find(id.Value) is not null
            || (ids.FormerOf(id.Value) is { } former
                && (former.IsEnding || /* guard: the id of a deleted room */ !RoomIds.MayTake(former, owner))))
        {
            return RoomChange.IdTaken;
        }

        var place = MembershipRecord.Begin(MemberRole.Owner, time.GetUtcNow());
        var room = directory.Build(record);

        // While nothing is stored: a room whose log cannot be read is not there at the next start either.
        await room.OpenAsync();
        await StoreAsync(record, (owner.Id, place));
        directory.AddMember(room, owner.Id, new Membership(place, isStored: true));
        directory.Enter(room);
        await positions.BeginAsync(owner, room);
        clients.Place(owner.Id, room, replay: true);
        kept.RoomJoined(owner.Id, room);
        return RoomChange.Done;
    }

    /// <summary>Puts somebody on the list of a room that was just made of a file, by the operator's word.</summary>
    /// <exception cref="IOException">It could not be stored.</exception>
    public async Task PutInAsync(Room room, Account account, MemberRole role)
    {
        await positions.LoadAsync(account);
        using var turn = await turns.OfAccountAsync(account.Id);
        Task begun;
        using (await room.Turns.ShareAsync())
        {
            if (room.IsMember(account.Id) || room.IsDeleted || account.IsErased)
            {
                return;
            }

            var place = MembershipRecord.Begin(role, time.GetUtcNow());
            await memberships.PutAsync(room.Key, account.Id, null, place);
            directory.AddMember(room, account.Id, new Membership(place, isStored: true));
            begun = positions.BeginAsync(account, room);
        }

        await begun;
        clients.Place(account.Id, room, replay: true);
        kept.RoomJoined(account.Id, room);
    }

    /// <summary>Makes a room that the settings name. Before anything is served.</summary>
    public async Task CreateDefaultAsync(RoomId id)
    {
        var title = char.ToUpperInvariant(id.Value[0]) + id.Value[1..];
        var record = new RoomRecord(RoomStore.NewKey(), id, title, "", new PolicyFields(), null, time.GetUtcNow());
        if (replication is { IsAlone: false })
        {
            // Another node that starts may be quicker, and what has the id is what it has made.
            using var all = await turns.OfRoomsAsync();
            if (await store.CreateAsync(record) is { } other)
            {
                record = await store.FindAsync(other) ?? throw new IOException($"The room '{id}' is changed by somebody else at the same time.");
            }
        }
        else
        {
            await StoreAsync(record, maker: null);
        }

        directory.Enter(directory.Build(record));
    }

    /// <summary>How long an account that has tried too many ids waits for the next.</summary>
    public TimeSpan WaitForNextTry(Account account) => ids.Tries.WaitOf(account.Id);

    // The maker's place first: a room that is there without anybody in it could be nobody's.
    // A key that is left over from a write that failed is not used again.
    private async Task StoreAsync(RoomRecord record, (string Account, MembershipRecord Place)? maker)
    {
        if (maker is { } first)
        {
            await memberships.PutAsync(record.Key, first.Account, null, first.Place);
        }

        for (var tries = 0; await store.CreateAsync(record) is { } other; tries++)
        {
            if (tries == TriesToMake)
            {
                throw new IOException($"The id '{record.Id}' is taken by somebody else all the time.");
            }

            await /* guard: a room that was refused and is there leaves nobody in the next of its id */ memberships.RemoveRoomAsync(other);
            await store.RemoveLeftoverAsync(record.Id, other);
        }

        // Its log is empty whatever a deletion that was cut short has left behind: nobody has had its key (fault R13).
        ids.Remove(record.Id.Value);
    }
}
