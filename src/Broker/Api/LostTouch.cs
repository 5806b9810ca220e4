using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Api;

/// <summary>For how long a node has been out of touch with the database and the others, as whoever asks for its health finds it.</summary>
/// <remarks>
/// Thread-safe. It is measured from the first question on that finds it so: who asks each second learns of it a second late at most.
/// </remarks>
internal sealed class LostTouch(ILease lease, TimeProvider time)
{
    /// <summary>
    /// A database that is started again, or another one in its place, is back sooner. A node for which it is not may be the only one that
    /// is cut off, and its clients, to which it writes nothing, are served elsewhere.
    /// </summary>
    private static readonly TimeSpan Hope = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private long? _since;

    /// <summary>Longer than it makes sense to stay with this node.</summary>
    public bool IsForLong()
    {
        lock (_gate)
        {
            if (lease.IsFresh)
            {
                _since = null;
                return false;
            }

            _since ??= time.GetTimestamp();
            return /* guard: nobody is kept at a node that is cut off for long */ time.GetElapsedTime(_since.Value) > Hope;
        }
    }
}
