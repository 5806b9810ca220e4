using System.Collections.Concurrent;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Clients;

/// <summary>All live connections: by the name MQTTnet knows them by, by account and client id, and by account.</summary>
/// <remarks>Thread-safe. Its gate is a leaf lock.</remarks>
internal sealed class ConnectionDirectory : IConnectingClients, IRoomClients, IResumables
{
    private readonly ConcurrentDictionary<string, Client> _byName = new();
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<(string Account, string ClientId), Client> _byClient = [];
    private readonly Dictionary<string, HashSet<Client>> _byAccount = [];

    // Those whose client id another connection has, until they are ended: so none for longer than a CONNECT takes.
    private readonly List<Client> _displaced = [];
    private long _lastName;

    public int Count => _byName.Count;

    /// <summary>As they are while it is read; not a copy.</summary>
    public IEnumerable<Client> All => _byName.Select(named => named.Value);

    /// <summary>A name that no other connection ever has, so that MQTTnet never sees two connections as one.</summary>
    public string NewName() => "c" + Interlocked.Increment(ref _lastName).ToString(System.Globalization.CultureInfo.InvariantCulture);

    public IConnectingClient? Find(string connectionName) => _byName.GetValueOrDefault(connectionName);

    public void Opened(Client connection) => _byName[connection.Name] = connection;

    /// <summary>Names the connection by its account and client id. False: it may not have it, and nothing has changed. The connection
    /// that had that name must
    /// go (<see cref="TakeDisplaced"/>).</summary>
    /// <param name="limit">
    /// Connections an account may have, and its limited tokens half as many; 0: no limit.
    /// </param>
    /// <param name="isNotYours">The one that had the name may do more than this one, which must not end it: nothing is registered.</param>
    public bool TryRegister(Client connection, int limit, out bool isNotYours)
    {
        lock (_gate)
        {
            var key = (connection.Account.Id, connection.ClientId);
            var old = /* guard: client ids belong to accounts */ _byClient.GetValueOrDefault(key);
            isNotYours = old is not null && old.Session != connection.Session && /* guard: a live client is taken over by who may as much */ !connection.Session!.Scope.Covers(old.Session!.Scope);
            if (isNotYours)
            {
                return false;
            }

            if (!_byAccount.TryGetValue(key.Id, out var connections))
            {
                _byAccount[key.Id] = connections = [];
            }

            var isFull = /* guard: connections of an account */ limit > 0 && connections.Count - (old is null ? 0 : 1) >= limit;
            isFull |= limit > 0 && (/* guard: limited tokens have half of the connections */ connection.Session!.Scope.IsLimited)
                && connections.Count(other => other != old && other.Session!.Scope.IsLimited) >= Scope.ShareOf(limit);
            if (isFull)
            {
                return false;
            }

            if (old is not null)
            {
                connections.Remove(old);
                _displaced.Add(old);
            }

            connections.Add(connection);
            _byAccount[key.Id] = connections;
            _byClient[key] = connection;
            return true;
        }
    }

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
                old => old.Account.Id == client.AccountId && old.ClientId == client.ClientId && old.Name != except);
            displaced.ForEach(old => _displaced.Remove(old));
            return displaced;
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
