using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace WebMessenger.Broker.Wire;

/// <summary>Encodes the packets this server sends. Each method gives one whole packet.</summary>
internal static class PacketWriter
{
    private static readonly byte[] PingResponse = [(byte)PacketType.PingResp << 4, 0];

    public static ReadOnlySpan<byte> PingResp => PingResponse;

    /// <summary>What CONNACK announces beside its reason code; null or false leaves a property out.</summary>
    public sealed record Announcements(
        string? AssignedClientId, ushort? ServerKeepAlive, uint? SessionExpiry, ushort ReceiveMaximum, uint MaximumPacketSize, ushort TopicAliasMaximum);

    /// <summary>CONNACK (MQTT 5.0, 3.2; MQTT 3.1.1, 3.2). For 3.1.1 the code is translated to a return code.</summary>
    /// <param name="maximum">Of the packet's length: over it the reason string is left out [MQTT-3.2.2-19].</param>
    public static byte[] ConnAck(bool isVersion5, byte code, string? reason, bool sessionPresent, Announcements? announce, int maximum = int.MaxValue)
    {
        if (!isVersion5)
        {
            return [(byte)PacketType.ConnAck << 4, 2, sessionPresent ? (byte)1 : (byte)0, ReturnCode(code)];
        }

        var properties = new ArrayBufferWriter<byte>(64);
        if (announce is not null)
        {
            if (announce.SessionExpiry is { } expiry)
            {
                Write(properties, PropertyId.SessionExpiryInterval, expiry);
            }

            Write(properties, PropertyId.ReceiveMaximum, announce.ReceiveMaximum);
            Write(properties, PropertyId.MaximumPacketSize, announce.MaximumPacketSize);
            if (announce.AssignedClientId is { } id)
            {
                Write(properties, PropertyId.AssignedClientIdentifier, id);
            }

            Write(properties, PropertyId.TopicAliasMaximum, announce.TopicAliasMaximum);
            properties.Write<byte>([PropertyId.SharedSubscriptionAvailable, 1]);
            if (announce.ServerKeepAlive is { } keepAlive)
            {
                Write(properties, PropertyId.ServerKeepAlive, keepAlive);
            }
        }

        if (!string.IsNullOrEmpty(reason))
        {
            Write(properties, PropertyId.ReasonString, reason);
        }

        var packet = Packet((byte)PacketType.ConnAck << 4, [sessionPresent ? (byte)1 : (byte)0, code], properties.WrittenSpan, []);
        return packet.Length > maximum && !string.IsNullOrEmpty(reason) ? ConnAck(isVersion5, code, null, sessionPresent, announce) : packet;
    }

    /// <summary>SUBACK or UNSUBACK, codes in request order [MQTT-3.8.4-6, MQTT-3.11.3-2].</summary>
    /// <param name="maximum">Of the packet's length: over it the reason string is left out [MQTT-3.9.2-1].</param>
    public static byte[] Acknowledgement(PacketType type, bool isVersion5, ushort packetId, ReadOnlySpan<byte> codes, string? reason, int maximum = int.MaxValue)
    {
        Span<byte> head = [(byte)(packetId >> 8), (byte)packetId];
        if (isVersion5)
        {
            var properties = new ArrayBufferWriter<byte>(16);
            if (!string.IsNullOrEmpty(reason))
            {
                Write(properties, PropertyId.ReasonString, reason);
            }

            var acknowledgement = Packet((byte)((byte)type << 4), head, properties.WrittenSpan, codes);
            return acknowledgement.Length > maximum && !string.IsNullOrEmpty(reason) ? Acknowledgement(type, isVersion5, packetId, codes, null) : acknowledgement;
        }

        if (type == PacketType.UnsubAck)
        {
            return [(byte)((byte)type << 4), 2, head[0], head[1]];
        }

        var packet = new ArrayBufferWriter<byte>(8 + codes.Length);
        packet.Write<byte>([(byte)((byte)type << 4)]);
        WriteVariableByteInteger(packet, 2 + codes.Length);
        packet.Write(head);
        foreach (var code in codes)
        {
            // MQTT 3.1.1, 3.9.3: one code for every failure.
            packet.Write<byte>([code >= 0x80 ? (byte)0x80 : code]);
        }

        return packet.WrittenSpan.ToArray();
    }

