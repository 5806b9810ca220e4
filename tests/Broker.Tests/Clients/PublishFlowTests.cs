using System.Globalization;
using System.Text;
using Microsoft.Extensions.Hosting;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>How much a client may have under way, in both directions.</summary>
public sealed class PublishFlowTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Fault_Q3_More_publishes_than_the_Receive_Maximum_are_slowed_down_and_stored_once_each(byte qos)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:UnacknowledgedPerClient", "4");
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        var before = broker.Room("lobby").Head;

        // As libraries do that do not look at the Receive Maximum.
        for (ushort id = 1; id <= 200; id++)
        {
            await client.SendPublishAsync("rooms/lobby", "x"u8.ToArray(), qos, packetId: id);
        }

        for (ushort id = 1; id <= 200; id++)
        {
            Assert.True(PubAck.Decode(await client.NextAsync(qos == 1 ? PacketType.PubAck : PacketType.PubRec, id)).Accepted);
            if (qos == 2)
            {
                await client.SendAsync(new MqttWriter().UInt16(id).ToPacket(PacketType.PubRel, 2));
            }
        }

        Assert.Equal(before + 200, broker.Room("lobby").Head);
    }

    [Fact]
    public async Task More_publishes_at_QoS_2_than_are_held_beyond_the_Receive_Maximum_end_the_connection()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:UnacknowledgedPerClient", "4");
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        for (ushort id = 1; id <= 4 + 512; id++)
        {
            await client.SendPublishAsync("rooms/lobby", "x"u8.ToArray(), 2, packetId: id);
        }

        await client.PingAsync();
        await client.SendPublishAsync("rooms/lobby", "x"u8.ToArray(), 2, packetId: 4 + 512 + 1);

        Assert.Equal((byte)0x93, (await client.WaitForCloseAsync()).Disconnect);
    }

    [Fact]
    public async Task QoS_0_does_not_count_against_the_Receive_Maximum()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:UnacknowledgedPerClient", "4");
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        using MemoryStream burst = new();
        for (var i = 0; i < 200; i++)
        {
            burst.Write(ClientPackets.Publish(MqttVersion.V5, "rooms/lobby", "x"u8.ToArray()));
        }

        burst.Write(ClientPackets.Publish(MqttVersion.V5, "rooms/lobby", "last"u8.ToArray(), 1, packetId: 7));
        await client.SendAsync(burst.ToArray());

        var answer = PubAck.Decode(await client.NextAsync(PacketType.PubAck, 7));
        Assert.True(answer.Seq >= 201);
    }

    [Fact]
    public async Task A_3_1_1_client_may_send_more_than_the_window_and_is_only_slowed()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:UnacknowledgedPerClient", "4");
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana, MqttVersion.V311);
        using MemoryStream burst = new();
        for (ushort id = 1; id <= 300; id++)
        {
            burst.Write(ClientPackets.Publish(MqttVersion.V311, "rooms/lobby", "x"u8.ToArray(), 1, packetId: id));
        }

        await client.SendAsync(burst.ToArray());

        for (ushort id = 1; id <= 300; id++)
        {
            await client.NextAsync(PacketType.PubAck, id);
        }
    }

    [Fact]
    public async Task A_delivery_larger_than_the_client_takes_is_left_out()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var small = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await small.ConnectAsync("ana", ana.Token, properties: new MqttProperties { { PropertyId.MaximumPacketSize, 400u } });
        await small.SubscribeAsync("rooms/lobby");
        await using var speaker = await broker.ConnectAsync(ana);

        await speaker.PublishAsync("rooms/lobby", "short");
        await speaker.PublishAsync("rooms/lobby", new string('x', 500));
        await speaker.PublishAsync("rooms/lobby", "marker");
        var heard = await small.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));

        Assert.Contains(heard, publish => publish.Text.Contains("short", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("xxx", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Attack_62_A_client_that_never_acknowledges_gets_its_window_and_no_more()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var listener = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await listener.ConnectAsync("ana", ana.Token, properties: new MqttProperties { { PropertyId.ReceiveMaximum, 3u } });
        listener.AcknowledgesItself = false;
        await listener.SubscribeAsync([new Filter("rooms/lobby"), new Filter("rooms/lobby/text", 0)]);
        await using var speaker = await broker.ConnectAsync(ana);
        for (var i = 1; i <= 10; i++)
        {
            await speaker.PublishAsync("rooms/lobby", $"{i}");
        }

        await listener.PingAsync();
        var before = listener.Transcript().Split(Environment.NewLine).Count(line => line.StartsWith("PUBLISH rooms/lobby q1", StringComparison.Ordinal));
        Assert.Equal(3, before);

        // Whoever takes nothing for a minute while messages wait is closed; others are not.
        broker.Get<IEnumerable<IHostedService>>().OfType<KeepAliveSweep>().Single().Sweep(TimeSpan.Zero);
        Assert.Equal((byte)0x97, (await listener.WaitForCloseAsync()).Disconnect);
        await speaker.PingAsync();
    }
}
