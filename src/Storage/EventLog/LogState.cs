using System.Security.Cryptography;
using System.Text;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>What is held in memory of one log: its key prefix and its head.</summary>
/// <remarks>
/// <see cref="Durable"/> is set by the log thread and read by any; the other mutable members belong to the log thread alone, unless they
/// say otherwise. About 300 bytes; for how long it is kept, <see cref="LogStates"/> says.
/// </remarks>
internal sealed class LogState
{
    private readonly Lock _gate = new();
    private HeadRecord _durable;
    private bool _dropping;
    private volatile bool _isUsed = true;
    private volatile bool _isGone;
    private WeakReference<OpenLog>? _holder;

    public LogState(LogName log, HeadRecord? stored)
    {
        Name = log.Value;
        Prefix = LogRecords.Prefix(Encoding.ASCII.GetBytes(log.Value));
        // The epoch of an unused log is written with its first append:
        // nothing was numbered under one that a restart loses, so it cannot be taken for another.
        _durable = stored ?? new HeadRecord(NewEpoch(), 0, 0, 0, 0);
        Next = _durable;
    }

    public string Name { get; }

    public byte[] Prefix { get; }

    /// <summary>What is on disk; all that readers see.</summary>
    public HeadRecord Durable
    {
        get
        {
            lock (_gate)
            {
                return _durable;
            }
        }

        set
        {
            lock (_gate)
            {
                _durable = value;
            }

            Next = value;
        }
    }

    /// <summary>The head as it will be when the batch being built is on disk.</summary>
    public HeadRecord Next { get; set; }

    /// <summary>The batch being built has an event of this log.</summary>
    public bool Touched { get; set; }

    /// <summary>A write failed: the head must be read back before the next append.</summary>
    public bool Stale { get; set; }

    /// <summary>A drop is being written: until it is published the store may already be without the events. Read by any thread.</summary>
    public bool Dropping
    {
        get => Volatile.Read(ref _dropping);
        set => Volatile.Write(ref _dropping, value);
    }

    /// <summary>Somebody has asked for it since <see cref="LogStates"/> was last cleared. Set by any thread.</summary>
    public bool IsUsed
    {
        get => _isUsed;
        set
        {
            // Most of the time it is set already; written to, it would go from one core to the other each time.
            if (_isUsed != value)
            {
                _isUsed = value;
            }
        }
    }

    /// <summary>It is not the log's state any more: whoever still has it looks again. Read by any thread.</summary>
    public bool IsGone
    {
        get => _isGone;
        set => _isGone = value;
    }

    /// <summary>Somebody has the log open. Under the gate of <see cref="LogStates"/>, as <see cref="Hold"/>.</summary>
    public bool IsHeld => _holder is not null && _holder.TryGetTarget(out _);

    public OpenLog Hold()
    {
        if (_holder is not null && _holder.TryGetTarget(out var holder))
        {
            return holder;
        }

        holder = new Holder(this);
        _holder = new WeakReference<OpenLog>(holder);
        return holder;
    }

    public static string NewEpoch() => RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", 6);

    public static string NewEpoch(string not)
    {
        string epoch;
        do
        {
            epoch = NewEpoch();
        }
        while (epoch == not);

        return epoch;
    }

    /// <summary>A write to the log has failed: what of it is on disk, the disk says. The log thread's.</summary>
    /// <exception cref="LogDamagedException">Something that was stored is not there.</exception>
    public void ReadBack(RocksDb db)
    {
        var known = Durable;
        if (RocksStore.ReadHead(db, Prefix) is { } stored)
        {
            if (stored.Epoch == known.Epoch && stored.Head < known.Head)
            {
                throw new LogDamagedException($"The event log has lost what it had stored of {Name}.");
            }

            Durable = stored;
        }
        else if (known.Head > 0)
        {
            // A drop was reported as failed and is on disk all the same.
            Durable = new(NewEpoch(not: known.Epoch), 0, 0, 0, 0);
        }

        Stale = false;
    }

    private sealed class Holder(LogState state) : OpenLog
    {
        public override LogHead Head => state.Durable.ToHead();
    }
}
