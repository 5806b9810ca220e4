using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>Who delivers what a cursor stands before.</summary>
internal interface IDataReader
{
    /// <summary>What the client is owed is on disk. Nothing in it blocks.</summary>
    void Stored();
}

/// <summary>
/// Where a client that is kept is in the data log of one room, and what it has not acknowledged of it; connected or away.
/// </summary>
/// <remarks>
/// <para>It is behind while <c>_owed</c> is above <c>_cursor</c>. What is between is looked for in the log. So a client that is away costs
/// no more than this, whatever it misses.</para>
/// Thread-safe. <c>_gate</c> is a leaf; under it records are handed to the store, so what is written is in the order of what happened.
/// </remarks>
/// <param name="key">Of its record.</param>
/// <param name="client">Whose it is; null: nobody drops it.</param>
internal sealed partial class DataCursor(DataSpace space, DataLogs logs, byte[] key, DataCursors? client = null) : ILogCursor
{
    /// <summary>Where a filter, or the cursor, begins as soon as the log is open.</summary>
    private const long FromOpening = -1;

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());

    // Of each filter what is after this seq.
    private readonly Dictionary<string, long> _since = new(StringComparer.Ordinal);
    private DataSubscription[] _subscriptions = [];
    private long _cursor = FromOpening;
    private long _owed = FromOpening;

    // Said by a packet id.
    private readonly UntoldGap _gap = new();

    // On this connection what is retained was sent because of the gap.
    private bool _hasReplayed;

    private IDataReader? _reader;
    private bool _isRestored;
    private bool _isNoted;
    private bool _isEnded;
    private bool _isGivenUp;

    public DataSpace Space => space;

    public byte[] Key => key;

    /// <summary>The connection's, while there is one.</summary>
    public IDataReader? Reader
    {
        get => _reader;
        set
        {
            lock (_gate)
            {
                _hasReplayed &= ReferenceEquals(_reader, value);
                _reader = value;
            }
        }
    }

    /// <summary>Something is owed, and on disk; or it is to be told that something is not there any more.</summary>
    public bool IsDue
    {
        get
        {
            lock (_gate)
            {
                return !_isEnded
                    && ((_owed > _cursor && space.Log.Stored > _cursor) || (_gap.IsThere && !_hasReplayed && _cursor != FromOpening));
            }
        }
    }

    /// <summary>The client has given up all its filters in the room, and completed all that was begun.</summary>
    public bool IsGivenUp
    {
        get
        {
            lock (_gate)
            {
                return _isGivenUp && _sent.Count == 0 && !_isEnded;
            }
        }
    }

    /// <summary>The seq that everything was sent up to.</summary>
    public long Cursor
    {
        get
        {
            lock (_gate)
            {
                return Math.Max(0, _cursor);
            }
        }
    }

    /// <summary>The largest seq that it knows of; 0: none.</summary>
    public long LargestSeq
    {
        get
        {
            lock (_gate)
            {
                return Math.Max(Math.Max(0, _cursor), _sent.Count == 0 ? 0 : _sent.Max(sent => sent.Seq));
            }
        }
    }

    /// <summary>Of the log it needs nothing before this seq.</summary>
    public long FirstNeeded
    {
        get
        {
            lock (_gate)
            {
                var first = _owed > _cursor ? _cursor + 1 : long.MaxValue;
                foreach (var sent in _sent)
                {
                    first = sent.IsReceived ? first : Math.Min(first, sent.Seq);
                }

                return first;
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

        (_cursor, _isRestored) = (was.Cursor, true);
        _gap.Restore(was.HasGap);
        _sent.AddRange(was.Sent);
        _written = [.. was.Sent.Select(sent => sent.PacketId)];
        foreach (var (filter, since) in was.Since)
        {
            if (!_withheld.TryRestore(filter, since))
            {
                _since[filter] = since;
            }
        }

        return true;
    }

    /// <summary>The log is in memory. Under its gate.</summary>
    public void Opened(long head)
    {
        lock (_gate)
        {
            var isNew = _cursor == FromOpening;
            _cursor = isNew ? head : _cursor;

            // What a client of an earlier run is owed is looked for in all that is after it.
            _owed = Math.Max(_owed, _isRestored ? head : _cursor);
            _cursor = _isGivenUp ? _owed : _cursor;
            _isRestored = false;
            foreach (var filter in _since.Where(one => one.Value == FromOpening).Select(one => one.Key).ToList())
            {
                _since[filter] = head;
            }

            if (isNew)
            {
                // Before anything that is said from here on, so no crash keeps that and loses this.
                _ = WatchAsync(Write());
            }
        }
    }

    /// <summary>The client holds these at QoS 1 or 2 from now on. Before they are heard.</summary>
    /// <param name="isResuming">They are taken again one by one: others may follow, and what is not known was held before.</param>
    public void Hold(DataSubscription[] subscriptions, bool isResuming)
    {
        var head = space.Log.IsOpen ? space.Log.Head : FromOpening;
        lock (_gate)
        {
            _subscriptions = subscriptions;
            _isGivenUp = subscriptions.Length == 0 && !isResuming;
            foreach (var subscription in subscriptions)
            {
                _since.TryAdd(subscription.Filter.Text, isResuming ? 0 : head);
            }

            if (!isResuming)
            {
                var held = subscriptions.Select(subscription => subscription.Filter.Text).ToHashSet();
                foreach (var gone in _since.Keys.Where(filter => !held.Contains(filter)).ToList())
                {
                    _since.Remove(gone);
                }

                if (subscriptions.Length == 0)
                {
                    // What was begun is completed [MQTT-3.10.4-3], what waits is not sent.
                    _cursor = Math.Max(_cursor, _owed);
                }

                Note();
            }
        }
    }

    /// <summary>The client holds nothing in the room.</summary>
    public void GiveUp() => Hold([], isResuming: false);

    /// <summary>A publish under this seq matches a filter of the client. The saying thread's.</summary>
    /// <returns>True: it is the next one, nothing is before it, and it need not say that something is missing.</returns>
    public bool Hear(long seq)
    {
        lock (_gate)
        {
            if (_isEnded || seq <= _cursor || seq <= _owed)
            {
                return false;
            }

            var isNext = _owed <= _cursor;
            _cursor = isNext ? seq - 1 : _cursor;
            _owed = seq;
            _withheld.Interrupt();
            return isNext && !_gap.MustBeSaid;
        }
    }

    /// <summary>Everything up to a seq was sent, or is not for the client.</summary>
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

    /// <summary>
    /// Entries up to a seq are not there any more. That it has missed some is handed to the store before they are taken out of it.
    /// </summary>
    /// <returns>Whether it was owed one of them.</returns>
    public bool Trimmed(long last)
    {
        lock (_gate)
        {
            if (_isEnded || _cursor >= last)
            {
                return false;
            }

            var isBehind = _owed > _cursor;
            (_cursor, _owed) = (last, Math.Max(_owed, last));
            if (!isBehind)
            {
                // Had, or not for it. Many clients may be here that hear nothing: they are not written each time something goes.
                Note();
                return false;
            }

            Gap();
            _ = WatchAsync(Write());
            return true;
        }
    }

    /// <summary>How an entry is delivered to the client; null: none of its filters brings it.</summary>
    public DataGrant? GrantOf(DataMessage message, long seq)
    {
        lock (_gate)
        {
            if (/* guard: a client is owed nothing that it might not read */ _withheld.Contains(seq))
            {
                return null;
            }

            byte quality = 0;
            var keepsRetain = false;
            List<int> ids = [];
            foreach (var subscription in _subscriptions)
            {
                var isOwn = subscription.NoLocal
                    && message.PublisherMark != 0
                    && subscription.Member.PublisherMark == message.PublisherMark;
                var isOlder = /* guard: a filter brings nothing of before it */ _since.GetValueOrDefault(subscription.Filter.Text) >= seq;
                if (isOwn || isOlder || !subscription.Filter.Matches(message.Topic))
                {
                    continue;
                }

                quality = Math.Max(quality, subscription.QualityOfService);
                keepsRetain |= subscription.RetainAsPublished;
                ids.AddRange(subscription.SubscriptionIds);
            }

            return quality == 0 ? null
                : new DataGrant(Math.Min(quality, message.QualityOfService), message.Retain && keepsRetain, [.. ids]);
        }
    }

    public void Stored() => Reader?.Stored();

    /// <summary>Completes when it is on disk where the client is; fails with <see cref="IOException"/>.</summary>
    public Task SaveAsync()
    {
        if ((/* guard: cursors without filters go */ IsGivenUp) && client?.Drop(this) is { } dropped)
        {
            return dropped;
        }

        lock (_gate)
        {
            _isNoted = false;
            return _isEnded || _cursor == FromOpening ? Task.CompletedTask : Write();
        }
    }

    /// <summary>The client, or the room, is the account's no more. What takes it off the disk is to be written by the caller.</summary>
    public RecordChange End()
    {
        space.Log.Remove(this);
        lock (_gate)
        {
            _isEnded = true;
            _sent.Clear();
            return new RecordChange(key, null);
        }
    }

    // Under the gate, as all below.
    private void Note()
    {
        if (!_isNoted && !_isEnded)
        {
            _isNoted = true;
            logs.Changed(this);
        }
    }

    // A seq whose entry is not on disk yet may be given to another after a crash.
    private Task Write()
    {
        var stored = space.Log.Stored;
        var cursor = Math.Min(Math.Max(0, _cursor), Math.Max(stored, _isRestored ? _cursor : 0));
        List<DataSent> sent = [.. _sent.Where(sent => sent.Seq <= stored || _isRestored)];
        _withheld.Forget(cursor);
        DataCursorRecord record = new(
            cursor, _gap.IsThere, sent, [.. _since.Where(one => one.Value > cursor).Select(one => (one.Key, one.Value)), .. _withheld.ToRecord()]);
        _written = [.. sent.Select(one => one.PacketId)];
        _isUnwritten = false;
        return _writing = logs.Records.WriteAsync([new RecordChange(key, record.ToBytes())]);
    }

    private static async Task WatchAsync(Task written)
    {
        try
        {
            await written;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // It is noted with the client's next change; should the program end before, the client is told of a gap too many.
        }
    }
}
