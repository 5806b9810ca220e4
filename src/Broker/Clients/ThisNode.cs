using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Nodes;

namespace WebMessenger.Broker.Clients;

/// <summary>What this program does when all nodes are asked.</summary>
internal sealed class ThisNode(IRevocation sessions, ConnectionDirectory connections) : INode
{
    public Task RevokeAsync(IReadOnlyCollection<string> sessionIds, RevocationReason reason) => sessions.RevokeAsync(sessionIds, reason);

    public Task TakeOverAsync(ClientName client, string by)
    {
        foreach (var displaced in connections.TakeDisplaced(client, by))
        {
            // Silent when this returns; that its socket closes is nobody's to wait for.
            // guard: take-over ends the old connection
            _ = displaced.EndAsync(Wire.ReasonCode.SessionTakenOver, "Another connection of this account uses this client id.");
        }

        return Task.CompletedTask;
    }
}
