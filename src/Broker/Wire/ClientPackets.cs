using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace WebMessenger.Broker.Wire;

/// <summary>Encodes what a client of MQTT 5 says, for a node that speaks to another one in a client's place.</summary>
internal static class ClientPackets
{
    private const byte CleanStart = 0x02;

    /// <summary>CONNECT without will, user name, password and keep-alive.</summary>
    /// <param name="maximumPacket">Bytes; int.MaxValue: any.</param>
    public static byte[] Connect(string clientId, bool isClean, uint sessionExpiry, int receiveMaximum, int maximumPacket)
    {
        ArrayBufferWriter<byte> properties = new(16);
        if (sessionExpiry > 0)
        {
            WriteNumber(properties, PropertyId.SessionExpiryInterval, sessionExpiry);
        }

        properties.Write<byte>([PropertyId.ReceiveMaximum, (byte)(receiveMaximum >> 8), (byte)receiveMaximum]);
        if (maximumPacket != int.MaxValue)
        {
            WriteNumber(properties, PropertyId.MaximumPacketSize, (uint)maximumPacket);
        }

        ArrayBufferWriter<byte> body = new(64);
        body.Write<byte>([0, 4, .. "MQTT"u8, 5, isClean ? CleanStart : (byte)0, 0, 0]);
        WriteProperties(body, properties.WrittenSpan);
        WriteText(body, Encoding.UTF8.GetBytes(clientId));
        return Packet((byte)PacketType.Connect << 4, body.WrittenSpan);
    }

    /// <summary>SUBSCRIBE.</summary>
    /// <param name="filters">Each with its options as MQTT 5 encodes them.</param>
    /// <param name="subscriptionId">0: none.</param>
    public static byte[] Subscribe(ushort packetId, IEnumerable<(string Filter, byte Options)> filters, int subscriptionId)
    {
        ArrayBufferWriter<byte> body = new(64);
        body.Write<byte>([(byte)(packetId >> 8), (byte)packetId]);
        ArrayBufferWriter<byte> properties = new(8);
        if (subscriptionId > 0)
        {
            properties.Write<byte>([PropertyId.SubscriptionIdentifier]);
            PacketWriter.WriteVariableByteInteger(properties, subscriptionId);
        }

        WriteProperties(body, properties.WrittenSpan);
        foreach (var (filter, options) in filters)
        {
            WriteText(body, Encoding.UTF8.GetBytes(filter));
            body.Write<byte>([options]);
        }

        return Packet(((byte)PacketType.Subscribe << 4) | 2, body.WrittenSpan);
    }

    /// <summary>UNSUBSCRIBE.</summary>
    public static byte[] Unsubscribe(ushort packetId, IEnumerable<string> filters)
    {
        ArrayBufferWriter<byte> body = new(64);
        body.Write<byte>([(byte)(packetId >> 8), (byte)packetId, 0]);
        foreach (var filter in filters)
        {
            WriteText(body, Encoding.UTF8.GetBytes(filter));
        }

        return Packet(((byte)PacketType.Unsubscribe << 4) | 2, body.WrittenSpan);
    }

    /// <summary>PUBLISH.</summary>
    /// <param name="properties">Encoded, without their length, and without the expiry.</param>
    public static byte[] Publish(
        string topic, in PublishPacket publish, ReadOnlySpan<byte> properties)
    {
        var all = properties;
        if (publish.ExpirySeconds is { } seconds)
        {
            ArrayBufferWriter<byte> longer = new(properties.Length + 5);
            longer.Write(properties);
            WriteNumber(longer, PropertyId.MessageExpiryInterval, seconds);
            all = longer.WrittenSpan;
        }

        var encoded = EncodedPublish.EncodeWith(
            Encoding.UTF8.GetBytes(topic), publish.Payload, publish.QualityOfService, publish.IsRetain, isVersion5: true, all);
        var packet = new byte[encoded.Length];
        encoded.CopyTo(packet, publish.PacketId, publish.IsDuplicate);
        return packet;
    }

    /// <summary>DISCONNECT.</summary>
    /// <param name="sessionExpiry">How long the MQTT session is to live on, in seconds; null: as CONNECT said.</param>
    public static byte[] Disconnect(uint? sessionExpiry)
    {
        ArrayBufferWriter<byte> properties = new(8);
        if (sessionExpiry is { } seconds)
        {
            WriteNumber(properties, PropertyId.SessionExpiryInterval, seconds);
        }

        ArrayBufferWriter<byte> body = new(16);
        body.Write<byte>([ReasonCode.Success]);
        WriteProperties(body, properties.WrittenSpan);
        return Packet((byte)PacketType.Disconnect << 4, body.WrittenSpan);
    }

    /// <summary>A packet as it came, from its parts.</summary>
    public static byte[] Packet(byte header, ReadOnlySequence<byte> body)
    {
        var packet = Begin(header, (int)body.Length, out var at);
        body.CopyTo(packet.AsSpan(at));
        return packet;
    }

    private static byte[] Packet(int header, ReadOnlySpan<byte> body)
    {
        var packet = Begin((byte)header, body.Length, out var at);
        body.CopyTo(packet.AsSpan(at));
        return packet;
    }

    private static byte[] Begin(byte header, int bodyLength, out int at)
    {
        Span<byte> length = stackalloc byte[4];
        var lengthBytes = PacketWriter.WriteVariableByteInteger(length, bodyLength);
        at = 1 + lengthBytes;
        var packet = new byte[at + bodyLength];
        packet[0] = header;
        length[..lengthBytes].CopyTo(packet.AsSpan(1));
        return packet;
    }

    private static void WriteProperties(ArrayBufferWriter<byte> target, ReadOnlySpan<byte> properties)
    {
        PacketWriter.WriteVariableByteInteger(target, properties.Length);
        target.Write(properties);
    }

    private static void WriteNumber(ArrayBufferWriter<byte> target, byte id, uint value)
    {
        var span = target.GetSpan(5);
        span[0] = id;
        BinaryPrimitives.WriteUInt32BigEndian(span[1..], value);
        target.Advance(5);
    }

    private static void WriteText(ArrayBufferWriter<byte> target, ReadOnlySpan<byte> utf8)
    {
        target.Write<byte>([(byte)(utf8.Length >> 8), (byte)utf8.Length]);
        target.Write(utf8);
    }
}
