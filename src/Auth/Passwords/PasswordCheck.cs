using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.Passwords;

/// <summary>
/// Is this the account's password? The one place where it is asked, limited, and answered in the same time for accounts that do not exist.
/// </summary>
internal sealed class PasswordCheck(AccountDirectory accounts, LoginSessions sessions, PasswordHasher hasher, AttemptLimits limits)
{
    /// <summary>
    /// The credential that matched, for the caller to compare with the account's when it acts on it.
    /// <paramref name="account"/> is null when nobody has the <paramref name="login"/>.
    /// </summary>
    public Task<Outcome<PasswordHash>> VerifyAsync(Account? account, string login, Password? password, IPAddress? address) =>
        VerifyByKeyAsync(account, /* guard: probing: an e-mail address is limited by itself */ LimitKey(login), password, address);

    /// <summary>The same, for somebody who is signed in: counted beside what strangers try.</summary>
    public Task<Outcome<PasswordHash>> VerifyOwnAsync(Account account, Password? password, IPAddress? address) =>
        VerifyByKeyAsync(account, AttemptLimits.OwnPrefix + account.Id, password, address);

    /// <summary>Null: a password would be checked now.</summary>
    public TimeSpan? Wait(Account? account, string login, IPAddress? address) =>
        limits.WaitForPassword(LimitKey(login), address, () => IsAtHome(account, address));

    /// <summary>Why a password that was right opens nothing any more.</summary>
    public static Refusal NotAnyMore(Account account) =>
        account.Ban is { } ban ? new Refusal.Banned(ban.Text, ban.Reason) : new Refusal.BadCredentials();

    private async Task<Outcome<PasswordHash>> VerifyByKeyAsync(Account? account, string key, Password? password, IPAddress? address)
    {
        if (limits.TakePassword(key, address, () => IsAtHome(account, address), out var taken) is { } wait)
        {
            return new Refusal.TooManyAttempts(wait);
        }

        if (/* guard: the same work for nobody's password */ password is null)
        {
            return new Refusal.BadCredentials();
        }

        var stored = account?.Credential;
        switch (await hasher.VerifyAsync(stored, password))
        {
            case Verification.Busy:
                limits.WasNotChecked(key, address, taken);
                return new Refusal.Busy();
            case Verification.Match when account is not null && stored is not null:
                limits.WasRight(key, address, taken);
                return hasher.NeedsRehash(stored) ? await RehashAsync(account, stored, password) : stored;
            default:
                return new Refusal.BadCredentials();
        }
    }

    private async Task<Outcome<PasswordHash>> RehashAsync(Account account, PasswordHash stored, Password password)
    {
        if (await hasher.HashAsync(password) is not { } stronger)
        {
            // Busy: this sign-in is right all the same, and the next one tries again.
            return stored;
        }

        var replaced = await accounts.ReplaceAsync(account, stored, profile => profile, stronger);
        return replaced.TryGet(out _, out var refusal) ? stronger : Outcome<PasswordHash>.FromRefusal(refusal);
    }

    private bool IsAtHome(Account? account, IPAddress? address) => account is not null && sessions.IsUsedFrom(account, address);

    /// <summary>
    /// By what was typed, folded as it is looked up: unknown names are limited like known ones, and an e-mail address beside the user name
    /// of the same account, or the limit would tell them apart. Bounded, for it is kept for a while.
    /// </summary>
    private static string LimitKey(string login) =>
        EmailAddress.TryParse(login, out var email) ? email.Key
        : UserName.TryParse(login.Trim(), out var userName) ? userName.Value
        : "?" + login[..Math.Min(login.Length, 64)].ToLowerInvariant();
}
