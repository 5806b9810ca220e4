using Npgsql;

namespace WebMessenger.Cluster.Nodes;

/// <summary>
/// How a node connects to PostgreSQL for its lease, turns and duties: by connections of their own, whose end both sides notice soon.
/// </summary>
internal static class NodeConnection
{
    // What a dead machine leaves at the server ends in 4 s. A node that is cut off has been silent for 2 s by then (decision 36).
    private const string Server =
        "-c tcp_keepalives_idle=1 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3 -c tcp_user_timeout=4000 -c client_connection_check_interval=1000";

    /// <summary>A text to connect by, without a pool.</summary>
    /// <param name="node">Its connections have this name at the server, so that they can be ended when it is dead.</param>
    /// <param name="patience">Of a command, in seconds; 0: for ever.</param>
    public static string Text(string postgres, string node, int patience = 2)
    {
        NpgsqlConnectionStringBuilder text = new(postgres)
        {
            ApplicationName = node,
            Pooling = false,
            Timeout = 2,
            CommandTimeout = patience,
            // A command that was given up ends its connection: nobody waits for an answer to that.
            CancellationTimeout = -1,
            TcpKeepAlive = true,
            TcpKeepAliveTime = 1,
            TcpKeepAliveInterval = 1,
            Enlist = false,
        };
        text.Options = text.Options is { Length: > 0 } own ? $"{Server} {own}" : Server;
        return text.ConnectionString;
    }

    public static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<object> values)
    {
        NpgsqlBatchCommand command = new(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        return command;
    }

    /// <summary>Whether this is how a database is not there, or refuses for now.</summary>
    public static bool IsAway(Exception error) => error is NpgsqlException or IOException or System.Net.Sockets.SocketException or TimeoutException
        or ObjectDisposedException or InvalidOperationException or OperationCanceledException;
}
