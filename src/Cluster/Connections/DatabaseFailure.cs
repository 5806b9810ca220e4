using Npgsql;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Cluster.Connections;

/// <summary>What goes wrong with the database, as the ports name it.</summary>
internal static class DatabaseFailure
{
    // Classes of SQLSTATE: connection exceptions, and the operator's interventions but for a query that was cancelled.
    private const string Connections = "08", Interventions = "57", Cancelled = "57014";

    // Npgsql 10 has no other sign of it.
    private const string FullPool = "The connection pool has been exhausted";

    /// <summary>
    /// The database is there, and there is no connection left to it just now: all of this node's are at work, or all that the server gives.
    /// </summary>
    public static bool IsBusy(this Exception error) => error is PostgresException { SqlState: PostgresErrorCodes.TooManyConnections }
        || (error is NpgsqlException { InnerException: TimeoutException } && error.Message.StartsWith(FullPool, StringComparison.Ordinal));

    /// <summary>The connection is gone: by another one it may be done.</summary>
    public static bool LostConnection(this NpgsqlException error) => error is PostgresException { SqlState: var state }
        ? state.StartsWith(Connections, StringComparison.Ordinal) || (state.StartsWith(Interventions, StringComparison.Ordinal) && state != Cancelled)
        : error.IsTransient && !error.IsBusy();

    /// <summary>The database is there, and does not do what it was asked.</summary>
    public static bool IsRefusal(this Exception error) => error is PostgresException refused && !refused.LostConnection() && !error.IsBusy();

    /// <summary>One line for the operator. Where the database is away, whoever asked is told to come again.</summary>
    public static IOException ToIOException(this Exception error) => error switch
    {
        IOException known => known,
        _ when error.IsBusy() => StoreUnavailableException.OfDatabase($"The database is busy: too many wait for it ({PgErrors.Line(error).TrimEnd('.')}).", error),
        _ when error.IsRefusal() => new IOException($"The database refuses: {PgErrors.Line(error)}", error),
        _ => StoreUnavailableException.OfDatabase($"The database is not available: {PgErrors.Line(error).TrimEnd('.')}.", error),
    };
}
