using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Passwords;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.SigningIn;

/// <summary>Signs browsers in by e-mail or user name and password.</summary>
public sealed class SignIn
{
    private readonly AccountDirectory _accounts;
    private readonly LoginSessions _sessions;
    private readonly PasswordCheck _check;

    internal SignIn(AccountDirectory accounts, LoginSessions sessions, PasswordCheck check) => (_accounts, _sessions, _check) = (accounts, sessions, check);

    /// <summary>Always a new login session with a new secret: whatever cookie was known before is of no use after (attack 21).</summary>
    public async Task<Outcome<SignedIn>> WithPasswordAsync(string? login, string? password, string device, IPAddress? address)
    {
        if (AccountFields.Refused([Missing("login", login), Missing("password", password)]) is { } refused)
        {
            return refused;
        }

        var account = _accounts.FindByLogin(login);
        var verified = await _check.VerifyAsync(account, login!, Password.TryParse(password), address);
        if (!verified.TryGet(out var credential, out var refusal))
        {
            return Outcome<SignedIn>.FromRefusal(refusal);
        }

        return await _sessions.StartAsync(account!, credential, device, address) is { } signedIn ? signedIn : PasswordCheck.NotAnyMore(account!);
    }

    private static FieldError? Missing(string field, string? value) =>
        string.IsNullOrEmpty(value) ? new FieldError(field, FieldCodes.Required, "This is needed.") : null;
}
