using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Reading;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms`: the directory, rooms and their lists. For a cookie or an access token, which sees its own rooms only.</summary>
internal static class RoomsApi
{
    private const string TooManyMarks = "At most four accents or other signs go on one letter.";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var rooms = routes.MapApi("/api/rooms").WithTags("Rooms").RequireMember();
        rooms.MapGet("", List).TakesAnswerSlot().MayBeCompressed();
        rooms.MapPost("", CreateAsync);
        rooms.MapGet("{room}", Get);
        rooms.MapPatch("{room}", ChangeAsync);
        rooms.MapDelete("{room}", DeleteAsync);
        rooms.MapPut("{room}/members/{user}", AddMemberAsync);
        rooms.MapDelete("{room}/members/{user}", RemoveMemberAsync);
        rooms.MapGet("{room}/people", People).TakesAnswerSlot();
    }

    // Made whole, so that its length is told before it is written: it decides whether the answer is compressed.
    private static FileContentHttpResult List(RoomDirectory rooms, ReadPositions positions, HttpContext context)
    {
        var who = context.SignedIn();
        RoomList list = new(
        [
            .. rooms.All
                .Where(room => room.IsVisibleTo(who.Account.Id) && who.Scope.Allows(room.Id.Value, Verbs.Read))
                .Select(room => RoomView.Of(room, who.Account, positions))
                .OrderByDescending(room => room.People)
                .ThenBy(room => room.Id, StringComparer.Ordinal),
        ]);
        return TypedResults.Bytes(
            JsonSerializer.SerializeToUtf8Bytes(list, RoomsJson.Default.RoomList).AsMemory(), "application/json; charset=utf-8");
    }

    private static IResult Get(string room, RoomDirectory rooms, ReadPositions positions, HttpContext context) => Visible(room, rooms, context) is { } found
        ? TypedResults.Json(RoomView.Of(found, context.SignedIn().Account, positions), RoomsJson.Default.RoomView)
        : RoomProblems.NoSuchRoom();

    private static async Task<IResult> CreateAsync(RoomDirectory rooms, ReadPositions positions, HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, RoomsJson.Default.NewRoom)).TryGet(out var room, out var problem))
        {
            return problem;
        }

        var who = context.SignedIn();
        if (who.Account.IsGuest || !IsWhole(who))
        {
            return RoomProblems.Forbidden("not_allowed", "Guests and limited access tokens cannot make rooms. Register an account and sign in.");
        }

        List<FieldError> errors = [];
        if (!RoomId.TryParse(room.Id, out var id))
        {
            errors.Add(new FieldError("id", room.Id is null ? "required" : "invalid", "A room id has 1 to 64 of a-z, 0-9 and -, and does not begin with -."));
        }

        var title = CheckTitle(room.Title, required: true, errors);
        var topic = CheckTopic(room.Topic, errors);
        var isPrivate = CheckVisibility(room.Visibility, errors);
        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        return await rooms.CreateAsync(id, title!, topic ?? "", isPrivate ?? false, who.Account) switch
        {
            RoomChange.Done => TypedResults.Created(context.OnHost($"/api/rooms/{id}"), RoomView.Of(rooms.Find(id.Value)!, who.Account, positions)),
            RoomChange.TooMany => RoomProblems.Conflict("too_many", "This account has made as many rooms as it may. Delete one first."),
            _ => Problems.Fields([new FieldError("id", "taken", "There is a room with this id already. Choose another.")]),
        };
    }

    private static async Task<IResult> ChangeAsync(string room, RoomDirectory rooms, ReadPositions positions, HttpContext context)
    {
        if (Visible(room, rooms, context) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        if (!(await JsonBody.ReadAsync(context.Request, RoomsJson.Default.RoomChanges)).TryGet(out var changes, out var problem))
        {
            return problem;
        }

        List<FieldError> errors = [];
        var title = CheckTitle(changes.Title, required: false, errors);
        var topic = CheckTopic(changes.Topic, errors);
        var isPrivate = CheckVisibility(changes.Visibility, errors);
        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        if (!IsWhole(context.SignedIn()))
        {
            return RoomProblems.Forbidden("not_allowed", "A limited access token cannot change rooms.");
        }

        var outcome = await rooms.ChangeAsync(found, title, topic, isPrivate, context.SignedIn().Account);
        return outcome == RoomChange.Done ? TypedResults.Json(RoomView.Of(found, context.SignedIn().Account, positions), RoomsJson.Default.RoomView) : Refused(outcome);
    }

    private static async Task<IResult> DeleteAsync(string room, RoomDirectory rooms, HttpContext context)
    {
        if (Visible(room, rooms, context) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        if (!IsWhole(context.SignedIn()))
        {
            return RoomProblems.Forbidden("not_allowed", "A limited access token cannot delete rooms.");
        }

        var outcome = await rooms.DeleteAsync(found, context.SignedIn().Account);
        return outcome == RoomChange.Done ? TypedResults.NoContent() : Refused(outcome);
    }

    private static async Task<IResult> AddMemberAsync(string room, string user, RoomDirectory rooms, AccountDirectory accounts, HttpContext context)
    {
        if (Visible(room, rooms, context) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        var who = context.SignedIn();
        if (Resolve(user, accounts, who) is not { } account)
        {
            return RoomProblems.NotFound("no_such_user", "There is nobody of that user name.");
        }

        // A public room is open to whoever comes; into a private one its owner asks.
        var mayAdd = RoomDirectory.MayManage(found, who.Account) ? IsWhole(who) : account == who.Account && !found.Record.IsPrivate;
        if (!mayAdd && !found.IsMember(account.Id))
        {
            return RoomProblems.Forbidden("not_allowed", "Only the owner of the room can add somebody.");
        }

        await rooms.JoinAsync(found, account);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> RemoveMemberAsync(string room, string user, RoomDirectory rooms, AccountDirectory accounts, HttpContext context)
    {
        if (Visible(room, rooms, context) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        var who = context.SignedIn();
        if (Resolve(user, accounts, who) is not { } account || !found.IsMember(account.Id))
        {
            return RoomProblems.NotFound("no_such_member", "There is no such member in this room.");
        }

        if (!IsWhole(who) || (account != who.Account && !RoomDirectory.MayManage(found, who.Account)))
        {
            return RoomProblems.Forbidden("not_allowed", "Only the owner of the room can remove somebody else, and a limited access token nobody.");
        }

        if (found.Record.IsPrivate && found.Record.OwnerId == account.Id)
        {
            return RoomProblems.Conflict("owner_leaves", "You made this room and it is private: make it public or delete it instead of leaving.");
        }

        await rooms.LeaveAsync(found, account, byItself: account == who.Account);
        return TypedResults.NoContent();
    }

    private static IResult People(string room, RoomDirectory rooms, HttpContext context) =>
        Visible(room, rooms, context) is { } found && found.IsMember(context.SignedIn().Account.Id)
            ? TypedResults.Json(new PeopleList(
            [
                .. found.SnapshotPresence()
                    .Select(present => new PersonView(present.Author.User, present.Author.Name, present.Author.Kind, Timestamps.Format(present.Since)))
                    .OrderBy(person => person.Name, StringComparer.OrdinalIgnoreCase),
            ]), RoomsJson.Default.PeopleList)
            : RoomProblems.NoSuchRoom();

    private static Room? Visible(string room, RoomDirectory rooms, HttpContext context)
    {
        var who = context.SignedIn();
        if (!who.Scope.Allows(room, Verbs.Read))
        {
            return null;
        }

        // Whoever may manage a room finds it, on its list or not; what is said there stays among its members.
        return rooms.FindVisible(room, who.Account.Id) ?? (rooms.Find(room) is { } hidden && IsWhole(who) && RoomDirectory.MayManage(hidden, who.Account) ? hidden : null);
    }

    private static Account? Resolve(string user, AccountDirectory accounts, LoginSession who) => user == "me" ? who.Account : accounts.FindByUserName(user);

    private static bool IsWhole(LoginSession who) => who.Scope.Rooms is null && who.Scope.Verbs == Verbs.All;

    private static ProblemHttpResult Refused(RoomChange outcome) => outcome switch
    {
        RoomChange.NotAllowed => RoomProblems.Forbidden("not_allowed", "Only the owner of the room and administrators can do this."),
        RoomChange.IsDefault => RoomProblems.Conflict("default_room", "This room is one of WebMessenger:Rooms:Default; it stays public and cannot be deleted."),
        _ => RoomProblems.NoSuchRoom(),
    };

    private static string? CheckTitle(string? title, bool required, List<FieldError> errors)
    {
        if (title is null && !required)
        {
            return null;
        }

        title = PlainLine.Of(title ?? "").Trim();
        if (title.Length == 0)
        {
            errors.Add(new FieldError("title", "required", "Give the room a title."));
        }
        else if (title.EnumerateRunes().Count() > 80)
        {
            errors.Add(new FieldError("title", "too_long", "A title has at most 80 characters."));
        }
        else if (CombiningMarks.AreTooMany(title))
        {
            errors.Add(new FieldError("title", "invalid", TooManyMarks));
        }

        return title;
    }

    private static string? CheckTopic(string? topic, List<FieldError> errors)
    {
        if (topic is null)
        {
            return null;
        }

        topic = PlainLine.Of(topic).Trim();
        if (topic.EnumerateRunes().Count() > 200)
        {
            errors.Add(new FieldError("topic", "too_long", "A topic line has at most 200 characters."));
        }
        else if (CombiningMarks.AreTooMany(topic))
        {
            errors.Add(new FieldError("topic", "invalid", TooManyMarks));
        }

        return topic;
    }

    private static bool? CheckVisibility(string? visibility, List<FieldError> errors)
    {
        if (visibility is not (null or "public" or "private"))
        {
            errors.Add(new FieldError("visibility", "invalid", "Visibility is \"public\" or \"private\"."));
        }

        return visibility is null ? null : visibility == "private";
    }
}

/// <summary>What a new room is made of.</summary>
internal sealed record NewRoom(string? Id, string? Title, string? Topic, string? Visibility);

/// <summary>What to change; what is left out stays.</summary>
internal sealed record RoomChanges(string? Title, string? Topic, string? Visibility);

internal sealed record RoomList(RoomView[] Rooms);

internal sealed record PeopleList(PersonView[] People);

internal sealed record PersonView(string User, string Name, string Kind, string Since);

/// <param name="People">Accounts present now.</param>
/// <param name="Member">On the room's list.</param>
/// <param name="Mine">May be changed and deleted by the caller.</param>
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
            RoomDirectory.MayManage(room, account),
            read?.Head ?? 0,
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
internal sealed partial class RoomsJson : JsonSerializerContext;
