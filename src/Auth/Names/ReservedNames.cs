using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace WebMessenger.Auth.Names;

/// <summary>Names that would be taken for the server, its operators, or everyone. Compared by look.</summary>
internal static class ReservedNames
{
    // Of the server itself and of who runs it: neither names, nor titles beside a name, nor user names.
    private static readonly string[] Ranks =
    [
        "admin", "administrator", "administrador", "moderator", "moderador", "operator", "owner", "server", "staff", "support", "suporte",
        "system", "sistema", "webmessenger",
    ];

    private static readonly string[] WholeNames = [.. Ranks, "everyone", "everybody", "root", "security", "webmaster"];

    private static readonly FrozenSet<string> Names = LooksOf(
        [
            .. WholeNames, "servers", "servidor", "admins", "administrators", "administradores", "moderators", "moderadores", "operators",
            "owners",
        ]);

    // Behind or before a name they say that somebody has a rank: "Ana (admin)".
    private static readonly FrozenSet<string> Titles = LooksOf(
        [
            .. Ranks, "administradora", "mod", "moderadora", "operador", "operadora", "official", "oficial", "equipe", "servidor",
            "verified", "verificado", "verificada",
        ]);

    // A user name stands in addresses and topics, too: there these are words of the program.
    private static readonly FrozenSet<string> UserNames = new[]
    {
        WholeNames,
        [
            "all", "anonymous", "api", "bot", "broadcast", "broker", "guest", "guests", "help", "here", "host", "hostmaster", "me", "mod",
            "mqtt", "nobody", "null", "official", "postmaster", "service", "superuser", "sys", "sysadmin", "undefined", "you",
        ],
    }.SelectMany(names => names).Select(Looks.OfUserName).ToFrozenSet();

    // Also as a word of its own, without anything that sets it off: "Ana admin". Words that are parts of honest names are not here.
    private static readonly FrozenSet<string> Offices = LooksOf(
        [
            "admin", "admins", "administrator", "administrators", "administrador", "administradora", "administradores", "mod", "mods",
            "moderator", "moderators", "moderador", "moderadora", "moderadores", "operator", "staff", "suporte", "support", "sysadmin",
            "webmaster", "webmessenger",
        ]);

    private static readonly FrozenSet<string> Articles = LooksOf(["the", "o", "a", "os", "as", "el", "la"]);

    // Of guests, and of what speaks in rooms by itself.
    private static readonly string[] Prefixes = [.. new[] { "guest", "hook", "rule" }.Select(prefix => Looks.OfUserName(prefix) + "-")];

    /// <summary>
    /// Nobody registers it as a user name: it reads as the server, as its operators, as everyone, as a guest, or as a hook or rule.
    /// </summary>
    public static bool IsUserName(string userName)
    {
        var look = Looks.OfUserName(userName);
        return UserNames.Contains(look) || Array.Exists(Prefixes, prefix => look.StartsWith(prefix, StringComparison.Ordinal));
    }

    /// <summary>
    /// Nobody is called so: the whole of it is such a name, also with an article or a number; or a part of it, set off by brackets, a dash
    /// or an ornament, is a title; or a word of it is an office.
    /// </summary>
    public static bool IsName(string displayName) =>
        IsRead(displayName) || (ForgedReading.Of(displayName) is { } forged
            // What may be any letter may be a bracket as well: ᐸ is a letter of Canada.
            && (IsRead(forged) || IsRead(forged.Replace(ForgedReading.AnyLetter, '|'))));

    private static bool IsRead(string name)
    {
        var words = Words(name);
        var core = words.Length > 1 && IsIn(Articles, words[0]) ? string.Concat(words[1..]) : name;
        if (IsIn(Names, core) || IsIn(Names, WithoutNumber(core)))
        {
            return true;
        }

        var parts = Parts(name);
        return (parts.Count > 1 && parts.Any(part => IsIn(Titles, part))) || parts.Select(Words).Any(HasOffice);
    }

    // "Web Messenger" is one.
    private static bool HasOffice(string[] words) =>
        words.Concat(words.Zip(words.Skip(1), string.Concat)).Any(word => IsIn(Offices, word) || IsIn(Offices, WithoutNumber(word)));

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string WithoutNumber(string text) => text.TrimEnd([.. "0123456789 #.-_"]);

    private static bool IsIn(FrozenSet<string> names, string text) =>
        Looks.OfName(text).Any(names.Contains) || Looks.Guesses(text).Any(guess => names.Any(name => Looks.Fits(guess, name)));

    private static List<string> Parts(string displayName)
    {
        List<string> parts = [];
        StringBuilder part = new();
        foreach (var rune in displayName.EnumerateRunes())
        {
            // A letter in a circle or square is part of a word: 🅰dmin.
            var isLetter = Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherSymbol
                && (LookAlikes.Of(rune) is not null || !rune.ToString().IsNormalized(NormalizationForm.FormKD));
            if (!isLetter && (Rune.IsSymbol(rune) || Rune.IsPunctuation(rune)))
            {
                Add();
            }
            else
            {
                part.Append(rune.ToString());
            }
        }

        Add();
        return parts;

        void Add()
        {
            if (part.ToString().Trim() is { Length: > 0 } text)
            {
                parts.Add(text);
            }

            part.Clear();
        }
    }

    private static FrozenSet<string> LooksOf(string[] names) => names.SelectMany(Looks.OfName).ToFrozenSet();
}
