using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Nodes;

/// <summary>A house of several nodes, which reach each other by a call.</summary>
internal sealed class NodesInOneProcess(string self, INode here, params IReadOnlyList<RecordingNode> others) : INodes
{
    public string Self => self;

    public IReadOnlyCollection<string> Others => [.. others.Select(other => other.Name)];

    public Task RevokeAsync(IReadOnlyCollection<string> sessions, RevocationReason reason) => AllAsync(node => node.RevokeAsync(sessions, reason));

    public Task TakeOverAsync(ClientName client, string by) => AllAsync(node => node.TakeOverAsync(client, by));

    public void Wake(LogName log)
    {
        foreach (var other in others)
        {
            other.Woken.Enqueue(log);
        }
    }

    private Task AllAsync(Func<INode, Task> ask) => Task.WhenAll(((INode[])[here, .. others]).Select(ask));
}
