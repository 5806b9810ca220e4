using System.Buffers.Binary;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Wire;

/// <summary>
/// Reads MQTT's data types from one packet's bytes (MQTT 5.0, 1.5). Every method says no instead of reading past the end.
/// </summary>
internal ref struct PacketReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; private set; }

    public readonly bool IsAtEnd => Position == _bytes.Length;

    public readonly ReadOnlySpan<byte> Rest => _bytes[Position..];

    public bool TryReadByte(out byte value)
    {
        if (Position >= _bytes.Length)
        {
            value = 0;
            return false;
        }

        value = _bytes[Position++];
        return true;
    }

    public bool TryReadUInt16(out ushort value)
    {
        if (_bytes.Length - Position < 2)
        {
            value = 0;
            return false;
        }

        value = BinaryPrimitives.ReadUInt16BigEndian(_bytes[Position..]);
        Position += 2;
        return true;
    }

    public bool TrySkip(int count)
    {
        if (_bytes.Length - Position < count)
        {
            return false;
        }

        Position += count;
        return true;
    }

    /// <summary>Two bytes of length, then that many bytes: Binary Data, or a UTF-8 string not looked at.</summary>
    public bool TryReadBinary(out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!TryReadUInt16(out var length) || _bytes.Length - Position < length)
        {
            return false;
        }

        value = _bytes.Slice(Position, length);
        Position += length;
        return true;
    }

    /// <summary>A UTF-8 string that is well-formed and free of NUL [MQTT-1.5.4-1, MQTT-1.5.4-2].</summary>
    public bool TryReadString(out ReadOnlySpan<byte> value) => TryReadBinary(out value) && /* guard: well-formed text */ MqttText.IsWellFormed(value);

    public bool TryReadVariableByteInteger(out int value)
    {
        value = 0;
        for (var shift = 0; shift < 28; shift += 7)
        {
            if (!TryReadByte(out var digit))
            {
                return false;
            }

            value |= (digit & 0x7F) << shift;
            if ((digit & 0x80) == 0)
            {
                // [MQTT-1.5.5-1] As few bytes as will do.
                return digit > 0 || shift == 0;
            }
        }

        return false;
    }

    public bool TryReadBytes(int count, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (count < 0 || _bytes.Length - Position < count)
        {
            return false;
        }

        value = _bytes.Slice(Position, count);
        Position += count;
        return true;
    }
}
