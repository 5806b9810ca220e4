using System.Buffers.Binary;

namespace WebMessenger.Wire.Testing;

/// <summary>What CONNECT asks the server to publish when the client is lost.</summary>
internal sealed record Will(string Topic, string Payload, byte Qos = 0, bool Retain = false, MqttProperties? Properties = null);

/// <summary>One filter of a SUBSCRIBE.</summary>
/// <param name="Options">
/// The upper bits of the subscription options of MQTT 5 (no local 4, retain as published 8, retain handling 16 or 32).
/// </param>
internal readonly record struct Filter(string Topic, byte Qos = 1, byte Options = 0);

/// <summary>The packets that clients send, as bytes. Who sends one often makes it once, copies it and patches the packet id.</summary>
internal static class ClientPackets
{
    public static readonly byte[] PingReq = [0xC0, 0];

    public static readonly byte[] Disconnect = [0xE0, 0];

    /// <param name="keepAlive">Seconds.</param>
    /// <param name="properties">MQTT 5 only, as those of the will.</param>
    public static byte[] Connect(
        MqttVersion version, string? user = null, string? password = null, string clientId = "", bool cleanStart = true, ushort keepAlive = 300,
        Will? will = null, MqttProperties? properties = null)
    {
        var flags = (cleanStart ? 0x02 : 0) | (will is null ? 0 : 0x04 | will.Qos << 3 | (will.Retain ? 0x20 : 0))
            | (password is null ? 0 : 0x40) | (user is null ? 0 : 0x80);
        var packet = new MqttWriter().String("MQTT").Byte((byte)version).Byte((byte)flags).UInt16(keepAlive);
        AddProperties(packet, version, properties);
        packet.String(clientId);
        if (will is not null)
        {
            AddProperties(packet, version, will.Properties);
            packet.String(will.Topic).String(will.Payload);
        }

        if (user is not null)
        {
            packet.String(user);
        }

        if (password is not null)
        {
            packet.String(password);
        }

        return packet.ToPacket(PacketType.Connect);
    }

    /// <param name="properties">MQTT 5 only: `after`, `last`, a subscription identifier.</param>
    public static byte[] Subscribe(MqttVersion version, ushort packetId, IEnumerable<Filter> filters, MqttProperties? properties = null)
    {
        var packet = new MqttWriter().UInt16(packetId);
        AddProperties(packet, version, properties);
        foreach (var filter in filters)
        {
            packet.String(filter.Topic).Byte((byte)(filter.Qos | filter.Options));
        }

        return packet.ToPacket(PacketType.Subscribe, 2);
    }

    /// <param name="userProperties">MQTT 5 only: `after` and the like.</param>
    public static byte[] Subscribe(
        MqttVersion version, ushort packetId, IEnumerable<string> filters, byte qualityOfService, params (string Name, string Value)[] userProperties)
    {
        MqttProperties properties = [];
        foreach (var (name, value) in userProperties)
        {
            properties.Add(name, value);
        }

        return Subscribe(version, packetId, filters.Select(filter => new Filter(filter, qualityOfService)), properties);
    }

    /// <inheritdoc cref="Subscribe(MqttVersion, ushort, IEnumerable{string}, byte, ValueTuple{string, string}[])"/>
    public static byte[] Subscribe(
        MqttVersion version, ushort packetId, string filter, byte qualityOfService, params (string Name, string Value)[] userProperties) =>
        Subscribe(version, packetId, [filter], qualityOfService, userProperties);

    public static byte[] Unsubscribe(MqttVersion version, ushort packetId, params IEnumerable<string> filters)
    {
        var packet = new MqttWriter().UInt16(packetId);
        AddProperties(packet, version, null);
        foreach (var filter in filters)
        {
            packet.String(filter);
        }

        return packet.ToPacket(PacketType.Unsubscribe, 2);
    }

    /// <summary>A PUBLISH. The packet id is left out at QoS 0 only.</summary>
    public static byte[] Publish(
        MqttVersion version, string topic, ReadOnlySpan<byte> payload, byte qos = 0, bool retain = false, MqttProperties? properties = null,
        ushort packetId = 0, bool duplicate = false)
    {
        var packet = new MqttWriter().String(topic);
        if (qos > 0)
        {
            packet.UInt16(packetId);
        }

        AddProperties(packet, version, properties);
        return packet.Raw(payload).ToPacket(PacketType.Publish, (byte)(qos << 1 | (retain ? 1 : 0) | (duplicate ? 8 : 0)));
    }

    /// <summary>A PUBLISH at QoS 1 with room for its packet id.</summary>
    public static byte[] Publish(MqttVersion version, string topic, ReadOnlySpan<byte> payload, out int packetIdAt)
    {
        const int packetIdLength = 2, noProperties = 1;
        var packet = Publish(version, topic, payload, qos: 1);
        packetIdAt = packet.Length - payload.Length - packetIdLength - (version == MqttVersion.V5 ? noProperties : 0);
        return packet;
    }

    public static byte[] PubAck(ushort packetId) => Answer(PacketType.PubAck, packetId);

    public static byte[] PubRel(ushort packetId) => Answer(PacketType.PubRel, packetId);

    /// <summary>PUBACK, PUBREC, PUBREL or PUBCOMP, for success.</summary>
    public static byte[] Answer(PacketType type, ushort packetId)
    {
        var packet = new byte[4];
        packet[0] = (byte)((byte)type << 4 | (type == PacketType.PubRel ? 2 : 0));
        packet[1] = 2;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), packetId);
        return packet;
    }

    private static void AddProperties(MqttWriter packet, MqttVersion version, MqttProperties? properties)
    {
        if (version == MqttVersion.V5)
        {
            packet.Properties(properties);
        }
    }
}
