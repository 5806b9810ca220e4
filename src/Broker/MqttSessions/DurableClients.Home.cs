using WebMessenger.Broker.Nodes;

namespace WebMessenger.Broker.MqttSessions;

/// <content>Where kept clients are in what devices say is known to the node that has the data topics alone.</content>
internal sealed partial class DurableClients : IDataHomePart
{
    int IDataHomePart.Order => 10;

    /// <summary>Whether something is kept under the name, of a client that is connected or away.</summary>
    public bool Has(string accountId, string clientId)
    {
        lock (_gate)
        {
            return _index.Find(accountId, clientId) is not null;
        }
    }

    // Those that are kept for devices are all away: they are served by who has the data topics, and that is nobody just now.
    async Task IDataHomePart.BeginAsync()
    {
        DurableIndex all = new();
        lock (_gate)
        {
            foreach (var client in _index.Everybody)
            {
                all.Add(client);
            }
        }

        await _stored.ReadDataAsync(all, _rooms);
    }

    Task IDataHomePart.EndAsync(bool isLost)
    {
        lock (_gate)
        {
            foreach (var client in _index.Everybody)
            {
                client.Data.LetGo();
            }
        }

        return Task.CompletedTask;
    }
}
