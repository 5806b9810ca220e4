using System.Buffers.Binary;

namespace WebMessenger.Storage.Documents;

/// <summary>What must be known here of a LiteDB 5 page (BasePage and HeaderPage of 5.0.20; the format is that of file version 8).</summary>
internal static class Page
{
    public const int Size = 8192;

    private const int TransactionAt = 14;
    private const int ConfirmedAt = 18;
    private const int MagicAt = 32;
    private const int VersionAt = 59;
    private const byte FileVersion = 8;

    public static uint Number(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt32LittleEndian(page);

    /// <summary>The last page of a committed transaction says so.</summary>
    public static bool ConfirmsTransaction(ReadOnlySpan<byte> page) => page[ConfirmedAt] != 0;

    /// <summary>Page 0: pragmas and collections. In the log it is always the page that confirms its transaction.</summary>
    public static bool IsHeader(ReadOnlySpan<byte> page) => Number(page) == 0 && HasMagic(page);

    public static bool HasMagic(ReadOnlySpan<byte> page) => page[MagicAt..].StartsWith("** This is a LiteDB file **"u8) && page[VersionAt] == FileVersion;

    /// <summary>The file grew for this page, and its first sector, which holds the magic, was never written.</summary>
    public static bool IsUnwritten(ReadOnlySpan<byte> page) => !page[..(VersionAt + 1)].ContainsAnyExcept((byte)0);

    public static void MarkForLog(Span<byte> page, uint transaction)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(page[TransactionAt..], transaction);
        page[ConfirmedAt] = 1;
    }

    public static void MarkForDataFile(Span<byte> page)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(page[TransactionAt..], uint.MaxValue);
        page[ConfirmedAt] = 0;
    }
}
