using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>What a new room is made of.</summary>
internal sealed record NewRoom(string? Id, string? Title, string? Topic, string? Visibility, string[]? Tags = null);

/// <summary>What to change; what is left out stays.</summary>
internal sealed record RoomChanges(string? Title, string? Topic, string? Visibility, bool? Archived, string[]? Tags);

/// <param name="Invited">The rooms that the caller is asked into and has not answered, the newest first; on the first page only.</param>
/// <param name="Next">To be given as `cursor` for the next page; left out where there is none.</param>
/// <param name="Tags">The most used ones of the rooms that everybody sees; on the first page of a list that is sorted.</param>
internal sealed record RoomList(
    RoomView[] Rooms,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] InvitationView[]? Invited,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Next,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TagCount[]? Tags = null);

/// <summary>What somebody is told of a room before he accepts.</summary>
internal sealed record InvitationView(string Room, string Title, string Visibility, InviterView By, string At)
{
    public static InvitationView Of(Room room, Account by, DateTimeOffset at) => new(
        room.Id.Value, room.Record.Title, room.Record.Visibility, InviterView.Of(by), Timestamps.Format(at));
}

internal sealed record InviterView(string User, string Name, string Kind)
{
    public static InviterView Of(Account by) => new(by.UserName, by.DisplayName, by.IsGuest ? "guest" : "person");
}

/// <summary>Somebody was asked in, if there is anybody of that name.</summary>
internal sealed record Invited([property: JsonPropertyName("invited")] bool IsInvited);

/// <param name="Next">To be given as `after` for the next page; null: this is the last.</param>
internal sealed record MemberList(MemberView[] Members, string? Next);

/// <param name="Maker">Has the room: the role `owner`.</param>
internal sealed record MemberView(string User, string Name, string Kind, bool Maker, string Role);

/// <summary>Where the event of an act stands in the room's log.</summary>
/// <param name="ByAddress">Of a ban of a guest: no other guest comes in from his address. False: it is everybody's, or not known.</param>
internal sealed record EventPlace(
    string Room, long Seq, string Epoch, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? ByAddress = null);

/// <param name="Next">To be given as `after` for the next page; null: this is the last.</param>
internal sealed record PeopleList(PersonView[] People, string? Next);

/// <summary>The rooms that two are both in.</summary>
internal sealed record CommonRooms(CommonRoom[] Rooms);

/// <param name="Since">When the other came on its list; left out where version 0.1 did not write it down.</param>
internal sealed record CommonRoom(string Id, string Title, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Since);

internal sealed record PersonView(string User, string Name, string Kind, string Since);

/// <param name="People">Accounts present now.</param>
/// <param name="Member">On the room's list.</param>
/// <param name="Mine">May be changed and deleted by the caller.</param>
/// <param name="Role">Of the caller; left out unless on the list.</param>
/// <param name="Policy">The room's rules.</param>
/// <param name="Read">How far the caller has read; left out unless on the list, as all behind it.</param>
/// <param name="Mentions">Messages after that which name or answer the caller.</param>
/// <param name="Notify">What the caller wants to be called for.</param>
/// <param name="Muted">The caller hears it and does not write; left out unless so.</param>
/// <param name="Banned">The caller does not come in; left out unless so.</param>
/// <param name="Kicked">The caller was taken out just now, and waits until then; left out unless so.</param>
/// <param name="Tags">Left out where it has none.</param>
/// <param name="Active">The hour of UTC in which something happened last, of rooms that everybody may read; left out of others.</param>
/// <param name="Oldest">The oldest seq that is kept; left out of lists.</param>
/// <param name="Kept">How long what is said is kept, by the room's rules and the operator's bound; left out where all is for ever.</param>
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
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Unread,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Mentions,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Notify,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] HeldView? Muted,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] HeldView? Banned,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] HeldView? Kicked,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Oldest,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] RetentionPolicy? Kept,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Tags,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Active);

/// <param name="Until">Left out where there is no end.</param>
/// <param name="Reason">Left out where none was given, or the caller is not told.</param>
internal sealed record HeldView(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Until,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason)
{
    public static HeldView? Of(Restriction? one, bool isTold) =>
        one is null ? null : new(one.Until is { } until ? Timestamps.Format(until) : null, isTold ? one.Reason : null);
}

