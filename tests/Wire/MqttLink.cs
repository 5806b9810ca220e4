using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace WebMessenger.Wire.Testing;

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
    private volatile TaskCompletionSource? _stalled;
    private long _lastByteAt;

    private MqttLink(Socket socket, bool isWebSocket) => (_socket, _frames) = (socket, isWebSocket ? new WebSocketFrames() : null);

    /// <summary>When bytes were last read, in ticks of <see cref="Stopwatch"/>.</summary>
    public long LastByteAt => Interlocked.Read(ref _lastByteAt);

    /// <summary>Bytes that came and were not read yet.</summary>
    public int Available => _socket.Available;

    /// <summary>Null: nobody listens there, or the server went away meanwhile.</summary>
    public static Task<MqttLink?> TryOpenAsync(IPEndPoint server, CancellationToken cancellation) =>
        TryOpenAsync(new Door(server, IsWebSocket: false), null, cancellation);

    /// <inheritdoc cref="TryOpenAsync(IPEndPoint, CancellationToken)"/>
    /// <param name="cookie">Of a page that opens a WebSocket.</param>
    /// <param name="from">The address it comes from; null: any.</param>
    /// <param name="receiveBuffer">Bytes; small for a client that shall stall. 0: the system's.</param>
    /// <exception cref="IOException">The WebSocket was refused.</exception>
    public static async Task<MqttLink?> TryOpenAsync(
        Door door, string? cookie, CancellationToken cancellation, IPAddress? from = null, int receiveBuffer = 0)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (receiveBuffer > 0)
            {
                // Before connecting: the window that the peer may fill is agreed on there.
                socket.ReceiveBufferSize = receiveBuffer;
            }

            if (from is not null)
            {
                socket.Bind(new IPEndPoint(from, 0));
            }

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

    /// <summary>
    /// Sends all of it. What cannot be sent any more is lost, which the reading end notices. Not for two threads at a time.
    /// </summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (_frames is not null)
        {
            bytes = WebSocketFrames.FrameOf(bytes).Span;
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

    /// <summary>Sends all of it, on a socket that may make it wait. Not for two threads at a time.</summary>
    /// <exception cref="SocketException">It cannot be sent any more.</exception>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        bytes = _frames is null ? bytes : WebSocketFrames.FrameOf(bytes.Span);
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes)..];
        }
    }

    /// <summary>Nothing more is taken from the socket, but for a read that is under way.</summary>
    public void StopReading() => _stalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void ResumeReading() => _stalled?.TrySetResult();

    /// <summary>Hands over what comes until the connection ends, by whomever.</summary>
    public async Task ReadAsync(IPacketHandler handler, int bufferBytes)
    {
        var received = new byte[bufferBytes];
        var count = 0;
        try
        {
            while (await ReceiveAsync(received.AsMemory(count)) is > 0 and var more)
            {
                var taken = _frames is null ? more : _frames.Unwrap(received.AsSpan(count, more));
                if (taken < 0)
                {
                    // As a browser does: it answers the close, and is closed then.
                    await _socket.SendAsync(WebSocketFrames.Close);
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

    public void Dispose()
    {
        ResumeReading();
        _socket.Dispose();
    }

    private async ValueTask<int> ReceiveAsync(Memory<byte> space)
    {
        if (_stalled is { } stalled)
        {
            await stalled.Task;
        }

        var count = await _socket.ReceiveAsync(space);
        Interlocked.Exchange(ref _lastByteAt, count > 0 ? Stopwatch.GetTimestamp() : LastByteAt);
        return count;
    }
}
