namespace WebMessenger.Broker.Devices;

/// <summary>What a room's data log holds, by stretches: how many entries, how many bytes, and how old. Not thread-safe.</summary>
/// <param name="length">Entries of a stretch, at most.</param>
internal sealed class DataLogChunks(int length)
{
    private readonly List<Chunk> _chunks = [];

    public int Count { get; private set; }

    public long Bytes { get; private set; }

    public bool IsEmpty => _chunks.Count == 0;

    /// <summary>The oldest stretch.</summary>
    public Chunk Oldest => _chunks[0];

    /// <param name="at">Milliseconds since 1970.</param>
    public void Add(long seq, int bytes, long at)
    {
        if (_chunks.Count == 0 || _chunks[^1].Count >= length)
        {
            _chunks.Add(new Chunk(seq));
        }

        var last = _chunks[^1];
        last.Last = seq;
        last.Count++;
        last.Bytes += bytes;
        last.Largest = Math.Max(last.Largest, bytes);
        last.LastAt = Math.Max(last.LastAt, at);
        Count++;
        Bytes += bytes;
    }

    public void RemoveOldest()
    {
        Count -= _chunks[0].Count;
        Bytes -= _chunks[0].Bytes;
        _chunks.RemoveAt(0);
    }

    /// <summary>The stretch in which the first entry after a seq is; null: there is none.</summary>
    public Chunk? After(long seq)
    {
        var (low, high) = (0, _chunks.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _chunks[middle].Last > seq ? (low, middle) : (middle + 1, high);
        }

        return low < _chunks.Count ? _chunks[low] : null;
    }

    internal sealed class Chunk(long first)
    {
        public long First => first;

        public long Last { get; set; }

        public int Count { get; set; }

        public long Bytes { get; set; }

        public int Largest { get; set; }

        /// <summary>When its newest entry was said.</summary>
        public long LastAt { get; set; }
    }
}
