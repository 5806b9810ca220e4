using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace WebMessenger.Auth.Accounts;

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

    private static readonly FrozenSet<string> Names = LooksOf(WholeNames);

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

    /// <summary>Nobody registers it as a user name: it reads as the server, as its operators, as everyone, or as a guest.</summary>
    public static bool IsUserName(string userName)
    {
        var look = Looks.OfUserName(userName);
        return UserNames.Contains(look) || look.StartsWith(Looks.OfUserName("guest") + "-", StringComparison.Ordinal);
    }

    /// <summary>
    /// Nobody is called so: the whole of it is such a name, or a part of it, set off by brackets, a dash or an ornament, is a title.
    /// </summary>
    public static bool IsName(string displayName)
    {
        if (Looks.OfName(displayName).Any(Names.Contains))
        {
            return true;
        }

        var parts = Parts(displayName);
        return parts.Count > 1 && parts.SelectMany(Looks.OfName).Any(Titles.Contains);
    }

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
