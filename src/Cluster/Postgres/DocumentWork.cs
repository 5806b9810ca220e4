using Npgsql;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Cluster.Postgres;

/// <summary>One transaction of documents on its way into the journal: written by the log's writer, in one order with all events.</summary>
/// <remarks>
/// Its methods are called once each, in this order, by the writer and never two at a time. Before <see cref="Decide"/> this node has
/// taken over all that other nodes wrote; nobody writes anything between its reads and its writes. It may run again from the beginning
/// when the database went away before anything of it was committed.
/// </remarks>
internal abstract class DocumentWork
{
    /// <summary>What it must see before it decides; each command gives one set of rows. They are read under the lock of the
    /// journal.</summary>
    public virtual void AddReads(NpgsqlBatch reads)
    {
        // Some decide without a look.
    }

    /// <summary>The results of its own commands, in their order: the reader stands at the first of them.</summary>
    /// <remarks>Between two of them it calls <see cref="NpgsqlDataReader.NextResultAsync()"/>, not behind the last.</remarks>
    public virtual Task ReadAsync(NpgsqlDataReader reader, CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>Whether anything is to be written. "No" completes it, and nothing is written. Must not block.</summary>
    /// <exception cref="Exception">It fails with this, alone, and nothing of it is written.</exception>
    public abstract bool Decide();

    /// <summary>What is written, after it has decided to.</summary>
    public abstract void AddWrites(NpgsqlBatch writes);

    /// <summary>What other nodes are told: read after <see cref="Decide"/>.</summary>
    public abstract IReadOnlyList<ReplicatedDocument> Changes { get; }

    /// <summary>
    /// Called once, on the writer's thread: it is durable, or had nothing to write (null); or nothing of it is stored, and why not. An
    /// <see cref="IOException"/> when the database could not write. Must not block, and must not throw.
    /// </summary>
    public abstract void Complete(Exception? failed);
}
