using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `/api/whispers`: a page of what was whispered to the caller, as it went out.
/// Access tokens that are limited to rooms get none, as over MQTT.
/// </summary>
internal static class WhispersApi
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapApi("/api/whispers").MapGet("", Page)
        .WithTags("Whispers")
        .WithDescription(EventPage.Description)
        .RequireMember()
        .TakesAnswerSlot();

    public static bool MayRead(LoginSession who) => who.Scope.Rooms is null && who.Scope.Verbs.HasFlag(Verbs.Read);

    private static IResult Page(RoomDirectory rooms, ReadPositions positions, HttpContext context)
    {
        var who = context.SignedIn();
        if (!MayRead(who))
        {
            return RoomProblems.NoWhispers();
        }

        if (!EventPage.TryParse(context.Request.Query, out var page, out var problem))
        {
            return problem;
        }

        var inbox = rooms.InboxOf(who.Account);
        return positions.Find(who.Account, inbox) is not { } state ? Problems.NotSignedIn() : page.Read(inbox, writer =>
        {
            writer.WriteStartObject("read"u8);
            writer.WriteNumber("seq"u8, state.Seq);
            writer.WriteString("epoch"u8, state.Epoch);
            writer.WriteEndObject();
            writer.WriteNumber("unread"u8, state.Unread);
        });
    }
}
