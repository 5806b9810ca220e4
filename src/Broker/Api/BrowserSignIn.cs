using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Api;

/// <summary>Makes a browser signed in: a new login session, its cookie, and the end of the one it had before.</summary>
internal sealed class BrowserSignIn(LoginSessions sessions, CookieSignIn cookie)
{
    /// <summary>After registering or as a guest. Null: the account was erased meanwhile.</summary>
    public async Task<LoginSession?> EnterAsync(HttpContext context, Account account) =>
        await sessions.StartAsync(account, DeviceName.Of(context.Request), context.Connection.RemoteIpAddress) is { } signedIn ? await EnterAsync(context, signedIn) : null;

    public async Task<LoginSession> EnterAsync(HttpContext context, SignedIn signedIn)
    {
        // One browser is one login session: the cookie it had is overwritten, and nobody could end what it opened but by the list.
        // All it had: two that contradict each other would go on keeping it out.
        foreach (var before in cookie.FindAll(context.Request).Where(before => before != signedIn.Session))
        {
            await sessions.EndAsync(before);
        }

        CookieSignIn.Give(context, signedIn.Secret);
        return signedIn.Session;
    }
}
