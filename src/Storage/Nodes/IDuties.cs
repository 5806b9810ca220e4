namespace WebMessenger.Storage.Nodes;

/// <summary>What one node does for all: followers, what is swept, what is scheduled. Taken over when the node that has it goes or
/// dies.</summary>
/// <remarks>Alone (<see cref="AloneDuties"/>) every duty is this node's. Thread-safe.</remarks>
public interface IDuties
{
    /// <summary>Whether the duty is this node's just now. Another node never has it at the same time, but for what a frozen one may think
    /// of
    /// itself.</summary>
    /// <param name="duty">1 to 64 characters of ASCII.</param>
    bool Has(string duty);

    /// <summary>The node that has the duty, as far as this one knows; null: nobody has it just now, or it is not known.</summary>
    string? HolderOf(string duty);

    /// <summary>
    /// Runs the work while the duty is this node's: waits for it, begins, and cancels the work when it is lost, to begin again later.
    /// Completes when <paramref name="stop"/> is cancelled or the work ends by itself; what the work throws, the caller hears.
    /// </summary>
    Task RunAsync(string duty, Func<CancellationToken, Task> work, CancellationToken stop);
}

/// <summary>A house of one node.</summary>
public sealed class AloneDuties : IDuties
{
    public static AloneDuties Instance { get; } = new();

    public bool Has(string duty) => true;

    public string? HolderOf(string duty) => AloneLinks.Instance.Self;

    public Task RunAsync(string duty, Func<CancellationToken, Task> work, CancellationToken stop) => work(stop);
}
