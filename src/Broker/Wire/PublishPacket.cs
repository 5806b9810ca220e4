using System.Buffers.Binary;
using System.Security.Cryptography;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Wire;

/// <summary>A PUBLISH as received (MQTT 5.0, 3.3; MQTT 3.1.1, 3.3), read in place.</summary>
internal readonly ref struct PublishPacket(scoped in PublishLayout layout, ReadOnlySpan<byte> body)
{
    private readonly ReadOnlySpan<byte> _body = body;

    /// <summary>Where what lies in the body: with it a publish that has to wait is not parsed again.</summary>
    public PublishLayout Layout { get; } = layout;

    public ReadOnlySpan<byte> Topic => _body[Layout.Topic];

    public ReadOnlySpan<byte> Payload => _body[Layout.Payload];

    /// <summary>All properties as they came, without their length; empty in 3.1.1.</summary>
    public ReadOnlySpan<byte> Properties => _body[Layout.Properties];

    public byte QualityOfService => Layout.QualityOfService;

    public bool IsDuplicate => Layout.IsDuplicate;

    public bool IsRetain => Layout.IsRetain;

    /// <summary>0 at QoS 0.</summary>
    public ushort PacketId => Layout.PacketId;

    /// <summary>Null: the packet carries none.</summary>
    public ushort? TopicAlias => Layout.TopicAlias;

    /// <summary>Message Expiry Interval in seconds; null: it does not expire.</summary>
    public uint? ExpirySeconds => Layout.ExpirySeconds;

    /// <summary>The payload is said to be UTF-8 (MQTT 5.0, 3.3.2.3.2).</summary>
    public bool SaysUtf8 => Layout.SaysUtf8;

    /// <summary>The value of the user property `id`, the first one if there are several; empty when there is none.</summary>
    public ReadOnlySpan<byte> IdProperty => _body[Layout.IdProperty];

    /// <summary>To tell a repetition by. An alias may stand for the topic, so only the payload counts.</summary>
    public ulong ContentHash()
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Payload, hash);
        return BitConverter.ToUInt64(hash);
    }

    /// <summary>Returns 0, or the reason code with which the connection must end.</summary>
    public static byte TryParse(byte flags, ReadOnlySpan<byte> body, bool isVersion5, out PublishPacket packet)
    {
        var code = PublishLayout.TryParse(flags, body, isVersion5, out var layout);
        packet = new PublishPacket(layout, body);
        return code;
    }
}

/// <summary>What a PUBLISH says of itself, and where in its body the rest lies.</summary>
internal struct PublishLayout
{
    public Range Topic { get; private set; }

    public Range Payload { get; private set; }

    public Range Properties { get; private set; }

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

    /// <summary>Empty when there is none.</summary>
    public Range IdProperty { get; private set; }

    /// <summary>Returns 0, or the reason code with which the connection must end.</summary>
    public static byte TryParse(byte flags, ReadOnlySpan<byte> body, bool isVersion5, out PublishLayout packet)
    {
        packet = new PublishLayout
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

        // Behind its own length of two bytes.
        packet.Topic = 2..(2 + topic.Length);
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

            packet.Properties = (body.Length - reader.Rest.Length - length)..(body.Length - reader.Rest.Length);
            if (length > 0 && packet.ReadProperties(properties, body.Length - reader.Rest.Length - length) is var code and not 0)
            {
                return code;
            }
        }

        packet.Payload = (body.Length - reader.Rest.Length)..body.Length;
        return 0;
    }

    // MQTT 5.0, 3.3.2.3, of properties that begin there in the body.
    // A property given twice is a protocol error, an unknown one a malformed packet.
    private byte ReadProperties(ReadOnlySpan<byte> properties, int at)
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

                    if (IdProperty.Equals(default) && name.SequenceEqual("id"u8))
                    {
                        var end = at + properties.Length - reader.Rest.Length;
                        IdProperty = (end - value.Length)..end;
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
