using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/rooms/{room}/audit`: who did what to whom in a room, and why, for those who look after it.</summary>
internal static class AuditApi
{
    private const int EntriesPerPage = 50;
    private const int LongestPage = 200;

    public static void Map(RouteGroupBuilder rooms) => rooms.MapGet("{room}/audit", Page)
        .TakesAnswerSlot()
        .Produces<AuditPage>()
        .WithDescription(
            "Who did what to whom in the room, and why, the newest first: kicks, bans, mutes and their ends, who was taken off the list, "
            + "roles, rules, deletions of what others said. For its moderators, administrators, and access tokens with the verb moderate. "
            + "before: next of the page before; "
            + "limit: 1 to 200, 50 if left out.");

    private static IResult Page(
        string room, string? before, string? limit, RoomDirectory rooms, RoomIds ids, IRecords records, HttpContext context)
    {
        var who = context.SignedIn();

        // Looked up once: a room that ends just now is the one whose rights are asked, or a former one.
        var found = rooms.Find(room) is { IsDeleted: false } there ? there : null;
        if (KeyOf(room, found, ids, context) is not { } key)
        {
            return RoomProblems.NoSuchRoom();
        }

        if (!(/* guard: a token's verbs, audit */ who.Scope.Allows(room, Verbs.Moderate))
            || (found is not null && !(/* guard: who sees what moderators did */ RoomPolicy.MayModerate(found, who.Account, null))))
        {
            return RoomProblems.Forbidden(
                "not_allowed", "Only moderators of the room, and access tokens with the verb moderate, see who did what there.");
        }

        if (PageLength.Read(limit, EntriesPerPage, LongestPage) is not { } most)
        {
            return Problems.Field("limit", "invalid", "A page has 1 to 200 entries.");
        }

        if (before is not null && !AuditRecord.IsPlace(before))
        {
            return Problems.Field("before", "invalid", "\"before\" is the next of the page before.");
        }

        // One more than is shown tells whether there are more.
        var prefix = AuditRecord.PrefixOf(key);
        var page = records.ReadPage(prefix, before is null ? [] : [.. prefix, .. System.Text.Encoding.ASCII.GetBytes(before)], most + 1);
        var shown = page.Take(most).ToArray();
        return TypedResults.Json(
            new AuditPage(
                [.. shown.Select(one => ViewOf(AuditRecord.PlaceOf(one.Key), AuditRecord.Read(one.Value))).OfType<AuditView>()],
                page.Count > most ? shown.Select(one => AuditRecord.PlaceOf(one.Key)).LastOrDefault(AuditRecord.IsPlace) : null),
            AuditPageJson.Default.AuditPage);
    }

    // Of a room that was deleted administrators alone learn who did it: nobody else has a right there any more.
    private static string? KeyOf(string room, Room? found, RoomIds ids, HttpContext context)
    {
        var who = context.SignedIn();
        return found is not null ? (RoomsApi.IsVisible(found, context) ? found.Key : null)
            : (/* guard: who sees what was done in a deleted room */ who.Account.Profile.IsAdministrator && RoomsApi.IsWhole(who))
                ? ids.FormerOf(room)?.Key
            : null;
    }

    // Null: a later version wrote it.
    private static AuditView? ViewOf(string place, AuditRecord? one) => one is null || !AuditRecord.IsPlace(place) ? null : new AuditView(
        Timestamps.Format(AuditRecord.AtOf(place)),
        one.Type,
        one.By,
        one.Target,
        one.Reason,
        one.Until is { } until ? Timestamps.Format(until) : null,
        one.Role,
        one.Of,
        one.Changes,
        one.DeleteSince);
}

/// <param name="Next">To be given as `before` for the next page; null: this is the last.</param>
internal sealed record AuditPage(AuditView[] Entries, string? Next);

/// <summary>See <see cref="AuditRecord"/>.</summary>
internal sealed record AuditView(
    string At,
    string Type,
    AuditPerson From,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] AuditPerson? Target,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Until,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Of,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonElement? Changes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? DeleteSince);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(AuditPage))]
internal sealed partial class AuditPageJson : JsonSerializerContext;
