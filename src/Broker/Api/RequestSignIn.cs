using System.Net.Http.Headers;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Api;

/// <summary>
/// Who a request comes from, for the calls about rooms, which bots make too: an access token as `Authorization: Bearer`, else the cookie.
/// </summary>
internal sealed class RequestSignIn(CookieSignIn cookie, AccessTokens tokens, LoginSessions sessions)
{
    private static readonly object Found = new();

    /// <summary>
    /// Null: nobody. Credentials that are given win: a wrong token never falls back to the cookie. The caller holds a token to its scope.
    /// </summary>
    public LoginSession? Find(HttpRequest request)
    {
        var session = Look(request);
        if (session is not null)
        {
            sessions.Touch(session, request.HttpContext.Connection.RemoteIpAddress);
        }

        return session;
    }

    /// <summary>The same, and no use of the login session.</summary>
    public LoginSession? Look(HttpRequest request) => request.Headers.Authorization.Count > 0 ? (/* guard: a wrong token does not fall back to the cookie */ LookOnce(request)) : cookie.Find(request);

    // Asked for by the limits and by the call itself; it may have been revoked in between.
    private LoginSession? LookOnce(HttpRequest request)
    {
        var items = request.HttpContext.Items;
        if (!items.TryGetValue(Found, out var found) || (found is LoginSession known && !sessions.IsAlive(known)))
        {
            items[Found] = found = FindBearer(request);
        }

        return (LoginSession?)found;
    }

    // Null: there is no token, or it is none of ours, or its clients see a room's data and nothing else.
    private LoginSession? FindBearer(HttpRequest request)
    {
        if (request.Headers.Authorization.Count != 1
            || !AuthenticationHeaderValue.TryParse(request.Headers.Authorization[0], out var header)
            || !header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)
            || tokens.FindBearer(header.Parameter) is not { } session
            || /* guard: a mount opens its data alone, by HTTP */ (session.Scope.Mount is not null && !IsOpenToMounts(request)))
        {
            return null;
        }

        if (!session.Account.IsGuest)
        {
            request.HttpContext.Features.Get<CountedSocket>()?.MarkSignedIn();
        }

        return session;
    }

    private static bool IsOpenToMounts(HttpRequest request) => request.HttpContext.GetEndpoint()?.Metadata.GetMetadata<OpenToMounts>() is not null;
}

/// <summary>
/// Metadata of the calls about a room's data topics, which access tokens with a mount may make; there are no others. The handler holds them
/// to their mount and topics.
/// </summary>
internal sealed class OpenToMounts;
