using System.Buffers.Binary;
using System.Text;

namespace WebMessenger.Load.Wire;

internal enum MqttVersion : byte
{
    V311 = 4,
    V5 = 5,
}

/// <summary>The packets that clients send, as bytes. Made once per connection; the hot path copies and patches them.</summary>
internal static class ClientPackets
{
    public static readonly byte[] PingReq = [0xC0, 0];

    public static readonly byte[] Disconnect = [0xE0, 0];

    /// <summary>Keep-alive off; without a login when there is none.</summary>
    public static byte[] Connect(MqttVersion version, string clientId, Login? login, ConnectWish? wish = null)
    {
        const byte cleanFlag = 0x02, passwordFlag = 0x40, userFlag = 0x80;
        wish ??= ConnectWish.Clean;
        List<byte> body = [.. Text("MQTT"), (byte)version, (byte)((wish.IsClean ? cleanFlag : 0) | (login is null ? 0 : userFlag | passwordFlag)), 0, 0];
        if (version == MqttVersion.V5)
        {
            const byte sessionExpiry = 0x11, receiveMaximum = 0x21;
            List<byte> properties = [];
            if (wish.SessionExpirySeconds > 0)
            {
                properties.Add(sessionExpiry);
                properties.AddRange(BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(wish.SessionExpirySeconds)));
            }

            if (wish.ReceiveMaximum > 0)
            {
                properties.AddRange([receiveMaximum, (byte)(wish.ReceiveMaximum >> 8), (byte)wish.ReceiveMaximum]);
            }

            AddProperties(body, properties);
        }

        body.AddRange(Text(clientId));
        if (login is not null)
        {
            body.AddRange(Text(login.UserName));
            body.AddRange(Text(login.Secret));
        }

        return Packet(0x10, body);
    }

    /// <param name="userProperties">MQTT 5 only: `after` and the like.</param>
    public static byte[] Subscribe(MqttVersion version, ushort packetId, string filter, byte qualityOfService, params (string Name, string Value)[] userProperties) =>
        Subscribe(version, packetId, [filter], qualityOfService, userProperties);

    /// <inheritdoc cref="Subscribe(MqttVersion, ushort, string, byte, ValueTuple{string, string}[])"/>
    public static byte[] Subscribe(MqttVersion version, ushort packetId, IEnumerable<string> filters, byte qualityOfService, params (string Name, string Value)[] userProperties)
    {
        List<byte> body = [(byte)(packetId >> 8), (byte)packetId];
        if (version == MqttVersion.V5)
        {
            const byte userProperty = 0x26;
            AddProperties(body, [.. userProperties.SelectMany(property => (byte[])[userProperty, .. Text(property.Name), .. Text(property.Value)])]);
        }

        return Packet(0x82, [.. body, .. filters.SelectMany(filter => (byte[])[.. Text(filter), qualityOfService])]);
    }

    public static byte[] Unsubscribe(MqttVersion version, ushort packetId, string filter)
    {
        List<byte> body = [(byte)(packetId >> 8), (byte)packetId];
        if (version == MqttVersion.V5)
        {
            AddProperties(body, []);
        }

        return Packet(0xA2, [.. body, .. Text(filter)]);
    }

    /// <summary>A PUBLISH at QoS 1 or 2.</summary>
    public static byte[] Publish(MqttVersion version, string topic, ReadOnlySpan<byte> payload, byte qualityOfService, ushort packetId, bool isDuplicate)
    {
        var packet = Publish(version, topic, payload, out var packetIdAt);
        packet[0] = (byte)(0x30 | (qualityOfService << 1) | (isDuplicate ? 0x08 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(packetIdAt), packetId);
        return packet;
    }

    public static byte[] PubAck(ushort packetId) => [0x40, 2, (byte)(packetId >> 8), (byte)packetId];

    public static byte[] PubRel(ushort packetId) => [0x62, 2, (byte)(packetId >> 8), (byte)packetId];

    /// <summary>A PUBLISH at QoS 1 with room for its packet id.</summary>
    public static byte[] Publish(MqttVersion version, string topic, ReadOnlySpan<byte> payload, out int packetIdAt)
    {
        List<byte> body = [.. Text(topic), 0, 0];
        if (version == MqttVersion.V5)
        {
            body.Add(0);
        }

        var beforePayload = body.Count;
        body.AddRange(payload);
        var packet = Packet(0x32, body);
        packetIdAt = packet.Length - body.Count + beforePayload - (version == MqttVersion.V5 ? 3 : 2);
        return packet;
    }

    private static byte[] Packet(byte header, List<byte> body)
    {
        List<byte> packet = [header];
        AddLength(packet, body.Count);
        packet.AddRange(body);
        return [.. packet];
    }

    private static void AddProperties(List<byte> body, List<byte> properties)
    {
        AddLength(body, properties.Count);
        body.AddRange(properties);
    }

    private static void AddLength(List<byte> to, int length)
    {
        do
        {
            to.Add((byte)(length % 128 | (length >= 128 ? 0x80 : 0)));
            length /= 128;
        }
        while (length > 0);
    }

    private static byte[] Text(string text)
    {
        var bytes = new byte[2 + Encoding.UTF8.GetByteCount(text)];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)(bytes.Length - 2));
        Encoding.UTF8.GetBytes(text, bytes.AsSpan(2));
        return bytes;
    }
}

/// <summary>What a client signs in with.</summary>
internal sealed record Login(string UserName, string Secret);

/// <summary>What CONNECT asks for.</summary>
/// <param name="IsClean">MQTT 5: clean start.</param>
/// <param name="SessionExpirySeconds">MQTT 5 only. 0: the session ends with the connection.</param>
/// <param name="ReceiveMaximum">MQTT 5 only. 0: not said, which is 65,535.</param>
internal sealed record ConnectWish(bool IsClean = true, uint SessionExpirySeconds = 0, ushort ReceiveMaximum = 0)
{
    public static ConnectWish Clean { get; } = new();
}
