using Npgsql;

namespace WebMessenger.Cluster.Postgres;

/// <summary>The connections of one event log: a pool for reading, and the one of the writer.</summary>
internal sealed record PgConnections(NpgsqlDataSource Reading, NpgsqlDataSource Writing) : IDisposable
{
    // All that is asked is asked by key, and tables that grow fast have no statistics yet that would tell the planner so.
    private const string ByKey = "-c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off";

    // A node that is frozen while it has the journal locked stops nobody for longer than a second.
    private const string ForWriting = " -c plan_cache_mode=force_generic_plan -c idle_in_transaction_session_timeout=1000 -c lock_timeout=5000 -c statement_timeout=6000 -c synchronous_commit=on";

    public static PgConnections To(string connection, string node, PgEventLogOptions options, Action<NpgsqlDataSourceBuilder>? prepare)
    {
        // By its name the connections of a node that is dead are ended.
        NpgsqlConnectionStringBuilder reading = new(connection)
        {
            ApplicationName = node,
            MaxPoolSize = options.ReadConnections,
            MaxAutoPrepare = 32,
            AutoPrepareMinUsages = 2,
            Timeout = 5,
            CommandTimeout = Seconds(options.ReadPatience),
            // A connection that is dead without a word is given up, and not asked to cancel what it was asked.
            CancellationTimeout = -1,
            TcpKeepAlive = true,
            TcpKeepAliveTime = 1,
            TcpKeepAliveInterval = 1,
        };
        NpgsqlConnectionStringBuilder writing = new(connection)
        {
            ApplicationName = node,
            Pooling = false,
            MaxAutoPrepare = 64,
            AutoPrepareMinUsages = 2,
            Timeout = 5,
            CommandTimeout = Seconds(options.WritePatience),
            // A COMMIT that waits for the standby would be done without it if it were cancelled, and be taken for what the standby has.
            // What became of it is asked on another connection, which waits until that is certain.
            CancellationTimeout = /* guard: a commit that waits for a standby is not cancelled */ -1,
            TcpKeepAlive = true,
            TcpKeepAliveTime = 1,
            TcpKeepAliveInterval = 1,
        };
        var given = writing.Options;
        reading.Options = $"{given} {ByKey}".TrimStart();
        writing.Options = $"{given} {ByKey}{ForWriting}".TrimStart();
        return new(Build(reading, prepare), Build(writing, prepare));
    }

    public void Dispose()
    {
        Reading.Dispose();
        Writing.Dispose();
    }

    private static int Seconds(TimeSpan time) => (int)Math.Ceiling(time.TotalSeconds);

    private static NpgsqlDataSource Build(NpgsqlConnectionStringBuilder connection, Action<NpgsqlDataSourceBuilder>? prepare)
    {
        NpgsqlDataSourceBuilder builder = new(connection.ConnectionString);
        prepare?.Invoke(builder);
        return builder.Build();
    }
}
