namespace WebMessenger.Broker.Devices;

/// <summary>The values of a room that the disk does not have as they are: what waits to be written, and what is being written.</summary>
/// <remarks>Guarded by the lock of its <see cref="RetainedValues"/>.</remarks>
internal sealed class UnsavedValues
{
    /// <summary>One write. Whoever says something meanwhile waits for one, and not for all.</summary>
    private const int MostAtOnce = 500;
    private const long MostBytesAtOnce = 4 * 1024 * 1024;

    private Dictionary<string, UnsavedValue> _waiting = [];
    private Dictionary<string, UnsavedValue> _underWay = [];

    public bool IsEmpty => _waiting.Count == 0 && _underWay.Count == 0;

    public bool AreWaiting => _waiting.Count > 0;

    /// <summary>Null: as it is in memory, it is on disk.</summary>
    public bool Has(string topic) => _waiting.ContainsKey(topic) || _underWay.ContainsKey(topic);

    /// <summary>A value has changed in memory.</summary>
    /// <param name="before">What it was; null: there was none.</param>
    /// <param name="after">What it is; null: it is cleared.</param>
    public UnsavedValue Put(string topic, byte[]? before, byte[]? after)
    {
        if (!_waiting.TryGetValue(topic, out var unsaved))
        {
            // While an earlier one is being written, that is what the disk will have; SetWritten and SetRefused put it right.
            _waiting[topic] = unsaved = new UnsavedValue { OnDisk = before };
        }

        unsaved.Value = after;
        return unsaved;
    }

    /// <summary>What is to be written next.</summary>
    public IReadOnlyDictionary<string, UnsavedValue> Take()
    {
        if (_waiting.Count <= MostAtOnce && _waiting.Values.Sum(one => (long)(one.Value?.Length ?? 0)) <= MostBytesAtOnce)
        {
            (_underWay, _waiting) = (_waiting, []);
            return _underWay;
        }

        Dictionary<string, UnsavedValue> some = [];
        var bytes = 0L;
        foreach (var (topic, one) in _waiting)
        {
            bytes += one.Value?.Length ?? 0;
            if (some.Count > 0 && (some.Count == MostAtOnce || bytes > MostBytesAtOnce))
            {
                break;
            }

            some.Add(topic, one);
        }

        foreach (var topic in some.Keys)
        {
            _waiting.Remove(topic);
        }

        return _underWay = some;
    }

    /// <summary>What was taken is on disk.</summary>
    public void SetWritten()
    {
        foreach (var (topic, one) in _underWay)
        {
            if (_waiting.TryGetValue(topic, out var newer))
            {
                newer.OnDisk = one.Value;
            }
        }

        _underWay = [];
    }

    /// <summary>The disk took nothing of it. Returns those of which memory has to go back to what is on disk.</summary>
    public List<KeyValuePair<string, UnsavedValue>> SetRefused()
    {
        List<KeyValuePair<string, UnsavedValue>> back = [];
        foreach (var (topic, one) in _underWay)
        {
            if (_waiting.TryGetValue(topic, out var newer))
            {
                newer.OnDisk = one.OnDisk;
            }
            else if (one.IsPromised)
            {
                back.Add(new(topic, one));
            }
            else
            {
                // Nobody is told that a value of QoS 0 is not stored: it is tried again.
                _waiting[topic] = new UnsavedValue { OnDisk = one.OnDisk, Value = one.Value };
            }
        }

        _underWay = [];
        return back;
    }

    /// <summary>The room is gone. Returns what waited.</summary>
    public IReadOnlyCollection<UnsavedValue> Clear()
    {
        var waited = _waiting.Values;
        _waiting = [];
        return waited;
    }
}

/// <summary>One value that the disk does not have.</summary>
internal sealed class UnsavedValue
{
    private TaskCompletionSource<RetainedOutcome>? _told;

    /// <summary>Null: there is none.</summary>
    public byte[]? OnDisk { get; set; }

    /// <summary>Null: it is cleared.</summary>
    public byte[]? Value { get; set; }

    /// <summary>Whoever set it last is told whether it is on disk.</summary>
    public bool IsPromised { get; set; }

    /// <summary>The outcome for who has just set it.</summary>
    public ValueTask<RetainedOutcome> OutcomeFor(byte qualityOfService)
    {
        IsPromised = qualityOfService > 0;
        return IsPromised
            ? new((_told ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task)
            : ValueTask.FromResult(RetainedOutcome.Stored);
    }

    public void Tell(RetainedOutcome outcome) => _told?.TrySetResult(outcome);
}
