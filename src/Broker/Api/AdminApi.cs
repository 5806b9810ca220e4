using System.Text;
using System.Text.Json;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/admin`: looking after the server. For administrators by the cookie alone: no access token opens any of it.</summary>
internal static class AdminApi
{
    private const int EntriesPerPage = 50;
    private const int LongestPage = 200;
    private const int LongestQuery = 100;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var admin = routes.MapApi("/api/admin").WithTags("Administration").RequireCookie().RequireAdministrator();
        admin.MapGet("overview", (ServerOverview overview) => TypedResults.Json(overview.Look(), AdminJson.Default.Overview))
            .Produces<Overview>().WithSummary("How the server is: health, sizes, counts, rates.");
        admin.MapGet("figures", Figures).TakesAnswerSlot().Produces<FiguresView>().WithSummary("Curves of the last hour, day or week: hours is 1, 24 or 168.");
        admin.MapGet("audit", Audit).TakesAnswerSlot().Produces<AuditEntries>()
            .WithSummary("What administrators and the operator have done, the newest first. before: cursor of the page before; limit: 1 to 200.");
        admin.MapGet("settings", (ChangedSettings settings) => TypedResults.Json(settings.All(), AdminJson.Default.SettingsPage))
            .Produces<SettingsPage>().WithSummary("The settings that may be changed while the program runs.");

        // Also while the disk is nearly full: how much of it is kept free is one of them.
        admin.MapPatch("settings", ChangeAsync).MayTakeRightsAway().Accepts<Dictionary<string, JsonElement>>("application/json")
            .Produces<SettingsPage>().WithSummary("Set what is given, in effect at once; null: as the file of the program has it.");
        admin.MapPost("proof", ProveAsync).MayTakeRightsAway().Accepts<ProofRequest>("application/json")
            .WithSummary("Give the own password again; for five minutes acts that ask for it need it no more.");
        AdminAccountsApi.Map(admin);
        var rooms = admin.MapGroup("rooms");
        rooms.MapGet("", Rooms).TakesAnswerSlot().Produces<RoomsPage>()
            .WithSummary("All rooms, by id: how large and busy they are. filter: all, public, private, orphaned or archived; limit: 1 to 200.");
        rooms.MapPut("{room}/owner", GiveAsync).Accepts<OwnerAsked>("application/json").Produces<AdminRoomView>()
            .WithSummary("Give a room to somebody on its list.");
        rooms.MapPut("{room}/archive", (string room, HttpContext context, AdminRooms all) => ArchiveAsync(room, isArchived: true, context, all))
            .MayTakeRightsAway().Produces<AdminRoomView>().WithSummary("Archive a room: it is read and not written.");
        rooms.MapDelete("{room}/archive", (string room, HttpContext context, AdminRooms all) => ArchiveAsync(room, isArchived: false, context, all))
            .Produces<AdminRoomView>().WithSummary("Open an archived room again.");
        rooms.MapDelete("{room}", (string room, HttpContext context, AdminRooms all) =>
            AdminAccountsApi.ProvenAsync(context, password => all.DeleteAsync(context.Actor(), room, password))).WithSummary("Delete a room with all its events.");
    }

    /// <summary>Behind <see cref="ApiGroup.RequireCookie"/>.</summary>
    private static RouteGroupBuilder RequireAdministrator(this RouteGroupBuilder group)
    {
        group.AddEndpointFilter(async (call, next) =>
            (/* guard: the administrators' calls */ call.HttpContext.SignedIn().Account.Profile.IsAdministrator) ? await next(call) : AdminProblems.Of(AdminRefusal.NotInOffice, call.HttpContext));
        return group;
    }

    /// <summary>Who asks.</summary>
    internal static AdminActor Actor(this HttpContext context) => new(context.SignedIn(), context.Connection.RemoteIpAddress);

    /// <summary>What a list is asked for. Null: <paramref name="wrong"/> is the answer.</summary>
    internal static int? ReadPage(string? query, string? limit, out IResult? wrong)
    {
        var most = PageLength.Read(limit, EntriesPerPage, LongestPage);
        wrong = most is null ? Problems.Field("limit", "invalid", "A page has 1 to 200 entries.")
            : query is { Length: > LongestQuery } ? Problems.Field("query", "too_long", "At most 100 characters are looked for.")
            : null;
        return wrong is null ? most : null;
    }

    /// <summary>A cursor is the name that a page ended with. False: this is none.</summary>
    internal static bool TryReadCursor(string? cursor, out string? after)
    {
        after = cursor;
        return cursor is not { Length: 0 or > LongestQuery };
    }

    /// <summary>By its name; null: there is none of it.</summary>
    internal static TFilter? ReadFilter<TFilter>(string? name)
        where TFilter : struct, Enum =>
        name is null ? default(TFilter)
        : Enum.GetValues<TFilter>().Where(filter => filter.ToString().Equals(name, StringComparison.OrdinalIgnoreCase)).Select(filter => (TFilter?)filter).FirstOrDefault();

    private static IResult Figures(string? hours, Figures figures, BrokerSettings server) => hours is null or "1" or "24" or "168"
        ? TypedResults.Json(Told(figures.Read(hours is null ? 1 : int.Parse(hours, System.Globalization.CultureInfo.InvariantCulture)), server), AdminJson.Default.FiguresView)
        : Problems.Field("hours", "invalid", "\"hours\" is 1, 24 or 168.");

    // Of a node nothing that is stored is on its disk, and no curve is better than one of nothing.
    private static FiguresView Told(FiguresView all, BrokerSettings server) =>
        server.Cluster is null ? all : all with { Series = [.. all.Series.Where(series => series.Name != Admin.Figures.OfDisk)] };

    private static IResult Audit(string? before, string? limit, ServerAudit audit) =>
        ReadPage(null, limit, out var wrong) is not { } most ? wrong!
        : before is not null && !AuditRecord.IsPlace(before) ? Problems.Field("before", "invalid", "\"before\" is the cursor of the page before.")
        : TypedResults.Json(audit.Page(before, most), AdminJson.Default.AuditEntries);

    private static IResult Rooms(string? query, string? filter, string? cursor, string? limit, AdminRooms rooms) =>
        ReadPage(query, limit, out var wrong) is not { } most ? wrong!
        : ReadFilter<RoomsWanted>(filter) is not { } wanted
            ? Problems.Field("filter", "invalid", "\"filter\" is all, public, private, orphaned or archived.")
        : !TryReadCursor(cursor, out var after) ? Problems.Field("cursor", "invalid", "Give the cursor of the page before.")
        : TypedResults.Json(rooms.Page(query, wanted, after, most), AdminJson.Default.RoomsPage);

    private static async Task<IResult> GiveAsync(string room, HttpContext context, AdminRooms rooms) =>
        !(await JsonBody.ReadAsync(context.Request, AdminJson.Default.OwnerAsked)).TryGet(out var asked, out var problem) ? problem
        : AdminProblems.Answer(await rooms.GiveAsync(context.Actor(), room, asked.User), AdminJson.Default.AdminRoomView, context);

    private static async Task<IResult> ArchiveAsync(string room, bool isArchived, HttpContext context, AdminRooms rooms) =>
        AdminProblems.Answer(await rooms.ArchiveAsync(context.Actor(), room, isArchived), AdminJson.Default.AdminRoomView, context);

    private static async Task<IResult> ChangeAsync(HttpContext context, ChangedSettings settings) =>
        !(await JsonBody.ReadAsync(context.Request, AdminJson.Default.DictionaryStringJsonElement)).TryGet(out var asked, out var problem) ? problem
        : AdminProblems.Answer(await settings.ChangeAsync(context.Actor(), asked), AdminJson.Default.SettingsPage, context);

    private static async Task<IResult> ProveAsync(HttpContext context, AdminProofs proofs) =>
        !(await JsonBody.ReadAsync(context.Request, AdminJson.Default.ProofRequest, JsonBody.StrangersBytes)).TryGet(out var asked, out var problem) ? problem
        : await proofs.ProveAsync(context.Actor(), asked.Password) is { } refusal ? Problems.Of(refusal, context)
        : TypedResults.NoContent();
}
