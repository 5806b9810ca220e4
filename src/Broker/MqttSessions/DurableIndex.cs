using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>All durable clients, connected or away, found by account and client id.</summary>
/// <remarks>Guarded by the gate of <see cref="DurableClients"/>.</remarks>
internal sealed class DurableIndex
{
    private readonly Dictionary<string, Dictionary<string, DurableClient>> _byAccount = [];

    public IEnumerable<DurableClient> Everybody => _byAccount.Values.SelectMany(clients => clients.Values);

    public DurableClient? Find(string accountId, string clientId) => _byAccount.GetValueOrDefault(accountId)?.GetValueOrDefault(clientId);

    /// <summary>Null: no client is kept for it, or another connection has taken the client over.</summary>
    public DurableClient? OfConnection(IResumable connection) =>
        connection.Session is { } session && Find(session.Account.Id, connection.ClientId) is { } client && client.Connection == connection
            ? client
            : null;

    public IReadOnlyCollection<DurableClient> OfAccount(string accountId) =>
        _byAccount.TryGetValue(accountId, out var clients) ? clients.Values : [];

    public IEnumerable<DurableClient> Away(string accountId) => OfAccount(accountId).Where(client => client.Connection is null);

    public IEnumerable<DurableClient> OfSession(LoginSession session) =>
        OfAccount(session.Account.Id).Where(client => client.Session == session);

    public void Add(DurableClient client)
    {
        var accountId = client.Session.Account.Id;
        if (!_byAccount.TryGetValue(accountId, out var clients))
        {
            _byAccount[accountId] = clients = new Dictionary<string, DurableClient>(StringComparer.Ordinal);
        }

        clients[client.ClientId] = client;
    }

    public void Remove(DurableClient client)
    {
        var accountId = client.Session.Account.Id;
        var clients = _byAccount[accountId];
        clients.Remove(client.ClientId);
        if (clients.Count == 0)
        {
            _byAccount.Remove(accountId);
        }
    }
}
