using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace WebMessenger.Broker.Log;

/// <summary>Where a file is damaged.</summary>
internal sealed record Damage(string File, string What);

/// <summary>Checks RocksDB's write-ahead logs before RocksDB opens them.</summary>
/// <remarks>
/// The format (RocksDB's `db/log_format.h`): blocks of 32 KiB; in them records of checksum(4, masked CRC32C) length(2) type(1) [log number(4), in the types of
/// recycled files] payload, little-endian; a rest of a block too short for a header is zeros. RocksDB takes a record that reaches beyond the end of the file for
/// one that was being written when the machine stopped. So it is, unless the checksum fits a shorter record: then it was whole, and its length is what was damaged.
/// </remarks>
internal static class WalCheck
{
    private const int BlockSize = 32 << 10;
    private const int HeaderSize = 7;
    private const int RecyclableHeaderSize = 11;

    /// <summary>The first damage in the oldest damaged log, or null when all are whole but for a torn tail.</summary>
    public static Damage? FindDamage(string folder)
    {
        var logs = Directory.EnumerateFiles(folder, "*.log")
            .Select(path => (Path: path, IsLog: ulong.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out var number), Number: number))
            .Where(log => log.IsLog)
            .OrderBy(log => log.Number);
        var block = new byte[BlockSize];
        foreach (var (path, _, _) in logs)
        {
            if (FindIn(path, block) is { } at)
            {
                return new(path, string.Create(CultureInfo.InvariantCulture, $"the record at byte {at} is not what was written"));
            }
        }

        return null;
    }

    private static long? FindIn(string path, byte[] block)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        var start = 0L;
        var isOver = false;
        while (true)
        {
            var length = file.ReadAtLeast(block, BlockSize, throwOnEndOfStream: false);
            if (FindIn(block.AsSpan(0, length), ref isOver) is { } at)
            {
                return start + at;
            }

            if (length < BlockSize)
            {
                return null;
            }

            start += length;
        }
    }

    /// <param name="block">32 KiB, or what there is at the end of the file.</param>
    /// <param name="isOver">Set when zeros follow that no record begins with: space taken and not yet written when the machine stopped.</param>
    private static int? FindIn(ReadOnlySpan<byte> block, ref bool isOver)
    {
        var isLast = block.Length < BlockSize;
        var at = 0;
        while (block.Length - at >= HeaderSize && !isOver)
        {
            var record = block[at..];
            if (!record[..HeaderSize].ContainsAnyExcept((byte)0))
            {
                isOver = true;
                break;
            }

            var checksum = BinaryPrimitives.ReadUInt32LittleEndian(record);
            var payload = BinaryPrimitives.ReadUInt16LittleEndian(record[4..]);
            var header = IsRecyclable(record[6]) ? RecyclableHeaderSize : HeaderSize;
            if (header + payload > record.Length)
            {
                return isLast && !FitsShorter(record, checksum) ? null : at;
            }

            if (Mask(Crc(~0u, record[6..(header + payload)])) != checksum)
            {
                return at;
            }

            at += header + payload;
        }

        return block[at..].ContainsAnyExcept((byte)0) && (isOver || !isLast) ? at : null;
    }

    /// <summary>The checksum is right for some length up to what there is.</summary>
    private static bool FitsShorter(ReadOnlySpan<byte> record, uint checksum)
    {
        var crc = ~0u;
        foreach (var value in record[6..])
        {
            crc = BitOperations.Crc32C(crc, value);
            if (Mask(crc) == checksum)
            {
                return true;
            }
        }

        return false;
    }

    // kRecyclableFullType … kRecyclableLastType, kRecyclableUserDefinedTimestampSizeType, kRecyclePredecessorWALInfoType.
    private static bool IsRecyclable(byte type) => type is >= 5 and <= 8 or 11 or 131;

    private static uint Crc(uint crc, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return crc;
    }

    /// <summary>Finishes the checksum and masks it as RocksDB does, so that data with checksums in it can itself be summed.</summary>
    private static uint Mask(uint crc) => BitOperations.RotateRight(~crc, 15) + 0xA282EAD8u;
}
