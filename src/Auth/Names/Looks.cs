using System.Globalization;
using System.Text;

namespace WebMessenger.Auth.Names;

/// <summary>
/// Folds names that look alike to the same string, after the idea of UTS 39's skeletons. A look is only ever compared with a look.
/// </summary>
/// <remarks>
/// Those of names are not stored: they are made anew at each start, so that <see cref="LookAlikes"/> can grow. Those of user names are
/// stored, so their rule stays.
/// </remarks>
internal static class Looks
{
    /// <summary>
    /// Of a user name, which is ASCII: 0 is o, 1 is l, m is rn, w is vv; `.`, `_` and `-` are one another, repeated ones count once, and
    /// one at the end not at all. i and l stay apart: in lower case they are told apart, and many short names differ only by them.
    /// </summary>
    public static string OfUserName(string userName)
    {
        StringBuilder look = new(userName.Length * 2);
        foreach (var c in userName)
        {
            if (c is '.' or '_' or '-')
            {
                if (look.Length > 0 && look[^1] != '-')
                {
                    look.Append('-');
                }
            }
            else
            {
                AppendLetter(look, c);
            }
        }

        return look.ToString().TrimEnd('-');
    }

    /// <summary>
    /// Of a display name or nickname, in which anything of Unicode may be drawn like Latin. Letters and digits count; case, accents (José
    /// is Jose), spaces, punctuation, emoji and other ornaments do not, unless there is nothing else. i, l, 1 and | are one another, for
    /// here capitals count.
    /// </summary>
    /// <returns>
    /// One look, or two: as the name is written, and as it is in lower case. In Greek they differ: Ν is drawn like N, and ν like v, but
    /// ΝΙΚΟΣ and Νίκος are one name. And the same of the <see cref="ForgedReading"/>.
    /// Names look alike when they have a look in common.
    /// </returns>
    public static IReadOnlyList<string> OfName(string name) =>
        TryPlain(name) is { } plain ? [plain] : [.. Readings(name).Where(look => !HasAnyLetter(look))];

    /// <summary>
    /// Looks with a place or more for any letter: <see cref="Fits"/> tells whose they may be. They are asked for and never held, or
    /// whoever is called so would hold very many names.
    /// </summary>
    public static IReadOnlyList<string> Guesses(string name) => [.. Readings(name).Where(HasAnyLetter)];

    /// <summary>The guess is the look, with some letter in each open place.</summary>
    public static bool Fits(string guess, string look)
    {
        // A letter may be two of the look.
        if (look.Length < guess.Length || look.Length > guess.Length + guess.Count(c => c == ForgedReading.AnyLetter))
        {
            return false;
        }

        var (open, letters) = (Short(guess), Short(look));
        return open.Length == letters.Length
            && open.Zip(letters).All(pair => pair.First == ForgedReading.AnyLetter || pair.First == pair.Second);
    }

    /// <summary>Every look and guess of the one is one of the other: to whoever has the other's, it gives nothing new.</summary>
    public static bool IsWithin(string one, string other) => !Readings(one).Except(Readings(other)).Any();

    private static IEnumerable<string> Readings(string name)
    {
        IEnumerable<string> readings = ForgedReading.Of(name) is { } forged ? [name, forged] : [name];
        return readings.SelectMany(reading => new[] { Fold(reading), Fold(reading.ToLowerInvariant().Replace('ς', 'σ')) }).Distinct();
    }

    private static bool HasAnyLetter(string look) => look.Contains(ForgedReading.AnyLetter, StringComparison.Ordinal);

    /// <summary>What <see cref="Readings"/> gives of a name as most are, without taking it apart: a start looks at the names of
    /// all.</summary>
    /// <returns>Null: there is something in the name that may be read in more ways than one, or nothing to read.</returns>
    private static string? TryPlain(string name)
    {
        StringBuilder look = new(name.Length * 2);
        for (var i = 0; i < name.Length; i++)
        {
            var c = name[i];
            var mayBeOneLetter = c == 'N' && (i == 0 || name[i - 1] == ' ') && i + 1 < name.Length && name[i + 1] is 'l' or 'I' or '1';
            if (mayBeOneLetter || !(char.IsAsciiLetterOrDigit(c) || c is ' ' or '-' or '_' or '.' or '\''))
            {
                return null;
            }

            if (char.IsAsciiLetterOrDigit(c))
            {
                var letter = char.ToLowerInvariant(c);
                AppendLetter(look, letter is 'i' or '1' ? 'l' : letter);
            }
        }

        return look.Length > 0 ? look.ToString() : null;
    }

    // The other way round than looks are made, so that each place is one letter.
    private static string Short(string look) =>
        look.Replace("rn", "m", StringComparison.Ordinal).Replace("vv", "w", StringComparison.Ordinal);

