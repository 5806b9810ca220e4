using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Nodes;

namespace WebMessenger.Broker.Clients;

/// <summary>What this program does when all nodes are asked.</summary>
internal sealed class ThisNode(IRevocation sessions, ConnectionDirectory connections) : INode
{
    private static readonly TimeSpan ForgettingTime = TimeSpan.FromSeconds(3);

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

    public bool IsCurrent(ClientName client, string connection) => connections.IsCurrent(client, connection);

    public async Task<bool> YieldAsync(ClientName client, Newcomer to)
    {
        if (!connections.TryYield(client, to, out var displaced))
        {
            return false;
        }

        if (displaced is not null)
        {
            // guard: a client that is at another node now is ended here
            _ = displaced.EndAsync(Wire.ReasonCode.SessionTakenOver, "Another connection of this account uses this client id.");

            // What is kept of it is read there next. One that does not end is silent all the same.
            await Task.WhenAny(displaced.ForgottenAsync(), Task.Delay(ForgettingTime));
        }

        return true;
    }
}
