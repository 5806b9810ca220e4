using System.Collections.Frozen;
using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage;

namespace WebMessenger.Auth.Sessions;

/// <summary>A new browser login session, and the secret for its cookie, which exists nowhere else.</summary>
public sealed record SignedIn(LoginSession Session, string Secret);

/// <summary>
/// All login sessions of all kinds, in memory: found by secret, listed by account, and ended. Those of browsers and tokens are records of
/// the event log as well.
/// </summary>
/// <remarks>
/// Thread-safe. Finding is lock-free. <c>_gate</c> guards the index, and in which order records are handed to the log, which it never waits
/// for (docs/architecture.md, Locks). Whoever adds compares the account's state
/// first, under <c>_gate</c>; whoever changes that state collects under <c>_gate</c> after: so nobody is missed (attacks 23, 27).
/// </remarks>
public sealed partial class LoginSessions
{
    /// <summary>A browser that comes back within this stays signed in.</summary>
    public static readonly TimeSpan CookieLifetime = TimeSpan.FromDays(30);

    // Between authentication and attaching, or between a disconnect and the next connect of a client that starts clean.
    private static readonly TimeSpan ReleaseGrace = TimeSpan.FromSeconds(10);

    // Until the answer with the new cookie has reached the browser, and all its tabs.
    private static readonly TimeSpan ReplacedGrace = TimeSpan.FromSeconds(10);

    private readonly SessionStore _store;
    private readonly AccountDirectory _accounts;
    private readonly AuthOptions _options;
    private readonly TimeProvider _time;
    private readonly NodePorts _nodes;
    private readonly SessionEnds _ends;
    private readonly LastUses _uses;
    private readonly Action<LoginSession> _useChanged;
    private readonly DelayedLooks _released = new(ReleaseGrace);

    // Cookies that a new password has just replaced, and when. Under _gate.
    private readonly Dictionary<SecretHash, long> _replaced = [];

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly SessionIndex _index = new();

    // The accounts' count of standings when all were last looked at. The sweep's; two that overlap look once too often.
    private int _standingsSeen;

    private LoginSessions(
        SessionStore store, AccountDirectory accounts, AccountEvents events, AuthOptions options, TimeProvider time, NodePorts nodes, ILogger logger)
    {
        (_store, _accounts, _options, _time, _nodes) = (store, accounts, options, time, nodes);
        Certificates = new PinnedCertificates(_gate, _index, store, events, nodes);
        _ends = new SessionEnds(_gate, _index, new UnstoredEnds(store, nodes, logger), events, nodes);
        Heard = new HeardSessions(_gate, _index, _ends, Certificates, accounts, time, nodes, Remember);
        Overdue = new OverdueEnds(_index, _ends, time, nodes);
        Guests = new PresentGuests(id => accounts.Find(id)?.WasPresent(time.GetUtcNow()), !nodes.IsAlone);
        _uses = new LastUses(time, Guests, WriteAsync);
        _useChanged = _uses.UseChanged;
    }

    internal static async Task<LoginSessions> LoadAsync(
        SessionStore store, AccountDirectory accounts, AccountEvents events, AuthOptions options, TimeProvider time, NodePorts nodes, ILogger logger)
    {
        LoginSessions sessions = new(store, accounts, events, options, time, nodes, logger) { _standingsSeen = accounts.StandingsChanged };
        // A ban is stored before the end of what it ends.
        Account? FindUnlessBanned(string id) => /* guard: what a kill left of a banned account's login sessions */ accounts.Find(id) is { Ban: null } account ? account : null;
        foreach (var session in await store.ReadAllAsync(FindUnlessBanned, removesOthers: nodes.IsAlone))
        {
            lock (sessions._gate)
            {
                sessions.Remember(session);
            }

            session.Account.WasPresent(session.LastSeen);
        }

        nodes.Replication.HearRecords(SessionRecord.PrefixText, sessions.Heard.Heard);
        return sessions;
    }

    internal PinnedCertificates Certificates { get; }

    internal HeardSessions Heard { get; }

