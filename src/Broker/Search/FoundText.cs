using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Search;

/// <summary>The text of a hit as it is now, and where in it stands what was looked for.</summary>
internal static class FoundText
{
    private const int MostRanges = 50;

    /// <summary>Null: it is no message any more.</summary>
    public static string? Of(in LogEntry entry) =>
        EventBody.TypeOf(entry.Body.Span) == EventType.Message ? EventBody.TextOf(entry.Body.Span) : null;

    /// <summary>Null: it does not have all of it.</summary>
    public static List<(int Start, int Length)>? RangesOf(string text, IReadOnlyList<WantedWords> wanted)
    {
        var words = SearchWords.Of(text);
        SortedSet<(int Start, int Length)> ranges = [];
        foreach (var one in wanted)
        {
            var isThere = false;
            for (var at = 0; at + one.Words.Count <= words.Count; at++)
            {
                if (!StandsAt(words, at, one))
                {
                    continue;
                }

                isThere = true;
                var last = words[at + one.Words.Count - 1];
                ranges.Add((words[at].Start, last.Start + last.Length - words[at].Start));
            }

            if (!isThere)
            {
                return null;
            }
        }

        return [.. ranges.Take(MostRanges)];
    }

    /// <summary>How many of these words are whole in the text, and not the beginning of others.</summary>
    public static int WholeWordsOf(string text, IReadOnlyList<WantedWords> wanted)
    {
        var words = SearchWords.Of(text).Select(word => word.Folded).ToHashSet();
        return wanted.Sum(one => one.Words.Count(words.Contains));
    }

    private static bool StandsAt(List<TextWord> words, int at, WantedWords wanted)
    {
        for (var i = 0; i < wanted.Words.Count; i++)
        {
            var (has, wants) = (words[at + i].Folded, wanted.Words[i]);
            if (has != wants && !(wanted.IsPrefix && i == wanted.Words.Count - 1 && has.StartsWith(wants, StringComparison.Ordinal)))
            {
                return false;
            }
        }

        return true;
    }
}
