using System.Globalization;
using System.Text;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Topics;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>What a CONNECT asks for (MQTT 5.0 and 3.1.1, 3.1), read from its bytes and nothing else.</summary>
/// <param name="ClientId">Empty: the server is to assign one.</param>
/// <param name="IsClean">Clean start; clean session in 3.1.1.</param>
/// <param name="KeepAliveSeconds">0: not watched.</param>
/// <param name="UserName">Null: none was sent.</param>
/// <param name="Password">Null: none was sent.</param>
/// <param name="Will">Null: none.</param>
/// <param name="SessionExpiry">
/// Seconds that the MQTT session is to outlive the connection; 0: it ends with it. 3.1.1 has no word for how long.
/// </param>
/// <param name="ReceiveMaximum">Publishes that the client takes unacknowledged; null: it does not say.</param>
/// <param name="MaximumPacket">Bytes of the largest packet that the client takes.</param>
/// <param name="WantsReasons">It wants reason strings.</param>
/// <param name="HasMethod">It asks for an authentication method of MQTT 5.</param>
/// <param name="IsBridge">It sets the high bit of the protocol level: it counts on hearing nothing of its own.</param>
internal sealed record Handshake(
    bool IsVersion5,
    string ClientId,
    bool IsClean,
    ushort KeepAliveSeconds,
    string? UserName,
    byte[]? Password,
    LastWill? Will,
    uint SessionExpiry,
    int? ReceiveMaximum,
    int MaximumPacket,
    bool WantsReasons,
    bool HasMethod,
    bool IsBridge)
{
    private const int MaximumClientIdBytes = 128;
    private const byte BridgeBit = 0x80;
    private const byte CleanFlag = 0x02, WillFlag = 0x04, WillQoS = 0x18, WillRetain = 0x20, PasswordFlag = 0x40, UserFlag = 0x80;

    /// <summary>
    /// Reads what MQTTnet 5.2 does not look at as well. Returns null, or why the client is refused; then there is no handshake.
    /// </summary>
    /// <param name="body">What follows the Remaining Length.</param>
    /// <param name="isPadded">See <see cref="Frame.IsPadded"/>.</param>
    public static HandshakeRefusal? Read(ReadOnlySpan<byte> body, bool isPadded, out Handshake? asked)
    {
        asked = null;
        var reader = new PacketReader(body);
        if (!reader.TryReadBinary(out var protocol) || !reader.TryReadByte(out var level) || !reader.TryReadByte(out var flags) || !reader.TryReadUInt16(out var keepAlive))
        {
            return HandshakeRefusal.Unsaid(ReasonCode.MalformedPacket);
        }

        // MQIsdp is MQTT 3.1. Bridges set the high bit of the level (mosquitto's try_private) and count on hearing nothing of their own.
        var isBridge = (level & BridgeBit) != 0;
        level = (byte)(level & ~BridgeBit);
        if (protocol.SequenceEqual("MQIsdp"u8) || (protocol.SequenceEqual("MQTT"u8) && level is not (4 or 5)))
        {
            // [MQTT-3.1.2-2]
            return new(ReasonCode.UnsupportedProtocolVersion, "This server speaks MQTT 3.1.1 and 5.", level > 4);
        }

        if (!protocol.SequenceEqual("MQTT"u8))
        {
            return HandshakeRefusal.Unsaid(ReasonCode.UnsupportedProtocolVersion);
        }

        var isVersion5 = level == 5;
        if ((flags & 1) != 0
            || (flags & WillQoS) == WillQoS
            || ((flags & WillFlag) == 0 && (flags & (WillQoS | WillRetain)) != 0)
            || (!isVersion5 && (flags & (PasswordFlag | UserFlag)) == PasswordFlag))
        {
            // [MQTT-3.1.2-3], [MQTT-3.1.2-12], [MQTT-3.1.2-11], [MQTT-3.1.2-13], MQTT 3.1.1 [MQTT-3.1.2-22]
            return new(ReasonCode.MalformedPacket, "The connect flags are malformed.", isVersion5);
        }

        var properties = isVersion5 ? reader.Rest : [];
        if (isVersion5 && PacketProperties.Check(ref reader, PacketProperties.OfConnect) is var bad and not 0)
        {
            return new(bad, "The properties of the CONNECT are malformed.", isVersion5);
        }

        // Before anything else is refused: a refusal must fit, too.
        var maximum = (int)Math.Min(PacketProperties.FindNumber(properties, PropertyId.MaximumPacketSize) ?? int.MaxValue, int.MaxValue);
        HandshakeRefusal Refused(byte code, string reason) => new(code, reason, isVersion5, maximum);

        if (!reader.TryReadBinary(out var clientId))
        {
            return Refused(ReasonCode.MalformedPacket, "The CONNECT is malformed.");
        }

        var isClean = (flags & CleanFlag) != 0;
        if ((/* guard: client ids of 128 bytes */ clientId.Length > MaximumClientIdBytes) || (/* guard: client ids are well-formed */ !MqttText.IsWellFormed(clientId)) || (/* guard: client ids without controls */ HasControls(clientId)) || (clientId.IsEmpty && !isVersion5 && !isClean))
        {
            // The last: MQTT 3.1.1 [MQTT-3.1.3-8].
            return Refused(
                ReasonCode.ClientIdentifierNotValid,
                string.Create(CultureInfo.InvariantCulture, $"A client id is UTF-8 without control characters, at most {MaximumClientIdBytes} bytes."));
        }

        var hasWill = (flags & WillFlag) != 0;
        var willProperties = hasWill && isVersion5 ? reader.Rest : [];
        if (hasWill && isVersion5 && PacketProperties.Check(ref reader, PacketProperties.OfWill) is var badWill and not 0)
        {
            return Refused(badWill, "The properties of the will are malformed.");
        }

        ReadOnlySpan<byte> willTopic = default, willPayload = default;
        if (hasWill && (!reader.TryReadString(out willTopic) || !reader.TryReadBinary(out willPayload)))
        {
            return Refused(ReasonCode.MalformedPacket, "The will is malformed.");
        }

        if (hasWill && /* guard: will: no empty topic and no wildcards */ !MqttText.IsTopicName(willTopic))
        {
            // [MQTT-4.7.1-1], [MQTT-4.7.3-1]. MQTT 3.1.1 has no return code for it: there the connection is closed (4.8).
            return isVersion5
                ? Refused(ReasonCode.TopicNameInvalid, "The topic of a will is not empty and has no wildcards.")
                : HandshakeRefusal.Unsaid(ReasonCode.TopicNameInvalid);
        }

        ReadOnlySpan<byte> userName = default, password = default;
        if (((flags & UserFlag) != 0 && !reader.TryReadString(out userName)) || ((flags & PasswordFlag) != 0 && !reader.TryReadBinary(out password)) || !reader.IsAtEnd)
        {
            return Refused(ReasonCode.MalformedPacket, "The CONNECT is malformed.");
        }

        if (isPadded && isVersion5)
        {
            return Refused(ReasonCode.MalformedPacket, "The Remaining Length has more bytes than it needs.");
        }

        asked = new Handshake(
            isVersion5,
            Encoding.UTF8.GetString(clientId),
            isClean,
            keepAlive,
            (flags & UserFlag) != 0 ? Encoding.UTF8.GetString(userName) : null,
            (flags & PasswordFlag) != 0 ? password.ToArray() : null,
            hasWill ? WillOf(flags, willTopic, willPayload, willProperties) : null,
            isVersion5 ? (uint)(PacketProperties.FindNumber(properties, PropertyId.SessionExpiryInterval) ?? 0) : isClean ? 0 : DurableClients.MaximumExpiry,
            (int?)PacketProperties.FindNumber(properties, PropertyId.ReceiveMaximum),
            maximum,
            PacketProperties.FindNumber(properties, PropertyId.RequestProblemInformation) is not 0,
            PacketProperties.FindNumber(properties, PropertyId.AuthenticationMethod) is not null,
            isBridge);
        return null;
    }

    // An expiry of 0 is none: the will would be over before it is said.
    private static LastWill WillOf(byte flags, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> properties) => new(
        Encoding.UTF8.GetString(topic),
        payload.ToArray(),
        (uint)(PacketProperties.FindNumber(properties, PropertyId.WillDelayInterval) ?? 0),
        PacketProperties.FindNumber(properties, PropertyId.MessageExpiryInterval) is > 0 and var expiry ? (uint)expiry : null,
        (byte)((flags & WillQoS) >> 3),
        (flags & WillRetain) != 0,
        PacketProperties.OfWillPassedOn(properties));

    private static bool HasControls(ReadOnlySpan<byte> utf8)
    {
        foreach (var rune in Encoding.UTF8.GetString(utf8).EnumerateRunes())
        {
            if (Rune.IsControl(rune))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>Why a CONNECT is refused before anybody is asked.</summary>
/// <param name="Code">Of MQTT 5.</param>
/// <param name="Reason">Null: no answer is sent, the connection is closed.</param>
/// <param name="MaximumPacket">The answer must not be larger, in bytes.</param>
internal sealed record HandshakeRefusal(byte Code, string? Reason, bool IsVersion5, int MaximumPacket = int.MaxValue)
{
    /// <summary>
    /// Whether it is answered. MQTT 3.1.1 has no return code for what is malformed: such a client is closed without a word (4.8).
    /// </summary>
    public bool IsSaid => Reason is not null && (/* guard: no CONNACK that 3.1.1 does not know */ IsVersion5 || Code != ReasonCode.MalformedPacket);

    public static HandshakeRefusal Unsaid(byte code) => new(code, null, false);
}
