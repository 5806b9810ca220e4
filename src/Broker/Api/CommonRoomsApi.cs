using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/people/{user}/rooms`: what the caller and somebody else have in common. Only by the cookie: it is for the page.</summary>
internal static class CommonRoomsApi
{
    private const int Most = 100;

    public static void Map(IEndpointRouteBuilder routes) => routes.MapApi("/api/people").WithTags("Rooms").RequireCookie()
        .MapGet("{user}/rooms", List)
        .WithDescription("The rooms that you and this person are both in, by id, and since when they are.");

    // Nobody of that name, and somebody who is nowhere where the caller is, are one answer.
    private static JsonHttpResult<CommonRooms> List(string user, RoomDirectory rooms, AccountDirectory accounts, HttpContext context)
    {
        var me = context.SignedIn().Account;
        var other = accounts.FindByUserName(user);
        var common = other is null ? [] : rooms.RoomsOf(me.Id)
            .Where(room => RoomPolicy.MayHear(room, me))
            .Select(room => (Room: room, Theirs: /* guard: rooms in common are both's */ room.MembershipOf(other.Id)))
            .Where(both => both.Theirs is not null)
            .OrderBy(both => both.Room.Id.Value, StringComparer.Ordinal)
            .Take(Most)
            .Select(both => new CommonRoom(
                both.Room.Id.Value, both.Room.Record.Title, both.Theirs!.Record.Since is { } since ? Timestamps.Format(since) : null))
            .ToArray();
        return TypedResults.Json(new CommonRooms(common), RoomsJson.Default.CommonRooms);
    }
}
