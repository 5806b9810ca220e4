using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Nodes;

namespace WebMessenger.Broker.Tests.Nodes;

/// <summary>A house of several nodes, which reach each other by a call.</summary>
internal sealed class NodesInOneProcess(string self, INode here, params IReadOnlyList<RecordingNode> others) : INodes
{
    public string Self => self;

    public IReadOnlyCollection<string> Others => [.. others.Select(other => other.Name)];

    public Task RevokeAsync(IReadOnlyCollection<string> sessions, RevocationReason reason) =>
        Task.WhenAll(((INode[])[here, .. others]).Select(node => node.RevokeAsync(sessions, reason)));

    public async Task<Taking> TakeOverAsync(ClientName client, Newcomer by)
    {
        await here.TakeOverAsync(client, by.Connection);
        return new Taking((await Task.WhenAll(others.Select(node => node.YieldAsync(client, by)))).All(yields => yields));
    }
}
