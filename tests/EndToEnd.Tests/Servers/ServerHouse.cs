using System.Globalization;
using System.Net;
using WebMessenger.Load.Servers;
using WebMessenger.Postgres.Testing;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>A house of several nodes, each the real program as a process, on a database of its own.</summary>
/// <remarks>The way of each to the database can be cut.</remarks>
internal sealed class ServerHouse : IAsyncDisposable
{
    private readonly List<(ServerProcess Node, TcpWay Way)> _nodes = [];
    private readonly string _connection;
    private readonly int _port;
    private readonly string[] _settings;

    private ServerHouse(string connection, int port, string[] settings) => (_connection, _port, _settings) = (connection, port, settings);

    public ServerProcess this[int node] => _nodes[node].Node;

    /// <summary>To the database of this house, past all that can be cut.</summary>
    public string Connection => _connection;

    /// <summary>Skips the test where there is no PostgreSQL.</summary>
    /// <param name="settings">Beside <see cref="SharedServer.NoLimits"/>, of all nodes.</param>
    public static async Task<ServerHouse> StartAsync(int nodes = 2, params string[] settings)
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        var database = await PostgresServer.SharedAsync();
        ServerHouse house = new(await database.CreateDatabaseAsync(), database.Port, settings);
        try
        {
            for (var node = 0; node < nodes; node++)
            {
                await house.AddAsync();
            }

            return house;
        }
        catch
        {
            await house.DisposeAsync();
            throw;
        }
    }

    public async Task<ServerProcess> AddAsync()
    {
        TcpWay way = new(_port);
        try
        {
            var node = await ServerProcess.StartAloneAsync([.. SharedServer.NoLimits, .. _settings, .. SettingsOf(_connection, _port, way.Port)]);
            _nodes.Add((node, way));
            return node;
        }
        catch
        {
            await way.DisposeAsync();
            throw;
        }
    }

    /// <summary>What makes a program a node.</summary>
    /// <param name="way">The port at which it reaches the database.</param>
    public static string[] SettingsOf(string connection, int port, int way) =>
    [
        "WebMessenger:Cluster:Postgres=" + connection.Replace(
            string.Create(CultureInfo.InvariantCulture, $"Port={port}"), string.Create(CultureInfo.InvariantCulture, $"Port={way}"), StringComparison.Ordinal),
        string.Create(CultureInfo.InvariantCulture, $"WebMessenger:Cluster:Port={LastingPorts.Two().First}"),
        "WebMessenger:Cluster:DrainSeconds=1",
    ];

    /// <summary>Nothing goes between a node and the database; completes when the node has found out.</summary>
    public async Task CutAsync(int node)
    {
        _nodes[node].Way.Cut();
        await BecomesAsync(this[node], HttpStatusCode.ServiceUnavailable);
    }

    /// <summary>The database can be reached again; completes when the node serves again.</summary>
    public async Task MendAsync(int node)
    {
        Mend(node);
        await BecomesAsync(this[node], HttpStatusCode.OK);
    }

    public void Mend(int node) => _nodes[node].Way.Mend();

    /// <summary>The database can be reached again, and not by the connections that there were: nobody has said so to them.</summary>
    public void Forget(int node) => _nodes[node].Way.Forget();

    /// <summary>Waits until `/health/ready` says so.</summary>
    public static async Task BecomesAsync(ServerProcess node, HttpStatusCode status)
    {
        using HttpClient http = new() { BaseAddress = node.Address, Timeout = TimeSpan.FromSeconds(5) };
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        while (await StatusAsync(http) != status)
        {
            await Task.Delay(20, patience.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (node, way) in _nodes)
        {
            // Of a test that fails it is told what they had to say.
            TestContext.Current.TestOutputHelper?.WriteLine(node.Log);
            await node.DisposeAsync();
            await way.DisposeAsync();
        }
    }

    private static async Task<HttpStatusCode?> StatusAsync(HttpClient http)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative));
            return answer.StatusCode;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }
}
