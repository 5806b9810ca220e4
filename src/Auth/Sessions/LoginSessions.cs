using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Sessions;

/// <summary>A new browser login session, and the secret for its cookie, which exists nowhere else.</summary>
public sealed record SignedIn(LoginSession Session, string Secret);

/// <summary>Names a login session for somebody who keeps something of it on disk and asks for it again after a restart.</summary>
/// <param name="PasswordStamp">Of a login session by password: tells whether the account's password is still the one it was opened with, and no ban came between. Empty for other kinds.</param>
public sealed record LoginSessionNote(string Id, string PasswordStamp, DateTimeOffset CreatedAt, DateTimeOffset LastSeen, string? Address);

/// <summary>All login sessions of all kinds, in memory: found by secret, listed by account, and ended.</summary>
/// <remarks>
/// Thread-safe. Finding is lock-free. <c>_gate</c> is a leaf lock over the index by account and by client. Whoever adds compares the account's state first, under the write gate or (MQTT)
/// under <c>_gate</c>; whoever changes that state does so under the write gate and collects under <c>_gate</c> after: so nobody is missed (attacks 23, 27).
/// </remarks>
public sealed class LoginSessions
{
    /// <summary>A browser that comes back within this stays signed in.</summary>
    public static readonly TimeSpan CookieLifetime = TimeSpan.FromDays(30);

    // Between authentication and attaching, or between a disconnect and the next connect of a client that starts clean.
    private static readonly TimeSpan ReleaseGrace = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan StoreLastSeenEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan StoreLastSeenOfConnectedEvery = TimeSpan.FromHours(1);

    // Until the answer with the new cookie has reached the browser, and all its tabs.
    private static readonly TimeSpan ReplacedGrace = TimeSpan.FromSeconds(10);

    private const int TouchedPerTransaction = 500;

    private readonly LoginSessionStore _browsers;
    private readonly AccessTokenStore _tokens;
    private readonly AccountDirectory _accounts;
    private readonly AccountEvents _events;
    private readonly WriteGate _writes;
    private readonly AuthOptions _options;
    private readonly TimeProvider _time;
    private readonly UnstoredEnds _ends;

    // Cookies that a new password has just replaced, and when. Under _gate.
    private readonly Dictionary<SecretHash, long> _replaced = [];

    private readonly ConcurrentDictionary<SecretHash, LoginSession> _bySecret = new();
    private readonly ConcurrentDictionary<string, LoginSession> _byId = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, HashSet<LoginSession>> _byAccount = [];
    private readonly Dictionary<(string Account, string ClientId), LoginSession> _byClient = [];

    private LoginSessions(
        LoginSessionStore browsers, AccessTokenStore tokens, AccountDirectory accounts, AccountEvents events, WriteGate writes,
        AuthOptions options, TimeProvider time, ILogger logger)
    {
        (_browsers, _tokens, _accounts, _events, _writes, _options, _time) = (browsers, tokens, accounts, events, writes, options, time);
        _ends = new UnstoredEnds(browsers, tokens, logger);
    }

    internal static async Task<LoginSessions> LoadAsync(
        LoginSessionStore browsers, AccessTokenStore tokens, AccountDirectory accounts, AccountEvents events, WriteGate writes,
        AuthOptions options, TimeProvider time, ILogger logger)
    {
        LoginSessions sessions = new(browsers, tokens, accounts, events, writes, options, time, logger);
        // A ban is stored before the end of what it ends.
        Account? FindUnlessBanned(string id) => accounts.Find(id) is { Ban: null } account ? account : null;
        foreach (var session in (await browsers.ReadAllAsync(FindUnlessBanned)).Concat(await tokens.ReadAllAsync(FindUnlessBanned)))
        {
            sessions.Add(session);
            session.Account.LastPresent = session.LastSeen > session.Account.LastPresent ? session.LastSeen : session.Account.LastPresent;
        }

        return sessions;
    }

