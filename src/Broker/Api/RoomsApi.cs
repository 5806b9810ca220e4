using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms`: rooms, made, changed and deleted. For a cookie or an access token, which sees its own rooms only.</summary>
internal static class RoomsApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var rooms = routes.MapApi("/api/rooms").WithTags("Rooms").RequireMember();
        rooms.MapPost("", CreateAsync);
        rooms.MapGet("{room}", Get);
        rooms.MapPatch("{room}", ChangeAsync).MayTakeRightsAway();
        rooms.MapDelete("{room}", DeleteAsync);
        RoomListApi.Map(rooms);
        RoomPeopleApi.Map(rooms);
        RoomPinsApi.Map(rooms);
        BansApi.Map(rooms);
        AuditApi.Map(rooms);
        RoomExportApi.Map(rooms);
        RoomImportApi.Map(routes);
        NoticesApi.MapLevels(routes);
    }

    private static IResult Get(string room, RoomDirectory rooms, RoomViews views, HttpContext context) => Visible(room, rooms, context) is { } found
        ? TypedResults.Json(views.Of(found, context.SignedIn().Account), RoomsJson.Default.RoomView)
        : RoomProblems.NoSuchRoom();

    private static async Task<IResult> CreateAsync(RoomDirectory rooms, RoomMaking making, RoomViews views, HttpContext context)
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

        var title = RoomWords.CheckTitle(room.Title ?? "", errors);
        var topic = RoomWords.CheckTopic(room.Topic, errors);
        var isPrivate = CheckVisibility(room.Visibility, errors);
        var tags = RoomTags.Of(RoomTags.Check(room.Tags, errors) ?? []);
        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        return await making.CreateAsync(id, title!, topic ?? "", isPrivate ?? false, who.Account, who, tags) switch
        {
            RoomChange.Done => TypedResults.Created(context.OnHost($"/api/rooms/{id}"), views.Of(rooms.Find(id.Value)!, who.Account)),
            RoomChange.TooMany => RoomProblems.Conflict("too_many", "This account has as many rooms as it may. Delete one first."),
            RoomChange.TriedTooOften => RoomProblems.TooOften(
                "too_many_attempts",
                "You have tried to make as many rooms today as you may. Try again later.",
                making.WaitForNextTry(who.Account),
                context),
            RoomChange.NotAllowed => Problems.NotSignedIn(),
            _ => Problems.Fields([new FieldError("id", "taken", "There is a room with this id already. Choose another.")]),
        };
    }

    private static async Task<IResult> ChangeAsync(
        string room, RoomDirectory rooms, RoomActs acts, RoomViews views, HttpContext context)
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
        PolicyChanges asked = new()
        {
            Title = changes.Title, Topic = changes.Topic, Visibility = changes.Visibility, Archived = changes.Archived, Tags = changes.Tags,
        };
        asked = asked.Check(errors);
        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        if (!IsWhole(context.SignedIn()))
        {
            return RoomProblems.Forbidden("not_allowed", "A limited access token cannot change rooms.");
        }

        var done = await acts.ActAsync(found, new Command("", null, null, new RoomAct.Policy(asked)), context.SignedIn());
        return done.Refusal is { } refusal ? RoomProblems.Of(refusal, context)
            : TypedResults.Json(views.Of(found, context.SignedIn().Account), RoomsJson.Default.RoomView);
    }

    private static async Task<IResult> DeleteAsync(string room, RoomDirectory rooms, RoomEndings endings, AdminProofs proofs, HttpContext context)
    {
        if (Visible(room, rooms, context) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        if (!IsWhole(context.SignedIn()))
        {
            return RoomProblems.Forbidden("not_allowed", "A limited access token cannot delete rooms.");
        }

        var account = context.SignedIn().Account;
        if (found.OwnerId != account.Id && RoomPolicy.MayManage(found, account))
        {
            var (password, wrong) = await AdminAccountsApi.PasswordAsync(context);
            if (wrong is not null)
            {
                return wrong;
            }

            if ((/* guard: a room of others takes the password */ await proofs.AskAsync(context.Actor(), password)) is { } refused)
            {
                return AdminProblems.Of(refused, context);
            }
        }

        var outcome = await endings.DeleteAsync(found, account);
        return outcome == RoomChange.Done ? TypedResults.NoContent() : Refused(outcome);
    }

    /// <param name="invitations">The call answers an invitation, so that who is invited finds the room; null: it does not.</param>
    internal static Room? Visible(string room, RoomDirectory rooms, HttpContext context, RoomInvitations? invitations = null) =>
        rooms.Find(room) is { IsDeleted: false } found && IsVisible(found, context, invitations) ? found : null;

    /// <summary>Whether the caller may know of a room that was looked up.</summary>
    internal static bool IsVisible(Room found, HttpContext context, RoomInvitations? invitations = null)
    {
        var who = context.SignedIn();

        // Whoever may manage a room finds it, on its list or not; what is said there stays among its members.
        return (/* guard: a token's rooms, by HTTP */ who.Scope.Allows(found.Id.Value, Verbs.Read))
            && (RoomPolicy.MaySee(found, who.Account.Id)
                || (IsWhole(who) && RoomPolicy.MayManage(found, who.Account))
                || invitations?.IsInvited(found, who.Account) == true);
    }

    internal static bool IsWhole(LoginSession who) => /* guard: a limited token changes no rooms */ who.Scope.Rooms is null && who.Scope.Verbs.HasFlag(Verbs.All);

    internal static ProblemHttpResult Refused(RoomChange outcome) => outcome switch
    {
        RoomChange.NotAllowed => RoomProblems.Forbidden("not_allowed", "Only the owner of the room and administrators can do this."),
        RoomChange.IsDefault => RoomProblems.Conflict("default_room", "This room is one of WebMessenger:Rooms:Default; it stays public and cannot be deleted."),
        RoomChange.IsArchived => RoomProblems.HeldBack(TalkRefusals.Archived),
        RoomChange.IsBanned => RoomProblems.Conflict("is_banned", "This account is banned from the room. Lift the ban first."),
        _ => RoomProblems.NoSuchRoom(),
    };

    private static bool? CheckVisibility(string? visibility, List<FieldError> errors)
    {
        if (visibility is not (null or "public" or "private"))
        {
            errors.Add(new FieldError("visibility", "invalid", "Visibility is \"public\" or \"private\"."));
        }

        return visibility is null ? null : visibility == "private";
    }
}
