using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Api;

/// <summary>A token's verbs as the HTTP API names them.</summary>
internal static class VerbNames
{
    private static readonly (string Name, Verbs Verb)[] All =
        [("read", Verbs.Read), ("post", Verbs.Post), ("data", Verbs.Data), ("moderate", Verbs.Moderate)];

    public static string[] Of(Verbs verbs) => [.. All.Where(pair => verbs.HasFlag(pair.Verb)).Select(pair => pair.Name)];

    /// <summary>Null for null, which means all but moderate. With a name that is none, nothing at all: which is refused.</summary>
    public static Verbs? Parse(string[]? names)
    {
        if (names is null)
        {
            return null;
        }

        var verbs = Verbs.None;
        foreach (var name in names)
        {
            if (Array.Find(All, pair => pair.Name == name) is not { Name: not null } known)
            {
                return Verbs.None;
            }

            verbs |= known.Verb;
        }

        return verbs;
    }
}
