using System.Net.Http.Headers;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;

namespace WebMessenger.Broker.Api;

/// <summary>Who a request comes from, for the calls about rooms, which bots make too: an access token as `Authorization: Bearer`, else the cookie.</summary>
internal sealed class RequestSignIn(CookieSignIn cookie, AccessTokens tokens, LoginSessions sessions)
{
    /// <summary>Null: nobody. Credentials that are given win: a wrong token never falls back to the cookie. The caller holds a token to its scope.</summary>
    public LoginSession? Find(HttpRequest request)
    {
        var session = request.Headers.Authorization.Count > 0 ? FindBearer(request, tokens) : cookie.Find(request);
        if (session is not null)
        {
            sessions.Touch(session, request.HttpContext.Connection.RemoteIpAddress);
        }

        return session;
    }

    /// <summary>The login session of an access token; null: there is none, or it is not one.</summary>
    public static LoginSession? FindBearer(HttpRequest request, AccessTokens tokens) =>
        request.Headers.Authorization.Count == 1
        && AuthenticationHeaderValue.TryParse(request.Headers.Authorization[0], out var header)
        && header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)
            ? tokens.FindBearer(header.Parameter)
            : null;
}
