using System.Buffers.Binary;
using System.Security.Cryptography;

namespace WebMessenger.Broker.Wire;

/// <summary>A PUBLISH as received (MQTT 5.0, 3.3; MQTT 3.1.1, 3.3), read in place.</summary>
internal ref struct PublishPacket
{
    public ReadOnlySpan<byte> Topic { get; private set; }

    public ReadOnlySpan<byte> Payload { get; private set; }

    public byte QualityOfService { get; private set; }

    public bool IsDuplicate { get; private set; }

    public bool IsRetain { get; private set; }

    /// <summary>0 at QoS 0.</summary>
    public ushort PacketId { get; private set; }

    /// <summary>Null: the packet carries none.</summary>
    public ushort? TopicAlias { get; private set; }

    /// <summary>Message Expiry Interval in seconds; null: it does not expire.</summary>
    public uint? ExpirySeconds { get; private set; }

    /// <summary>The payload is said to be UTF-8 (MQTT 5.0, 3.3.2.3.2).</summary>
    public bool SaysUtf8 { get; private set; }

    /// <summary>The value of the user property `id`, the first one if there are several; empty when there is none.</summary>
    public ReadOnlySpan<byte> IdProperty { get; private set; }

    /// <summary>To tell a repetition by. An alias may stand for the topic, so only the payload counts.</summary>
    public readonly ulong ContentHash()
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Payload, hash);
        return BitConverter.ToUInt64(hash);
    }

    /// <summary>Returns 0, or the reason code with which the connection must end.</summary>
    public static byte TryParse(byte flags, ReadOnlySpan<byte> body, bool isVersion5, out PublishPacket packet)
    {
        packet = new PublishPacket
        {
            IsRetain = (flags & 1) != 0,
            QualityOfService = (byte)((flags >> 1) & 3),
            IsDuplicate = (flags & 8) != 0,
        };

        // [MQTT-3.3.1-4] both QoS bits set; [MQTT-3.3.1-2] DUP at QoS 0.
        if (/* guard: QoS and DUP of PUBLISH */ packet.QualityOfService == 3 || (packet.QualityOfService == 0 && packet.IsDuplicate))
        {
            return ReasonCode.MalformedPacket;
        }

        var reader = new PacketReader(body);
        if (!reader.TryReadString(out var topic))
        {
            return ReasonCode.MalformedPacket;
        }

        packet.Topic = topic;
        if (packet.QualityOfService > 0)
        {
            if (!reader.TryReadUInt16(out var packetId))
            {
                return ReasonCode.MalformedPacket;
            }

            // [MQTT-2.2.1-3]
            if (/* guard: packet id 0 */ packetId == 0)
            {
                return ReasonCode.ProtocolError;
            }

            packet.PacketId = packetId;
        }

        if (isVersion5)
        {
            if (!reader.TryReadVariableByteInteger(out var length) || !reader.TryReadBytes(length, out var properties))
            {
                return ReasonCode.MalformedPacket;
            }

            if (length > 0 && packet.ReadProperties(properties) is var code and not 0)
            {
                return code;
            }
        }

        packet.Payload = reader.Rest;
        return 0;
    }

    // MQTT 5.0, 3.3.2.3. A property given twice is a protocol error, an unknown one a malformed packet.
    private byte ReadProperties(ReadOnlySpan<byte> properties)
    {
        var reader = new PacketReader(properties);
        ulong seen = 0;
        var userProperties = 0;
        while (!reader.IsAtEnd)
        {
            if (!reader.TryReadByte(out var id) || id > 0x2A)
            {
                return ReasonCode.MalformedPacket;
            }

            if (id != PropertyId.UserProperty)
            {
                if (/* guard: a property once, PUBLISH */ (seen & (1UL << id)) != 0)
                {
                    return ReasonCode.ProtocolError;
                }

                seen |= 1UL << id;
            }

            switch (id)
            {
                case PropertyId.PayloadFormatIndicator:
                    if (!reader.TryReadByte(out var format))
                    {
                        return ReasonCode.MalformedPacket;
                    }

                    if (format > 1)
                    {
                        return ReasonCode.ProtocolError;
                    }

                    SaysUtf8 = format == 1;

                    break;
                case PropertyId.MessageExpiryInterval:
                    if (!reader.TryReadBytes(4, out var expiry))
                    {
                        return ReasonCode.MalformedPacket;
                    }

                    ExpirySeconds = BinaryPrimitives.ReadUInt32BigEndian(expiry);
                    break;
                case PropertyId.TopicAlias:
                    if (!reader.TryReadUInt16(out var alias))
                    {
                        return ReasonCode.MalformedPacket;
                    }

                    TopicAlias = alias;
                    break;
                case PropertyId.ResponseTopic:
                case PropertyId.ContentType:
                    if (!reader.TryReadString(out var text))
                    {
                        return ReasonCode.MalformedPacket;
                    }

                    // [MQTT-3.3.2-14]
                    if (id == PropertyId.ResponseTopic && !MqttText.IsTopicName(text))
                    {
                        return ReasonCode.ProtocolError;
                    }

                    break;
                case PropertyId.CorrelationData:
                    if (!reader.TryReadBinary(out _))
                    {
                        return ReasonCode.MalformedPacket;
                    }

                    break;
                case PropertyId.UserProperty:
                    if (!reader.TryReadString(out var name) || !reader.TryReadString(out var value))
                    {
                        return ReasonCode.MalformedPacket;
                    }

                    if (++userProperties > PacketProperties.MaximumUserProperties)
                    {
                        return ReasonCode.QuotaExceeded;
                    }

                    if (IdProperty.IsEmpty && name.SequenceEqual("id"u8))
                    {
                        IdProperty = value;
                    }

                    break;
                case PropertyId.SubscriptionIdentifier:
                    // [MQTT-3.3.4-6]
                    return ReasonCode.ProtocolError;
                default:
                    return ReasonCode.MalformedPacket;
            }
        }

        return 0;
    }
}

/// <summary>Property identifiers (MQTT 5.0, 2.2.2.2).</summary>
internal static class PropertyId
{
    public const byte PayloadFormatIndicator = 0x01;
    public const byte MessageExpiryInterval = 0x02;
    public const byte ContentType = 0x03;
    public const byte ResponseTopic = 0x08;
    public const byte CorrelationData = 0x09;
    public const byte SubscriptionIdentifier = 0x0B;
    public const byte AssignedClientIdentifier = 0x12;
    public const byte ServerKeepAlive = 0x13;
    public const byte AuthenticationMethod = 0x15;
    public const byte RequestProblemInformation = 0x17;
    public const byte WillDelayInterval = 0x18;
    public const byte SessionExpiryInterval = 0x11;
    public const byte ReasonString = 0x1F;
    public const byte ReceiveMaximum = 0x21;
    public const byte TopicAliasMaximum = 0x22;
    public const byte TopicAlias = 0x23;
    public const byte UserProperty = 0x26;
    public const byte MaximumPacketSize = 0x27;
    public const byte SharedSubscriptionAvailable = 0x2A;
}
