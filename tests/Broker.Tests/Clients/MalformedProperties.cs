using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Clients.MalformedPacket;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>
/// Properties of MQTT 5 where they may not stand, twice, cut short or with values that cannot be;
/// each in every packet that carries properties.
/// </summary>
internal static class MalformedProperties
{
    /// <summary>
    /// Every property of MQTT 5 (2.2.2.2) with a value of its type, and the packets that may carry it;
    /// those that only servers send are left out.
    /// </summary>
    private static readonly (byte Id, string Name, byte[] Value, string Packets)[] Properties =
    [
        (0x01, "Payload Format Indicator", [1], "PUBLISH will"),
        (0x02, "Message Expiry Interval", [0, 0, 0, 9], "PUBLISH will"),
        (0x03, "Content Type", [0, 1, 0x61], "PUBLISH will"),
        (0x08, "Response Topic", [0, 1, 0x61], "PUBLISH will"),
        (0x09, "Correlation Data", [0, 1, 0], "PUBLISH will"),
        (0x0B, "Subscription Identifier", [1], "SUBSCRIBE"),
        (0x11, "Session Expiry Interval", [0, 0, 0, 0], "CONNECT DISCONNECT"),
        (0x12, "Assigned Client Identifier", [0, 1, 0x61], ""),
        (0x13, "Server Keep Alive", [0, 9], ""),
        (0x15, "Authentication Method", [0, 1, 0x61], "CONNECT"),
        (0x16, "Authentication Data", [0, 1, 0x61], "CONNECT"),
        (0x17, "Request Problem Information", [1], "CONNECT"),
        (0x18, "Will Delay Interval", [0, 0, 0, 0], "will"),
        (0x19, "Request Response Information", [0], "CONNECT"),
        (0x1A, "Response Information", [0, 1, 0x61], ""),
        (0x1C, "Server Reference", [0, 1, 0x61], ""),
        (0x1F, "Reason String", [0, 1, 0x61], "PUBACK PUBREC PUBREL PUBCOMP DISCONNECT"),
        (0x21, "Receive Maximum", [0, 9], "CONNECT"),
        (0x22, "Topic Alias Maximum", [0, 9], "CONNECT"),
        (0x23, "Topic Alias", [0, 1], "PUBLISH"),
        (0x24, "Maximum QoS", [1], ""),
        (0x25, "Retain Available", [1], ""),
        (0x26, "User Property", [0, 1, 0x61, 0, 1, 0x62], "CONNECT will PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE UNSUBSCRIBE DISCONNECT"),
        (0x27, "Maximum Packet Size", [0, 1, 0, 0], "CONNECT"),
        (0x28, "Wildcard Subscription Available", [1], ""),
        (0x29, "Subscription Identifier Available", [1], ""),
        (0x2A, "Shared Subscription Available", [1], ""),
        (0x00, "an unknown property", [0], ""),
        (0x2B, "an unknown property", [0], ""),
        (0x7F, "an unknown property", [0], ""),
        (0xA6, "an identifier of more than one byte", [0x01, 0, 1, 0x61], ""),
    ];

    private static readonly string[] Carriers = ["CONNECT", "will", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "UNSUBSCRIBE", "DISCONNECT"];

    // 2.2.2.2: each property on each packet: where it belongs it is taken, twice it is a protocol error, cut it is malformed;
    // elsewhere it is malformed.
    public static IEnumerable<MalformedPacket> All(Login login)
    {
        foreach (var (id, name, value, packets) in Properties)
        {
            foreach (var carrier in Carriers)
            {
                byte[] once = [id, .. value];
                var isFirst = carrier is "CONNECT" or "will";
                if (!packets.Split(' ').Contains(carrier))
                {
                    byte code = (carrier, id) is ("PUBLISH", 0x0B) ? Protocol : Malformed;
                    yield return new("2.2.2.2", $"{name} ({id:X2}) in {carrier}", V5, isFirst, Carry(carrier, once, login), code);
                    continue;
                }

                // Alone the one is refused for what it asks, the other for the lack of it: both have rows of their own.
                if (id is not (0x15 or 0x16) && carrier != "DISCONNECT")
                {
                    yield return new("2.2.2.2", $"{name} ({id:X2}) in {carrier}, where it belongs", V5, isFirst, Carry(carrier, once, login), 0);
                }

                yield return new("2.2.2.2", $"{name} ({id:X2}) in {carrier}, cut", V5, isFirst, Carry(carrier, once[..^1], login), Malformed);
                byte? twice = id == 0x26 ? carrier == "DISCONNECT" ? null : 0 : Protocol;
                yield return new("2.2.2, 3.1.2.11 and alike", $"{name} ({id:X2}) twice in {carrier}", V5, isFirst, Carry(carrier, [.. once, .. once], login), twice);
            }
        }

        foreach (var carrier in Carriers)
        {
            byte[] pair = [0x26, 0, 0, 0, 0];
            yield return new(
                "4.13, 2.4 (0x97)", $"ten thousand user properties, or as many as fit, in {carrier}", V5, carrier is "CONNECT" or "will",
                Carry(carrier, [.. Enumerable.Repeat(pair, carrier is "CONNECT" or "will" ? 1500 : 10_000).SelectMany(bytes => bytes)], login), 0x97);
        }
    }

    private static byte[] Carry(string carrier, byte[] properties, Login login)
    {
        var with = new MqttWriter().VariableInteger(properties.Length).Raw(properties).ToArray();
        return carrier switch
        {
            "CONNECT" => login.Connect(V5, properties: properties).ToPacket(PacketType.Connect),
            "will" => login.Connect(V5, flags: 0xC6, will: true, willProperties: properties).ToPacket(PacketType.Connect),
            "PUBLISH" => new MqttWriter().String("rooms/lobby").UInt16(7).Raw(with).Raw("x"u8).ToPacket(PacketType.Publish, 2),
            "PUBACK" => new MqttWriter().UInt16(99).Byte(0).Raw(with).ToPacket(PacketType.PubAck),
            "PUBREC" => new MqttWriter().UInt16(99).Byte(0).Raw(with).ToPacket(PacketType.PubRec),
            "PUBREL" => new MqttWriter().UInt16(99).Byte(0).Raw(with).ToPacket(PacketType.PubRel, 2),
            "PUBCOMP" => new MqttWriter().UInt16(99).Byte(0).Raw(with).ToPacket(PacketType.PubComp),
            "SUBSCRIBE" => new MqttWriter().UInt16(7).Raw(with).String("rooms/lobby").Byte(1).ToPacket(PacketType.Subscribe, 2),
            "UNSUBSCRIBE" => new MqttWriter().UInt16(7).Raw(with).String("rooms/lobby").ToPacket(PacketType.Unsubscribe, 2),
            "DISCONNECT" => new MqttWriter().Byte(0).Raw(with).ToPacket(PacketType.Disconnect),
            _ => throw new ArgumentOutOfRangeException(nameof(carrier), carrier, null),
        };
    }
}
