using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Devices;

/// <summary>The values of a room by the levels of their topics: a filter finds its own without looking at the others.</summary>
/// <remarks>As <see cref="RetainedNode"/>: one writes at a time, any read meanwhile.</remarks>
internal sealed class RetainedTree
{
    /// <summary>Nodes that are looked at in a row.</summary>
    public const int NodesOfTurn = 128;

    private readonly RetainedNode _root = new("", null);

    public RetainedNode? Find(ReadOnlySpan<char> topic)
    {
        var node = _root;
        foreach (var level in topic.Split('/'))
        {
            if (node.Find(topic[level]) is not { } next)
            {
                return null;
            }

            node = next;
        }

        return node;
    }

    public RetainedNode FindOrAdd(ReadOnlySpan<char> topic)
    {
        var node = _root;
        foreach (var level in topic.Split('/'))
        {
            node = node.Find(topic[level]) ?? node.Add(topic[level]);
        }

        return node;
    }

    /// <summary>Takes a value out, and with it the levels that lead to nothing else.</summary>
    public static void Clear(RetainedNode node)
    {
        node.Value = null;
        for (var at = node; at is { Value: null, HasChildren: false, Parent: { } parent }; at = parent)
        {
            parent.Remove(at);
        }
    }

    public static string TopicOf(RetainedNode node)
    {
        Stack<string> levels = [];
        for (var at = node; at.Parent is { } parent; at = parent)
        {
            levels.Push(at.Level);
        }

        return string.Join('/', levels);
    }

    /// <summary>The topics that a filter matches and that have a value, with it.</summary>
    public IEnumerable<(string Topic, byte[] Value)> Match(DataFilter filter) =>
        Walk(filter).Where(one => one.Topic is not null).Select(one => (one.Topic!, one.Value!));

    /// <summary>
    /// The same, and a null after each <see cref="NodesOfTurn"/> that were looked at, whatever they had: for who lets others have a turn.
    /// </summary>
    public IEnumerable<(string? Topic, byte[]? Value)> Walk(DataFilter filter)
    {
        var looked = 0;
        var levels = filter.Levels;
        var hash = levels[^1] == "#" ? levels.Count - 1 : int.MaxValue;
        var names = new string[DataTopic.MostLevels];
        var open = new RetainedNode.Candidates[DataTopic.MostLevels + 1];
        var depth = 0;
        open[0] = CandidatesOf(_root, 0);
        while (depth >= 0)
        {
            if (open[depth].Next() is not { } node)
            {
                depth--;
                continue;
            }

            if (++looked % NodesOfTurn == 0)
            {
                // guard: a walk over retained values pauses
                yield return (null, null);
            }

            if (depth == 0 && filter.MissesDollar && node.Level is ['$', ..])
            {
                continue;
            }

            names[depth] = node.Level;
            var count = depth + 1;

            // `a/#` is about `a` as well.
            if ((count >= hash || count == levels.Count) && node.Value is { } value)
            {
                yield return (string.Join('/', names, 0, count), value);
            }

            if (count < DataTopic.MostLevels && (hash != int.MaxValue || count < levels.Count))
            {
                open[++depth] = CandidatesOf(node, count);
            }
        }

        RetainedNode.Candidates CandidatesOf(RetainedNode node, int level) =>
            level >= hash || levels[level] == "+" ? node.Children : new RetainedNode.Candidates(node.Find(levels[level]));
    }
}
