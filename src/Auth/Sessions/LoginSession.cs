using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Sessions;

/// <summary>How a login session was opened.</summary>
public enum LoginSessionKind
{
    /// <summary>A cookie, from signing in, registering or entering as a guest.</summary>
    Browser,

    /// <summary>User name and password in an MQTT CONNECT: one per (account, client id).</summary>
    Password,

    /// <summary>An access token: one for all clients that use it.</summary>
    Token,
}

/// <summary>What a login session is noted for, once at a time.</summary>
[Flags]
internal enum Look
{
    /// <summary>It has clients, so it is being used.</summary>
    Use = 1,

    /// <summary>When it was used last is to be stored.</summary>
    Store = 2,
}

/// <summary>
/// One signed-in browser, one access token in use, or one user name and password used by MQTT.
/// It knows its live MQTT clients, and its end is theirs.
/// </summary>
/// <remarks>
/// Thread-safe. The rule that leaves no survivor: a client attaches first and looks at <see cref="IsRevoked"/> after;
/// <see cref="RevokeAsync"/> marks first and looks at the attached clients after.
/// Both under <c>_gate</c>, which is a leaf lock: nothing is called inside.
/// </remarks>
public sealed class LoginSession(
    string id, LoginSessionKind kind, Account account, Scope scope, DateTimeOffset createdAt, string device, string? address)
{
    private readonly Lock _gate = new();

    // Allocated for the first client, for most of a hundred thousand have none. Under _gate.
    private HashSet<IClient>? _clients;

    // Allocated for the first that asks for it. Under _gate.
    private CancellationTokenSource? _end;

    // Client ids of MQTT sessions that live on without a connection; allocated for the first. Under _gate.
    private HashSet<string>? _kept;
    private volatile Scope _scope = scope;
    private volatile ClientCertificate? _certificate;
    private volatile bool _revoked;
    private Task _closed = Task.CompletedTask;
    private long _lastSeenTicks = createdAt.UtcTicks;
    private long _expiresTicks = long.MaxValue;
    private int _looks;

    // Password kind only: since when nothing needs it; MaxValue while something does. Under _gate.
    private long _releasedTicks = kind == LoginSessionKind.Password ? createdAt.UtcTicks : long.MaxValue;

    /// <summary>Public name of the login session in lists and URLs; not a secret.</summary>
    public string Id { get; } = id;

    public LoginSessionKind Kind { get; } = kind;

    public Account Account { get; } = account;

    /// <summary>Replaced as a whole, by what takes a room out of it: whoever asks sees one or the other.</summary>
    public Scope Scope
    {
        get => _scope;
        internal set => _scope = value;
    }

    public DateTimeOffset CreatedAt { get; } = createdAt;

    /// <summary>What the person will recognise in the list: a browser and system, a token's name, or an MQTT client id.</summary>
    public string Device { get; } = device;

    /// <summary>The address that used it last, as text; null when unknown.</summary>
    public string? Address { get; internal set; } = address;

    public DateTimeOffset LastSeen
    {
        get => new(Interlocked.Read(ref _lastSeenTicks), TimeSpan.Zero);
        internal set => Interlocked.Exchange(ref _lastSeenTicks, value.UtcTicks);
    }

    /// <summary>Null: does not expire by time.</summary>
    public DateTimeOffset? ExpiresAt
    {
        get => Interlocked.Read(ref _expiresTicks) is var ticks and not long.MaxValue ? new(ticks, TimeSpan.Zero) : null;
        internal set => Interlocked.Exchange(ref _expiresTicks, value?.UtcTicks ?? long.MaxValue);
    }

    public bool IsRevoked => _revoked;

    public bool IsExpiredAt(DateTimeOffset now) => now.UtcTicks >= Interlocked.Read(ref _expiresTicks);

    /// <summary>Under which its secret is looked up; null where it has none (password).</summary>
    internal SecretHash? SecretHash { get; init; }

    /// <summary>Whoever has its key is let in by MQTT over TLS as by the secret; tokens only. Null: none.</summary>
    public ClientCertificate? Certificate
    {
        get => _certificate;
        internal init => _certificate = value;
    }

    /// <summary>What of <see cref="LastSeen"/> is on disk. Written by whoever stores it only.</summary>
    internal DateTimeOffset StoredLastSeen { get; set; } = createdAt;

    /// <summary>What of <see cref="Scope"/> is on disk; not of what has none.</summary>
    internal Scope StoredScope { get; set; } = scope;

    /// <summary>
    /// Told when its first client has come and when the last has gone, or was ended; outside of all locks. Set before anybody else knows
    /// it.
    /// </summary>
    internal Action<LoginSession>? UseChanged { get; set; }

    /// <summary>Where it stands in the order of expiry; the index's own.</summary>
    internal long OrderedTicks { get; set; } = long.MaxValue;

    public bool HasClients
    {
        get
        {
            lock (_gate)
            {
                return _clients is { Count: > 0 };
            }
        }
    }

    /// <summary>
    /// Listed as being in use: a browser always, a token while it is connected or an MQTT session of it is kept,
    /// a password until its MQTT session ends.
    /// </summary>
    internal bool IsInUse
    {
        get
        {
            lock (_gate)
            {
                return !_revoked && (Kind == LoginSessionKind.Browser || IsNeeded || (Kind == LoginSessionKind.Password && _releasedTicks == long.MaxValue));
            }
        }
    }

    /// <summary>The live clients, a copy.</summary>
    public IReadOnlyList<IClient> Clients
    {
        get
        {
            lock (_gate)
            {
                return [.. _clients ?? []];
            }
        }
    }

    /// <summary>The client ids of its live clients and of the MQTT sessions that are kept for clients that are away, in order.</summary>
    public IReadOnlyList<string> ClientIds
    {
        get
        {
            lock (_gate)
            {
                return [.. (_clients ?? []).Select(client => client.ClientId).Union(_kept ?? []).Order(StringComparer.Ordinal)];
            }
        }
    }

    // Under _gate.
    private bool IsNeeded => _clients is { Count: > 0 } || _kept is { Count: > 0 };

    /// <summary>An MQTT session of it outlives its connection. False: the login session has ended, and so has the MQTT session.</summary>
    public bool TryKeep(string clientId)
    {
        lock (_gate)
        {
            if (!_revoked)
            {
                (_kept ??= new HashSet<string>(StringComparer.Ordinal)).Add(clientId);
            }

            return !_revoked;
        }
    }

    /// <summary>
    /// The MQTT session of that client id is not kept any more. Whoever calls this releases
    /// a login session by password when its client is gone too.
    /// </summary>
    public void Unkeep(string clientId)
    {
        lock (_gate)
        {
            _kept?.Remove(clientId);
        }
    }

    /// <summary>
    /// Cancelled when it ends, by the thread that ends it and before anybody is answered: for what is on its way to its owner and is no
    /// client. What is registered must not block, and must not throw.
    /// </summary>
    public CancellationToken Ended
    {
        get
        {
            lock (_gate)
            {
                return _revoked ? new CancellationToken(canceled: true) : (_end ??= new CancellationTokenSource()).Token;
            }
        }
    }

    /// <summary>
    /// Makes the client one of this login session's. False: it has ended meanwhile, or the certificate that the client came by was taken
    /// from it, and the client must be refused.
    /// </summary>
    public bool TryAttach(IClient client)
    {
        bool isFirst;
        lock (_gate)
        {
            if (/* guard: no client attaches by a certificate that was taken away */ client.Certificate is { } by && by != _certificate)
            {
                return false;
            }

            if (/* guard: no client attaches to what has ended */ _revoked || !(_clients ??= []).Add(client))
            {
                return false;
            }

            _releasedTicks = long.MaxValue;
            isFirst = _clients.Count == 1;
        }

        if (isFirst)
        {
            UseChanged?.Invoke(this);
        }

        return true;
    }

    /// <summary>Null: none. Returns the clients that came by the one before, which the caller ends: none attaches by it any more.</summary>
    internal IReadOnlyList<IClient> Pin(ClientCertificate? certificate)
    {
        lock (_gate)
        {
            _certificate = certificate;
            return [.. (_clients ?? []).Where(client => client.Certificate is { } by && by != certificate)];
        }
    }

    public void Detach(IClient client)
    {
        bool isLast;
        lock (_gate)
        {
            isLast = _clients?.Remove(client) == true && _clients.Count == 0;
        }

        if (isLast)
        {
            UseChanged?.Invoke(this);
        }
    }

    /// <summary>It is to be looked at for this reason. False: somebody has noted that already, and it was not struck out since.</summary>
    internal bool TryNote(Look why) => (Interlocked.Or(ref _looks, (int)why) & (int)why) == 0;

    internal void StrikeOut(Look why) => Interlocked.And(ref _looks, ~(int)why);

    /// <summary>The clock was set by so much. A token ends at the date that its owner chose.</summary>
    internal void Move(TimeSpan by)
    {
        LastSeen += by;
        StoredLastSeen = DateTimeOffset.MinValue;
        if (Kind == LoginSessionKind.Browser)
        {
            ExpiresAt += by;
        }

        lock (_gate)
        {
            if (_releasedTicks != long.MaxValue)
            {
                _releasedTicks += by.Ticks;
            }
        }
    }

    /// <summary>
    /// The MQTT session that it served has ended. It goes when no client has attached for a while: one may be signing in by it right now.
    /// </summary>
    internal void Release(DateTimeOffset now)
    {
        lock (_gate)
        {
            if (Kind == LoginSessionKind.Password && !IsNeeded)
            {
                _releasedTicks = now.UtcTicks;
            }
        }
    }

    /// <summary>
    /// True: it was released before <paramref name="limit"/> and is over now; it had no client, so there is none to close.
    /// </summary>
    internal bool TryRetire(DateTimeOffset limit)
    {
        lock (_gate)
        {
            if (_revoked || IsNeeded || _releasedTicks > limit.UtcTicks)
            {
                return false;
            }

            _revoked = true;
            return true;
        }
    }

    /// <summary>
    /// Ends the login session in memory: no client attaches any more, and all that are attached are revoked in parallel.
    /// Completes when the last connection is closed. The owner stores the end meanwhile:
    /// no disk that is slow, or refuses, keeps anybody connected.
    /// </summary>
    internal Task RevokeAsync(RevocationReason reason)
    {
        IClient[] clients;
        CancellationTokenSource? end;
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_revoked)
            {
                return _closed;
            }

            _revoked = true;
            _closed = closed.Task;
            clients = [.. _clients ?? []];
            _clients = null;
            end = _end;
        }

        if (clients.Length > 0)
        {
            UseChanged?.Invoke(this);
        }

        _ = CloseAllAsync(clients, reason, closed);
        end?.Cancel();
        return closed.Task;
    }

    private static async Task CloseAllAsync(IClient[] clients, RevocationReason reason, TaskCompletionSource closed)
    {
        try
        {
            // Every call silences its client before it returns, so the loop is over before the first transport is waited for.
            await /* guard: the end of a login session closes its clients */ /* guard: all clients are silenced before the first is waited for */ Task.WhenAll(Array.ConvertAll(clients, client => client.RevokeAsync(reason)));
        }
        finally
        {
            closed.SetResult();
        }
    }
}
