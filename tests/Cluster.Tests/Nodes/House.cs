using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Nodes;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Tests.Nodes;

/// <summary>Nodes in this process on one database.</summary>
internal sealed class House(string postgres) : IAsyncDisposable
{
    private readonly List<ClusterNode> _nodes = [];

    public string Postgres => postgres;

    public IReadOnlyList<ClusterNode> Nodes => _nodes;

    public NpgsqlDataSource Database { get; } = NpgsqlDataSource.Create(postgres);

    /// <summary>A database with the tables, and no node; skips the test where there is no PostgreSQL.</summary>
    public static async Task<House> OpenAsync() => await OpenAsync(await TestDatabase.ConnectionAsync());

    public static async Task<House> OpenAsync(string postgres)
    {
        House house = new(postgres);
        await Schema.MigrateAsync(house.Database);
        return house;
    }

    /// <summary>Some nodes, all of which serve.</summary>
    public static async Task<House> StartAsync(int nodes, Action<ClusterNode>? prepare = null)
    {
        var house = await OpenAsync();
        foreach (var node in await Task.WhenAll(Enumerable.Range(0, nodes).Select(_ => house.AddAsync())))
        {
            prepare?.Invoke(node);
        }

        await Task.WhenAll(house.Nodes.Select(node => node.Links.StartAsync()));
        return house;
    }

    /// <summary>One more, which does not serve yet.</summary>
    public async Task<ClusterNode> AddAsync(NodeHooks? hooks = null, Func<NodeOptions, NodeOptions>? options = null, ILoggerFactory? loggers = null)
    {
        NodeOptions own = new() { Postgres = postgres, Port = FreePort() };
        var node = await ClusterNode.StartAsync(options?.Invoke(own) ?? own, NodeName.Make("test"), hooks ?? new(), loggers ?? NullLoggerFactory.Instance);
        lock (_nodes)
        {
            _nodes.Add(node);
        }

        return node;
    }

    public async Task<object?> AskAsync(string sql, params object[] values)
    {
        await using var command = Database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        return await command.ExecuteScalarAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));
        await Database.DisposeAsync();
    }

    public static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>Waits for what comes about by itself.</summary>
internal static class Until
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    public static async Task TrueAsync(Func<bool> condition)
    {
        using CancellationTokenSource patience = new(_patience);
        while (!condition())
        {
            await Task.Delay(10, patience.Token);
        }
    }

    public static async Task TrueAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource patience = new(_patience);
        while (!await condition())
        {
            await Task.Delay(10, patience.Token);
        }
    }

    public static Task<IDisposable> HaveAsync(this ITurns turns, string name, bool isShared = false) =>
        turns.TakeAsync(name, isShared, TestContext.Current.CancellationToken);

    public static Task SoonAsync(this Task task) => task.WaitAsync(_patience);

    public static Task<T> SoonAsync<T>(this Task<T> task) => task.WaitAsync(_patience);
}
