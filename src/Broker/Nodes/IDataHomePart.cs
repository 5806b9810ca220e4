namespace WebMessenger.Broker.Nodes;

/// <summary>What a node has in memory of data topics, and no other node has at the same time.</summary>
internal interface IDataHomePart
{
    /// <summary>Who needs others begins after them, and ends before them.</summary>
    int Order { get; }

    /// <summary>
    /// The data topics of the house are this node's from now on: what is stored of them is read. Nothing is served before.
    /// </summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    Task BeginAsync();

    /// <summary>They are this node's no more: nothing is written after, and what is in memory is let go.</summary>
    /// <param name="isLost">They may be another's already, so nothing is written before either.</param>
    Task EndAsync(bool isLost);
}
