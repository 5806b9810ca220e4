using System.Buffers;

namespace WebMessenger.Broker.Transports;

/// <summary>What came on a socket and is not consumed, always in one piece.</summary>
/// <remarks>
/// A connection at rest holds <see cref="RestingBytes"/>, in which acknowledgements and most messages find room.
/// What is longer goes into a rented array until it is consumed. It is a field of <see cref="SocketInput"/>, under its gate.
/// </remarks>
internal struct InputBuffer()
{
    private const int RestingBytes = 256;
    private const int GrowingBytes = 1024;
    private const int WorkingBytes = 4096;

    private readonly byte[] _resting = new byte[RestingBytes];
    private byte[]? _rented;
    private int _start;
    private int _end;

    public readonly bool IsEmpty => _start == _end;

    public readonly bool IsFull => _end == Bytes.Length;

    public readonly ReadOnlySequence<byte> Held => new(Bytes, _start, _end - _start);

    /// <summary>Where the next bytes go.</summary>
    public readonly Memory<byte> Space => Bytes.AsMemory(_end);

    private readonly byte[] Bytes => _rented ?? _resting;

    public void Added(int count) => _end += count;

    public void Consume(int count) => _start += count;

    /// <summary>Makes <see cref="Space"/> for a receive.</summary>
    public void MakeRoom()
    {
        if (IsEmpty)
        {
            Rest();
        }
        else if (IsFull || _rented is null)
        {
            // The rest of something longer is to come. Who parses it says by its length when it is too much.
            Move(Math.Max(GrowingBytes, (_end - _start) * 2));
        }
    }

    /// <summary>It is full, so there may be more. False: it is as large as it gets for what nobody has looked at.</summary>
    public bool TryGrowForMore()
    {
        if (Bytes.Length < WorkingBytes)
        {
            Move(WorkingBytes);
        }

        return !IsFull;
    }

    /// <summary>All is consumed, and nothing is received into it.</summary>
    public void Rest()
    {
        (_start, _end) = (0, 0);
        if (_rented is { } rented)
        {
            _rented = null;
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private void Move(int size)
    {
        var larger = ArrayPool<byte>.Shared.Rent(size);
        var length = _end - _start;
        Bytes.AsSpan(_start, length).CopyTo(larger);
        if (_rented is { } rented)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        (_rented, _start, _end) = (larger, 0, length);
    }
}
