using System.Text;
using WebMessenger.Wire.Testing;
using static WebMessenger.Wire.Testing.MqttWriter;

namespace WebMessenger.Load.Fuzz;

/// <summary>How a fuzzing connection ends.</summary>
internal enum FuzzEnd
{
    /// <summary>The peer's direction ends, perhaps within a packet, and it reads on.</summary>
    HalfClose,

    Reset,
}

/// <summary>
/// One connection's worth of packets, made from a seed: a conversation that could be right,
/// with mutated packets and states that should not be in it.
/// </summary>
internal sealed class FuzzScript
{
    private readonly Random _random;
    private readonly FuzzLogin _login;
    private readonly FuzzWords _words;
    private readonly bool _isVersion5;

    // What a connection is given at one QoS it answers with that one's packets: it would not last otherwise.
    private readonly int _quality;
    private readonly HashSet<byte> _aliases = [];

    public FuzzScript(int seed, FuzzLogin login)
    {
        _random = new Random(seed);
        (_login, _words) = (login, login.Words);
        _isVersion5 = _random.Next(3) > 0;
        _quality = _words.IsData ? _random.Next(3) : 2;
        IsWebSocket = _random.Next(4) == 0;
        End = _random.Next(10) == 0 ? FuzzEnd.Reset : FuzzEnd.HalfClose;
        Packets = [.. Conversation()];
    }

    public bool IsWebSocket { get; }

    public FuzzEnd End { get; }

    public IReadOnlyList<byte[]> Packets { get; }

    /// <summary>What is written at once: packets in one, or one in pieces; WebSocket frames where it is one.</summary>
    public IEnumerable<byte[]> Writes()
    {
        foreach (var packet in Packets)
        {
            for (var from = 0; from < packet.Length;)
            {
                var length = _random.Next(8) == 0 ? _random.Next(1, packet.Length - from + 1) : packet.Length - from;
                yield return IsWebSocket ? WebSocketFrame(packet.AsSpan(from, length)) : packet[from..(from + length)];
                from += length;
            }
        }
    }

    private IEnumerable<byte[]> Conversation()
    {
        // One in ten comes with something else first.
        if (_random.Next(10) > 0)
        {
            yield return MaybeMutated(Connect(), 20);
        }

        for (var left = _random.Next(10, 120); left > 0; left--)
        {
            yield return MaybeMutated(Next(), _words.IsData ? 300 : 100);
        }
    }

    private byte[] Next() => _random.Next(16) switch
    {
        < 5 => Publish(),
        5 => Filters(8, withOptions: true),
        6 => Filters(10, withOptions: false),
        7 => Acknowledgement(_quality == 1 || _random.Next(4) == 0 ? 4 : 6),
        8 => Acknowledgement(_quality == 2 || _random.Next(10) == 0 ? 5 : 6),
        9 or 10 => Acknowledgement(6),
        11 => Acknowledgement(_quality == 2 || _random.Next(10) == 0 ? 7 : 4),
        12 => _random.Next(40) == 0 ? ClientPackets.Disconnect : ClientPackets.PingReq,
        13 => _random.Next(40) == 0 ? Connect() : ClientPackets.PingReq,
        14 => _random.Next(40) == 0 ? Packet((byte)_random.Next(256), Bytes(_random.Next(40))) : Publish(),
        _ => Publish(),
    };

    private byte[] Connect()
    {
        var flags = 0xC0 | (_random.Next(2) << 1);
        List<byte> body = [.. Text("MQTT"), (byte)(_isVersion5 ? 5 : 4), 0, 0, (byte)_random.Next(60)];
        if (_isVersion5)
        {
            byte[] properties = _random.Next(4) switch
            {
                0 => [0x11, 0, 0, 1, 0],
                1 => [0x21, 0, (byte)_random.Next(1, 20)],
                2 => [0x27, 0, 0, (byte)_random.Next(1, 9), 0, 0x17, 0],
                _ => [],
            };
            body.AddRange([(byte)properties.Length, .. properties]);
        }

        // Few ids: they take each other over, and come back to what was kept of them.
        body.AddRange(Text(_random.Next(8) == 0 ? "" : $"fuzz-{_random.Next(_words.IsData ? 24 : 6)}"));
        if (_random.Next(3) == 0)
        {
            flags |= 0x04 | (_random.Next(3) << 3) | (_words.IsData ? _random.Next(2) << 5 : 0);
            var topic = Pick(_random.Next(2) == 0 ? _words.Home : _words.Topics);
            body.AddRange([.. _isVersion5 ? WillProperties() : [], .. Text(topic), .. Text(_words.IsData ? Pick(_words.Payloads) : "bye")]);
        }

        body[7] = (byte)flags;
        body.AddRange([.. Text(_login.User), .. Text(_random.Next(20) == 0 ? "wrong" : _login.Secret)]);
        return Packet(0x10, [.. body]);
    }

    private byte[] WillProperties()
    {
        byte[] properties = !_words.IsData ? [] : _random.Next(5) switch
        {
            0 => [0x18, 0, 0, 0, (byte)_random.Next(3)],
            1 => [0x02, 0, 0, 0, (byte)_random.Next(3)],
            2 => [.. PassedOn(), 0x18, 0, 0, 0, 1],
            _ => [],
        };
        return [(byte)properties.Length, .. properties];
    }

