namespace WebMessenger.Wire.Testing;

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
        if (!ServerPacket.TryRead(_bytes.AsSpan(_start, _end - _start), out var packet))
        {
            return null;
        }

        _start += packet.Length;
        return new MqttPacket(packet.Header, packet.Body.ToArray());
    }
}
