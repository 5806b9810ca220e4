using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Clients.MalformedPacket;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>
/// The classes of malformed packets of MQTT 5.0 and 3.1.1, for every packet that the server takes;
/// beside each class something of the kind that is right.
/// </summary>
internal static class MalformedPackets
{
    /// <summary>
    /// Ill-formed UTF-8: a surrogate, an overlong form, a lone continuation byte, a cut sequence, beyond U+10FFFF; and U+0000.
    /// </summary>
    private static readonly (string What, byte[] Bytes)[] IllFormed =
    [
        ("a surrogate", [0xED, 0xA0, 0x80]), ("an overlong slash", [0xC0, 0xAF]), ("a lone continuation byte", [0x80]), ("a cut sequence", [0xE2, 0x82]),
        ("a character beyond Unicode", [0xF4, 0x90, 0x80, 0x80]), ("NUL", [0]),
    ];

    /// <summary>All rows. Those of CONNECT carry the credentials given here.</summary>
    public static IReadOnlyList<MalformedPacket> All(string user, string secret)
    {
        Login login = new(user, secret);
        return
        [
            .. Framing(login), .. Flags(), .. OfServers(), .. Connects(login), .. ConnectText(login), .. Publishes(), .. Acknowledgements(), .. Filters(), .. Disconnects(),
            .. MalformedProperties.All(login),
        ];
    }

    private static IEnumerable<MalformedPacket> Framing(Login login)
    {
        yield return After("1.5.5", "a Remaining Length of five bytes", V5, [0xC0, 0x80, 0x80, 0x80, 0x80, 0x00], Malformed);
        yield return After("3.1.1: 2.2.3", "a Remaining Length of five bytes", V311, [0xC0, 0x80, 0x80, 0x80, 0x80, 0x00], null);
        yield return After("1.5.5-1", "a Remaining Length of a byte too many", V5, [0xC0, 0x80, 0x00], Malformed);
        yield return After("3.1.1: 2.2.3", "a Remaining Length of a byte too many, which 3.1.1 does not forbid", V311, [0xC0, 0x80, 0x00], 0);
        yield return After("3.1.2-24", "a packet over the Maximum Packet Size", V5, [0x30, 0xFF, 0xFF, 0xFF, 0x7F], 0x95);
        yield return After("3.1.1: 4.8.0-2", "a packet over the limit", V311, [0x30, 0xFF, 0xFF, 0xFF, 0x7F], null);
        yield return First("1.5.5", "a CONNECT with a Remaining Length of five bytes", V5, [0x10, 0x80, 0x80, 0x80, 0x80, 0x00], null);
        var connect = login.Connect(V5).ToArray();
        yield return First("1.5.5-1", "a CONNECT with a Remaining Length of a byte too many", V5, [0x10, (byte)(0x80 | (connect.Length & 0x7F)), (byte)(0x80 | (connect.Length >> 7)), 0, .. connect], Malformed);
        yield return First("3.1", "a CONNECT without its last byte", V5, Packet(0x10, connect[..^1]), Malformed);
        foreach (var length in new[] { 0, 1, 5, 6, 7, 8, 9, 10, 11, 12 })
        {
            // What is cut within the first ten bytes tells no version to answer in.
            yield return First("3.1", $"a CONNECT cut to {length} bytes", V5, Packet(0x10, connect[..length]), length < 10 ? null : Malformed);
        }
    }

    // [MQTT-2.1.3-1], and the clause of each packet.
    private static IEnumerable<MalformedPacket> Flags()
    {
        foreach (var version in new[] { V5, V311 })
        {
            (string Clause, byte Type, byte Right, byte[] Body)[] packets =
            [
                ("3.4.1", 4, 0, [0, 1]), ("3.5.1", 5, 0, [0, 1]), ("3.6.1-1", 6, 2, [0, 1]), ("3.7.1", 7, 0, [0, 1]),
                ("3.8.1-1", 8, 2, [0, 1, .. Empty(version), 0, 1, 0x61, 0]), ("3.10.1-1", 10, 2, [0, 1, .. Empty(version), 0, 1, 0x61]), ("3.12.1", 12, 0, []), ("3.14.1-1", 14, 0, []),
            ];
            foreach (var (clause, type, right, body) in packets)
            {
                for (byte flags = 0; flags < 16; flags++)
                {
                    if (flags != right && (flags is 1 or 2 or 4 or 8 or 15 or 0))
                    {
                        yield return After(clause, $"packet type {type} with flags {flags:X}", version, Packet((byte)(type << 4 | flags), body), OnlyFor5(version, Malformed));
                    }
                }
            }
        }
    }

