using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>A room of a house of two nodes: its owner and a moderator at the first, a member at the second.</summary>
internal sealed class YardOfNodes : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _clients = [];

    private YardOfNodes(ServerHouse house, Person owner, Person mod, Person bea, string room) =>
        (House, Owner, Mod, Bea, Room) = (house, owner, mod, bea, room);

    public ServerHouse House { get; }

    /// <summary>At the first node.</summary>
    public Person Owner { get; }

    /// <summary>At the first node.</summary>
    public Person Mod { get; }

    /// <summary>At the second node.</summary>
    public Person Bea { get; }

    public string Room { get; }

    public string Topic => "rooms/" + Room;

    public static async Task<YardOfNodes> MakeAsync(ServerHouse house, string visibility = "public")
    {
        var owner = await Person.RegisterAsync(house[0], "owner");
        var mod = await Person.RegisterAsync(house[0], "mia");
        var bea = await Person.RegisterAsync(house[1], "bea");
        var room = await owner.NewRoomAsync(visibility: visibility);
        YardOfNodes yard = new(house, owner, mod, bea, room);
        await owner.BringInAsync(room, mod);
        await owner.BringInAsync(room, bea);
        await owner.ActAsync(room, new { type = "role", user = mod.UserName, role = "moderator" });
        return yard;
    }

    /// <summary>A client of somebody at a node, ended with this.</summary>
    public async Task<RawMqttClient> ConnectAsync(Person who, int node, params string[] filters)
    {
        using var there = who.At(House[node]);
        var client = await House[node].PageAsync(there.Cookie);
        _clients.Add(client);
        var answer = await client.ConnectAsync();
        Assert.True(answer.Accepted, answer.ToString());
        foreach (var filter in filters)
        {
            var granted = await client.SubscribeAsync(filter);
            Assert.True(granted.ReasonCodes is [<= 2], $"{filter}: {granted}");
        }

        return client;
    }

    /// <summary>What somebody asks of a node.</summary>
    public async Task<JsonElement> GetAsync(Person who, int node, string path)
    {
        using var there = who.At(House[node]);
        var answer = await there.Http.GetAsync(new Uri(path, UriKind.Relative));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{path} at node {node}: {(int)answer.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>A command by HTTP at a node.</summary>
    public async Task<(HttpStatusCode Status, string Text)> ActAsync(Person who, int node, object command)
    {
        using var there = who.At(House[node]);
        var answer = await there.Http.PostAsJsonAsync($"/api/rooms/{Room}/events", command);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }

        Owner.Dispose();
        Mod.Dispose();
        Bea.Dispose();
    }
}

/// <summary>A house of two nodes for all tests of a class.</summary>
public sealed class SharedHouseOfNodes : IAsyncLifetime
{
    private ServerHouse? _house;

    internal ServerHouse House => _house!;

    public async ValueTask InitializeAsync()
    {
        _house = await ServerHouse.StartAsync();

        // The first account may manage all rooms.
        using var administrator = await Person.RegisterAsync(_house[0], "keeper");
    }

    public ValueTask DisposeAsync() => _house?.DisposeAsync() ?? ValueTask.CompletedTask;
}
