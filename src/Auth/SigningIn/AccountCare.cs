using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Passwords;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.SigningIn;

/// <summary>What became of making somebody an administrator, or of taking that away.</summary>
public enum CareResult
{
    Done,

    /// <summary>It was so already.</summary>
    Unchanged,

    /// <summary>Who asks may not, by the time that it would be done, or the account is gone.</summary>
    NotAllowed,

    Guest,
    Banned,

    /// <summary>There would be no administrator left.</summary>
    Last,
}

/// <summary>
/// What somebody who looks after the server does with an account: who may ask for it is decided where it is asked for, and asked again here
/// when nobody else can change the account.
/// </summary>
public sealed class AccountCare
{
    private readonly AccountDirectory _accounts;
    private readonly LoginSessions _sessions;
    private readonly PasswordCheck _check;
    private readonly AccountChanges _changes;
    private readonly WriteGate _gate;

    internal AccountCare(
        AccountDirectory accounts, LoginSessions sessions, PasswordCheck check, AccountChanges changes, WriteGate gate) =>
        (_accounts, _sessions, _check, _changes, _gate) = (accounts, sessions, check, changes, gate);

    /// <summary>
    /// Null: it is the account's own password. A wrong one counts as everywhere for who is signed in, and is a field error of `password`.
    /// </summary>
    public async Task<Refusal?> ProveAsync(Account account, string? password, IPAddress? address)
    {
        if (string.IsNullOrEmpty(password))
        {
            return new Refusal.Fields("password", FieldCodes.Required, "Your own password is needed.");
        }

        var verified = await _check.VerifyOwnAsync(account, Password.TryParse(password), address);
        return verified.TryGet(out _, out var refusal) ? null
            : refusal is Refusal.BadCredentials ? new Refusal.Fields("password", FieldCodes.Wrong, "This is not your password.")
            : refusal;
    }

    /// <summary>
    /// Makes the account an administrator, or one no more. All that it is signed in by ends with it, access tokens, too: completes when the
    /// last of its connections is closed.
    /// </summary>
    /// <param name="may">Asked when nobody else can change the account.</param>
    public async Task<CareResult> SetAdministratorAsync(Account account, bool isAdministrator, Func<bool> may)
    {
        using (await _gate.EnterAsync())
        {
            await _accounts.ReconcileUnderGateAsync();
            var result = Of(account, isAdministrator, may);
            if (result != CareResult.Done)
            {
                return result;
            }

            if (!await _accounts.SetAdministratorAsync(account, isAdministrator))
            {
                return CareResult.NotAllowed;
            }
        }

        // guard: a new rank ends what the old one opened
        await _sessions.EndOthersAsync(account, except: null, alsoTokens: true);
        return CareResult.Done;
    }

    /// <summary>
    /// Ends all login sessions of the account. Completes when the last connection is closed. False: who asks may not any more.
    /// </summary>
    public async Task<bool> EndSessionsAsync(Account account, bool alsoTokens, Func<bool> may)
    {
        using (await _gate.EnterAsync())
        {
            if (account.IsErased || !may())
            {
                return false;
            }
        }

        await _sessions.EndOthersAsync(account, except: null, alsoTokens);
        return true;
    }

    /// <summary>Erases it as its owner would, guests, too. False: who asks may not any more, or it is gone.</summary>
    public Task<bool> EraseAsync(Account account, Func<bool> may) => _changes.EraseAsync(account, may);

    /// <summary>Login sessions in use, access tokens not counted, and when the account was there last; null: it never was.</summary>
    public (int LoginSessions, DateTimeOffset? LastSeen) SeenOf(Account account)
    {
        var sessions = _sessions.SeenNow(account).Where(session => !session.IsRevoked).ToList();
        DateTimeOffset? last = sessions.Count == 0 ? null : sessions.Max(session => session.LastSeen);
        if (account.IsGuest && !(last > account.LastPresent))
        {
            last = account.LastPresent;
        }

        return (sessions.Count(session => session.Kind != LoginSessionKind.Token && session.IsInUse), last);
    }

    // Under the gate.
    private CareResult Of(Account account, bool isAdministrator, Func<bool> may) =>
        account.IsErased || (/* guard: who gives and takes ranks is looked at again when nothing changes */ !may()) ? CareResult.NotAllowed
        : account.IsGuest ? CareResult.Guest
        : account.Profile.IsAdministrator == isAdministrator ? CareResult.Unchanged
        : isAdministrator && account.Ban is not null ? CareResult.Banned
        : !isAdministrator && (/* guard: there is always an administrator */ !HasOther(account)) ? CareResult.Last
        : CareResult.Done;

    private bool HasOther(Account account) =>
        _accounts.All.Any(other => other != account && other is { Profile.IsAdministrator: true, Ban: null, IsErased: false });
}