    internal OverdueEnds Overdue { get; }

    internal PresentGuests Guests { get; }

    /// <summary>This program's own clients, of those login sessions that it knows.</summary>
    public IRevocation Here => _ends;

    /// <summary>Before anything is served: ends are asked of all nodes, this one among them, and not of this program alone.</summary>
    public void AskEverywhere(IRevocation everywhere) => _ends.AskEverywhere(everywhere);

    /// <summary>Ends one login session; a token's with the token. Completes when its last connection is closed.</summary>
    public Task EndAsync(LoginSession session, RevocationReason reason = RevocationReason.SignedOut) => EndAsync([session], reason);

    /// <summary>Ends all login sessions of the account but <paramref name="except"/>; tokens only if
    /// <paramref name="alsoTokens"/>.</summary>
    public Task EndOthersAsync(
        Account account, LoginSession? except, bool alsoTokens, RevocationReason reason = RevocationReason.SignedOut)
    {
        List<LoginSession> others = [.. OfAccount(account).Where(session => session != except && (alsoTokens || session.Kind != LoginSessionKind.Token))];
        return _ends.EndOthersAsync(account, others, alsoTokens, reason);
    }

    internal Task EndAsync(IReadOnlyCollection<LoginSession> sessions, RevocationReason reason) => _ends.EndAsync(sessions, reason);

    /// <summary>
    /// Signs in a browser without a password: after registering, or as a guest. Null: the account was erased or banned meanwhile.
    /// </summary>
    public Task<SignedIn?> StartAsync(Account account, string device, IPAddress? address) => StartAsync(account, account.Credential, device, address);

    /// <summary>Null: the password that was checked is no longer the account's.</summary>
    internal async Task<SignedIn?> StartAsync(Account account, PasswordHash? verified, string device, IPAddress? address)
    {
        var now = _time.GetUtcNow();
        var secret = /* guard: a new secret at each sign-in */ Secret.Create();
        LoginSession session = new(Secret.CreateId(), LoginSessionKind.Browser, account, Scope.Everything, now, device, address?.ToString())
        {
            SecretHash = SecretHash.Of(secret),
            ExpiresAt = now + CookieLifetime,
        };
        if (!await TryAddAsync(session, () => !account.IsErased && (/* guard: no cookie for who is banned */ account.Ban is null) && ReferenceEquals(account.Credential, verified)))
        {
            return null;
        }

        await EndSurplusAsync(account, session);
        return new SignedIn(session, secret);
    }

    /// <summary>
    /// Adds a new login session that is stored, unless it may not be. Nobody waits for another's sync: many that come at once share one.
    /// Throws, and adds nothing, when the disk refuses.
    /// </summary>
    /// <param name="may">
    /// Asked when whoever takes the right away afterwards will find it, and where there are other nodes once more when it is stored: what
    /// they had taken before is known by then.
    /// </param>
    internal async Task<bool> TryAddAsync(LoginSession session, Func<bool> may)
    {
        Task stored;
        lock (_gate)
        {
            if (!may())
            {
                return false;
            }

            // Under the gate: whoever ends it has its record removed after this, not before.
            stored = _store.PutAsync([session]);
            Remember(session);
        }

        try
        {
            await stored;
        }
        catch
        {
            // Nobody has its secret, so if a disk that failed has it all the same, it opens nothing.
            await session.RevokeAsync(RevocationReason.SignedOut);
            lock (_gate)
            {
                _index.TryRemove(session);
            }

            throw;
        }

        return await _ends.EndUnlessAsync(session, may);
    }

    /// <summary>
    /// Puts another one of the same id, with another secret, in the place of one: what that had opened is closed before. False: it may
    /// not be, or it has ended meanwhile.
    /// </summary>
    internal Task<bool> TryReplaceAsync(LoginSession session, LoginSession other, RevocationReason reason, Func<bool> may) =>
        _ends.ReplaceAsync(session, other, reason, may, () =>
        {
            Remember(other);
            return _store.ReplaceAsync(other, session.SecretHash!.Value, isShared: !_nodes.IsAlone);
        });

