using System.Collections.Concurrent;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Clients;

/// <summary>All live connections: by the name MQTTnet knows them by, by account and client id, and by account.</summary>
/// <remarks>Thread-safe. Its gate is a leaf lock.</remarks>
internal sealed class ConnectionDirectory : IConnectingClients, IRoomClients, IResumables
{
    private readonly ConcurrentDictionary<string, Client> _byName = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Account, string ClientId), Client> _byClient = [];
    private readonly Dictionary<string, HashSet<Client>> _byAccount = [];
    private long _lastName;

    public int Count => _byName.Count;

    /// <summary>As they are while it is read; not a copy.</summary>
    public IEnumerable<Client> All => _byName.Select(named => named.Value);

    /// <summary>A name that no other connection ever has, so that MQTTnet never sees two connections as one.</summary>
    public string NewName() => "c" + Interlocked.Increment(ref _lastName).ToString(System.Globalization.CultureInfo.InvariantCulture);

    public IConnectingClient? Find(string connectionName) => _byName.GetValueOrDefault(connectionName);

    public void Opened(Client connection) => _byName[connection.Name] = connection;

    /// <summary>Names the connection by its account and client id. Returns the connection that had that name and must go, if any.</summary>
    /// <param name="limit">
    /// Connections an account may have, and its limited tokens half as many; 0: no limit.
    /// Over it nothing is registered and <paramref name="isFull"/> is true.
    /// </param>
    /// <param name="isNotYours">The one that had the name may do more than this one, which must not end it: nothing is registered.</param>
    public Client? Register(Client connection, int limit, out bool isFull, out bool isNotYours)
    {
        lock (_gate)
        {
            var key = (connection.Account.Id, connection.ClientId);
            var old = /* guard: client ids belong to accounts */ _byClient.GetValueOrDefault(key);
            isFull = false;
            isNotYours = old is not null && old.Session != connection.Session && /* guard: a live client is taken over by who may as much */ !connection.Session!.Scope.Covers(old.Session!.Scope);
            if (isNotYours)
            {
                return null;
            }

            var connections = _byAccount.GetValueOrDefault(key.Id) ?? [];
            isFull = /* guard: connections of an account */ limit > 0 && connections.Count - (old is null ? 0 : 1) >= limit;
            isFull |= limit > 0 && (/* guard: limited tokens have half of the connections */ connection.Session!.Scope.IsLimited)
                && connections.Count(other => other != old && other.Session!.Scope.IsLimited) >= Scope.ShareOf(limit);
            if (isFull)
            {
                return null;
            }

            if (old is not null)
            {
                connections.Remove(old);
            }

            connections.Add(connection);
            _byAccount[key.Id] = connections;
            _byClient[key] = connection;
            return old;
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

    public void Closed(Client connection)
    {
        _byName.TryRemove(connection.Name, out _);
        if (connection.Session is null)
        {
            return;
        }

        lock (_gate)
        {
            var key = (connection.Account.Id, connection.ClientId);
            if (_byClient.TryGetValue(key, out var current) && ReferenceEquals(current, connection))
            {
                _byClient.Remove(key);
            }

            if (_byAccount.TryGetValue(key.Id, out var connections) && connections.Remove(connection) && connections.Count == 0)
            {
                _byAccount.Remove(key.Id);
            }
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

    void IResumables.Notify(string accountId, string code, string text, string topic) =>
        Array.ForEach(OfAccount(accountId), connection => connection.Filters.Notify(code, text, topic));
}
