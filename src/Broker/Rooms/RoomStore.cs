using LiteDB;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Broker.Rooms;

/// <summary>What is read at start.</summary>
/// <param name="Erased">Ids of accounts that were erased and of which something may be left.</param>
internal sealed record StoredRooms(
    List<RoomRecord> Rooms,
    List<(string Room, string Account)> Members,
    List<FormerRoom> Former,
    List<Invitation> Invitations,
    List<(string Account, DailyLeft Left)> Inviters,
    List<string> Erased);

/// <summary>
/// Rooms, their member lists, the ids of those that were deleted, and invitations on disk, beside the accounts. Read once at start; the directory holds them in
/// memory after.
/// </summary>
internal sealed class RoomStore(DocumentStore store)
{
    private const string Rooms = "rooms";
    private const string Members = "members";
    private const string Former = "formerRooms";
    private const string Invitations = "invitations";
    private const string Inviters = "inviters";

    public Task<StoredRooms> LoadAsync() => store.ReadAsync(database => new StoredRooms(
        database.GetCollection(Rooms).FindAll().Select(Read).ToList(),
        database.GetCollection(Members).FindAll().Select(document => (document["room"].AsString, document["account"].AsString)).ToList(),
        database.GetCollection(Former).FindAll().Select(ReadFormer).ToList(),
        database.GetCollection(Invitations).FindAll().Select(ReadInvitation).ToList(),
        database.GetCollection(Inviters).FindAll()
            .Select(document => (document["_id"].AsString, new DailyLeft(document["left"].AsDouble, ReadTime(document["at"])))).ToList(),
        ErasedAccounts.All(database)));

    /// <summary>Stores a new or changed room and, with it, a first member. Its id is a former room's no more.</summary>
    public Task SaveAsync(RoomRecord room, string? firstMember) => store.WriteAsync(database =>
    {
        database.GetCollection(Rooms).Upsert(Write(room));
        database.GetCollection(Former).Delete(room.Id.Value);
        if (firstMember is not null)
        {
            database.GetCollection(Members).Upsert(Write(room.Id, firstMember, room.CreatedAt));
        }
    });

    /// <summary>Removes a room with its list and invitations, and notes what of it is left to be removed elsewhere.</summary>
    public Task DeleteAsync(FormerRoom room) => store.WriteAsync(database =>
    {
        database.GetCollection(Rooms).Delete(room.Id);
        database.GetCollection(Members).DeleteMany("$.room = @0", room.Id);
        database.GetCollection(Invitations).DeleteMany("$.room = @0", room.Id);
        database.GetCollection(Former).Upsert(Write(room));
    });

    /// <summary>Nothing of a deleted room is left but its id.</summary>
    public Task EndedAsync(FormerRoom room) => store.WriteAsync(database => { database.GetCollection(Former).Upsert(Write(room)); });

    /// <summary>Puts an account on a room's list; an invitation is used up by it.</summary>
    public Task AddMemberAsync(RoomId room, string account, DateTimeOffset since) => store.WriteAsync(database =>
    {
        database.GetCollection(Members).Upsert(Write(room, account, since));
        database.GetCollection(Invitations).Delete(MemberKey(room.Value, account));
    });

    public Task RemoveMemberAsync(RoomId room, string account) => store.WriteAsync(database =>
    {
        database.GetCollection(Members).Delete(MemberKey(room.Value, account));
    });

    /// <summary>The accounts on a room's list, those who have been on it for longest first.</summary>
    public Task<List<string>> LongestMembersAsync(RoomId room) => store.ReadAsync(database => database.GetCollection(Members)
        .Find(Query.EQ("room", room.Value))
        // A place of version 0.1 has no date, and is older than any that has.
        .OrderBy(document => document["since"].IsNull ? DateTimeOffset.MinValue : ReadTime(document["since"]))
        .ThenBy(document => document["account"].AsString, StringComparer.Ordinal)
        .Select(document => document["account"].AsString)
        .ToList());

    /// <summary>
    /// Stores what is left to who invites, and an invitation if there is one: one write either way, so that its time does not tell whether there is anybody to
    /// invite (fault S13).
    /// </summary>
    public Task InviteAsync(string inviter, DailyLeft left, Invitation? invitation) => store.WriteAsync(database =>
    {
        database.GetCollection(Inviters).Upsert(Write(inviter, left));
        if (invitation is not null)
        {
            database.GetCollection(Invitations).Upsert(Write(invitation));
        }
    });

