using LiteDB;
using WebMessenger.Auth.Storage;

namespace WebMessenger.Broker.Rooms;

/// <summary>Rooms and their member lists on disk, beside the accounts. Read once at start; the directory holds them in memory after.</summary>
internal sealed class RoomStore(DocumentStore store)
{
    private const string Rooms = "rooms";
    private const string Members = "members";

    public Task<(List<RoomRecord> Rooms, List<(string Room, string Account)> Members)> LoadAsync() => store.ReadAsync(database =>
    {
        var rooms = database.GetCollection(Rooms).FindAll().Select(Read).ToList();
        var members = database.GetCollection(Members).FindAll().Select(document => (document["room"].AsString, document["account"].AsString)).ToList();
        return (rooms, members);
    });

    /// <summary>Stores a new or changed room and, with it, a first member.</summary>
    public Task SaveAsync(RoomRecord room, string? firstMember) => store.WriteAsync(database =>
    {
        database.GetCollection(Rooms).Upsert(Write(room));
        if (firstMember is not null)
        {
            database.GetCollection(Members).Upsert(Write(room.Id, firstMember));
        }
    });

    public Task DeleteAsync(RoomId room) => store.WriteAsync(database =>
    {
        database.GetCollection(Rooms).Delete(room.Value);
        database.GetCollection(Members).DeleteMany("$.room = @0", room.Value);
    });

    public Task AddMemberAsync(RoomId room, string account) => store.WriteAsync(database =>
    {
        database.GetCollection(Members).Upsert(Write(room, account));
    });

    public Task RemoveMemberAsync(RoomId room, string account) => store.WriteAsync(database =>
    {
        database.GetCollection(Members).Delete(MemberKey(room, account));
    });

    public Task RemoveAccountAsync(string account) => store.WriteAsync(database =>
    {
        database.GetCollection(Members).DeleteMany("$.account = @0", account);
    });

    private static string MemberKey(RoomId room, string account) => room.Value + "/" + account;

    private static BsonDocument Write(RoomId room, string account) => new()
    {
        ["_id"] = MemberKey(room, account),
        ["room"] = room.Value,
        ["account"] = account,
    };

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
        new DateTimeOffset(DateTime.SpecifyKind(document["createdAt"].AsDateTime.ToUniversalTime(), DateTimeKind.Utc)));
}
