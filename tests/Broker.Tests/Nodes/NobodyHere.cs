using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Nodes;

namespace WebMessenger.Broker.Tests.Nodes;

/// <summary>A node without clients.</summary>
internal sealed class NobodyHere : INode
{
    public Task RevokeAsync(IReadOnlyCollection<string> sessions, RevocationReason reason) => Task.CompletedTask;

    public Task TakeOverAsync(ClientName client, string by) => Task.CompletedTask;

    public Task<bool> YieldAsync(ClientName client, Newcomer to) => Task.FromResult(true);
}
