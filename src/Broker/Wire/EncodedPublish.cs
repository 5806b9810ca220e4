using System.Buffers.Binary;

namespace WebMessenger.Broker.Wire;

/// <summary>A PUBLISH to clients, encoded once and copied to each; only the packet id differs between receivers.</summary>
internal sealed class EncodedPublish
{
    private readonly byte[] _bytes;
    private readonly int _packetIdAt;

    private EncodedPublish(byte[] bytes, int packetIdAt) => (_bytes, _packetIdAt) = (bytes, packetIdAt);

    /// <summary>A PUBLISH as it came from another node, which is written with the packet id and the DUP flag that it has.</summary>
    public static EncodedPublish Of(byte[] packet) => new(packet, 0);

    public int Length => _bytes.Length;

    /// <summary>True at QoS 1 and 2: it needs a packet id, and is acknowledged.</summary>
    public bool IsAcknowledged => _packetIdAt > 0;

    /// <param name="expiry">Seconds that it is still of use [MQTT-3.3.2-6]; null: it does not expire.</param>
    /// <param name="subscriptionIds">Written as MQTT 5 properties; must be empty for 3.1.1.</param>
    public static EncodedPublish Encode(
        ReadOnlySpan<byte> topic, ReadOnlySpan<byte> payload, byte qualityOfService, bool retain, bool isVersion5, ReadOnlySpan<int> subscriptionIds, uint? expiry = null)
    {
        Span<byte> properties = stackalloc byte[5 + 5 * subscriptionIds.Length];
        var propertyBytes = 0;
        if (isVersion5 && expiry is { } seconds)
        {
            properties[0] = PropertyId.MessageExpiryInterval;
            BinaryPrimitives.WriteUInt32BigEndian(properties[1..], seconds);
            propertyBytes = 5;
        }

        foreach (var id in subscriptionIds)
        {
            properties[propertyBytes++] = PropertyId.SubscriptionIdentifier;
            propertyBytes += PacketWriter.WriteVariableByteInteger(properties[propertyBytes..], id);
        }

        return EncodeWith(topic, payload, qualityOfService, retain, isVersion5, properties[..propertyBytes]);
    }

    /// <param name="properties">All that MQTT 5 carries, encoded, without their length; must be empty for 3.1.1.</param>
    public static EncodedPublish EncodeWith(
        ReadOnlySpan<byte> topic, ReadOnlySpan<byte> payload, byte qualityOfService, bool retain, bool isVersion5, ReadOnlySpan<byte> properties)
    {
        Span<byte> propertyLength = stackalloc byte[4];
        var propertyLengthBytes = isVersion5 ? PacketWriter.WriteVariableByteInteger(propertyLength, properties.Length) : 0;
        var remaining = 2 + topic.Length + (qualityOfService > 0 ? 2 : 0) + propertyLengthBytes + properties.Length + payload.Length;
        Span<byte> length = stackalloc byte[4];
        var lengthBytes = PacketWriter.WriteVariableByteInteger(length, remaining);

        var bytes = GC.AllocateUninitializedArray<byte>(1 + lengthBytes + remaining);
        bytes[0] = (byte)(((byte)PacketType.Publish << 4) | (qualityOfService << 1) | (retain ? 1 : 0));
        length[..lengthBytes].CopyTo(bytes.AsSpan(1));
        var at = 1 + lengthBytes;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at), (ushort)topic.Length);
        topic.CopyTo(bytes.AsSpan(at + 2));
        at += 2 + topic.Length;
        var packetIdAt = 0;
        if (qualityOfService > 0)
        {
            packetIdAt = at;
            at += 2;
        }

        propertyLength[..propertyLengthBytes].CopyTo(bytes.AsSpan(at));
        at += propertyLengthBytes;
        properties.CopyTo(bytes.AsSpan(at));
        at += properties.Length;
        payload.CopyTo(bytes.AsSpan(at));
        return new EncodedPublish(bytes, packetIdAt);
    }

    /// <param name="isRepeated">Sets DUP [MQTT-3.3.1-1].</param>
    public void CopyTo(Span<byte> target, ushort packetId, bool isRepeated = false)
    {
        _bytes.CopyTo(target);
        if (isRepeated)
        {
            target[0] |= 8;
        }

        if (_packetIdAt > 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(target[_packetIdAt..], packetId);
        }
    }
}
