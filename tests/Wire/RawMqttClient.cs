using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

namespace WebMessenger.Wire.Testing;

/// <summary>
/// An MQTT client over a real socket that does only what it is told: every byte is under the test's control, and nothing is repeated,
/// reconnected or kept alive behind its back. What is waited for and does not come fails the test with all that came instead.
/// </summary>
/// <remarks>
/// One task reads; it alone decodes and hands out. Sending is serialised by <c>_sending</c>.
/// </remarks>
internal sealed class RawMqttClient : IAsyncDisposable
{
    private readonly SemaphoreSlim _sending = new(1);
    private readonly ReceivedPackets _received = new();
    private volatile TaskCompletionSource _mayRead = CompletedSource();
    private MqttPacket? _disconnect;
    private int _lastPacketId;
    private long _bytesRead;

    private RawMqttClient(WireTransport transport, MqttVersion version)
    {
        Transport = transport;
        Version = version;
        _ = ReadAsync();
    }

    /// <summary>Generous: a full CI machine must not fail what is right. Nothing waits so long when the server works.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(30);

    public WireTransport Transport { get; }

    public MqttVersion Version { get; }

    /// <summary>QoS 1 and 2 deliveries are acknowledged as they come. Off: the test acknowledges, or does not.</summary>
    public bool AcknowledgesItself { get; set; } = true;

    /// <summary>Bytes taken from the socket so far.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    public bool IsClosed => _received.Closed.IsCompleted;

    public static async Task<RawMqttClient> OverTcpAsync(IPEndPoint server, MqttVersion version = MqttVersion.V5, int? receiveBuffer = null) =>
        new(await TcpTransport.OpenAsync(server, receiveBuffer), version);

    public static async Task<RawMqttClient> OverTlsAsync(
        IPEndPoint server, TestCertificate trusted, MqttVersion version = MqttVersion.V5, int? receiveBuffer = null, List<SslApplicationProtocol>? protocols = null,
        DeviceCertificate? shown = null) =>
        new(await TlsTransport.OpenAsync(server, trusted, receiveBuffer, protocols, shown), version);

    /// <param name="server">`ws://host:port/mqtt`, or `wss:`.</param>
    /// <param name="trusted">Of `wss:`.</param>
    public static async Task<RawMqttClient> OverWebSocketAsync(
        Uri server, WebSocketDoor door, MqttVersion version = MqttVersion.V5, int? receiveBuffer = null, TestCertificate? trusted = null)
    {
        var (transport, status) = await WebSocketTransport.TryOpenAsync(server, door, receiveBuffer, trusted);
        return transport is not null
            ? new RawMqttClient(transport, version)
            : throw new WireException($"The upgrade to WebSocket was refused with {(int)status}.");
    }

    /// <summary>Knocks and goes away: 101, or the status of the refusal.</summary>
    public static async Task<HttpStatusCode> UpgradeStatusAsync(Uri server, WebSocketDoor door, TestCertificate? trusted = null)
    {
        var (transport, status) = await WebSocketTransport.TryOpenAsync(server, door, receiveBuffer: null, trusted);
        transport?.Abort();
        return status;
    }

    /// <param name="keepAlive">Seconds. No ping is ever sent by itself.</param>
    /// <param name="properties">MQTT 5 only.</param>
    public async Task<ConnAck> ConnectAsync(
        string? user = null, string? password = null, string clientId = "", bool cleanStart = true, ushort keepAlive = 300, Will? will = null,
        MqttProperties? properties = null)
    {
        await SendAsync(ClientPackets.Connect(Version, user, password, clientId, cleanStart, keepAlive, will, properties));
        return ConnAck.Decode(await NextAsync(PacketType.ConnAck), Version);
    }

    public Task<SubAck> SubscribeAsync(string filter, byte qos = 1, MqttProperties? properties = null) =>
        SubscribeAsync([new Filter(filter, qos)], properties);

    /// <param name="properties">MQTT 5 only: `after`, `last`, a subscription identifier.</param>
    public async Task<SubAck> SubscribeAsync(IReadOnlyList<Filter> filters, MqttProperties? properties = null)
    {
        var id = NextPacketId();
        await SendAsync(ClientPackets.Subscribe(Version, id, filters, properties));
        return SubAck.Decode(await NextAsync(PacketType.SubAck, id), Version);
    }

