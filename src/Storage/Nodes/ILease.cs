namespace WebMessenger.Storage.Nodes;

/// <summary>Whether this node may write to its clients: only while it is certain that nobody goes on without it.</summary>
/// <remarks>
/// In a cluster a node renews its lease in the database each 0.5 s, and writes nothing once the last confirmed renewal began more than 2 s
/// ago.
/// Who takes a right away waits for a node that does not answer until it is silent by that: back, it hears everything before it writes.
/// Who ends login sessions waits until the database's clock is 4 s past its last renewal. Alone it is always fresh
/// (<see cref="AloneLease"/>). Thread-safe; asking costs a look at the clock.
/// </remarks>
public interface ILease
{
    bool IsFresh { get; }

    /// <summary>
    /// How often it was lost, and is fresh again. Whoever has read something, and finds another number behind it, may show it to nobody:
    /// who asked for it may have been put out elsewhere meanwhile.
    /// </summary>
    long Losses { get; }

    /// <summary>
    /// Completes when it is fresh, and this node has heard all that was written meanwhile; at once when it is. Fails with
    /// <see cref="ObjectDisposedException"/> when it never will be again.
    /// </summary>
    ValueTask WhenFreshAsync();
}

/// <summary>A house of one node.</summary>
public sealed class AloneLease : ILease
{
    public static AloneLease Instance { get; } = new();

    public bool IsFresh => true;

    public long Losses => 0;

    public ValueTask WhenFreshAsync() => ValueTask.CompletedTask;
}
