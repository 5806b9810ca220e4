using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Auth.Passwords;

/// <summary>
/// For a forgotten password: the operator makes a link, and whoever opens it sets a new password. Who may ask for one is decided where it
/// is asked for.
/// </summary>
/// <remarks>
/// <para>What uses a link up is the write that sets the password: a link names the password that it replaces, so one write decides between
/// two who come at once, and no crash leaves a link that works again. For the same reason a change of the password and a ban end it.</para>
/// <para>Thread-safe. Looking is lock-free and costs no look at the disk, for anybody may ask; the rest is under the write gate.</para>
/// </remarks>
public sealed partial class PasswordLinks
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    // A clock that is set back by more must not make a link live longer.
    private static readonly TimeSpan ClockSlack = TimeSpan.FromMinutes(1);

    private readonly PasswordLinkStore _store;
    private readonly AccountDirectory _accounts;
    private readonly LoginSessions _sessions;
    private readonly PasswordHasher _hasher;
    private readonly AttemptLimits _limits;
    private readonly WriteGate _gate;
    private readonly TimeProvider _time;
    private readonly ILogger<PasswordLinks> _logger;

    // By hash, which is not constant in time and need not be, see SecretHash.
    private readonly ConcurrentDictionary<SecretHash, PasswordLink> _bySecret = new();

    // What lies in the store, by account id, with the time after which the sweep removes it. Changed under the write gate, of all nodes.
    private readonly ConcurrentDictionary<string, DateTimeOffset> _stored = [];

    private PasswordLinks(
        PasswordLinkStore store, AccountDirectory accounts, LoginSessions sessions, PasswordHasher hasher, AttemptLimits limits,
        WriteGate gate, TimeProvider time, ILogger<PasswordLinks> logger) =>
        (_store, _accounts, _sessions, _hasher, _limits, _gate, _time, _logger) =
            (store, accounts, sessions, hasher, limits, gate, time, logger);

    internal static async Task<PasswordLinks> LoadAsync(
        PasswordLinkStore store, AccountDirectory accounts, LoginSessions sessions, PasswordHasher hasher, AttemptLimits limits,
        WriteGate gate, TimeProvider time, NodePorts nodes, ILogger<PasswordLinks> logger)
    {
        PasswordLinks links = new(store, accounts, sessions, hasher, limits, gate, time, logger);
        foreach (var (account, expiresAt, link) in await store.ReadAllAsync(accounts.Find))
        {
            links._stored[account] = expiresAt;
            if (link is not null)
            {
                links._bySecret[link.SecretHash] = link;
            }
        }

        nodes.Replication.HearDocuments(PasswordLinkStore.Links, links.Heard);
        return links;
    }

    /// <summary>For a restored backup, which must not bring back a link that was used after it was made.</summary>
    public static Task ForgetAllAsync(IDocuments documents) => new PasswordLinkStore(documents).RemoveAllAsync();

    /// <summary>Makes a link and ends the account's older one. Completes when it is on disk.</summary>
    /// <param name="login">User name or e-mail address.</param>
    /// <param name="may">Asked of the account when nobody else can change it; null: it may be made in any case.</param>
    public async Task<PasswordLinkOutcome> MakeAsync(string login, Func<Account, bool>? may = null)
    {
        using var entry = await _gate.EnterAsync();
        await _accounts.ReconcileUnderGateAsync();
        var account = _accounts.FindByLogin(login);
        if (account is null)
        {
            return new(PasswordLinkResult.NoSuchAccount, null);
        }

        if (account.IsGuest || account.Ban is not null)
        {
            return new(account.IsGuest ? PasswordLinkResult.Guest : PasswordLinkResult.Banned, account);
        }

        if (/* guard: whose password link it is is looked at again when nothing changes */ may?.Invoke(account) == false)
        {
            return new(PasswordLinkResult.NotAllowed, account);
        }

        var secret = Secret.CreateForLink();
        // As exactly as it is stored.
        var expiresAt = DateTimeOffset.FromUnixTimeMilliseconds((_time.GetUtcNow() + Lifetime).ToUnixTimeMilliseconds());
        PasswordLink link = new(account, expiresAt, PasswordStamp.Of(account)) { SecretHash = SecretHash.Of(secret) };
        await _store.PutAsync(link);
        Forget(account);
        _bySecret[link.SecretHash] = link;
        _stored[account.Id] = expiresAt;
        LogMade(_logger, account.UserName, expiresAt);
        return new(PasswordLinkResult.Done, account, link, secret);
    }

    /// <summary>Whose password it would set, and until when. Uses nothing up.</summary>
    public Outcome<PasswordLink> Look(string? secret, IPAddress? address) =>
        _limits.TakeLink(address) is { } wait ? new Refusal.TooManyAttempts(wait) : Find(secret);

    /// <summary>
    /// Sets the password, ends all login sessions of the account, and signs in.
    /// With a password that cannot be taken the link stays as it is. Completes when the last connection of what has ended is closed.
    /// </summary>
    /// <param name="endTokens">The access tokens end as well.</param>
    public async Task<Outcome<SignedIn>> UseAsync(string? secret, string? password, bool endTokens, string device, IPAddress? address)
    {
        if (_limits.TakeLink(address) is { } wait)
        {
            return new Refusal.TooManyAttempts(wait);
        }

        if (!Find(secret).TryGet(out var link, out var refusal))
        {
            return Outcome<SignedIn>.FromRefusal(refusal);
        }

        var account = link.Account;
        _ = UserName.TryParse(account.UserName, out var userName);
        _ = EmailAddress.TryParse(account.Profile.Email, out var email);
        if (AccountFields.Refused([PasswordPolicy.Check("password", password, userName, email, out var newPassword)]) is { } refused)
        {
            return refused;
        }

        var replaces = account.Credential!;
        if (await _hasher.HashAsync(newPassword) is not { } credential)
        {
            return new Refusal.Busy();
        }

        var replaced = await _accounts.ReplaceAsync(account, replaces, profile => profile, credential, stillRight: () => IsAlive(link));
        if (!replaced.TryGet(out _, out refusal))
        {
            return Outcome<SignedIn>.FromRefusal(refusal is Refusal.BadCredentials ? new Refusal.NoSuchLink() : refusal);
        }

        LogUsed(_logger, account.UserName);
        _bySecret.TryRemove(KeyValuePair.Create(link.SecretHash, link));
        _limits.WasRight(account.Id, address, taken: default);
        // guard: a password link ends what the old password opened
        await _sessions.EndOthersAsync(account, except: null, endTokens, RevocationReason.PasswordChanged);
        return await _sessions.StartAsync(account, credential, device, address) is { } signedIn
            ? signedIn
            : PasswordCheck.NotAnyMore(account);
    }

    /// <summary>Removes from the disk what is over. Called about once a minute.</summary>
    internal async Task RemoveOldAsync()
    {
        using var entry = await _gate.EnterAsync();
        var now = _time.GetUtcNow();
        List<string> old = [.. _stored.Where(stored => IsOver(stored.Value, now)).Select(stored => stored.Key)];
        if (old.Count == 0)
        {
            return;
        }

        await _store.RemoveAsync(old);
        foreach (var account in old)
        {
            _stored.TryRemove(account, out _);
        }

        foreach (var link in _bySecret.Values.Where(link => IsOver(link.ExpiresAt, now)))
        {
            _bySecret.TryRemove(KeyValuePair.Create(link.SecretHash, link));
        }
    }

    // Another node has made one, or removed what is over.
    private void Heard(ReplicatedDocument document)
    {
        if (_accounts.Find(document.Id) is { } account)
        {
            // guard: one password link an account, of all nodes
            Forget(account);
        }

        if (document.IsDeleted)
        {
            _stored.TryRemove(document.Id, out _);
            return;
        }

        var (of, expiresAt, link) = PasswordLinkStore.Read(new Document(document.Id, document.Version, document.Json), _accounts.Find);
        _stored[of] = expiresAt;
        if (link is not null)
        {
            _bySecret[link.SecretHash] = link;
        }
    }

    // Used, over and never made are one answer. That the account is banned is told to whoever could set its password, as signing in
    // tells whoever knows it.
    private Outcome<PasswordLink> Find(string? secret) =>
        !SecretHash.TryOf(secret, out var hash) || !_bySecret.TryGetValue(hash, out var link) ? new Refusal.NoSuchLink()
        : link.Account.Ban is { } ban && !IsOver(link.ExpiresAt, _time.GetUtcNow()) ? new Refusal.Banned(ban.Text, ban.Reason)
        : IsAlive(link) ? link
        : new Refusal.NoSuchLink();

    private bool IsAlive(PasswordLink link) =>
        _bySecret.ContainsKey(link.SecretHash) && !IsOver(link.ExpiresAt, _time.GetUtcNow())
        && _accounts.Knows(link.Account) && /* guard: a password link works once */ link.PasswordStamp == PasswordStamp.Of(link.Account);

    private static bool IsOver(DateTimeOffset expiresAt, DateTimeOffset now) =>
        (/* guard: a password link ends after an hour */ now >= expiresAt) || expiresAt - now > Lifetime + ClockSlack;

    private void Forget(Account account)
    {
        foreach (var link in _bySecret.Values.Where(link => link.Account == account))
        {
            _bySecret.TryRemove(KeyValuePair.Create(link.SecretHash, link));
        }
    }

    [LoggerMessage(1210, LogLevel.Information, "Made a password link for {User}, valid until {ExpiresAt:u}")]
    private static partial void LogMade(ILogger logger, string user, DateTimeOffset expiresAt);

    [LoggerMessage(1211, LogLevel.Information, "The password of {User} was set by a password link")]
    private static partial void LogUsed(ILogger logger, string user);
}
