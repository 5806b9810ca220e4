using System.Globalization;
using System.Text;
using WebMessenger.Storage.Search;

namespace WebMessenger.Cluster.Search;

/// <summary>Words as the index has them: without accents and case, and no longer than it takes.</summary>
/// <remarks>What is said and what is looked for goes through the same.</remarks>
internal static class FoldedWords
{
    /// <summary>UTF-16 units; PostgreSQL takes 2,046 bytes. A longer one is found by as much, and whoever reads the hit compares the
    /// rest.</summary>
    private const int Longest = 500;

    /// <param name="words">Separated by whatever is of no word.</param>
    public static List<string> Of(string words)
    {
        List<string> folded = [];
        StringBuilder word = new();
        foreach (var rune in Decomposed(words).EnumerateRunes())
        {
            if (SearchQuestion.IsOfWord(rune))
            {
                word.Append(Rune.ToLowerInvariant(rune).ToString());
            }
            else if (Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark))
            {
                End(folded, word);
            }
        }

        End(folded, word);
        return folded;
    }

    /// <summary>One word that is looked for, which is nothing else than a word.</summary>
    public static string OfWord(string word) => Of(word) is [var one] ? one : "";

    private static void End(List<string> folded, StringBuilder word)
    {
        if (word.Length > 0)
        {
            // Not within a pair.
            var length = Math.Min(word.Length, Longest);
            folded.Add(word.ToString(0, length < word.Length && char.IsHighSurrogate(word[length - 1]) ? length - 1 : length));
            word.Clear();
        }
    }

    private static string Decomposed(string words)
    {
        if (Ascii.IsValid(words))
        {
            return words;
        }

        // What is ill-formed, and the one that is no character, cannot be normalized.
        StringBuilder wellFormed = new(words.Length);
        foreach (var rune in words.EnumerateRunes())
        {
            wellFormed.Append(rune.Value is 0xFFFE or 0xFFFF ? " " : rune.ToString());
        }

        return wellFormed.ToString().Normalize(NormalizationForm.FormD);
    }
}
