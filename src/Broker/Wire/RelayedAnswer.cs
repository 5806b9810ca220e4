using System.Globalization;

namespace WebMessenger.Broker.Wire;

/// <summary>What another node answers to a PUBLISH of one of its clients: PUBACK or PUBREC of MQTT 5, read.</summary>
/// <param name="Reason">For people; null: none is said.</param>
/// <param name="Name">Of what stands against it; null: nothing is named.</param>
/// <param name="Retry">Seconds after which it may be sent again; 0: not said.</param>
internal sealed record RelayedAnswer(ushort PacketId, byte Code, string? Reason, string? Name, int Retry)
{
    /// <summary>The name of what could not be stored: a client of MQTT 3.1.1 gets no answer, as from its own node.</summary>
    public const string NotStored = "not_stored";

    /// <summary>It was to be stored, and was not: MQTT 3.1.1 has no word for it.</summary>
    public bool IsWithoutWord => Code >= 0x80 && Name is NotStored or "busy";

    public static RelayedAnswer Read(ReadOnlySpan<byte> body)
    {
        PacketReader reader = new(body);
        if (!reader.TryReadUInt16(out var packetId))
        {
            throw new Violation(ReasonCode.MalformedPacket, "The answer of another node is malformed.");
        }

        var code = reader.TryReadByte(out var said) ? said : ReasonCode.Success;
        ReadOnlySpan<byte> properties = default;
        if (reader.TryReadVariableByteInteger(out var length))
        {
            reader.TryReadBytes(length, out properties);
        }

        var retry = PacketProperties.FindUserProperty(properties, "retry"u8);
        return new RelayedAnswer(
            packetId,
            code,
            PacketProperties.FindText(properties, PropertyId.ReasonString),
            PacketProperties.FindUserProperty(properties, "code"u8),
            int.TryParse(retry, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : 0);
    }
}
