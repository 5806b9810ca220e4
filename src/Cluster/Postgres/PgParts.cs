using Microsoft.Extensions.Logging;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>What the parts of one event log share.</summary>
/// <param name="Node">Its name.</param>
internal sealed record PgParts(
    string Node, PgEventLogOptions Options, TimeProvider Time, ILogger Logger, PgReads Reads, ReadGate Readers, PgLogStates States, PgJournal Journal, PgHearing Hearing)
{
    /// <summary>The writer's own.</summary>
    public PgLook Look { get; } = new();
}