    /// <summary>Signs in a browser without a password: after registering, or as a guest. Null: the account was erased or banned meanwhile.</summary>
    public Task<SignedIn?> StartAsync(Account account, string device, IPAddress? address) => StartAsync(account, account.Credential, device, address);

    /// <summary>Null: the password that was checked is no longer the account's.</summary>
    internal async Task<SignedIn?> StartAsync(Account account, PasswordHash? verified, string device, IPAddress? address)
    {
        var now = _time.GetUtcNow();
        var secret = Secret.Create();
        LoginSession session = new(Secret.CreateId(), LoginSessionKind.Browser, account, Scope.Everything, now, device, address?.ToString())
        {
            SecretHash = SecretHash.Of(secret),
            ExpiresAt = now + CookieLifetime,
        };
        List<LoginSession> surplus;
        using (await _writes.EnterAsync())
        {
            if (account.IsErased || account.Ban is not null || !ReferenceEquals(account.Credential, verified))
            {
                return null;
            }

            await _browsers.AddAsync(session);
            Add(session);
            surplus = SurplusOf(account, session);
        }

        await EndAsync(surplus, RevocationReason.SignedOut);
        return new SignedIn(session, secret);
    }

    /// <summary>The access tokens of all accounts.</summary>
    internal IEnumerable<LoginSession> Tokens => _byId.Values.Where(session => session.Kind == LoginSessionKind.Token && !session.IsRevoked);

    /// <summary>Those beyond the limit: the ones without a connection first, and of them those that were used longest ago.</summary>
    private List<LoginSession> SurplusOf(Account account, LoginSession newest)
    {
        var browsers = OfAccount(account).Where(session => session.Kind == LoginSessionKind.Browser && !session.IsRevoked).ToList();
        return _options.LoginSessionsPerAccount == 0 ? [] :
        [
            .. browsers.Where(session => session != newest).OrderBy(session => session.HasClients).ThenBy(session => session.LastSeen)
                .Take(browsers.Count - _options.LoginSessionsPerAccount),
        ];
    }

    /// <summary>The caller holds the write gate, has checked the account under it, and has stored the login session.</summary>
    internal void Add(LoginSession session)
    {
        lock (_gate)
        {
            Remember(session);
        }
    }

    /// <summary>The login session of (account, client id) by password: the one there is, or a new one. Null: the password that was checked is no longer the account's.</summary>
    internal LoginSession? GetOrStartPassword(Account account, PasswordHash verified, string clientId, IPAddress? address)
    {
        lock (_gate)
        {
            if (account.IsErased || account.Ban is not null || !ReferenceEquals(account.Credential, verified))
            {
                return null;
            }

            if (_byClient.TryGetValue((account.Id, clientId), out var known) && !known.IsRevoked)
            {
                known.Address = address?.ToString();
                known.LastSeen = _time.GetUtcNow();
                return known;
            }

            LoginSession session = new(
                Secret.CreateId(), LoginSessionKind.Password, account, Scope.Everything, _time.GetUtcNow(), clientId, address?.ToString());
            _byClient[(account.Id, clientId)] = session;
            Remember(session);
            return session;
        }
    }

    /// <summary>The live login session whose cookie this is. Costs no look at the disk.</summary>
    public LoginSession? FindByCookie(string? secret) => FindBySecret(secret, LoginSessionKind.Browser);

    /// <summary>
    /// The cookie was replaced a moment ago, because its account has a new password. The browser may not have the new one yet: whoever
    /// comes with it is told to ask again, and not that everything here is over. It opens nothing.
    /// </summary>
    public bool WasJustReplaced(string? secret)
    {
        if (!SecretHash.TryOf(secret, out var hash))
        {
            return false;
        }

        lock (_gate)
        {
            return _replaced.TryGetValue(hash, out var at) && _time.GetElapsedTime(at) < ReplacedGrace;
        }
    }

    /// <summary>The account is signed in from that address at present.</summary>
    internal bool IsUsedFrom(Account account, IPAddress? address)
    {
        var origin = Origin.Of(address);
        return origin.IsKnown && OfAccount(account).Any(session =>
            !session.IsRevoked && IPAddress.TryParse(session.Address, out var used) && Origin.Of(used) == origin);
    }

