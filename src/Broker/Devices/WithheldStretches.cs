using System.Globalization;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// What was said while a client, or a group, was behind and might not read it: it is not delivered when the right comes back.
/// </summary>
/// <remarks>Stretches of seqs, of what matches its filters. Guarded by the gate of the cursor whose they are.</remarks>
internal sealed class WithheldStretches
{
    private const int Most = 64;

    // No filter begins with it [MQTT-1.5.4-2]: in a cursor's record they stand among the filters.
    private const char Mark = '\0';

    private readonly List<(long First, long Last)> _stretches = [];
    private bool _goesOn;

    /// <summary>Of the largest seq so far.</summary>
    /// <returns>False: there were too many, and what might be read between the oldest two is withheld too.</returns>
    public bool Add(long seq)
    {
        if (_goesOn && _stretches is [.., var last])
        {
            _stretches[^1] = (last.First, seq);
            return true;
        }

        _goesOn = true;
        _stretches.Add((seq, seq));
        if (_stretches.Count <= Most)
        {
            return true;
        }

        _stretches[1] = (_stretches[0].First, _stretches[1].Last);
        _stretches.RemoveAt(0);
        return false;
    }

    /// <summary>Something may be read, and is owed.</summary>
    public void Interrupt() => _goesOn = false;

    public bool Contains(long seq) => _stretches.Exists(one => one.First <= seq && seq <= one.Last);

    /// <summary>Nothing up to a seq is looked for any more.</summary>
    public void Forget(long last) => _stretches.RemoveAll(one => one.Last <= last);

    /// <summary>For the filters of a <see cref="DataCursorRecord"/>.</summary>
    public IEnumerable<(string Text, long Last)> ToRecord() =>
        _stretches.Select(one => (Mark + one.First.ToString(CultureInfo.InvariantCulture), one.Last));

    /// <summary>False: it is a filter's.</summary>
    public bool TryRestore(string text, long last)
    {
        if (!text.StartsWith(Mark))
        {
            return false;
        }

        if (long.TryParse(text.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var first))
        {
            _stretches.Add((first, last));
        }

        return true;
    }
}
