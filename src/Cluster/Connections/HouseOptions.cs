using System.Net;

namespace WebMessenger.Cluster.Connections;

/// <summary>What a node has to know of its cluster.</summary>
internal sealed record HouseOptions
{
    /// <summary>Connection string of Npgsql.</summary>
    public required string Postgres { get; init; }

    /// <summary>The one address at which the other nodes reach this one.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>0: any free port.</summary>
    public int Port { get; init; }

    /// <summary>For reading events and records.</summary>
    public int ReadConnections { get; init; } = ConnectionCounts.Reads;

    /// <summary>A PEM file; null: none, and all nodes are on this machine.</summary>
    public string? Certificate { get; init; }

    /// <summary>A PEM file; the same one if both are in it.</summary>
    public string? CertificateKey { get; init; }

    /// <summary>A PEM file: who has signed the certificates of the nodes, and of nobody else.</summary>
    public string? Authority { get; init; }
}