    private static string Fold(string name)
    {
        // ™ and ℠ are ornaments; NFKD would make letters of them.
        var decomposed = name.Replace('™', ' ').Replace('℠', ' ').Normalize(NormalizationForm.FormKD);
        var runes = decomposed.EnumerateRunes().Where(rune => rune.Value == ForgedReading.AnyLetter || !UnicodeText.IsInvisible(rune)).ToArray();
        StringBuilder look = new(runes.Length * 2);
        foreach (var rune in runes)
        {
            Append(look, rune);
        }

        // A flag is an ornament of the name before it. What is none, or beside nothing else, is read as letters.
        var isBoxed = runes.Any(LookAlikes.IsRegionalIndicator);
        return isBoxed && (look.Length == 0 || !AreFlags(runes)) ? Fold(Unboxed(runes))
            : look.Length > 0 ? look.ToString()
            : Ornaments(runes);
    }

    private static void Append(StringBuilder look, Rune rune)
    {
        if (rune.Value == ForgedReading.AnyLetter)
        {
            look.Append(ForgedReading.AnyLetter);
        }
        else if (Rune.IsSymbol(rune) || Rune.IsPunctuation(rune))
        {
            // An ornament. A letter in a circle or square is one wherever it stands.
            if (Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherSymbol && LookAlikes.Of(rune) is { } drawn)
            {
                AppendAll(look, drawn);
            }
        }
        else if (LookAlikes.Of(rune) is { } alike)
        {
            AppendAll(look, alike);
        }
        else if (IsRead(rune, look))
        {
            AppendAll(look, Rune.ToLowerInvariant(rune).ToString());
        }
    }

    /// <summary>All boxed letters are in pairs that are flags, each beside its other.</summary>
    private static bool AreFlags(Rune[] runes)
    {
        for (var i = 0; i < runes.Length; i++)
        {
            if (LookAlikes.IsRegionalIndicator(runes[i]))
            {
                if (i + 1 == runes.Length || !LookAlikes.AreFlag(runes[i], runes[i + 1]))
                {
                    return false;
                }

                i++;
            }
        }

        return true;
    }

    private static bool IsRead(Rune rune, StringBuilder look) => Rune.GetUnicodeCategory(rune) switch
    {
        // Apostrophes, tone marks and other small signs that Unicode counts as letters: Leilaʻi, and the dots of Lisu.
        UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter =>
            rune.Value is not ((>= 0x02B0 and <= 0x02FF) or 0x0559 or 0x01C3 or 0xA788 or (>= 0xA4F8 and <= 0xA4FF)),
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter => rune.Value is not (0xA78B or 0xA78C),
        UnicodeCategory.TitlecaseLetter or UnicodeCategory.DecimalDigitNumber
            or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber or UnicodeCategory.SpacingCombiningMark => true,
        // Accents and vowel points say little. The vowel signs of Indic and Thai names, and the voiced kana, are as good as letters, but
        // not on a Latin one.
        UnicodeCategory.NonSpacingMark => !IsAccent(rune) && look.Length > 0 && !char.IsAscii(look[^1]),
        _ => false,
    };

    private static bool IsAccent(Rune mark) => mark.Value is (>= 0x0300 and <= 0x036F) or (>= 0x0483 and <= 0x0489)
        or (>= 0x0591 and <= 0x05C7) or (>= 0x0610 and <= 0x061A) or (>= 0x064B and <= 0x065F) or 0x0670 or (>= 0x06D6 and <= 0x06ED)
        or (>= 0x1AB0 and <= 0x1AFF) or (>= 0x1DC0 and <= 0x1DFF) or (>= 0x20D0 and <= 0x20FF) or (>= 0x2DE0 and <= 0x2DFF)
        or (>= 0xA66F and <= 0xA69F) or (>= 0xFE20 and <= 0xFE2F);

    /// <summary>Of a name without letters and digits: its symbols, such as emoji, or else its punctuation.</summary>
    private static string Ornaments(Rune[] runes)
    {
        var symbols = string.Concat(runes.Where(Rune.IsSymbol));
        return symbols.Length > 0 ? symbols : string.Concat(runes.Where(rune => !Rune.IsWhiteSpace(rune)));
    }

    private static string Unboxed(Rune[] runes) =>
        string.Concat(runes.Select(rune => LookAlikes.IsRegionalIndicator(rune) ? LookAlikes.OfRegionalIndicator(rune) : rune.ToString()));

    private static void AppendAll(StringBuilder look, string text)
    {
        foreach (var c in text)
        {
            AppendLetter(look, c == 'i' || c == '1' ? 'l' : c);
        }
    }

    // The longer form of each pair, so that the order of reading does not matter: "vvv" is "vw" and "wv" alike.
    private static void AppendLetter(StringBuilder look, char c) => _ = c switch
    {
        '0' => look.Append('o'),
        '1' => look.Append('l'),
        'm' => look.Append("rn"),
        'w' => look.Append("vv"),
        _ => look.Append(c),
    };
}
