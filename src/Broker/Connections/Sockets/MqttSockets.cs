using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using WebMessenger.Broker.Hosting;

namespace WebMessenger.Broker.Connections.Sockets;

/// <summary>The sockets of unencrypted MQTT, in place of Kestrel's own: ADR 0013 says why.</summary>
internal sealed class MqttSockets : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private static readonly TimeSpan OutOfFilesPause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Lets the runtime handle what a socket brings on the thread that waits for all of them, without a change of threads. For the whole process, and before its first socket; Kestrel's sockets go on
    /// elsewhere by themselves.
    /// </summary>
    public static void HandleInPlace() => Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

    public bool CanBind(EndPoint endpoint) => endpoint is MqttEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket? socket = null;
        try
        {
            socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            socket.Listen(Listeners.Backlog);
            return ValueTask.FromResult<IConnectionListener>(new Listener(socket));
        }
        catch (SocketException error)
        {
            socket?.Dispose();
            throw error.SocketErrorCode == SocketError.AddressAlreadyInUse ? new AddressInUseException(error.Message, error) : error;
        }
    }

    private sealed class Listener(Socket socket) : IConnectionListener
    {
        public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (true)
            {
                try
                {
                    return new MqttSocketConnection(new TcpTransport(await socket.AcceptAsync(cancellationToken)));
                }
                catch (Exception error) when (error is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
                {
                    // It listens no more.
                    return null;
                }
                catch (SocketException error)
                {
                    // The peer was gone before it was accepted: the next one may do better. Without a file for it, once others have closed theirs.
                    if (error.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
                    {
                        await Task.Delay(OutOfFilesPause, cancellationToken);
                    }
                }
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => DisposeAsync();

        public ValueTask DisposeAsync()
        {
            socket.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
