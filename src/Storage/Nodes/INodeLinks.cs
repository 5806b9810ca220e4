namespace WebMessenger.Storage.Nodes;

/// <summary>What a message from node to node is about. The number goes over the wire and never changes.</summary>
public enum NodeTopic : byte
{
    /// <summary>A batch that was written, for the caches of others (<see cref="Replication.IReplication"/>).</summary>
    Batch = 1,

    /// <summary>Login sessions that have ended.</summary>
    Revoke = 2,

    /// <summary>A client that has come to another node.</summary>
    TakeOver = 3,

    /// <summary>Who is typing.</summary>
    Typing = 4,

    /// <summary>What was used up of the limits of accounts.</summary>
    Limits = 5,

    /// <summary>Data topics: what is said, and who wants to hear it.</summary>
    Data = 6,

    /// <summary>Figures for administrators.</summary>
    Figures = 7,

    /// <summary>Said live to those who are connected elsewhere, and stored nowhere.</summary>
    Live = 8,

    /// <summary>Asks whether a node has heard all up to a number of the journal; answered when it has, and has done what it owed.</summary>
    Applied = 9,
}

/// <summary>The running programs that serve one house, and how they reach each other.</summary>
/// <remarks>
/// <para>What is told or asked may be lost with the node or the network; what must not be lost is written. Messages of one topic from one
/// node
/// arrive in the order in which they were told.</para>
/// <para>Who hears or answers is called on a thread of the pool, for each pair of node and topic one at a time; it must not block. An
/// answer
/// that throws fails at who asked.</para>
/// Thread-safe. Alone (<see cref="AloneLinks"/>) there are no others.
/// </remarks>
public interface INodeLinks
{
    /// <summary>This node's name; no other has it, nor had it before a restart. At most 32 characters of ASCII.</summary>
    string Self { get; }

    /// <summary>The names of the others that are there now, a copy; without this one.</summary>
    IReadOnlyCollection<string> Others { get; }

    /// <summary>
    /// A node has gone, and is certain to write nothing to anybody any more, clients and database: it has stopped, or was declared dead and
    /// its lease is over. Raised once for each, on a thread of the pool.
    /// </summary>
    event Action<string>? Left;

    /// <summary>Tells all others. Never blocks; beyond a bound what cannot be sent is dropped.</summary>
    void Tell(NodeTopic topic, ReadOnlyMemory<byte> message);

    /// <summary>Tells one; nothing happens if it is not there.</summary>
    void Tell(string node, NodeTopic topic, ReadOnlyMemory<byte> message);

    /// <summary>Asks one.</summary>
    /// <exception cref="IOException">It is not there, or did not answer in time: nothing is known of what it did.</exception>
    Task<ReadOnlyMemory<byte>> AskAsync(string node, NodeTopic topic, ReadOnlyMemory<byte> message, CancellationToken cancellation = default);

    /// <summary>
    /// Asks all others, and completes when each has answered, or is certain to write nothing to its clients any more: 4.5 s at most. Never
    /// fails.
    /// </summary>
    Task AskAllAsync(NodeTopic topic, ReadOnlyMemory<byte> message);

    /// <summary>
    /// Asks all others, and completes when each has answered, or is silent just now: 3 s at most after it has ended. One that comes back
    /// has heard what was written before the call, and has answered it, before it writes anything to its clients. Never fails.
    /// </summary>
    /// <returns>What was answered, in no order.</returns>
    Task<IReadOnlyList<ReadOnlyMemory<byte>>> AskWhoSpeaksAsync(NodeTopic topic, ReadOnlyMemory<byte> message);

    /// <summary>Who hears what is told. At most one a topic, before <see cref="StartAsync"/>.</summary>
    void Hear(NodeTopic topic, Action<string, ReadOnlyMemory<byte>> heard);

    /// <summary>Who answers what is asked. At most one a topic, before <see cref="StartAsync"/>.</summary>
    void Answer(NodeTopic topic, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>> answer);

    /// <summary>Who hears and answers is there: this node may be told and asked from here on.</summary>
    Task StartAsync();
}
