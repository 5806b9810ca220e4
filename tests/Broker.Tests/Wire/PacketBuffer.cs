namespace WebMessenger.Broker.Tests.Wire;

/// <summary>Cuts a byte stream into packets.</summary>
internal sealed class PacketBuffer
{
    private byte[] _bytes = new byte[4096];
    private int _start;
    private int _end;

    /// <summary>Where the next bytes go; never empty.</summary>
    public Memory<byte> Space()
    {
        if (_start > 0)
        {
            _bytes.AsSpan(_start, _end - _start).CopyTo(_bytes);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _bytes.Length)
        {
            Array.Resize(ref _bytes, _bytes.Length * 2);
        }

        return _bytes.AsMemory(_end);
    }

    public void Added(int count) => _end += count;

    /// <summary>The next packet, or null when more bytes are needed for it.</summary>
    public MqttPacket? Take()
    {
        var bytes = _bytes.AsSpan(_start, _end - _start);
        var length = 0;
        for (var i = 1; i < bytes.Length; i++)
        {
            length |= (bytes[i] & 0x7F) << (7 * (i - 1));
            if ((bytes[i] & 0x80) == 0)
            {
                return Cut(bytes, i + 1, length);
            }

            if (i == 4)
            {
                throw new MalformedPacketException("a remaining length of more than four bytes");
            }
        }

        return null;
    }

    private MqttPacket? Cut(ReadOnlySpan<byte> bytes, int headerLength, int length)
    {
        if (bytes.Length < headerLength + length)
        {
            return null;
        }

        _start += headerLength + length;
        return new MqttPacket(bytes[0], bytes.Slice(headerLength, length).ToArray());
    }
}
