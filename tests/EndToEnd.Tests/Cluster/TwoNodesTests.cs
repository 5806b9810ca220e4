using System.Net;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>One house of two nodes, for all tests of a class.</summary>
public sealed class TwoNodes : IAsyncLifetime
{
    internal ServerHouse House { get; private set; } = null!;

    public async ValueTask InitializeAsync() => House = await ServerHouse.StartAsync();

    public ValueTask DisposeAsync() => House?.DisposeAsync() ?? ValueTask.CompletedTask;
}

/// <summary>Two nodes are one house.</summary>
public sealed class TwoNodesTests(TwoNodes nodes) : IClassFixture<TwoNodes>
{
    private readonly ServerHouse _house = nodes.House;

    [Fact]
    public async Task Who_has_registered_at_one_node_signs_in_at_the_other_and_all_hear_one_order()
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        using var bea = await Person.RegisterAsync(_house[1], "bea");
        using var anaElsewhere = await ana.SignInAtAsync(_house[1]);
        await using var first = await _house[0].PageAsync(ana.Cookie).InLobbyAsync();
        await using var second = await _house[1].PageAsync(anaElsewhere.Cookie).InLobbyAsync();
        await using var third = await _house[1].PageAsync(bea.Cookie).InLobbyAsync();
        var end = Lobby.Unique("the end");

        var saying = Enumerable.Range(0, 100).Select(number => (number % 2 == 0 ? first : third).PublishAsync(Lobby.Topic, $"line {number}"));
        Assert.All(await Task.WhenAll(saying), answer => Assert.True(answer.Accepted, answer.ToString()));
        Assert.True((await third.PublishAsync(Lobby.Topic, end)).Accepted);

