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
        var bans = ViewsOf(found, accounts)
            .Where(one => after is null || string.CompareOrdinal(one.User, after) > 0)
            .OrderBy(one => one.User, StringComparer.Ordinal)
            .Take(most + 1)
            .ToList();
        var shown = bans.Take(most).ToArray();
        return TypedResults.Json(new BanList(shown, bans.Count > most ? shown[^1].User : null), RoomsJson.Default.BanList);
    }

    private static IEnumerable<BanView> ViewsOf(Room room, AccountDirectory accounts)
    {
        // A guest may have had several addresses.
        var byAddress = room.AddressBans.Holding.Select(one => one.Value).DistinctBy(ban => ban.Account).ToDictionary(ban => ban.Account);
        foreach (var (id, restraint) in room.Restraints.Holding.Where(one => one.Value.IsLasting))
        {
            if (accounts.Find(id) is { } account)
            {
                byAddress.Remove(id, out var ban);
                yield return new BanView(
                    account.UserName,
                    account.DisplayName,
                    account.IsGuest ? "guest" : "person",
                    DetailsOf(restraint.Ban, accounts),
                    DetailsOf(restraint.Mute, accounts),
                    DetailsOf(ban, accounts));
            }
        }

        foreach (var ban in byAddress.Values)
        {
            yield return new BanView(ban.User, ban.Name, "guest", null, null, DetailsOf(ban, accounts));
        }
    }

    private static BanDetails? DetailsOf(AddressBan? ban, AccountDirectory accounts) =>
        ban is null ? null : DetailsOf(new Restriction(ban.By, ban.At, ban.Until), accounts);

    private static BanDetails? DetailsOf(Restriction? one, AccountDirectory accounts) => one is null ? null : new BanDetails(
        accounts.Find(one.By)?.UserName, Timestamps.Format(one.At), one.Until is { } until ? Timestamps.Format(until) : null, one.Reason);
}
