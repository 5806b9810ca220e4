namespace WebMessenger.Cluster.Nodes;

/// <summary>What the parts of a node ask of its replication and its links, which are there later than they are.</summary>
internal sealed class NodeHooks
{
    /// <summary>Completes when this node has heard all that was written before the call. May fail; it is asked again then.</summary>
    public Func<Task> CatchUpAsync { get; set; } = () => Task.CompletedTask;

    /// <summary>Completes when this node has heard all up to this number of the journal.</summary>
    public Func<long, Task> WhenAppliedAsync { get; set; } = _ => Task.CompletedTask;

    /// <summary>
    /// Completes when this node has answered whatever others have asked of it before the call, while it was silent, and have not waited
    /// for; and when others have answered what it had asked itself, and has not waited for.
    /// </summary>
    public Func<Task> AnswerAllAsync { get; set; } = () => Task.CompletedTask;

    /// <summary>
    /// The journal's last number, as the renewal of the lease has seen it: each half second, on a thread that must not be held up.
    /// </summary>
    public Action<long> HeadSeen { get; set; } = _ => { };

    /// <summary>
    /// The database was away and is back: connections that were not used meanwhile may be dead without a word. Must not wait for it.
    /// </summary>
    public Action Back { get; set; } = () => { };
}
