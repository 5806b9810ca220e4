using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;

namespace WebMessenger.Load.Wire;

internal enum PacketType : byte
{
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubComp = 7,
    SubAck = 9,
    PingResp = 13,
    Disconnect = 14,
}

/// <summary>A packet of a server as it lies in the receive buffer. Trusts the server to be well-formed: a tool for measuring, not for judging bytes.</summary>
internal readonly ref struct ServerPacket
{
    private readonly byte _header;
    private readonly ReadOnlySpan<byte> _body;

    private ServerPacket(byte header, ReadOnlySpan<byte> body, int length)
    {
        _header = header;
        _body = body;
        Length = length;
    }

    public PacketType Type => (PacketType)(_header >> 4);

    /// <summary>Of the whole packet, in bytes.</summary>
    public int Length { get; }

    /// <summary>Of PUBACK, PUBREC, PUBCOMP and SUBACK.</summary>
    public ushort PacketId => BinaryPrimitives.ReadUInt16BigEndian(_body);

    /// <summary>Of CONNACK.</summary>
    public byte ConnectCode => _body[1];

    /// <summary>Of CONNACK.</summary>
    public bool IsSessionPresent => (_body[0] & 1) != 0;

    /// <summary>Of PUBLISH: the server has sent it before.</summary>
    public bool IsDuplicate => (_header & 0x08) != 0;

    /// <summary>Of PUBACK and PUBREC; 3.1.1 has none, which is success.</summary>
    public byte AnswerCode => _body.Length > 2 ? _body[2] : (byte)0;

    /// <summary>Of DISCONNECT.</summary>
    public byte DisconnectCode => _body.Length > 0 ? _body[0] : (byte)0;

    /// <summary>Of SUBACK, for the last filter: the granted QoS, or 0x80 and above.</summary>
    public byte GrantedQualityOfService => _body[^1];

    /// <summary>False: the packet is not all there yet.</summary>
    public static bool TryRead(ReadOnlySpan<byte> received, out ServerPacket packet)
    {
        packet = default;
        var length = 0;
        for (var at = 1; at < received.Length; at++)
        {
            length |= (received[at] & 0x7F) << (7 * (at - 1));
            if (received[at] >= 0x80)
            {
                continue;
            }

            if (received.Length < at + 1 + length)
            {
                return false;
            }

            packet = new ServerPacket(received[0], received.Slice(at + 1, length), at + 1 + length);
            return true;
        }

        return false;
    }

    /// <summary>Takes a PUBLISH apart. The packet id is 0 at QoS 0.</summary>
    public ReadOnlySpan<byte> ReadPublish(MqttVersion version, out ushort packetId)
    {
        var at = 2 + BinaryPrimitives.ReadUInt16BigEndian(_body);
        packetId = 0;
        if ((_header & 0x06) != 0)
        {
            packetId = BinaryPrimitives.ReadUInt16BigEndian(_body[at..]);
            at += 2;
        }

        if (version == MqttVersion.V5)
        {
            var length = ReadLength(ref at);
            at += length;
        }

        return _body[at..];
    }

    /// <summary>Of PUBACK and PUBREC of MQTT 5: the user properties that say under which number the event is stored. False: they are not there.</summary>
    public bool TryReadStored(out long seq, out string epoch)
    {
        (seq, epoch) = (0, "");
        var at = 3;
        if (_body.Length <= at)
        {
            return false;
        }

        var end = ReadLength(ref at) + at;
        while (at < end)
        {
            const byte reasonString = 0x1F, userProperty = 0x26;
            switch (_body[at++])
            {
                case reasonString:
                    ReadText(ref at);
                    break;
                case userProperty:
                    var name = ReadText(ref at);
                    var value = ReadText(ref at);
                    if (name.SequenceEqual("seq"u8))
                    {
                        _ = Utf8Parser.TryParse(value, out seq, out _);
                    }
                    else if (name.SequenceEqual("epoch"u8))
                    {
                        epoch = Encoding.UTF8.GetString(value);
                    }

                    break;
                default:
                    return false;
            }
        }

        return seq > 0 && epoch.Length > 0;
    }

    private int ReadLength(ref int at)
    {
        var length = 0;
        for (var shift = 0; ; shift += 7)
        {
            var digit = _body[at++];
            length |= (digit & 0x7F) << shift;
            if (digit < 0x80)
            {
                return length;
            }
        }
    }

    private ReadOnlySpan<byte> ReadText(ref int at)
    {
        var text = _body.Slice(at + 2, BinaryPrimitives.ReadUInt16BigEndian(_body[at..]));
        at += 2 + text.Length;
        return text;
    }
}
