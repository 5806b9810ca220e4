using Microsoft.Extensions.Logging;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.SigningIn;

/// <summary>
/// Shuts accounts out, and lets them in again. For the operator of the machine and for administrators: who may ask for it is decided where
/// it is asked for.
/// </summary>
public sealed partial class AccountBans
{
    private readonly AccountDirectory _accounts;
    private readonly LoginSessions _sessions;
    private readonly WriteGate _gate;
    private readonly TimeProvider _time;
    private readonly ILogger<AccountBans> _logger;

    internal AccountBans(AccountDirectory accounts, LoginSessions sessions, WriteGate gate, TimeProvider time, ILogger<AccountBans> logger) =>
        (_accounts, _sessions, _gate, _time, _logger) = (accounts, sessions, gate, time, logger);

    /// <summary>Every banned account, the latest ban first.</summary>
    public IReadOnlyList<(Account Account, Ban Ban)> All =>
        [.. _accounts.All.Where(account => account.Ban is not null).Select(account => (account, account.Ban!)).OrderByDescending(banned => banned.Item2.At)];

    /// <summary>
    /// Ends all login sessions and access tokens of the account and lets it have no new ones (attack 27).
    /// Completes when the ban is on disk and the last of its connections is closed.
    /// </summary>
    /// <param name="reason">As <see cref="Ban.TryReason"/> gave it.</param>
    /// <param name="until">When it ends by itself; null: it does not.</param>
    /// <param name="may">Asked of the account when nobody else can change it; null: it may be done in any case.</param>
    public async Task<BanOutcome> BanAsync(string userName, string? reason, DateTimeOffset? until = null, Func<Account, bool>? may = null)
    {
        Account? account;
        HashSet<LoginSession> sessions;
        using (await _gate.EnterAsync())
        {
            await _accounts.ReconcileUnderGateAsync();
            account = _accounts.FindByUserName(userName);
            if (account is null || account.Ban is not null)
            {
                return new(account is null ? BanResult.NoSuchAccount : BanResult.AlreadyBanned, account);
            }

            if (/* guard: who is banned is looked at again when nothing changes */ may?.Invoke(account) == false)
            {
                return new(BanResult.NotAllowed, account);
            }

            // Those from before, because the sweep ends login sessions of banned accounts too,
            // and what it has begun to close is waited for here.
            sessions = [.. _sessions.OfAccount(account)];
            await _accounts.SetStandingAsync(account, account.Standing.With(new Ban(Now(), reason, until)));
            sessions.UnionWith(_sessions.OfAccount(account));
        }

        // guard: a ban ends login sessions and tokens
        await _sessions.EndAsync(sessions, RevocationReason.Banned);
        await /* guard: a ban is heard by all nodes before it is answered */ _sessions.EverywhereAsync();
        var tokens = sessions.Count(session => session.Kind == LoginSessionKind.Token);
        LogBanned(_logger, account.UserName, sessions.Count - tokens, tokens);
        return new(BanResult.Done, account, sessions.Count - tokens, tokens);
    }

    /// <summary>Lets the account sign in again. What the ban ended stays ended.</summary>
    /// <param name="may">As for a ban.</param>
    public async Task<BanOutcome> LiftAsync(string userName, Func<Account, bool>? may = null)
    {
        using var entry = await _gate.EnterAsync();
        await _accounts.ReconcileUnderGateAsync();
        var account = _accounts.FindByUserName(userName);
        if (account?.Ban is null)
        {
            return new(account is null ? BanResult.NoSuchAccount : BanResult.NotBanned, account);
        }

        if (may?.Invoke(account) == false)
        {
            return new(BanResult.NotAllowed, account);
        }

        // Perhaps the disk did not take their end: then only the ban has kept them from coming back with the next start.
        // guard: the end of a ban brings nothing back
        await _sessions.RemoveStoredAsync(account);
        await _accounts.SetStandingAsync(account, account.Standing.Lifted);
        LogLifted(_logger, account.UserName);
        return new(BanResult.Done, account);
    }

    /// <summary>Lifts those bans whose time is over. Called about once a minute.</summary>
    public async Task LiftOverAsync()
    {
        foreach (var account in _accounts.All.Where(IsOver))
        {
            // It may have become another ban meanwhile.
            await LiftAsync(account.UserName, IsOver);
        }
    }

    private bool IsOver(Account account) => account.Ban?.Until is { } until && until <= _time.GetUtcNow();

    // As exactly as it is stored, or it would be another one after it was read.
    private DateTimeOffset Now() => DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds());

    [LoggerMessage(1200, LogLevel.Information, "Banned {User}; login sessions ended: {Sessions}, access tokens: {Tokens}")]
    private static partial void LogBanned(ILogger logger, string user, int sessions, int tokens);

    [LoggerMessage(1201, LogLevel.Information, "Lifted the ban of {User}")]
    private static partial void LogLifted(ILogger logger, string user);
}
