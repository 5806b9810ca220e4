using System.Globalization;
using System.Text;
using System.Text.Json;

namespace WebMessenger.Wire.Testing;

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

    public bool HasSeq => Properties.User("seq") is not null;

    /// <summary>The event's number in its room. Fails when the acknowledgement does not carry one.</summary>
    public long Seq => long.Parse(
        Properties.User("seq") ?? throw new MalformedPacketException($"{this} carries no seq"), CultureInfo.InvariantCulture);

    public string? Epoch => Properties.User("epoch");

    // A record's own would ask for the number, which fails where there is none.
    public override string ToString() => $"{Type} {PacketId} 0x{ReasonCode:X2} {ReasonString} seq {Properties.User("seq") ?? "none"}";

    public static PubAck Decode(MqttPacket packet) => Decode(packet.Type, packet.Body);

    public static PubAck Decode(PacketType type, ReadOnlySpan<byte> body)
    {
        MqttReader reader = new(type, body);
        var id = reader.UInt16();
        var code = reader.AtEnd ? (byte)0 : reader.Byte();
        var properties = reader.AtEnd ? [] : reader.Properties();
        reader.End();
        return new PubAck(type, id, code, properties);
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
        return new SubAck(id, reader.Rest().ToArray(), properties);
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

        return new ReceivedPublish(topic, reader.Rest().ToArray(), qos, (packet.Header & 1) != 0, (packet.Header & 8) != 0, id, properties);
    }

    public override string ToString() =>
        $"PUBLISH {Topic} q{Qos}{(Retain ? " retain" : "")}{(Duplicate ? " dup" : "")} #{PacketId} {Shortened(Text)} {Properties}".TrimEnd();

    private static string Shortened(string text) => text.Length <= 240 ? text : $"{text[..240]}… ({text.Length} characters)";
}
