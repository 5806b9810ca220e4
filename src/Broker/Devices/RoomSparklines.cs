using System.Collections.Concurrent;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>The sparklines of a room's retained values.</summary>
/// <remarks>
/// All is called under the lock of the room's <see cref="RetainedValues"/>, but for <see cref="Find"/>, and for what
/// <see cref="Sparklines"/> does under its own.
/// </remarks>
internal sealed class RoomSparklines(string roomKey, Sparklines all)
{
    private const int RecordsAtOnce = 100;

    private readonly byte[] _prefix = SparklineRecord.PrefixOf(roomKey);
    private readonly ConcurrentDictionary<string, Sparkline> _lines = new(concurrencyLevel: 1, capacity: 7);

    // Of those whose record goes. Another room may have taken their place.
    private readonly ConcurrentQueue<string> _gone = new();
    private readonly Queue<Sparkline> _due = new();

    // 0: not looked at yet.
    private long _turned;

    /// <summary>Those of the room, that which was published longest ago first. Of <see cref="Sparklines"/>, which guards it.</summary>
    public LinkedList<Sparkline> ByAge { get; } = new();

    /// <summary>They are in memory. They stay when the room's values are let go.</summary>
    public bool AreRead { get; set; }

    /// <summary>Something is to be written.</summary>
    public bool AreDue => _due.Count > 0 || !_gone.IsEmpty;

    /// <summary>Null: there is no line of the topic.</summary>
    public Sparkline? Find(string topic) => _lines.GetValueOrDefault(topic);

    /// <summary>A value of a topic was set.</summary>
    /// <param name="bucket">The ten minutes of now.</param>
    public void Say(string topic, ReadOnlySpan<byte> payload, long bucket)
    {
        if (all.MostOfRoom == 0)
        {
            return;
        }

        SparklineNumbers numbers = default;
        numbers.Read(payload);
        if (numbers.Count == 0)
        {
            return;
        }

        if (Find(topic) is not { } line)
        {
            line = new Sparkline(topic, this);
            Set(line, ref numbers, bucket);
            all.TryAdd(line, bucket);
            return;
        }

        if (line.Last < bucket)
        {
            all.Touch(line);
        }

        Set(line, ref numbers, bucket);
    }

    /// <summary>The value is gone.</summary>
    public void Forget(string topic)
    {
        if (Find(topic) is { } line)
        {
            all.Remove(line);
        }
    }

    /// <summary>Reads all that the disk has. Under no lock.</summary>
    /// <param name="isThere">Whether a topic has a value. Lines without one are left by a program that was killed.</param>
    /// <exception cref="IOException">They cannot be read.</exception>
    public void Read(IRecords records, Func<string, bool> isThere, long bucket)
    {
        List<Sparkline> found = [];
        for (byte[] last = []; records.ReadPage(_prefix, last, RecordsAtOnce) is { Count: > 0 } page; last = page[^1].Key)
        {
            foreach (var (key, record) in page)
            {
                var topic = Encoding.UTF8.GetString(key.AsSpan(_prefix.Length));
                Sparkline line = new(topic, this) { HasRecord = true };
                if (all.MostOfRoom > 0 && SparklineRecord.TryRead(record, line) && line.Last > bucket - Sparkline.Points
                    && (/* guard: a sparkline without its value */ isThere(topic)))
                {
                    found.Add(line);
                }
                else
                {
                    _gone.Enqueue(topic);
                }
            }
        }

        // Of more than a room has by now, the newest.
        var surplus = Math.Max(0, found.Count - all.MostOfRoom);
        found.Sort((one, other) => one.Last.CompareTo(other.Last));
        found.Take(surplus).ToList().ForEach(line => _gone.Enqueue(line.Topic));
        foreach (var line in found.Skip(surplus))
        {
            if (!all.TryAdd(line, bucket))
            {
                _gone.Enqueue(line.Topic);
            }
        }
    }

