using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace WebMessenger.Wire.Testing;

/// <summary>Gathers a packet's bytes. It checks nothing: tests send what MQTT forbids.</summary>
internal sealed class MqttWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>A string with its length before it.</summary>
    public static byte[] Text(string value) => new MqttWriter().String(value).ToArray();

    /// <summary>A whole packet of any first byte.</summary>
    public static byte[] Packet(byte header, ReadOnlySpan<byte> body) =>
        new MqttWriter().Byte(header).VariableInteger(body.Length).Raw(body).ToArray();

    public MqttWriter Byte(byte value) => Raw([value]);

    public MqttWriter UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.GetSpan(2), value);
        _bytes.Advance(2);
        return this;
    }

    public MqttWriter UInt32(uint value) => UInt16((ushort)(value >> 16)).UInt16((ushort)value);

    public MqttWriter String(string value) => Binary(Encoding.UTF8.GetBytes(value));

    public MqttWriter Binary(ReadOnlySpan<byte> value) => UInt16((ushort)value.Length).Raw(value);

    public MqttWriter Raw(ReadOnlySpan<byte> value)
    {
        _bytes.Write(value);
        return this;
    }

    public MqttWriter VariableInteger(int value)
    {
        do
        {
            var part = (byte)(value & 0x7F);
            value >>= 7;
            Byte((byte)(value > 0 ? part | 0x80 : part));
        }
        while (value > 0);
        return this;
    }

    public MqttWriter Properties(MqttProperties? properties)
    {
        (properties ?? []).WriteTo(this);
        return this;
    }

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    /// <summary>The whole packet: first byte, remaining length, what was gathered.</summary>
    public byte[] ToPacket(PacketType type, byte flags = 0) => Packet((byte)((byte)type << 4 | flags), _bytes.WrittenSpan);
}
