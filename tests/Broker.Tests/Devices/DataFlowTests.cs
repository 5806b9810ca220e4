using System.Globalization;
using System.Text;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>How data goes out: QoS 2, the window that talk shares, and who is too slow.</summary>
public sealed class DataFlowTests
{
    [Fact]
    public async Task QoS_2_goes_out_by_PUBREC_PUBREL_and_PUBCOMP()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var listener = await SlowAsync(house, receiveMaximum: 1);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Greenhouse.Data + "x", "1", 2);
        await device.PublishAsync(Greenhouse.Data + "x", "2", 2);
        var first = await listener.NextPublishAsync();
        await listener.SendAsync(ClientPackets.Answer(PacketType.PubRec, first.PacketId));
        Assert.Equal(0, PubAck.Decode(await listener.NextAsync(PacketType.PubRel, first.PacketId)).ReasonCode);

        // Said again, it is answered again; and until PUBCOMP the window of one is full.
        await listener.SendAsync(ClientPackets.Answer(PacketType.PubRec, first.PacketId));
        await listener.NextAsync(PacketType.PubRel, first.PacketId);
        await listener.PingAsync();
        Assert.Empty(listener.AlreadyHere());
        await listener.SendAsync(ClientPackets.Answer(PacketType.PubComp, first.PacketId));

        Assert.Equal("2", (await listener.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task A_PUBREC_with_an_error_ends_the_delivery()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var listener = await SlowAsync(house, receiveMaximum: 1);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Greenhouse.Data + "x", "1", 2);
        await device.PublishAsync(Greenhouse.Data + "x", "2", 2);
        var first = await listener.NextPublishAsync();

        await listener.SendAsync(new MqttWriter().UInt16(first.PacketId).Byte(0x83).ToPacket(PacketType.PubRec));

        Assert.Equal("2", (await listener.NextPublishAsync()).Text);
    }

    [Theory]
    [InlineData(2, PacketType.PubAck)]
    [InlineData(2, PacketType.PubComp)]
    [InlineData(1, PacketType.PubRec)]
    public async Task Attack_9_An_answer_of_another_QoS_ends_the_connection(byte qos, object answer)
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var listener = await SlowAsync(house, receiveMaximum: 10);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Greenhouse.Data + "x", "1", qos);

        await listener.SendAsync(ClientPackets.Answer((PacketType)answer, (await listener.NextPublishAsync()).PacketId));

        Assert.Equal((byte)0x82, (await listener.WaitForCloseAsync()).Disconnect);
    }

    [Fact]
    public async Task What_is_set_while_retained_values_are_on_their_way_comes_once()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Greenhouse.Data + "a", "old", retain: true);
        await device.PublishAsync(Greenhouse.Data + "b", "old", retain: true);
        await using var listener = await SlowAsync(house, receiveMaximum: 1);
        var first = await listener.NextPublishAsync();
        var other = first.Topic.EndsWith('a') ? "b" : "a";

        await device.PublishAsync(Greenhouse.Data + other, "new", retain: true);
        await device.PublishAsync(Greenhouse.Data + "marker", "m");

        List<(string Text, bool Retain)> heard = [];
        for (var publish = first; publish.Text != "m"; publish = await listener.NextPublishAsync())
        {
            heard.Add((publish.Text, publish.Retain));
            await listener.AcknowledgeAsync(publish);
        }

        Assert.Equal([("old", true), ("new", false)], heard);
    }

    [Fact]
    public async Task Talk_and_data_share_the_Receive_Maximum_and_take_turns()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var listener = await SlowAsync(house, receiveMaximum: 2);
        await listener.SubscribeAsync("rooms/greenhouse", 1);
        await using var device = await house.ConnectAsync(house.Ana);
        for (var i = 0; i < 20; i++)
        {
            await device.PublishAsync(Greenhouse.Data + "x", $"d{i}", 1);
            await device.PublishAsync("rooms/greenhouse", $"t{i}");
        }

        List<ReceivedPublish> heard = [];
        while (heard.Count < 41)
        {
            heard.Add(await listener.NextPublishAsync());
            await listener.AcknowledgeAsync(heard[^1]);
        }

        // Both come whole and in their order, and neither waits until the other is through.
        var data = heard.Index().Where(one => one.Item.Topic.StartsWith(Greenhouse.Data, StringComparison.Ordinal)).ToList();
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"d{i}"), data.Select(one => one.Item.Text));
        var talk = heard.Index().Where(one => one.Item.Topic == "rooms/greenhouse" && one.Item.Json.Type() == "message").ToList();
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"t{i}"), talk.Select(one => one.Item.Json.Text()));
        Assert.InRange(talk[9].Index, 0, data[18].Index);
        Assert.InRange(data[9].Index, 0, talk[18].Index);
    }

    [Fact]
    public async Task Attack_62_63_Who_acknowledges_nothing_is_closed_at_its_bound_and_others_hear_all()
    {
        await using var house = await Greenhouse.OpenAsync("members", "--WebMessenger:Limits:DataPublishPerSecond", "0");
        await using var slow = await SlowAsync(house, receiveMaximum: 5);
        await using var fine = await house.ListenAsync(house.Bob);
        await using var device = await house.ConnectAsync(house.Ana);
        const int count = 9_000;
        for (var i = 0; i < count; i += 100)
        {
            for (var k = 0; k < 100; k++)
            {
                await device.SendPublishAsync(Greenhouse.Data + "x", Encoding.ASCII.GetBytes($"{i + k}"), 1, packetId: (ushort)(k + 1));
            }

            for (var k = 0; k < 100; k++)
            {
                Assert.Equal(i + k, int.Parse((await fine.NextPublishAsync()).Text, CultureInfo.InvariantCulture));
                await device.NextAsync(PacketType.PubAck, (ushort)(k + 1));
            }
        }

        Assert.Equal((byte)0x97, (await slow.WaitForCloseAsync()).Disconnect);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Fault_Q3_A_burst_over_the_rooms_rate_is_braked_and_never_refused(byte qos)
    {
        await using var house = await Greenhouse.OpenAsync(
            "members", "--WebMessenger:Limits:DataPublishPerSecond", "200", "--WebMessenger:Limits:DataPublishBurst", "10");
        await using var listener = await house.ListenAsync(house.Bob);
        await using var device = await house.ConnectAsync(house.Ana, MqttVersion.V311);
        for (ushort id = 1; id <= 120; id++)
        {
            await device.SendPublishAsync(Greenhouse.Data + "x", Encoding.ASCII.GetBytes($"{id}"), qos, packetId: id);
        }

        await device.PingAsync();
        for (ushort id = 1; id <= 120; id++)
        {
            Assert.Equal($"{id}", (await listener.NextPublishAsync()).Text);
            await device.NextAsync(qos == 1 ? PacketType.PubAck : PacketType.PubRec, id);
        }
    }

    [Fact]
    public async Task Hundreds_of_retained_values_come_at_the_pace_of_the_client()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        for (var i = 0; i < 700; i++)
        {
            await device.SendPublishAsync(Greenhouse.Data + $"many/{i}", Encoding.ASCII.GetBytes($"{i}"), 0, retain: true);
        }

        await device.PublishAsync(Greenhouse.Data + "many/last", "last", retain: true);
        await using var listener = await house.ListenAsync(house.Bob, "many/#", qos: 1);
        HashSet<string> heard = [];
        while (heard.Count < 701)
        {
            var publish = await listener.NextPublishAsync();
            Assert.True(publish.Retain);
            Assert.True(heard.Add(publish.Text));
        }

        await device.PublishAsync(Greenhouse.Data + "many/last", "live");
        Assert.Equal("live", (await listener.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task Attack_4_A_payload_of_a_megabyte_comes_whole_and_what_is_longer_is_refused()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var listener = await house.ListenAsync(house.Bob);
        await using var device = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        var answer = await device.ConnectAsync("ana", house.Ana.Token);
        Assert.Equal((uint)((1 << 20) + 8192), answer.Properties.Number(PropertyId.MaximumPacketSize));
        var payload = new byte[1 << 20];
        Random.Shared.NextBytes(payload);

        Assert.Equal(0, (await device.PublishAsync(Greenhouse.Data + "x", payload)).ReasonCode);
        Assert.Equal(payload, (await listener.NextPublishAsync()).Payload);
        Assert.Equal(0x97, (await device.PublishAsync(Greenhouse.Data + "x", new byte[(1 << 20) + 1])).ReasonCode);
        Assert.Equal(0x97, (await device.PublishAsync("rooms/greenhouse", new string('x', 70_000))).ReasonCode);
        await device.SendPublishAsync(Greenhouse.Data + "x", new byte[(1 << 20) + 9000], 1, packetId: 9);
        Assert.Equal((byte)0x95, (await device.WaitForCloseAsync()).Disconnect);

        // Who may not write data is announced, and held to, what talk needs.
        await house.RuleAsync(write: "moderators");
        await using var talker = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        Assert.Equal(73_728u, (await talker.ConnectAsync("bob", house.Bob.Token)).Properties.Number(PropertyId.MaximumPacketSize));
        await talker.SendPublishAsync("rooms/greenhouse", new byte[80_000], 1, packetId: 1);
        Assert.Equal((byte)0x95, (await talker.WaitForCloseAsync()).Disconnect);
    }

    [Fact]
    public async Task Attack_4_60_Large_packets_that_do_not_end_are_bounded_all_together()
    {
        await using var house = await Greenhouse.OpenAsync("members", "--WebMessenger:Limits:IncomingMegabytes", "1");
        List<RawMqttClient> stuck = [];
        var packet = ClientPackets.Publish(MqttVersion.V5, Greenhouse.Data + "x", new byte[1_000_000], 1, false, null, 1, false);
        var closed = 0;
        for (var i = 0; i < 4 && closed == 0; i++)
        {
            var client = await house.ConnectAsync(house.Ana);
            stuck.Add(client);
            await client.SendAsync(packet.AsMemory(0, packet.Length - 10));
            closed = await ClosesAsync(client) ? 1 : 0;
        }

        Assert.Equal(1, closed);
        foreach (var client in stuck)
        {
            await client.DisposeAsync();
        }

        // Its memory is given back, as soon as the server has seen that they are gone.
        await MqttSessions.Talk.GoneAsync(house.Broker, house.Ana);
        await using var honest = await house.ConnectAsync(house.Ana);
        Assert.True((await honest.PublishAsync(Greenhouse.Data + "x", new byte[900_000])).Accepted);

        // A second one's bytes are read, or the connection is over.
        static async Task<bool> ClosesAsync(RawMqttClient client)
        {
            await Task.WhenAny(client.WaitForCloseAsync(TimeSpan.FromSeconds(20)), Task.Delay(TimeSpan.FromMilliseconds(500)));
            return client.IsClosed;
        }
    }

    private static async Task<RawMqttClient> SlowAsync(Greenhouse house, uint receiveMaximum)
    {
        var client = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        client.AcknowledgesItself = false;
        Assert.True((await client.ConnectAsync("bob", house.Bob.Token, properties: new() { { PropertyId.ReceiveMaximum, receiveMaximum } })).Accepted);
        Assert.Equal([2], (await client.SubscribeAsync(Greenhouse.Data + "#", 2)).ReasonCodes);
        return client;
    }
}
