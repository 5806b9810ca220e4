using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace WebMessenger.Broker.Transports;

/// <summary>Accepts sockets, has each counted, and closes at once those for which there is no place.</summary>
/// <remarks>Kestrel's own listener asks again without a pause when there is no handle, and counts nothing (ASP.NET Core 10).</remarks>
/// <param name="connect">Makes the connection of a socket that was counted in; disposing it counts the socket out.</param>
/// <param name="dispose">After the last connection is gone.</param>
internal sealed class CountedListener(Socket socket, OpenSockets sockets, Func<Socket, CountedSocket, ConnectionContext> connect, Action? dispose = null)
    : IConnectionListener
{
    /// <summary>
    /// Connections that may wait to be accepted. Beyond Kestrel's own 512 the kernel drops what comes, and a crowd that comes back at once
    /// after a failing network loses a second and more, until each tries again.
    /// Linux takes net.core.somaxconn at most, 4,096 where nobody changed it.
    /// </summary>
    private const int Backlog = 4096;

    /// <summary>
    /// What the kernel keeps of what is sent to a socket and not taken. By itself it lets that grow to 4 MB a socket, outside of this
    /// process's memory and of every other bound. This much fills a line of 5 Mbit/s over 200 ms;
    /// Linux counts its own records of it beside, as much again.
    /// </summary>
    internal const int SendBufferBytes = 128 * 1024;

    private static readonly TimeSpan OutOfFilesPause = TimeSpan.FromMilliseconds(100);

    public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

    /// <exception cref="AddressInUseException">Another program listens there.</exception>
    public static Socket Listen(EndPoint endpoint)
    {
        Socket? socket = null;
        try
        {
            socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            SetUp(socket);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException error)
        {
            socket?.Dispose();
            throw error.SocketErrorCode == SocketError.AddressAlreadyInUse ? new AddressInUseException(error.Message, error) : error;
        }
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                if (TryConnect(await socket.AcceptAsync(cancellationToken)) is { } connection)
                {
                    return connection;
                }
            }
            catch (Exception error) when (error is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                // It listens no more.
                return null;
            }
            catch (SocketException error)
            {
                // The peer was gone before it was accepted: the next one may do better.
                // Without a handle or memory for it, once others have given theirs back.
                if (error.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
                {
                    sockets.CouldNotAccept();
                    await Task.Delay(OutOfFilesPause, cancellationToken);
                }
            }

            // Whoever refuses many has other work after each: this thread may be the one that waits for all sockets,
            // and what people say would wait behind strangers.
            await Task.Yield();
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        dispose?.Invoke();
        return ValueTask.CompletedTask;
    }

    // Linux hands the options of a listening socket to every one that it accepts. Elsewhere each is set up when it is accepted.
    private static void SetUp(Socket socket)
    {
        // guard: the kernel keeps little
        socket.SendBufferSize = SendBufferBytes;
        if (socket.ProtocolType != ProtocolType.Tcp)
        {
            return;
        }

        socket.NoDelay = true;

        // Lets the operating system find a peer that died without a word, about two minutes after:
        // MQTT's own keep-alive may be off (3.1.1), and is not before CONNECT.
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 60);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 15);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 4);
    }

    private ConnectionContext? TryConnect(Socket accepted)
    {
        IPAddress? address = null;
        try
        {
            address = (accepted.RemoteEndPoint as IPEndPoint)?.Address;
            if (!OperatingSystem.IsLinux())
            {
                SetUp(accepted);
            }
        }
        catch (SocketException)
        {
            // Gone already, which whoever reads from it finds out. Without an address it is counted as nobody's.
        }

        var hasPlace = sockets.TryEnter(address, out var isUseless);
        if (/* guard: sockets of every kind have a place each */ !hasPlace)
        {
            // With a reset: nothing of it stays behind, not even in the kernel.
            accepted.Close(0);
            return null;
        }

        CountedSocket place = new(sockets, address, isUseless);
        try
        {
            return connect(accepted, place);
        }
        catch
        {
            accepted.Dispose();
            place.Leave();
            throw;
        }
    }
}
