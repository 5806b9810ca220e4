using System.Diagnostics;
using System.Net;
using System.Text;
using System.Threading.Channels;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Generator;

/// <summary>One MQTT 5 client on a socket of its own that can stop reading, and knows to the byte when something last came.</summary>
/// <remarks>For scenarios about the end of connections, where the <see cref="Swarm"/>'s economy would be in the way.</remarks>
internal sealed class RawClient : IDisposable, IPacketHandler
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const int BufferBytes = 64 * 1024;

    private readonly MqttLink _link;
    private readonly Channel<(PacketType Type, byte Code)> _answers = Channel.CreateUnbounded<(PacketType, byte)>();
    private readonly Channel<string> _publishes = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private long _lastPublishAt;

    private RawClient(MqttLink link) => _link = link;

    /// <summary>When bytes were last read, in ticks of <see cref="Stopwatch"/>.</summary>
    public long LastByteAt => _link.LastByteAt;

    /// <summary>The same of those of the last message.</summary>
    public long LastPublishAt => Interlocked.Read(ref _lastPublishAt);

    /// <summary>Bytes that came and were not read yet.</summary>
    public int Available => _link.Available;

    /// <summary>Connects and signs in: over WebSocket with the cookie, as a page does, or over TCP with the login.</summary>
    /// <param name="from">The address it comes from; null: any.</param>
    /// <param name="receiveBuffer">Small for a client that shall stall; 0: the system's.</param>
    /// <exception cref="IOException">The server does not let it in.</exception>
    public static async Task<RawClient> OpenAsync(
        Door door, string? cookie, Login? login, string clientId, int receiveBuffer, CancellationToken cancellation, IPAddress? from = null)
    {
        RawClient client = new(
            await MqttLink.TryOpenAsync(door, cookie, cancellation, from, receiveBuffer) ?? throw new IOException("The server did not take a connection."));
        try
        {
            _ = client.ReadAsync();
            await client.SendAsync(ConnectWish.Clean.ToPacket(MqttVersion.V5, clientId, login));
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

    public Task SendAsync(ReadOnlyMemory<byte> packet) => _link.SendAsync(packet);

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
    public async Task PublishAsync(string topic, string text, bool retain = false)
    {
        await SendAsync(ClientPackets.Publish(MqttVersion.V5, topic, Encoding.UTF8.GetBytes(text), 1, retain, packetId: 1));
        if (await AnswerAsync(PacketType.PubAck) is var code and >= 0x80)
        {
            throw new LoadException($"A PUBLISH was refused with 0x{code:X2}.");
        }
    }

    /// <summary>Passes over what comes until it has this in it; false: the connection ended before.</summary>
    public async Task<bool> HearsAsync(string text) => await NextWithAsync(text) is not null;

    /// <summary>The next message that has this in it; null: the connection ended before.</summary>
    public async Task<string?> NextWithAsync(string text)
    {
        using CancellationTokenSource patience = new(Patience);
        await foreach (var publish in _publishes.Reader.ReadAllAsync(patience.Token))
        {
            if (publish.Contains(text, StringComparison.Ordinal))
            {
                return publish;
            }
        }

        return null;
    }

    /// <summary>When it is answered, all that the server had sent before has been read.</summary>
    public async Task PingAsync()
    {
        await SendAsync(ClientPackets.PingReq);
        await AnswerAsync(PacketType.PingResp);
    }

    /// <summary>What came and was not taken yet.</summary>
    public IReadOnlyList<string> TakeAll()
    {
        List<string> taken = [];
        while (_publishes.Reader.TryRead(out var publish))
        {
            taken.Add(publish);
        }

        return taken;
    }

    public void StopReading() => _link.StopReading();

    public void ResumeReading() => _link.ResumeReading();

    public Task ClosedAsync() => _closed.Task.WaitAsync(Patience);

    public void Dispose()
    {
        _link.ResumeReading();
        _link.Cut();
    }

    void IPacketHandler.Handle(in ServerPacket packet)
    {
        if (packet.Type == PacketType.Publish)
        {
            Interlocked.Exchange(ref _lastPublishAt, _link.LastByteAt);
            _publishes.Writer.TryWrite(Encoding.UTF8.GetString(packet.ReadPublish(MqttVersion.V5, out _)));
            return;
        }

        _answers.Writer.TryWrite((packet.Type, packet.Type switch
        {
            PacketType.ConnAck => packet.ConnectCode,
            PacketType.SubAck => packet.GrantedQualityOfService,
            _ => packet.AnswerCode,
        }));
    }

    void IPacketHandler.AllHandled()
    {
        // It says nothing by itself.
    }

    private async Task ReadAsync()
    {
        await _link.ReadAsync(this, BufferBytes);
        _answers.Writer.TryComplete();
        _publishes.Writer.TryComplete();
        _closed.TrySetResult();
    }
}
