using System.Reflection;
using WebMessenger.Postgres.Testing;

namespace WebMessenger.Load.Servers;

/// <summary>A house of real nodes on a database of its own.</summary>
internal sealed class ClusterNodes : IAsyncDisposable
{
    private static readonly string _program = typeof(ClusterNodes).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .First(attribute => attribute.Key == "Server").Value!;

    private readonly List<ClusterNode> _nodes = [];
    private readonly bool _ownsDatabase;
    private readonly IReadOnlyList<string> _settings;

    private ClusterNodes(PostgresServer database, bool ownsDatabase, string connection, IReadOnlyList<string> settings) =>
        (Database, _ownsDatabase, Connection, _settings) = (database, ownsDatabase, connection, settings);

    public PostgresServer Database { get; }

    /// <summary>To the database of this house, past all that can be cut.</summary>
    public string Connection { get; }

    public IReadOnlyList<ClusterNode> Nodes => _nodes;

    /// <param name="database">Null: one of its own, which syncs as it would for a user.</param>
    /// <param name="settings">`WebMessenger:Limits:PublishPerSecond=0` and the like, of all nodes.</param>
    public static async Task<ClusterNodes> StartAsync(int nodes, PostgresServer? database, IReadOnlyList<string> settings, CancellationToken cancellation)
    {
        var its = database ?? await PostgresServer.StartAsync(isDurable: true);
        ClusterNodes house = new(its, database is null, await its.CreateDatabaseAsync(), settings);
        try
        {
            for (var node = 0; node < nodes; node++)
            {
                await house.AddAsync(cancellation);
            }

            return house;
        }
        catch
        {
            await house.DisposeAsync();
            throw;
        }
    }

    /// <summary>One more, which serves when the task completes.</summary>
    public async Task<ClusterNode> AddAsync(CancellationToken cancellation, ChildSetting? setting = null)
    {
        ClusterNode node = new(_program, Database.Port, Connection, _settings) { Setting = setting ?? ChildSetting.Plain };
        _nodes.Add(node);
        await node.StartAsync(cancellation);
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        if (_ownsDatabase)
        {
            await Database.DisposeAsync();
        }
    }
}
