using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using WebMessenger.Load.Wire;

namespace WebMessenger.Load.Generator;

/// <summary>One MQTT 5 client on a socket of its own that can stop reading, and knows to the byte when something last came.</summary>
/// <remarks>For scenarios about the end of connections, where the <see cref="Swarm"/>'s economy would be in the way.</remarks>
internal sealed class RawClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Socket _socket;
    private readonly WebSocketFrames? _frames;
    private readonly Channel<(PacketType Type, byte Code)> _answers = Channel.CreateUnbounded<(PacketType, byte)>();
    private readonly Channel<string> _publishes = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile TaskCompletionSource? _stalled;
    private long _lastByteAt;

    private RawClient(Socket socket, bool isWebSocket)
    {
        (_socket, _frames) = (socket, isWebSocket ? new WebSocketFrames() : null);
    }

    /// <summary>When bytes were last read, in ticks of <see cref="Stopwatch"/>.</summary>
    public long LastByteAt => Interlocked.Read(ref _lastByteAt);

    /// <summary>Bytes that came and were not read yet.</summary>
    public int Available => _socket.Available;

    /// <summary>Connects and signs in: over WebSocket with the cookie, as a page does, or over TCP with the login.</summary>
    /// <param name="from">The address it comes from; null: any.</param>
    /// <param name="receiveBuffer">Small for a client that shall stall; 0: the system's.</param>
    public static async Task<RawClient> OpenAsync(Door door, string? cookie, Login? login, string clientId, int receiveBuffer, CancellationToken cancellation, IPAddress? from = null)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer > 0)
        {
            socket.ReceiveBufferSize = receiveBuffer;
        }

        RawClient client = new(socket, door.IsWebSocket);
        try
        {
            if (from is not null)
            {
                socket.Bind(new IPEndPoint(from, 0));
            }

            await socket.ConnectAsync(door.Address, cancellation);
            if (door.IsWebSocket)
            {
                await WebSocketFrames.UpgradeAsync(socket, door.Address, cookie, cancellation);
            }

            _ = client.ReadAsync();
            await client.SendAsync(ClientPackets.Connect(MqttVersion.V5, clientId, login));
            if (await client.AnswerAsync(PacketType.ConnAck) is var code and not 0)
            {
                throw new LoadException($"A CONNECT was refused with 0x{code:X2}.");
            }

            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public async Task SendAsync(ReadOnlyMemory<byte> packet)
    {
        if (_frames is not null)
        {
            var frame = new byte[WebSocketFrames.Headroom + packet.Length];
            packet.CopyTo(frame.AsMemory(WebSocketFrames.Headroom));
            packet = frame.AsMemory(WebSocketFrames.Wrap(frame));
        }

        while (!packet.IsEmpty)
        {
            packet = packet[await _socket.SendAsync(packet)..];
        }
    }

    /// <summary>The code of the next packet of this kind; others before it are passed over.</summary>
    public async Task<byte> AnswerAsync(PacketType type)
    {
        while (true)
        {
            var (found, code) = await _answers.Reader.ReadAsync().AsTask().WaitAsync(Patience);
            if (found == type)
            {
                return code;
            }
        }
    }

    public async Task SubscribeAsync(string filter)
    {
        await SendAsync(ClientPackets.Subscribe(MqttVersion.V5, 1, filter, 0));
        if (await AnswerAsync(PacketType.SubAck) is var code and >= 0x80)
        {
            throw new LoadException($"A SUBSCRIBE was refused with 0x{code:X2}.");
        }
    }

    /// <summary>Publishes at QoS 1 and waits for the acknowledgement.</summary>
    public async Task PublishAsync(string topic, string text)
    {
        var packet = ClientPackets.Publish(MqttVersion.V5, topic, Encoding.UTF8.GetBytes(text), out var packetIdAt);
        packet[packetIdAt + 1] = 1;
        await SendAsync(packet);
        if (await AnswerAsync(PacketType.PubAck) is var code and >= 0x80)
        {
            throw new LoadException($"A PUBLISH was refused with 0x{code:X2}.");
        }
    }

    /// <summary>Passes over what comes until it has this in it; false: the connection ended before.</summary>
    public async Task<bool> HearsAsync(string text)
    {
        using CancellationTokenSource patience = new(Patience);
        await foreach (var publish in _publishes.Reader.ReadAllAsync(patience.Token))
        {
            if (publish.Contains(text, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    public void StopReading() => _stalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void ResumeReading() => _stalled?.TrySetResult();

    public Task ClosedAsync() => _closed.Task.WaitAsync(Patience);

    public void Dispose()
    {
        ResumeReading();
        _socket.Close(0);
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[65536];
        var held = 0;
        try
        {
            while (true)
            {
                if (held == buffer.Length)
                {
                    Array.Resize(ref buffer, buffer.Length * 2);
                }

                // Looked at before each read; what a read under way still takes is no more than one buffer.
                if (_stalled is { } stalled)
                {
                    await stalled.Task;
                }

                var count = await _socket.ReceiveAsync(buffer.AsMemory(held));
                if (count == 0)
                {
                    break;
                }

                Interlocked.Exchange(ref _lastByteAt, Stopwatch.GetTimestamp());
                if (_frames is not null && (count = _frames.Unwrap(buffer.AsSpan(held, count))) < 0)
                {
                    // As a browser does: answers the close, and is closed then.
                    await _socket.SendAsync(WebSocketFrames.Close);
                    break;
                }

                held = TakePackets(buffer, held + count);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Reset by the server, or disposed by us.
        }

        _answers.Writer.TryComplete();
        _publishes.Writer.TryComplete();
        _closed.TrySetResult();
    }

    private int TakePackets(byte[] buffer, int held)
    {
        var from = 0;
        while (ServerPacket.TryRead(buffer.AsSpan(from, held - from), out var packet))
        {
            switch (packet.Type)
            {
                case PacketType.Publish:
                    _publishes.Writer.TryWrite(Encoding.UTF8.GetString(packet.ReadPublish(MqttVersion.V5, out _)));
                    break;
                case PacketType.ConnAck:
                    _answers.Writer.TryWrite((packet.Type, packet.ConnectCode));
                    break;
                case PacketType.SubAck:
                    _answers.Writer.TryWrite((packet.Type, packet.GrantedQualityOfService));
                    break;
                default:
                    _answers.Writer.TryWrite((packet.Type, packet.AnswerCode));
                    break;
            }

            from += packet.Length;
        }

        Buffer.BlockCopy(buffer, from, buffer, 0, held - from);
        return held - from;
    }
}
