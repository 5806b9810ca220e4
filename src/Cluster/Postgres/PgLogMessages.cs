using Microsoft.Extensions.Logging;

namespace WebMessenger.Cluster.Postgres;

/// <summary>All that the event log on PostgreSQL says to the operator. Ids 5100–5149.</summary>
internal static partial class PgLogMessages
{
    [LoggerMessage(5100, LogLevel.Error, "The database cannot be written: what is sent is refused until it can. It goes on by itself. {Cause}")]
    public static partial void WriteFailed(ILogger logger, string cause);

    [LoggerMessage(5101, LogLevel.Information, "The database is written again")]
    public static partial void WritesAgain(ILogger logger);

    [LoggerMessage(5102, LogLevel.Warning, "What is old enough could not be deleted from the database; it is tried again. {Cause}")]
    public static partial void SweepFailed(ILogger logger, string cause);

    [LoggerMessage(5103, LogLevel.Warning, "The connection broke while batch {Number} was committed; whether it was, the database is asked now. {Cause}")]
    public static partial void IsUnknown(ILogger logger, long number, string cause);

    [LoggerMessage(5104, LogLevel.Information, "Batch {Number} {Outcome}")]
    public static partial void IsKnown(ILogger logger, long number, string outcome);

    [LoggerMessage(5106, LogLevel.Warning, "What node {Node} brought is none of what this version knows; it is read from the database")]
    public static partial void NotUnderstood(ILogger logger, string node);

    [LoggerMessage(5107, LogLevel.Debug, "Node {Node} could not be brought {Count} batches and reads them from the database")]
    public static partial void NotBrought(ILogger logger, string node, int count);
}