        var heard = await Task.WhenAll(new[] { first, second, third }.Select(client => SeqsUntilAsync(client, end)));
        Assert.All(heard, seqs => Assert.Equal(101, seqs.Count));
        Assert.All(heard, seqs => Assert.Equal(heard[0], seqs));
        Assert.Equal(heard[0].Order(), heard[0]);
    }

    [Fact]
    public async Task Who_has_registered_at_one_node_is_known_at_the_other_when_it_is_answered()
    {
        for (var round = 0; round < 20; round++)
        {
            using var ana = await Person.RegisterAsync(_house[round % 2]);
            await using var client = await _house[1 - (round % 2)].PageAsync(ana.Cookie);

            Assert.True((await client.ConnectAsync()).Accepted);
        }
    }

    [Fact]
    public async Task A_logout_at_one_node_silences_the_clients_at_the_other_before_it_is_answered()
    {
        using var bea = await Person.RegisterAsync(_house[1], "bea");
        await using var speaker = await _house[1].PageAsync(bea.Cookie).InLobbyAsync();
        for (var round = 0; round < 10; round++)
        {
            using var ana = await Person.RegisterAsync(_house[0]);
            await using var tab = await _house[1].PageAsync(ana.Cookie).InLobbyAsync();
            var before = Lobby.Unique("before");
            Assert.True((await speaker.PublishAsync(Lobby.Topic, before)).Accepted);
            await tab.PublishesUntilAsync(publish => publish.Says(before));

            await ana.LogOutAsync();

            var after = Lobby.Unique("after");
            Assert.True((await speaker.PublishAsync(Lobby.Topic, after)).Accepted);
            Assert.DoesNotContain(await tab.PublishesUntilClosedAsync(), publish => publish.Says(after));
        }
    }

    [Fact]
    public async Task Who_is_kicked_at_one_node_hears_nothing_at_the_other_after_the_answer()
    {
        using var owner = await Person.RegisterAsync(_house[0], "owner");
        using var ana = await Person.RegisterAsync(_house[1]);
        var room = await owner.NewRoomAsync(visibility: "private");
        await owner.BringInAsync(room, ana);
        await using var speaker = await _house[0].PageAsync(owner.Cookie);
        await using var tab = await _house[1].PageAsync(ana.Cookie);
        Assert.True((await speaker.ConnectAsync()).Accepted);
        Assert.True((await tab.ConnectAsync()).Accepted);
        Assert.Equal(1, Assert.Single((await tab.SubscribeAsync($"rooms/{room}")).ReasonCodes));
        Assert.True((await speaker.PublishAsync($"rooms/{room}", "before")).Accepted);
        await tab.PublishesUntilAsync(publish => publish.Topic == $"rooms/{room}" && publish.Json.IsMessage("before"));

        Assert.True((await speaker.PublishAsync($"rooms/{room}", $$"""{"type":"kick","user":"{{ana.UserName}}"}""")).Accepted);

        Assert.True((await speaker.PublishAsync($"rooms/{room}", "after")).Accepted);
        var marker = Lobby.Unique("marker");
        Assert.Equal(1, Assert.Single((await tab.SubscribeAsync(Lobby.Topic)).ReasonCodes));
        Assert.True((await tab.PublishAsync(Lobby.Topic, marker)).Accepted);
        Assert.DoesNotContain(await tab.PublishesUntilAsync(publish => publish.Says(marker)), publish => publish.Topic == $"rooms/{room}" && publish.Json.IsMessage("after"));
    }

    [Fact]
    public async Task A_client_id_is_in_one_place_and_moves_from_node_to_node()
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        var token = await ana.NewTokenAsync();
        var before = await ConnectAsync(_house[0], ana, token);
        for (var round = 1; round < 10; round++)
        {
            var now = await ConnectAsync(_house[round % 2], ana, token);

            Assert.Equal((byte?)0x8E, (await before.WaitForCloseAsync()).Disconnect);
            await before.DisposeAsync();
            await now.PingAsync();
            before = now;
        }

        await before.DisposeAsync();
    }

    [Fact]
    public async Task Of_many_that_come_at_once_under_one_client_id_one_is_left()
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        var token = await ana.NewTokenAsync();
        for (var round = 0; round < 5; round++)
        {
            var came = await Task.WhenAll(Enumerable.Range(0, 6).Select(async number =>
            {
                var client = await _house[number % 2].TcpAsync();
                try
                {
                    return (Client: client, (await client.ConnectAsync(ana.UserName, token, "phone")).Accepted);
                }
                catch (WireException)
                {
                    // Another one has come meanwhile.
                    return (Client: client, Accepted: false);
                }
            }));
            await using var last = await ConnectAsync(_house[round % 2], ana, token);

            foreach (var (client, _) in came)
            {
                await client.WaitForCloseAsync();
                await client.DisposeAsync();
            }

            await last.PingAsync();
        }
    }

    [Fact]
    public async Task Attack_61_A_client_at_another_node_is_not_taken_over_by_a_token_that_may_less()
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        await using var phone = await ConnectAsync(_house[0], ana, await ana.NewTokenAsync());
        var limited = await ana.NewTokenAsync(["lobby"]);
        await using (var other = await _house[1].TcpAsync())
        {
            Assert.True((await other.ConnectAsync(ana.UserName, limited, "another")).Accepted);
        }

        await using var thief = await _house[1].TcpAsync();
        Assert.Equal(0x85, (await thief.ConnectAsync(ana.UserName, limited, "phone")).ReasonCode);

        await phone.PingAsync();
        await using var own = await ConnectAsync(_house[1], ana, await ana.NewTokenAsync());
        Assert.Equal((byte?)0x8E, (await phone.WaitForCloseAsync()).Disconnect);
    }

    private static async Task<RawMqttClient> ConnectAsync(ServerProcess node, Person person, string token)
    {
        var client = await node.TcpAsync();
        var answer = await client.ConnectAsync(person.UserName, token, "phone");
        Assert.True(answer.Accepted, answer.ToString());
        return client;
    }

    private static async Task<List<long>> SeqsUntilAsync(RawMqttClient client, string end) =>
    [
        .. (await client.PublishesUntilAsync(publish => publish.Says(end)))
            .Where(publish => publish.Topic == Lobby.Topic && publish.Json.GetProperty("type").GetString() == "message")
            .Select(publish => publish.Json.GetProperty("seq").GetInt64()),
    ];
}
