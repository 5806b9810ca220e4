using System.Net;
using System.Net.Sockets;

namespace WebMessenger.Load.Wire;

/// <summary>Takes what comes on a link, packet by packet.</summary>
internal interface IPacketHandler
{
    /// <summary>The packet's bytes are gone when this returns.</summary>
    void Handle(in ServerPacket packet);

    /// <summary>All that was received together has been handled: answers may leave in one go.</summary>
    void AllHandled();
}

/// <summary>A bare connection to a server that may go away at any moment: bytes out, packets in, and an end.</summary>
internal sealed class MqttLink : IDisposable
{
    private readonly Socket _socket;
    private readonly WebSocketFrames? _frames;

    private MqttLink(Socket socket, bool isWebSocket) => (_socket, _frames) = (socket, isWebSocket ? new WebSocketFrames() : null);

    /// <summary>Null: nobody listens there, or the server went away meanwhile.</summary>
    public static Task<MqttLink?> TryOpenAsync(IPEndPoint server, CancellationToken cancellation) => TryOpenAsync(new Door(server, IsWebSocket: false), null, cancellation);

    /// <inheritdoc cref="TryOpenAsync(IPEndPoint, CancellationToken)"/>
    /// <param name="cookie">Of a page that opens a WebSocket.</param>
    /// <exception cref="IOException">The WebSocket was refused.</exception>
    public static async Task<MqttLink?> TryOpenAsync(Door door, string? cookie, CancellationToken cancellation)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(door.Address, cancellation);
            if (door.IsWebSocket)
            {
                await WebSocketFrames.UpgradeAsync(socket, door.Address, cookie, cancellation);
            }

            return new MqttLink(socket, door.IsWebSocket);
        }
        catch (Exception error)
        {
            socket.Dispose();
            if (error is SocketException)
            {
                return null;
            }

            throw;
        }
    }

    /// <summary>Sends all of it. What cannot be sent any more is lost, which the reading end notices. Not for two threads at a time.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (_frames is not null)
        {
            var frame = new byte[WebSocketFrames.Headroom + bytes.Length];
            bytes.CopyTo(frame.AsSpan(WebSocketFrames.Headroom));
            bytes = frame.AsSpan(WebSocketFrames.Wrap(frame));
        }

        try
        {
            for (var sent = 0; sent < bytes.Length;)
            {
                sent += _socket.Send(bytes[sent..]);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            Cut();
        }
    }

    /// <summary>Hands over what comes until the connection ends, by whomever.</summary>
    public async Task ReadAsync(IPacketHandler handler, int bufferBytes)
    {
        var received = new byte[bufferBytes];
        var count = 0;
        try
        {
            while (await _socket.ReceiveAsync(received.AsMemory(count)) is > 0 and var more)
            {
                var taken = _frames is null ? more : _frames.Unwrap(received.AsSpan(count, more));
                if (taken < 0)
                {
                    break;
                }

                count += taken;
                var at = 0;
                while (ServerPacket.TryRead(received.AsSpan(at, count - at), out var packet))
                {
                    handler.Handle(packet);
                    at += packet.Length;
                }

                handler.AllHandled();
                count -= at;
                received.AsSpan(at, count).CopyTo(received);
                if (count == received.Length)
                {
                    Array.Resize(ref received, count * 2);
                }
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // As good an end as any.
        }
    }

    /// <summary>Ends it without a word, as a failing network does; the server gets a reset.</summary>
    public void Cut()
    {
        try
        {
            _socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Ended already.
        }

        _socket.Dispose();
    }

    public void Dispose() => _socket.Dispose();
}
