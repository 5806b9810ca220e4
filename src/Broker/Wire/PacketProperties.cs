using System.Text;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Wire;

/// <summary>
/// The properties that packets of the control plane may carry (MQTT 5.0, 2.2.2.2), each once but for user properties:
/// MQTTnet 5.2 takes any number of each.
/// </summary>
internal static class PacketProperties
{
    private const byte RequestResponseInformation = 0x19;
    private const byte AuthenticationData = 0x16;

    /// <summary>User properties of one packet: MQTT knows no limit, and each costs its reader an object.</summary>
    public const int MaximumUserProperties = 100;

    /// <summary>Bit sets of property identifiers.</summary>
    public static ulong OfConnect { get; } = Set(
        PropertyId.SessionExpiryInterval, PropertyId.ReceiveMaximum, PropertyId.MaximumPacketSize, PropertyId.TopicAliasMaximum, RequestResponseInformation,
        PropertyId.RequestProblemInformation, PropertyId.UserProperty, PropertyId.AuthenticationMethod, AuthenticationData);

    public static ulong OfWill { get; } = Set(
        PropertyId.WillDelayInterval, PropertyId.PayloadFormatIndicator, PropertyId.MessageExpiryInterval, PropertyId.ContentType, PropertyId.ResponseTopic,
        PropertyId.CorrelationData, PropertyId.UserProperty);

    public static ulong OfSubscribe { get; } = Set(PropertyId.SubscriptionIdentifier, PropertyId.UserProperty);

    public static ulong OfUnsubscribe { get; } = Set(PropertyId.UserProperty);

    /// <summary>PUBACK, PUBREC, PUBREL, PUBCOMP.</summary>
    public static ulong OfAcknowledgement { get; } = Set(PropertyId.ReasonString, PropertyId.UserProperty);

    public static ulong OfDisconnect { get; } = Set(PropertyId.SessionExpiryInterval, PropertyId.ReasonString, PropertyId.UserProperty);

    /// <summary>Reads the property length and all properties. Returns 0, or the reason code that they deserve.</summary>
    public static byte Check(ref PacketReader packet, ulong allowed)
    {
        if (!packet.TryReadVariableByteInteger(out var length) || !packet.TryReadBytes(length, out var bytes))
        {
            return ReasonCode.MalformedPacket;
        }

        var reader = new PacketReader(bytes);
        ulong seen = 0;
        var userProperties = 0;
        while (!reader.IsAtEnd)
        {
            if (!reader.TryReadByte(out var id) || id > 0x2A || /* guard: a property where it belongs */ (allowed & (1UL << id)) == 0)
            {
                return ReasonCode.MalformedPacket;
            }

            if (/* guard: a property once, control packets */ id != PropertyId.UserProperty && (seen & (1UL << id)) != 0)
            {
                return ReasonCode.ProtocolError;
            }

            seen |= 1UL << id;
            if (!TryReadValue(ref reader, id, out var number, out var topic))
            {
                return ReasonCode.MalformedPacket;
            }

            if (/* guard: user properties of a packet */ id == PropertyId.UserProperty && ++userProperties > MaximumUserProperties)
            {
                return ReasonCode.QuotaExceeded;
            }

            var isInRange = id switch
            {
                PropertyId.ReceiveMaximum or PropertyId.MaximumPacketSize or PropertyId.SubscriptionIdentifier => number > 0,
                PropertyId.PayloadFormatIndicator or PropertyId.RequestProblemInformation or RequestResponseInformation => number <= 1,
                PropertyId.ResponseTopic => MqttText.IsTopicName(topic),
                _ => true,
            };
            if (!isInRange)
            {
                return ReasonCode.ProtocolError;
            }
        }

        // MQTT 5.0, 3.1.2.11.10
        return (seen & Set(PropertyId.AuthenticationMethod, AuthenticationData)) == Set(AuthenticationData) ? ReasonCode.ProtocolError : (byte)0;
    }

    /// <summary>
    /// The number under an identifier, in properties that were checked, and 0 for what is no number; null when it is not among them.
    /// </summary>
    public static long? FindNumber(ReadOnlySpan<byte> properties, byte wanted)
    {
        PacketReader packet = new(properties);
        if (!packet.TryReadVariableByteInteger(out var length) || !packet.TryReadBytes(length, out var bytes))
        {
            return null;
        }

        PacketReader reader = new(bytes);
        while (reader.TryReadByte(out var id) && TryReadValue(ref reader, id, out var number, out _))
        {
            if (id == wanted)
            {
                return number;
            }
        }

        return null;
    }

