using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace WebMessenger.Broker.Tests.Wire;

/// <summary>MQTT's protocol level, as CONNECT carries it.</summary>
internal enum MqttVersion : byte
{
    V311 = 4,
    V5 = 5,
}

/// <summary>The upper four bits of a packet's first byte.</summary>
internal enum PacketType : byte
{
    Reserved = 0,
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
    Subscribe = 8,
    SubAck = 9,
    Unsubscribe = 10,
    UnsubAck = 11,
    PingReq = 12,
    PingResp = 13,
    Disconnect = 14,
    Auth = 15,
}

/// <summary>One packet as it stood on the wire: the first byte and everything after the remaining length.</summary>
internal sealed record MqttPacket(byte Header, byte[] Body)
{
    public PacketType Type => (PacketType)(Header >> 4);

    /// <summary>Two words for a failure message: enough to see what came, and in which order.</summary>
    public string Describe(MqttVersion version) => Type switch
    {
        PacketType.ConnAck => $"CONNACK {Convert.ToHexString(Body)}",
        PacketType.Publish => ReceivedPublish.Decode(this, version).ToString(),
        _ => $"{Type.ToString().ToUpperInvariant()} {Convert.ToHexString(Body.AsSpan(0, Math.Min(Body.Length, 64)))}",
    };
}

/// <summary>CONNACK. The reason code is the return code for MQTT 3.1.1.</summary>
internal sealed record ConnAck(bool SessionPresent, byte ReasonCode, MqttProperties Properties)
{
    public bool Accepted => ReasonCode == 0;

    public string? AssignedClientId => Properties.Text(PropertyId.AssignedClientId);

    public static ConnAck Decode(MqttPacket packet, MqttVersion version)
    {
        var reader = new MqttReader(packet);
        var flags = reader.Byte();
        var code = reader.Byte();
        var properties = version == MqttVersion.V5 ? reader.Properties() : [];
        reader.End();
        return (flags & 0xFE) == 0
            ? new ConnAck(flags == 1, code, properties)
            : throw new MalformedPacketException($"CONNACK's flags are {flags:X2} [MQTT-3.2.2-1]");
    }
}

/// <summary>PUBACK, PUBREC, PUBREL or PUBCOMP. MQTT 3.1.1 has no reason code: it reads as 0.</summary>
internal sealed record PubAck(PacketType Type, ushort PacketId, byte ReasonCode, MqttProperties Properties)
{
    public bool Accepted => ReasonCode < 0x80;

    public string? ReasonString => Properties.Text(PropertyId.ReasonString);

    /// <summary>The event's number in its room. Fails when the acknowledgement does not carry one.</summary>
    public long Seq => long.Parse(
        Properties.User("seq") ?? throw new MalformedPacketException($"{this} carries no seq"), System.Globalization.CultureInfo.InvariantCulture);

    public string? Epoch => Properties.User("epoch");

    public static PubAck Decode(MqttPacket packet)
    {
        var reader = new MqttReader(packet);
        var id = reader.UInt16();
        var code = reader.AtEnd ? (byte)0 : reader.Byte();
        var properties = reader.AtEnd ? [] : reader.Properties();
        reader.End();
        return new PubAck(packet.Type, id, code, properties);
    }
}

/// <summary>SUBACK or UNSUBACK: the codes as they came, in their order. UNSUBACK has none in MQTT 3.1.1.</summary>
internal sealed record SubAck(ushort PacketId, byte[] ReasonCodes, MqttProperties Properties)
{
    public string? ReasonString => Properties.Text(PropertyId.ReasonString);

    public static SubAck Decode(MqttPacket packet, MqttVersion version)
    {
        var reader = new MqttReader(packet);
        var id = reader.UInt16();
        var properties = version == MqttVersion.V5 ? reader.Properties() : [];
        return new SubAck(id, reader.Rest(), properties);
    }

    public override string ToString() => $"SUBACK {PacketId} [{Convert.ToHexString(ReasonCodes)}] {Properties}";
}

/// <summary>A PUBLISH that came from the server.</summary>
internal sealed record ReceivedPublish(string Topic, byte[] Payload, byte Qos, bool Retain, bool Duplicate, ushort PacketId, MqttProperties Properties)
{
    public string Text => Encoding.UTF8.GetString(Payload);

    /// <summary>The payload as JSON. Fails when it is none.</summary>
    public JsonElement Json => JsonDocument.Parse(Payload).RootElement;

    public static ReceivedPublish Decode(MqttPacket packet, MqttVersion version)
    {
        var reader = new MqttReader(packet);
        var qos = (byte)((packet.Header >> 1) & 3);
        var topic = reader.String();
        var id = qos > 0 ? reader.UInt16() : (ushort)0;
        var properties = version == MqttVersion.V5 ? reader.Properties() : [];
        if (qos == 3 || (qos > 0 && id == 0))
        {
            throw new MalformedPacketException($"PUBLISH with QoS {qos} and packet id {id}");
        }

        return new ReceivedPublish(topic, reader.Rest(), qos, (packet.Header & 1) != 0, (packet.Header & 8) != 0, id, properties);
    }

    public override string ToString() =>
        $"PUBLISH {Topic} q{Qos}{(Retain ? " retain" : "")}{(Duplicate ? " dup" : "")} #{PacketId} {Shortened(Text)} {Properties}".TrimEnd();

    private static string Shortened(string text) => text.Length <= 240 ? text : $"{text[..240]}… ({text.Length} characters)";
}

/// <summary>The server sent bytes that MQTT does not allow: always the server's fault, so it fails the test that sees it.</summary>
internal sealed class MalformedPacketException(string message) : Exception(message);

/// <summary>Reads one packet's body strictly: what is too short, too long or no UTF-8 is an error.</summary>
internal ref struct MqttReader(MqttPacket packet)
{
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly PacketType _type = packet.Type;
    private ReadOnlySpan<byte> _rest = packet.Body;

    public readonly bool AtEnd => _rest.IsEmpty;

    public byte Byte() => Take(1)[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    public uint UInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public string String() => _strict.GetString(Take(UInt16()));

    public byte[] Binary() => Take(UInt16()).ToArray();

    public int VariableInteger()
    {
        var value = 0;
        for (var shift = 0; shift <= 21; shift += 7)
        {
            var part = Byte();
            value |= (part & 0x7F) << shift;
            if ((part & 0x80) == 0)
            {
                return value;
            }
        }

        throw new MalformedPacketException($"{_type}: a variable byte integer of more than four bytes");
    }

    public MqttProperties Properties()
    {
        var length = VariableInteger();
        MqttReader inner = this;
        inner._rest = Take(length);
        MqttProperties properties = [];
        while (!inner.AtEnd)
        {
            properties.AddFrom(ref inner);
        }

        return properties;
    }

    public byte[] Rest() => Take(_rest.Length).ToArray();

    public readonly void End()
    {
        if (!_rest.IsEmpty)
        {
            throw new MalformedPacketException($"{_type} has {_rest.Length} bytes too many");
        }
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            throw new MalformedPacketException($"{_type} ends {count - _rest.Length} bytes early");
        }

        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