    private static IEnumerable<MalformedPacket> OfServers()
    {
        foreach (var version in new[] { V5, V311 })
        {
            foreach (var (clause, header, body) in new (string, byte, byte[])[]
            {
                ("2.1.2", 0x00, []), ("3.1.0-2", 0x10, []), ("3.2", 0x20, [0, 0]), ("3.9", 0x90, [0, 1, 0]), ("3.11", 0xB0, [0, 1]), ("3.13", 0xD0, []), ("3.15, 4.12.0-6", 0xF0, []),
            })
            {
                yield return After(clause, $"a packet {header:X2}, which no client sends now", version, Packet(header, body), OnlyFor5(version, Protocol));
                if (header != 0x10)
                {
                    yield return First("3.1.0-1", $"a packet {header:X2} before CONNECT", version, Packet(header, body), null);
                }
            }

            yield return First("3.1.0-1", "a PUBLISH before CONNECT", version, new MqttWriter().String("rooms/lobby").Raw(Empty(version)).ToPacket(PacketType.Publish), null);
            yield return After("3.12", "a PINGREQ with a body", version, [0xC0, 1, 0], OnlyFor5(version, Malformed));
            yield return After("3.12", "a PINGREQ", version, [0xC0, 0], 0);
        }
    }

    private static IEnumerable<MalformedPacket> Connects(Login login)
    {
        yield return First("3.1", "a CONNECT that is right", V5, login.Connect(V5).ToPacket(PacketType.Connect), 0);
        yield return First("3.1", "a CONNECT that is right", V311, login.Connect(V311).ToPacket(PacketType.Connect), 0);
        for (byte flags = 1; flags < 16; flags++)
        {
            yield return First("3.1.1", $"a CONNECT with flags {flags:X} of the fixed header", V5, login.Connect(V5).ToPacket(PacketType.Connect, flags), null);
        }

        foreach (var version in new[] { V5, V311 })
        {
            byte? malformed = version == V5 ? Malformed : null;
            yield return First("3.1.2-1", "a protocol name that is none", version, login.Connect(version, protocol: "MQTx").ToPacket(PacketType.Connect), null);
            yield return First("3.1.2-1", "a protocol name in lower case", version, login.Connect(version, protocol: "mqtt").ToPacket(PacketType.Connect), null);
            yield return First("3.1.2-3", "the reserved connect flag", version, login.Connect(version, flags: 0xC3).ToPacket(PacketType.Connect), malformed);
            yield return First("3.1.2-12", "will QoS 3", version, login.Connect(version, flags: 0xDE, will: true).ToPacket(PacketType.Connect), malformed);
            yield return First("3.1.2-11", "a will QoS without a will", version, login.Connect(version, flags: 0xCA).ToPacket(PacketType.Connect), malformed);
            yield return First("3.1.2-13", "a will retain flag without a will", version, login.Connect(version, flags: 0xE2).ToPacket(PacketType.Connect), malformed);
            yield return First("3.1.3", "a byte behind the payload", version, login.Connect(version).Byte(0).ToPacket(PacketType.Connect), malformed);
            yield return First("3.1.3-1", "no user name where the flag announces one", version, login.Connect(version, stopsBefore: "user").ToPacket(PacketType.Connect), malformed);
            yield return First("3.1.3-1", "no password where the flag announces one", version, login.Connect(version, stopsBefore: "password").ToPacket(PacketType.Connect), malformed);
            yield return First("3.1.3-1", "no will where the flag announces one", version, login.Connect(version, flags: 0xC6, stopsBefore: "will").ToPacket(PacketType.Connect), malformed);
            yield return First("3.1.3-1", "a will without payload length", version, login.Connect(version, flags: 0xC6, will: true, stopsBefore: "payload").ToPacket(PacketType.Connect), malformed);
        }

        foreach (byte level in new byte[] { 0, 2, 3, 6, 7, 0x7F })
        {
            yield return First("3.1.2-2", $"protocol level {level}", level > 5 ? V5 : V311, login.Connect(V311, level: level).ToPacket(PacketType.Connect), level > 5 ? (byte)0x84 : (byte)1);
        }

        yield return First("3.1.1: 3.1.2-22", "a password without user name", V311, login.Connect(V311, flags: 0x42).ToPacket(PacketType.Connect), null);
        yield return First("3.1.1: 3.1.3-8", "an empty client id that is to be kept", V311, login.Connect(V311, flags: 0xC0, clientId: []).ToPacket(PacketType.Connect), 2);
        yield return First("4.12, 3.1.2.11.9", "an authentication method", V5, login.Connect(V5, properties: [0x15, 0, 1, 0x61]).ToPacket(PacketType.Connect), 0x8C);
        yield return First("3.1.2.11.10", "authentication data without a method", V5, login.Connect(V5, properties: [0x16, 0, 1, 0x61]).ToPacket(PacketType.Connect), Protocol);
        yield return First("3.1.2.11.3", "Receive Maximum 0", V5, login.Connect(V5, properties: [0x21, 0, 0]).ToPacket(PacketType.Connect), Protocol);
        yield return First("3.1.2.11.4", "Maximum Packet Size 0", V5, login.Connect(V5, properties: [0x27, 0, 0, 0, 0]).ToPacket(PacketType.Connect), Protocol);
        yield return First("3.1.2.11.6", "Request Response Information 2", V5, login.Connect(V5, properties: [0x19, 2]).ToPacket(PacketType.Connect), Protocol);
        yield return First("3.1.2.11.7", "Request Problem Information 2", V5, login.Connect(V5, properties: [0x17, 2]).ToPacket(PacketType.Connect), Protocol);
        yield return First("3.1.3.2.3", "will Payload Format Indicator 2", V5, login.Connect(V5, flags: 0xC6, will: true, willProperties: [1, 2]).ToPacket(PacketType.Connect), Protocol);
        yield return First("3.3.2-14", "a will's Response Topic with a wildcard", V5, login.Connect(V5, flags: 0xC6, will: true, willProperties: [8, 0, 1, 0x23]).ToPacket(PacketType.Connect), Protocol);
    }

