using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>One packet and what the standard wants done about it.</summary>
/// <param name="Clause">Of MQTT 5.0, or of 3.1.1 where the row is for it.</param>
/// <param name="IsFirst">The packet is the first of its connection; else a client that is in sends it.</param>
/// <param name="Code">
/// 0: it is taken. Else the reason code of DISCONNECT, or of CONNACK for the first packet; null: closed without a word.
/// </param>
internal sealed record MalformedPacket(string Clause, string What, MqttVersion Version, bool IsFirst, byte[] Bytes, byte? Code)
{
    public const MqttVersion V5 = MqttVersion.V5, V311 = MqttVersion.V311;
    public const byte Malformed = 0x81, Protocol = 0x82;

    public override string ToString() => $"{Version} {What} [{Clause}]";

    public static MalformedPacket First(string clause, string what, MqttVersion version, byte[] bytes, byte? code) => new(clause, what, version, true, bytes, code);

    public static MalformedPacket After(string clause, string what, MqttVersion version, byte[] bytes, byte? code) => new(clause, what, version, false, bytes, code);

    public static byte[] Packet(byte header, byte[] body) => new MqttWriter().Raw(body).ToPacket((PacketType)(header >> 4), (byte)(header & 15));

    public static byte[] Empty(MqttVersion version) => version == V5 ? [0] : [];

    // 3.1.1 has no DISCONNECT from a server: it closes [3.1.1: MQTT-4.8.0-1].
    public static byte? OnlyFor5(MqttVersion version, byte code) => version == V5 ? code : null;
}

/// <summary>Who signs in by a CONNECT that may be wrong in any one of its parts.</summary>
internal sealed record Login(string User, string Secret)
{
    public MqttWriter Connect(
        MqttVersion version, byte flags = 0xC2, string protocol = "MQTT", byte? level = null, byte[]? properties = null, byte[]? clientId = null, bool will = false,
        byte[]? willTopic = null, byte[]? willProperties = null, byte[]? user = null, string stopsBefore = "")
    {
        var packet = new MqttWriter().String(protocol).Byte(level ?? (byte)version).Byte(flags).UInt16(60);
        if (version == MqttVersion.V5)
        {
            packet.VariableInteger(properties?.Length ?? 0).Raw(properties);
        }

        packet.Binary(clientId ?? []);
        if (stopsBefore == "will")
        {
            return packet;
        }

        if (will)
        {
            if (version == MqttVersion.V5)
            {
                packet.VariableInteger(willProperties?.Length ?? 0).Raw(willProperties);
            }

            packet.Binary(willTopic ?? [.. "rooms/lobby"u8]);
            if (stopsBefore == "payload")
            {
                return packet;
            }

            packet.String("bye");
        }

        if (stopsBefore == "user")
        {
            return packet;
        }

        packet.Binary(user ?? System.Text.Encoding.UTF8.GetBytes(User));
        return stopsBefore == "password" || (flags & 0x40) == 0 ? packet : packet.String(Secret);
    }
}
