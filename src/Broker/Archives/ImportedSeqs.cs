namespace WebMessenger.Broker.Archives;

/// <summary>Which seq each event of a file has in its new room, where they count from 1 and without holes.</summary>
/// <remarks>It remembers no event, but each stretch: in most files there is one.</remarks>
internal sealed class ImportedSeqs
{
    private readonly List<(long Old, long New)> _stretches = [];
    private long _last;

    /// <summary>The next that is given.</summary>
    public long Next { get; private set; } = 1;

    /// <summary>Whether it is behind all that were.</summary>
    public bool IsNext(long old) => old > _last;

    /// <summary>The event is taken.</summary>
    public void Take(long old)
    {
        if (_stretches is not [.., var (begin, itsNew)] || old - begin != Next - itsNew)
        {
            _stretches.Add((old, Next));
        }

        (_last, Next) = (old, Next + 1);
    }

    /// <summary>The event is left out.</summary>
    public void Skip(long old) => _last = old;

    /// <summary>Null: no event of that seq was taken.</summary>
    public long? Find(long old)
    {
        var (from, to) = (0, _stretches.Count);
        while (from < to)
        {
            var middle = (from + to) / 2;
            (from, to) = _stretches[middle].Old <= old ? (middle + 1, to) : (from, middle);
        }

        if (from == 0)
        {
            return null;
        }

        var (begin, itsNew) = _stretches[from - 1];
        var found = itsNew + (old - begin);
        return found < (from < _stretches.Count ? _stretches[from].New : Next) ? found : null;
    }
}
