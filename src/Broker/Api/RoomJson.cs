using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <summary>What a new room is made of.</summary>
internal sealed record NewRoom(string? Id, string? Title, string? Topic, string? Visibility);

/// <summary>What to change; what is left out stays.</summary>
internal sealed record RoomChanges(string? Title, string? Topic, string? Visibility);

/// <param name="Invited">The rooms that the caller is asked into and has not answered, the newest first; on the first page only.</param>
/// <param name="Next">To be given as `cursor` for the next page; left out where there is none.</param>
internal sealed record RoomList(
    RoomView[] Rooms,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] InvitationView[]? Invited,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Next);

/// <summary>What somebody is told of a room before he accepts.</summary>
internal sealed record InvitationView(string Room, string Title, string Visibility, InviterView By, string At)
{
    public static InvitationView Of(Room room, Account by, DateTimeOffset at) => new(
        room.Id.Value, room.Record.Title, room.Record.Visibility, new InviterView(by.UserName, by.DisplayName, by.IsGuest ? "guest" : "person"), Timestamps.Format(at));
}

internal sealed record InviterView(string User, string Name, string Kind);

/// <summary>Somebody was asked in, if there is anybody of that name.</summary>
internal sealed record Invited([property: JsonPropertyName("invited")] bool IsInvited);

/// <param name="Next">To be given as `after` for the next page; null: this is the last.</param>
internal sealed record MemberList(MemberView[] Members, string? Next);

/// <param name="Maker">Has the room: the role `owner`.</param>
internal sealed record MemberView(string User, string Name, string Kind, bool Maker, string Role);

/// <summary>Where the event of an act stands in the room's log.</summary>
internal sealed record EventPlace(string Room, long Seq, string Epoch);

/// <param name="Next">To be given as `after` for the next page; null: this is the last.</param>
internal sealed record PeopleList(PersonView[] People, string? Next);

internal sealed record PersonView(string User, string Name, string Kind, string Since);

/// <param name="People">Accounts present now.</param>
/// <param name="Member">On the room's list.</param>
/// <param name="Mine">May be changed and deleted by the caller.</param>
/// <param name="Role">Of the caller; left out unless on the list.</param>
/// <param name="Policy">The room's rules.</param>
/// <param name="Read">How far the caller has read; left out unless on the list, as is <paramref name="Unread"/>.</param>
internal sealed record RoomView(
    string Id,
    string Title,
    string Topic,
    string Visibility,
    int People,
    bool Member,
    bool Mine,
    long Head,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role,
    PolicyFields Policy,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ReadUpTo? Read,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Unread)
{
    public static RoomView Of(Room room, Account account, ReadPositions positions)
    {
        var read = positions.Find(account, room);
        return new RoomView(
            room.Id.Value,
            room.Record.Title,
            room.Record.Topic,
            room.Record.Visibility,
            room.People,
            read is not null,
            RoomPolicy.MayManage(room, account),
            read?.Head ?? 0,
            room.MembershipOf(account.Id) is { } membership ? MemberRoles.NameOf(membership.Role) : null,
            room.Record.Policy,
            read is { } state ? new ReadUpTo(state.Seq, state.Epoch) : null,
            read?.Unread);
    }
}

/// <summary>Everything up to this seq of this epoch is read.</summary>
internal sealed record ReadUpTo(long Seq, string Epoch);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(NewRoom))]
[JsonSerializable(typeof(RoomChanges))]
[JsonSerializable(typeof(RoomView))]
[JsonSerializable(typeof(RoomList))]
[JsonSerializable(typeof(PeopleList))]
[JsonSerializable(typeof(MemberList))]
[JsonSerializable(typeof(Invited))]
[JsonSerializable(typeof(EventPlace))]
internal sealed partial class RoomsJson : JsonSerializerContext;
