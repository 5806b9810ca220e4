using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>What is held in memory of one log: its head.</summary>
/// <remarks>
/// Any thread brings the head in, the writer alone changes it. <see cref="Next"/> is the writer's own.
/// </remarks>
internal sealed class PgLogState(LogName log)
{
    private PgHead? _durable;
    private volatile bool _isUsed = true;
    private volatile bool _isGone;
    private WeakReference<OpenLog>? _holder;

    public LogName Log { get; } = log;

    /// <summary>As of the last batch that this node has taken over; null: it is being read.</summary>
    public PgHead? Durable => Volatile.Read(ref _durable);

    /// <summary>The head as it will be when the batch being built is stored; null: the batch has nothing of this log.</summary>
    public PgHead? Next { get; set; }

    /// <summary>Somebody has asked for it since <see cref="PgLogStates"/> was last cleared.</summary>
    public bool IsUsed
    {
        get => _isUsed;
        set
        {
            if (_isUsed != value)
            {
                _isUsed = value;
            }
        }
    }

    /// <summary>It is not the log's state any more: whoever still has it looks again.</summary>
    public bool IsGone
    {
        get => _isGone;
        set => _isGone = value;
    }

    /// <summary>Somebody has the log open. Under the gate of <see cref="PgLogStates"/>, as <see cref="Hold"/>.</summary>
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

    /// <summary>What a batch has made of it. The writer's.</summary>
    public void Publish(PgHead head) => Volatile.Write(ref _durable, head);

    /// <summary>What was read; what a batch has made of it meanwhile is younger, and stays.</summary>
    public void Load(PgHead read) => Interlocked.CompareExchange(ref _durable, read, null);

    private sealed class Holder(PgLogState state) : OpenLog
    {
        public override LogHead Head => state.Durable!.ToHead();
    }
}
