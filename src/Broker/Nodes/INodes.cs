using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Nodes;

/// <summary>A client as all nodes know it, by the name of its MQTT session, which belongs to an account.</summary>
internal readonly record struct ClientName(string AccountId, string ClientId);

/// <summary>A connection that has come under the name of a client, and stays in place of any older one.</summary>
/// <param name="Connection">Its name at the node where it is.</param>
/// <param name="Session">Id of its login session.</param>
/// <param name="Scope">Of that.</param>
internal sealed record Newcomer(string Connection, string Session, Scope Scope);

/// <summary>Whether a client is the newcomer's. Until disposed, no other connection becomes the client at another node.</summary>
internal sealed class Taking(bool isYours, IDisposable? turn = null, bool isOver = false) : IDisposable
{
    private IDisposable? _turn = turn;

    public static Taking Done { get; } = new(true);

    /// <summary>False: the one that has the name may do more, and is not ended.</summary>
    public bool IsYours => isYours;

    /// <summary>The newcomer has gone, or a newer one of its node has displaced it and ends it: nothing is the newcomer's to do.</summary>
    public bool IsOver => isOver;

    public void Dispose() => Interlocked.Exchange(ref _turn, null)?.Dispose();
}

/// <summary>What a node does for the clients that are connected to it.</summary>
/// <remarks>Thread-safe. Nothing here throws for what it was asked: whoever is not here needs nothing done.</remarks>
internal interface INode : IRevocation
{
    /// <summary>
    /// Ends the connections of this client that a newer one of this node has displaced.
    /// When the task completes, nothing more is accepted from them and nothing is written to them; their sockets may close a moment later.
    /// </summary>
    /// <param name="by">The name of the connection that stays.</param>
    Task TakeOverAsync(ClientName client, string by);

    /// <summary>Whether the client is the connection of that name: none of this node has displaced it, and it has not gone.</summary>
    bool IsCurrent(ClientName client, string connection);

    /// <summary>
    /// The same of the connection that has the name here, for one at another node.
    /// One that has not had its turn yet stays: its turn comes after.
    /// </summary>
    /// <returns>False: it may do more than the newcomer, and stays.</returns>
    Task<bool> YieldAsync(ClientName client, Newcomer to);
}

/// <summary>The running programs that serve one house: this node, and the others.</summary>
/// <remarks>
/// What <see cref="INode"/> offers is here asked of all nodes, this one first and before the call returns.
/// The task completes when all have answered.
/// A node that does not answer is waited for until it is certain that it writes nothing to its clients any more. Thread-safe.
/// </remarks>
internal interface INodes : IRevocation
{
    /// <summary>This node's name; no other has it. At most 32 characters of ASCII.</summary>
    string Self { get; }

    /// <summary>The names of the others that are there now, a copy; without this one.</summary>
    IReadOnlyCollection<string> Others { get; }

    /// <summary>The client is the newcomer's, which is at this node. Dispose of the answer when it is let in, or refused.</summary>
    /// <exception cref="IOException">It is not known whether another node has the client.</exception>
    Task<Taking> TakeOverAsync(ClientName client, Newcomer by);
}
