using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace WebMessenger.Auth.Accounts;

/// <summary>The name people read: 1 to 64 Unicode scalar values, NFC, every one of them visible. Also a guest's nickname and a token's name.</summary>
internal static class DisplayName
{
    public const int MaxScalars = 64;

    // More marks than this on one letter are drawn over the neighbouring lines.
    private const int MaxMarks = 4;

    public static bool TryParse(string? text, [NotNullWhen(true)] out string? name)
    {
        name = null;
        if (text is null || text.Length > 8 * MaxScalars || !UnicodeText.IsWellFormed(text))
        {
            return false;
        }

        var tidy = TidySpaces(text.Normalize(NormalizationForm.FormC));
        if (tidy.Length == 0 || UnicodeText.CountScalars(tidy) > MaxScalars || !IsVisible(tidy))
        {
            return false;
        }

        name = tidy;
        return true;
    }

    /// <summary>Spaces of all widths become one plain space, and none at the ends: what looks the same is the same.</summary>
    private static string TidySpaces(string text)
    {
        StringBuilder tidy = new(text.Length);
        foreach (var c in text)
        {
            if (char.GetUnicodeCategory(c) != UnicodeCategory.SpaceSeparator)
            {
                tidy.Append(c);
            }
            else if (tidy.Length > 0 && tidy[^1] != ' ')
            {
                tidy.Append(' ');
            }
        }

        return tidy.ToString().TrimEnd(' ');
    }

    private static bool IsVisible(string text)
    {
        var runes = text.EnumerateRunes().ToArray();
        var marks = 0;
        var drawn = false;
        for (var i = 0; i < runes.Length; i++)
        {
            var isMark = Rune.GetUnicodeCategory(runes[i]) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark;
            marks = isMark ? marks + 1 : 0;
            drawn |= !isMark && runes[i].Value != ' ';
            var joinsEmoji = i > 0 && IsEmojiPart(runes[i - 1]) && (runes[i].Value == 0xFE0F || (runes[i].Value == 0x200D && i + 1 < runes.Length && IsEmojiPart(runes[i + 1])));
            if (marks > MaxMarks || (UnicodeText.IsInvisible(runes[i]) && !joinsEmoji))
            {
                return false;
            }
        }

        return drawn;
    }

    private static bool IsEmojiPart(Rune rune) =>
        Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherSymbol || rune.Value is (>= 0x1F3FB and <= 0x1F3FF) or 0xFE0F;
}
