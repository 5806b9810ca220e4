using System.Net;

namespace WebMessenger.Cluster.Nodes;

/// <summary>How this program is a node of a house.</summary>
internal sealed record NodeOptions
{
    /// <summary>How to connect to PostgreSQL, in Npgsql's form.</summary>
    public required string Postgres { get; init; }

    /// <summary>Where other nodes reach this one, and the only address on which it listens for them.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port of <see cref="Address"/>.</summary>
    public int Port { get; init; } = 11_111;

    /// <summary>
    /// Path of this node's certificate (PEM), by which it is known to other nodes and they to it; null: no TLS, on loopback only.
    /// </summary>
    public string? Certificate { get; init; }

    /// <summary>Path of the key of <see cref="Certificate"/> (PEM).</summary>
    public string? CertificateKey { get; init; }

    /// <summary>Path of the certificate (PEM) of who signs the nodes' certificates, and signs nobody else's.</summary>
    public string? Authority { get; init; }

    /// <summary>How many messages to one other node may wait.</summary>
    public int LinkQueue { get; init; } = 10_000;

    /// <summary>How many bytes of them, and of what one other node has told and is not heard yet.</summary>
    public long LinkQueueBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>On how many connections this node waits for turns that another one has.</summary>
    public int TurnConnections { get; init; } = ConnectionCounts.WaitingTurns;

    /// <summary>Null: it can be begun with. Else what is wrong, in one line.</summary>
    public string? Mistake()
    {
        if ((Certificate, CertificateKey, Authority) is (null, null, null))
        {
            return /* guard: nodes beyond loopback have certificates */ IPAddress.IsLoopback(Address)
                ? null
                : $"Nodes talk to each other at {Address}, which is beyond this machine: set Certificate, CertificateKey and Authority.";
        }

        if (Certificate is null || CertificateKey is null || Authority is null)
        {
            return "Of Certificate, CertificateKey and Authority all or none are set.";
        }

        return new[] { Certificate, CertificateKey, Authority }.FirstOrDefault(path => !File.Exists(path)) is { } missing
            ? $"There is no file {missing}."
            : null;
    }
}
