using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms/{room}/events`: a page of a room's history, as the events went out.</summary>
internal static class EventsApi
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapApi("/api/rooms").MapGet("{room}/events", Page)
        .WithTags("Rooms")
        .WithDescription(EventPage.Description)
        .RequireMember()
        .TakesAnswerSlot()
        .MayBeCompressed();

    private static IResult Page(string room, RoomDirectory rooms, IEventLog log, HttpContext context)
    {
        var who = context.SignedIn();
        if ((/* guard: a token's rooms, history */ !who.Scope.Allows(room, Verbs.Read)) || (/* guard: history of rooms that are mine */ rooms.FindVisible(room, who.Account.Id)) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        return EventPage.TryParse(context.Request.Query, out var page, out var problem) ? page.Read(found, log) : problem;
    }
}
