using System.Diagnostics.CodeAnalysis;

namespace WebMessenger.Storage.Documents;

/// <summary>
/// What waits for the store's thread, in the order in which it was asked for. Safe to call from any thread; one thread takes.
/// </summary>
/// <remarks>
/// Not a channel: that wakes its reader through the thread pool, and a write would wait there behind whatever else the pool has to do, for
/// tens of milliseconds on a loaded machine. <c>_gate</c> is a leaf lock.
/// </remarks>
internal sealed class StoreQueue
{
    private readonly object _gate = new();
    private readonly Queue<StoreWork> _work = new();
    private bool _isComplete;

    public bool HasWork
    {
        get
        {
            lock (_gate)
            {
                return _work.Count > 0;
            }
        }
    }

    /// <summary>Nobody waits, and somebody may come.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return _work.Count == 0 && !_isComplete;
            }
        }
    }

    /// <summary>False: it was completed before.</summary>
    public bool TryAdd(StoreWork work)
    {
        lock (_gate)
        {
            if (_isComplete)
            {
                return false;
            }
            _work.Enqueue(work);
            Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Nothing more comes; what is there is still taken.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _isComplete = true;
            Monitor.Pulse(_gate);
        }
    }

    public bool TryTake([NotNullWhen(true)] out StoreWork? work)
    {
        lock (_gate)
        {
            return _work.TryDequeue(out work);
        }
    }

    /// <summary>Waits for work, or for the end: then there is none.</summary>
    /// <returns>False: neither came within <paramref name="patience"/>.</returns>
    public bool Wait(TimeSpan patience)
    {
        lock (_gate)
        {
            while (_work.Count == 0 && !_isComplete)
            {
                if (!Monitor.Wait(_gate, patience))
                {
                    return _work.Count > 0 || _isComplete;
                }
            }
        }
        // Who comes first is often one of many, woken together by the sync before:
        // without a moment for the others it has a sync of its own, and they wait for that, too.
        Thread.Yield();
        return true;
    }
}
