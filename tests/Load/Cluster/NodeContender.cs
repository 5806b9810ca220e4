using System.Globalization;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Servers;
using WebMessenger.Postgres.Testing;

namespace WebMessenger.Load.Cluster;

/// <summary>
/// One node on PostgreSQL where otherwise the embedded server is measured: the same scenarios, a new database for each round.
/// </summary>
internal sealed class NodeContender(PostgresServer database, IReadOnlyList<string> settings) : IContender
{
    private readonly List<WebMessengerServer> _started = [];

    public string Name => "one node";

    public string Version => new WebMessengerServer(null, []).Version;

    public async Task<ServerUnderTest> StartAsync(Preparation preparation, CancellationToken cancellation)
    {
        var (port, _) = LastingPorts.Two();
        WebMessengerServer server = new(null,
        [
            .. settings,
            .. LoadHouse.Settings(preparation.Rooms).Where(setting => setting.Contains(":Rooms:", StringComparison.Ordinal)),
            $"WebMessenger:Cluster:Postgres={await database.CreateDatabaseAsync()}",
            string.Create(CultureInfo.InvariantCulture, $"WebMessenger:Cluster:Port={port}"),
        ]);
        _started.Add(server);
        IReadOnlyList<Login> logins = [];
        var started = await server.StartOnAsync(
            Directory.CreateTempSubdirectory("webmessenger-load-").FullName, number => logins.Count == 0 ? null : logins[number % logins.Count], cancellation);
        try
        {
            using Browser browser = new(started);
            logins = await LoadHouse.RegisterAsync(browser, preparation.Accounts, cancellation);
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _started)
        {
            await server.DisposeAsync();
        }
    }
}
