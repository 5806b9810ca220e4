namespace WebMessenger.Broker.Devices;

/// <summary>What the numbers of one topic were in the last day: of each ten minutes the last one that was said.</summary>
/// <remarks>
/// The last one and not the mean: the device has said it, the newest is what its tile shows, and nothing but it has to be kept for a
/// restart to go on in the same ten minutes.
/// One thread writes at a time, under the lock of the room's <see cref="RetainedValues"/>. Any may read meanwhile, without a lock, and
/// finds the newest points or those of just before.
/// </remarks>
internal sealed class Sparkline
{
    /// <summary>Points of a line.</summary>
    public const int Points = 144;

    /// <summary>Seconds of a point.</summary>
    public const int Seconds = 600;

    /// <summary>Bytes of memory that all lines of a topic take at most, with their names and the topic; about 900 with one line.</summary>
    public const int MostBytes = 7_000;

    private volatile Line[] _lines = [];
    private long _last;

    public Sparkline(string topic, RoomSparklines room)
    {
        (Topic, Room) = (topic, room);
        (InRoom, OnServer) = (new(this), new(this));
    }

    public string Topic { get; }

    public RoomSparklines Room { get; }

    /// <summary>Its places in the orders of <see cref="Sparklines"/>, which guards both.</summary>
    public LinkedListNode<Sparkline> InRoom { get; }

    public LinkedListNode<Sparkline> OnServer { get; }

    /// <summary>Memory is newer than the disk.</summary>
    public bool IsDirty { get; set; }

    /// <summary>There may be a record of it.</summary>
    public bool HasRecord { get; set; }

    /// <summary>The ten minutes of its newest point, counted from 1970.</summary>
    public long Last => Volatile.Read(ref _last);

    public int Fields => _lines.Length;

    /// <summary>The ten minutes of a moment, counted from 1970.</summary>
    public static long BucketOf(DateTimeOffset at) => at.ToUnixTimeSeconds() / Seconds;

    /// <summary>When they end.</summary>
    public static DateTimeOffset EndOf(long bucket) => DateTimeOffset.FromUnixTimeSeconds((bucket + 1) * Seconds);

    /// <summary>A number was said.</summary>
    /// <param name="name">Of the member of an object, in UTF-8; empty: the value is the number.</param>
    public void Set(ReadOnlySpan<byte> name, float value, long bucket)
    {
        Roll(bucket);
        if ((Find(name) ?? Add(name)) is { } line)
        {
            line.Ring[bucket % Points] = value;
            IsDirty = true;
        }
    }

    /// <summary>As it was read from its record.</summary>
    /// <param name="points">The newest last.</param>
    public void Restore(ReadOnlySpan<byte> name, ReadOnlySpan<float> points, long last)
    {
        Volatile.Write(ref _last, last);
        if (Add(name) is { } line)
        {
            for (var i = 0; i < Points; i++)
            {
                line.Ring[(last + 1 + i) % Points] = points[i];
            }
        }
    }

    public ReadOnlySpan<byte> NameOf(int field) => _lines[field].Name;

    /// <summary>Its line of a field of such a name. False: there is none.</summary>
    /// <param name="until">The ten minutes of the last point.</param>
    /// <param name="points">144, the newest last; NaN: nothing was said then.</param>
    public bool TryRead(ReadOnlySpan<byte> name, long until, Span<float> points)
    {
        if (Find(name) is not { } line)
        {
            return false;
        }

        Read(line, until, points);
        return true;
    }

    /// <inheritdoc cref="TryRead"/>
    /// <returns>How many lines there are. Each has its name and its points behind the other's.</returns>
    public IReadOnlyList<(byte[] Name, float[] Points)> ReadAll(long until)
    {
        var lines = _lines;
        var all = new (byte[], float[])[lines.Length];
        for (var i = 0; i < lines.Length; i++)
        {
            var points = new float[Points];
            Read(lines[i], until, points);
            all[i] = (lines[i].Name, points);
        }

        return all;
    }

    private void Read(Line line, long until, Span<float> points)
    {
        var last = Last;
        for (var i = 0; i < Points; i++)
        {
            var bucket = until - Points + 1 + i;
            points[i] = bucket <= last && bucket > last - Points ? line.Ring[bucket % Points] : float.NaN;
        }
    }

    private Line? Find(ReadOnlySpan<byte> name)
    {
        foreach (var line in _lines)
        {
            if (name.SequenceEqual(line.Name))
            {
                return line;
            }
        }

        return null;
    }

    // Null: it has as many as it may.
    private Line? Add(ReadOnlySpan<byte> name)
    {
        if (/* guard: numbers of a topic that have a line */ _lines.Length >= SparklineNumbers.Most)
        {
            return null;
        }

        Line line = new(name.ToArray());
        _lines = [.. _lines, line];
        return line;
    }

    // Places of a day ago are free for the new ten minutes; names that nothing was said of since give theirs to others.
    private void Roll(long bucket)
    {
        // A clock that was set back writes into what it said before. By more than a day: nothing of that is true.
        if (bucket <= _last && bucket > _last - Points)
        {
            return;
        }

        var first = bucket - _last is > 0 and < Points ? _last + 1 : bucket - Points + 1;
        foreach (var line in _lines)
        {
            for (var at = first; at <= bucket; at++)
            {
                line.Ring[at % Points] = float.NaN;
            }
        }

        if (_lines.Any(line => line.IsEmpty))
        {
            _lines = [.. _lines.Where(line => !line.IsEmpty)];
        }

        Volatile.Write(ref _last, bucket);
    }

    private sealed class Line
    {
        public Line(byte[] name)
        {
            Name = name;
            Array.Fill(Ring, float.NaN);
        }

        public byte[] Name { get; }

        public float[] Ring { get; } = new float[Points];

        public bool IsEmpty => Array.TrueForAll(Ring, float.IsNaN);
    }
}
