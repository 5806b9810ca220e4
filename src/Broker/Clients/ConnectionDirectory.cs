using System.Collections.Concurrent;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Clients;

/// <summary>What came of naming a connection.</summary>
internal enum Naming
{
    Done,

    /// <summary>The one that has the name may do more, and is not ended by this one.</summary>
    NotYours,
    AccountFull,

    /// <summary>The room of its mount has as many mounted connections as may be.</summary>
    RoomFull,
}

/// <summary>All live connections: by the name MQTTnet knows them by, by account and client id, and by account.</summary>
/// <remarks>Thread-safe. Its gate is a leaf lock.</remarks>
internal sealed class ConnectionDirectory : IConnectingClients, IRoomClients, IResumables
{
    private readonly ConcurrentDictionary<string, Client> _byName = new();
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<(string Account, string ClientId), Client> _byClient = [];
    private readonly Dictionary<string, HashSet<Client>> _byAccount = [];

    // By the room of their mount.
    private readonly Dictionary<string, HashSet<Client>> _byMount = [];

    // Those whose client id another connection has, until they are ended: so none for longer than a CONNECT takes.
    private readonly List<Client> _displaced = [];
    private long _lastName;

    // Of connections that are over.
    private TrafficTotals _past;

    public int Count => _byName.Count;

    /// <summary>As they are while it is read; not a copy.</summary>
    public IEnumerable<Client> All => _byName.Select(named => named.Value);

    /// <summary>A name that no other connection ever has, so that MQTTnet never sees two connections as one.</summary>
    public string NewName() => "c" + Interlocked.Increment(ref _lastName).ToString(System.Globalization.CultureInfo.InvariantCulture);

    public IConnectingClient? Find(string connectionName) => _byName.GetValueOrDefault(connectionName);

    public void Opened(Client connection) => _byName[connection.Name] = connection;

    /// <summary>
    /// Names the connection by its account and MQTT session. The connection that had the name must go (<see cref="TakeDisplaced"/>).
    /// But for <see cref="Naming.Done"/> nothing has changed.
    /// </summary>
    public Naming Register(Client connection, BrokerLimits limits)
    {
        var mount = connection.Identity.Mount;
        lock (_gate)
        {
            var key = (connection.Account.Id, connection.Identity.SessionName);
            var old = /* guard: client ids belong to accounts */ _byClient.GetValueOrDefault(key);
            if (old is not null && old.Session != connection.Session && /* guard: a live client is taken over by who may as much */ !connection.Session!.Scope.Covers(old.Session!.Scope))
            {
                return Naming.NotYours;
            }

            var connections = _byAccount.GetValueOrDefault(key.Id) ?? [];
            var mounted = mount is null ? [] : _byMount.GetValueOrDefault(mount) ?? [];
            if (mount is null ? !connection.Identity.IsRelayed && IsFull(connections, connection, old, limits.ConnectionsPerAccount)
                : limits.DataConnectionsPerRoom is > 0 and var limit && IsFull(mounted, connection, old, limit, limits.DataShareOf(limit)))
            {
                return mount is null ? Naming.AccountFull : Naming.RoomFull;
            }

            if (old is not null)
            {
                connections.Remove(old);
                mounted.Remove(old);
                _displaced.Add(old);
            }

            connections.Add(connection);
            _byAccount[key.Id] = connections;
            _byClient[key] = connection;
            if (mount is not null)
            {
                mounted.Add(connection);
                _byMount[mount] = mounted;
            }

            return Naming.Done;
        }
    }

    // Those of mounted tokens count by room.
    private static bool IsFull(HashSet<Client> connections, Client connection, Client? old, int limit) =>
        limit > 0
        && (/* guard: connections of an account */ connections.Count(other => other != old && other.Identity is { Mount: null, IsRelayed: false }) >= limit
            || ((/* guard: limited tokens have half of the connections */ connection.Session!.Scope.IsLimited)
                && connections.Count(other => other != old && other.Identity is { Mount: null, IsRelayed: false } && other.Session!.Scope.IsLimited) >= Scope.ShareOf(limit)));

    private static bool IsFull(HashSet<Client> mounted, Client connection, Client? old, int limit, int share) =>
        (/* guard: mounted connections of a room */ mounted.Count - (old is null ? 0 : 1) >= limit)
        || /* guard: an account's share of a room's connections */ mounted.Count(other => other != old && other.Account.Id == connection.Account.Id) >= share;

