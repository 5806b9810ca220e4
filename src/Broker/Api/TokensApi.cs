using Microsoft.AspNetCore.Http.HttpResults;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Api;

/// <summary>`/api/tokens`: access tokens for bots and MQTT clients.</summary>
internal static class TokensApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var tokens = routes.MapApi("/api/tokens").WithTags("Access tokens").RequireCookie();
        tokens.MapPost("", CreateAsync).Accepts<CreateTokenRequest>("application/json").WithSummary("Make a token; its secret is shown this once.");
        tokens.MapGet("", List).WithSummary("My tokens.");
        tokens.MapPut("/{id}/certificate", PinAsync).Accepts<PinCertificateRequest>("application/json")
            .WithSummary("Pin a client certificate to one: its key opens MQTT over TLS, in place of the certificate before.");
        tokens.MapDelete("/{id}/certificate", UnpinAsync)
            .WithSummary("Take the certificate away; answers when the last connection by it is closed.");
        tokens.MapDelete("/{id}", RevokeAsync).WithSummary("Revoke one; answers when its last connection is closed.");
    }

    private static async Task<Results<Created<CreatedTokenView>, ProblemHttpResult>> CreateAsync(HttpContext context, AccessTokens tokens)
    {
        if (!(await JsonBody.ReadAsync(context.Request, AuthJson.Default.CreateTokenRequest)).TryGet(out var body, out var problem))
        {
            return problem;
        }

        var by = context.SignedIn();
        var created = await tokens.CreateAsync(
            by.Account, body.Name, body.Rooms, VerbNames.Parse(body.Verbs), body.ExpiresAt, by, MountOf(body, by, context));
        return created.TryGet(out var token, out var refusal)
            ? TypedResults.Created(context.OnHost("/api/tokens/" + token.Token.Id), new CreatedTokenView(token.Token.Id, token.Secret))
            : Problems.Of(refusal, context);
    }

    private static AskedMount? MountOf(CreateTokenRequest body, LoginSession by, HttpContext context) => body is { Mount: null, Topics: null }
        ? null
        : new AskedMount(
            body.Mount,
            body.Topics?.ToScope(),
            IsMember(by, context));

    private static Func<string, bool> IsMember(LoginSession by, HttpContext context) =>
        id => context.RequestServices.GetRequiredService<RoomDirectory>().Find(id) is { } room && RoomPolicy.MayHear(room, by.Account);

    private static async Task<Results<Ok<CertificateView>, ProblemHttpResult>> PinAsync(
        string id, HttpContext context, AccessTokens tokens, BrokerSettings settings)
    {
        var read = await JsonBody.ReadAsync(context.Request, AuthJson.Default.PinCertificateRequest);
        if (!read.TryGet(out var body, out var problem))
        {
            return problem;
        }

        var by = context.SignedIn();
        if (tokens.Find(by.Account, id) is not { } token)
        {
            return NoSuchToken();
        }

        if (settings.Tls is not { Port: >= 0, ClientCertificates: true })
        {
            return Problems.Of(new Refusal.SwitchedOff(), context);
        }

        var pinned = await tokens.PinAsync(token, body.Certificate, by, IsMember(by, context));
        return pinned.TryGet(out var certificate, out var refusal) ? TypedResults.Ok(CertificateView.Of(certificate)!)
            : refusal is Refusal.BadCredentials ? NoSuchToken() : Problems.Of(refusal, context);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> UnpinAsync(string id, HttpContext context, AccessTokens tokens) =>
        tokens.Find(context.SignedIn().Account, id) is { } token && await tokens.UnpinAsync(token) ? TypedResults.NoContent() : NoSuchToken();

    private static Ok<TokensView> List(HttpContext context, AccessTokens tokens, PublishRefusals refusals) =>
        TypedResults.Ok(new TokensView([.. tokens.List(context.SignedIn().Account).Select(token => TokenView.Of(token, refusals.LastOf(token)))]));

    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeAsync(string id, HttpContext context, AccessTokens tokens) =>
        await tokens.RevokeAsync(context.SignedIn().Account, id) ? TypedResults.NoContent() : NoSuchToken();

    private static ProblemHttpResult NoSuchToken() => Problems.NotFound("You have no access token of this id.");
}
