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

    /// <summary>Clean start, keep-alive off; without a login when there is none.</summary>
    public static byte[] Connect(MqttVersion version, string clientId, Login? login)
    {
        const byte cleanFlag = 0x02, passwordFlag = 0x40, userFlag = 0x80;
        List<byte> body = [.. Text("MQTT"), (byte)version, (byte)(cleanFlag | (login is null ? 0 : userFlag | passwordFlag)), 0, 0];
        if (version == MqttVersion.V5)
        {
            body.Add(0);
        }

        body.AddRange(Text(clientId));
        if (login is not null)
        {
            body.AddRange(Text(login.UserName));
            body.AddRange(Text(login.Secret));
        }

        return Packet(0x10, body);
    }

    public static byte[] Subscribe(MqttVersion version, ushort packetId, string filter, byte qualityOfService)
    {
        List<byte> body = [(byte)(packetId >> 8), (byte)packetId];
        if (version == MqttVersion.V5)
        {
            body.Add(0);
        }

        return Packet(0x82, [.. body, .. Text(filter), qualityOfService]);
    }

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
        var rest = body.Count;
        do
        {
            packet.Add((byte)(rest % 128 | (rest >= 128 ? 0x80 : 0)));
            rest /= 128;
        }
        while (rest > 0);

        packet.AddRange(body);
        return [.. packet];
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
