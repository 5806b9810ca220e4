using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Replication;

/// <summary>What the other nodes of a cluster write, as this one hears it: so that what it holds in memory is what is stored.</summary>
/// <remarks>
/// <para>All that is written anywhere has one order, that of the journal. A node hears each batch of another one as a whole and in that
/// order,
/// and before anything of its own gets a later number: so what the log asks while it numbers (<see cref="PendingAppend.HasRight"/> and the
/// like) is answered by what was true just then, whoever made it so.</para>
/// <para>What this node writes itself is not heard: whoever writes it changes its memory, as in a house of one.</para>
/// <para>Who listens is called on one thread at a time, the one that numbers. It changes memory, and no more: it must not block, nor read a
/// store, nor throw. What it hears is the value as it is from then on, so hearing it twice, or again after it was read, changes nothing.
/// Work that has to be done before this node may say that it has heard the batch is begun there, and handed to <see cref="Owe"/>.</para>
/// Thread-safe. Alone (<see cref="NoReplication"/>) nothing is ever heard, and everybody has heard everything.
/// </remarks>
public interface IReplication
{
    /// <summary>A house of one: nobody else writes.</summary>
    bool IsAlone { get; }

    /// <summary>From <see cref="BeginAsync"/> on hears records whose key begins with these ASCII letters.</summary>
    /// <exception cref="InvalidOperationException">It has begun already.</exception>
    void HearRecords(string prefix, Action<RecordChange> heard);

    /// <summary>The same of the documents of one collection, or of <see cref="ReplicationListeners.All"/>.</summary>
    void HearDocuments(string collection, Action<ReplicatedDocument> heard);

    /// <summary>The same of what happened to logs.</summary>
    void HearLogs(Action<ReplicatedLog> heard);

    /// <summary>Called when all of a batch was heard: for work that is done once for all of it.</summary>
    void HearEnd(Action heard);

    /// <summary>Called while a batch is heard: this node has not heard it before the task is over, however that ends.</summary>
    void Owe(Task work);

    /// <summary>
    /// All who listen are there. Completes when everything was heard that was written since the store was opened.
    /// </summary>
    Task BeginAsync();

    /// <summary>
    /// Completes when every node has heard what this node had written before the call, and has done what it owed for that.
    /// A node that does not answer is waited for until it is certain that it writes nothing to its clients any more: 4.5 s at most.
    /// </summary>
    /// <remarks>Who takes a right away waits for it before he answers. In a house of one it is complete.</remarks>
    Task EverywhereAsync();
}

/// <summary>A document that another node has put or deleted.</summary>
/// <param name="Version">0: it was deleted.</param>
/// <param name="Json">As <see cref="Documents.Document.Json"/>; empty when it was deleted.</param>
public sealed record ReplicatedDocument(string Collection, string Id, long Version, ReadOnlyMemory<byte> Json)
{
    public bool IsDeleted => Version == 0;
}

/// <summary>What another node has done to a log.</summary>
/// <param name="Kind">As <paramref name="From"/> and <paramref name="To"/> in <see cref="LogChange"/>.</param>
/// <param name="Head">The log's, after it.</param>
/// <param name="Entries">What was appended, oldest first, as far as it was brought along: where one is missing, the log has it.</param>
public sealed record ReplicatedLog(LogName Log, JournalKind Kind, long From, long To, LogHead Head, IReadOnlyList<LogEntry> Entries);

/// <summary>All that another node has done in one batch, which is stored as a whole.</summary>
/// <param name="Number">In the journal.</param>
/// <param name="Node">Who has written it.</param>
public sealed record ReplicatedBatch(
    long Number, string Node, IReadOnlyList<ReplicatedLog> Logs, IReadOnlyList<RecordChange> Records, IReadOnlyList<ReplicatedDocument> Documents);
