using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>All durable clients, connected or away, found by account and client id.</summary>
/// <remarks>Guarded by the gate of <see cref="DurableClients"/>.</remarks>
internal sealed class DurableIndex
{
    private readonly Dictionary<string, Dictionary<string, DurableClient>> _byAccount = [];

    // By the room of their mount, which is in their name and never changes.
    private readonly Dictionary<string, int> _mounted = [];

    public IEnumerable<DurableClient> Everybody => _byAccount.Values.SelectMany(clients => clients.Values);

    public DurableClient? Find(string accountId, string clientId) => _byAccount.GetValueOrDefault(accountId)?.GetValueOrDefault(clientId);

    /// <summary>Null: no client is kept for it, or another connection has taken the client over.</summary>
    public DurableClient? OfConnection(IResumable connection) =>
        connection.Session is { } session && Find(session.Account.Id, connection.ClientId) is { } client && client.Connection == connection
            ? client
            : null;

    public IReadOnlyCollection<DurableClient> OfAccount(string accountId) =>
        _byAccount.TryGetValue(accountId, out var clients) ? clients.Values : [];

    public IEnumerable<DurableClient> Away(string accountId) => OfAccount(accountId).Where(client => client.IsAway);

    public IEnumerable<DurableClient> OfSession(LoginSession session) =>
        OfAccount(session.Account.Id).Where(client => client.Session == session);

    /// <summary>The account's clients whose mount is that room, connected or away.</summary>
    public IEnumerable<DurableClient> OfMount(string accountId, Room room) =>
        OfAccount(accountId).Where(client => SessionName.MountOf(client.ClientId) == room.Id.Value);

    public void Add(DurableClient client)
    {
        var accountId = client.Session.Account.Id;
        if (!_byAccount.TryGetValue(accountId, out var clients))
        {
            _byAccount[accountId] = clients = new Dictionary<string, DurableClient>(StringComparer.Ordinal);
        }

        if (!clients.ContainsKey(client.ClientId))
        {
            CountMounted(client, 1);
        }

        clients[client.ClientId] = client;
    }

    public void Remove(DurableClient client)
    {
        var accountId = client.Session.Account.Id;
        var clients = _byAccount[accountId];
        if (clients.Remove(client.ClientId))
        {
            CountMounted(client, -1);
        }

        if (clients.Count == 0)
        {
            _byAccount.Remove(accountId);
        }
    }

    /// <summary>How many clients of everybody are kept whose mount is that room. 0: there is no mount.</summary>
    public int OfMount(string? room) => room is null ? 0 : _mounted.GetValueOrDefault(room);

    private void CountMounted(DurableClient client, int by)
    {
        if (SessionName.MountOf(client.ClientId) is not { } room)
        {
            return;
        }

        var count = _mounted.GetValueOrDefault(room) + by;
        if (count > 0)
        {
            _mounted[room] = count;
        }
        else
        {
            _mounted.Remove(room);
        }
    }
}