    private static IEnumerable<MalformedPacket> ConnectText(Login login)
    {
        foreach (var (what, bytes) in IllFormed)
        {
            foreach (var version in new[] { V5, V311 })
            {
                byte? malformed = version == V5 ? Malformed : null;
                yield return First("3.1.3-4, 1.5.4-1", $"a client id with {what}", version, login.Connect(version, clientId: bytes).ToPacket(PacketType.Connect), version == V5 ? (byte)0x85 : (byte)2);
                yield return First("3.1.3-11, 1.5.4-1", $"a will topic with {what}", version, login.Connect(version, flags: 0xC6, will: true, willTopic: bytes).ToPacket(PacketType.Connect), malformed);
                yield return First("3.1.3-12, 1.5.4-1", $"a user name with {what}", version, login.Connect(version, user: bytes).ToPacket(PacketType.Connect), malformed);
            }

            byte[] text = [0, (byte)bytes.Length, .. bytes];
            yield return First("1.5.4-1", $"a user property with {what}", V5, login.Connect(V5, properties: [0x26, .. text, 0, 0]).ToPacket(PacketType.Connect), Malformed);
        }
    }

    private static IEnumerable<MalformedPacket> Publishes()
    {
        byte[] lobby = [0, 11, .. "rooms/lobby"u8];
        foreach (var version in new[] { V5, V311 })
        {
            var (malformed, protocol) = (OnlyFor5(version, Malformed), OnlyFor5(version, Protocol));
            var none = Empty(version);
            yield return After("3.3", "a PUBLISH that is right", version, Packet(0x30, [.. lobby, .. none, 0x78]), 0);
            yield return After("3.3.1-4", "QoS 3", version, Packet(0x36, [.. lobby, 0, 1, .. none, 0x78]), malformed);
            yield return After("3.3.1-2", "DUP at QoS 0", version, Packet(0x38, [.. lobby, .. none, 0x78]), malformed);
            yield return After("2.2.1-3", "packet id 0 at QoS 1", version, Packet(0x32, [.. lobby, 0, 0, .. none, 0x78]), protocol);
            yield return After("2.2.1-3", "packet id 0 at QoS 2", version, Packet(0x34, [.. lobby, 0, 0, .. none, 0x78]), protocol);
            yield return After("2.2.1-2", "QoS 1 without packet id", version, Packet(0x32, lobby), malformed);
            yield return After("2.2.1-2", "QoS 1 with half a packet id", version, Packet(0x32, [.. lobby, 1]), malformed);
            yield return After("3.3.2.1", "an empty PUBLISH", version, Packet(0x30, []), malformed);
            yield return After("3.3.2.1", "half a topic length", version, Packet(0x30, [0]), malformed);
            yield return After("3.3.2.1", "a topic longer than its packet", version, Packet(0x30, [0, 12, .. "rooms/lobby"u8]), malformed);
            yield return After("4.7.3-1", "an empty topic", version, Packet(0x32, [0, 0, 0, 1, .. none, 0x78]), protocol);
            foreach (var topic in new[] { "rooms/+", "rooms/#", "#", "+", "rooms/lobby/#", "rooms/lob+by" })
            {
                yield return After("3.3.2-2", $"the topic {topic}", version, new MqttWriter().String(topic).UInt16(1).Raw(none).ToPacket(PacketType.Publish, 2), protocol);
            }

            foreach (var (what, bytes) in IllFormed)
            {
                yield return After("3.3.2-1, 1.5.4-1", $"a topic with {what}", version, new MqttWriter().Binary([.. "rooms/"u8, .. bytes]).UInt16(1).Raw(none).ToPacket(PacketType.Publish, 2), malformed);
            }
        }

        byte[] head = [.. lobby, 0, 1];
        yield return After("3.3.2.3.1", "a PUBLISH with no property length", V5, Packet(0x32, head), Malformed);
        yield return After("2.2.2.1", "a PUBLISH with properties longer than it", V5, Packet(0x32, [.. head, 5, 1]), Malformed);
        yield return After("1.5.5", "a property length of five bytes", V5, Packet(0x32, [.. head, 0x80, 0x80, 0x80, 0x80, 0]), Malformed);
        yield return After("1.5.5-1", "a property length of a byte too many", V5, Packet(0x32, [.. head, 0x80, 0, 0x78]), Malformed);
        yield return After("3.3.2.3.2", "Payload Format Indicator 2", V5, Packet(0x32, [.. head, 2, 1, 2]), Protocol);
        yield return After("3.3.2-8", "Topic Alias 0", V5, Packet(0x32, [.. head, 3, 0x23, 0, 0]), 0x94);
        yield return After("3.3.2-9", "a Topic Alias over the maximum", V5, Packet(0x32, [.. head, 3, 0x23, 0, 17]), 0x94);
        yield return After("3.3.4", "a Topic Alias that was not set", V5, Packet(0x32, [0, 0, 0, 1, 3, 0x23, 0, 16]), Protocol);
        yield return After("3.3.4-6", "a Subscription Identifier", V5, Packet(0x32, [.. head, 2, 0x0B, 1]), Protocol);
        foreach (var topic in new[] { "", "users/+", "#" })
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(topic);
            yield return After("3.3.2-14, 4.7.3-1", $"the Response Topic '{topic}'", V5, Packet(0x32, [.. head, (byte)(3 + bytes.Length), 8, 0, (byte)bytes.Length, .. bytes]), Protocol);
        }

