using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.ReadMarks;
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
        RoomDirectory rooms,
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

        ListPlace? after = null;
        if (cursor is not null && !ListPlace.TryParse(cursor, out after))
        {
            return Problems.Field("cursor", "invalid", "Give the \"next\" of the page before.");
        }

        var who = context.SignedIn();
        var isMine = mine == "true";
        var isWhole = query is null && mine is null && cursor is null && limit is null;
        var words = SearchText.WordsOf(query);
        var all = (isMine ? MineOf(rooms, who.Account) : rooms.All)
            .Where(room => RoomPolicy.MaySee(room, who.Account.Id) && who.Scope.Allows(room.Id.Value, Verbs.Read) && SearchText.HasAll(room.SearchText, words))
            .Select(room => (Room: room, Place: new ListPlace(isMine ? 0 : room.People, room.Id.Value)))
            .Where(one => after is null || ListPlace.Compare(one.Place, after) > 0)
            .OrderBy(one => one.Place, Comparer<ListPlace>.Create(ListPlace.Compare));

        // One more than is shown tells whether there are more.
        var found = (isWhole ? all : all.Take(most + 1)).ToList();
        var shown = isWhole ? found : [.. found.Take(most)];
        RoomView[] shownAs = views.Of([.. shown.Select(one => one.Room)], who.Account);
        InvitationView[]? invited = cursor is not null ? null
        : [
            .. invitations.OpenOf(who.Account)
                .Where(one => who.Scope.Allows(one.Room.Id.Value, Verbs.Read))
                .Select(one => InvitationView.Of(one.Room, one.By, one.At)),
        ];
        RoomList list = new(shownAs, invited, found.Count > shown.Count ? shown[^1].Place.ToString() : null);

        var tag = TagOf(list);
        context.Response.Headers.ETag = tag;
        if (context.Request.Headers.IfNoneMatch == tag)
        {
            return TypedResults.StatusCode(StatusCodes.Status304NotModified);
        }

        // Made whole, so that its length is told before it is written: it decides whether the answer is compressed.
        return TypedResults.Bytes(JsonSerializer.SerializeToUtf8Bytes(list, RoomsJson.Default.RoomList).AsMemory(), "application/json; charset=utf-8");
    }

    // On its list, or made by it.
    private static IEnumerable<Room> MineOf(RoomDirectory rooms, Account account) =>
        rooms.RoomsOf(account.Id).Union(rooms.OwnedBy(account.Id));

    // Weak: the same list compressed is the same list.
    private static string TagOf(RoomList list)
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

        hash.AppendData(Encoding.UTF8.GetBytes(list.Next ?? "end"));
        return $"W/\"{Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 12))}\"";
    }

    /// <summary>Where a room stands in the list: the busiest first.</summary>
    private sealed record ListPlace(int People, string Id)
    {
        public static int Compare(ListPlace one, ListPlace other) =>
            one.People != other.People ? other.People.CompareTo(one.People) : string.CompareOrdinal(one.Id, other.Id);

        public static bool TryParse(string cursor, out ListPlace? place)
        {
            var dot = cursor.IndexOf('.', StringComparison.Ordinal);
            place = dot > 0 && int.TryParse(cursor.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var people) ? new ListPlace(people, cursor[(dot + 1)..]) : null;
            return place is not null;
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{People}.{Id}");
    }
}
