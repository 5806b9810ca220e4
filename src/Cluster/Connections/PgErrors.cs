using System.Net.Sockets;
using Npgsql;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Cluster.Connections;

/// <summary>What goes wrong with a database, and how it is said.</summary>
internal static class PgErrors
{
    /// <summary>It is the database's, or the way to it; anything else is a bug here.</summary>
    public static bool IsOf(Exception error) => error is NpgsqlException or TimeoutException or IOException or SocketException || IsOfBroken(error);

    /// <summary>
    /// Npgsql found its connection taken apart in the midst of an answer: a database that was killed did that to it.
    /// What the connection says of itself afterwards is not to be relied on.
    /// </summary>
    public static bool IsOfBroken(Exception error) =>
        /* guard: a connection that fell apart ends no node */ error is NullReferenceException { Source: nameof(Npgsql) };

    /// <summary>The database is there, and what it was asked is wrong, or against its rules: asked again it would refuse again.</summary>
    public static bool IsOfStatement(Exception error) => error is PostgresException { SqlState: ['2', '2' or '3', ..] or ['4', '2', ..] };

    /// <summary>What readers are told: nothing of the statement, or of what is in it.</summary>
    public static IOException ToRead(Exception error) => error.IsRefusal()
        ? new IOException($"The database cannot be read: {Line(error)}", error)
        : StoreUnavailableException.OfDatabase($"The database cannot be read: {(error.IsBusy() ? "too many wait for it. " : "")}{Line(error)}", error);

    /// <summary>In one line.</summary>
    public static string Line(Exception error) =>
        (error is PostgresException refused ? $"{refused.SqlState} {refused.MessageText}" : error.Message).ReplaceLineEndings(" ");
}
