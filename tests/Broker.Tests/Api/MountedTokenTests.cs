using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>Access tokens for devices: who makes one, how it is shown, and how little it opens.</summary>
public sealed class MountedTokenTests
{
    [Fact]
    public async Task A_token_with_a_mount_is_listed_with_it_and_where_it_was_used()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await JoinAsync(broker, ana, "lobby");
        using var page = await PageAsync(broker, ana);

        var asked = new { name = "greenhouse", mount = "lobby", topics = new { write = new[] { "greenhouse/#" } } };
        var made = await page.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/tokens", asked);
        await broker.RestartAsync();
        using var again = await PageAsync(broker, ana);
        var unused = await ListedAsync(again, made);
        Assert.All(new[] { "address", "lastUsed" }, field => Assert.Equal(JsonValueKind.Null, unused.GetProperty(field).ValueKind));
        Assert.Equal("lobby", unused.GetProperty("mount").GetString());
        Assert.Equal("""{"read":[],"write":["greenhouse/#"]}""", unused.GetProperty("topics").GetRawText());
        Assert.Equal("""["data"]""", unused.GetProperty("verbs").GetRawText());
        Assert.Equal("""["lobby"]""", unused.GetProperty("rooms").GetRawText());

        await using var device = await broker.ConnectAsync(ana, password: made.GetProperty("token").GetString());
        var used = await ListedAsync(again, made);
        Assert.Equal("127.0.0.1", used.GetProperty("address").GetString());
        Assert.NotEqual(JsonValueKind.Null, used.GetProperty("lastUsed").ValueKind);
    }

    [Fact]
    public async Task Attack_36_A_mount_on_a_room_that_is_not_open_to_me_and_on_none_at_all_are_refused_alike()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bea) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bea"));
        using var anas = Calls.As(broker, ana);
        await anas.MakeRoom("den", "private");
        await anas.MakeRoom("garden");
        using var page = await PageAsync(broker, bea);

        // A public one that she is not in is none of hers, either.
        var refusals = new List<string>();
        foreach (var room in new[] { "den", "garden", "nowhere" })
        {
            var answer = await page.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/tokens", new { name = "device", mount = room });
            refusals.Add(answer.GetProperty("errors").GetRawText().Replace(room, "…", StringComparison.Ordinal));
        }

        Assert.Single(refusals.Distinct());
        await JoinAsync(broker, bea, "garden");
        await page.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/tokens", new { name = "device", mount = "garden" });
    }

    [Fact]
    public async Task Attack_80_A_token_with_a_mount_opens_nothing_of_the_talk()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await JoinAsync(broker, ana, "lobby");
        var device = ana with { Token = await TokenAsync(broker, ana, "lobby") };
        var plain = ana with { Token = await broker.TokenAsync(ana.Account, ["lobby"]) };
        using var calls = Calls.As(broker, device);
        using var allowed = Calls.As(broker, plain);
        foreach (var path in new[] { "/api/rooms", "/api/rooms/lobby", "/api/rooms/lobby/events", "/api/rooms/lobby/people", "/api/search?q=hello" })
        {
            await allowed.Get(path);
            await calls.Get(path, HttpStatusCode.Unauthorized);
        }

        var hello = new { type = "message", text = "hello" };
        await allowed.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/lobby/events", hello);
        await calls.Expect(HttpStatusCode.Unauthorized, HttpMethod.Post, "/api/rooms/lobby/events", hello);

        // To its clients these are topics below the mount, like any other.
        await using var client = await broker.ConnectAsync(device);
        await client.SubscribeAsync([new Filter("rooms/lobby"), new Filter("users/ana"), new Filter("#")]);
        await allowed.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/lobby/events", hello);
        await client.PingAsync();
        Assert.Empty(client.AlreadyHere());
    }

    [Fact]
    public async Task Fault_S17_A_token_ends_with_its_mount_whose_clients_are_closed()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bea) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bea"));
        using var anas = Calls.As(broker, ana);
        await anas.MakeRoom("club");
        await JoinAsync(broker, bea, "club");
        var device = bea with { Token = await TokenAsync(broker, bea, "club") };
        await using var client = await broker.ConnectAsync(device);

        await anas.Delete("/api/rooms/club");

        await client.WaitForCloseAsync();
        await anas.MakeRoom("club");
        await broker.RestartAsync();
        await using var refused = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V5);
        Assert.Equal(0x86, (await refused.ConnectAsync("bea", device.Token, "device")).ReasonCode);
    }

    private static async Task<string> TokenAsync(RunningBroker broker, Member member, string mount) =>
        (await broker.Get<AccessTokens>().CreateAsync(member.Account, "device", null, null, null, by: null, new AskedMount(mount, null, _ => true)))
            .Value!.Secret;

    private static async Task JoinAsync(RunningBroker broker, Member member, string room)
    {
        using var calls = Calls.As(broker, member);
        await calls.Put($"/api/rooms/{room}/members/me");
    }

    private static async Task<Calls> PageAsync(RunningBroker broker, Member member) =>
        Calls.OfPage(broker, await broker.SignInAsync(member.Account));

    private static async Task<JsonElement> ListedAsync(Calls page, JsonElement made)
    {
        var list = (await page.Get("/api/tokens")).GetProperty("tokens").EnumerateArray();
        return list.Single(token => token.GetProperty("id").GetString() == made.GetProperty("id").GetString());
    }
}
