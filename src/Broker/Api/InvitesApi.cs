using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Invites;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `/api/rooms/{room}/invites`, where who may invite makes links; and `/api/invites`, by which people come in. The secret is in the body,
/// for addresses are written into logs.
/// </summary>
internal static class InvitesApi
{
    private const int Week = 7 * 24 * 60;
    private const int LongestMinutes = 30 * 24 * 60;
    private const int MostUses = 1_000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var links = routes.MapApi("/api/rooms").WithTags("Invites").RequireMember();
        links.MapPost("{room}/invites", MakeAsync).Accepts<NewInvite>("application/json").Produces<MadeInvite>(StatusCodes.Status201Created)
            .WithDescription("Makes a link by which people come into the room; its secret is shown this once.");
        links.MapGet("{room}/invites", List).TakesAnswerSlot().Produces<InviteList>()
            .WithDescription("The links of a room that still let people in, for who may invite; without their secrets.");
        links.MapDelete("{room}/invites/{id}", RevokeAsync).WithDescription("Takes a link back: nobody comes in by it when this is answered.");

        var invites = routes.MapApi("/api/invites").WithTags("Invites");
        invites.MapPost("/look", LookAsync).OnlyReads().MayTakeRightsAway().Accepts<InviteSecret>("application/json").Produces<InviteView>()
            .WithDescription("Where a link leads, for anybody. Uses nothing up.");
        invites.MapGroup("").RequireMember().MapPost("", UseAsync).Accepts<InviteSecret>("application/json").Produces<EnteredRoom>()
            .WithDescription("Comes into the room by its link. Who is in already uses nothing up.");
    }

    private static async Task<IResult> MakeAsync(
        string room, RoomDirectory rooms, InviteLinks links, RoomInvitations invitations, HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, InviteJson.Default.NewInvite)).TryGet(out var asked, out var problem))
        {
            return problem;
        }

        if (RoomsApi.Visible(room, rooms, context) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        // Before what is asked for is looked at: whoever may not invite learns nothing.
        if (!MayInvite(found, context))
        {
            return NotAllowed();
        }

        List<FieldError> errors = [];
        if (asked.Minutes is < 1 or > LongestMinutes)
        {
            errors.Add(new FieldError("minutes", "invalid", "A link lasts for 1 to 43,200 minutes."));
        }

        if (asked.Uses is < 0 or > MostUses)
        {
            errors.Add(new FieldError("uses", "invalid", "A link lets 1 to 1,000 people in; 0: as many as come."));
        }

        if (errors.Count > 0)
        {
            return Problems.Fields(errors);
        }

        var (change, link, secret) = await links.MakeAsync(
            found, context.SignedIn().Account, TimeSpan.FromMinutes(asked.Minutes ?? Week), asked.Uses ?? 0);
        return change switch
        {
            RoomChange.Done => TypedResults.Json(
                new MadeInvite(link!.Id, context.OnHost("/i#" + secret), Timestamps.Format(link.Until), link.Uses),
                InviteJson.Default.MadeInvite,
                statusCode: StatusCodes.Status201Created),
            RoomChange.TooMany => RoomProblems.Conflict("too_many", "This room has as many invite links as it may. Take one back first."),
            RoomChange.NotAllowed => NotAllowed(),
            _ => RoomPeopleApi.Refused(change, invitations, context),
        };
    }

    private static IResult List(string room, RoomDirectory rooms, InviteLinks links, AccountDirectory accounts, HttpContext context) =>
        RoomsApi.Visible(room, rooms, context) is not { } found ? RoomProblems.NoSuchRoom()
        : !(/* guard: who sees invite links */ MayInvite(found, context)) ? NotAllowed()
        : TypedResults.Json(
            new InviteList([.. links.OpenOf(found).Select(link => InviteLinkView.Of(link, accounts.Find(link.By)))]), InviteJson.Default.InviteList);

    private static async Task<IResult> RevokeAsync(string room, string id, RoomDirectory rooms, InviteLinks links, HttpContext context)
    {
        if (RoomsApi.Visible(room, rooms, context) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        return !MayInvite(found, context) ? NotAllowed() : await links.RevokeAsync(found, context.SignedIn().Account, id) switch
        {
            RoomChange.Done => TypedResults.NoContent(),
            RoomChange.NotAllowed => NotAllowed(),
            _ => NoSuchInvite(),
        };
    }

    private static async Task<IResult> LookAsync(InviteLinks links, InviteTries tries, RequestSignIn signIn, HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, InviteJson.Default.InviteSecret, JsonBody.StrangersBytes)).TryGet(out var body, out var problem))
        {
            return problem;
        }

        // Who is signed in is counted as for any call.
        if (signIn.Find(context.Request) is null && tries.Take(context.Connection.RemoteIpAddress) is { } wait)
        {
            return Problems.Of(new Refusal.TooManyAttempts(wait), context);
        }

        return links.Look(body.Secret) is { } found ? TypedResults.Json(InviteView.Of(found), InviteJson.Default.InviteView) : NoSuchInvite();
    }

    private static async Task<IResult> UseAsync(InviteLinks links, RoomMembers members, HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, InviteJson.Default.InviteSecret, JsonBody.StrangersBytes)).TryGet(out var body, out var problem))
        {
            return problem;
        }

        var who = context.SignedIn();
        if (links.Find(body.Secret) is not { } found
            || !(/* guard: a token's rooms, invite links */ who.Scope.Allows(found.Room.Id.Value, Verbs.Read)))
        {
            return NoSuchInvite();
        }

        return await links.UseAsync(found, body.Secret!, who.Account) switch
        {
            InviteUse.Done => TypedResults.Json(new EnteredRoom(found.Room.Id.Value), InviteJson.Default.EnteredRoom),
            InviteUse.KeptOut when members.WhyKeptOut(found.Room, who.Account, hasLink: true) is { } refusal => RoomProblems.Of(refusal, context),
            InviteUse.GuestsWait when RoomMembers.WhyGuestsWait(found.Room, who.Account) is { } wait => RoomProblems.Of(wait, context),
            InviteUse.NotForGuests => Problems.Of(new Refusal.NotForGuests(), context),
            InviteUse.RoomFull => RoomProblems.Conflict(TalkRefusals.RoomFull.Notice, TalkRefusals.RoomFull.Reason),
            _ => NoSuchInvite(),
        };
    }

    private static bool MayInvite(Room room, HttpContext context) =>
        (/* guard: a token's verbs, invite links */ context.SignedIn().Scope.Allows(room.Id.Value, Verbs.Moderate))
        && RoomPolicy.MayInvite(room, context.SignedIn().Account);

    private static ProblemHttpResult NotAllowed() => RoomProblems.Forbidden(
        "not_allowed", "Only who may invite into the room, and access tokens with the verb moderate, make, see and take back its links.");

    // One answer, whatever became of the link: who asks does not learn of rooms.
    private static ProblemHttpResult NoSuchInvite() =>
        RoomProblems.NotFound("no_such_invite", "This link does not work any more. Ask for a new one.");
}
