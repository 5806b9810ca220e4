using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Npgsql;
using WebMessenger.Cluster.Documents;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Nodes;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Cluster.Search;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;
using WebMessenger.Storage.Search;

namespace WebMessenger.Cluster;

/// <summary>All that a node has of its cluster, opened together and closed in order.</summary>
internal sealed class ClusterHouse : IAsyncDisposable
{
    private const string SweepDuty = "sweep";
    private const int WarmTries = 5;

    private readonly NpgsqlDataSource _database;
    private readonly DatabaseLife _life;
    private readonly ClusterNode _node;
    private readonly PgEventLog _log;
    private readonly PgDocuments _documents;
    private readonly PgSearchIndex _search;

    private ClusterHouse(
        NpgsqlDataSource database, DatabaseLife life, ClusterNode node, PgEventLog log, PgDocuments documents, PgSearchIndex search)
    {
        (_database, _life, _node, _log, _documents, _search) = (database, life, node, log, documents, search);
        Lost = FirstAsync(log.Health.Lost, node.Ended, life.Lost);
    }

    public IDocuments Documents => _documents;

    public IEventLog Log => _log;

    public IRecords Records => _log;

    public IJournal Journal => _log;

    public ILogSpace Space => _log;

    public LogHealth Health => _log.Health;

    public ISearchIndex Search => _search;

    public IReplication Replication => _log.Replication;

    public INodeLinks Links => _node.Links;

    public ILease Lease => _node.Lease;

    public ITurns Turns => _node.Turns;

    public IDuties Duties => _node.Duties;

    /// <summary>What became of the database since it was last opened.</summary>
    public LifeOutcome Outcome => _life.Outcome;

    /// <summary>Completes, with why in one line, when this node can serve no longer and has to be started anew.</summary>
    public Task<string> Lost { get; }

    /// <summary>Joins the cluster. Nobody is told or asked of this node before <see cref="INodeLinks.StartAsync"/>.</summary>
    /// <exception cref="ArgumentException">The connection string is none.</exception>
    /// <exception cref="IOException">The database is not there, or was brought to a step that this version does not know.</exception>
    public static async Task<ClusterHouse> OpenAsync(HouseOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        // Read once, so that it is said of the setting that it is none.
        _ = new NpgsqlConnectionStringBuilder(options.Postgres);
        List<IAsyncDisposable> opened = [];
        try
        {
            return await OpenAsync(options, opened, time, loggers);
        }
        catch (Exception error)
        {
            opened.Reverse();
            foreach (var part in opened)
            {
                await part.DisposeAsync();
            }

            throw PgErrors.IsOf(error) ? error.ToIOException() : error;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _search.Dispose();
        _documents.Dispose();

        // What is written is written before others are told that this node has gone.
        await _log.DisposeAsync();
        await _node.DisposeAsync();
        await _life.DisposeAsync();
        await _database.DisposeAsync();
    }

    private static async Task<ClusterHouse> OpenAsync(HouseOptions options, List<IAsyncDisposable> opened, TimeProvider time, ILoggerFactory loggers)
    {
        await using (var tables = NpgsqlDataSource.Create(options.Postgres))
        {
            await Schema.MigrateAsync(tables);
        }

        var life = await DatabaseLife.OpenAsync(options.Postgres, loggers.CreateLogger<DatabaseLife>());
        opened.Add(life);
        var name = NodeName.Make(null);
        NodeHooks hooks = new();
        var node = await ClusterNode.StartAsync(
            new NodeOptions
            {
                Postgres = options.Postgres,
                Address = options.Address,
                Port = options.Port > 0 ? options.Port : FreePortAt(options.Address),
                Certificate = options.Certificate,
                CertificateKey = options.CertificateKey,
                Authority = options.Authority,
            },
            name, hooks, loggers);
        opened.Add(node);
        var log = PgEventLog.Open(options.Postgres, new PgEventLogOptions { ReadConnections = options.ReadConnections }, node.Links, time, loggers.CreateLogger<PgEventLog>(), () => Fence(name), life.Guard);
        opened.Add(log);
        (hooks.CatchUpAsync, hooks.WhenAppliedAsync, hooks.HeadSeen) = (log.CatchUpAsync, log.AppliedAsync, log.Reached);
        hooks.Back += log.Renew;
        await WarmAsync(log);
        log.Sweeps = () => node.Duties.Has(SweepDuty);
        NpgsqlDataSourceBuilder builder = new(options.Postgres);
        builder.ConnectionStringBuilder.ApplicationName = name;
        builder.ConnectionStringBuilder.MaxPoolSize = ConnectionCounts.House;
        (builder.ConnectionStringBuilder.Timeout, builder.ConnectionStringBuilder.CommandTimeout) = (5, 10);
        (builder.ConnectionStringBuilder.TcpKeepAlive, builder.ConnectionStringBuilder.TcpKeepAliveTime, builder.ConnectionStringBuilder.TcpKeepAliveInterval) = (true, 1, 1);
        life.Guard(builder);
        var database = builder.Build();
        opened.Add(database);
        hooks.Back += database.Clear;
        PgDocuments documents = new(database, log.CommitAsync, log.Replication);
        return new ClusterHouse(database, life, node, log, documents, PgSearchIndex.Open(database, loggers.CreateLogger<PgSearchIndex>()));
    }

    // The first transaction waits for what the program has not compiled yet, and the database ends one that is idle for a second.
    // So nobody who has something to store makes the first: this one only says that a record is absent.
    private static async Task WarmAsync(PgEventLog log)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await log.WriteAsync([new RecordChange("warm"u8.ToArray(), null)]);
                return;
            }
            catch (IOException) when (tries < WarmTries)
            {
                // By now it is compiled.
            }
        }
    }

    // A node whose row is gone was declared dead a day ago.
    private static NpgsqlBatchCommand Fence(string name)
    {
        NpgsqlBatchCommand command = new("SELECT NOT EXISTS (SELECT 1 FROM nodes WHERE name = $1 AND NOT dead)");
        command.Parameters.Add(new() { Value = name });
        return command;
    }

    // A silo says at its start where it is, and cannot be asked for a port.
    private static int FreePortAt(IPAddress address)
    {
        using TcpListener listener = new(address, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<string> FirstAsync(params Task<string>[] ends) => await await Task.WhenAny(ends);
}
