using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Passwords;

namespace WebMessenger.Broker.Api;

/// <summary>
/// `/api/password-links`: what the page at `/p#secret` asks for. The secret is in the body, for addresses are written into logs.
/// </summary>
internal static class PasswordLinksApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var links = routes.MapApi("/api/password-links").MayTakeRightsAway().WithTags("Password links");
        links.MapPost("/look", LookAsync).OnlyReads().Accepts<LookAtPasswordLinkRequest>("application/json")
            .WithSummary("Whose password a link sets. Uses nothing up.");
        links.MapPost("", UseAsync).Accepts<UsePasswordLinkRequest>("application/json").WithSummary("Set the password, and sign in.");
    }

    private static async Task<Results<Ok<PasswordLinkView>, ProblemHttpResult>> LookAsync(HttpContext context, PasswordLinks links)
    {
        if (!(await JsonBody.ReadAsync(context.Request, AuthJson.Default.LookAtPasswordLinkRequest, JsonBody.StrangersBytes)).TryGet(out var body, out var problem))
        {
            return problem;
        }

        return links.Look(body.Secret, context.Connection.RemoteIpAddress).TryGet(out var link, out var refusal)
            ? TypedResults.Ok(new PasswordLinkView(link.Account.UserName, link.Account.DisplayName, link.ExpiresAt))
            : Problems.Of(refusal, context);
    }

    private static async Task<Results<Ok<SessionView>, ProblemHttpResult>> UseAsync(
        HttpContext context, PasswordLinks links, BrowserSignIn browser)
    {
        if (!(await JsonBody.ReadAsync(context.Request, AuthJson.Default.UsePasswordLinkRequest, JsonBody.StrangersBytes)).TryGet(out var body, out var problem))
        {
            return problem;
        }

        var used = await links.UseAsync(
            body.Secret, body.Password, body.EndTokens ?? false, DeviceName.Of(context.Request), context.Connection.RemoteIpAddress);
        return used.TryGet(out var signedIn, out var refusal)
            ? TypedResults.Ok(SessionView.Of(await browser.EnterAsync(context, signedIn)))
            : Problems.Of(refusal, context);
    }
}