        foreach (var (what, bytes) in IllFormed)
        {
            byte[] text = [0, (byte)bytes.Length, .. bytes];
            foreach (var (clause, name, property) in new (string, string, byte[])[]
            {
                ("3.3.2-13", "Response Topic", [8, .. text]), ("3.3.2-19", "Content Type", [3, .. text]),
                ("1.5.7-1", "user property's name", [0x26, .. text, 0, 0]), ("1.5.7-1", "user property's value", [0x26, 0, 0, .. text]),
            })
            {
                yield return After($"{clause}, 1.5.4-1", $"a {name} with {what}", V5, Packet(0x32, [.. head, (byte)property.Length, .. property]), Malformed);
            }
        }

        // More packets than the Receive Maximum, and than are held beyond it, at QoS 2, none of them released.
        var many = Enumerable.Range(1, 128 + 512 + 1).SelectMany(id => Packet(0x34, [.. lobby, (byte)(id >> 8), (byte)id, 0, 0x78]));
        yield return After("3.3.4-9, 4.9", "more than the Receive Maximum under way", V5, [.. many], 0x93);
    }

    private static IEnumerable<MalformedPacket> Acknowledgements()
    {
        foreach (var (name, header, clause, good, bad) in new (string, byte, string, byte, byte)[]
        {
            ("PUBACK", 0x40, "3.4.2-1", 0x10, 0x92), ("PUBREC", 0x50, "3.5.2-1", 0x80, 0x01), ("PUBREL", 0x62, "3.6.2-1", 0x92, 0x10), ("PUBCOMP", 0x70, "3.7.2-1", 0x92, 0x80),
        })
        {
            foreach (var version in new[] { V5, V311 })
            {
                yield return After("2.2.1", $"a {name} without packet id", version, Packet(header, []), OnlyFor5(version, Malformed));
                yield return After("2.2.1", $"a {name} with half a packet id", version, Packet(header, [0]), OnlyFor5(version, Malformed));
                yield return After("2.2.1-3", $"a {name} with packet id 0", version, Packet(header, [0, 0]), OnlyFor5(version, Protocol));
                yield return After("4.3", $"a {name} for nothing", version, Packet(header, [0, 99]), 0);
            }

            yield return After("3.1.1: 2.2.3", $"a {name} of three bytes", V311, Packet(header, [0, 1, 0]), null);
            yield return After(clause, $"a {name} with reason code {good:X2}", V5, Packet(header, [0, 99, good]), 0);
            yield return After(clause, $"a {name} with reason code {bad:X2}", V5, Packet(header, [0, 99, bad]), Protocol);
            yield return After(clause, $"a {name} with reason code FF", V5, Packet(header, [0, 99, 0xFF]), Protocol);
            yield return After("2.2.2.1", $"a {name} with properties longer than it", V5, Packet(header, [0, 99, 0, 9, 0x1F]), Malformed);
            yield return After("2.2.2.1", $"a {name} with a byte behind its properties", V5, Packet(header, [0, 99, 0, 0, 0]), Malformed);
            yield return After("1.5.4-1", $"a {name} with an ill-formed Reason String", V5, Packet(header, [0, 99, 0, 4, 0x1F, 0, 1, 0xFF]), Malformed);
        }
    }

    private static IEnumerable<MalformedPacket> Filters()
    {
        foreach (var version in new[] { V5, V311 })
        {
            var (malformed, protocol) = (OnlyFor5(version, Malformed), OnlyFor5(version, Protocol));
            byte[] head = [0, 7, .. Empty(version)], lobby = [0, 11, .. "rooms/lobby"u8];
            yield return After("3.8", "a SUBSCRIBE that is right", version, Packet(0x82, [.. head, .. lobby, 1]), 0);
            yield return After("3.10", "an UNSUBSCRIBE that is right", version, Packet(0xA2, [.. head, .. lobby]), 0);
            yield return After("3.8.3-2", "a SUBSCRIBE without filters", version, Packet(0x82, head), protocol);
            yield return After("3.10.3-2", "an UNSUBSCRIBE without filters", version, Packet(0xA2, head), protocol);
            yield return After("2.2.1-3", "a SUBSCRIBE with packet id 0", version, Packet(0x82, [0, 0, .. Empty(version), .. lobby, 1]), protocol);
            yield return After("2.2.1-3", "an UNSUBSCRIBE with packet id 0", version, Packet(0xA2, [0, 0, .. Empty(version), .. lobby]), protocol);
            yield return After("3.8.3.1", "QoS 3", version, Packet(0x82, [.. head, .. lobby, 3]), version == V5 ? Protocol : null);
            yield return After("3.8.3.1", "QoS 3 in the second filter", version, Packet(0x82, [.. head, .. lobby, 1, .. lobby, 3]), protocol);
            yield return After("3.8.3-5; 3.1.1: 3.8.3-4", "reserved bit 6 of the options", version, Packet(0x82, [.. head, .. lobby, 0x41]), malformed);
            yield return After("3.8.3-5; 3.1.1: 3.8.3-4", "reserved bit 7 of the options", version, Packet(0x82, [.. head, .. lobby, 0x81]), malformed);
            yield return After("3.8.3", "a filter without options", version, Packet(0x82, [.. head, .. lobby]), malformed);
            yield return After("3.8.3", "half a filter", version, Packet(0x82, [.. head, 0, 12, .. "rooms/lobby"u8]), malformed);
            yield return After("3.8.3", "half a length", version, Packet(0x82, [.. head, .. lobby, 1, 0]), malformed);
            yield return After("3.10.3", "an UNSUBSCRIBE with half a filter", version, Packet(0xA2, [.. head, 0, 12, .. "rooms/lobby"u8]), malformed);
            yield return After("3.10.3", "an UNSUBSCRIBE with half a length", version, Packet(0xA2, [.. head, .. lobby, 0]), malformed);
            yield return After("3.8.2", "an empty SUBSCRIBE", version, Packet(0x82, []), malformed);
            yield return After("3.10.2", "an empty UNSUBSCRIBE", version, Packet(0xA2, []), malformed);
            foreach (var (what, bytes) in IllFormed)
            {
                byte[] filter = [0, (byte)(6 + bytes.Length), .. "rooms/"u8, .. bytes];
                yield return After("3.8.3-1, 4.7.3-2", $"a filter with {what}", version, Packet(0x82, [.. head, .. filter, 1]), malformed);
                yield return After("3.10.3-1, 4.7.3-2", $"a filter to end with {what}", version, Packet(0xA2, [.. head, .. filter]), malformed);
            }

            // Fault Q11. 0x8F is for a filter that is correctly formed (3.9.3), so these have no answer but the end (4.13.1-1; 3.1.1:
            // 4.8.0-1).
            foreach (var filter in new[] { "", "a/#/b", "a#", "a+", "#/a", "+a", "a/b+/c", "##" })
            {
                byte[] text = [0, (byte)filter.Length, .. System.Text.Encoding.UTF8.GetBytes(filter)];
                yield return After("4.7.1-1, 4.7.1-2, 4.7.3-1", $"the filter '{filter}'", version, Packet(0x82, [.. head, .. lobby, 1, .. text, 1]), malformed);
                yield return After("4.7.1-1, 4.7.1-2, 4.7.3-1", $"the filter '{filter}' to end", version, Packet(0xA2, [.. head, .. lobby, .. text]), malformed);
            }

            // Correctly formed filters that nothing here matches are refused alone.
            foreach (var filter in new[] { "/", "a//b", "+/+", "#", "rooms/lobby/other", "rooms/+/#" })
            {
                byte[] text = [0, (byte)filter.Length, .. System.Text.Encoding.UTF8.GetBytes(filter)];
                yield return After("3.8.4-7", $"the filter '{filter}'", version, Packet(0x82, [.. head, .. text, 1]), 0);
                yield return After("3.10.4-4", $"the filter '{filter}' to end", version, Packet(0xA2, [.. head, .. text]), 0);
            }
        }

        byte[] five = [0, 7, 0, 0, 11, .. "rooms/lobby"u8];
        yield return After("3.8.3.1", "Retain Handling 2", V5, Packet(0x82, [.. five, 0x21]), 0);
        yield return After("3.8.3.1", "Retain Handling 3", V5, Packet(0x82, [.. five, 0x31]), Protocol);
        foreach (byte options in new byte[] { 0x04, 0x08, 0x10, 0x20 })
        {
            yield return After("3.1.1: 3.8.3-4", $"the option {options:X2} of MQTT 5", V311, Packet(0x82, [0, 7, 0, 11, .. "rooms/lobby"u8, options]), null);
        }

        yield return After("3.8.3-4", "No Local of a shared subscription", V5, new MqttWriter().UInt16(7).Byte(0).String("$share/g/rooms/lobby").Byte(5).ToPacket(PacketType.Subscribe, 2), Protocol);
        // Their form is demanded as that of wildcards is; 3.1.1 knows no shared subscriptions, so there they are refused alone.
        foreach (var filter in new[] { "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#" })
        {
            byte[] text = [0, (byte)filter.Length, .. System.Text.Encoding.UTF8.GetBytes(filter)];
            yield return After("4.8.2-1, 4.8.2-2", $"the filter '{filter}'", V5, Packet(0x82, [.. five, 1, .. text, 1]), Protocol);
            yield return After("4.8.2-1, 4.8.2-2", $"the filter '{filter}' to end", V5, Packet(0xA2, [.. five, .. text]), Protocol);
        }

        yield return After("3.1.1: 3.8.4-5", "the filter '$share/g/'", V311, Packet(0x82, [0, 7, 0, 9, .. "$share/g/"u8, 1]), 0);
        yield return After("3.8.2.1.2", "Subscription Identifier 0", V5, Packet(0x82, [0, 7, 2, 0x0B, 0, 0, 1, 0x61, 1]), Protocol);
        yield return After("1.5.5", "a Subscription Identifier of five bytes", V5, Packet(0x82, [0, 7, 6, 0x0B, 0x80, 0x80, 0x80, 0x80, 1, 0, 1, 0x61, 1]), Malformed);
        yield return After("2.2.2.1", "a SUBSCRIBE with no property length", V5, Packet(0x82, [0, 7]), Malformed);
        yield return After("2.2.2.1", "a SUBSCRIBE with properties longer than it", V5, Packet(0x82, [0, 7, 40, 0x0B, 1]), Malformed);
        yield return After("2.2.2.1", "an UNSUBSCRIBE with no property length", V5, Packet(0xA2, [0, 7]), Malformed);
    }

    private static IEnumerable<MalformedPacket> Disconnects()
    {
        yield return After("3.14", "a DISCONNECT with a body", V311, [0xE0, 1, 0], null);
        foreach (byte reason in new byte[] { 0x01, 0x87, 0x8B, 0x8E, 0x9C, 0xFF })
        {
            yield return After("3.14.2-1", $"a DISCONNECT with reason code {reason:X2}, which clients do not give", V5, [0xE0, 1, reason], Protocol);
        }

        yield return After("3.1.2.11.2, 3.14.2.2.2", "a session expiry at the end where there was none", V5, [0xE0, 7, 0, 5, 0x11, 0, 0, 0, 9], Protocol);
        yield return After("2.2.2.1", "a DISCONNECT with properties longer than it", V5, [0xE0, 3, 0, 9, 0x11], Malformed);
        yield return After("2.2.2.1", "a DISCONNECT with a byte behind its properties", V5, [0xE0, 3, 0, 0, 0], Malformed);
        yield return After("1.5.4-1", "a DISCONNECT with an ill-formed Reason String", V5, [0xE0, 6, 0, 4, 0x1F, 0, 1, 0xFF], Malformed);
    }
}
