using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Auth.Changes;

/// <summary>What of a house with several nodes is needed here: what others write, whose turn it is, and how they are told.</summary>
public sealed record NodePorts(IReplication Replication, ITurns Turns, INodeLinks Links, IDuties Duties)
{
    /// <summary>What one node does for all of them: sweeps that write.</summary>
    internal const string Sweep = "sweep";

    /// <summary>A house of one node.</summary>
    public static NodePorts Alone { get; } = new(NoReplication.Instance, AloneTurns.Instance, AloneLinks.Instance, AloneDuties.Instance);

    /// <summary>Nobody else writes.</summary>
    public bool IsAlone => Replication.IsAlone;

    /// <summary>What is swept for all nodes is swept by this one.</summary>
    internal bool Sweeps => Duties.Has(Sweep);
}
