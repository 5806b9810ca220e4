using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Api;

/// <summary>The cookie of a browser's login session: read, given and taken away. It opens the HTTP API and the WebSocket alike.</summary>
internal sealed class CookieSignIn(LoginSessions sessions)
{
    // `__Host-` makes the browser insist on https, on this host alone and on the whole path: no neighbour under the same domain can plant one.
    private const string SecureName = "__Host-webmessenger";
    private const string PlainName = "webmessenger";

    /// <summary>The live login session behind a request's cookie.</summary>
    public LoginSession? Find(HttpRequest request) => sessions.FindByCookie(request.Cookies[NameFor(request)]);

    public static void Give(HttpContext context, string secret) => Set(context, secret, LoginSessions.CookieLifetime);

    /// <summary>Gives the browser the cookie it sent once more: its 30 days begin anew, as the login session's do.</summary>
    public static void Renew(HttpContext context)
    {
        if (context.Request.Cookies[NameFor(context.Request)] is { } secret)
        {
            Give(context, secret);
        }
    }

    public static void Take(HttpContext context) => Set(context, "", TimeSpan.Zero);

    private static string NameFor(HttpRequest request) => request.IsHttps ? SecureName : PlainName;

    private static void Set(HttpContext context, string secret, TimeSpan lifetime) => context.Response.Cookies.Append(NameFor(context.Request), secret, new CookieOptions
    {
        HttpOnly = true,
        IsEssential = true,
        MaxAge = lifetime,

        // `__Host-` demands the whole path (RFC 6265bis, 4.1.3.2). The plain one stays in the folder of the host in which the program lies.
        Path = context.Request.IsHttps ? "/" : context.Request.PathBase + "/",
        SameSite = SameSiteMode.Strict,
        Secure = context.Request.IsHttps,
    });
}
