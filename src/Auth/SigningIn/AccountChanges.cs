using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Passwords;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.SigningIn;

/// <summary>What of an account shall change; null leaves a part as it is.</summary>
public sealed record AccountChange(string? Email = null, string? UserName = null, string? DisplayName = null, string? NewPassword = null)
{
    /// <summary>With a new password, the access tokens end as well.</summary>
    public bool EndTokens { get; init; }
}

/// <summary>An account as it is after a change.</summary>
/// <param name="Renewed">With a new password: the login session that takes the place of the one that asked. Null: that one goes on.</param>
public sealed record ChangedAccount(Account Account, SignedIn? Renewed);

/// <summary>Changes and erases accounts, each with the current password.</summary>
public sealed class AccountChanges
{
    private static readonly TimeSpan GuestsLiveOn = TimeSpan.FromHours(24);

    private readonly AccountDirectory _accounts;
    private readonly LoginSessions _sessions;
    private readonly PasswordCheck _check;
    private readonly AttemptLimits _limits;
    private readonly PasswordHasher _hasher;
    private readonly AccountEvents _events;
    private readonly WriteGate _gate;
    private readonly TimeProvider _time;

    internal AccountChanges(
        AccountDirectory accounts, LoginSessions sessions, PasswordCheck check, AttemptLimits limits, PasswordHasher hasher,
        AccountEvents events, WriteGate gate, TimeProvider time) =>
        (_accounts, _sessions, _check, _limits, _hasher, _events, _gate, _time) =
            (accounts, sessions, check, limits, hasher, events, gate, time);

    /// <summary>
    /// Takes all of the change or nothing. With a new password all login sessions of the account end (attack 27),
    /// <paramref name="current"/> too, for which there is a new one: somebody may have a copy of its cookie.
    /// The task completes when the last of their connections is closed.
    /// </summary>
    public async Task<Outcome<ChangedAccount>> ChangeAsync(
        LoginSession current, string? currentPassword, AccountChange change, IPAddress? address)
    {
        var account = current.Account;
        if (account.IsGuest)
        {
            return new Refusal.NotForGuests();
        }

        var before = account.Profile;
        UserName userName = default;
        EmailAddress email = default;
        Password? newPassword = null;
        var displayName = before.DisplayName;
        List<FieldError?> errors =
        [
            change.Email is null ? null : AccountFields.CheckEmail(change.Email, out email),
            // A name that was taken before it became reserved may be sent back unchanged.
            change.UserName is null || change.UserName == before.UserName ? null : AccountFields.CheckUserName(change.UserName, out userName),
            change.DisplayName is null || change.DisplayName == before.DisplayName
                ? null
                : AccountFields.CheckDisplayName("displayName", change.DisplayName, out displayName),
        ];
        _ = userName.Value is null && UserName.TryParse(before.UserName, out userName);
        _ = email.Value is null && EmailAddress.TryParse(before.Email, out email);
        errors.Add(change.NewPassword is null ? null : PasswordPolicy.Check("password", change.NewPassword, userName, email, out newPassword));
        errors.Add(MissingPassword(currentPassword));
        if (AccountFields.Refused(errors) is { } refused)
        {
            return refused;
        }

        var verified = await _check.VerifyOwnAsync(account, Password.TryParse(currentPassword), address);
        if (!verified.TryGet(out var credential, out var refusal))
        {
            return Outcome<ChangedAccount>.FromRefusal(WrongPassword(refusal));
        }

        // Before anything is counted: a server that is too busy for it changes nothing.
        var newCredential = newPassword is null ? credential : await _hasher.HashAsync(newPassword);
        if (newCredential is null)
        {
            return new Refusal.Busy();
        }

        var takesUserName = change.UserName is not null && userName.Value != before.UserName;
        var takesDisplayName = displayName != before.DisplayName;
        if (Limited(account, takesUserName, change.Email is not null && email.Value != before.Email, takesDisplayName) is { } limited)
        {
            return Outcome<ChangedAccount>.FromRefusal(limited);
        }

        var isChanged = false;
        try
        {
            var replaced = await _accounts.ReplaceAsync(
                account,
                credential,
                profile => profile with
                {
                    UserName = change.UserName is null ? profile.UserName : userName.Value!,
                    DisplayName = change.DisplayName is null ? profile.DisplayName : displayName,
                    Email = change.Email is null ? profile.Email : email.Value,
                },
                newCredential);
            isChanged = replaced.TryGet(out _, out refusal);
        }
        finally
        {
            // Refused, or the disk took nothing. The try stays counted in both cases: by them a name was told to be taken, or to be free.
            if (!isChanged)
            {
                GiveNames(account, takesUserName, takesDisplayName);
            }
        }

        if (!isChanged)
        {
            return Outcome<ChangedAccount>.FromRefusal(WrongPassword(refusal!));
        }

        SignedIn? renewed = null;
        if (newPassword is not null)
        {
            renewed = await _sessions.ReplaceAsync(current, newCredential, address);
            // guard: a new password ends other login sessions
            await _sessions.EndOthersAsync(account, /* guard: cookies: a copy ends with the password */ renewed?.Session, change.EndTokens, RevocationReason.PasswordChanged);
        }

        await TellAsync(account, before);
        return new ChangedAccount(account, renewed);
    }

