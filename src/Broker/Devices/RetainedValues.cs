using System.Text;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>The retained values of one room: a cache of their records, in which a value is newer than on disk for a moment.</summary>
/// <remarks>
/// <para>They are read when they are first asked for, and let go when the memory is needed for others. What is set before they are here
/// waits, in its order.</para>
/// <para>A value is in memory at once, and is taken back if its publisher has to be told that the disk did not take it. One write of a room
/// is under way at a time, so nothing older comes over something newer; what is set meanwhile goes with the next, the newest of a topic
/// alone.</para>
/// <c>_gate</c> is a lock under which nothing is read, and only that of <see cref="Sparklines"/> taken; readers take it for no longer than
/// it takes to find the tree.
/// </remarks>
internal sealed partial class RetainedValues(
    string roomKey, RetainedMemory memory, Sparklines sparklines, IRecords records, DiskSpace space, TimeProvider time, ILogger logger)
    : IRetainedValues
{
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly byte[] _prefix = RetainedRecord.PrefixOf(roomKey);
    private readonly UnsavedValues _unsaved = new();
    private readonly ExpiringValues _expiring = new();
    private readonly RoomSparklines _lines = new(roomKey, sparklines);
    private readonly Queue<(DataMessage Message, TaskCompletionSource<RetainedOutcome> Told)> _early = [];

    // Null: not in memory.
    private volatile RetainedTree? _tree;
    private Task<bool>? _opening;
    private volatile bool _isGone;
    private int _count;
    private long _bytes;
    private long _beside;
    private long _lastUsed;

    // 0: it was not refused to be read. Else when.
    private long _refused;
    private string? _ownerId;
    private RetainedHolding? _holding;

    /// <summary>How many there are, and their bytes with their topics. 0 while they are not in memory.</summary>
    public (int Count, long Bytes) Size
    {
        get
        {
            lock (_gate)
            {
                return (_count, _bytes);
            }
        }
    }

    public bool IsOpen => _tree is not null;

    /// <summary>Id of the account that the room is of; null: of none.</summary>
    public string? OwnerId
    {
        get => _ownerId;
        set
        {
            if (_ownerId == value)
            {
                return;
            }

            lock (_gate)
            {
                // What they take goes over to who has the room from here on.
                Holding.Add(-Taken);
                (_ownerId, _holding) = (value, null);
                Holding.Add(Taken);
            }
        }
    }

    /// <summary>Who holds the memory that they take: the account, else the room itself.</summary>
    public string Holder => OwnerId ?? roomKey;

    /// <summary>What that holder's rooms take together, these among them.</summary>
    public RetainedHolding Holding => _holding ??= memory.Of(Holder);

    /// <summary>Bytes of memory that they take.</summary>
    public long Taken => Volatile.Read(ref _bytes) + Volatile.Read(ref _beside);

    /// <summary>How long ago anybody asked for them.</summary>
    public TimeSpan Unused => time.GetElapsedTime(Volatile.Read(ref _lastUsed));

    // Its holder's rooms are not read again and again where there is no place for them.
    private bool IsRefused => _refused != 0 && time.GetElapsedTime(_refused) < RetainedMemory.KeptFor;

    // In the ten minutes of sparklines.
    private long Now => Sparkline.BucketOf(time.GetUtcNow());

    public ValueTask<bool> OpenAsync()
    {
        Volatile.Write(ref _lastUsed, time.GetTimestamp());
        if (_tree is not null)
        {
            return ValueTask.FromResult(true);
        }

        lock (_gate)
        {
            return _tree is not null ? ValueTask.FromResult(true)
                : _isGone || IsRefused ? ValueTask.FromResult(false)
                : new(_opening ??= Task.Run(Open));
        }
    }

    public ValueTask<RetainedOutcome> SetAsync(DataMessage message)
    {
        Volatile.Write(ref _lastUsed, time.GetTimestamp());
        memory.MakeRoom(message.Payload.Length + message.Properties.Length);
        TaskCompletionSource<RetainedOutcome> told;
        lock (_gate)
        {
            if (_tree is not null || _isGone || IsRefused)
            {
                return Set(message);
            }

            told = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _early.Enqueue((message, told));
            _opening ??= Task.Run(Open);
        }

        return new(told.Task);
    }

    public int GrowthOf(DataMessage message)
    {
        if (message.Payload.IsEmpty)
        {
            return 0;
        }

        var before = _tree?.Find(message.Topic)?.Value;
        return Math.Max(0, RetainedRecord.LengthOf(message) - (before?.Length ?? -(_prefix.Length + Encoding.UTF8.GetByteCount(message.Topic))));
    }

    public IEnumerable<DataMessage> Match(DataFilter filter) => Walk(filter).OfType<DataMessage>();

    // The tree of now: what is enumerated later may find the room let go.
    public IEnumerable<DataMessage?> Walk(DataFilter filter) => _tree is { } tree ? Walk(tree, filter) : [];

    private IEnumerable<DataMessage?> Walk(RetainedTree tree, DataFilter filter)
    {
        foreach (var (topic, record) in tree.Walk(filter))
        {
            // Who takes them slowly keeps them in memory. Else they were let go, and may be here anew, and others.
            Volatile.Write(ref _lastUsed, time.GetTimestamp());
            if (_isGone)
            {
                yield break;
            }

            if (topic is null)
            {
                yield return null;
            }
            else if ((_tree is not { } now || now == tree ? record : now.Find(topic)?.Value) is { } current && !HasExpired(current))
            {
                yield return RetainedRecord.Read(topic, current);
            }
        }
    }

    /// <summary>The lines of a topic that has a value. Null: there are none.</summary>
    public Sparkline? FindLines(string topic) => _lines.Find(topic);

    public DataMessage? Find(string topic) =>
        _tree?.Find(topic)?.Value is { } record && !HasExpired(record) ? RetainedRecord.Read(topic, record) : null;

    /// <summary>Has written what waits, and takes out some of what has expired.</summary>
    /// <param name="most">So many at most.</param>
    /// <returns>How many were taken out.</returns>
    public int Sweep(int most)
    {
        lock (_gate)
        {
            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
            var swept = 0;
            while (swept < most && _tree is not null && _expiring.TakeDue(now) is { } node)
            {
                var (topic, before) = (RetainedTree.TopicOf(node), node.Value);
                Change(topic, node, before, null);
                _unsaved.Put(topic, before, null).IsPromised = false;
                swept++;
            }

            Save();
            return swept;
        }
    }

    /// <summary>Has lines written, when another ten minutes have begun.</summary>
    /// <returns>How many there are to write.</returns>
    public int TurnLines()
    {
        lock (_gate)
        {
            return _isGone ? 0 : _lines.Turn(Now);
        }
    }

    /// <summary>
    /// Gives their memory back, but for the lines. False: there is something that the disk does not have, or they are not in memory.
    /// </summary>
    public bool TryLetGo()
    {
        lock (_gate)
        {
            if (_tree is null || !_unsaved.IsEmpty)
            {
                return false;
            }

            LetGo();
            return true;
        }
    }

    /// <summary>The room is deleted: nothing of it is served or written any more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isGone = true;
            LetGo();
            _lines.Clear();
            foreach (var waiting in _unsaved.Clear())
            {
                waiting.Tell(RetainedOutcome.NotStored);
            }
        }
    }

    // Under the gate.
    private void LetGo()
    {
        memory.Give(_bytes + _beside);
        Holding.Add(-(_bytes + _beside));
        (_tree, _count, _bytes, _beside) = (null, 0, 0, 0);
        _expiring.Clear();
    }

    // Under the gate, with the values in memory or the room gone.
    private ValueTask<RetainedOutcome> Set(DataMessage message)
    {
        if (_tree is not { } tree)
        {
            return ValueTask.FromResult(RetainedOutcome.NotStored);
        }

        var node = tree.Find(message.Topic);
        var before = node?.Value;
        var after = message.Payload.IsEmpty ? null : RetainedRecord.Write(message);
        if (before is null && after is null && !_unsaved.Has(message.Topic))
        {
            return ValueTask.FromResult(RetainedOutcome.Stored);
        }

        if (after is not null && (/* guard: a disk that is nearly full, retained values */ space.IsLow))
        {
            return ValueTask.FromResult(RetainedOutcome.NotStored);
        }

        if (after is not null && WhyNot(message.Topic, before, after) is { } refused)
        {
            return ValueTask.FromResult(refused);
        }

        Change(message.Topic, node, before, after);
        if (after is not null)
        {
            _lines.Say(message.Topic, message.Payload.Span, Now);
        }

        var outcome = _unsaved.Put(message.Topic, before, after).OutcomeFor(message.QualityOfService);
        if (message.QualityOfService > 0)
        {
            Save();
        }

        return outcome;
    }

    // Under the gate. Null: there is room. What takes no more than was there is always taken.
    private RetainedOutcome? WhyNot(string topic, byte[]? before, byte[] after)
    {
        if (before is null && (/* guard: retained values of a room */ memory.IsFull(_count)))
        {
            return RetainedOutcome.Full;
        }

        if (SizeOf(topic, after) - SizeOf(topic, before) is not (> 0 and var more))
        {
            return null;
        }

        var taken = more + (before is null ? RetainedMemory.BesideOf(topic) : 0);
        return (/* guard: bytes of a room's retained values */ memory.IsFull(_bytes + more))
            || !(/* guard: an account's share of the memory of retained values */ memory.HasShare(Holding, taken)) ? RetainedOutcome.Full
            : (/* guard: memory of all retained values */ memory.HasRoom(taken)) ? null : RetainedOutcome.NoMemory;
    }

    // Under the gate.
    private void Change(string topic, RetainedNode? node, byte[]? before, byte[]? after)
    {
        var (more, count) = (SizeOf(topic, after) - SizeOf(topic, before), (after is null ? 0 : 1) - (before is null ? 0 : 1));
        var beside = count * RetainedMemory.BesideOf(topic);
        memory.Take(more + beside);
        Holding.Add(more + beside);
        (_bytes, _beside, _count) = (_bytes + more, _beside + beside, _count + count);
        if (after is null)
        {
            if (node is not null)
            {
                RetainedTree.Clear(node);
            }

            // guard: sparklines of a value that is gone
            _lines.Forget(topic);
        }
        else
        {
            node ??= _tree!.FindOrAdd(topic);
            node.Value = after;
            _expiring.Put(node, after);
        }
    }

    private bool HasExpired(byte[] record) =>
        /* guard: what has expired is not retained */ RetainedRecord.ExpiryOf(record) <= time.GetUtcNow().ToUnixTimeMilliseconds();

    private static long SizeOf(string topic, byte[]? record) => record is null ? 0 : record.Length + Encoding.UTF8.GetByteCount(topic);
}
