using System.Buffers.Binary;
using System.Text;

namespace WebMessenger.Wire.Testing;

/// <summary>The server sent bytes that MQTT does not allow: always the server's fault, so it fails the test that sees it.</summary>
internal sealed class MalformedPacketException(string message) : Exception(message);

/// <summary>Reads one packet's body strictly: what is too short, too long or no UTF-8 is an error.</summary>
internal ref struct MqttReader(PacketType type, ReadOnlySpan<byte> body)
{
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private ReadOnlySpan<byte> _rest = body;

    public MqttReader(MqttPacket packet)
        : this(packet.Type, packet.Body)
    {
    }

    public readonly bool AtEnd => _rest.IsEmpty;

    public byte Byte() => Take(1)[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    public uint UInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public string String() => _strict.GetString(Binary());

    /// <summary>What has its length before it, where it lies.</summary>
    public ReadOnlySpan<byte> Binary() => Take(UInt16());

    public int VariableInteger()
    {
        var value = 0;
        for (var shift = 0; shift <= 21; shift += 7)
        {
            var part = Byte();
            value |= (part & 0x7F) << shift;
            if ((part & 0x80) == 0)
            {
                return value;
            }
        }

        throw new MalformedPacketException($"{type}: a variable byte integer of more than four bytes");
    }

    public MqttProperties Properties()
    {
        var length = VariableInteger();
        MqttReader inner = this;
        inner._rest = Take(length);
        MqttProperties properties = [];
        while (!inner.AtEnd)
        {
            properties.AddFrom(ref inner);
        }

        return properties;
    }

    public ReadOnlySpan<byte> Rest() => Take(_rest.Length);

    /// <summary>Passes over properties without looking at them.</summary>
    public void SkipProperties() => Take(VariableInteger());

    public readonly void End()
    {
        if (!_rest.IsEmpty)
        {
            throw new MalformedPacketException($"{type} has {_rest.Length} bytes too many");
        }
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            throw new MalformedPacketException($"{type} ends {count - _rest.Length} bytes early");
        }

        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