    /// <summary>PUBACK, PUBREC, PUBREL or PUBCOMP without properties.</summary>
    public static int Write(Span<byte> target, PacketType type, ushort packetId, byte code, bool isVersion5)
    {
        // [MQTT-3.6.1-1] PUBREL has 0010 in its flags.
        target[0] = (byte)(((byte)type << 4) | (type == PacketType.PubRel ? 2 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(target[2..], packetId);
        if (!isVersion5 || code == 0)
        {
            target[1] = 2;
            return 4;
        }

        target[1] = 3;
        target[4] = code;
        return 5;
    }

    /// <summary>PUBACK or PUBREC of MQTT 5 with a reason string, or with the event's place in its log as user properties.</summary>
    /// <param name="again">The name of what stands against it; null: nothing, or for good.</param>
    /// <param name="retry">Seconds after which it may be sent again; 0: that is not said.</param>
    public static byte[] PublishAnswer(PacketType type, ushort packetId, byte code, string? reason, long seq, string? epoch, string? again = null, int retry = 0)
    {
        var properties = new ArrayBufferWriter<byte>(64);
        if (again is not null)
        {
            Write(properties, "code", again);
            if (retry > 0)
            {
                Write(properties, "retry", retry.ToString(CultureInfo.InvariantCulture));
            }
        }

        if (epoch is not null)
        {
            Write(properties, "seq", seq.ToString(CultureInfo.InvariantCulture));
            Write(properties, "epoch", epoch);
        }

        if (!string.IsNullOrEmpty(reason))
        {
            Write(properties, PropertyId.ReasonString, reason);
        }

        return Packet((byte)((byte)type << 4), [(byte)(packetId >> 8), (byte)packetId, code], properties.WrittenSpan, []);
    }

    /// <summary>DISCONNECT of MQTT 5; a server of 3.1.1 has none and closes.</summary>
    /// <param name="maximum">Of the packet's length: over it the reason string is left out [MQTT-3.14.2-3].</param>
    public static byte[] Disconnect(byte code, string? reason, int maximum = int.MaxValue)
    {
        var properties = new ArrayBufferWriter<byte>(32);
        if (!string.IsNullOrEmpty(reason))
        {
            Write(properties, PropertyId.ReasonString, reason);
        }

        var packet = Packet((byte)PacketType.Disconnect << 4, [code], properties.WrittenSpan, []);
        return packet.Length > maximum && !string.IsNullOrEmpty(reason) ? Disconnect(code, null) : packet;
    }

    public static void WriteVariableByteInteger(IBufferWriter<byte> target, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        target.Write(bytes[..WriteVariableByteInteger(bytes, value)]);
    }

    public static int WriteVariableByteInteger(Span<byte> target, int value)
    {
        var count = 0;
        do
        {
            var digit = (byte)(value & 0x7F);
            value >>= 7;
            target[count++] = value > 0 ? (byte)(digit | 0x80) : digit;
        }
        while (value > 0);

        return count;
    }

    private static byte[] Packet(byte header, ReadOnlySpan<byte> head, ReadOnlySpan<byte> properties, ReadOnlySpan<byte> tail)
    {
        var body = new ArrayBufferWriter<byte>(head.Length + properties.Length + tail.Length + 4);
        body.Write(head);
        WriteVariableByteInteger(body, properties.Length);
        body.Write(properties);
        body.Write(tail);
        var packet = new ArrayBufferWriter<byte>(body.WrittenCount + 5);
        packet.Write<byte>([header]);
        WriteVariableByteInteger(packet, body.WrittenCount);
        packet.Write(body.WrittenSpan);
        return packet.WrittenSpan.ToArray();
    }

    private static void Write(ArrayBufferWriter<byte> properties, byte id, ushort value)
    {
        var span = properties.GetSpan(3);
        span[0] = id;
        BinaryPrimitives.WriteUInt16BigEndian(span[1..], value);
        properties.Advance(3);
    }

    private static void Write(ArrayBufferWriter<byte> properties, byte id, uint value)
    {
        var span = properties.GetSpan(5);
        span[0] = id;
        BinaryPrimitives.WriteUInt32BigEndian(span[1..], value);
        properties.Advance(5);
    }

    private static void Write(ArrayBufferWriter<byte> properties, byte id, string value)
    {
        properties.Write<byte>([id]);
        WriteString(properties, value);
    }

    private static void Write(ArrayBufferWriter<byte> properties, string name, string value)
    {
        properties.Write<byte>([PropertyId.UserProperty]);
        WriteString(properties, name);
        WriteString(properties, value);
    }

    private static void WriteString(ArrayBufferWriter<byte> properties, string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        var span = properties.GetSpan(length + 2);
        BinaryPrimitives.WriteUInt16BigEndian(span, (ushort)length);
        Encoding.UTF8.GetBytes(value, span[2..]);
        properties.Advance(length + 2);
    }

    // MQTT 3.1.1, table 3.1: 1 version, 2 identifier, 3 unavailable, 4 bad credentials, 5 not authorized.
    private static byte ReturnCode(byte code) => code switch
    {
        ReasonCode.Success => 0,
        ReasonCode.UnsupportedProtocolVersion => 1,
        ReasonCode.ClientIdentifierNotValid => 2,
        0x86 => 4,
        ReasonCode.NotAuthorized or ReasonCode.Banned or ReasonCode.BadAuthenticationMethod => 5,
        _ => 3,
    };
}
