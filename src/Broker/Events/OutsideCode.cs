using System.Text.RegularExpressions;

namespace WebMessenger.Broker.Events;

/// <summary>
/// What of a text is no code, as the page reads light markdown (`lib/format`): in code nobody is named. Both are held to the same cases
/// by tests (`tests/contract/mentions.json`).
/// </summary>
/// <remarks>
/// Each line is looked at once on each of four levels. The page's budget of elements is not counted here: what is code beyond it names
/// nobody all the same.
/// </remarks>
internal sealed partial class OutsideCode
{
    private const int Deepest = 4;
    private const string Shrug = "\\_(ツ)_/";

    private readonly List<string> _parts = [];

    private OutsideCode()
    {
    }

    /// <summary>The parts of the text, in order; what stands between two of them is code, or the beginning of a block.</summary>
    public static IReadOnlyList<string> Of(string text)
    {
        OutsideCode found = new();
        found.ReadLines(text.ReplaceLineEndings("\n").Split('\n'), 0);
        return found._parts;
    }

    private void ReadLines(string[] lines, int depth)
    {
        List<string> plain = [];
        var unclosed = int.MaxValue;
        for (var at = 0; at < lines.Length;)
        {
            var end = depth >= Deepest ? at : BlockAt(lines, at, depth, ref unclosed, plain);
            if (end == at)
            {
                plain.Add(lines[at++]);
            }
            else
            {
                at = end;
            }
        }

        EndParagraph(plain);
    }

    // Where the block ends that begins at this line; the line itself: none does.
    private int BlockAt(string[] lines, int at, int depth, ref int unclosed, List<string> plain)
    {
        if (Fence().Match(lines[at]) is { Success: true } opening)
        {
            return Code(lines, at, opening.Groups[1].Value, ref unclosed, plain);
        }

        if (Quoted().IsMatch(lines[at]))
        {
            EndParagraph(plain);
            List<string> inside = [];
            for (; at < lines.Length && Quoted().IsMatch(lines[at]); at++)
            {
                inside.Add(QuoteMark().Replace(lines[at], ""));
            }

            ReadLines([.. inside], depth + 1);
            return at;
        }

        return ItemIn(lines, at, depth) is null ? at : List(lines, at, depth, plain);
    }

    private int Code(string[] lines, int at, string ticks, ref int unclosed, List<string> plain)
    {
        if (ticks.Length >= unclosed)
        {
            return at;
        }

        var close = Array.FindIndex(lines, at + 1, line => line.TrimEnd().EndsWith(ticks, StringComparison.Ordinal));
        if (close < 0)
        {
            unclosed = ticks.Length;
            return at;
        }

        EndParagraph(plain);
        return close + 1;
    }

    private int List(string[] lines, int at, int depth, List<string> plain)
    {
        EndParagraph(plain);
        var isNumbered = IsNumbered(ItemIn(lines, at, depth)!);
        while (ItemIn(lines, at, depth) is { } item && IsNumbered(item) == isNumbered)
        {
            List<string> inside = [lines[at][item.Length..]];
            for (at++; at < lines.Length && Indented().IsMatch(lines[at]); at++)
            {
                inside.Add(WithoutIndent(lines[at], item.Length));
            }

            ReadLines([.. inside], depth + 1);
        }

        return at;
    }

    private void EndParagraph(List<string> plain)
    {
        if (plain.Count > 0)
        {
            ReadRun(string.Join('\n', plain));
            plain.Clear();
        }
    }

    // Code within lines of text.
    private void ReadRun(string text)
    {
        Dictionary<int, Queue<int>>? ticks = null;
        var from = 0;
        for (var at = 0; (at = text.AsSpan(at).IndexOfAny('\\', '`') is >= 0 and var next ? at + next : text.Length) < text.Length;)
        {
            if (text[at] == '\\')
            {
                at += string.CompareOrdinal(text, at, Shrug, 0, Shrug.Length) == 0 ? Shrug.Length
                    : at + 1 < text.Length && "*_~|`[".Contains(text[at + 1]) ? 2 : 1;
                continue;
            }

            var end = at + 1;
            while (end < text.Length && text[end] == '`')
            {
                end++;
            }

            if (ClosingTicks(text, end, end - at, ref ticks) is { } close)
            {
                _parts.Add(text[from..at]);
                from = end = close + (end - at);
            }

            at = end;
        }

        _parts.Add(text[from..]);
    }

    // Where the next run of so many backticks begins: where each begins is found once.
    private static int? ClosingTicks(string text, int from, int length, ref Dictionary<int, Queue<int>>? ticks)
    {
        if (ticks is null)
        {
            ticks = [];
            for (var at = text.IndexOf('`', StringComparison.Ordinal); at >= 0;)
            {
                var end = at + 1;
                while (end < text.Length && text[end] == '`')
                {
                    end++;
                }

                if (!ticks.TryGetValue(end - at, out var places))
                {
                    ticks[end - at] = places = [];
                }

                places.Enqueue(at);
                at = text.IndexOf('`', end);
            }
        }

        if (!ticks.TryGetValue(length, out var found))
        {
            return null;
        }

        while (found.TryPeek(out var first) && first < from)
        {
            found.Dequeue();
        }

        return found.TryPeek(out var next) ? next : null;
    }

    // The mark of the item that begins at this line; null: none does. In the text itself a list stands at the edge.
    private static string? ItemIn(string[] lines, int at, int depth) =>
        at < lines.Length && Item().Match(lines[at]) is { Success: true } item && (depth > 0 || item.Groups[1].Length <= 1) ? item.Value : null;

    private static bool IsNumbered(string item) => char.IsAsciiDigit(item.TrimStart()[0]);

    private static string WithoutIndent(string line, int width)
    {
        if (line[0] == '\t')
        {
            return line[1..];
        }

        var indent = 0;
        while (indent < width && indent < line.Length && line[indent] == ' ')
        {
            indent++;
        }

        return line[indent..];
    }

    [GeneratedRegex(@"^ {0,3}(`{3,})([A-Za-z0-9_+#.-]{0,30})[ \t]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^ {0,3}>(?: |>|\z)", RegexOptions.CultureInvariant)]
    private static partial Regex Quoted();

    [GeneratedRegex(@"^ {0,3}> ?", RegexOptions.CultureInvariant)]
    private static partial Regex QuoteMark();

    [GeneratedRegex(@"^( {0,3})([-*•]|[0-9]{1,3}[.)]) +(?=\S)", RegexOptions.CultureInvariant)]
    private static partial Regex Item();

    [GeneratedRegex(@"^(?: {2,}|\t)(?=.*\S)", RegexOptions.CultureInvariant)]
    private static partial Regex Indented();
}