    /// <summary>
    /// The account's login session is used again. A nickname is free two minutes after its guest went away: if somebody else has it by now,
    /// the guest who comes back is called otherwise before he is heard.
    /// </summary>
    public async Task ReturnAsync(Account account)
    {
        if (await _accounts.ReturnAsync(account))
        {
            await _events.DisplayNameChanged.RaiseAsync(account);
        }
    }

    /// <summary>
    /// Erases the account: no trace but its user names, which stay taken. Completes when the last of its connections is closed.
    /// </summary>
    public async Task<Outcome<Account>> EraseAsync(Account account, string? password, IPAddress? address)
    {
        if (account.IsGuest)
        {
            return new Refusal.NotForGuests();
        }

        if (AccountFields.Refused([MissingPassword(password)]) is { } refused)
        {
            return refused;
        }

        var verified = await _check.VerifyOwnAsync(account, Password.TryParse(password), address);
        if (!verified.TryGet(out var credential, out var refusal))
        {
            return Outcome<Account>.FromRefusal(WrongPassword(refusal));
        }

        return await RemoveAsync([account], () => account.Ban is null && ReferenceEquals(account.Credential, credential))
            ? account
            : Outcome<Account>.FromRefusal(WrongPassword(PasswordCheck.NotAnyMore(account)));
    }

    /// <summary>Removes the guests whose last connection was more than 24 hours ago, and says how many.</summary>
    public async Task<int> RemoveOldGuestsAsync()
    {
        var limit = _time.GetUtcNow() - GuestsLiveOn;
        List<Account> old = [.. _accounts.All.Where(account => account.IsGuest && account.LastPresent <= limit)];
        foreach (var some in old.Chunk(100))
        {
            await RemoveAsync(some, () => true);
        }

        return old.Count;
    }

    /// <summary>The same for who may erase it without its password: guests, too.</summary>
    /// <param name="may">Asked when nobody else can change the account. False: it was not, and is there as before.</param>
    internal Task<bool> EraseAsync(Account account, Func<bool> may) => RemoveAsync([account], may);

    private async Task<bool> RemoveAsync(IReadOnlyCollection<Account> accounts, Func<bool> stillRight)
    {
        List<LoginSession> sessions;
        using (await _gate.EnterAsync())
        {
            if (accounts.Any(account => account.IsErased) || !stillRight())
            {
                return false;
            }

            // From here on nobody signs in, by MQTT either, which does not take the gate.
            SetErased(accounts, true);
            try
            {
                await _accounts.RemoveAsync(accounts);
            }
            catch
            {
                // Perhaps it is erased all the same; the directory finds out when the store works again.
                SetErased(accounts, false);
                throw;
            }

            sessions = [.. accounts.SelectMany(_sessions.OfAccount)];
        }

        await _sessions.EndAsync(sessions, RevocationReason.AccountErased);
        await /* guard: an erasure is heard by all nodes before it is answered */ _sessions.EverywhereAsync();
        foreach (var account in accounts)
        {
            await _events.Erased.RaiseAsync(account);
        }

        return true;
    }

    /// <summary>
    /// How often names and addresses change: each try at a user name or an address tells whether it is free, and each user name stays
    /// taken for ever. Null: allowed, and counted.
    /// </summary>
    private Refusal? Limited(Account account, bool userName, bool email, bool displayName)
    {
        if ((/* guard: probing: names and addresses are tried so often */ (userName || email)) && _limits.TakeAccountTry(account.Id) is { } wait)
        {
            return new Refusal.TooManyAttempts(wait);
        }

        Refusal? limited = null;
        if ((/* guard: names: display names an hour */ displayName) && _limits.TakeDisplayName(account.Id) is not null)
        {
            limited = new Refusal.Fields("displayName", FieldCodes.TooMany, "The name was changed often of late. Try again in an hour.");
        }
        else if ((/* guard: names: user names a month */ userName) && _limits.TakeUserName(account.Id) is not null)
        {
            limited = new Refusal.Fields("userName", FieldCodes.TooMany, "The user name was changed often of late. Keep this one for some days.");
            GiveNames(account, userName: false, displayName);
        }

        if (limited is not null && (userName || email))
        {
            // Nothing was looked up, so nothing was told.
            _limits.GiveAccountTry(account.Id);
        }

        return limited;
    }

    /// <summary>What was counted and did not change.</summary>
    private void GiveNames(Account account, bool userName, bool displayName)
    {
        if (userName)
        {
            _limits.GiveUserName(account.Id);
        }

        if (displayName)
        {
            _limits.GiveDisplayName(account.Id);
        }
    }

    private async Task TellAsync(Account account, Profile before)
    {
        if (account.UserName != before.UserName)
        {
            await _events.Renamed.RaiseAsync(new Renamed(account, before.UserName));
        }

        if (account.DisplayName != before.DisplayName)
        {
            await _events.DisplayNameChanged.RaiseAsync(account);
        }
    }

    private static void SetErased(IReadOnlyCollection<Account> accounts, bool erased)
    {
        foreach (var account in accounts)
        {
            account.IsErased = erased;
        }
    }

    private static FieldError? MissingPassword(string? password) =>
        string.IsNullOrEmpty(password) ? new FieldError("currentPassword", FieldCodes.Required, "The current password is needed.") : null;

    // Whoever is here is signed in: a wrong password is a wrong field, not a lost login session.
    private static Refusal WrongPassword(Refusal refusal) => refusal is Refusal.BadCredentials
        ? new Refusal.Fields("currentPassword", FieldCodes.Wrong, "This is not the current password.")
        : refusal;
}