    /// <summary>
    /// Those of a PUBLISH that are passed on byte for byte and in their order: all but the topic alias, which is the connection's, and
    /// the expiry, which counts down.
    /// </summary>
    /// <param name="properties">Checked, without their length.</param>
    public static byte[] PassedOn(ReadOnlySpan<byte> properties) =>
        Without(properties, Set(PropertyId.TopicAlias, PropertyId.MessageExpiryInterval));

    /// <summary>The same of a will: all but what says when it is said, and how long it is of use.</summary>
    /// <param name="properties">Checked, with their length.</param>
    public static byte[] OfWillPassedOn(ReadOnlySpan<byte> properties)
    {
        PacketReader packet = new(properties);
        return packet.TryReadVariableByteInteger(out var length) && packet.TryReadBytes(length, out var bytes)
            ? Without(bytes, Set(PropertyId.WillDelayInterval, PropertyId.MessageExpiryInterval)) : [];
    }

    private static byte[] Without(ReadOnlySpan<byte> properties, ulong left)
    {
        var kept = new byte[properties.Length];
        var count = 0;
        PacketReader reader = new(properties);
        for (var at = 0; reader.TryReadByte(out var id) && TryReadValue(ref reader, id, out _, out _); at = reader.Position)
        {
            if ((left & (1UL << id)) == 0)
            {
                properties[at..reader.Position].CopyTo(kept.AsSpan(count));
                count += reader.Position - at;
            }
        }

        return kept[..count];
    }

    /// <summary>The text under an identifier, in properties that were checked; null: there is none.</summary>
    /// <param name="properties">Without their length.</param>
    public static string? FindText(ReadOnlySpan<byte> properties, byte wanted)
    {
        PacketReader reader = new(properties);
        while (reader.TryReadByte(out var id) && TryReadValue(ref reader, id, out _, out var text))
        {
            if (id == wanted)
            {
                return Encoding.UTF8.GetString(text);
            }
        }

        return null;
    }

    /// <summary>The value of the first user property of that name, in properties that were checked; null: there is none.</summary>
    /// <param name="properties">Without their length.</param>
    public static string? FindUserProperty(ReadOnlySpan<byte> properties, ReadOnlySpan<byte> wanted)
    {
        PacketReader reader = new(properties);
        while (reader.TryReadByte(out var id))
        {
            if (id != PropertyId.UserProperty)
            {
                if (!TryReadValue(ref reader, id, out _, out _))
                {
                    return null;
                }
            }
            else if (!reader.TryReadString(out var name) || !reader.TryReadString(out var value))
            {
                return null;
            }
            else if (name.SequenceEqual(wanted))
            {
                return Encoding.UTF8.GetString(value);
            }
        }

        return null;
    }

    private static bool TryReadValue(ref PacketReader reader, byte id, out long number, out ReadOnlySpan<byte> text)
    {
        number = 0;
        text = default;
        switch (id)
        {
            case PropertyId.PayloadFormatIndicator or PropertyId.RequestProblemInformation or RequestResponseInformation:
                var hasByte = reader.TryReadByte(out var one);
                number = one;
                return hasByte;
            case PropertyId.ReceiveMaximum or PropertyId.TopicAliasMaximum or PropertyId.TopicAlias:
                var hasTwo = reader.TryReadUInt16(out var two);
                number = two;
                return hasTwo;
            case PropertyId.MessageExpiryInterval or PropertyId.SessionExpiryInterval or PropertyId.MaximumPacketSize or PropertyId.WillDelayInterval:
                if (!reader.TryReadUInt16(out var high) || !reader.TryReadUInt16(out var low))
                {
                    return false;
                }

                number = ((long)high << 16) | low;
                return true;
            case PropertyId.SubscriptionIdentifier:
                var hasInteger = reader.TryReadVariableByteInteger(out var integer);
                number = integer;
                return hasInteger;
            case PropertyId.CorrelationData or AuthenticationData:
                return reader.TryReadBinary(out _);
            case PropertyId.UserProperty:
                return reader.TryReadString(out _) && reader.TryReadString(out _);
            default:
                return reader.TryReadString(out text);
        }
    }

    private static ulong Set(params ReadOnlySpan<byte> ids)
    {
        ulong set = 0;
        foreach (var id in ids)
        {
            set |= 1UL << id;
        }

        return set;
    }
}
