using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Invites;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms/{room}/requests`: who asks to be let into a room, and what who looks after it answers.</summary>
internal static class JoinRequestsApi
{
    private const int RequestsPerPage = 100;
    private const int LongestPage = 200;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var rooms = routes.MapApi("/api/rooms").WithTags("Requests").RequireMember();
        rooms.MapPost("{room}/requests", AskAsync).Accepts<NewJoinRequest>("application/json")
            .Produces<JoinRequestState>(StatusCodes.Status201Created)
            .WithDescription("Asks to be let into a public room whose entry is request. 200: it was asked before and waits.");
        rooms.MapGet("{room}/requests/me", Mine).Produces<MyJoinRequest>().WithDescription("What the caller has asked; null: nothing that waits.");
        rooms.MapDelete("{room}/requests/me", TakeBackAsync).WithDescription("Takes it back.");
        rooms.MapGet("{room}/requests", List).TakesAnswerSlot().Produces<JoinRequestList>()
            .WithDescription(
                "Who asks to be let in, by user name; for moderators of the room, administrators, and access tokens with the verb moderate. "
                + "after: next of the page before; limit: 1 to 200, 100 if left out.");
        rooms.MapPut("{room}/requests/{user}", AnswerAsync).Accepts<JoinAnswer>("application/json")
            .WithDescription("Puts who asks on the room's list, or declines; then he does not ask again for seven days.");
    }

    private static async Task<IResult> AskAsync(string room, RoomDirectory rooms, JoinRequests requests, HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, JoinRequestJson.Default.NewJoinRequest)).TryGet(out var asked, out var problem))
        {
            return problem;
        }

        if (RoomsApi.Visible(room, rooms, context) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        List<FieldError> errors = [];
        var note = PlainLine.Checked(asked.Note, "note", JoinRequests.NoteLength, "A note has at most 200 characters.", errors) ?? "";
        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        var who = context.SignedIn();
        var (outcome, request) = await requests.AskAsync(found, who, note);
        return outcome switch
        {
            JoinOutcome.Done or JoinOutcome.Waits => TypedResults.Json(
                JoinRequestState.Of(request!),
                JoinRequestJson.Default.JoinRequestState,
                statusCode: outcome == JoinOutcome.Done ? StatusCodes.Status201Created : StatusCodes.Status200OK),
            JoinOutcome.IsIn => TypedResults.NoContent(),
            JoinOutcome.Archived => RoomProblems.HeldBack(TalkRefusals.Archived),
            JoinOutcome.NotForGuests => Problems.Of(new Refusal.NotForGuests(), context),
            JoinOutcome.TakesNone => RoomProblems.Forbidden(
                "not_allowed", "Into this room nobody is let in who asks: everybody comes in, or who is invited."),
            JoinOutcome.Declined => RoomProblems.TooOften(
                "declined", "You were not let in. Ask again in some days.", requests.WaitAfter(request!), context),
            JoinOutcome.TooMany => RoomProblems.Conflict("too_many", "As many people as may wait to be let into this room. Ask again later."),
            JoinOutcome.TriedTooOften => RoomProblems.TooOften(
                "too_many_attempts",
                "You have asked to be let into as many rooms today as you may. Try again later.",
                requests.WaitForNext(who.Account),
                context),
            JoinOutcome.OverQuota => RoomProblems.TooOften(
                "quota", "This account has stored as much today as it may. Try again later.", TimeSpan.FromHours(1), context),
            _ => RoomProblems.NoSuchRoom(),
        };
    }

    private static IResult Mine(string room, RoomDirectory rooms, JoinRequests requests, HttpContext context) =>
        RoomsApi.Visible(room, rooms, context) is not { } found ? RoomProblems.NoSuchRoom()
        : TypedResults.Json(
            new MyJoinRequest(requests.OpenOf(found, context.SignedIn().Account) is { } open ? JoinRequestState.Of(open) : null),
            JoinRequestJson.Default.MyJoinRequest);

    private static async Task<IResult> TakeBackAsync(string room, RoomDirectory rooms, JoinRequests requests, HttpContext context) =>
        RoomsApi.Visible(room, rooms, context) is not { } found ? RoomProblems.NoSuchRoom()
        : await requests.TakeBackAsync(found, context.SignedIn().Account) == JoinOutcome.Done ? TypedResults.NoContent()
        : NoSuchRequest();

    private static IResult List(string room, string? after, string? limit, RoomDirectory rooms, JoinRequests requests, HttpContext context)
    {
        if (WhyNotAnswer(room, rooms, context, out var found) is { } refused)
        {
            return refused;
        }

        if (PageLength.Read(limit, RequestsPerPage, LongestPage) is not { } most)
        {
            return Problems.Field("limit", "invalid", "A page has 1 to 200 requests.");
        }

        // One more than is shown tells whether there are more.
        var page = requests.Waiting(found!)
            .Where(one => after is null || string.CompareOrdinal(one.Account.UserName, after) > 0).Take(most + 1).ToList();
        return TypedResults.Json(
            new JoinRequestList(
                [.. page.Take(most).Select(one => JoinRequestView.Of(one.Account, one.Request))],
                page.Count > most ? page[most - 1].Account.UserName : null),
            JoinRequestJson.Default.JoinRequestList);
    }

    private static async Task<IResult> AnswerAsync(
        string room, string user, RoomDirectory rooms, JoinRequests requests, AccountDirectory accounts, HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, JoinRequestJson.Default.JoinAnswer)).TryGet(out var asked, out var problem))
        {
            return problem;
        }

        // Before the name is looked up: who may not answer learns nothing of names.
        if (WhyNotAnswer(room, rooms, context, out var found) is { } refused)
        {
            return refused;
        }

        if (asked.Accept is not { } accepts)
        {
            return Problems.Field("accept", "required", "\"accept\" is true or false.");
        }

        var by = context.SignedIn().Account;
        var outcome = accounts.FindByUserName(user) is not { } account ? JoinOutcome.NoSuchRequest
            : accepts ? await requests.AcceptAsync(found!, account, by)
            : await requests.DeclineAsync(found!, account, by);
        return outcome switch
        {
            JoinOutcome.Done => TypedResults.NoContent(),
            JoinOutcome.RoomFull => RoomProblems.Conflict(TalkRefusals.RoomFull.Notice, "The room is full. Let them in when somebody has left."),
            JoinOutcome.Archived => RoomProblems.HeldBack(TalkRefusals.Archived),
            JoinOutcome.Muted when RoomPolicy.WhyMuted(found!, by) is { } muted => RoomProblems.Of(muted, context),
            JoinOutcome.KeptOut or JoinOutcome.Muted => RoomProblems.Conflict("conflict", "This person cannot come in just now. Try again in a minute."),
            JoinOutcome.NotAllowed => NotAllowed(),
            _ => NoSuchRequest(),
        };
    }

    // Null: the caller looks after the room.
    private static ProblemHttpResult? WhyNotAnswer(string room, RoomDirectory rooms, HttpContext context, out Room? found)
    {
        var who = context.SignedIn();
        found = RoomsApi.Visible(room, rooms, context);
        return found is null ? RoomProblems.NoSuchRoom()
            : (/* guard: a token's verbs, requests */ who.Scope.Allows(room, Verbs.Moderate))
                && (/* guard: who sees requests */ RoomPolicy.MayAnswerRequests(found, who.Account)) ? null
            : NotAllowed();
    }

    private static ProblemHttpResult NotAllowed() => RoomProblems.Forbidden(
        "not_allowed", "Only moderators of the room, and access tokens with the verb moderate, see and answer who asks to be let in.");

    private static ProblemHttpResult NoSuchRequest() => RoomProblems.NotFound("no_such_request", "Nobody of that name asks to be let in.");
}

/// <param name="Note">200 characters at most; may be left out.</param>
internal sealed record NewJoinRequest(string? Note);

/// <summary>It waits for an answer.</summary>
/// <param name="Until">From then on it is forgotten.</param>
internal sealed record JoinRequestState(string At, string Note, string Until)
{
    public static JoinRequestState Of(JoinRequest request) => new(Timestamps.Format(request.At), request.Note, Timestamps.Format(request.Until));
}

/// <param name="Request">Null: nothing waits.</param>
internal sealed record MyJoinRequest(JoinRequestState? Request);

internal sealed record JoinAnswer(bool? Accept);

/// <param name="Next">To be given as `after` for the next page; null: this is the last.</param>
internal sealed record JoinRequestList(JoinRequestView[] Requests, string? Next);

internal sealed record JoinRequestView(string User, string Name, string Kind, string Note, string At)
{
    public static JoinRequestView Of(Account account, JoinRequest request) =>
        new(account.UserName, account.DisplayName, "person", request.Note, Timestamps.Format(request.At));
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(NewJoinRequest))]
[JsonSerializable(typeof(JoinRequestState))]
[JsonSerializable(typeof(MyJoinRequest))]
[JsonSerializable(typeof(JoinAnswer))]
[JsonSerializable(typeof(JoinRequestList))]
internal sealed partial class JoinRequestJson : JsonSerializerContext;
