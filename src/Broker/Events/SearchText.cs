using System.Globalization;
using System.Text;

namespace WebMessenger.Broker.Events;

/// <summary>
/// Texts as they are compared in a search: "Música" and "MUSICA" are one. The pages compare what they have in the same way.
/// </summary>
internal static class SearchText
{
    /// <summary>Neither accents nor case, in no language.</summary>
    public static string Of(string text)
    {
        if (Ascii.IsValid(text))
        {
            return text.ToLowerInvariant();
        }

        StringBuilder folded = new(text.Length);

        // What cannot be normalized is nothing that anybody could look for: a lone half of a character comes as U+FFFD, and U+FFFE is none.
        StringBuilder wellFormed = new(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            wellFormed.Append(rune.Value == 0xFFFE ? " " : rune.ToString());
        }

        foreach (var rune in wellFormed.ToString().Normalize(NormalizationForm.FormKD).EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) is not (
                UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark))
            {
                Append(folded, Rune.ToLowerInvariant(rune));
            }
        }

        return folded.ToString();
    }

    /// <summary>What is looked for; null and nothing but blanks: nothing, which is found everywhere.</summary>
    public static string[] WordsOf(string? wanted) =>
        wanted is null ? [] : Of(wanted).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    public static bool HasAll(string text, string[] words) =>
        Array.TrueForAll(words, word => text.Contains(word, StringComparison.Ordinal));

    // Letters that Unicode does not take apart, as people write them who have no key for them.
    private static void Append(StringBuilder folded, Rune rune) => _ = rune.Value switch
    {
        'ß' => folded.Append("ss"),
        'æ' => folded.Append("ae"),
        'œ' => folded.Append("oe"),
        'þ' => folded.Append("th"),
        'ø' => folded.Append('o'),
        'đ' or 'ð' => folded.Append('d'),
        'ł' => folded.Append('l'),
        'ħ' => folded.Append('h'),
        'ı' => folded.Append('i'),
        'ς' => folded.Append('σ'),
        _ => folded.Append(rune.ToString()),
    };
}
