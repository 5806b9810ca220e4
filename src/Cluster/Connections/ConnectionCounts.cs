namespace WebMessenger.Cluster.Connections;

/// <summary>How many connections to PostgreSQL a node has at most: what `cluster check` compares with `max_connections`.</summary>
internal static class ConnectionCounts
{
    /// <summary>For reading events and records, unless `Cluster:ReadConnections` says otherwise.</summary>
    public const int Reads = 16;

    /// <summary>For documents and searches.</summary>
    public const int House = 16;

    /// <summary>Of who declares nodes dead, and of Orleans' membership: each.</summary>
    public const int Membership = 4;

    /// <summary>Each waits for a turn that another node has.</summary>
    public const int WaitingTurns = 8;

    // The lease, turns that are had at once, duties, the writer, and who looks whether it is still the same database.
    private const int Single = 5;

    /// <param name="reads">Connections for reading events and records.</param>
    public static int OfNode(int reads) => reads + House + Membership + Membership + WaitingTurns + Single;
}