    public async Task<SubAck> UnsubscribeAsync(params string[] filters)
    {
        var id = NextPacketId();
        await SendAsync(ClientPackets.Unsubscribe(Version, id, filters));
        return SubAck.Decode(await NextAsync(PacketType.UnsubAck, id), Version);
    }

    /// <summary>
    /// Publishes at QoS 1 or 2 and waits for the answer. QoS 2: what is returned is the PUBREC,
    /// and when that accepts, PUBREL was sent and PUBCOMP came.
    /// </summary>
    public Task<PubAck> PublishAsync(string topic, string payload, byte qos = 1, bool retain = false, MqttProperties? properties = null) =>
        PublishAsync(topic, Encoding.UTF8.GetBytes(payload), qos, retain, properties);

    /// <inheritdoc cref="PublishAsync(string, string, byte, bool, MqttProperties?)"/>
    public async Task<PubAck> PublishAsync(string topic, ReadOnlyMemory<byte> payload, byte qos = 1, bool retain = false, MqttProperties? properties = null)
    {
        ArgumentOutOfRangeException.ThrowIfZero(qos);
        var id = NextPacketId();
        await SendPublishAsync(topic, payload, qos, retain, properties, id);
        var answer = PubAck.Decode(await NextAsync(qos == 1 ? PacketType.PubAck : PacketType.PubRec, id));
        if (qos == 2 && answer.Accepted)
        {
            await SendAsync(ClientPackets.PubRel(id));
            await NextAsync(PacketType.PubComp, id);
        }

        return answer;
    }

    /// <summary>Sends a PUBLISH and waits for nothing. <paramref name="packetId"/> is left out of the packet at QoS 0 only.</summary>
    public Task SendPublishAsync(
        string topic, ReadOnlyMemory<byte> payload, byte qos = 0, bool retain = false, MqttProperties? properties = null, ushort packetId = 0,
        bool duplicate = false) => SendAsync(ClientPackets.Publish(Version, topic, payload.Span, qos, retain, properties, packetId, duplicate));

    /// <summary>A packet id that this client has not used lately.</summary>
    public ushort NextPacketId() => (ushort)((uint)(Interlocked.Increment(ref _lastPacketId) - 1) % 65_535 + 1);

    public Task AcknowledgeAsync(ReceivedPublish publish) => publish.Qos == 0
        ? Task.CompletedTask
        : SendAsync(ClientPackets.Answer(publish.Qos == 1 ? PacketType.PubAck : PacketType.PubRec, publish.PacketId));

    /// <summary>A whole round trip: when it is over, the server has read all that was sent before.</summary>
    public async Task PingAsync()
    {
        await SendAsync(ClientPackets.PingReq);
        await NextAsync(PacketType.PingResp);
    }

    public Task DisconnectAsync() => SendAsync(ClientPackets.Disconnect);

