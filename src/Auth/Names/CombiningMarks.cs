using System.Globalization;
using System.Text;

namespace WebMessenger.Auth.Names;

/// <summary>Accents and signs that are drawn on the letter before them, in one line of text that everybody sees.</summary>
public static class CombiningMarks
{
    /// <summary>More marks than this on one letter are drawn over the neighbouring lines.</summary>
    public const int Most = 4;

    public static bool AreTooMany(string text)
    {
        var marks = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            marks = Are(rune) ? marks + 1 : 0;
            if (marks > Most)
            {
                return true;
            }
        }

        return false;
    }

    internal static bool Are(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark;
}
