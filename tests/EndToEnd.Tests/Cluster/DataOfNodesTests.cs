using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>Data topics of a house of two nodes, of which one has them all: it makes no difference to which a device or a client
/// comes.</summary>
public sealed class DataOfNodesTests(TwoNodes nodes) : IClassFixture<TwoNodes>
{
    // Beside what the machine is busy with: a device that nobody ended was found by its keep-alive in half a minute.
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(5);

    private readonly ServerHouse _house = nodes.House;

    [Theory(Explicit = true)]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_device_at_one_node_and_a_client_at_the_other_hear_each_other_at_each_QoS(int node)
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        var room = await ana.NewRoomAsync();
        var (token, own) = (await ana.NewMountAsync(room), await ana.NewTokenAsync());
        var data = $"rooms/{room}/data/";
        await using var device = await ConnectAsync(_house[node], ana, token);
        await using var client = await ConnectAsync(_house[1 - node], ana, own);
        Assert.Equal([2], (await device.SubscribeAsync("to/#", 2)).ReasonCodes);
        Assert.Equal([2], (await client.SubscribeAsync(data + "from/#", 2)).ReasonCodes);

        for (byte i = 0; i < 60; i++)
        {
            Assert.True(i % 3 == 0 || (await device.PublishAsync("from/x", Number(i), (byte)(i % 3), retain: true)).Accepted);
            Assert.True(i % 3 == 0 || (await client.PublishAsync(data + "to/x", Number(i), (byte)(i % 3))).Accepted);
        }

        var expected = Enumerable.Range(0, 60).Where(i => i % 3 > 0).Select(Number).ToList();
        Assert.Equal(expected, (await client.PublishesUntilAsync(publish => publish.Text == Number(59))).Select(publish => publish.Text));
        Assert.Equal(expected, (await device.PublishesUntilAsync(publish => publish.Text == Number(59))).Select(publish => publish.Text));
        foreach (var http in (HttpClient[])[ana.At(_house[0]).Http, ana.At(_house[1]).Http])
        {
            Assert.Equal(Number(59), await http.GetStringAsync(new Uri($"/api/rooms/{room}/data?topic=from/x", UriKind.Relative), TestContext.Current.CancellationToken));
            http.Dispose();
        }
    }

    [Fact(Explicit = true)]
    public async Task Of_a_group_with_members_at_two_nodes_each_publish_comes_to_one()
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        var (room, own) = (await ana.NewRoomAsync(), await ana.NewTokenAsync());
        var filter = $"$share/crew/rooms/{room}/data/#";
        await using var first = await ConnectAsync(_house[0], ana, own);
        await using var second = await ConnectAsync(_house[1], ana, own);
        Assert.Equal([1], (await first.SubscribeAsync(filter, 1)).ReasonCodes);
        Assert.Equal([1], (await second.SubscribeAsync(filter, 1)).ReasonCodes);
        await using var says = await ConnectAsync(_house[1], ana, own);

        for (var i = 0; i < 100; i++)
        {
            Assert.True((await says.PublishAsync($"rooms/{room}/data/x", Number(i))).Accepted);
        }

        ConcurrentBag<string> heard = [];
        using CancellationTokenSource enough = new(RawMqttClient.Patience);
        while (heard.Count < 100)
        {
            foreach (var publish in first.AlreadyHere().Concat(second.AlreadyHere()))
            {
                heard.Add(publish.Text);
            }

            await Task.Delay(10, enough.Token);
        }

        Assert.Equal(Enumerable.Range(0, 100).Select(Number).Order(StringComparer.Ordinal), heard.Order(StringComparer.Ordinal));
    }

    [Theory(Explicit = true)]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    public async Task A_device_ends_at_once_with_its_room_and_with_its_token_whatever_the_nodes(int at, int by)
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        using var bea = await Person.RegisterAsync(_house[1], "bea");
        var room = await ana.NewRoomAsync();
        await ana.BringInAsync(room, bea);
        var (anas, beas) = (await ana.NewMountAsync(room), await bea.NewMountAsync(room));
        await using var devices = await ConnectAsync(_house[at], ana, anas);
        await using var kicked = await ConnectAsync(_house[at], bea, beas);
        await kicked.PingAsync();
        Assert.True((await devices.PublishAsync("x", "1")).Accepted);
        using var acts = ana.At(_house[by]);

        await acts.ActAsync(room, new { type = "kick", user = bea.UserName });
        await kicked.WaitForCloseAsync(_soon);
        Assert.True((await devices.PublishAsync("x", "2")).Accepted);

        var tokens = await acts.Http.GetFromJsonAsync<JsonElement>(new Uri("/api/tokens", UriKind.Relative), TestContext.Current.CancellationToken);
        var id = tokens.GetProperty("tokens").EnumerateArray().Single().GetProperty("id").GetString();
        using var revoked = await acts.Http.DeleteAsync(new Uri($"/api/tokens/{id}", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        await devices.WaitForCloseAsync(_soon);
    }

    [Theory(Explicit = true)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_kept_client_that_goes_from_node_to_node_a_hundred_times_misses_nothing_and_hears_nothing_twice(bool isMounted)
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        var (room, own) = (await ana.NewRoomAsync(), await ana.NewTokenAsync());
        var (secret, data) = isMounted ? (await ana.NewMountAsync(room), "") : (own, $"rooms/{room}/data/");
        await using (var first = await KeptAsync(_house[0], ana, secret, isPresent: false))
        {
            Assert.Equal([2], (await first.SubscribeAsync(data + "x", 2)).ReasonCodes);
        }

        await using var says = await ConnectAsync(_house[1], ana, own);
        var saying = Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++)
            {
                Assert.True((await says.PublishAsync($"rooms/{room}/data/x", Number(i), 2)).Accepted);
            }
        }, TestContext.Current.CancellationToken);

        // A delivery that was not completed comes again, with DUP and under its packet id, whatever the node.
        Dictionary<string, ushort> ids = [];
        List<string> heard = [];
        for (var round = 0; round < 100 || heard.Count < 500; round++)
        {
            await using var client = await KeptAsync(_house[round % 2], ana, secret, isPresent: true);
            List<ReceivedPublish> came = heard.Count < 500 ? [await client.NextPublishAsync()] : [];
            client.Abort();
            await client.DisposeAsync();

            // What it has acknowledged by itself to its end.
            came.AddRange(client.AlreadyHere());
            foreach (var publish in came)
            {
                if (ids.TryAdd(publish.Text, publish.PacketId))
                {
                    heard.Add(publish.Text);
                    continue;
                }

                Assert.Equal((true, ids[publish.Text]), (publish.Duplicate, publish.PacketId));
            }
        }

        await saying;
        Assert.Equal(Enumerable.Range(0, 500).Select(Number), heard);
    }

    private static async Task<RawMqttClient> ConnectAsync(ServerProcess node, Person who, string secret)
    {
        var client = await node.TcpAsync();
        var answer = await client.ConnectAsync(who.UserName, secret);
        Assert.True(answer.Accepted, answer.ToString());
        return client;
    }

    private static async Task<RawMqttClient> KeptAsync(ServerProcess node, Person who, string secret, bool isPresent)
    {
        var client = await node.TcpAsync();
        var answer = await client.ConnectAsync(
            who.UserName, secret, "kept", cleanStart: false, properties: new() { { PropertyId.SessionExpiry, 3600 } });
        Assert.Equal((true, isPresent), (answer.Accepted, answer.SessionPresent));
        return client;
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
