using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/admin/accounts`: the accounts of the server, and what administrators do with them.</summary>
internal static class AdminAccountsApi
{
    public static void Map(RouteGroupBuilder admin)
    {
        var accounts = admin.MapGroup("accounts");
        accounts.MapGet("", List).TakesAnswerSlot().Produces<AccountsPage>()
            .WithSummary("All accounts, by user name. filter: all, administrators, banned or guests; limit: 1 to 200.");
        accounts.MapGet("{user}", (string user, HttpContext context, AdminAccounts all) => AdminProblems.Answer(all.Find(user), AdminJson.Default.AccountView, context))
            .Produces<AccountView>();
        accounts.MapPost("{user}/ban", BanAsync).MayTakeRightsAway().Accepts<BanAsked>("application/json").Produces<AccountView>()
            .WithSummary("Shut an account out, on every client at once.");
        accounts.MapDelete("{user}/ban", async (string user, HttpContext context, AdminAccounts all) =>
            AdminProblems.Answer(await all.UnbanAsync(context.Actor(), user), AdminJson.Default.AccountView, context)).Produces<AccountView>();
        accounts.MapDelete("{user}/sessions", EndAsync).Produces<AccountView>()
            .WithSummary("End all login sessions of an account; with ?tokens=true its access tokens, too.");
        accounts.MapPost("{user}/password-link", LinkAsync).MayTakeRightsAway().Accepts<ProofRequest>("application/json").Produces<LinkView>()
            .WithSummary("A link by which the account sets a new password. All that it is signed in by ends.");
        accounts.MapDelete("{user}", (string user, HttpContext context, AdminAccounts all) => ProvenAsync(context, password => all.EraseAsync(context.Actor(), user, password)))
            .WithSummary("Erase an account. Its user name stays taken.");
        accounts.MapPut("{user}/admin", (string user, HttpContext context, AdminAccounts all) =>
            ProvenAsync(context, password => all.SetAdministratorAsync(context.Actor(), user, isAdministrator: true, password)))
            .Accepts<ProofRequest>("application/json").WithSummary("Make somebody an administrator. All that he is signed in by ends.");
        accounts.MapDelete("{user}/admin", TakeAsync).WithSummary("Be an administrator no more, while another one remains.");
    }

    private static IResult List(string? query, string? filter, string? cursor, string? limit, AdminAccounts accounts) =>
        AdminApi.ReadPage(query, limit, out var wrong) is not { } most ? wrong!
        : AdminApi.ReadFilter<AccountFilter>(filter) is not { } wanted
            ? Problems.Field("filter", "invalid", "\"filter\" is all, administrators, banned or guests.")
        : !AdminApi.TryReadCursor(cursor, out var after) ? Problems.Field("cursor", "invalid", "Give the cursor of the page before.")
        : TypedResults.Json(accounts.Page(query, wanted, after, most), AdminJson.Default.AccountsPage);

    private static async Task<IResult> BanAsync(string user, HttpContext context, AdminAccounts accounts) =>
        !(await JsonBody.ReadAsync(context.Request, AdminJson.Default.BanAsked)).TryGet(out var asked, out var problem) ? problem
        : AdminProblems.Answer(await accounts.BanAsync(context.Actor(), user, asked.Until, asked.Reason), AdminJson.Default.AccountView, context);

    private static async Task<IResult> EndAsync(string user, HttpContext context, AdminAccounts accounts)
    {
        // Read here, not bound: the framework's answer to a bad value does not name the field.
        var asked = context.Request.Query["tokens"];
        var tokens = false;
        return asked.Count > 0 && (asked.Count > 1 || !bool.TryParse(asked[0], out tokens))
            ? Problems.Field("tokens", Auth.Outcomes.FieldCodes.Invalid, "'tokens' is true or false.")
            : AdminProblems.Answer(await accounts.EndSessionsAsync(context.Actor(), user, tokens), AdminJson.Default.AccountView, context);
    }

    private static async Task<IResult> LinkAsync(string user, HttpContext context, AdminAccounts accounts)
    {
        var (password, problem) = await PasswordAsync(context);
        return problem ?? AdminProblems.Answer(
            await accounts.LinkAsync(context.Actor(), user, password, () => $"{context.Request.Scheme}://{context.Request.Host}{context.Request.PathBase}"),
            AdminJson.Default.LinkView,
            context);
    }

    private static async Task<IResult> TakeAsync(string user, HttpContext context, AdminAccounts accounts)
    {
        var answer = await ProvenAsync(context, password => accounts.SetAdministratorAsync(context.Actor(), user, isAdministrator: false, password));

        // It was his own, and ended with his rank.
        if (context.SignedIn().IsRevoked)
        {
            CookieSignIn.Take(context);
        }

        return answer;
    }

    internal static async Task<IResult> ProvenAsync(HttpContext context, Func<string?, Task<AdminOutcome<Nothing>>> act)
    {
        var (password, problem) = await PasswordAsync(context);
        return problem ?? ((await act(password)).Refused is { } refused ? AdminProblems.Of(refused, context) : TypedResults.NoContent());
    }

    /// <summary>Who has proven his password of late need send no body.</summary>
    internal static async Task<(string? Password, IResult? Problem)> PasswordAsync(HttpContext context)
    {
        if (context.Request.ContentLength is null or 0 && context.Request.ContentType is null)
        {
            return (null, null);
        }

        var read = await JsonBody.ReadAsync(context.Request, AdminJson.Default.ProofRequest, JsonBody.StrangersBytes);
        return read.TryGet(out var asked, out var problem) ? (asked.Password, null) : (null, problem);
    }
}
