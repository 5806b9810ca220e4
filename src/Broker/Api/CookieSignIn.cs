using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Api;

/// <summary>The cookie of a browser's login session: read, given and taken away. It opens the HTTP API and the WebSocket alike.</summary>
internal sealed class CookieSignIn(LoginSessions sessions)
{
    // `__Host-` makes the browser insist on https, on this host alone and on the whole path:
    // no neighbour under the same domain can plant one.
    private const string SecureName = "__Host-webmessenger";
    private const string PlainName = "webmessenger";

    private static readonly object Found = new();

    // A browser sends one, and two where a folder of the host had one before. More are somebody's attempt.
    private const int MaxCookies = 8;

    /// <summary>The live login session behind a request's cookie. Null: none, or several that are not one account's.</summary>
    /// <remarks>
    /// On http another port or folder of the host can plant a cookie of the same name. The browser sends both, and which one comes first
    /// says little (RFC 6265, 5.4 and 8.6). So all are looked at: those that open nothing do no harm, and where two open two accounts,
    /// nobody is taken for either. Looked for once a request, which several ask, and anew if what was found has ended meanwhile.
    /// </remarks>
    public LoginSession? Find(HttpRequest request)
    {
        var items = request.HttpContext.Items;
        if (!items.TryGetValue(Found, out var found) || (found is LoginSession known && !sessions.IsAlive(known)))
        {
            items[Found] = found = FindWithSecret(request).Session;
        }

        return (LoginSession?)found;
    }

    /// <summary>All live login sessions that the browser has cookies of.</summary>
    public IReadOnlyList<LoginSession> FindAll(HttpRequest request) =>
        [.. Secrets(request).Select(sessions.FindByCookie).OfType<LoginSession>().Distinct()];

    /// <summary>The request's cookie has been replaced a moment ago, and the browser has the new one soon.</summary>
    public bool WasJustReplaced(HttpRequest request) => Secrets(request).Any(sessions.WasJustReplaced);

    public static void Give(HttpContext context, string secret) => Set(context, secret, LoginSessions.CookieLifetime);

    /// <summary>Gives the browser the cookie it sent once more: its 30 days begin anew, as the login session's do.</summary>
    public void Renew(HttpContext context)
    {
        if (FindWithSecret(context.Request).Secret is { } secret)
        {
            Give(context, secret);
        }
    }

    public static void Take(HttpContext context) => Set(context, "", TimeSpan.Zero);

    private (LoginSession? Session, string? Secret) FindWithSecret(HttpRequest request)
    {
        (LoginSession? Session, string? Secret) found = default;
        foreach (var secret in Secrets(request))
        {
            if (sessions.FindByCookie(secret) is not { } session)
            {
                continue;
            }

            if (/* guard: cookies: two accounts are nobody */ found.Session is not null && found.Session.Account != session.Account)
            {
                return default;
            }

            found = found.Session is null ? (session, secret) : found;
        }

        if (found.Session is { Account.IsGuest: false })
        {
            request.HttpContext.Features.Get<CountedSocket>()?.MarkSignedIn();
        }

        return found;
    }

    /// <summary>Read here: the framework keeps one of two cookies of the same name, the last. Empty when there are too many.</summary>
    private static List<string> Secrets(HttpRequest request)
    {
        var name = NameFor(request);
        List<string> secrets = [];
        foreach (var header in request.Headers.Cookie)
        {
            foreach (var part in header.AsSpan().Split(';'))
            {
                var pair = header.AsSpan()[part].Trim(' ');
                if (pair.Length > name.Length && pair.StartsWith(name, StringComparison.Ordinal) && pair[name.Length] == '=')
                {
                    secrets.Add(pair[(name.Length + 1)..].ToString());
                }
            }
        }

        return (/* guard: cookies: so many are looked at */ secrets.Count <= MaxCookies) ? secrets : [];
    }

    private static string NameFor(HttpRequest request) => request.IsHttps ? SecureName : PlainName;

    private static void Set(HttpContext context, string secret, TimeSpan lifetime) => context.Response.Cookies.Append(NameFor(context.Request), secret, new CookieOptions
    {
        HttpOnly = /* guard: no script reads the cookie */ true,
        IsEssential = true,
        MaxAge = lifetime,

        // `__Host-` demands the whole path (RFC 6265bis, 4.1.3.2). The plain one stays in the folder of the host in which the program lies.
        Path = context.Request.IsHttps ? "/" : context.Request.PathBase + "/",
        SameSite = /* guard: the cookie stays on this site */ SameSiteMode.Strict,
        Secure = context.Request.IsHttps,
    });
}
