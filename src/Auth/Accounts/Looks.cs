using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace WebMessenger.Auth.Accounts;

/// <summary>Folds names that look alike to the same string, after the idea of UTS 39's skeletons. A look is only ever compared with a look.</summary>
internal static class Looks
{
    // One line per Latin letter: what is drawn like it, in either case, in Cyrillic, Greek, Armenian and phonetic letters, after NFKD (which already folds
    // full-width, mathematical and circled letters) and without marks (which already folds é and ñ).
    private static readonly FrozenDictionary<Rune, string> Confusables = Expand(
        ("a", "аАαΑɑᴀ"), ("b", "ВвΒβЬьʙ"), ("c", "сСϲϹᴄ¢"), ("d", "ԁԀɗđĐ"), ("e", "еЕΕεєЄҽ℮"), ("f", "ƒϝ"), ("g", "ɡցԍ"), ("h", "һҺНнΗʜհħĦ"), ("l", "іІιΙıɩӏӀłŁ|ǀ"),
        ("j", "јЈϳͿ"), ("k", "кКκΚĸ"), ("m", "мМΜ"), ("n", "ηΝոпП"), ("o", "оОοΟσօᴏøØ"), ("p", "рРρΡ"), ("q", "ԛԚ"), ("r", "гᴦ"), ("s", "ѕЅꜱ$"), ("t", "тТτΤŧŦ"),
        ("u", "υսμʋ"), ("v", "νѵѴᴠ"), ("w", "ԝԜωѡшШ"), ("x", "хХχΧ"), ("y", "уУүҮγΥყ"), ("z", "ᴢΖ"), ("ss", "ßẞ"), ("ae", "æÆ"), ("oe", "œŒ"), ("3", "зЗ"), ("6", "бБ"));

    /// <summary>
    /// Of a user name, which is ASCII: 0 is o, 1 is l, m is rn, w is vv; `.`, `_` and `-` are one another, repeated ones count once, and one at the end not at all.
    /// i and l stay apart: in lower case they are told apart, and many short names differ only by them.
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
    /// Of a display name or nickname, in which anything of Unicode may be drawn like Latin: without marks, spaces and punctuation; i, l, 1 and | are one another, for
    /// here capitals count.
    /// </summary>
    public static string OfName(string name)
    {
        StringBuilder look = new(name.Length * 2);
        var decomposed = name.Normalize(NormalizationForm.FormKD);
        foreach (var rune in decomposed.EnumerateRunes())
        {
            if (Confusables.TryGetValue(rune, out var latin) || Confusables.TryGetValue(Rune.ToLowerInvariant(rune), out latin))
            {
                AppendAll(look, latin);
            }
            else if (IsDrawn(rune))
            {
                AppendAll(look, Rune.ToLowerInvariant(rune).ToString());
            }
        }

        // Nothing but punctuation: it still looks like itself.
        return look.Length > 0 ? look.ToString() : decomposed;
    }

    private static bool IsDrawn(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.Control or UnicodeCategory.SpaceSeparator
            or UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OtherPunctuation or UnicodeCategory.OpenPunctuation
            or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation
            or UnicodeCategory.ModifierSymbol => false,
        _ => true,
    };

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

    private static FrozenDictionary<Rune, string> Expand(params (string Latin, string Alike)[] lines) =>
        lines.SelectMany(line => line.Alike.EnumerateRunes().Select(rune => KeyValuePair.Create(rune, line.Latin))).ToFrozenDictionary();
}