    /// <summary>The live login session of an access token.</summary>
    internal LoginSession? FindByToken(string? secret) => FindBySecret(secret, LoginSessionKind.Token);

    /// <summary>Somebody used it now: a cookie's 30 days begin anew. Stored in the background.</summary>
    public void Touch(LoginSession session, IPAddress? address)
    {
        var now = _time.GetUtcNow();
        session.LastSeen = now;
        session.Address = address?.ToString() ?? session.Address;
        session.Account.LastPresent = now;
        if (session.Kind == LoginSessionKind.Browser)
        {
            session.ExpiresAt = now + CookieLifetime;
        }
    }

    /// <summary>Those in use, the newest first: browsers, connected tokens, and passwords whose MQTT session lives.</summary>
    public IReadOnlyList<LoginSession> List(Account account) => [.. OfAccount(account).Where(session => session.IsInUse).OrderByDescending(session => session.LastSeen)];

    /// <summary>Null also when it is somebody else's: whoever asks shall not learn the difference.</summary>
    public LoginSession? Find(Account account, string id) => _byId.TryGetValue(id, out var session) && session.Account == account ? session : null;

    /// <summary>What <see cref="Restore"/> needs. Before anything is served it is asked for at most once per account and client id.</summary>
    public static LoginSessionNote NoteOf(LoginSession session) =>
        new(session.Id, session.Kind == LoginSessionKind.Password ? StampOf(session.Account) : "", session.CreatedAt, session.LastSeen, session.Address);

    /// <summary>
    /// The login session that a note of before the restart was of, kept for that client id: one that is stored, or, by password, one that is made anew as it was.
    /// Null: it has ended.
    /// </summary>
    public LoginSession? Restore(Account account, string clientId, LoginSessionNote note)
    {
        lock (_gate)
        {
            if (note.PasswordStamp.Length == 0)
            {
                return Find(account, note.Id) is { } stored && stored.TryKeep(clientId) ? stored : null;
            }

            if (account.IsErased || note.PasswordStamp != StampOf(account))
            {
                return null;
            }

            LoginSession session = new(note.Id, LoginSessionKind.Password, account, Scope.Everything, note.CreatedAt, clientId, note.Address) { LastSeen = note.LastSeen };
            session.TryKeep(clientId);
            _byClient[(account.Id, clientId)] = session;
            Remember(session);
            return session;
        }
    }

    /// <summary>
    /// For whoever has just changed the password in a browser: a new login session with a new secret takes the place of
    /// <paramref name="current"/>, so that a copy of its cookie is of no use any more, and every connection by it ends.
    /// Null: the account was erased or banned, or has yet another password.
    /// </summary>
    internal async Task<SignedIn?> ReplaceAsync(LoginSession current, PasswordHash verified, IPAddress? address)
    {
        var renewed = await StartAsync(current.Account, verified, current.Device, address);
        if (renewed is not null && current.SecretHash is { } hash)
        {
            lock (_gate)
            {
                _replaced[hash] = _time.GetTimestamp();
            }
        }

        return renewed;
    }

    /// <summary>Ends one login session; a token's with the token. Completes when its last connection is closed.</summary>
    public Task EndAsync(LoginSession session, RevocationReason reason = RevocationReason.SignedOut) => EndAsync([session], reason);

    /// <summary>Ends all login sessions of the account but <paramref name="except"/>; tokens only if <paramref name="alsoTokens"/>.</summary>
    public Task EndOthersAsync(Account account, LoginSession? except, bool alsoTokens, RevocationReason reason = RevocationReason.SignedOut) =>
        EndAsync([.. OfAccount(account).Where(session => session != except && (alsoTokens || session.Kind != LoginSessionKind.Token))], reason);

    /// <summary>The MQTT session of (account, client id) has ended: without it a login session by password is not needed any more. Of other kinds nothing changes.</summary>
    public void Release(LoginSession session) => session.Release(_time.GetUtcNow());

