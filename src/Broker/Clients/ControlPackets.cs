using System.Buffers;
using MQTTnet.Adapter;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// Reads control packets for MQTTnet. What they ask of the client, the client is told here; MQTTnet gets what is left to it.
/// </summary>
/// <remarks>The receive loop's.</remarks>
internal sealed class ControlPackets(Client client)
{
    /// <summary>Decodes SUBSCRIBE, UNSUBSCRIBE and DISCONNECT.</summary>
    /// <remarks>
    /// Everything that the server sends is encoded by <see cref="PacketWriter"/>, so the formatter's own buffer stays small.
    /// </remarks>
    public MqttPacketFormatterAdapter Formatter { get; } = new(new MqttBufferWriter(64, 128));

    /// <exception cref="Violation">It must not come first, or is no CONNECT.</exception>
    /// <exception cref="MqttCommunicationException">It is refused, and the client was told so.</exception>
    public MqttConnectPacket ReadConnect(in Frame frame)
    {
        // [MQTT-3.1.0-1], and [MQTT-2.1.3-1] for the flags.
        if (/* guard: first packet is CONNECT */ frame.Header != (byte)PacketType.Connect << 4)
        {
            throw new Violation(ReasonCode.ProtocolError, "The first packet must be CONNECT.");
        }

        if (Handshake.Read(frame.Body.ToArray(), frame.IsPadded, out var asked) is { } refusal)
        {
            client.Refuse(refusal);
            throw new MqttCommunicationException("The CONNECT is malformed or of another protocol version.");
        }

        if (client.Elsewhere is { } elsewhere)
        {
            elsewhere.ConnectPacket = ClientPackets.Packet(frame.Header, frame.Body);
        }

        client.Transport.Place?.MarkUsed();
        Formatter.DetectProtocolVersion(Received(frame));
        if (!client.Begin(asked!))
        {
            throw new MqttCommunicationException("An authentication method was asked for.");
        }

        // All that was asked is answered for by the client. MQTTnet is left a CONNECT that is clean,
        // without will and keep-alive, and under a name of its own.
        return new MqttConnectPacket { ClientId = client.Name, CleanSession = true, RequestProblemInformation = asked!.WantsReasons };
    }

    /// <summary>SUBSCRIBE, UNSUBSCRIBE or DISCONNECT.</summary>
    /// <exception cref="Violation">It is malformed, or not for clients to send.</exception>
    public MqttPacket Read(in Frame frame)
    {
        FrameChecks.CheckControl(frame, client.Writer.IsVersion5);
        switch (frame.Type)
        {
            case PacketType.Subscribe:
                var subscribe = (MqttSubscribePacket)Decode(frame);
                SubscribeRequest request = new(subscribe, client.Identity.Mount);
                client.Filters.Receive(request);
                return request.ForMqttNet(subscribe);
            case PacketType.Unsubscribe:
                var unsubscribe = (MqttUnsubscribePacket)Decode(frame);
                client.Filters.Receive(new UnsubscribeRequest(unsubscribe.TopicFilters));
                return unsubscribe;
            case PacketType.Disconnect:
                var disconnect = (MqttDisconnectPacket)Decode(frame);

                // [MQTT-3.14.4-3] Only 0x00 takes the will away; any other code says that something went wrong.
                client.Kept.SaidGoodbye = /* guard: will: only a normal DISCONNECT takes it away */ (byte)disconnect.ReasonCode == ReasonCode.Success;
                if (client.Writer.IsVersion5 && frame.Body.Length > 1
                    && PacketProperties.FindNumber(frame.Body.ToArray().AsSpan(1), PropertyId.SessionExpiryInterval) is { } seconds)
                {
                    // MQTTnet does not tell 0 from nothing.
                    client.Kept.ChangeExpiry(seconds);
                }

                return disconnect;
            case PacketType.Connect:
                // [MQTT-3.1.0-2]
                // guard: one CONNECT a connection
                throw new Violation(ReasonCode.ProtocolError, "A second CONNECT on one connection.");
            default:
                // guard: packets of servers
                throw new Violation(ReasonCode.ProtocolError, "This packet is not for clients to send.");
        }
    }

    private MqttPacket Decode(in Frame frame)
    {
        try
        {
            return Formatter.Decode(Received(frame));
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // MQTTnet 5.2 says in many ways that it cannot read a packet.
            throw new Violation(ReasonCode.MalformedPacket, "The packet is malformed.");
        }
    }

    private static ReceivedMqttPacket Received(in Frame frame)
    {
        var body = frame.Body.ToArray();
        return new ReceivedMqttPacket(frame.Header, new ArraySegment<byte>(body), body.Length + 2);
    }
}
