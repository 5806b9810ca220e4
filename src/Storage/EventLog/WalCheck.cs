using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace WebMessenger.Storage.EventLog;

/// <summary>
/// Where the write-ahead log is damaged: the file, the byte at which the damaged record begins, and the files written after it.
/// </summary>
internal sealed record WalDamage(string File, long At, IReadOnlyList<string> Later);

/// <summary>Checks RocksDB's write-ahead logs before RocksDB opens them.</summary>
/// <remarks>
/// The format (RocksDB's `db/log_format.h`): blocks of 32 KiB; in them records of checksum(4, masked CRC32C) length(2) type(1) payload,
/// little-endian; a rest of a block too short for a header is zeros.
/// RocksDB 11.12 takes a record that reaches beyond the end of the file for one that was being written when the machine stopped.
/// So it is, unless the checksum fits a shorter record: then it was whole, and its length is what was damaged.
/// The other types there are belong to features that are off here;
/// a type damaged into one of them makes RocksDB skip the rest without a word, or read the same record for ever.
/// </remarks>
internal static class WalCheck
{
    private const int BlockSize = 32 << 10;
    private const int HeaderSize = 7;

    // kFullType … kLastType.
    private const byte FirstType = 1;
    private const byte LastType = 4;

    /// <summary>The oldest damage, or null when all logs are whole but for a torn tail.</summary>
    public static WalDamage? FindDamage(string folder)
    {
        var logs = Directory.EnumerateFiles(folder, "*.log")
            .Where(path => Number(path) is not null)
            .OrderBy(Number)
            .ToList();
        var block = new byte[BlockSize];
        for (var i = 0; i < logs.Count; i++)
        {
            if (FindIn(logs[i], block) is { } at)
            {
                return new(logs[i], at, logs[(i + 1)..]);
            }
        }

        return null;
    }

    /// <summary>Leaves out the damaged record and all that was written after it.</summary>
    public static void Cut(WalDamage damage)
    {
        foreach (var later in damage.Later)
        {
            File.Delete(later);
        }

        using FileStream file = new(damage.File, FileMode.Open, FileAccess.Write);
        file.SetLength(damage.At);
        file.Flush(flushToDisk: true);
    }

    private static ulong? Number(string path) =>
        ulong.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

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
    /// <param name="isOver">
    /// Set when zeros follow that no record begins with: space taken and not yet written when the machine stopped.
    /// </param>
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
            var end = HeaderSize + BinaryPrimitives.ReadUInt16LittleEndian(record[4..]);
            if (record[6] is < FirstType or > LastType)
            {
                return at;
            }

            if (end > record.Length)
            {
                return isLast && !FitsShorter(record, checksum) ? null : at;
            }

            if (Mask(Crc(~0u, record[6..end])) != checksum)
            {
                return at;
            }

            at += end;
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
