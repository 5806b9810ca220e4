using System.Collections.Concurrent;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Sessions;

/// <summary>All live login sessions: by id, secret, client certificate,
/// account, the client of a password, mount, and by when they expire.</summary>
/// <remarks>
/// Looking up by id, by secret and by certificate is lock-free;
/// all else is called under <see cref="LoginSessions"/>' gate. What each costs:
/// docs/architecture.md,
/// What is held.
/// </remarks>
internal sealed class SessionIndex
{
    private static readonly Comparer<Expiry> _soonestFirst = Comparer<Expiry>.Create(static (one, other) =>
        one.Ticks != other.Ticks ? one.Ticks.CompareTo(other.Ticks) : string.CompareOrdinal(one.Session.Id, other.Session.Id));

    private readonly ConcurrentDictionary<SecretHash, LoginSession> _bySecret = new();
    private readonly ConcurrentDictionary<string, LoginSession> _byId = new();

    // Apart from the secrets: what is in here is known to everybody.
    private readonly ConcurrentDictionary<Fingerprint, LoginSession> _byCertificate = new();

    // Replaced by a new array with each change, so that what was given out stays as it was.
    private readonly Dictionary<string, LoginSession[]> _byAccount = [];
    private readonly Dictionary<(string Account, string ClientId), LoginSession> _byClient = [];

    // By the room of their mount.
    private readonly Dictionary<string, HashSet<LoginSession>> _byMount = [];

    // Each that expires stands here once, with a time at which or before which it does not expire: a use moves the end on, and is not
    // told here.
    private readonly SortedSet<Expiry> _expiries = new(_soonestFirst);

    /// <summary>A copy, perhaps without what comes and goes meanwhile.</summary>
    public ICollection<LoginSession> All => _byId.Values;

    public LoginSession? Find(string id) => _byId.GetValueOrDefault(id);

    public LoginSession? Find(in SecretHash secret) => _bySecret.GetValueOrDefault(secret);

    public LoginSession? Find(in Fingerprint certificate) => _byCertificate.GetValueOrDefault(certificate);

    public LoginSession? OfClient(Account account, string clientId) => _byClient.GetValueOrDefault((account.Id, clientId));

    public IReadOnlyList<LoginSession> OfAccount(Account account) => OfAccount(account.Id);

    public IReadOnlyList<LoginSession> OfAccount(string account) => _byAccount.GetValueOrDefault(account) ?? [];

    /// <summary>A copy.</summary>
    public IReadOnlyList<LoginSession> MountedOn(string room) => [.. _byMount.GetValueOrDefault(room) ?? []];

    public void Add(LoginSession session)
    {
        _byAccount[session.Account.Id] = _byAccount.TryGetValue(session.Account.Id, out var others) ? [.. others, session] : [session];
        _byId[session.Id] = session;
        if (session.Kind == LoginSessionKind.Password)
        {
            _byClient[(session.Account.Id, session.Device)] = session;
        }

        if (session.SecretHash is { } hash)
        {
            _bySecret[hash] = session;
        }

        AddCertificate(session);
        if (session.Scope.Mount is { } mount)
        {
            (_byMount.TryGetValue(mount, out var mounted) ? mounted : _byMount[mount] = []).Add(session);
        }

        AddExpiry(session);
    }

    /// <summary>False: it is not here any more.</summary>
    public bool TryRemove(LoginSession session)
    {
        if (!_byId.TryRemove(KeyValuePair.Create(session.Id, session)))
        {
            return false;
        }

        if (session.SecretHash is { } hash)
        {
            _bySecret.TryRemove(KeyValuePair.Create(hash, session));
        }

        RemoveCertificate(session);

        var others = _byAccount.GetValueOrDefault(session.Account.Id) ?? [];
        if (others.Length > 1)
        {
            _byAccount[session.Account.Id] = Array.FindAll(others, other => other != session);
        }
        else
        {
            _byAccount.Remove(session.Account.Id);
        }

        if (session.Kind == LoginSessionKind.Password && OfClient(session.Account, session.Device) == session)
        {
            _byClient.Remove((session.Account.Id, session.Device));
        }

        if (session.Scope.Mount is { } mount && _byMount.TryGetValue(mount, out var mounted) && mounted.Remove(session) && mounted.Count == 0)
        {
            _byMount.Remove(mount);
        }

        RemoveExpiry(session);
        return true;
    }

    /// <summary>Before another certificate is put in its place, or none.</summary>
    public void RemoveCertificate(LoginSession session)
    {
        if (session.Certificate is { } certificate)
        {
            _byCertificate.TryRemove(KeyValuePair.Create(certificate.Fingerprint, session));
        }
    }

    /// <summary>A certificate opens one token, were the records of two to name it.</summary>
    public void AddCertificate(LoginSession session)
    {
        if (session.Certificate is { } certificate)
        {
            _byCertificate.TryAdd(certificate.Fingerprint, session);
        }
    }

    /// <summary>
    /// Those whose time may have come: each is looked at once, and put behind those before it if it was used meanwhile. Says in <paramref
    /// name="looked"/> how many were.
    /// </summary>
    public List<LoginSession> TakeExpired(DateTimeOffset now, ref int looked)
    {
        List<LoginSession> expired = [];
        while (_expiries.Count > 0 && _expiries.Min is { } soonest && soonest.Ticks <= now.UtcTicks)
        {
            looked++;
            var session = soonest.Session;
            RemoveExpiry(session);
            if (/* guard: expiry while connected */ session.IsExpiredAt(now))
            {
                expired.Add(session);
            }
            else
            {
                AddExpiry(session);
            }
        }

        return expired;
    }

    /// <summary>The ends of many have moved, perhaps to before what stands here.</summary>
    public void OrderAnew()
    {
        _expiries.Clear();
        foreach (var session in _byId.Values)
        {
            AddExpiry(session);
        }
    }

    /// <summary>It was taken for expired, and was not.</summary>
    public void OrderAnew(LoginSession session)
    {
        RemoveExpiry(session);
        AddExpiry(session);
    }

    private void AddExpiry(LoginSession session)
    {
        session.OrderedTicks = session.ExpiresAt?.UtcTicks ?? long.MaxValue;
        if (session.OrderedTicks != long.MaxValue)
        {
            _expiries.Add(new(session.OrderedTicks, session));
        }
    }

    private void RemoveExpiry(LoginSession session)
    {
        if (session.OrderedTicks != long.MaxValue)
        {
            _expiries.Remove(new(session.OrderedTicks, session));
            session.OrderedTicks = long.MaxValue;
        }
    }

    private readonly record struct Expiry(long Ticks, LoginSession Session);
}
