using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/session`: sign in, enter as a guest, who am I, log out.</summary>
internal static partial class SessionApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var session = routes.MapApi("/api/session").WithTags("Session");
        session.MapPost("", SignInAsync).Accepts<SignInRequest>("application/json").WithSummary("Sign in by e-mail or user name.");
        session.MapPost("/guest", EnterAsync).Accepts<GuestRequest>("application/json").WithSummary("Enter with a nickname.");
        session.MapGet("", GetAsync).RequireCookie().WithSummary("Who am I.");
        session.MapDelete("", SignOutAsync).RequireCookie().WithSummary("Log out; answers when the last connection is closed.");
    }

    private static async Task<Results<Ok<SessionView>, ProblemHttpResult>> SignInAsync(
        HttpContext context, SignIn signIn, BrowserSignIn browser, RefusalLog refusals, ILogger<SignIn> log)
    {
        if (!(await JsonBody.ReadAsync(context.Request, AuthJson.Default.SignInRequest, JsonBody.StrangersBytes)).TryGet(out var body, out var problem))
        {
            return problem;
        }

        var outcome = await signIn.WithPasswordAsync(body.Login, body.Password, DeviceName.Of(context.Request), context.Connection.RemoteIpAddress);
        if (outcome.TryGet(out var signedIn, out var refusal))
        {
            return TypedResults.Ok(SessionView.Of(await browser.EnterAsync(context, signedIn)));
        }

        // Of what the limits refuse, a stranger could have any number counted.
        if (refusal is Refusal.BadCredentials or Refusal.Banned && refusals.Try("refused sign-ins", context.Connection.RemoteIpAddress))
        {
            LogRefused(log, context.Connection.RemoteIpAddress, /* guard: the log does not repeat what was tried */ refusal.GetType().Name);
        }

        return Problems.Of(refusal, context);
    }

    private static async Task<Results<Ok<SessionView>, ProblemHttpResult>> EnterAsync(HttpContext context, Registration registration, BrowserSignIn browser)
    {
        if (!(await JsonBody.ReadAsync(context.Request, AuthJson.Default.GuestRequest, JsonBody.StrangersBytes)).TryGet(out var body, out var problem))
        {
            return problem;
        }

        var entered = await registration.EnterAsGuestAsync(body.Nickname, context.Connection.RemoteIpAddress);
        if (!entered.TryGet(out var guest, out var refusal))
        {
            return Problems.Of(refusal, context);
        }

        return await browser.EnterAsync(context, guest) is { } session ? TypedResults.Ok(SessionView.Of(session)) : Problems.NotSignedIn();
    }

    // Not the login that was given: people type their password into the wrong field.
    [LoggerMessage(3101, LogLevel.Information, "Refused a sign-in from {Address}: {Refusal}")]
    private static partial void LogRefused(ILogger log, System.Net.IPAddress? address, string refusal);

    private static async Task<Ok<SessionView>> GetAsync(HttpContext context, AccountChanges changes, CookieSignIn cookies)
    {
        await changes.ReturnAsync(context.SignedIn().Account);
        cookies.Renew(context);
        return TypedResults.Ok(SessionView.Of(context.SignedIn()));
    }

    private static async Task<NoContent> SignOutAsync(HttpContext context, LoginSessions sessions)
    {
        await sessions.EndAsync(context.SignedIn());
        CookieSignIn.Take(context);
        return TypedResults.NoContent();
    }
}
