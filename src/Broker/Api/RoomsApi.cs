using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms`: the directory, rooms and their lists. For a cookie or an access token, which sees its own rooms only.</summary>
internal static class RoomsApi
{
    private const string TooManyMarks = "At most four accents or other signs go on one letter.";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var rooms = routes.MapApi("/api/rooms").WithTags("Rooms").RequireMember();
        rooms.MapGet("", List).TakesAnswerSlot(ofList: true).MayBeCompressed();
        rooms.MapPost("", CreateAsync);
        rooms.MapGet("{room}", Get);
        rooms.MapPatch("{room}", ChangeAsync);
        rooms.MapDelete("{room}", DeleteAsync);
        rooms.MapGet("{room}/members", Members);
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
        ],
        [
            .. rooms.InvitationsOf(who.Account)
                .Where(invited => who.Scope.Allows(invited.Room.Id.Value, Verbs.Read))
                .Select(invited => InvitationView.Of(invited.Room, invited.By, invited.At)),
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
            RoomChange.TooMany => RoomProblems.Conflict("too_many", "This account has as many rooms as it may. Delete one first."),
            RoomChange.TriedTooOften => RoomProblems.TooOften(
                "too_many_attempts", "You have tried to make as many rooms today as you may. Try again later.", rooms.WaitForNextTry(who.Account), context),
            RoomChange.NotAllowed => Problems.NotSignedIn(),
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
        var who = context.SignedIn();
        var isMe = IsMe(user, who);
        if (Visible(room, rooms, context, orInvited: isMe) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        if (isMe)
        {
            await rooms.JoinAsync(found, who.Account, byItself: true);
            return found.IsMember(who.Account.Id) ? TypedResults.NoContent()
                : RoomDirectory.MayManage(found, who.Account) ? RoomProblems.Forbidden("not_allowed", "This room is private: only who is invited comes in.")
                : RoomProblems.NoSuchRoom();
        }

        // Before the name is looked up: whoever may not invite learns nothing of names (fault S13).
        if (!IsWhole(who) || !RoomDirectory.MayInvite(found, who.Account))
        {
            return RoomProblems.Forbidden("not_allowed", "Only the owner of the room can invite somebody.");
        }

        // Nobody can have it, which everybody can know: it tells of no one, and costs no invitation.
        if (!UserName.TryParse(user, out _))
        {
            return Problems.Field("user", "invalid", "A user name has 1 to 32 of a-z, 0-9, '.', '-' and '_', and begins with a letter or digit.");
        }

        return await rooms.InviteAsync(found, accounts.FindByUserName(user), who.Account) switch
        {
            RoomChange.Done => TypedResults.NoContent(),
            RoomChange.Invited => TypedResults.Json(new Invited(true), RoomsJson.Default.Invited, statusCode: StatusCodes.Status202Accepted),
            var refused => Refused(refused, rooms, context),
        };
    }

    private static async Task<IResult> RemoveMemberAsync(string room, string user, RoomDirectory rooms, AccountDirectory accounts, HttpContext context)
    {
        var who = context.SignedIn();
        var isMe = IsMe(user, who);
        if (Visible(room, rooms, context, orInvited: isMe) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        if (!IsWhole(who) || (!isMe && !RoomDirectory.MayManage(found, who.Account)))
        {
            return RoomProblems.Forbidden("not_allowed", "Only the owner of the room can remove somebody else, and a limited access token nobody.");
        }

        var account = isMe ? who.Account : accounts.FindByUserName(user);
        if (account is null || !found.IsMember(account.Id))
        {
            if (isMe)
            {
                return await rooms.DeclineAsync(found, who.Account) ? TypedResults.NoContent()
                    : RoomProblems.NotFound("no_such_member", "There is no such member in this room.");
            }

            // One answer, whether somebody of that name was invited, was not, or does not exist (fault S13).
            var withdrawn = await rooms.WithdrawAsync(found, account, who.Account);
            return withdrawn == RoomChange.Done ? TypedResults.NoContent() : Refused(withdrawn, rooms, context);
        }

        if (found.Record.IsPrivate && found.Record.OwnerId == account.Id)
        {
            return RoomProblems.Conflict("owner_leaves", "You made this room and it is private: make it public or delete it instead of leaving.");
        }

        await rooms.LeaveAsync(found, account, byItself: isMe);
        return TypedResults.NoContent();
    }

    private static IResult Members(string room, string? after, string? limit, RoomDirectory rooms, AccountDirectory accounts, HttpContext context)
    {
        if (Visible(room, rooms, context) is not { } found || !found.IsMember(context.SignedIn().Account.Id))
        {
            return RoomProblems.NoSuchRoom();
        }

        var most = 100;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most is < 1 or > 200))
        {
            return Problems.Field("limit", "invalid", "A page has 1 to 200 members.");
        }

        // One more than is shown tells whether there are more.
        var members = found.MemberIds
            .Select(accounts.Find)
            .OfType<Account>()
            .Where(account => after is null || string.CompareOrdinal(account.UserName, after) > 0)
            .OrderBy(account => account.UserName, StringComparer.Ordinal)
            .Take(most + 1)
            .ToList();
        var shown = members.Take(most).ToArray();
        return TypedResults.Json(
            new MemberList(
                [.. shown.Select(account => new MemberView(account.UserName, account.DisplayName, KindOf(account), found.Record.OwnerId == account.Id))],
                members.Count > most ? shown[^1].UserName : null),
            RoomsJson.Default.MemberList);
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

    /// <param name="orInvited">The call answers an invitation.</param>
    private static Room? Visible(string room, RoomDirectory rooms, HttpContext context, bool orInvited = false)
    {
        var who = context.SignedIn();
        if (!who.Scope.Allows(room, Verbs.Read))
        {
            return null;
        }

        if (rooms.Find(room) is not { IsDeleted: false } found)
        {
            return null;
        }

        // Whoever may manage a room finds it, on its list or not; what is said there stays among its members.
        return found.IsVisibleTo(who.Account.Id)
            || (IsWhole(who) && RoomDirectory.MayManage(found, who.Account))
            || (orInvited && rooms.IsInvited(found, who.Account)) ? found : null;
    }

    private static bool IsMe(string user, LoginSession who) => user == "me" || (UserName.TryParse(user, out var name) && name.Value == who.Account.UserName);

    private static string KindOf(Account account) => account.IsGuest ? "guest" : "person";

    private static bool IsWhole(LoginSession who) => who.Scope.Rooms is null && who.Scope.Verbs.HasFlag(Verbs.All);

    private static ProblemHttpResult Refused(RoomChange outcome, RoomDirectory rooms, HttpContext context) => outcome == RoomChange.TriedTooOften
        ? RoomProblems.TooOften(
            "too_many_invitations",
            "You have invited, or taken back, as many people today as you may. Try again later.",
            rooms.WaitForNextInvitation(context.SignedIn().Account),
            context)
        : Refused(outcome);

    private static ProblemHttpResult Refused(RoomChange outcome) => outcome switch
    {
        RoomChange.NotAllowed => RoomProblems.Forbidden("not_allowed", "Only the owner of the room and administrators can do this."),
        RoomChange.NotOwner => RoomProblems.Forbidden("not_allowed", "Only its owner makes a private room public."),
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

/// <param name="Invited">The rooms that the caller is asked into and has not answered, the newest first.</param>
internal sealed record RoomList(RoomView[] Rooms, InvitationView[] Invited);

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

/// <param name="Maker">Made the room, or has it since its maker was erased.</param>
internal sealed record MemberView(string User, string Name, string Kind, bool Maker);

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
[JsonSerializable(typeof(MemberList))]
[JsonSerializable(typeof(Invited))]
internal sealed partial class RoomsJson : JsonSerializerContext;