    public Task SaveInvitationAsync(Invitation invitation) => store.WriteAsync(database => { database.GetCollection(Invitations).Upsert(Write(invitation)); });

    /// <summary>Removes an invitation, if there is one; one write either way, as in <see cref="InviteAsync"/>.</summary>
    public Task WithdrawAsync(string by, DailyLeft left, Invitation? invitation) => store.WriteAsync(database =>
    {
        database.GetCollection(Inviters).Upsert(Write(by, left));
        if (invitation is not null)
        {
            database.GetCollection(Invitations).Delete(MemberKey(invitation.Room, invitation.Account));
        }
    });

    public Task RemoveInvitationsAsync(IReadOnlyCollection<Invitation> invitations) => store.WriteAsync(database =>
    {
        foreach (var one in invitations)
        {
            database.GetCollection(Invitations).Delete(MemberKey(one.Room, one.Account));
        }
    });

    /// <summary>Removes an erased account from all lists.</summary>
    /// <param name="handedOver">The rooms that it had, as they are from now on.</param>
    /// <param name="isAll">Nothing of the account is left elsewhere.</param>
    public Task RemoveAccountAsync(string account, IReadOnlyCollection<RoomRecord> handedOver, bool isAll) => store.WriteAsync(database =>
    {
        database.GetCollection(Members).DeleteMany("$.account = @0", account);
        database.GetCollection(Invitations).DeleteMany("$.account = @0 OR $.by = @0", account);
        database.GetCollection(Inviters).Delete(account);
        foreach (var room in handedOver)
        {
            database.GetCollection(Rooms).Upsert(Write(room));
        }

        if (isAll)
        {
            ErasedAccounts.StrikeOut(database, account);
        }
    });

    private static string MemberKey(string room, string account) => room + "/" + account;

    private static BsonDocument Write(RoomId room, string account, DateTimeOffset since) => new()
    {
        ["_id"] = MemberKey(room.Value, account),
        ["room"] = room.Value,
        ["account"] = account,
        ["since"] = since.UtcDateTime,
    };

    private static BsonDocument Write(FormerRoom room) => new()
    {
        ["_id"] = room.Id,
        ["owner"] = room.OwnerId is null ? BsonValue.Null : room.OwnerId,
        ["ending"] = room.IsEnding,
    };

    private static FormerRoom ReadFormer(BsonDocument document) =>
        new(document["_id"].AsString, document["owner"].IsNull ? null : document["owner"].AsString, document["ending"].AsBoolean);

    private static BsonDocument Write(string inviter, DailyLeft left) => new() { ["_id"] = inviter, ["left"] = left.Left, ["at"] = left.At.UtcDateTime };

    private static BsonDocument Write(Invitation invitation) => new()
    {
        ["_id"] = MemberKey(invitation.Room, invitation.Account),
        ["room"] = invitation.Room,
        ["account"] = invitation.Account,
        ["by"] = invitation.By,
        ["at"] = invitation.At.UtcDateTime,
        ["declined"] = invitation.IsDeclined,
    };

    private static Invitation ReadInvitation(BsonDocument document) => new(
        document["room"].AsString, document["account"].AsString, document["by"].AsString, ReadTime(document["at"]), document["declined"].AsBoolean);

    private static DateTimeOffset ReadTime(BsonValue value) => new(DateTime.SpecifyKind(value.AsDateTime.ToUniversalTime(), DateTimeKind.Utc));

    private static BsonDocument Write(RoomRecord room) => new()
    {
        ["_id"] = room.Id.Value,
        ["title"] = room.Title,
        ["topic"] = room.Topic,
        ["private"] = room.IsPrivate,
        ["owner"] = room.OwnerId is null ? BsonValue.Null : room.OwnerId,
        ["createdAt"] = room.CreatedAt.UtcDateTime,
    };

    private static RoomRecord Read(BsonDocument document) => new(
        RoomId.TryParse(document["_id"].AsString, out var id) ? id : throw new InvalidDataException($"'{document["_id"]}' in the rooms collection is no room id."),
        document["title"].AsString,
        document["topic"].AsString,
        document["private"].AsBoolean,
        document["owner"].IsNull ? null : document["owner"].AsString,
        ReadTime(document["createdAt"]));
}
