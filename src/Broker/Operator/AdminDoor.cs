using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Api;

namespace WebMessenger.Broker.Operator;

/// <summary>What the operator asks of one account.</summary>
/// <param name="Act">ban, unban, sessions, link, erase, admin or unadmin.</param>
/// <param name="Tokens">The access tokens end, too.</param>
internal sealed record AccountAct(string? Act, string? User, DateTimeOffset? Until = null, string? Reason = null, bool Tokens = false);

/// <param name="Act">owner, archive, unarchive or delete.</param>
/// <param name="User">Of owner: who has the room from then on.</param>
internal sealed record RoomOrder(string? Act, string? Room, string? User = null);

/// <summary>What came of it; a part is left out where there is none of it.</summary>
internal sealed record AdminDone(AccountView? Account = null, LinkView? Link = null, AdminRoomView? Room = null);

/// <summary>`/api/operator/v1/admin/…` of the operator's door: what administrators do at `/api/admin`, by the same code.</summary>
internal sealed class AdminDoor(
    ServerOverview overview, AdminAccounts accounts, AdminRooms rooms, ServerAudit audit, ChangedSettings settings, PasswordLinkService links)
{
    public const string Root = "/api/operator/v1/admin/";

    /// <summary>Entries of a page, of which a command asks for all.</summary>
    public const int PageLength = 200;

    // Of a request, in bytes: a change of all settings is a twentieth of it.
    private const int LongestRequest = 64 * 1024;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Root + "overview", () => TypedResults.Json(overview.Look(), AdminJson.Default.Overview));
        routes.MapGet(Root + "accounts", (string? query, string? filter, string? cursor) => AdminApi.ReadFilter<AccountFilter>(filter) is { } wanted
            ? TypedResults.Json(accounts.Page(query, wanted, cursor, PageLength), AdminJson.Default.AccountsPage)
            : OperatorApi.Refused("A filter of accounts is all, administrators, banned or guests."));
        routes.MapGet(Root + "rooms", (string? query, string? filter, string? cursor) => AdminApi.ReadFilter<RoomsWanted>(filter) is { } wanted
            ? TypedResults.Json(rooms.Page(query, wanted, cursor, PageLength), AdminJson.Default.RoomsPage)
            : OperatorApi.Refused("A filter of rooms is all, public, private, orphaned or archived."));
        routes.MapGet(Root + "audit", (string? before) => TypedResults.Json(audit.Page(before, PageLength), AdminJson.Default.AuditEntries));
        routes.MapGet(Root + "settings", () => TypedResults.Json(settings.All(), AdminJson.Default.SettingsPage));
        routes.MapPost(Root + "settings", async context => await (await ChangeAsync(context)).ExecuteAsync(context));
        routes.MapPost(Root + "account", async context => await (await ActAsync(context)).ExecuteAsync(context));
        routes.MapPost(Root + "room", async context => await (await OrderAsync(context)).ExecuteAsync(context));
    }

    private async Task<IResult> ChangeAsync(HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, AdminJson.Default.DictionaryStringJsonElement, LongestRequest)).TryGet(out var asked, out var problem))
        {
            return problem;
        }

        var outcome = await settings.ChangeAsync(AdminActor.Operator, asked);
        return outcome.Done is { } done ? TypedResults.Json(done, AdminJson.Default.SettingsPage) : OperatorApi.Refused(outcome.Refused!.Detail);
    }

    private async Task<IResult> ActAsync(HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, AdminDoorJson.Default.AccountAct, LongestRequest)).TryGet(out var asked, out var problem))
        {
            return problem;
        }

        var (by, user) = (AdminActor.Operator, asked.User ?? "");
        return asked.Act switch
        {
            "ban" => Answer(await accounts.BanAsync(by, user, asked.Until, asked.Reason), done => new AdminDone(Account: done)),
            "unban" => Answer(await accounts.UnbanAsync(by, user), done => new AdminDone(Account: done)),
            "sessions" => Answer(await accounts.EndSessionsAsync(by, user, asked.Tokens), done => new AdminDone(Account: done)),
            "link" => Answer(await accounts.LinkAsync(by, user, null, links.Pages), done => new AdminDone(Link: done)),
            "erase" => Answer(await accounts.EraseAsync(by, user, null), _ => new AdminDone()),
            "admin" => Answer(await accounts.SetAdministratorAsync(by, user, isAdministrator: true, null), _ => new AdminDone()),
            "unadmin" => Answer(await accounts.SetAdministratorAsync(by, user, isAdministrator: false, null), _ => new AdminDone()),
            _ => OperatorApi.Refused("It is ban, unban, sessions, link, erase, admin or unadmin."),
        };
    }

    private async Task<IResult> OrderAsync(HttpContext context)
    {
        if (!(await JsonBody.ReadAsync(context.Request, AdminDoorJson.Default.RoomOrder, LongestRequest)).TryGet(out var asked, out var problem))
        {
            return problem;
        }

        return asked.Act switch
        {
            "owner" => Answer(await rooms.GiveAsync(AdminActor.Operator, asked.Room ?? "", asked.User), done => new AdminDone(Room: done)),
            "archive" => Answer(await rooms.ArchiveAsync(AdminActor.Operator, asked.Room ?? "", isArchived: true), done => new AdminDone(Room: done)),
            "unarchive" => Answer(await rooms.ArchiveAsync(AdminActor.Operator, asked.Room ?? "", isArchived: false), done => new AdminDone(Room: done)),
            "delete" => Answer(await rooms.DeleteAsync(AdminActor.Operator, asked.Room ?? "", null), _ => new AdminDone()),
            _ => OperatorApi.Refused("It is owner, archive, unarchive or delete."),
        };
    }

    private static IResult Answer<T>(AdminOutcome<T> outcome, Func<T, AdminDone> done)
        where T : class => outcome.Done is { } it
            ? TypedResults.Json(done(it), AdminDoorJson.Default.AdminDone) : OperatorApi.Refused(outcome.Refused!.Detail);
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AccountAct))]
[JsonSerializable(typeof(RoomOrder))]
[JsonSerializable(typeof(AdminDone))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
internal sealed partial class AdminDoorJson : JsonSerializerContext;
