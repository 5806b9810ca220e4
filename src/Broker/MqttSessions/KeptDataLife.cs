using WebMessenger.Broker.Nodes;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>Where kept clients are in what devices say is known to the node that has the data topics alone.</summary>
internal sealed class KeptDataLife(DurableClients durable) : IDataHomePart
{
    public int Order => 10;

    public Task BeginAsync() => durable.ReadDataAsync();

    public Task EndAsync(bool isLost)
    {
        durable.LetGoOfData();
        return Task.CompletedTask;
    }
}
