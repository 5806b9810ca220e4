using System.Buffers.Binary;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>How far somebody has read: everything up to this seq of this epoch.</summary>
/// <param name="Epoch">
/// Empty with seq 0: nothing was read, whatever the epoch. An empty log's epoch is not on disk yet, so none can be kept for it.
/// </param>
internal readonly record struct Mark(long Seq, string Epoch)
{
    public static Mark Nothing { get; } = new(0, "");

    public static Mark AtHead(in LogHead head) => head.Head == 0 ? Nothing : new Mark(head.Head, head.Epoch);

    /// <summary>False: it was set in another life of the log and says nothing of this one.</summary>
    public bool IsOf(in LogHead head) => Seq == 0 || Epoch == head.Epoch;

    /// <summary>As it is stored: seq (8 bytes, big-endian) and epoch.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[sizeof(long) + Epoch.Length];
        BinaryPrimitives.WriteInt64BigEndian(bytes, Seq);
        Encoding.ASCII.GetBytes(Epoch, bytes.AsSpan(sizeof(long)));
        return bytes;
    }

    /// <summary>Reads one back from the store.</summary>
    /// <exception cref="LogDamagedException">It is none.</exception>
    public static Mark Parse(ReadOnlySpan<byte> bytes) => bytes.Length >= sizeof(long) && BinaryPrimitives.ReadInt64BigEndian(bytes) is >= 0 and var seq
        ? new Mark(seq, Encoding.ASCII.GetString(bytes[sizeof(long)..]))
        : throw new LogDamagedException("A stored read position is malformed.");
}