    /// <summary>Hands out, once, the connections of that client that others have displaced, but for the named one.</summary>
    public IReadOnlyList<Client> TakeDisplaced(ClientName client, string except)
    {
        lock (_gate)
        {
            if (_displaced.Count == 0)
            {
                return [];
            }

            var displaced = _displaced.FindAll(
                old => old.Account.Id == client.AccountId && old.Identity.SessionName == client.ClientId && old.Name != except);
            displaced.ForEach(old => _displaced.Remove(old));
            return displaced;
        }
    }

    /// <summary>Another node has the client from here on.</summary>
    /// <param name="displaced">The connection that has the name here, which must go.
    /// Null: there is none, or it has not had its turn.</param>
    /// <returns>False: it may do more than the newcomer, and stays.</returns>
    public bool TryYield(ClientName client, Newcomer to, out Client? displaced)
    {
        displaced = null;
        lock (_gate)
        {
            if (!_byClient.TryGetValue((client.AccountId, client.ClientId), out var old) || !old.HadTurn)
            {
                return true;
            }

            if (old.Session!.Id != to.Session && /* guard: a client at another node is taken over by who may as much */ !to.Scope.Covers(old.Session.Scope))
            {
                return false;
            }

            Remove(old);
            displaced = old;
            return true;
        }
    }

    /// <summary>Whether no other connection has taken this one's client id.</summary>
    public bool IsCurrent(IResumable connection)
    {
        lock (_gate)
        {
            return ReferenceEquals(_byClient.GetValueOrDefault((connection.Account.Id, connection.ClientId))?.Kept, connection);
        }
    }

    /// <summary>Whether the client is the connection of that name.</summary>
    public bool IsCurrent(ClientName client, string connection)
    {
        lock (_gate)
        {
            return _byClient.GetValueOrDefault((client.AccountId, client.ClientId))?.Name == connection;
        }
    }

    /// <summary>Connections that are signed in, the filters that they hold, and what all there have been have sent and been sent.</summary>
    public (int SignedIn, int Filters, TrafficTotals Traffic) Figures()
    {
        lock (_gate)
        {
            var (signedIn, filters, traffic) = (0, 0, _past);
            foreach (var connection in All)
            {
                signedIn += connection.Session is null ? 0 : 1;
                filters += connection.Filters.Count;
                traffic = traffic.With(connection);
            }

            return (signedIn, filters, traffic);
        }
    }

    public void Closed(Client connection)
    {
        lock (_gate)
        {
            // Both at once, or the figures would fall.
            _past = _byName.TryRemove(connection.Name, out _) ? _past.With(connection) : _past;
        }

        if (connection.Session is null)
        {
            return;
        }

        lock (_gate)
        {
            Remove(connection);
        }
    }

    private void Remove(Client connection)
    {
        var key = (connection.Account.Id, connection.Identity.SessionName);
        if (_byClient.TryGetValue(key, out var current) && ReferenceEquals(current, connection))
        {
            _byClient.Remove(key);
        }

        if (_byAccount.TryGetValue(key.Id, out var connections) && connections.Remove(connection) && connections.Count == 0)
        {
            _byAccount.Remove(key.Id);
        }

        if (connection.Identity.Mount is { } mount && _byMount.TryGetValue(mount, out var mounted) && mounted.Remove(connection) && mounted.Count == 0)
        {
            _byMount.Remove(mount);
        }
    }

    public Client[] OfAccount(string accountId)
    {
        lock (_gate)
        {
            return _byAccount.TryGetValue(accountId, out var connections) ? [.. connections] : [];
        }
    }

    public bool IsConnected(string accountId)
    {
        lock (_gate)
        {
            return _byAccount.TryGetValue(accountId, out var connections) && connections.Count > 0;
        }
    }

    void IRoomClients.Removed(string accountId, Room room) => Array.ForEach(OfAccount(accountId), connection => connection.Intake.Removed(room));

    void IRoomClients.Place(string accountId, Room room, bool replay) =>
        Array.ForEach(OfAccount(accountId), connection => connection.Filters.PlaceIn(room, leavesAtOnce: true, replay));

    void IRoomClients.InboxRenamed(string accountId, string oldUserName) => Array.ForEach(OfAccount(accountId), connection => connection.Filters.InboxRenamed(oldUserName));

    void IResumables.LoseMount(string accountId, Room room) => Array.ForEach(
        Array.FindAll(OfAccount(accountId), connection => connection.Identity.Mount == room.Id.Value && connection.IsOfManyNodes),
        connection => connection.Kept.LoseMount());

    void IResumables.Notify(string accountId, string code, string text, string topic) =>
        Array.ForEach(OfAccount(accountId), connection => connection.Filters.Notify(code, text, topic));
}