/// <param name="Next">To be given as `after` for the next page; null: this is the last.</param>
internal sealed record BanList(BanView[] Bans, string? Next);

/// <summary>Who is banned from a room, or muted there, or both.</summary>
/// <param name="ByAddress">Until then no other guest comes in from the guest's address; also of one who is gone.</param>
internal sealed record BanView(
    string User,
    string Name,
    string Kind,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] BanDetails? Banned,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] BanDetails? Muted,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] BanDetails? ByAddress);

/// <param name="By">User name; null: of an account that is no more.</param>
internal sealed record BanDetails(
    string? By,
    string At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Until,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason);

/// <summary>Shows rooms to an account.</summary>
internal sealed class RoomViews(
    ReadPositions positions,
    RoomDirectory directory,
    NotifyLevels levels,
    IgnoredPeople ignored,
    RoomInvitations invitations,
    BrokerSettings settings)
{
    /// <summary>With the oldest seq, which a list of rooms does without.</summary>
    public RoomView Of(Room room, Account account)
    {
        var view = Of([room], account, withActivity: true)[0];
        return view.Read is null ? view : view with { Oldest = room.LogHead.First };
    }

    /// <param name="withActivity">With the hour in which something happened last, which may have to be read from the disk.</param>
    public RoomView[] Of(IReadOnlyCollection<Room> rooms, Account account, bool withActivity = false)
    {
        // At once, for one read each would be as many as there are rooms.
        var said = levels.Of(account.Id);
        return [.. rooms.Select(room => Of(room, account, said.GetValueOrDefault(room.Log.Value), withActivity))];
    }

    private RoomView Of(Room room, Account account, NotifyLevel level, bool withActivity)
    {
        var (read, mentions, isMember) = ReadIn(room, account);
        return new RoomView(
            room.Id.Value,
            room.Record.Title,
            room.Record.Topic,
            room.Record.Visibility,
            room.People,
            isMember,
            RoomPolicy.MayManage(room, account),
            read?.Head ?? 0,
            room.MembershipOf(account.Id) is { } membership ? MemberRoles.NameOf(membership.Role) : null,
            room.Record.Policy,
            read is { } state ? new ReadUpTo(state.Seq, state.Epoch) : null,
            read?.Unread,
            mentions,
            isMember ? NotifyLevels.NameOf(level) : null,
            ViewOf(RoomPolicy.MuteOf(room, account), account),
            ViewOf(room.Restraints.BanOf(account.Id) ?? (isMember ? null : room.AddressBans.Of(account)), account),
            // Who is invited since need not wait.
            room.Restraints.KickOf(account.Id) is { } kick && !invitations.IsInvited(room, account) ? ViewOf(kick, account) : null,
            null,
            room.Record.Policy.Retention.Within(settings.RetentionDaysAtMost) is { IsForEver: false } kept ? kept : null,
            room.Record.Tags.Count == 0 ? null : room.Record.Tags,
            withActivity && RoomOrders.HourOf(room) is > 0 and var hour ? Timestamps.Format(RoomActivity.TimeOf(hour)) : null);
    }

    private HeldView? ViewOf(Restriction? one, Account account) =>
        HeldView.Of(one, isTold: one?.IsTold == true && !ignored.Ignores(account.Id, one.By));

    private (ReadState? Read, int? Mentions, bool IsMember) ReadIn(Room room, Account account)
    {
        try
        {
            return positions.Find(account, room) is { } read
                ? (read, directory.InboxOf(account).Notices.Index.CountAfter(room.Key, read.Seq), true) : (null, null, false);
        }
        catch (LogDamagedException)
        {
            // The room is shown without its numbers, and all others as ever. The log tells the operator.
            return (null, null, room.IsMember(account.Id));
        }
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
[JsonSerializable(typeof(BanList))]
[JsonSerializable(typeof(CommonRooms))]
[JsonSerializable(typeof(Invited))]
[JsonSerializable(typeof(EventPlace))]
[JsonSerializable(typeof(ImportedRoomView))]
internal sealed partial class RoomsJson : JsonSerializerContext;
