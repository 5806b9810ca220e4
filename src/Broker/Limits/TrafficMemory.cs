using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Limits;

/// <summary>
/// How much memory all connections together have in messages on their way, and how much they may. ADR 0033 says what happens beyond.
/// </summary>
/// <remarks>Thread-safe. <c>_gate</c> is a leaf lock, and is taken only while somebody waits for room.</remarks>
internal sealed class TrafficMemory
{
    /// <summary>Of the process's memory, where the settings do not say how much.</summary>
    private const int Share = 8;
    private const long LargestOutgoing = 32 * 1024 * 1024;
    private const long LargestIncoming = 64 * 1024 * 1024;

    private readonly Lock _gate = new();
    private TaskCompletionSource? _room;

    public TrafficMemory(BrokerLimits limits)
        : this(
            BoundOf(limits.OutgoingMegabytes, LargestOutgoing),
            BoundOf(limits.IncomingMegabytes, LargestIncoming))
    {
    }

    /// <param name="outgoing">Bytes.</param>
    /// <param name="incoming">Bytes; half of it may be held for the rate, and as much again be put together.</param>
    internal TrafficMemory(long outgoing, long incoming)
    {
        Outgoing = new ByteCount(outgoing);
        UnderWay = new ByteCount(incoming);
        Held = new ByteCount(incoming / 2);
        Assembling = new ByteCount(incoming);
    }

    /// <summary>Written, or queued, for clients that have not taken it from their sockets.</summary>
    public ByteCount Outgoing { get; }

    /// <summary>Publishes taken from clients that the log has not decided on.</summary>
    public ByteCount UnderWay { get; }

    /// <summary>
    /// Publishes taken from clients whose account is over its rate. Counted apart: they go at the pace of the rate, and whoever fills
    /// this must not hold up those that keep to theirs.
    /// </summary>
    public ByteCount Held { get; }

    /// <summary>Of packets that have not come to their end, what is longer than every client may send.</summary>
    public ByteCount Assembling { get; }

    /// <summary>Somebody waits for room.</summary>
    internal bool IsAwaited => Volatile.Read(ref _room) is not null;

    /// <summary>Null: a publish may be taken in. Else it may be asked again after the task.</summary>
    public Task? RoomForPublish()
    {
        if (!UnderWay.IsFull)
        {
            return null;
        }

        lock (_gate)
        {
            _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

            // Whoever leaves from here on sees that somebody waits; whoever left before has made room.
            Interlocked.MemoryBarrier();
            return UnderWay.IsFull ? _room.Task : null;
        }
    }

    /// <summary>The log has decided on so many bytes of publishes.</summary>
    public void Settled(int bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        UnderWay.Add(-bytes);
        if (IsAwaited && !UnderWay.IsFull)
        {
            lock (_gate)
            {
                _room?.TrySetResult();
                _room = null;
            }
        }
    }

    private static long BoundOf(int megabytes, long largest) =>
        megabytes > 0 ? megabytes * 1024L * 1024 : Math.Min(largest, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / Share);
}

/// <summary>Bytes that are held now, and how many should be. Thread-safe.</summary>
internal sealed class ByteCount(long bound)
{
    private long _now;

    public long Bound => bound;

    public long Now => Volatile.Read(ref _now);

    public bool IsFull => Now >= bound;

    public bool IsOverrun => Now >= 2 * bound;

    public void Add(long bytes) => Interlocked.Add(ref _now, bytes);
}
