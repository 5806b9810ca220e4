using System.Globalization;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Servers;
using WebMessenger.Postgres.Testing;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Cluster;

/// <summary>Nodes on a database that syncs, rooms to talk in, and accounts with a token each.</summary>
internal sealed class LoadHouse : IAsyncDisposable
{
    private LoadHouse(ClusterNodes house, IReadOnlyList<Browser> browsers) => (House, Browsers) = (house, browsers);

    public ClusterNodes House { get; }

    public IReadOnlyList<ClusterNode> Nodes => House.Nodes;

    /// <summary>One at each node.</summary>
    public IReadOnlyList<Browser> Browsers { get; private set; }

    public IReadOnlyList<Login> Logins { get; private set; } = [];

    /// <param name="database">Null: one of its own.</param>
    /// <param name="setting">How the node of this number is started.</param>
    public static async Task<LoadHouse> StartAsync(
        int nodes, int accounts, int rooms, PostgresServer? database, IReadOnlyList<string> settings, Func<int, ChildSetting> setting, CancellationToken cancellation)
    {
        if (PostgresServer.WhyNot is { } why)
        {
            throw new LoadException(why);
        }

        var house = await ClusterNodes.StartAsync(0, database, [.. Settings(rooms), .. settings], cancellation);
        LoadHouse load = new(house, []);
        try
        {
            for (var node = 0; node < nodes; node++)
            {
                await house.AddAsync(cancellation, setting(node));
            }

            load.Browsers = [.. house.Nodes.Select(node => new Browser(node.Http))];
            load.Logins = await RegisterAsync(load.Browsers[0], accounts, cancellation);
            return load;
        }
        catch
        {
            await load.DisposeAsync();
            throw;
        }
    }

    /// <summary>Accounts `member-0000` and on, the first of which is the administrator.</summary>
    public static async Task<IReadOnlyList<Login>> RegisterAsync(Browser browser, int accounts, CancellationToken cancellation)
    {
        List<Login> logins = [];
        for (var number = 0; number < accounts; number++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"member-{number:0000}");
            var cookie = await browser.RegisterAsync(name, cancellation);
            logins.Add(new Login(name, await browser.NewTokenAsync(cookie, cancellation)));
        }

        return logins;
    }

    public static IEnumerable<string> Settings(int rooms) =>
    [
        .. WebMessengerServer.LimitsOff.Select(limit => $"WebMessenger:Limits:{limit}=0"),
        .. Enumerable.Range(0, rooms).Select(room => string.Create(CultureInfo.InvariantCulture, $"WebMessenger:Rooms:Default:{room}={RoomTopic.IdOf(room)}")),
    ];

    /// <summary>A page at a node, in a room.</summary>
    public async Task<RawMqttClient> TabAsync(int node, string cookie, int room = 0)
    {
        var http = Nodes[node].Http;
        var tab = await RawMqttClient.OverWebSocketAsync(
            new UriBuilder(http) { Scheme = "ws", Path = "/mqtt" }.Uri, new WebSocketDoor(cookie, http.GetLeftPart(UriPartial.Authority)));
        if (!(await tab.ConnectAsync()).Accepted || (await tab.SubscribeAsync(RoomTopic.Of(room))).ReasonCodes is not [<= 2])
        {
            throw new LoadException($"A page was refused at node {node}.");
        }

        return tab;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var browser in Browsers)
        {
            browser.Dispose();
        }

        await House.DisposeAsync();
    }
}
