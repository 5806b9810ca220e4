using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Nodes;

/// <summary>A house of one node: who asks all asks this one, and there is nobody to tell.</summary>
internal sealed class Alone(INode here) : INodes
{
    public string Self => "alone";

    public IReadOnlyCollection<string> Others => [];

    public Task RevokeAsync(IReadOnlyCollection<string> sessions, RevocationReason reason) => here.RevokeAsync(sessions, reason);

    public Task TakeOverAsync(ClientName client, string by) => here.TakeOverAsync(client, by);

    public void Wake(LogName log)
    {
        // Nobody else hears it.
    }
}
