using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// Where a group is in the log that it shares: up to where everything was dealt to its members, what of that no member has acknowledged,
/// and what came back from members that are gone.
/// </summary>
/// <remarks>
/// <para>It is on disk while a client that is kept holds the group's filter: no other member outlives the program.</para>
/// Thread-safe. <c>_gate</c> is a leaf; under it records are handed to the store, so what is written is in the order of what happened.
/// </remarks>
/// <param name="key">Of its record.</param>
/// <param name="most">Entries that members have and have not acknowledged. 0: as many as a record holds.</param>
internal sealed partial class DataGroupCursor(IGroupLog log, DataLogs logs, byte[] key, int most) : ILogCursor
{
    /// <summary>A record counts them in two bytes.</summary>
    private const int MostInRecord = ushort.MaxValue;
    private const long FromOpening = -1;

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());

    // With a member, and not acknowledged; of each whether nobody else may get it, because it went at QoS 2 [MQTT-4.8.2-5].
    private readonly Dictionary<long, bool> _out = [];

    // To be dealt before all else; of each whether a member may have had it.
    private readonly SortedDictionary<long, bool> _returned = [];

    // All of both, but for what goes to a member at QoS 2: what a record has of them. In order, as the log asks each second.
    private readonly SortedSet<long> _pending = [];

    private readonly int _most = most is > 0 and <= MostInRecord ? most : MostInRecord;
    private long _cursor = FromOpening;
    private long _owed = FromOpening;

    // Up to here an earlier run of the program may have dealt what its record does not know of.
    private long _repeated;
    private bool _isStored;
    private bool _isRestored;
    private bool _isWritten;
    private bool _isNoted;
    private bool _isEnded;

    /// <summary>What it is owed is on disk.</summary>
    public event Action? Due;

    /// <summary>A client that is kept holds the filter: where the group is outlives the program.</summary>
    public bool IsStored => Volatile.Read(ref _isStored);

    /// <summary>Something can be dealt, if a member takes it.</summary>
    public bool IsDue
    {
        get
        {
            lock (_gate)
            {
                return !_isEnded && (HasReturned || (IsBehind && log.Stored > _cursor && HasRoom));
            }
        }
    }

    public long LargestSeq
    {
        get
        {
            lock (_gate)
            {
                return Math.Max(Math.Max(0, _cursor), _pending.Max);
            }
        }
    }

    public long FirstNeeded
    {
        get
        {
            lock (_gate)
            {
                return Math.Min(
                    IsBehind ? _cursor + 1 : long.MaxValue,
                    Math.Min(
                        _pending.Count > 0 ? _pending.Min : long.MaxValue,
                        /* guard: what is to go at QoS 2 stays in the log until it has gone */ _planned.Count > 0 ? _planned.Min : long.MaxValue));
            }
        }
    }

    /// <summary>It is of an earlier run of the program. Before it stands in its log.</summary>
    public bool TryRestore(byte[] record)
    {
        if (!DataCursorRecord.TryRead(record, out var was))
        {
            return false;
        }

        (_cursor, _isRestored, _isWritten) = (was.Cursor, true, true);
        _gap.Restore(was.HasGap);
        foreach (var sent in was.Sent)
        {
            _returned[sent.Seq] = true;
            _pending.Add(sent.Seq);
        }

        foreach (var (text, last) in was.Since)
        {
            _withheld.TryRestore(text, last);
        }

        return true;
    }

    public void Opened(long head)
    {
        lock (_gate)
        {
            if (_cursor == FromOpening)
            {
                (_cursor, _owed) = (head, Math.Max(_owed, head));

                // Before anything that is said from here on, so no crash keeps that and loses this.
                WriteIfStored();
                return;
            }

            // What a group of an earlier run is owed is looked for in all that is after it.
            (_owed, _repeated) = _isRestored ? (Math.Max(_owed, head), head) : (Math.Max(_owed, _cursor), _repeated);
            _isRestored = false;
        }
    }

    /// <summary>Whether it outlives the program, from now on.</summary>
    public void Store(bool isStored)
    {
        lock (_gate)
        {
            if (_isStored == isStored || _isEnded)
            {
                return;
            }

            _isStored = isStored;
            if (isStored)
            {
                WriteIfStored();
            }
            else if (_isWritten)
            {
                _isWritten = false;
                _ = WatchAsync(logs.Records.WriteAsync([new RecordChange(key, null)]));
            }
        }
    }

    /// <summary>A publish under this seq matches the filter. The saying thread's.</summary>
    /// <param name="mayDeal">It may be dealt before it is on disk.</param>
    /// <returns>True: it is the next one, and is dealt, as if by <see cref="Deal"/>.</returns>
    public bool Hear(long seq, bool mayDeal)
    {
        lock (_gate)
        {
            if (_isEnded || seq <= _cursor || seq <= _owed)
            {
                return false;
            }

            var isNext = !IsBehind && _returned.Count == 0 && !_gap.MustBeSaid && HasRoom;
            _cursor = IsBehind || _cursor == FromOpening ? _cursor : seq - 1;
            _owed = seq;
            _withheld.Interrupt();
            if (!isNext || !mayDeal || _cursor == FromOpening)
            {
                return false;
            }

            _cursor = seq;
            _out[seq] = false;
            _pending.Add(seq);
            Note();
            return true;
        }
    }

    /// <summary>All that the log has by now is for the group. On disk, and several entries at once.</summary>
    public void Grew(long head)
    {
        lock (_gate)
        {
            if (!_isEnded && head > _owed)
            {
                _owed = head;
                _withheld.Interrupt();
            }
        }
    }

    /// <summary>What is to be dealt next: something that came back, or else what is in the log after a seq.</summary>
    public (long? Returned, long After) Next()
    {
        lock (_gate)
        {
            return HasReturned ? (_returned.First().Key, 0) : (null, Math.Max(0, _cursor));
        }
    }

    /// <summary>An entry goes to a member: what came back, or the one after the cursor.</summary>
    /// <param name="isExact">It goes at QoS 2, and to nobody else from here on.</param>
    /// <param name="isRepeated">A member may have had it before.</param>
    public Dealing Deal(long seq, bool isExact, out bool isRepeated)
    {
        lock (_gate)
        {
            isRepeated = seq <= _repeated;
            if (_isEnded)
            {
                return Dealing.Full;
            }

            if (_returned.Remove(seq, out var wasSent))
            {
                isRepeated |= wasSent;
            }
            else if (seq <= _cursor)
            {
                return Dealing.Past;
            }
            else if (!HasRoom)
            {
                return Dealing.Full;
            }

            _cursor = Math.Max(_cursor, seq);
            _out[seq] = isExact;
            _ = isExact ? _pending.Remove(seq) : _pending.Add(seq);
            _ = isExact && _planned.Add(seq);
            Note();
            return Dealing.Dealt;
        }
    }

    /// <summary>
    /// Nobody took what was dealt, or who had it is gone and has not acknowledged it: it is dealt again, before all else.
    /// </summary>
    /// <param name="wasSent">A member may have had it.</param>
    public void Return(long seq, bool wasSent)
    {
        lock (_gate)
        {
            _planned.Remove(seq);
            if (!_isEnded && _out.Remove(seq))
            {
                _gap.UnsayBy(seq);
                _returned[seq] = wasSent || seq <= _repeated;
                _pending.Add(seq);
                Note();
            }
        }
    }

    /// <summary>It was acknowledged, or is for nobody.</summary>
    public void Done(long seq)
    {
        lock (_gate)
        {
            if (_gap.IsSaidBy(seq))
            {
                _gap.Acknowledge(seq);
                Note();
            }

            _planned.Remove(seq);
            if (_out.Remove(seq) | _returned.Remove(seq))
            {
                _pending.Remove(seq);
                Note();
            }
        }
    }

    /// <summary>Everything up to a seq was dealt, or is not for the group.</summary>
    public void Advance(long seq)
    {
        lock (_gate)
        {
            if (seq > _cursor)
            {
                _cursor = seq;
                Note();
            }
        }
    }

    /// <summary>What it is owed could not be brought: <see cref="Due"/> comes once more with the next sweep.</summary>
    public void TryLater() => logs.TellLater(this);

    /// <summary>The same, for a reason that should not be.</summary>
    public void Failed(Exception error) => logs.Failed(this, error);

    public void Stored() => Due?.Invoke();

    public Task SaveAsync()
    {
        lock (_gate)
        {
            _isNoted = false;
            return _isStored && !_isEnded && _cursor != FromOpening ? Write() : Task.CompletedTask;
        }
    }

    /// <summary>Nobody holds the filter any more.</summary>
    public void End()
    {
        log.Remove(this);
        lock (_gate)
        {
            _isEnded = true;
            _out.Clear();
            _returned.Clear();
            _pending.Clear();
            _planned.Clear();
            if (_isWritten)
            {
                _ = WatchAsync(logs.Records.WriteAsync([new RecordChange(key, null)]));
            }
        }
    }

    // Under the gate, as all below.
    private bool IsBehind => _owed > _cursor;

    private bool HasRoom => /* guard: what a group has not acknowledged */ _out.Count + _returned.Count < _most;

    // A seq that is not on disk yet cannot be read.
    private bool HasReturned => _returned.Count > 0 && _returned.First().Key <= log.Stored;

    private void Note()
    {
        if (_isStored && !_isNoted && !_isEnded)
        {
            _isNoted = true;
            logs.Changed(this);
        }
    }

    private void WriteIfStored()
    {
        if (_isStored && !_isEnded && _cursor != FromOpening)
        {
            _ = WatchAsync(Write());
        }
    }

    // A seq whose entry is not on disk yet may be given to another after a crash.
    private Task Write()
    {
        var stored = _isRestored ? long.MaxValue : log.Stored;
        _isWritten = true;
        var cursor = Math.Min(Math.Max(0, _cursor), stored);
        _withheld.Forget(cursor);
        List<DataSent> pending = [.. _pending.TakeWhile(seq => seq <= stored).Select(seq => new DataSent(0, seq, 1, IsReceived: false))];
        return logs.Records.WriteAsync(
            [new RecordChange(key, new DataCursorRecord(cursor, _gap.IsThere, pending, [.. _withheld.ToRecord()]).ToBytes())]);
    }

    private static async Task WatchAsync(Task written)
    {
        try
        {
            await written;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // What the group is now is written with its next change. Should the program end before, the next run begins with what was
            // written last: some of it comes twice, and a group that has ended goes at the next start, for nobody holds it.
        }
    }
}