    /// <summary>The access tokens that have their mount on the room of this id; a copy.</summary>
    internal IReadOnlyList<LoginSession> MountedOn(string room)
    {
        lock (_gate)
        {
            return _index.MountedOn(room);
        }
    }

    /// <summary>The access tokens of all accounts.</summary>
    internal IEnumerable<LoginSession> Tokens => _index.All.Where(session => session.Kind == LoginSessionKind.Token && !session.IsRevoked);

    private async Task EndSurplusAsync(Account account, LoginSession newest)
    {
        if (SurplusOf(account, newest).Count > 0)
        {
            // One node after the other, or each would end the newest of the other.
            using var turn = await _nodes.Turns.TakeAsync($"sessions/{account.Id}");
            await EndAsync(SurplusOf(account, newest), RevocationReason.SignedOut);
        }
    }

    /// <summary>Those beyond the limit: the ones without a connection first, and of them those that were used longest ago.</summary>
    private List<LoginSession> SurplusOf(Account account, LoginSession newest)
    {
        var browsers = OfAccount(account).Where(session => session.Kind == LoginSessionKind.Browser && !session.IsRevoked).ToList();
        return (/* guard: login sessions of an account */ _options.LoginSessionsPerAccount == 0) ? [] :
        [
            .. browsers.Where(session => session != newest).OrderBy(session => session.HasClients).ThenBy(session => session.LastSeen)
                .Take(browsers.Count - _options.LoginSessionsPerAccount),
        ];
    }

    /// <summary>
    /// The login session of (account, client id) by password: the one there is, or a new one.
    /// Null: the password that was checked is no longer the account's.
    /// </summary>
    internal LoginSession? GetOrStartPassword(Account account, PasswordHash verified, string clientId, IPAddress? address)
    {
        lock (_gate)
        {
            if (account.IsErased || (/* guard: no MQTT login session by password for who is banned */ account.Ban is not null) || !ReferenceEquals(account.Credential, verified))
            {
                return null;
            }

            if (_index.OfClient(account, clientId) is { IsRevoked: false } known)
            {
                known.Address = address?.ToString();
                known.LastSeen = _time.GetUtcNow();
                return known;
            }

            LoginSession session = new(
                Secret.CreateId(), LoginSessionKind.Password, account, Scope.Everything, _time.GetUtcNow(), clientId, address?.ToString());
            Remember(session);
            _released.Add(session, session.CreatedAt);
            return session;
        }
    }

    /// <summary>The live login session whose cookie this is. Costs no look at the disk.</summary>
    public LoginSession? FindByCookie(string? secret) => FindBySecret(secret, LoginSessionKind.Browser);

    /// <summary>The account is signed in from that address at present.</summary>
    internal bool IsUsedFrom(Account account, IPAddress? address)
    {
        var origin = Origin.Of(address);
        return origin.IsKnown && OfAccount(account).Any(session =>
            !session.IsRevoked && IPAddress.TryParse(session.Address, out var used) && Origin.Of(used) == origin);
    }

    /// <summary>The live login session of an access token.</summary>
    internal LoginSession? FindByToken(string? secret) => FindBySecret(secret, LoginSessionKind.Token);

    /// <summary>Those in use, the newest first: browsers, connected tokens, and passwords whose MQTT session lives.</summary>
    public IReadOnlyList<LoginSession> List(Account account) => [.. SeenNow(account).Where(session => session.IsInUse).OrderByDescending(session => session.LastSeen)];

    internal LoginSession? Find(string id) => _index.Find(id);

    /// <summary>Null also when it is somebody else's: whoever asks shall not learn the difference.</summary>
    public LoginSession? Find(Account account, string id) => _index.Find(id) is { } session && session.Account == account ? session : null;

    /// <summary>
    /// What <see cref="Restore"/> needs. Before anything is served it is asked for at most once per account and client id.
    /// </summary>
    public static LoginSessionNote NoteOf(LoginSession session) =>
        new(session.Id, session.Kind == LoginSessionKind.Password ? PasswordStamp.Of(session.Account) : "", session.CreatedAt, session.LastSeen, session.Address);

