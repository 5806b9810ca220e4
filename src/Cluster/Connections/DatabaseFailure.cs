using Npgsql;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Cluster.Connections;

/// <summary>What goes wrong with the database, as the ports name it.</summary>
internal static class DatabaseFailure
{
    // Classes of SQLSTATE: connection exceptions, and the operator's interventions but for a query that was cancelled.
    private const string Connections = "08", Interventions = "57", Cancelled = "57014";

    /// <summary>The connection is gone: by another one it may be done.</summary>
    public static bool LostConnection(this NpgsqlException error) => error is PostgresException { SqlState: var state }
        ? state.StartsWith(Connections, StringComparison.Ordinal) || (state.StartsWith(Interventions, StringComparison.Ordinal) && state != Cancelled)
        : error.IsTransient;

    /// <summary>The database is there, and does not do what it was asked.</summary>
    public static bool IsRefusal(this Exception error) => error is PostgresException refused && !refused.LostConnection();

    /// <summary>One line for the operator. Where the database is away, whoever asked is told to come again.</summary>
    public static IOException ToIOException(this Exception error) => error switch
    {
        IOException known => known,
        _ when error.IsRefusal() => new IOException($"The database refuses: {PgErrors.Line(error)}", error),
        _ => StoreUnavailableException.OfDatabase($"The database is not available: {PgErrors.Line(error).TrimEnd('.')}.", error),
    };
}
