using System.Buffers;

namespace WebMessenger.Broker.Wire;

internal enum FrameStatus
{
    Incomplete,
    Complete,
    Malformed,
    TooLarge,
}

/// <summary>One MQTT packet as it lies in the receive buffer: the first byte and the bytes behind the Remaining Length.</summary>
/// <param name="isPadded">Its Remaining Length has more bytes than it needs: MQTT 5 forbids it [MQTT-1.5.5-1], 3.1.1 does not.</param>
internal readonly ref struct Frame(byte header, ReadOnlySequence<byte> body, bool isPadded)
{
    public byte Header { get; } = header;

    public ReadOnlySequence<byte> Body { get; } = body;

    public PacketType Type => (PacketType)(Header >> 4);

    public bool IsPadded { get; } = isPadded;

    public byte Flags => (byte)(Header & 0x0F);

    /// <summary>
    /// Looks at the fixed header before anything is buffered for it, so that a peer cannot announce its way into memory: a fifth length
    /// byte is malformed [MQTT5 1.5.5-1], a length over <paramref name="maximum"/> is refused as soon as it is known.
    /// </summary>
    public static FrameStatus TryRead(in ReadOnlySequence<byte> buffer, int maximum, out Frame frame)
    {
        frame = default;
        var reader = new SequenceReader<byte>(buffer);
        if (!reader.TryRead(out var header))
        {
            return FrameStatus.Incomplete;
        }

        var length = 0;
        bool isPadded;
        for (var shift = 0; ; shift += 7)
        {
            if (/* guard: four length bytes */ shift == 28)
            {
                return FrameStatus.Malformed;
            }

            if (!reader.TryRead(out var digit))
            {
                return FrameStatus.Incomplete;
            }

            length |= (digit & 0x7F) << shift;
            if ((digit & 0x80) == 0)
            {
                isPadded = digit == 0 && shift > 0;
                break;
            }
        }

        if (/* guard: length is checked before buffering */ length > maximum)
        {
            return FrameStatus.TooLarge;
        }

        if (reader.Remaining < length)
        {
            return FrameStatus.Incomplete;
        }

        frame = new Frame(header, buffer.Slice(reader.Position, length), isPadded);
        return FrameStatus.Complete;
    }
}
