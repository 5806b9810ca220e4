using System.Globalization;
using System.Text;

namespace WebMessenger.Auth.Names;

/// <summary>What names and passwords both need to know of Unicode.</summary>
internal static class UnicodeText
{
    /// <summary>
    /// False for a lone surrogate, which no encoding can carry, and for U+FFFE, which is no character: <see cref="string.Normalize()"/>
    /// throws for both.
    /// </summary>
    public static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        if (/* guard: no character that is none */ text.Contains('\uFFFE'))
        {
            return false;
        }

        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out _, out var consumed) != System.Buffers.OperationStatus.Done)
            {
                return false;
            }

            text = text[consumed..];
        }

        return true;
    }

    public static int CountScalars(string text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes())
        {
            count++;
        }

        return count;
    }

    /// <summary>Draws nothing or reorders its neighbours: what a forger hides in a name.</summary>
    public static bool IsInvisible(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
        _ => rune.Value is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or (>= 0x180B and <= 0x180F) or 0x2800 or 0x3164 or 0xFFA0
            or (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0100 and <= 0xE01EF)
            // Musical null notehead, Khitan filler, object replacement: blank in every font, whatever their category says.
            or 0x1D159 or 0x16FE4 or 0xFFFC,
    };
}
