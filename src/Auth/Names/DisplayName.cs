using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace WebMessenger.Auth.Names;

/// <summary>
/// The name people read: 1 to 64 Unicode scalar values, NFC, every one of them visible. Also a guest's nickname and a token's name.
/// </summary>
internal static class DisplayName
{
    public const int MaxScalars = 64;

    public static bool TryParse(string? text, [NotNullWhen(true)] out string? name)
    {
        name = null;
        if (text is null || text.Length > 8 * MaxScalars || !UnicodeText.IsWellFormed(text))
        {
            return false;
        }

        var tidy = TidySpaces(text.Normalize(NormalizationForm.FormC));
        if (tidy.Length == 0 || UnicodeText.CountScalars(tidy) > MaxScalars || CombiningMarks.AreTooMany(tidy) || !IsVisible(tidy))
        {
            return false;
        }

        name = tidy;
        return true;
    }

    /// <summary>The name with a number behind it, cut where both are too long.</summary>
    public static string Numbered(string name, int number)
    {
        var end = string.Create(CultureInfo.InvariantCulture, $" {number}");
        return string.Concat(name.EnumerateRunes().Take(MaxScalars - end.Length)).TrimEnd(' ') + end;
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
        var drawn = false;
        for (var i = 0; i < runes.Length; i++)
        {
            drawn |= !CombiningMarks.Are(runes[i]) && runes[i].Value != ' ';
            var joinsEmoji = i > 0 && IsEmojiPart(runes[i - 1]) && (runes[i].Value == 0xFE0F || (runes[i].Value == 0x200D && i + 1 < runes.Length && IsEmojiPart(runes[i + 1])));
            if (/* guard: visible names */ UnicodeText.IsInvisible(runes[i]) && !joinsEmoji)
            {
                return false;
            }
        }

        return drawn;
    }

    private static bool IsEmojiPart(Rune rune) =>
        Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherSymbol || rune.Value is (>= 0x1F3FB and <= 0x1F3FF) or 0xFE0F;
}
