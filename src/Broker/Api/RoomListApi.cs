using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `GET /api/rooms`: the rooms that the caller may see, page by page, those that are looked for, or all at once as version 1 began.
/// </summary>
/// <remarks>
/// A page is chosen before anything of its rooms is counted or written,
/// and whoever has it already (`If-None-Match`) is told so without a line of JSON.
/// </remarks>
internal static class RoomListApi
{
    private const int RoomsPerPage = 50;
    private const int LongestPage = 200;
    private const int LongestQuery = 100;

    public static void Map(RouteGroupBuilder rooms) => rooms.MapGet("", List).TakesAnswerSlot(ofList: true).MayBeCompressed();

    private static IResult List(
        string? query,
        string? mine,
        string? cursor,
        string? limit,
        string? tag,
        string? sort,
        RoomDirectory rooms,
        RoomOrders orders,
        RoomInvitations invitations,
        RoomViews views,
        HttpContext context)
    {
        if (PageLength.Read(limit, RoomsPerPage, LongestPage) is not { } most)
        {
            return Problems.Field("limit", "invalid", "A page has 1 to 200 rooms.");
        }

        if (query is { Length: > LongestQuery })
        {
            return Problems.Field("query", "too_long", "At most 100 characters are looked for.");
        }

        if (mine is not (null or "true" or "false"))
        {
            return Problems.Field("mine", "invalid", "\"mine\" is true or false.");
        }

        if (tag is not null && RoomTags.IsTooLong(tag.Trim()))
        {
            return Problems.Field("tag", "too_long", "A tag has at most 24 characters.");
        }

        if (SortOf(sort) is not { } order)
        {
            return Problems.Field("sort", "invalid", "\"sort\" is one of: people, activity, name.");
        }

        if (sort is not null && mine == "true")
        {
            return Problems.Field("sort", "invalid", "Your own rooms come in the order of their ids.");
        }

        var after = cursor is null ? null : RoomPlace.Parse(cursor);
        if (cursor is not null && after is null)
        {
            return Problems.Field("cursor", "invalid", "Give the \"next\" of the page before.");
        }

        var who = context.SignedIn();
        var isMine = mine == "true";
        var isWhole = query is null && mine is null && cursor is null && limit is null && tag is null && sort is null;
        var words = SearchText.WordsOf(query);
        var wanted = tag is null ? null : SearchText.Of(tag.Trim());
        var sorted = isMine ? null : orders.By(order);
        var all = (sorted?.After(after) ?? MineOf(rooms, who.Account, after)).Where(one =>
            IsListed(one.Room)
            && RoomPolicy.MaySee(one.Room, who.Account.Id)
            && who.Scope.Allows(one.Room.Id.Value, Verbs.Read)
            && SearchText.HasAll(one.Room.Searched.Text, words)
            && (wanted is null || one.Room.Searched.Tags.Contains(wanted)));
        bool IsListed(Room room) => !(/* guard: archived rooms are in no list but one's own */ room.Record.Policy.Archived)
            || isMine
            || (isWhole && room.IsMember(who.Account.Id));

        // One more than is shown tells whether there are more.
        List<(RoomPlace Place, Room Room)> found = [.. isWhole ? all : all.Take(most + 1)];
        var shown = isWhole ? found : found[..Math.Min(most, found.Count)];
        var shownAs = views.Of([.. shown.Select(one => one.Room)], who.Account, withActivity: sort is not null);
        InvitationView[]? invited = cursor is not null ? null
        : [
            .. invitations.OpenOf(who.Account)
                .Where(one => who.Scope.Allows(one.Room.Id.Value, Verbs.Read))
                .Select(one => InvitationView.Of(one.Room, one.By, one.At)),
        ];
        RoomList list = new(shownAs, invited, found.Count > shown.Count ? shown[^1].Place.ToString() : null, sort is null || cursor is not null ? null : sorted?.Tags);

        var version = VersionOf(list);
        context.Response.Headers.ETag = version;
        if (context.Request.Headers.IfNoneMatch == version)
        {
            return TypedResults.StatusCode(StatusCodes.Status304NotModified);
        }

        // Made whole, so that its length is told before it is written: it decides whether the answer is compressed.
        return TypedResults.Bytes(JsonSerializer.SerializeToUtf8Bytes(list, RoomsJson.Default.RoomList).AsMemory(), "application/json; charset=utf-8");
    }

    // On its list, or made by it; those that are archived at the end.
    private static IEnumerable<(RoomPlace Place, Room Room)> MineOf(RoomDirectory rooms, Account account, RoomPlace? after) =>
        rooms.RoomsOf(account.Id).Union(rooms.OwnedBy(account.Id))
            .Select(room => (Place: new RoomPlace(room.Record.Policy.Archived ? 0 : 1, "", room.Id.Value), Room: room))
            .Where(one => after is null || one.Place.CompareTo(after) > 0)
            .OrderBy(one => one.Place);

    // Null: it is none.
    private static RoomSort? SortOf(string? sort) => sort switch
    {
        null or "people" => RoomSort.People,
        "activity" => RoomSort.Activity,
        "name" => RoomSort.Name,
        _ => null,
    };

    // Weak: the same list compressed is the same list.
    private static string VersionOf(RoomList list)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var room in list.Rooms)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(room.ToString()));
        }

        foreach (var invitation in list.Invited ?? [])
        {
            hash.AppendData(Encoding.UTF8.GetBytes(invitation.ToString()));
        }

        foreach (var tag in list.Tags ?? [])
        {
            hash.AppendData(Encoding.UTF8.GetBytes(tag.ToString()));
        }

        hash.AppendData(Encoding.UTF8.GetBytes(list.Next ?? "end"));
        return $"W/\"{Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 12))}\"";
    }
}
