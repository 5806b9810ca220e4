using System.Globalization;
using System.Text;

namespace WebMessenger.Auth.Names;

/// <summary>
/// Reads a name as a forger means it: what stands in a word and is no letter, or none of the word's script, is read as one.
/// </summary>
/// <remarks>
/// It is asked for beside the plain reading, in which the same signs are ornaments: "Maria®" is Maria, and "®obert" is Robert.
/// </remarks>
internal static class ForgedReading
{
    /// <summary>Some letter: the sign is like none, and one reads what fits. In no name, for it is a control.</summary>
    public const char AnyLetter = '\0';

    // Letters that are put together from signs; the longer ones first.
    private static readonly (string Signs, string Letter)[] _builtLetters =
    [
        ("/\\/\\", "m"), ("\\/\\/", "w"), ("|\\/|", "m"), ("|\\|", "n"), ("|-|", "h"), ("|_|", "u"), ("/-\\", "a"),
        ("/\\", "a"), ("\\/", "v"), ("()", "o"), ("[]", "o"), ("|)", "d"), ("|<", "k"), ("|3", "b"),
    ];

    /// <summary>
    /// The name with plain letters, and <see cref="AnyLetter"/>, in place of what stands for letters; null: there is no such thing in it.
    /// </summary>
    public static string? Of(string name)
    {
        // Full-width signs and circled letters become plain ones. ™ would become letters, too.
        var plain = name.Replace('™', ' ').Replace('℠', ' ').Normalize(NormalizationForm.FormKD);
        var read = string.Join(' ', plain.Split(' ').Select(OfWord));
        return read == plain ? null : read;
    }

    private static string OfWord(string word)
    {
        var runes = Built(word).EnumerateRunes().ToArray();
        var first = Array.FindIndex(runes, Rune.IsLetterOrDigit);
        var last = Array.FindLastIndex(runes, Rune.IsLetterOrDigit);
        if (first < 0)
        {
            return word;
        }

        var isLatin = runes.Any(IsLatin);
        var isFancy = IsFancy(runes, isLatin);
        StringBuilder read = new(word.Length);
        for (var i = 0; i < runes.Length; i++)
        {
            var isJoined = i > 0 && runes[i - 1].Value == 0x200D;
            read.Append(OfRune(runes[i], isWithin: i > first && i < last && !isJoined, isLatin, isFancy) ?? runes[i].ToString());
        }

        return read.ToString();
    }

    /// <returns>Null: it is read as it stands there.</returns>
    private static string? OfRune(Rune rune, bool isWithin, bool isLatin, bool isFancy)
    {
        if (LookAlikes.IsRegionalIndicator(rune))
        {
            return LookAlikes.OfRegionalIndicator(rune);
        }

        if (Rune.IsSymbol(rune) || Rune.IsPunctuation(rune))
        {
            return LookAlikes.OfSign(rune, isWithin) is { } drawn ? drawn
                : isWithin && IsUnknownSign(rune) ? AnyLetter.ToString()
                : null;
        }

        return rune.Value is 'ß' or 'ẞ' ? "b"
            : isFancy && LookAlikes.OfFancy(rune) is { } fancy ? fancy
            : isLatin && IsForeign(rune) && LookAlikes.Of(rune) is null ? AnyLetter.ToString()
            : null;
    }

    // Not ^ and ` and the like, which are drawn small.
    private static bool IsUnknownSign(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.MathSymbol or UnicodeCategory.CurrencySymbol or UnicodeCategory.OtherSymbol;

    /// <summary>A letter of a script without capitals, or a digit of another script.</summary>
    private static bool IsForeign(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber
        || (Rune.IsDigit(rune) && !rune.IsAscii);

    // Accents are decomposed.
    private static bool IsLatin(Rune rune) => rune.IsAscii && Rune.IsLetter(rune);

    /// <summary>
    /// Chinese characters are Latin letters where all of the word can be read so; two alone are more likely a Chinese name.
    /// </summary>
    private static bool IsFancy(Rune[] runes, bool isLatin)
    {
        var letters = runes.Where(Rune.IsLetterOrDigit).ToArray();
        var fancy = letters.Count(rune => LookAlikes.OfFancy(rune) is not null);
        return fancy > 0 && (isLatin || fancy >= 3)
            && letters.All(rune => LookAlikes.OfFancy(rune) is not null || LookAlikes.Of(rune) is not null || !IsForeign(rune));
    }

    private static string Built(string word)
    {
        foreach (var (signs, letter) in _builtLetters)
        {
            word = word.Replace(signs, letter, StringComparison.Ordinal);
        }

        // A capital N with an l behind it is drawn like M. In capitals they are an N and an I: NINA.
        return word.Length > 2 && word[0] == 'N' && word[1] is 'l' or 'I' or '1' or '|' && char.IsLower(word[2]) ? "m" + word[2..] : word;
    }
}
