namespace WebMessenger.Storage.Nodes;

/// <summary>Whose turn it is among the nodes: what is looked at and changed in a turn is changed by nobody else meanwhile.</summary>
/// <remarks>
/// Who has a turn has heard (<see cref="Replication.IReplication"/>) all that was written in earlier turns of that name, on any node.
/// Within one
/// node it orders nobody: callers order themselves first. A turn of a node that dies is over when the node is certain to write nothing
/// more.
/// Alone (<see cref="AloneTurns"/>) each takes it at once. Thread-safe.
/// </remarks>
public interface ITurns
{
    /// <summary>A house of one: there is nobody to wait for.</summary>
    bool IsAlone { get; }

    /// <summary>Completes when it is this node's turn. Dispose of it when what is done in it is stored, and in memory.</summary>
    /// <param name="name">1 to 128 characters of ASCII: what kind of thing it is, a slash, which.</param>
    /// <param name="isShared">Others who share it may have it as well, those who do not may not.</param>
    /// <exception cref="IOException">It cannot be had: the database is not there.</exception>
    Task<IDisposable> TakeAsync(string name, bool isShared = false, CancellationToken cancellation = default);
}

/// <summary>A house of one node.</summary>
public sealed class AloneTurns : ITurns
{
    private static readonly Task<IDisposable> _taken = Task.FromResult<IDisposable>(new Nothing());

    public static AloneTurns Instance { get; } = new();

    public bool IsAlone => true;

    public Task<IDisposable> TakeAsync(string name, bool isShared = false, CancellationToken cancellation = default) => _taken;

    private sealed class Nothing : IDisposable
    {
        public void Dispose()
        {
            // Nobody waits.
        }
    }
}
