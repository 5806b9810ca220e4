using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/accounts`: register, change, erase.</summary>
internal static class AccountsApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var accounts = routes.MapApi("/api/accounts").WithTags("Accounts");
        accounts.MapPost("", RegisterAsync).Accepts<RegisterRequest>("application/json").WithSummary("Register, and sign in.");
        var me = accounts.MapGroup("/me").RequireCookie();
        me.MapPatch("", ChangeAsync).MayTakeRightsAway().Accepts<ChangeAccountRequest>("application/json").WithSummary("Change any of it with the current password.");
        me.MapDelete("", EraseAsync).Accepts<EraseAccountRequest>("application/json").WithSummary("Erase the account. Its user name stays taken.");
    }

    private static async Task<Results<Created<SessionView>, ProblemHttpResult>> RegisterAsync(
        HttpContext context, Registration registration, BrowserSignIn browser, CookieSignIn cookie)
    {
        if (!(await JsonBody.ReadAsync(context.Request, AuthJson.Default.RegisterRequest, JsonBody.StrangersBytes)).TryGet(out var body, out var problem))
        {
            return problem;
        }

        var current = cookie.Find(context.Request)?.Account;
        var registered = await registration.RegisterAsync(
            body.Email, body.UserName, body.DisplayName, body.Password, context.Connection.RemoteIpAddress, current,
            TrustedProxies.IsFromThisMachine(context), body.FirstCode);
        if (!registered.TryGet(out var account, out var refusal))
        {
            return Problems.Of(refusal, context);
        }

        return await browser.EnterAsync(context, account) is { } session
            ? TypedResults.Created(context.OnHost("/api/session"), SessionView.Of(session))
            : Problems.NotSignedIn();
    }

    private static async Task<Results<Ok<SessionView>, ProblemHttpResult>> ChangeAsync(HttpContext context, AccountChanges changes)
    {
        if (!(await JsonBody.ReadAsync(context.Request, AuthJson.Default.ChangeAccountRequest)).TryGet(out var body, out var problem))
        {
            return problem;
        }

        // A new password signs thieves out, by itself: with a new name beside it it waits for room as that does.
        var takesAway = body is { Password: not null, Email: null, UserName: null, DisplayName: null };
        if (!takesAway && ApiGroup.RefusedByDisk(context) is { } notStored)
        {
            return notStored;
        }

        var session = context.SignedIn();
        AccountChange change = new(body.Email, body.UserName, body.DisplayName, body.Password) { EndTokens = body.EndTokens ?? false };
        var changed = await changes.ChangeAsync(session, body.CurrentPassword, change, context.Connection.RemoteIpAddress);
        if (!changed.TryGet(out var after, out var refusal))
        {
            return Problems.Of(refusal, context);
        }

        if (after.Renewed is { } renewed)
        {
            CookieSignIn.Give(context, renewed.Secret);
            return TypedResults.Ok(SessionView.Of(renewed.Session));
        }

        // With a new password the old one is over in any case; there is none in its place if somebody was banned meanwhile, say.
        return session.IsRevoked ? Problems.NotSignedIn() : TypedResults.Ok(SessionView.Of(session));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> EraseAsync(HttpContext context, AccountChanges changes)
    {
        if (!(await JsonBody.ReadAsync(context.Request, AuthJson.Default.EraseAccountRequest)).TryGet(out var body, out var problem))
        {
            return problem;
        }

        var erased = await changes.EraseAsync(context.SignedIn().Account, body.CurrentPassword, context.Connection.RemoteIpAddress);
        if (!erased.TryGet(out _, out var refusal))
        {
            return Problems.Of(refusal, context);
        }

        CookieSignIn.Take(context);
        return TypedResults.NoContent();
    }
}
