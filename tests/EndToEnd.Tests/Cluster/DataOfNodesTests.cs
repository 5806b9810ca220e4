using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>Data topics of a house of two nodes, of which one has them all: it makes no difference to which a device or a client
/// comes.</summary>
public sealed class DataOfNodesTests(TwoNodes nodes) : IClassFixture<TwoNodes>
{
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

    [Fact(Explicit = true)]
    public async Task What_was_acknowledged_is_there_when_the_node_that_had_the_data_topics_was_killed()
    {
        await using var house = await ServerHouse.StartAsync();
        using var ana = await Person.RegisterAsync(house[0]);
        var (room, own) = (await ana.NewRoomAsync(), await ana.NewTokenAsync());
        var home = await HomeAsync(house);
        var other = house[1 - home];
        await using (var kept = await KeptAsync(other, ana, own, isPresent: false))
        {
            Assert.Equal([1], (await kept.SubscribeAsync($"rooms/{room}/data/#", 1)).ReasonCodes);
        }

        await using var says = await ConnectAsync(other, ana, own);
        List<string> acknowledged = [];
        var saying = Task.Run(async () =>
        {
            for (var i = 0; !says.IsClosed; i++)
            {
                if ((await says.PublishAsync($"rooms/{room}/data/at/{i}", Number(i), retain: true)).Accepted)
                {
                    acknowledged.Add(Number(i));
                }
            }
        }, TestContext.Current.CancellationToken);
        while (Volatile.Read(ref acknowledged).Count < 100)
        {
            await Task.Yield();
        }

        await house[home].KillAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => saying);

        // The other node has them, as soon as the one that was killed is certain to write nothing.
        await using var again = await KeptAsync(other, ana, own, isPresent: true);
        HashSet<string> heard = [];
        while (!acknowledged.TrueForAll(heard.Contains))
        {
            heard.Add((await again.NextPublishAsync()).Text);
        }

        using var here = ana.At(other);
        foreach (var value in acknowledged)
        {
            Assert.Equal(value, await here.Http.GetStringAsync(new Uri($"/api/rooms/{room}/data?topic=at/{value}", UriKind.Relative), TestContext.Current.CancellationToken));
        }
    }

    private static async Task<int> HomeAsync(ServerHouse house)
    {
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        while (true)
        {
            for (var node = 0; node < 2; node++)
            {
                if (house[node].Log.Contains("The data topics of the house are this node's", StringComparison.Ordinal))
                {
                    return node;
                }
            }

            await Task.Delay(50, patience.Token);
        }
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