    /// <summary>
    /// The login session that a note of before the restart was of, kept for that client id: one that is stored, or, by password, one that
    /// is made anew as it was. Null: it has ended.
    /// </summary>
    public LoginSession? Restore(Account account, string clientId, LoginSessionNote note)
    {
        lock (_gate)
        {
            if (note.PasswordStamp.Length == 0)
            {
                return Find(account, note.Id) is { } stored && stored.TryKeep(clientId) ? stored : null;
            }

            if (account.IsErased || note.PasswordStamp != PasswordStamp.Of(account) || /* guard: no login session by password of before records were lost */ note.CreatedAt <= _store.PasswordsEndedBefore)
            {
                return null;
            }

            LoginSession session = new(note.Id, LoginSessionKind.Password, account, Scope.Everything, note.CreatedAt, clientId, note.Address) { LastSeen = note.LastSeen };
            session.TryKeep(clientId);
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

    /// <summary>Removes what the store still has of an account's login sessions and tokens, none of which is alive.</summary>
    internal Task RemoveStoredAsync(Account account) => _store.RemoveOfAsync(account);

    /// <summary>What is there of an account at this moment, the ended ones excepted that are forgotten already.</summary>
    internal IReadOnlyList<LoginSession> OfAccount(Account account)
    {
        lock (_gate)
        {
            return _index.OfAccount(account);
        }
    }

    /// <summary>
    /// Takes a room out of the scopes of all tokens that name it, and ends those that it is the mount of. Completes when none that is
    /// stored names it; may be called again when the disk refused.
    /// </summary>
    internal async Task ForgetRoomAsync(string room)
    {
        List<LoginSession> naming;
        IReadOnlyList<LoginSession> mounted;
        lock (_gate)
        {
            mounted = _index.MountedOn(room);
            naming = [.. Tokens.Where(token => token.Scope.Mount is null
                && (token.Scope.Rooms?.Contains(room) == true || token.StoredScope.Rooms?.Contains(room) == true))];
            foreach (var token in naming)
            {
                token.Scope = token.Scope with { Rooms = token.Scope.Rooms!.Where(named => named != room).ToFrozenSet() };
            }
        }

        // guard: a token ends with its mount
        await EndAsync(mounted, RevocationReason.TokenRevoked);
        await WriteAsync(naming);
    }

    /// <summary>Stores what has changed of those that have not ended.</summary>
    private async Task WriteAsync(IReadOnlyCollection<LoginSession> changed)
    {
        if (!_nodes.IsAlone)
        {
            await _store.ChangeAsync(changed);
            return;
        }

        List<(LoginSession Session, Scope Scope)> alive;
        Task stored;
        lock (_gate)
        {
            // An end is marked before its removal is handed over, under this gate: so no record comes after it.
            alive = [.. changed.Where(session => /* guard: a late use brings nothing back */ !session.IsRevoked).Select(session => (session, session.Scope))];
            stored = alive.Count == 0 ? Task.CompletedTask : _store.PutAsync(alive.ConvertAll(one => one.Session));
        }

        await stored;
        alive.ForEach(one => one.Session.StoredScope = one.Scope);
    }

    /// <summary>It opens something still: who has found it a moment ago need not look for its secret again.</summary>
    public bool IsAlive(LoginSession session) => !session.IsRevoked && /* guard: a secret opens nothing when it is over */ !session.IsExpiredAt(_time.GetUtcNow());

    private LoginSession? FindBySecret(string? secret, LoginSessionKind kind) =>
        SecretHash.TryOf(secret, out var hash) && _index.Find(hash) is { } session && (/* guard: a secret opens its own kind */ session.Kind == kind) && IsAlive(session)
            ? session
            : null;

    // Under _gate.
    private void Remember(LoginSession session)
    {
        session.UseChanged = _useChanged;
        _index.Add(session);
    }
}