    internal async Task EndAsync(IReadOnlyCollection<LoginSession> sessions, RevocationReason reason)
    {
        if (sessions.Count == 0)
        {
            return;
        }

        // Silent at once, whatever the disk does; answered only when it is durable too, because whoever is told "signed out" must not be signed in again by a restart.
        var closed = RevokeAsync(sessions, reason);
        try
        {
            await _ends.StoreAsync(sessions);
        }
        finally
        {
            await closed;
        }
    }

    /// <summary>Removes what the store still has of an account's login sessions and tokens, none of which is alive.</summary>
    internal async Task RemoveStoredAsync(Account account)
    {
        await _browsers.RemoveOfAsync(account);
        await _tokens.RemoveOfAsync(account);
    }

    /// <summary>Ends those whose time has come, retires released ones, notes who is connected. Called at least twice a second (attack 28).</summary>
    internal async Task SweepAsync()
    {
        var now = _time.GetUtcNow();
        List<LoginSession> expired = [];
        List<LoginSession> orphaned = [];
        List<LoginSession> banned = [];
        foreach (var session in _byId.Values)
        {
            if (session.IsExpiredAt(now))
            {
                expired.Add(session);
            }
            else if (!_accounts.Knows(session.Account))
            {
                // Erased by a write that seemed to have failed: those who erase end the login sessions themselves.
                orphaned.Add(session);
            }
            else if (session.Account.Ban is not null)
            {
                // The same: banned by such a write.
                banned.Add(session);
            }
            else if (session.HasClients)
            {
                session.LastSeen = now;
                session.Account.LastPresent = now;
            }
            else if (session.TryRetire(now - ReleaseGrace))
            {
                await ForgetAsync(session, RevocationReason.SignedOut);
            }
        }

        // Here the end need not be stored first: the time of it is, or the ban, or that there is no account.
        var closed = Task.WhenAll(
            RevokeAsync(expired, RevocationReason.Expired), RevokeAsync(orphaned, RevocationReason.AccountErased), RevokeAsync(banned, RevocationReason.Banned));
        try
        {
            // All of them at once: no later sweep finds those that a disk which refuses kept from being handed over.
            await _ends.StoreAsync([.. expired, .. orphaned, .. banned]);
        }
        finally
        {
            await closed;
        }
    }

    /// <summary>
    /// The clock was set: whoever is signed in stays so, and a guest lives, for as long as before, while a date that somebody chose (a
    /// token's end) stays. Completes when it is stored.
    /// </summary>
    /// <param name="by">By how much.</param>
    /// <param name="follow">Takes the new time; nobody has expired by it for a moment. Null: it is taken already.</param>
    public async Task MoveAsync(TimeSpan by, Action? follow = null)
    {
        if (by < TimeSpan.Zero)
        {
            follow?.Invoke();
        }

        var sessions = _byId.Values.Select(session => (Session: session, Old: session.LastSeen)).ToList();
        var guests = _accounts.All.Where(account => account.IsGuest)
            .Select(account => (Account: account, Old: account.LastPresent)).ToList();
        sessions.ForEach(session => session.Session.Move(by));
        guests.ForEach(guest => guest.Account.LastPresent += by);
        if (by > TimeSpan.Zero)
        {
            follow?.Invoke();

            // Used by the old time while the others were moved.
            foreach (var (session, _) in sessions.Where(session => session.Session.LastSeen < session.Old + by))
            {
                session.Move(by);
            }

            foreach (var (account, _) in guests.Where(guest => guest.Account.LastPresent < guest.Old + by))
            {
                account.LastPresent += by;
            }
        }

        await StoreLastSeenAsync();
    }

    /// <summary>Stores the ends that the disk has refused so far, and forgets replaced cookies. Called every few seconds.</summary>
    internal Task RetryEndsAsync(bool isLast = false)
    {
        lock (_gate)
        {
            foreach (var (hash, _) in _replaced.Where(entry => _time.GetElapsedTime(entry.Value) >= ReplacedGrace).ToList())
            {
                _replaced.Remove(hash);
            }
        }

        return _ends.RetryAsync(isLast);
    }

