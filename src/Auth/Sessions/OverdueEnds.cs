using WebMessenger.Auth.Changes;

namespace WebMessenger.Auth.Sessions;

/// <summary>In a house of several nodes: ends what no client uses any more and no node has ended, and what was begun to be ended by a node
/// that did not come to the end of it.</summary>
internal sealed class OverdueEnds(SessionIndex index, SessionEnds ends, TimeProvider time, NodePorts nodes)
{
    /// <summary>How late one is ended that no client of this node uses: another node may have stored a later use of it by then.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromMinutes(2);

    // Revoked, and not removed, when it was looked the last time.
    private HashSet<LoginSession> _cutOff = [];

    /// <summary>About once a minute, one at a time. Throws when the store refuses.</summary>
    public async Task EndAsync()
    {
        if (nodes.IsAlone)
        {
            return;
        }

        var cutOff = index.All.Where(session => session.IsRevoked && session.Kind != LoginSessionKind.Password).ToHashSet();
        await ends.EndAsync([.. cutOff.Where(session => /* guard: an end that a node did not bring to its end */ _cutOff.Contains(session))], RevocationReason.SignedOut);
        _cutOff = cutOff;
        if (nodes.Sweeps)
        {
            var limit = time.GetUtcNow() - Late;
            await ends.EndAsync([.. index.All.Where(session => !session.IsRevoked && session.IsExpiredAt(limit))], RevocationReason.Expired);
        }
    }
}
