using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/sessions`: my login sessions, and their end.</summary>
internal static class SessionsApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var sessions = routes.MapApi("/api/sessions").WithTags("Login sessions").RequireCookie();
        sessions.MapGet("", List).WithSummary("My login sessions, with their MQTT client ids.");
        sessions.MapDelete("/{id}", EndAsync).WithSummary("End one; a token's ends with the token.");
        sessions.MapDelete("", EndOthersAsync).WithSummary("End all others; with ?tokens=true access tokens too.");
    }

    private static Ok<LoginSessionsView> List(HttpContext context, LoginSessions sessions)
    {
        var current = context.SignedIn();
        return TypedResults.Ok(new LoginSessionsView([.. sessions.List(current.Account).Select(session => LoginSessionView.Of(session, current))]));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> EndAsync(string id, HttpContext context, LoginSessions sessions)
    {
        var current = context.SignedIn();
        if (sessions.Find(current.Account, id) is not { } session)
        {
            return Problems.NotFound("You have no login session of this id.");
        }

        await sessions.EndAsync(session, session.Kind == LoginSessionKind.Token ? RevocationReason.TokenRevoked : RevocationReason.SignedOut);
        if (session == current)
        {
            CookieSignIn.Take(context);
        }

        return TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> EndOthersAsync(HttpContext context, LoginSessions sessions)
    {
        // Read here, not bound: the framework's answer to a bad value does not name the field.
        var asked = context.Request.Query["tokens"];
        var tokens = false;
        if (asked.Count > 0 && (asked.Count > 1 || !bool.TryParse(asked[0], out tokens)))
        {
            return Problems.Field("tokens", Auth.Outcomes.FieldCodes.Invalid, "'tokens' is true or false.");
        }

        var current = context.SignedIn();
        await sessions.EndOthersAsync(current.Account, current, tokens);
        return TypedResults.NoContent();
    }
}
