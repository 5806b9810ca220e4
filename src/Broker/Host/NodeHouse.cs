using System.Runtime.CompilerServices;
using WebMessenger.Auth;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Transports;
using WebMessenger.Cluster.Connections;
using WebMessenger.Cluster;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Host;

/// <summary>The house of several nodes, of which this program is one: everything is in their PostgreSQL.</summary>
/// <remarks>
/// The one class that names the assembly of the cluster: without the setting none of its methods runs, and nothing of it is loaded.
/// </remarks>
internal sealed class NodeHouse : House
{
    /// <summary>What commands say that are about files.</summary>
    public const string NoFiles = "What is stored is in PostgreSQL, whose own means serve for that: docs/cluster.md says how.";

    // Those that read at a time, as many that wait for a connection, and who does the rest.
    private const int LeastThreads = 64;

    private readonly ClusterHouse _house;

    private NodeHouse(ClusterHouse house) => _house = house;

    public override IDocuments Documents => _house.Documents;

    public override IEventLog Log => _house.Log;

    public override IRecords Records => _house.Records;

    public override IJournal Journal => _house.Journal;

    public override ILogSpace Space => _house.Space;

    public override LogHealth Health => _house.Health;

    public override ISearchIndex Search => _house.Search;

    public override IReplication Replication => _house.Replication;

    public override INodeLinks Links => _house.Links;

    public override ILease Lease => _house.Lease;

    public override ITurns Turns => _house.Turns;

    public override IDuties Duties => _house.Duties;

    public override Task<string> Lost => _house.Lost;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static async Task<House> OpenAsync(ClusterSettings settings, TimeProvider time, ILoggerFactory loggers)
    {
        HouseOptions options = new()
        {
            Postgres = settings.Postgres,
            Address = settings.Address,
            Port = settings.Port,
            Certificate = settings.Certificate,
            CertificateKey = settings.CertificateKey,
            Authority = settings.Authority,
            ReadConnections = settings.ReadConnections,
        };
        // Npgsql and Orleans wait where they go on.
        MqttSockets.HandleElsewhere();
        LetReadersWait();
        try
        {
            return new NodeHouse(await ClusterHouse.OpenAsync(options, time, loggers));
        }
        catch (ArgumentException error)
        {
            // Not its own words: they may name the password.
            throw new StartupException(
                "The setting WebMessenger:Cluster:Postgres is no connection string, such as Host=db;Database=webmessenger;Username=webmessenger;Password=….", error);
        }
    }

    // Who reads the database waits for it on a thread of the pool, which also handles what a socket brings.
    // Beyond its least number of threads the pool starts one each half second.
    // With few, some readers would stop the node until it is dead to the others.
    private static void LetReadersWait()
    {
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, LeastThreads), ports);
    }

    public override async Task<AuthServices> OpenAuthAsync(AuthOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        if (_house.Outcome == LifeOutcome.NothingLost)
        {
            // All logs have new epochs, by which it would seem that something was.
            await RestoredSessions.KeepAllAsync(Log, Records);
        }

        return await AuthServices.OpenAsync(Documents, Log, Records, options, time, loggers, new NodePorts(Replication, Turns, Links, Duties));
    }

    public override Task CopyAsync(string folder) => Task.FromException(new IOException(NoFiles));

    public override Task PurgeAsync() => Task.FromException(new IOException(NoFiles));

    public override Task PurgeValuesAsync() => Task.FromException(new IOException(NoFiles));

    public override ValueTask DisposeAsync() => _house.DisposeAsync();
}
