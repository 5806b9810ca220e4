using Microsoft.Extensions.Logging;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;
using WebMessenger.Storage.Search;

namespace WebMessenger.Cluster;

/// <summary>All that a node has of its cluster, opened together and closed in order.</summary>
internal sealed class ClusterHouse : IAsyncDisposable
{
    public required IDocuments Documents { get; init; }

    public required IEventLog Log { get; init; }

    public required IRecords Records { get; init; }

    public required IJournal Journal { get; init; }

    public required ILogSpace Space { get; init; }

    public required LogHealth Health { get; init; }

    public required ISearchIndex Search { get; init; }

    public required IReplication Replication { get; init; }

    public required INodeLinks Links { get; init; }

    public required ILease Lease { get; init; }

    public required ITurns Turns { get; init; }

    public required IDuties Duties { get; init; }

    /// <summary>Completes, with why in one line, when this node can serve no longer and has to be started anew.</summary>
    public required Task<string> Lost { get; init; }

    /// <summary>Joins the cluster. Nobody is told or asked of this node before <see cref="INodeLinks.StartAsync"/>.</summary>
    /// <exception cref="ArgumentException">The connection string is none.</exception>
    /// <exception cref="IOException">The database is not there, or was brought to a step that this version does not know.</exception>
    public static Task<ClusterHouse> OpenAsync(ClusterOptions options, TimeProvider time, ILoggerFactory loggers) =>
        Task.FromException<ClusterHouse>(new IOException("not yet"));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
