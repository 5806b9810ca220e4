using System.Net;

namespace WebMessenger.Broker.Settings;

/// <summary>`WebMessenger:Mqtt:Tls`, given only with a certificate.</summary>
/// <param name="Port">Of MQTT over TLS; 0: any free port; -1: none, the certificate is for https alone.</param>
/// <param name="Certificate">A PEM file, absolute: the server's certificate first, then those that lead to the root.</param>
/// <param name="Key">A PEM file, absolute; the same one if both are in it.</param>
/// <param name="Password">Of the key; null: it is not encrypted.</param>
/// <param name="PublicPort">
/// The port that clients elsewhere connect to, where a router or proxy maps it; 0: the one that is listened on.
/// </param>
/// <param name="ClientCertificates">Clients of MQTT are asked for a certificate, which need not be given.</param>
internal sealed record TlsSettings(int Port, IPAddress Address, string Certificate, string Key, string? Password, int PublicPort = 0, bool ClientCertificates = true)
{
    // A record would print it.
    public override string ToString() => $"{Address}:{Port} {Certificate}";
}
