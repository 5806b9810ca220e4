using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Search;

/// <summary>One word of a text.</summary>
/// <param name="Folded">Without accents and case.</param>
/// <param name="Start">Where in the text it stands, in UTF-16 units, and how long it is there.</param>
internal readonly record struct TextWord(string Folded, int Start, int Length);

/// <summary>Takes texts apart into the words that they are found by. What is said and what is looked for goes through the same.</summary>
/// <remarks>
/// A word is a run of letters and digits. Where people write without blanks (Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan)
/// each character is a word, and so is each emoji: several of them are found as they stand one behind the other.
/// </remarks>
internal static class SearchWords
{
    /// <summary>What no text has: private use characters are left out of it.</summary>
    private const char AuthorMark = '\uE000';

    public const string Link = "\uE001link";

    /// <summary>What all that an account has said is found by; perhaps also what few others said.</summary>
    public static string OfAuthor(string accountId) =>
        AuthorMark + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(accountId)).AsSpan(0, 5));

    public static bool HasLink(string text) =>
        text.Contains("://", StringComparison.Ordinal)
            ? text.Contains("http://", StringComparison.OrdinalIgnoreCase) || text.Contains("https://", StringComparison.OrdinalIgnoreCase)
            : text.Contains("www.", StringComparison.OrdinalIgnoreCase);

    /// <summary>What a message is found by.</summary>
    /// <param name="author">See <see cref="OfAuthor"/>.</param>
    public static string OfMessage(string author, string text)
    {
        StringBuilder words = new(text.Length + 32);
        if (Ascii.IsValid(text))
        {
            AppendAscii(words, text);
        }
        else
        {
            foreach (var word in Of(text))
            {
                words.Append(word.Folded).Append(' ');
            }
        }

        words.Append(author);
        return (HasLink(text) ? words.Append(' ').Append(Link) : words).ToString();
    }

    public static List<TextWord> Of(string text)
    {
        List<TextWord> words = [];
        var (start, at) = (-1, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            var isWhole = IsWordOfItsOwn(rune);
            if (start >= 0 && (isWhole || !IsWithin(rune)))
            {
                Add(words, text, start, at);
                start = -1;
            }

            if (isWhole)
            {
                Add(words, text, at, at + rune.Utf16SequenceLength);
            }
            else if (start < 0 && Rune.IsLetterOrDigit(rune))
            {
                start = at;
            }

            at += rune.Utf16SequenceLength;
        }

        if (start >= 0)
        {
            Add(words, text, start, Math.Min(at, text.Length));
        }

        return words;
    }

    // As `Of` would, without a list of what each message is found by: each that is said comes through here.
    private static void AppendAscii(StringBuilder words, string text)
    {
        var isWithin = false;
        foreach (var character in text)
        {
            if (char.IsAsciiLetterOrDigit(character))
            {
                words.Append(char.ToLowerInvariant(character));
                isWithin = true;
            }
            else if (isWithin)
            {
                words.Append(' ');
                isWithin = false;
            }
        }

        if (isWithin)
        {
            words.Append(' ');
        }
    }

    private static void Add(List<TextWord> words, string text, int start, int end)
    {
        var folded = SearchText.Of(text[start..end]);
        if (!Ascii.IsValid(folded))
        {
            // A letter may come apart into some that are none.
            folded = string.Concat(folded.EnumerateRunes().Where(rune => IsWithin(rune) || IsWordOfItsOwn(rune)).Select(rune => rune.ToString()));
        }

        if (folded.Length > 0)
        {
            words.Add(new TextWord(folded, start, end - start));
        }
    }

    private static bool IsWithin(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    private static bool IsWordOfItsOwn(Rune rune) => rune.Value >= 0x0E00
        && (IsWrittenWithoutBlanks(rune.Value) ? IsWithin(rune) : Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherSymbol);

    private static bool IsWrittenWithoutBlanks(int value) => value
        is (>= 0x0E00 and <= 0x109F) or (>= 0x1780 and <= 0x17FF)
        or (>= 0x3040 and <= 0x30FF) or (>= 0x31F0 and <= 0x31FF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x4E00 and <= 0x9FFF)
        or (>= 0xF900 and <= 0xFAFF) or (>= 0xFF66 and <= 0xFF9D) or (>= 0x20000 and <= 0x3FFFF);
}