    /// <summary>Any bytes; one call is one WebSocket frame.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        await _sending.WaitAsync();
        try
        {
            await Transport.WriteAsync(bytes);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>The next packet of a type (and packet id) that nobody has taken yet.</summary>
    public Task<MqttPacket> NextAsync(PacketType type, ushort id = 0) => _received.NextAsync(type, id, Patience);

    /// <summary>The next PUBLISH that the server sent, in its order.</summary>
    public Task<ReceivedPublish> NextPublishAsync(TimeSpan? timeout = null) => _received.NextPublishAsync(timeout ?? Patience);

    /// <summary>Takes what has been read from the socket so far; after an acknowledgement, that is all that came before it.</summary>
    public IEnumerable<ReceivedPublish> AlreadyHere() => _received.TakePublishes();

    /// <summary>
    /// Takes publishes until one fits, which is the last in the list: "nothing came" is shown by a marker that comes first.
    /// </summary>
    public async Task<IReadOnlyList<ReceivedPublish>> PublishesUntilAsync(Func<ReceivedPublish, bool> last, TimeSpan? timeout = null)
    {
        List<ReceivedPublish> taken = [];
        do
        {
            taken.Add(await NextPublishAsync(timeout));
        }
        while (!last(taken[^1]));

        return taken;
    }

    /// <summary>All that came and was not taken, once the connection is closed: nothing can follow.</summary>
    public async Task<IReadOnlyList<ReceivedPublish>> PublishesUntilClosedAsync(TimeSpan? timeout = null)
    {
        await WaitForCloseAsync(timeout);
        return [.. _received.TakePublishes()];
    }

    public Task<Closed> WaitForCloseAsync(TimeSpan? timeout = null) => _received.WaitForCloseAsync(timeout ?? Patience);

    /// <summary>Takes nothing more from the socket (but for a read that is under way), as a browser in a sleeping laptop does.</summary>
    public void StopReading() => _mayRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void ResumeReading() => _mayRead.TrySetResult();

    /// <summary>Drops the connection without DISCONNECT.</summary>
    public void Abort() => Transport.Abort();

    public async ValueTask DisposeAsync()
    {
        ResumeReading();
        await Transport.DisposeAsync();
        await _received.Closed.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    /// <summary>The last packets that came, oldest first: for a failure message.</summary>
    public string Transcript() => _received.Transcript();

    private static TaskCompletionSource CompletedSource()
    {
        TaskCompletionSource source = new();
        source.SetResult();
        return source;
    }

    private async Task ReadAsync()
    {
        PacketBuffer buffer = new();
        try
        {
            while (await Transport.ReadAsync(buffer.Space()) is > 0 and var count)
            {
                await _mayRead.Task;
                Interlocked.Add(ref _bytesRead, count);
                buffer.Added(count);
                while (buffer.Take() is { } packet)
                {
                    await HandOutAsync(packet);
                }
            }

            End(reset: false, error: null);
        }
        catch (Exception error) when (error is SocketException or WebSocketException or ObjectDisposedException or IOException or OperationCanceledException)
        {
            End(reset: true, error: null);
        }
        catch (Exception error)
        {
            End(reset: true, error);
        }
    }

    private async Task HandOutAsync(MqttPacket packet)
    {
        _received.Note(packet.Describe(Version));
        switch (packet.Type)
        {
            case PacketType.Publish:
                var publish = ReceivedPublish.Decode(packet, Version);
                _received.Add(publish);
                if (AcknowledgesItself)
                {
                    await TrySendAsync(() => AcknowledgeAsync(publish));
                }

                break;
            case PacketType.PubRel when AcknowledgesItself:
                await TrySendAsync(() => SendAsync(ClientPackets.Answer(PacketType.PubComp, new MqttReader(packet).UInt16())));
                break;
            case PacketType.Disconnect:
                _disconnect = packet;
                break;
            case PacketType.ConnAck or PacketType.PingResp or PacketType.Auth:
                _received.Add(packet, id: 0);
                break;
            case PacketType.PubAck or PacketType.PubRec or PacketType.PubRel or PacketType.PubComp or PacketType.SubAck or PacketType.UnsubAck:
                _received.Add(packet, new MqttReader(packet).UInt16());
                break;
            default:
                throw new MalformedPacketException($"a server does not send {packet.Type}");
        }
    }

    /// <summary>The server may have closed already; what it sent before that is still to be read.</summary>
    private static async Task TrySendAsync(Func<Task> send)
    {
        try
        {
            await send();
        }
        catch (Exception error) when (error is SocketException or WebSocketException or ObjectDisposedException or IOException or OperationCanceledException)
        {
        }
    }

    // A server that broke MQTT's rules fails whoever waits, with the reason; an ordinary end completes them.
    private void End(bool reset, Exception? error)
    {
        var (code, reason) = _disconnect is null ? ((byte?)null, null) : DecodeDisconnect(_disconnect);
        _received.End(new Closed(reset, code, reason, Transport.CloseStatus), error);
    }

    private static (byte? Code, string? Reason) DecodeDisconnect(MqttPacket packet)
    {
        MqttReader reader = new(packet);
        byte code = reader.AtEnd ? (byte)0 : reader.Byte();
        return (code, reader.AtEnd ? null : reader.Properties().Text(PropertyId.ReasonString));
    }
}