    /// <summary>Stores what <see cref="Touch"/> and the sweep noted. Called about once a minute.</summary>
    internal async Task StoreLastSeenAsync()
    {
        var due = _byId.Values.Where(session => session.Kind != LoginSessionKind.Password && !session.IsRevoked && session.LastSeen - session.StoredLastSeen
            >= (session.HasClients ? StoreLastSeenOfConnectedEvery : StoreLastSeenEvery)).ToList();
        foreach (var session in due)
        {
            session.StoredLastSeen = session.LastSeen;
        }

        // In small transactions, so that a sign-in does not wait behind all of them.
        foreach (var some in due.Where(session => session.Kind == LoginSessionKind.Browser).Chunk(TouchedPerTransaction))
        {
            await _browsers.TouchAsync(some);
        }

        foreach (var some in due.Where(session => session.Kind == LoginSessionKind.Token).Chunk(TouchedPerTransaction))
        {
            await _tokens.TouchAsync(some);
        }
    }

    internal IReadOnlyList<LoginSession> OfAccount(Account account)
    {
        lock (_gate)
        {
            return _byAccount.TryGetValue(account.Id, out var sessions) ? [.. sessions] : [];
        }
    }

    /// <summary>In memory only. All are marked and all their clients silenced before the first is waited for.</summary>
    internal async Task RevokeAsync(IReadOnlyCollection<LoginSession> sessions, RevocationReason reason)
    {
        var closed = sessions.Select(session => session.RevokeAsync(reason)).ToList();
        foreach (var session in sessions)
        {
            await ForgetAsync(session, reason);
        }

        await Task.WhenAll(closed);
    }

    /// <summary>It opens something still: who has found it a moment ago need not look for its secret again.</summary>
    public bool IsAlive(LoginSession session) => !session.IsRevoked && !session.IsExpiredAt(_time.GetUtcNow());

    /// <summary>Tells whether the account's password is still the same one, and no ban came between; of a guest empty.</summary>
    internal static string StampOf(Account account)
    {
        if (account.Credential is not { } credential)
        {
            return "";
        }

        var bans = account.Standing.TimesBanned;
        return Convert.ToHexStringLower(SHA256.HashData(bans == 0 ? credential.Hash : [.. credential.Hash, .. BitConverter.GetBytes(bans)]).AsSpan(0, 8));
    }

    private LoginSession? FindBySecret(string? secret, LoginSessionKind kind) =>
        SecretHash.TryOf(secret, out var hash) && _bySecret.TryGetValue(hash, out var session) && session.Kind == kind && IsAlive(session)
            ? session
            : null;

    private void Remember(LoginSession session)
    {
        if (!_byAccount.TryGetValue(session.Account.Id, out var sessions))
        {
            _byAccount[session.Account.Id] = sessions = [];
        }

        sessions.Add(session);
        _byId[session.Id] = session;
        if (session.SecretHash is { } hash)
        {
            _bySecret[hash] = session;
        }
    }

    /// <summary>Says so once, however many ended it at the same time.</summary>
    private async Task ForgetAsync(LoginSession session, RevocationReason reason)
    {
        lock (_gate)
        {
            if (!_byId.TryRemove(KeyValuePair.Create(session.Id, session)))
            {
                return;
            }

            if (session.SecretHash is { } hash)
            {
                _bySecret.TryRemove(KeyValuePair.Create(hash, session));
            }

            if (_byAccount.TryGetValue(session.Account.Id, out var sessions) && sessions.Remove(session) && sessions.Count == 0)
            {
                _byAccount.Remove(session.Account.Id);
            }

            var client = (session.Account.Id, session.Device);
            if (_byClient.TryGetValue(client, out var current) && current == session)
            {
                _byClient.Remove(client);
            }
        }

        await _events.SessionEnded.RaiseAsync(new SessionEnded(session, reason));
    }
}