    /// <summary>Another ten minutes have begun: what was said before is to be written, and lines of which nothing is left go.</summary>
    /// <returns>How many are to be written.</returns>
    public int Turn(long bucket)
    {
        var before = _turned;
        _turned = bucket;
        if (before == 0 || before == bucket)
        {
            return 0;
        }

        foreach (var line in _lines.Values.Where(line => line.Last <= bucket - Sparkline.Points))
        {
            all.Remove(line);
        }

        return WantAll();
    }

    /// <summary>All that the disk does not have is to be written.</summary>
    public int WantAll()
    {
        _due.Clear();
        foreach (var line in _lines.Values.Where(line => line.IsDirty))
        {
            _due.Enqueue(line);
        }

        return _due.Count;
    }

    /// <summary>What is to be written next. The records are made by <see cref="ChangesOf"/>, under no lock.</summary>
    public LinesToWrite TakeDue()
    {
        LinesToWrite taken = new([], []);
        while (taken.Lines.Count < RecordsAtOnce && _due.TryDequeue(out var line))
        {
            // It may have lost its place since.
            if (Find(line.Topic) == line)
            {
                (line.IsDirty, line.HasRecord) = (false, true);
                taken.Lines.Add(line);

                // Another room may take its place just now, and have found no record to delete.
                if (Find(line.Topic) != line)
                {
                    _gone.Enqueue(line.Topic);
                }
            }
        }

        while (taken.Gone.Count < RecordsAtOnce && _gone.TryDequeue(out var topic))
        {
            // A line of the topic that was begun since has no record, or is written with this.
            if (Find(topic) is not { HasRecord: true })
            {
                taken.Gone.Add(topic);
            }
        }

        return taken;
    }

    public IEnumerable<RecordChange> ChangesOf(LinesToWrite taken) =>
    [
        .. taken.Gone.Select(topic => new RecordChange(RetainedRecord.KeyOf(_prefix, topic), null)),
        .. taken.Lines.Select(line => new RecordChange(RetainedRecord.KeyOf(_prefix, line.Topic), SparklineRecord.Write(line))),
    ];

    /// <summary>The disk took nothing of it: it is written with the next ten minutes.</summary>
    public void SetRefused(LinesToWrite taken)
    {
        taken.Lines.ForEach(line => line.IsDirty = true);
        taken.Gone.ForEach(_gone.Enqueue);
    }

    /// <summary>The room is gone.</summary>
    public void Clear()
    {
        foreach (var line in _lines.Values)
        {
            all.Remove(line);
        }

        _due.Clear();
        _gone.Clear();
        AreRead = false;
    }

    /// <summary>Has the records of the room's lines deleted. May be called twice.</summary>
    /// <exception cref="IOException">Not all is off the disk.</exception>
    public async Task ForgetAsync(IRecords records)
    {
        for (byte[] last = [];
             await Task.Run(() => records.ReadPage(_prefix, last, RecordsAtOnce)) is { Count: > 0 } page;
             last = page[^1].Key)
        {
            await records.WriteAsync([.. page.Select(record => new RecordChange(record.Key, null)), RetainedRecord.NoteReplaced()]);
        }
    }

    /// <summary>For <see cref="Sparklines"/>: the topic has its lines.</summary>
    public void Put(Sparkline line) => _lines[line.Topic] = line;

    /// <summary>For <see cref="Sparklines"/>: it has none any more.</summary>
    public void Take(Sparkline line)
    {
        _lines.TryRemove(new KeyValuePair<string, Sparkline>(line.Topic, line));
        if (line.HasRecord)
        {
            _gone.Enqueue(line.Topic);
        }
    }

    private static void Set(Sparkline line, ref SparklineNumbers numbers, long bucket)
    {
        for (var i = 0; i < numbers.Count; i++)
        {
            line.Set(numbers.NameOf(i), numbers.ValueOf(i), bucket);
        }
    }
}

/// <summary>What of a room's sparklines is to be written at once.</summary>
/// <param name="Gone">Topics whose record goes.</param>
internal readonly record struct LinesToWrite(List<Sparkline> Lines, List<string> Gone);
