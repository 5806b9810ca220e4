using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Devices;

/// <summary>A real mosquitto, bridged to a room through a token with a mount.</summary>
public sealed class BridgeTests
{
    private const string State = "$SYS/broker/connection/garden/state";

    public static TheoryData<string> Versions => ["mqttv311", "mqttv50"];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_bridge_carries_both_ways_without_an_echo_also_after_either_side_was_killed(string version)
    {
        Assert.SkipWhen(MosquittoBridge.Program is null, "mosquitto's broker is not installed.");
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        var room = await ana.NewRoomAsync();
        var data = $"rooms/{room}/data/";
        var (token, own) = (await ana.NewMountAsync(room), await ana.NewTokenAsync());
        await using var bridge = await MosquittoBridge.StartAsync(server, version, ana.UserName, token);

        await using (var there = await bridge.ListenAsync())
        {
            await using var here = await HereAsync();
            await CrossesAsync(here, there, "first");
        }

        await bridge.KillAsync();
        await using (var here = await HereAsync())
        {
            // Its will, as mosquitto sets it: who works the room sees that the bridge is down.
            await here.PublishesUntilAsync(publish => publish.Topic == data + State && publish.Text == "0");
            bridge.StartAgain();
            await here.PublishesUntilAsync(publish => publish.Topic == data + State && publish.Text == "1");
            await using var there = await bridge.ListenAsync();
            await CrossesAsync(here, there, "after the end of mosquitto");
        }

        await using (var there = await bridge.ListenAsync())
        {
            await server.KillAsync();
            await server.StartAgainAsync();
            await using var here = await HereAsync();
            await CrossesAsync(here, there, "after the end of the server");
        }

        async Task<RawMqttClient> HereAsync()
        {
            var client = await server.TcpAsync();
            Assert.True((await client.ConnectAsync(ana.UserName, own)).Accepted);
            Assert.Equal([2], (await client.SubscribeAsync($"{data}#", 2)).ReasonCodes);
            return client;
        }

        async Task CrossesAsync(RawMqttClient here, RawMqttClient there, string what)
        {
            // What is retained comes with the bridge's subscription: when it is through, the bridge is up. Each has a topic of its own,
            // for mosquitto says what it retains itself anew when the bridge is back.
            var probe = $"probe/{what}";
            Assert.True((await here.PublishAsync(data + probe, what, 1, retain: true)).Accepted);
            await there.PublishesUntilAsync(publish => publish.Topic == probe);

            Assert.True((await here.PublishAsync($"{data}from/here", what, 2)).Accepted);
            var heardThere = await there.PublishesUntilAsync(publish => publish.Topic == "from/here");
            Assert.Equal((what, (byte)2), (heardThere[^1].Text, heardThere[^1].Qos));
            Assert.True((await there.PublishAsync("from/there", what, 2)).Accepted);
            var heardHere = await here.PublishesUntilAsync(publish => publish.Topic == $"{data}from/there");
            Assert.Equal((what, (byte)2), (heardHere[^1].Text, heardHere[^1].Qos));

            // An echo would be on its way before these.
            Assert.True((await here.PublishAsync($"{data}end/here", what, 2)).Accepted);
            var restThere = await there.PublishesUntilAsync(publish => publish.Topic == "end/here");
            Assert.DoesNotContain(restThere, publish => publish.Topic == "from/here");

            // Its own copy, by mosquitto.
            Assert.Single(restThere, publish => publish.Topic == "from/there");
            Assert.True((await there.PublishAsync("end/there", what, 2)).Accepted);
            var rest = await here.PublishesUntilAsync(publish => publish.Topic == $"{data}end/there");
            Assert.Equal([$"{data}end/here", $"{data}end/there"], rest.Where(publish => !publish.Topic.StartsWith($"{data}probe/", StringComparison.Ordinal)).Select(publish => publish.Topic));
        }
    }
}
