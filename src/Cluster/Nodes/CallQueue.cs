using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace WebMessenger.Cluster.Nodes;

/// <summary>Calls one after the other, on the pool: for one node and one topic.</summary>
internal sealed partial class CallQueue(long bytesAtMost, ILogger logger) : IThreadPoolWorkItem
{
    private readonly ConcurrentQueue<(Action Call, int Bytes)> _calls = new();
    private long _bytes;
    private int _waiting;

    /// <summary>False: too much waits already, and this is dropped.</summary>
    public bool TryAdd(Action call, int bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) > bytesAtMost && Volatile.Read(ref _waiting) > 0)
        {
            Interlocked.Add(ref _bytes, -bytes);
            return false;
        }

        _calls.Enqueue((call, bytes));
        if (Interlocked.Increment(ref _waiting) == 1)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        return true;
    }

    public void Execute()
    {
        do
        {
            _calls.TryDequeue(out var next);
            try
            {
                next.Call();
            }
            catch (Exception error)
            {
                // One that fails does not keep the later ones from being heard.
                LogFailed(logger, error);
            }

            Interlocked.Add(ref _bytes, -next.Bytes);
        }
        while (Interlocked.Decrement(ref _waiting) > 0);
    }

    [LoggerMessage(5310, LogLevel.Error, "What another node told could not be dealt with")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
