using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace WebMessenger.Broker.Streams;

/// <summary>
/// Which client said the newest events of a stream, for MQTT 5's No Local where an event comes from the log:
/// what is stored names the account only.
/// </summary>
/// <remarks>
/// An event is noted before the log has it, so none is read there that is not known here. 8 bytes each,
/// and only where somebody asked for No Local. Thread-safe; its gate is a leaf.
/// </remarks>
internal sealed class RecentPublishers
{
    /// <summary>Older ones are forgotten: who is further behind hears its own words again.</summary>
    public const int Capacity = 1024;

    private const int FirstCapacity = 32;

    private readonly Lock _gate = new();
    private ulong[] _said = new ulong[FirstCapacity];
    private int _next;

    /// <summary>Tells an account's client from all others, on whatever connection. Never 0.</summary>
    public static ulong MarkOf(string accountId, string clientId) => Hash(Encoding.UTF8.GetBytes(accountId + "\n" + clientId)) | 1;

    /// <param name="id">The event's id as it is stored.</param>
    public void Add(ulong mark, ReadOnlySpan<byte> id)
    {
        var said = Key(mark, id);
        lock (_gate)
        {
            if (_next == _said.Length && _said.Length < Capacity)
            {
                Array.Resize(ref _said, _said.Length * 2);
            }

            _next %= _said.Length;
            _said[_next++] = said;
        }
    }

    public bool Has(ulong mark, ReadOnlySpan<byte> id)
    {
        var said = Key(mark, id);
        lock (_gate)
        {
            return _said.AsSpan().Contains(said);
        }
    }

    private static ulong Key(ulong mark, ReadOnlySpan<byte> id) => Hash(id) ^ mark;

    private static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(bytes, hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash);
    }
}
