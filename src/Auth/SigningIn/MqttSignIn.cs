using System.Net;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Passwords;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;

namespace WebMessenger.Auth.SigningIn;

/// <summary>By a client certificate: the token's login session, and the certificate as it was when that was found.</summary>
public sealed record CertifiedEntry(LoginSession Session, ClientCertificate Certificate);

/// <summary>
/// Signs MQTT clients in by the user name and password of CONNECT: an access token, or the account's password. Without a password, by a
/// client certificate that a token has.
/// </summary>
public sealed class MqttSignIn
{
    private readonly AccountDirectory _accounts;
    private readonly LoginSessions _sessions;
    private readonly AccessTokens _tokens;
    private readonly PasswordCheck _check;
    private readonly RememberedPasswords _remembered;
    private readonly TimeProvider _time;

    internal MqttSignIn(AccountDirectory accounts, LoginSessions sessions, AccessTokens tokens, PasswordCheck check, TimeProvider time) =>
        (_accounts, _sessions, _tokens, _check, _remembered, _time) = (accounts, sessions, tokens, check, new RememberedPasswords(time), time);

    /// <param name="userName">The account's, in any case.</param>
    /// <param name="password">UTF-8: the access token or the account's password.</param>
    /// <param name="clientId">The client id as the client sent it, or as it was assigned.</param>
    /// <param name="passwordsAllowed">
    /// False where the connection is unencrypted and from beyond loopback: then only tokens are taken.
    /// </param>
    /// <remarks>
    /// Refusals: <see cref="Refusal.BadCredentials"/>, <see cref="Refusal.TooManyAttempts"/>, <see cref="Refusal.PlainPassword"/>,
    /// <see cref="Refusal.Busy"/>. A login session that is given is alive at that moment;
    /// the caller attaches to it and is refused if it has ended meanwhile.
    /// </remarks>
    public async Task<Outcome<LoginSession>> AuthenticateAsync(
        string? userName, ReadOnlyMemory<byte> password, string clientId, IPAddress? address, bool passwordsAllowed)
    {
        var account = _accounts.FindByUserName(userName);
        if (TryTokenText(password.Span, out var text))
        {
            // Not limited: 256 random bits are not guessed, and a bot whose token was revoked must not lock out its neighbours.
            return _tokens.FindBearer(text) is { } token && (/* guard: a token is its account's */ token.Account == account) ? Touched(token, address) : new Refusal.BadCredentials();
        }

        if (!passwordsAllowed)
        {
            return new Refusal.PlainPassword();
        }

        if (string.IsNullOrEmpty(userName) || Password.TryParse(password.Span) is not { } parsed)
        {
            return new Refusal.BadCredentials();
        }

        // Before the remembered ones are looked at: or they would be an oracle without a limit.
        if (_check.Wait(account, userName, address) is { } wait)
        {
            return new Refusal.TooManyAttempts(wait);
        }

        if (account is not null && _remembered.Find(account, parsed) is { } remembered)
        {
            return Started(account, remembered, clientId, address);
        }

        var verified = await _check.VerifyAsync(account, userName, parsed, address);
        if (!verified.TryGet(out var credential, out var refusal))
        {
            return Outcome<LoginSession>.FromRefusal(refusal);
        }

        _remembered.Add(account!, credential, parsed);
        return Started(account!, credential, clientId, address);
    }

    /// <param name="userName">The account's, in any case; null or empty: it is not said.</param>
    /// <param name="shown">Of the certificate whose key the client has proved to have.</param>
    /// <remarks>
    /// Null: no token has it. Refusals: <see cref="Refusal.BadCredentials"/>, <see cref="Refusal.CertificateNotValid"/>. Not limited, as
    /// access tokens are not: a key is not guessed. The caller attaches to the login session, and is refused if it has ended, or the
    /// certificate was taken from it, meanwhile.
    /// </remarks>
    public Outcome<CertifiedEntry>? FindByCertificate(string? userName, in Fingerprint shown, IPAddress? address)
    {
        if (_tokens.FindPinned(shown) is not { Certificate: { } certificate } token || certificate.Fingerprint != shown)
        {
            return null;
        }

        // A device that says whose it is is not let in as somebody else's, who may have pinned what everybody can see.
        if (!string.IsNullOrEmpty(userName) && (/* guard: a certificate is its account's */ token.Account != _accounts.FindByUserName(userName)))
        {
            return new Refusal.BadCredentials();
        }

        return (/* guard: certificates have a time */ certificate.IsValidAt(_time.GetUtcNow()))
            ? new CertifiedEntry(Touched(token, address), certificate) : new Refusal.CertificateNotValid();
    }

    private Outcome<LoginSession> Started(Account account, PasswordHash verified, string clientId, IPAddress? address) =>
        _sessions.GetOrStartPassword(account, verified, clientId, address) is { } session ? session : PasswordCheck.NotAnyMore(account);

    private LoginSession Touched(LoginSession session, IPAddress? address)
    {
        _sessions.Touch(session, address);
        return session;
    }

    private static bool TryTokenText(ReadOnlySpan<byte> password, out string text)
    {
        text = password.StartsWith("wm_"u8) ? Encoding.Latin1.GetString(password) : "";
        return Secret.IsTokenShaped(text);
    }
}
