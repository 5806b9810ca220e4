using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace WebMessenger.Storage.Documents;

/// <summary>
/// One LiteDB page as it lies in the log and in the data file: a header that tells a whole page from a torn,
/// missing, stale or rotten one, then the page.
/// </summary>
/// <remarks>
/// Little-endian: CRC32C of all that follows · generation (one life of the log, from truncation to truncation) · index in the file · how
/// many frames of the log were synced when this one was written. The last tells a torn tail, which nobody was promised, from damage to what
/// was acknowledged. Both are 0 in the data file.
/// </remarks>
internal static class PageFrame
{
    public const int HeaderSize = 16;
    public const int Size = HeaderSize + Page.Size;

    public static void Build(Span<byte> frame, ReadOnlySpan<byte> page, uint generation, uint index, uint synced)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], generation);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[8..], index);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[12..], synced);
        page.CopyTo(frame[HeaderSize..]);
        BinaryPrimitives.WriteUInt32LittleEndian(frame, Checksum(frame[4..]));
    }

    public static bool IsIntact(ReadOnlySpan<byte> frame, uint index) =>
        BinaryPrimitives.ReadUInt32LittleEndian(frame[8..]) == index && /* guard: sums of what is stored */ BinaryPrimitives.ReadUInt32LittleEndian(frame) == Checksum(frame[4..]);

    public static uint Generation(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadUInt32LittleEndian(frame[4..]);

    public static uint Synced(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadUInt32LittleEndian(frame[12..]);

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            crc = BitOperations.Crc32C(crc, word);
        }
        foreach (var rest in bytes[(bytes.Length & ~7)..])
        {
            crc = BitOperations.Crc32C(crc, rest);
        }
        return ~crc;
    }
}
