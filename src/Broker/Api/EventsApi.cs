using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms/{room}/events`: a page of a room's history, as the events went out; and acts on the room, which are commands
/// as over MQTT.</summary>
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
            .WithDescription("Gives a role, or changes the room: the same as publishing the command to `rooms/{room}`.");
    }

    private static IResult Page(string room, RoomDirectory rooms, IEventLog log, HttpContext context)
    {
        var who = context.SignedIn();
        if ((/* guard: a token's rooms, history */ !who.Scope.Allows(room, Verbs.Read))
            || rooms.Find(room) is not { } found
            || /* guard: history of rooms that are mine */ !RoomPolicy.MayRead(found, who.Account))
        {
            return RoomProblems.NoSuchRoom();
        }

        return EventPage.TryParse(context.Request.Query, out var page, out var problem) ? page.Read(found, log) : problem;
    }

    private static async Task<IResult> ActAsync(string room, RoomDirectory rooms, RoomActs acts, HttpContext context)
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
        if (asked.ToAct(errors) is not { } act)
        {
            return Problems.Fields(errors);
        }

        if (Command.Of(act, asked.Id, out var wrong) is not { } command)
        {
            return Problems.Field("id", "invalid", wrong);
        }

        if (!(/* guard: a token's verbs, acts over HTTP */ who.Scope.Allows(room, Verbs.Moderate)))
        {
            return RoomProblems.Forbidden("not_allowed", "This access token may not do this: it lacks the verb moderate.");
        }

        var done = await acts.ActAsync(found, command, who);
        return done.Refusal is { } refusal ? RoomProblems.Of(refusal, context)
            : done.Seq == 0 ? TypedResults.NoContent()
            : TypedResults.Json(
                new EventPlace(found.Id.Value, done.Seq, done.Epoch),
                RoomsJson.Default.EventPlace,
                statusCode: done.IsRepeated ? StatusCodes.Status200OK : StatusCodes.Status201Created);
    }
}