    // MQTT 5.0, 3.3.2.3: what a publish says beside its payload, which goes to whoever hears it byte for byte.
    private byte[] PassedOn() => _random.Next(40) switch
    {
        < 10 => [0x26, .. Text("k"), .. Text("v"), 0x26, .. Text("k"), .. Text("")],
        < 20 => [0x08, .. Text("a/answers"), 0x09, 0, 2, 0, 0xFF],
        < 30 => [0x03, .. Text("application/json")],
        < 39 => [0x01, (byte)_random.Next(2)],
        _ => [0x08, .. Text("a/#")],
    };

    private byte[] Publish()
    {
        var quality = _random.Next(3);
        List<byte> body = [];
        byte[] properties = [];
        var topic = Word(_random.Next(12) > 0 ? _words.Home : _words.Topics);
        if (_isVersion5 && _random.Next(4) == 0)
        {
            properties = _random.Next(4) switch
            {
                0 => [0x23, 0, (byte)_random.Next(1, 16)],
                1 => [0x01, 1, 0x02, 0, 0, 0, (byte)_random.Next(3)],
                2 => [0x26, .. Text("id"), .. Text($"{_random.Next(20)}")],
                _ when _words.IsData => PassedOn(),
                _ => [0x08, .. Text("users/nobody"), 0x09, .. Text("x")],
            };
        }

        // Of an alias that was given before, mostly (3.3.2.3.4).
        if (_words.IsData && properties is [0x23, _, var alias] && !_aliases.Add(alias) && _random.Next(4) > 0)
        {
            topic = "";
        }

        body.AddRange(Text(topic));
        if (quality > 0)
        {
            body.AddRange(PacketId());
        }

        if (_isVersion5)
        {
            body.AddRange([(byte)properties.Length, .. properties]);
        }

        body.AddRange(_random.Next(6) == 0 ? Bytes(_random.Next(600)) : Encoding.UTF8.GetBytes(Pick(_words.Payloads)));
        return Packet((byte)(0x30 | (quality << 1) | _random.Next(2) | (quality > 0 && _random.Next(4) == 0 ? 8 : 0)), [.. body]);
    }

    private byte[] Filters(int type, bool withOptions)
    {
        List<byte> body = [.. PacketId()];
        if (_isVersion5)
        {
            byte[] properties = !withOptions ? [] : _random.Next(5) switch
            {
                0 => [0x0B, (byte)_random.Next(1, 9)],
                1 => [0x26, .. Text("after"), .. Text($"{_random.Next(50)}")],
                2 => [0x26, .. Text("last"), .. Text($"{_random.Next(50)}")],
                _ => [],
            };
            body.AddRange([(byte)properties.Length, .. properties]);
        }

        for (var left = _random.Next(1, 4); left > 0; left--)
        {
            body.AddRange(Text(Word(_words.Filters)));
            if (withOptions)
            {
                body.Add(Options());
            }
        }

        return Packet((byte)(type << 4 | 2), [.. body]);
    }

    private byte Options()
    {
        var quality = _words.IsData && _random.Next(10) > 0 ? _quality : _random.Next(3);
        return (byte)(quality | (_isVersion5 && _random.Next(16) == 0 ? _random.Next(64) & _words.OptionBits : 0));
    }

    private byte[] Acknowledgement(int type)
    {
        byte[] body = _isVersion5 && _random.Next(16) == 0 ? [.. PacketId(), 0, 0] : [.. PacketId()];
        return Packet((byte)(type << 4 | (type == 6 ? 2 : 0)), body);
    }

    private byte[] MaybeMutated(byte[] packet, int oneOf)
    {
        if (_random.Next(oneOf) > 0)
        {
            return packet;
        }

        List<byte> bytes = [.. packet];
        for (var n = _random.Next(1, 4); n > 0; n--)
        {
            var at = _random.Next(bytes.Count);
            switch (_random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)_random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 2:
                    bytes.Insert(at, (byte)_random.Next(256));
                    break;
                case 3 when bytes.Count > 1:
                    bytes.RemoveAt(at);
                    break;
                case 4 when bytes.Count > 4:
                    bytes.RemoveRange(at, bytes.Count - at - 1);
                    break;
            }
        }

        // Half of them with a length that is right again, so that they are read to their end.
        if (bytes.Count is > 2 and < 129 && _random.Next(2) == 0)
        {
            bytes[1] = (byte)(bytes.Count - 2);
        }

        return [.. bytes];
    }

    // RFC 6455, 5.2: a client's frame, mostly binary and whole; sometimes a part, a ping, a text, or nothing that is known.
    private byte[] WebSocketFrame(ReadOnlySpan<byte> payload)
    {
        byte first = _random.Next(300) switch { 0 => 0x81, 1 => 0x89, 2 => 0x02, 3 => 0x88, 4 => 0xF3, _ => 0x82 };
        var mask = Bytes(4);
        List<byte> frame = [first];
        if (payload.Length < 126)
        {
            frame.Add((byte)(0x80 | payload.Length));
        }
        else
        {
            frame.AddRange([0x80 | 126, (byte)(payload.Length >> 8), (byte)payload.Length]);
        }

        frame.AddRange(mask);
        for (var i = 0; i < payload.Length; i++)
        {
            frame.Add((byte)(payload[i] ^ mask[i % 4]));
        }

        return [.. frame];
    }

    private byte[] PacketId() => [0, (byte)(_random.Next(400) == 0 ? 0 : _random.Next(1, 20))];

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private string Word(IReadOnlyList<string> right) => Pick(_words.Wrong.Count > 0 && _random.Next(120) == 0 ? _words.Wrong : right);

    private string Pick(IReadOnlyList<string> among) => among[_random.Next(among.Count)];
}
