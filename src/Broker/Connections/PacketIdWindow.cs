using System.Numerics;

namespace WebMessenger.Broker.Connections;

/// <summary>The packet ids of publishes that a client has not acknowledged: at most its Receive Maximum, and at most ours.</summary>
/// <remarks>A bit per id, so that a connection with nothing in flight costs nothing. Guarded by the connection's write lock.</remarks>
internal sealed class PacketIdWindow
{
    public const int LargestSize = 1024;

    private ulong[] _taken = [];
    private int _size = 128;
    private int _inFlight;
    private int _next;

    public int Free => Math.Max(0, _size - _inFlight);

    public bool IsFull => _inFlight >= _size;

    /// <summary>1 to <see cref="LargestSize"/>. Before the first use.</summary>
    public void Resize(int size) => _size = Math.Clamp(size, 1, LargestSize);

    public bool TryTake(out ushort packetId)
    {
        packetId = 0;
        if (IsFull)
        {
            return false;
        }

        if (_taken.Length == 0)
        {
            // Twice the window, so that a new id is seldom one that was acknowledged a moment ago.
            _taken = new ulong[Math.Max(1, (_size * 2 + 63) / 64)];
        }

        var ids = _taken.Length * 64;
        while (true)
        {
            var free = ~(_taken[_next / 64] >> (_next % 64)) << (_next % 64);
            if (free == 0)
            {
                _next = (_next / 64 + 1) * 64 % ids;
                continue;
            }

            var index = _next / 64 * 64 + BitOperations.TrailingZeroCount(free);
            _taken[index / 64] |= 1UL << (index % 64);
            _next = (index + 1) % ids;
            _inFlight++;
            packetId = (ushort)(index + 1);
            return true;
        }
    }

    /// <summary>False: no publish with this id is in flight.</summary>
    public bool Release(ushort packetId)
    {
        var index = packetId - 1;
        if (index < 0 || index >= _taken.Length * 64 || (_taken[index / 64] & (1UL << (index % 64))) == 0)
        {
            return false;
        }

        _taken[index / 64] &= ~(1UL << (index % 64));
        _inFlight--;
        return true;
    }
}
