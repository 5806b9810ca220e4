using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms/{room}/events`: a page of a room's history, as the events went out; and what is said and done there, which are
/// commands as over MQTT.</summary>
internal static class EventsApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var rooms = routes.MapApi("/api/rooms").WithTags("Rooms").RequireMember();
        rooms.MapGet("{room}/events", Page)
            .WithDescription(EventPage.Description)
            .TakesAnswerSlot()
            .MayBeCompressed();
        rooms.MapPost("{room}/events", ActAsync)
            .MayTakeRightsAway()
            .Accepts<RoomCommand>("application/json")
            .WithDescription(
                "Says something, throws dice, edits, deletes or pins a message or reacts to it, gives a role, kicks, bans or mutes somebody, "
                + "or changes the room: the same as publishing the command to `rooms/{room}`.");
    }

    private static IResult Page(string room, RoomDirectory rooms, IEventLog log, IRecords records, HttpContext context)
    {
        var who = context.SignedIn();
        if ((/* guard: a token's rooms, history */ !who.Scope.Allows(room, Verbs.Read))
            || rooms.Find(room) is not { } found
            || /* guard: history of rooms that are mine */ !RoomPolicy.MayRead(found, who.Account))
        {
            return RoomProblems.NoSuchRoom();
        }

        return EventPage.TryParse(context.Request.Query, out var page, out var problem)
            ? page.Read(found, reactions: new ReactionsOfPage(records, log, found.Log, who.Account.Id)) : problem;
    }

    private static async Task<IResult> ActAsync(
        string room, RoomDirectory rooms, RoomActs acts, MessageActs messageActs, Sayings sayings, PublishBudgets budgets, HttpContext context)
    {
        var who = context.SignedIn();
        if (RoomsApi.Visible(room, rooms, context) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        if (!(await JsonBody.ReadAsync(context.Request, RoomCommandJson.Default.RoomCommand)).TryGet(out var asked, out var problem))
        {
            return problem;
        }

        List<FieldError> errors = [];
        if (asked.ToCommand(asked.Id, errors, CommandTypes.OfRooms) is not { } command)
        {
            return Problems.Fields(errors);
        }

        var isOnMessage = command.Act is MessageAct;
        if (command.Act is not null && !(/* guard: a token's verbs, acts over HTTP */ isOnMessage || who.Scope.Allows(room, Verbs.Moderate)))
        {
            return RoomProblems.Forbidden("not_allowed", "This access token may not do this: it lacks the verb moderate.");
        }

        if (command.Act is not null && (/* guard: publishes of an account, acts over HTTP */ budgets.WhyNot(who.Account.Id)) is { } tooMany)
        {
            return RoomProblems.Of(tooMany, context);
        }

        if (command.Act is null)
        {
            NodeAnswers.TakesNothingAway(context);
        }

        var done = command.Act is null ? await sayings.SayAsync(found, command, who)
            : isOnMessage ? await messageActs.ActAsync(found, new AskedAct(command, who))
            : await acts.ActAsync(found, command, who);
        return done.Refusal is { } refusal ? RoomProblems.Of(refusal, context)
            : done.Seq == 0 ? TypedResults.NoContent()
            : TypedResults.Json(
                new EventPlace(found.Id.Value, done.Seq, done.Epoch, done.ByAddress),
                RoomsJson.Default.EventPlace,
                statusCode: done.IsRepeated ? StatusCodes.Status200OK : StatusCodes.Status201Created);
    }
}
