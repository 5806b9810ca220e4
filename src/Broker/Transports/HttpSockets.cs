using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace WebMessenger.Broker.Transports;

/// <summary>The sockets of HTTP and of everything with TLS: Kestrel's own, counted.</summary>
internal sealed class HttpSockets(OpenSockets sockets, ILoggerFactory loggers) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <summary>What is read of a connection before somebody takes it. Kestrel's 1 MiB would be a stranger's for the asking.</summary>
    private const long ReadBytes = 64 * 1024;

    /// <summary>What is written to a connection and not taken by the kernel, which keeps as much as it is told itself.</summary>
    private const long WriteBytes = 32 * 1024;

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint and not MqttEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var socket = CountedListener.Listen(endpoint);
        SocketConnectionContextFactory connections = new(
            new SocketConnectionFactoryOptions { MaxReadBufferSize = ReadBytes, MaxWriteBufferSize = WriteBytes }, loggers.CreateLogger<SocketConnectionContextFactory>());
        return ValueTask.FromResult<IConnectionListener>(new CountedListener(socket, sockets, Connect, connections.Dispose));

        ConnectionContext Connect(Socket accepted, CountedSocket place)
        {
            var connection = connections.Create(accepted);
            connection.Features.Set(place);
            return new CountedConnection(connection, place);
        }
    }
}
