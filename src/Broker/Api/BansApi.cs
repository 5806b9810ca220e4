using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms/{room}/bans`: who is banned from a room or muted there, for those who can lift it.</summary>
internal static class BansApi
{
    private const int BansPerPage = 100;
    private const int LongestPage = 200;

    public static void Map(RouteGroupBuilder rooms) => rooms.MapGet("{room}/bans", Page)
        .TakesAnswerSlot()
        .Produces<BanList>()
        .WithDescription(
            "Who is banned from the room or muted there, by whom, until when and why; for its moderators, and access tokens with the verb "
            + "moderate. By user name; after: next of the page before; limit: 1 to 200, 100 if left out.");

    private static IResult Page(
        string room, string? after, string? limit, RoomDirectory rooms, AccountDirectory accounts, HttpContext context)
    {
        var who = context.SignedIn();
        if (RoomsApi.Visible(room, rooms, context) is not { } found)
        {
            return RoomProblems.NoSuchRoom();
        }

        if (!(/* guard: a token's verbs, bans */ who.Scope.Allows(room, Verbs.Moderate))
            || !(/* guard: who sees whom a room holds back */ RoomPolicy.MayModerate(found, who.Account, null)))
        {
            return RoomProblems.Forbidden(
                "not_allowed", "Only moderators of the room, and access tokens with the verb moderate, see its bans.");
        }

        if (PageLength.Read(limit, BansPerPage, LongestPage) is not { } most)
        {
            return Problems.Field("limit", "invalid", "A page has 1 to 200 bans.");
        }

        // One more than is shown tells whether there are more.
        var bans = found.Restraints.Holding
            .Where(one => one.Value.IsLasting)
            .Select(one => (Account: accounts.Find(one.Key), one.Value))
            .Where(one => one.Account is not null && (after is null || string.CompareOrdinal(one.Account.UserName, after) > 0))
            .OrderBy(one => one.Account!.UserName, StringComparer.Ordinal)
            .Take(most + 1)
            .ToList();
        var shown = bans.Take(most).ToArray();
        return TypedResults.Json(
            new BanList(
                [.. shown.Select(one => new BanView(
                    one.Account!.UserName,
                    one.Account.DisplayName,
                    one.Account.IsGuest ? "guest" : "person",
                    DetailsOf(one.Value.Ban, accounts),
                    DetailsOf(one.Value.Mute, accounts)))],
                bans.Count > most ? shown[^1].Account!.UserName : null),
            RoomsJson.Default.BanList);
    }

    private static BanDetails? DetailsOf(Restriction? one, AccountDirectory accounts) => one is null ? null : new BanDetails(
        accounts.Find(one.By)?.UserName, Timestamps.Format(one.At), one.Until is { } until ? Timestamps.Format(until) : null, one.Reason);
}
