using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Nodes;

/// <summary>A house of one node: who asks all asks this one, and there is nobody to tell.</summary>
internal sealed class Alone(INode here) : INodes
{
    private static readonly Task<Taking> _done = Task.FromResult(Taking.Done);

    public string Self => "alone";

    public IReadOnlyCollection<string> Others => [];

    public Task RevokeAsync(IReadOnlyCollection<string> sessions, RevocationReason reason) => here.RevokeAsync(sessions, reason);

    public Task<Taking> TakeOverAsync(ClientName client, Newcomer by)
    {
        var ended = here.TakeOverAsync(client, by.Connection);
        return ended.IsCompletedSuccessfully ? _done : WhenAsync(ended);
    }

    private static async Task<Taking> WhenAsync(Task ended)
    {
        await ended;
        return Taking.Done;
    }
}
