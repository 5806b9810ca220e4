using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// Subscriptions by the levels of their filters, so that a topic finds those that match it without looking at the others.
/// </summary>
/// <remarks>Not thread-safe: <see cref="DataSpace"/> guards it.</remarks>
internal sealed class DataTree
{
    private readonly Node _root = new(null, "");
    private int _lookers;

    /// <summary>Subscriptions.</summary>
    public int Count { get; private set; }

    /// <summary>One of them is of a member that does.</summary>
    public bool LooksInside => _lookers > 0;

    /// <summary>Levels that are kept; for tests.</summary>
    public int Nodes { get; private set; }

    public void Add(DataSubscription subscription)
    {
        _lookers += subscription.Member.LooksInside ? 1 : 0;
        var node = _root;
        foreach (var level in subscription.Filter.Levels)
        {
            if (level == "#")
            {
                (node.Below ??= []).Add(subscription);
                Count++;
                return;
            }

            node = level == "+" ? node.Any ??= NewNode(node, level) : Child(node, level);
        }

        (node.Here ??= []).Add(subscription);
        Count++;
    }

    /// <summary>False: it is not there.</summary>
    public bool Remove(DataSubscription subscription)
    {
        var node = _root;
        foreach (var level in subscription.Filter.Levels)
        {
            if (level == "#")
            {
                return Take(node, node.Below, subscription);
            }

            var next = level == "+" ? node.Any : node.Children?.GetValueOrDefault(level);
            if (next is null)
            {
                return false;
            }

            node = next;
        }

        return Take(node, node.Here, subscription);
    }

    /// <summary>Adds those that match the topic.</summary>
    public void Match(ReadOnlySpan<char> topic, List<DataSubscription> matched) => Match(_root, topic, topic is ['$', ..], matched);

    private static void Match(Node node, ReadOnlySpan<char> rest, bool isDollar, List<DataSubscription> matched)
    {
        AddTo(matched, node.Below, isDollar);
        var slash = rest.IndexOf('/');
        var level = slash < 0 ? rest : rest[..slash];
        if (node.Children is { } children && children.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(level, out var child))
        {
            GoOn(child, rest, slash, isDollar, matched);
        }

        if (node.Any is { } any)
        {
            GoOn(any, rest, slash, isDollar, matched);
        }
    }

    private static void GoOn(Node node, ReadOnlySpan<char> rest, int slash, bool isDollar, List<DataSubscription> matched)
    {
        if (slash >= 0)
        {
            Match(node, rest[(slash + 1)..], isDollar, matched);
            return;
        }

        // MQTT 5.0, 4.7.1.2: `#` matches the level above it too.
        AddTo(matched, node.Here, isDollar);
        AddTo(matched, node.Below, isDollar);
    }

    private static void AddTo(List<DataSubscription> matched, List<DataSubscription>? some, bool isDollar)
    {
        if (some is null)
        {
            return;
        }

        if (!isDollar)
        {
            matched.AddRange(some);
            return;
        }

        foreach (var one in some)
        {
            if (/* guard: wildcards miss what begins with a dollar */ !one.Filter.MissesDollar)
            {
                matched.Add(one);
            }
        }
    }

    private bool Take(Node node, List<DataSubscription>? list, DataSubscription subscription)
    {
        if (list is null || list.LastIndexOf(subscription) is not (>= 0 and var at))
        {
            return false;
        }

        list[at] = list[^1];
        list.RemoveAt(list.Count - 1);
        Count--;
        _lookers -= subscription.Member.LooksInside ? 1 : 0;
        Prune(node);
        return true;
    }

    // What nobody asks for any more gives its memory back.
    private void Prune(Node node)
    {
        node.Here = node.Here is { Count: 0 } ? null : node.Here;
        node.Below = node.Below is { Count: 0 } ? null : node.Below;
        while (node is { IsEmpty: true, Parent: { } parent })
        {
            if (parent.Any == node)
            {
                parent.Any = null;
            }
            else
            {
                parent.Children!.Remove(node.Level);
                parent.Children = parent.Children.Count == 0 ? null : parent.Children;
            }

            Nodes--;
            node = parent;
        }
    }

    private Node Child(Node node, string level)
    {
        var children = node.Children ??= new Dictionary<string, Node>(StringComparer.Ordinal);
        if (!children.TryGetValue(level, out var child))
        {
            children[level] = child = NewNode(node, level);
        }

        return child;
    }

    private Node NewNode(Node parent, string level)
    {
        Nodes++;
        return new Node(parent, level);
    }

    private sealed class Node(Node? parent, string level)
    {
        public Node? Parent => parent;

        public string Level => level;

        public Dictionary<string, Node>? Children { get; set; }

        /// <summary>`+`</summary>
        public Node? Any { get; set; }

        /// <summary>Filters that end here.</summary>
        public List<DataSubscription>? Here { get; set; }

        /// <summary>Filters that end in `#` below here.</summary>
        public List<DataSubscription>? Below { get; set; }

        public bool IsEmpty => Children is null && Any is null && Here is null && Below is null;
    }
}
