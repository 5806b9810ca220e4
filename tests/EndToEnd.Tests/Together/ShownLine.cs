namespace WebMessenger.EndToEnd.Tests.Together;

/// <summary>One message as a client shows it: what has to be the same for all of them.</summary>
/// <param name="Reactions">In their order, each with who put it there and how many they are.</param>
/// <param name="Quote">Who is answered, and the words; `gone`: they were deleted; empty: it answers nothing.</param>
internal sealed record ShownLine(long Seq, string Author, string Text, bool Edited, string Reactions, string Quote, bool Pinned)
{
    public override string ToString() =>
        $"{Seq} {Author}: {Text}{(Edited ? " (edited)" : "")}{Within(" <", Quote, ">")}{Within(" [", Reactions, "]")}{(Pinned ? " (pinned)" : "")}";

    /// <summary>What the lists of several clients differ in, line by line; empty: they show the same.</summary>
    public static string Difference(IReadOnlyDictionary<string, IReadOnlyList<ShownLine>> shown)
    {
        var all = shown.ToDictionary(one => one.Key, one => one.Value.ToDictionary(line => line.Seq, line => line.ToString()));
        return string.Join(Environment.NewLine, all.Values.SelectMany(lines => lines.Keys).Distinct().Order()
            .Select(seq => all.ToLookup(one => one.Value.GetValueOrDefault(seq, $"{seq} is not there"), one => one.Key))
            .Where(lines => lines.Count > 1)
            .SelectMany(lines => lines.Select(line => $"{string.Join(", ", line)}: {line.Key}")));
    }

    private static string Within(string before, string what, string after) => what.Length > 0 ? before + what + after : "";
}
