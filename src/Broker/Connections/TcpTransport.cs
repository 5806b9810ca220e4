using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace WebMessenger.Broker.Connections;

/// <summary>An unencrypted connection.</summary>
internal sealed class TcpTransport(ConnectionContext connection) : KestrelTransport(connection)
{
    public override PipeWriter Output { get; } = connection.Transport.Output;

    public override bool IsEncrypted => false;
}
