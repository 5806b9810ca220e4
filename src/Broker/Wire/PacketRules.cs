using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Wire;

/// <summary>
/// What the standard demands of the bytes of SUBSCRIBE, UNSUBSCRIBE, DISCONNECT and acknowledgements, read before MQTTnet decodes them:
/// MQTTnet 5.2 takes much of what is forbidden. Each method returns 0, or the reason code with which the connection must end: malformed is
/// what cannot be read, a protocol error what may not be said.
/// </summary>
internal static class PacketRules
{
    private const byte QoSBits = 0x03, NoLocal = 0x04, RetainHandlingBits = 0x30, ReservedBits = 0xC0;

    /// <summary>The first byte of a packet that a client sends after its CONNECT: is there any such packet?</summary>
    public static byte CheckHeader(byte header)
    {
        var flags = header & 0x0F;
        return (PacketType)(header >> 4) switch
        {
            // [MQTT-3.3.1-4] QoS 3; [MQTT-3.3.1-2] a first QoS 0 publish is no repetition, which is judged with the packet.
            PacketType.Publish => (flags & 0x06) == 0x06 ? ReasonCode.MalformedPacket : (byte)0,
            PacketType.PubRel or PacketType.Subscribe or PacketType.Unsubscribe => flags == 2 ? (byte)0 : ReasonCode.MalformedPacket,
            PacketType.PubAck or PacketType.PubRec or PacketType.PubComp or PacketType.PingReq or PacketType.Disconnect =>
                flags == 0 ? (byte)0 : ReasonCode.MalformedPacket,
            0 => ReasonCode.MalformedPacket,
            _ => flags == 0 ? ReasonCode.ProtocolError : ReasonCode.MalformedPacket,
        };
    }

    public static byte CheckSubscribe(ReadOnlySpan<byte> body, bool isVersion5)
    {
        var reader = new PacketReader(body);
        if (CheckHead(ref reader, isVersion5, PacketProperties.OfSubscribe) is var code and not 0)
        {
            return code;
        }

        while (!reader.IsAtEnd)
        {
            if (!reader.TryReadString(out var filter) || (/* guard: a filter that is none ends the connection (1) */ !MqttText.IsTopicFilter(filter)) || !reader.TryReadByte(out var options))
            {
                return ReasonCode.MalformedPacket;
            }

            // [MQTT-3.8.3-5]; MQTT 3.1.1 [MQTT-3.8.3-4]: there every bit but QoS is reserved.
            if ((options & (isVersion5 ? ReservedBits : ~QoSBits)) != 0)
            {
                return ReasonCode.MalformedPacket;
            }

            // MQTT 5.0, 3.8.3.1: QoS 3, Retain Handling 3; [MQTT-3.8.3-4] No Local of a shared subscription. 3.1.1 knows none of them.
            if ((options & QoSBits) == QoSBits
                || (options & RetainHandlingBits) == RetainHandlingBits
                || (isVersion5 && /* guard: a shared filter that is none ends the connection (1) */ !MqttText.IsWellShared(filter))
                || ((options & NoLocal) != 0 && filter.StartsWith("$share/"u8)))
            {
                return ReasonCode.ProtocolError;
            }
        }

        return 0;
    }

    public static byte CheckUnsubscribe(ReadOnlySpan<byte> body, bool isVersion5)
    {
        var reader = new PacketReader(body);
        if (CheckHead(ref reader, isVersion5, PacketProperties.OfUnsubscribe) is var code and not 0)
        {
            return code;
        }

        while (!reader.IsAtEnd)
        {
            if (!reader.TryReadString(out var filter) || /* guard: a filter that is none ends the connection (2) */ !MqttText.IsTopicFilter(filter))
            {
                return ReasonCode.MalformedPacket;
            }

            if (isVersion5 && /* guard: a shared filter that is none ends the connection (2) */ !MqttText.IsWellShared(filter))
            {
                return ReasonCode.ProtocolError;
            }
        }

        return 0;
    }

    public static byte CheckDisconnect(ReadOnlySpan<byte> body, bool isVersion5)
    {
        var reader = new PacketReader(body);
        if (!isVersion5 || !reader.TryReadByte(out var reason))
        {
            return body.IsEmpty ? (byte)0 : ReasonCode.MalformedPacket;
        }

        // MQTT 5.0, 3.14.2.2.1: left out is none.
        if (!reader.IsAtEnd && PacketProperties.Check(ref reader, PacketProperties.OfDisconnect) is var code and not 0)
        {
            return code;
        }

        if (!reader.IsAtEnd)
        {
            return ReasonCode.MalformedPacket;
        }

        // [MQTT-3.14.2-1] Those of table 3-10 that clients send.
        return reason is 0x00 or 0x04 or 0x80 or 0x81 or 0x82 or 0x83 or 0x90 or 0x93 or 0x94 or 0x95 or 0x96 or 0x97 or 0x98 or 0x99 ? (byte)0 : ReasonCode.ProtocolError;
    }

    /// <summary>PUBACK, PUBREC, PUBREL, PUBCOMP.</summary>
    public static byte CheckAcknowledgement(PacketType type, ReadOnlySpan<byte> body, bool isVersion5)
    {
        var reader = new PacketReader(body);
        if (!reader.TryReadUInt16(out var packetId))
        {
            return ReasonCode.MalformedPacket;
        }

        byte reason = 0;
        if (isVersion5 && reader.TryReadByte(out reason) && !reader.IsAtEnd && PacketProperties.Check(ref reader, PacketProperties.OfAcknowledgement) is var code and not 0)
        {
            return code;
        }

        if (!reader.IsAtEnd)
        {
            return ReasonCode.MalformedPacket;
        }

        // [MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1], [MQTT-3.7.2-1]
        var isKnown = type is PacketType.PubAck or PacketType.PubRec
            ? reason is 0x00 or 0x10 or 0x80 or 0x83 or 0x87 or 0x90 or 0x91 or 0x97 or 0x99
            : reason is 0x00 or 0x92;
        return isKnown && packetId != 0 ? (byte)0 : ReasonCode.ProtocolError;
    }

    // Of SUBSCRIBE and UNSUBSCRIBE: all before the first filter, of which there must be one.
    private static byte CheckHead(ref PacketReader reader, bool isVersion5, ulong allowed)
    {
        if (!reader.TryReadUInt16(out var packetId))
        {
            return ReasonCode.MalformedPacket;
        }

        if (isVersion5 && PacketProperties.Check(ref reader, allowed) is var code and not 0)
        {
            return code;
        }

        // [MQTT-2.2.1-3]; [MQTT-3.8.3-2], [MQTT-3.10.3-2] a filter follows.
        return packetId == 0 || reader.IsAtEnd ? ReasonCode.ProtocolError : (byte)0;
    }
}
