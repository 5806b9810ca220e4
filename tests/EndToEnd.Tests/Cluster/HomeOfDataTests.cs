using System.Diagnostics;
using System.Globalization;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>The node that has the data topics of a house loses them, in each way in which that happens (ADR 0088).</summary>
public sealed class HomeOfDataTests
{
    [Theory(Explicit = true)]
    [InlineData("killed")]
    [InlineData("stopped")]
    [InlineData("frozen")]
    public async Task What_was_acknowledged_is_there_when_the_home_is(string how)
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

        List<string> acknowledged = [];
        await using var says = await ConnectAsync(other, ana, own);
        var saying = SayAsync(says, room, 0, acknowledged);
        await UntilAsync(() => Count(acknowledged) >= 100);

        await LoseAsync(house, home, how);
        await saying;

        // It ended with the way to the home. Who comes again finds the next one, now or a moment later.
        var enough = Count(acknowledged) + 100;
        for (var from = 100_000; Count(acknowledged) < enough; from += 1000)
        {
            await using var again = await ConnectAsync(other, ana, own);
            await SayAsync(again, room, from, acknowledged, enough - Count(acknowledged));
        }

        if (how == "frozen")
        {
            await house[home].SignalAsync("CONT");
        }

        HashSet<string> heard = [];
        await using var hears = await KeptAsync(other, ana, own, isPresent: true);
        while (!acknowledged.TrueForAll(heard.Contains))
        {
            heard.Add((await hears.NextPublishAsync()).Text);
        }

        using var here = ana.At(other);
        foreach (var value in acknowledged)
        {
            Assert.Equal(value, await here.Http.GetStringAsync(new Uri($"/api/rooms/{room}/data?topic=at/{value}", UriKind.Relative), TestContext.Current.CancellationToken));
        }
    }

    [Theory(Explicit = true)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_is_sent_to_another_node_has_no_will_said(bool stopsHome)
    {
        await using var house = await ServerHouse.StartAsync();
        using var ana = await Person.RegisterAsync(house[0]);
        var (room, own, mount) = (await ana.NewRoomAsync(), await ana.NewTokenAsync(), "");
        mount = await ana.NewMountAsync(room);
        var home = await HomeAsync(house);
        var (stops, stays) = stopsHome ? (house[home], house[1 - home]) : (house[1 - home], house[home]);
        await using (var kept = await KeptAsync(stays, ana, own, isPresent: false))
        {
            Assert.Equal([1], (await kept.SubscribeAsync($"rooms/{room}/data/#", 1)).ReasonCodes);
        }

        await using (var lost = await DyingAsync(house[1 - home], ana, mount, "lost"))
        {
            lost.Abort();
        }

        // One at the node that stops, and one that the home serves for the other.
        await using var device = await DyingAsync(stops, ana, mount, "sent");
        await using var handed = await DyingAsync(house[1 - home], ana, mount, "handed");
        var stopping = stops.TerminateAsync();

        Assert.Equal((byte?)0x9D, (await device.WaitForCloseAsync()).Disconnect);
        await handed.WaitForCloseAsync();
        Assert.Equal(0, (await stopping).ExitCode);
        await UntilAsync(async () =>
        {
            await using var back = await stays.TcpAsync();
            return (await back.ConnectAsync(ana.UserName, mount)).Accepted && (await back.PublishAsync("state", "back")).Accepted;
        });

        await using var hears = await KeptAsync(stays, ana, own, isPresent: true);
        Assert.Equal(["lost", "back"], (await hears.PublishesUntilAsync(publish => publish.Text == "back")).Select(publish => publish.Text));
    }

    // As long as it is connected, one after the other.
    private static async Task SayAsync(RawMqttClient client, string room, int from, List<string> acknowledged, int most = int.MaxValue)
    {
        try
        {
            for (var i = from; i - from < most && !client.IsClosed; i++)
            {
                if ((await client.PublishAsync($"rooms/{room}/data/at/{i}", Number(i), retain: true)).Accepted)
                {
                    lock (acknowledged)
                    {
                        acknowledged.Add(Number(i));
                    }
                }
            }
        }
        catch (WireException) when (client.IsClosed)
        {
            // What was not acknowledged does not count.
        }
    }

    private static int Count(List<string> acknowledged)
    {
        lock (acknowledged)
        {
            return acknowledged.Count;
        }
    }

    private static async Task LoseAsync(ServerHouse house, int home, string how)
    {
        switch (how)
        {
            case "killed":
                await house[home].KillAsync();
                break;
            case "stopped":
                Assert.Equal(0, (await house[home].TerminateAsync()).ExitCode);
                break;
            default:
                await house[home].SignalAsync("STOP");
                break;
        }
    }

    private static async Task<int> HomeAsync(ServerHouse house)
    {
        var home = -1;
        await UntilAsync(() =>
        {
            home = Enumerable.Range(0, 2).FirstOrDefault(
                node => house[node].Log.Contains("The data topics of the house are this node's", StringComparison.Ordinal), -1);
            return home >= 0;
        });
        return home;
    }

    private static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        while (!await TryAsync(condition))
        {
            await Task.Delay(20, patience.Token);
        }
    }

    // Closed before it was answered: it is tried again.
    private static async Task<bool> TryAsync(Func<Task<bool>> condition)
    {
        try
        {
            return await condition();
        }
        catch (WireException)
        {
            return false;
        }
    }

    private static async Task<RawMqttClient> DyingAsync(ServerProcess node, Person who, string secret, string payload)
    {
        var client = await node.TcpAsync();
        Assert.True((await client.ConnectAsync(who.UserName, secret, payload, will: new Will("state", payload, 1))).Accepted);
        return client;
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
