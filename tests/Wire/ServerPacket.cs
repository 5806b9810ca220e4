using System.Buffers.Binary;

namespace WebMessenger.Wire.Testing;

/// <summary>
/// A packet of a server where it lies in the receive buffer: nothing is copied, and of its body only what is asked for is read.
/// </summary>
internal readonly ref struct ServerPacket
{
    private ServerPacket(byte header, ReadOnlySpan<byte> body, int length)
    {
        Header = header;
        Body = body;
        Length = length;
    }

    public byte Header { get; }

    /// <summary>All behind the remaining length.</summary>
    public ReadOnlySpan<byte> Body { get; }

    public PacketType Type => (PacketType)(Header >> 4);

    /// <summary>Of the whole packet, in bytes.</summary>
    public int Length { get; }

    /// <summary>Of PUBACK, PUBREC, PUBCOMP and SUBACK.</summary>
    public ushort PacketId => BinaryPrimitives.ReadUInt16BigEndian(Body);

    /// <summary>Of CONNACK.</summary>
    public byte ConnectCode => Body[1];

    /// <summary>Of CONNACK.</summary>
    public bool IsSessionPresent => (Body[0] & 1) != 0;

    /// <summary>Of PUBLISH: 0 to 2.</summary>
    public byte QualityOfService => (byte)((Header >> 1) & 3);

    /// <summary>Of PUBLISH: the flag.</summary>
    public bool IsRetained => (Header & 1) != 0;

    /// <summary>Of PUBLISH: the server has sent it before.</summary>
    public bool IsDuplicate => (Header & 0x08) != 0;

    /// <summary>Of PUBACK and PUBREC; 3.1.1 has none, which is success.</summary>
    public byte AnswerCode => Body.Length > 2 ? Body[2] : (byte)0;

    /// <summary>Of DISCONNECT.</summary>
    public byte DisconnectCode => Body.Length > 0 ? Body[0] : (byte)0;

    /// <summary>Of SUBACK, for the last filter: the granted QoS, or 0x80 and above.</summary>
    public byte GrantedQualityOfService => Body[^1];

    /// <summary>False: the packet is not all there yet.</summary>
    /// <exception cref="MalformedPacketException">The remaining length has more than four bytes.</exception>
    public static bool TryRead(ReadOnlySpan<byte> received, out ServerPacket packet)
    {
        packet = default;
        var length = 0;
        for (var at = 1; at < received.Length; at++)
        {
            length |= (received[at] & 0x7F) << (7 * (at - 1));
            if (received[at] < 0x80)
            {
                if (received.Length < at + 1 + length)
                {
                    return false;
                }

                packet = new ServerPacket(received[0], received.Slice(at + 1, length), at + 1 + length);
                return true;
            }

            if (at == 4)
            {
                throw new MalformedPacketException("a remaining length of more than four bytes");
            }
        }

        return false;
    }

    /// <summary>The payload of a PUBLISH, whose topic and properties are passed over. The packet id is 0 at QoS 0.</summary>
    public ReadOnlySpan<byte> ReadPublish(MqttVersion version, out ushort packetId)
    {
        MqttReader reader = new(Type, Body);
        reader.Binary();
        packetId = (Header & 0x06) == 0 ? (ushort)0 : reader.UInt16();
        if (version == MqttVersion.V5)
        {
            reader.SkipProperties();
        }

        return reader.Rest();
    }
}
