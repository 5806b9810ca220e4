using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Sessions;

/// <summary>What time does to login sessions: they are used, released, and over.</summary>
public sealed partial class LoginSessions
{
    /// <summary>
    /// When the newest records were found to be lost, or a backup was restored: what was ended, banned or taken away shortly before may be
    /// back since then. Null: never.
    /// </summary>
    public DateTimeOffset? LostAt => _store.PasswordsEndedBefore is var at && at > DateTimeOffset.UnixEpoch ? at : null;

    /// <summary>Somebody used it now: a cookie's 30 days begin anew. Stored in the background.</summary>
    public void Touch(LoginSession session, IPAddress? address)
    {
        session.Address = address?.ToString() ?? session.Address;
        if (session.Kind == LoginSessionKind.Browser)
        {
            session.ExpiresAt = _time.GetUtcNow() + CookieLifetime;
        }

        _uses.Note(session);
    }

    /// <summary>Those of an account, with the connected ones noted as used now.</summary>
    internal IEnumerable<LoginSession> SeenNow(Account account)
    {
        var sessions = OfAccount(account);
        NoteUses(sessions);
        return sessions;
    }

    /// <summary>Those of them that are connected are being used now.</summary>
    internal void NoteUses(IReadOnlyList<LoginSession> sessions)
    {
        foreach (var session in sessions.Where(session => session.HasClients))
        {
            _uses.Note(session);
        }
    }

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

    /// <summary>
    /// The MQTT session of (account, client id) has ended: without it a login session by password is not needed any more. Of other kinds
    /// nothing changes.
    /// </summary>
    public void Release(LoginSession session)
    {
        if (session.Kind == LoginSessionKind.Password)
        {
            var now = _time.GetUtcNow();
            session.Release(now);
            _released.Add(session, now);
        }
    }

    /// <summary>
    /// Ends those whose time has come, retires released ones, notes who is connected.
    /// Called at least twice a second (attack 28), so it looks at those only of which something is due, and at all when the standing of an
    /// account has changed. Returns how many it looked at.
    /// </summary>
    internal async Task<int> SweepAsync()
    {
        var now = _time.GetUtcNow();
        var looked = _uses.NoteConnected(now);
        List<LoginSession> expired;
        lock (_gate)
        {
            expired = _index.TakeExpired(now, ref looked);
        }

        if (!_nodes.IsAlone)
        {
            // Others may know of a later use, but for what is connected here. The rest is ended later (OverdueEnds).
            expired.RemoveAll(session => !session.HasClients);
        }

        List<LoginSession> retired = [];
        while (_released.TryTake(now, out var session))
        {
            looked++;
            if (session.TryRetire(now - ReleaseGrace))
            {
                retired.Add(session);
            }
        }

        List<LoginSession> orphaned = [];
        List<LoginSession> banned = [];
        if (_accounts.StandingsChanged is var standings && standings != _standingsSeen)
        {
            _standingsSeen = standings;
            foreach (var session in _index.All)
            {
                looked++;
                if (!_accounts.Knows(session.Account))
                {
                    // Erased by a write that seemed to have failed: those who erase end the login sessions themselves.
                    orphaned.Add(session);
                }
                else if (/* guard: login sessions of a ban that seemed to have failed */ session.Account.Ban is not null)
                {
                    // The same: banned by such a write.
                    banned.Add(session);
                }
            }
        }

        // Each in one write; what the disk refuses is tried again by the ends, for no later sweep finds it.
        await Task.WhenAll(
            EndAsync(expired, RevocationReason.Expired),
            EndAsync(orphaned, RevocationReason.AccountErased),
            EndAsync(banned, RevocationReason.Banned),
            Task.WhenAll(retired.Select(session => _ends.ForgetAsync(session, RevocationReason.SignedOut))));
        return looked;
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

        var sessions = _index.All.Select(session => (Session: session, Old: session.LastSeen)).ToList();
        var guests = _accounts.All.Where(account => account.IsGuest)
            .Select(account => (Account: account, Old: account.LastPresent)).ToList();
        // guard: login sessions move with the clock (1)
        sessions.ForEach(session => session.Session.Move(by));
        // guard: guests move with the clock (1)
        guests.ForEach(guest => guest.Account.LastPresent += by);
        if (by > TimeSpan.Zero)
        {
            follow?.Invoke();

            // Used by the old time while the others were moved.
            foreach (var (session, _) in sessions.Where(session => session.Session.LastSeen < session.Old + by))
            {
                // guard: login sessions move with the clock (2)
                session.Move(by);
            }

            foreach (var (account, _) in guests.Where(guest => guest.Account.LastPresent < guest.Old + by))
            {
                // guard: guests move with the clock (2)
                account.LastPresent += by;
            }
        }

        lock (_gate)
        {
            _index.OrderAnew();
        }

        _released.Move(by);
        await _uses.MoveAsync(by, sessions.ConvertAll(session => session.Session));
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

    /// <summary>Completes when every node has heard what was written here before.</summary>
    internal Task EverywhereAsync() => _nodes.Replication.EverywhereAsync();

    /// <summary>Stores what <see cref="Touch"/> and the sweep noted. Called about once a minute.</summary>
    internal Task StoreLastSeenAsync() => _uses.StoreAsync();

    /// <summary>
    /// The login session by password that another node has opened: under the same id, so that its end, which all nodes are asked for, is
    /// this one's too. Null: it has ended, or its account may have none.
    /// </summary>
    /// <param name="id">As the other node names it.</param>
    public LoginSession? Borrow(Account account, string id, string clientId, IPAddress? address)
    {
        lock (_gate)
        {
            if (account.IsErased || /* guard: no borrowed login session for who is banned */ account.Ban is not null)
            {
                return null;
            }

            if (_index.Find(id) is { } known)
            {
                return known.Account == account && !known.IsRevoked ? known : null;
            }

            LoginSession session = new(id, LoginSessionKind.Password, account, Scope.Everything, _time.GetUtcNow(), clientId, address?.ToString());
            Remember(session);
            _released.Add(session, session.CreatedAt);
            return session;
        }
    }
}
