using System.Text;

namespace WebMessenger.Broker.Events;

/// <summary>What stands behind an `@` in a text, outside of code: what may be user names.</summary>
internal static class NamesInText
{
    /// <summary>As many are looked at; of a text that has more the rest names nobody.</summary>
    private const int MostLookedAt = 100;

    private const int LongestName = 32;

    /// <summary>
    /// Each as it is written, in lower case: what may belong to the sentence (`@bea.`) is still at its end.
    /// </summary>
    public static IEnumerable<string> Of(string text) =>
        text.Contains('@', StringComparison.Ordinal) ? OutsideCode.Of(text).SelectMany(In).Distinct().Take(MostLookedAt) : [];

    /// <summary>The names that it may be meant as, the longest first: `bea.`, then `bea`.</summary>
    public static IEnumerable<string> Readings(string written)
    {
        for (var length = written.Length; length > 0; length--)
        {
            if (length <= LongestName)
            {
                yield return written[..length];
            }

            if (char.IsAsciiLetterOrDigit(written[length - 1]))
            {
                yield break;
            }
        }
    }

    private static IEnumerable<string> In(string text)
    {
        for (var at = text.IndexOf('@', StringComparison.Ordinal); at >= 0; at = text.IndexOf('@', at + 1))
        {
            var end = at + 1;
            while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '.' or '_' or '-'))
            {
                end++;
            }

            if (end > at + 1 && char.IsAsciiLetterOrDigit(text[at + 1]) && !IsWithin(text, at) && !GoesOn(text, end))
            {
                yield return text[(at + 1)..end].ToLowerInvariant();
            }
        }
    }

    // It is the middle of a word, an address of mail or of the web.
    private static bool IsWithin(string text, int at) =>
        at > 0 && (text[at - 1] is '@' or '.' or '_' or '-' or '/' or '=' or '&' or '#' or '%' || IsLetter(LastRune(text.AsSpan(0, at))));

    private static bool GoesOn(string text, int end) =>
        end < text.Length && (text[end] == '@' || (Rune.DecodeFromUtf16(text.AsSpan(end), out var rune, out _) == System.Buffers.OperationStatus.Done && IsLetter(rune)));

    private static Rune LastRune(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out var rune, out _) == System.Buffers.OperationStatus.Done ? rune : Rune.ReplacementChar;

    private static bool IsLetter(Rune rune) => Rune.IsLetterOrDigit(rune);
}
