namespace WebMessenger.Broker.Devices;

/// <summary>One level of the topics that have a value: what it has below it, and its own value.</summary>
/// <remarks>
/// There may be a million of them, so it is small: without children it has no table, and one child needs none.
/// One thread writes at a time. Any may read meanwhile, without a lock: it finds all that is there throughout, and may or may not find what
/// comes or goes just then.
/// </remarks>
internal sealed class RetainedNode(string level, RetainedNode? parent)
{
    private const int SmallestTable = 4;

    // Levels are called the same in many places: `temperature`, `state`. Of all rooms together, those that were used last; what two
    // threads do to it at once costs a text more.
    private static readonly string?[] s_names = new string?[4096];

    // Its place in a table is free again. Readers go on behind it.
    private static readonly RetainedNode s_gone = new("", null);

    private volatile byte[]? _value;

    // Null, the only child, or a table of them.
    private volatile object? _children;

    public string Level => level;

    public RetainedNode? Parent => parent;

    /// <summary>See <see cref="RetainedRecord"/>; null: it has no value, or is taken out.</summary>
    public byte[]? Value
    {
        get => _value;
        set => _value = value;
    }

    public bool HasChildren => _children is not null;

    public Candidates Children => _children switch
    {
        null => default,
        RetainedNode only => new Candidates(only),
        Table table => new Candidates(table.Slots),
        _ => throw new InvalidOperationException(),
    };

    public RetainedNode? Find(ReadOnlySpan<char> name) => _children switch
    {
        RetainedNode only when name.SequenceEqual(only.Level) => only,
        Table table => table.Find(name),
        _ => null,
    };

    /// <summary>Adds a child of a name that none has.</summary>
    public RetainedNode Add(ReadOnlySpan<char> name)
    {
        RetainedNode child = new(NameOf(name), this);
        switch (_children)
        {
            case null:
                _children = child;
                break;
            case RetainedNode only:
                Table two = new(SmallestTable);
                two.Add(only);
                two.Add(child);
                _children = two;
                break;
            case Table { IsCrowded: true } table:
                // Anew also where many have gone: a reader of the old one still finds those that stay.
                Table larger = new(Math.Max(SmallestTable, table.Count * 2));
                table.CopyTo(larger);
                larger.Add(child);
                _children = larger;
                break;
            case Table table:
                table.Add(child);
                break;
        }

        return child;
    }

    /// <summary>Takes a child out. Memory goes with the children.</summary>
    public void Remove(RetainedNode child)
    {
        if (_children is not Table table)
        {
            _children = null;
            return;
        }

        table.Remove(child);
        if (table.Count == 1)
        {
            _children = table.Single();
        }
        else if (table.IsSparse)
        {
            Table smaller = new(table.Count * 2);
            table.CopyTo(smaller);
            _children = smaller;
        }
    }

    private static string NameOf(ReadOnlySpan<char> name)
    {
        ref var known = ref s_names[string.GetHashCode(name) & (s_names.Length - 1)];
        return Volatile.Read(ref known) is { } there && name.SequenceEqual(there) ? there : known = new string(name);
    }

    /// <summary>The children of one level, or those of them that are asked for, one after the other.</summary>
    public struct Candidates
    {
        private readonly RetainedNode?[]? _slots;
        private RetainedNode? _only;
        private int _next;

        public Candidates(RetainedNode? only) => _only = only;

        public Candidates(RetainedNode?[] slots) => _slots = slots;

        public RetainedNode? Next()
        {
            if (_only is { } only)
            {
                _only = null;
                return only;
            }

            while (_slots is not null && _next < _slots.Length)
            {
                if (Volatile.Read(ref _slots[_next++]) is { } node && node != s_gone)
                {
                    return node;
                }
            }

            return null;
        }
    }

    // Open addressing. Hashes differ from start to start, so nobody chooses names that meet.
    private sealed class Table(int room)
    {
        private int _used;

        public RetainedNode?[] Slots { get; } = new RetainedNode?[RoundUp(room)];

        public int Count { get; private set; }

        /// <summary>One more would leave too few free places: those that are gone take one, too.</summary>
        public bool IsCrowded => (_used + 1) * 4 > Slots.Length * 3;

        public bool IsSparse => Slots.Length > SmallestTable * 2 && Count * 8 < Slots.Length;

        public RetainedNode? Find(ReadOnlySpan<char> name)
        {
            for (var at = Start(name); Volatile.Read(ref Slots[at]) is { } node; at = (at + 1) & (Slots.Length - 1))
            {
                if (node != s_gone && name.SequenceEqual(node.Level))
                {
                    return node;
                }
            }

            return null;
        }

        public void Add(RetainedNode child)
        {
            var at = Start(child.Level);
            while (Slots[at] is { } there && there != s_gone)
            {
                at = (at + 1) & (Slots.Length - 1);
            }

            _used += Slots[at] is null ? 1 : 0;
            Count++;
            Volatile.Write(ref Slots[at], child);
        }

        public void Remove(RetainedNode child)
        {
            var at = Start(child.Level);
            while (Slots[at] != child)
            {
                at = (at + 1) & (Slots.Length - 1);
            }

            Count--;
            Volatile.Write(ref Slots[at], s_gone);
        }

        public RetainedNode Single() => Array.Find(Slots, node => node is not null && node != s_gone)!;

        public void CopyTo(Table other)
        {
            foreach (var node in Slots)
            {
                if (node is not null && node != s_gone)
                {
                    other.Add(node);
                }
            }
        }

        private int Start(ReadOnlySpan<char> name) => string.GetHashCode(name) & (Slots.Length - 1);

        private static int RoundUp(int room) => (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(room, SmallestTable));
    }
}
