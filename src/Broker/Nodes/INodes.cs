using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Nodes;

/// <summary>A client as all nodes know it, by the name of its MQTT session, which belongs to an account.</summary>
internal readonly record struct ClientName(string AccountId, string ClientId);

/// <summary>What a node does for the clients that are connected to it.</summary>
/// <remarks>Thread-safe. Nothing here throws for what it was asked: whoever is not here needs nothing done.</remarks>
internal interface INode : IRevocation
{
    /// <summary>
    /// Ends the connections of this client that a newer one has displaced.
    /// When the task completes, nothing more is accepted from them and nothing is written to them; their sockets may close a moment later.
    /// </summary>
    /// <param name="by">The name of the connection that stays.</param>
    Task TakeOverAsync(ClientName client, string by);
}

/// <summary>The running programs that serve one house: this node, and the others.</summary>
/// <remarks>
/// What <see cref="INode"/> offers is here asked of all nodes, this one first and before the call returns.
/// The task completes when all have answered.
/// A node that does not answer is waited for until it is certain that it writes nothing to its clients any more. Thread-safe.
/// </remarks>
internal interface INodes : INode
{
    /// <summary>This node's name; no other has it. At most 32 characters of ASCII.</summary>
    string Self { get; }

    /// <summary>The names of the others that are there now, a copy; without this one.</summary>
    IReadOnlyCollection<string> Others { get; }

    /// <summary>
    /// Tells the other nodes that a log has grown: whoever hears it there reads on. Not this one, whose streams the log itself has woken.
    /// Says nothing of how far it has grown, may come late, twice, or not at all while a node is away: who comes back looks for itself.
    /// </summary>
    /// <remarks>Called by a stream's worker or by the log thread for each batch: must not block, throw or allocate.</remarks>
    void Wake(LogName log);
}
