using System.Numerics;

namespace WebMessenger.Broker.Wire;

/// <summary>The packet ids of publishes that a client has not acknowledged: at most its Receive Maximum, and at most ours.</summary>
/// <remarks>A bit per id, so that a connection with nothing in flight costs nothing. Guarded by the connection's write lock.</remarks>
internal sealed class PacketIdWindow
{
    public const int LargestSize = 1024;

    /// <summary>
    /// The ids of what another node has for a client begin above this, and none of its own are as high: so they stay what they are on the
    /// way to the client, also when it comes back to another node.
    /// </summary>
    public const ushort Relayed = 0x8000;

    private ulong[] _taken = [];
    private HashSet<ushort>? _reserved;

    // Free ids that a record on disk may still have as in flight.
    private Dictionary<ushort, Action<ushort>>? _stale;
    private int _size = 128;
    private int _inFlight;
    private int _next;
    private ushort _base;

    public int Size => _size;

    public int Free => Math.Max(0, _size - _inFlight);

    public bool IsFull => _inFlight >= _size;

    /// <summary>1 to <see cref="LargestSize"/>. Before the first use.</summary>
    public void Resize(int size) => _size = Math.Clamp(size, 1, LargestSize);

    /// <summary>All ids lie above <see cref="Relayed"/>. Before the first use.</summary>
    public void BeginAtRelayed() => _base = Relayed;

    /// <summary>Takes room for a publish whose id another window has given.</summary>
    public bool TryBorrow()
    {
        var isFree = !IsFull;
        _inFlight += isFree ? 1 : 0;
        return isFree;
    }

    /// <summary>A publish whose id another window has given is acknowledged.</summary>
    public void GiveBack() => _inFlight--;

    public bool TryTake(out ushort packetId)
    {
        packetId = 0;
        if (IsFull)
        {
            return false;
        }

        if (_taken.Length == 0)
        {
            _taken = new ulong[Words];
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
            packetId = (ushort)(index + 1 + _base);
            if (_stale?.Remove(packetId, out var forget) == true)
            {
                forget(packetId);
            }

            return true;
        }
    }

    /// <summary>A publish with this id was sent, on this connection or an earlier one, and not acknowledged.</summary>
    public bool Contains(ushort packetId) => IsTaken(packetId);

    /// <summary>False: no publish with this id is in flight.</summary>
    public bool Release(ushort packetId)
    {
        if (!IsTaken(packetId) || _reserved?.Contains(packetId) == true)
        {
            return false;
        }

        Clear(packetId);
        _inFlight--;
        return true;
    }

    /// <summary>A record may still say that the id is in flight. Whoever gets it next has that record written before its own.</summary>
    /// <param name="forget">Hands the record without the id to the store; waits for nothing.</param>
    public void NoteStale(ushort packetId, Action<ushort> forget) => (_stale ??= [])[packetId] = forget;

    /// <summary>The id is that of a publish which will be sent again: no other gets it. It takes no room until it is used.</summary>
    public void Reserve(ushort packetId)
    {
        if (!(_reserved ??= []).Add(packetId))
        {
            return;
        }

        // Beside the reserved ones there are always ids to give. By how many there are, not by how high they are:
        // or the ids would grow from connection to connection.
        var words = Math.Max(Words + (_reserved.Count + 63) / 64, (packetId - _base + 63) / 64);
        if (_taken.Length < words)
        {
            Array.Resize(ref _taken, words);
        }

        var index = packetId - 1 - _base;
        _taken[index / 64] |= 1UL << (index % 64);
    }

    /// <summary>The publish of a reserved id is sent.</summary>
    public void Use(ushort packetId)
    {
        if (_reserved?.Remove(packetId) == true)
        {
            _inFlight++;
        }
    }

    /// <summary>The publish of a reserved id will not be sent.</summary>
    public void Unreserve(ushort packetId)
    {
        if (_reserved?.Remove(packetId) == true)
        {
            Clear(packetId);
        }
    }

    // Twice the window, so that a new id is seldom one that was acknowledged a moment ago.
    private int Words => Math.Max(1, (_size * 2 + 63) / 64);

    private bool IsTaken(ushort packetId)
    {
        var index = packetId - 1 - _base;
        return index >= 0 && index < _taken.Length * 64 && (_taken[index / 64] & (1UL << (index % 64))) != 0;
    }

    private void Clear(ushort packetId)
    {
        var index = packetId - 1 - _base;
        _taken[index / 64] &= ~(1UL << (index % 64));
    }
}
