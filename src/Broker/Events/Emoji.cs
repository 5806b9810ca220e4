using System.Collections.Frozen;

namespace WebMessenger.Broker.Events;

/// <summary>The emoji that a reaction may be; `Emoji/README.md` says whose list it is.</summary>
internal static class Emoji
{
    private static readonly FrozenSet<string> _all = Load();

    public static int Count => _all.Count;

    /// <summary>Whether it is one emoji, fully qualified: in one spelling, so that two that look the same are counted as one.</summary>
    public static bool IsOne(string text) => _all.Contains(text);

    private static FrozenSet<string> Load()
    {
        using var stream = typeof(Emoji).Assembly.GetManifestResourceStream("emoji.txt")
            ?? throw new InvalidOperationException("The list of emoji is not in the program.");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);
    }
}
