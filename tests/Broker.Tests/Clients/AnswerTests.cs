using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>
/// What the server answers: within the client's Maximum Packet Size, and what the client answers must fit what it was sent.
/// </summary>
public sealed class AnswerTests
{
    [Theory]
    [InlineData(200u, true)]
    [InlineData(30u, false)]
    public async Task Fault_Q7_A_PUBACK_leaves_out_what_the_client_has_no_room_for(uint maximum, bool hasRoom)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await client.ConnectAsync("ana", ana.Token, "small", properties: MaximumPacketSize(maximum));

        var refused = await client.PublishAsync("nonsense", "x");
        var stored = await client.PublishAsync("rooms/lobby", "x");

        Assert.Equal(0x90, refused.ReasonCode);
        Assert.Equal(hasRoom, refused.ReasonString is not null);
        Assert.True(stored.Accepted);
        Assert.Equal(hasRoom, stored.Epoch is not null);
    }

    [Theory]
    [InlineData(200u, true)]
    [InlineData(45u, false)]
    public async Task Fault_Q7_A_SUBACK_leaves_its_reason_out_where_it_would_be_too_large(uint maximum, bool hasRoom)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await client.ConnectAsync("ana", ana.Token, "small", properties: MaximumPacketSize(maximum));

        var answer = await client.SubscribeAsync("rooms/nowhere");

        Assert.Equal([(byte)0x87], answer.ReasonCodes);
        Assert.Equal(hasRoom, answer.ReasonString is not null);
    }

    [Fact]
    public async Task Fault_Q7_A_SUBACK_that_does_not_fit_at_all_ends_the_connection()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await client.ConnectAsync("ana", ana.Token, "small", properties: MaximumPacketSize(45));
        var filters = Enumerable.Range(0, 60).Select(i => new Filter($"rooms/r{i}")).ToList();
        Assert.Equal(20, (await client.SubscribeAsync(filters[..20])).ReasonCodes.Length);

        var packet = new MqttWriter().UInt16(9).Properties(null);
        filters.ForEach(filter => packet.String(filter.Topic).Byte(1));
        await client.SendAsync(packet.ToPacket(PacketType.Subscribe, 2));

        Assert.Equal((byte)0x95, (await client.WaitForCloseAsync()).Disconnect);
    }

    [Theory]
    [InlineData(200u, true)]
    [InlineData(20u, false)]
    public async Task Fault_Q7_A_refusing_CONNACK_leaves_its_reason_out_where_it_would_be_too_large(uint maximum, bool hasRoom)
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        var answer = await client.ConnectAsync("ana", "wm_nothing", "small", properties: MaximumPacketSize(maximum));

        Assert.Equal(0x86, answer.ReasonCode);
        Assert.Equal(hasRoom, answer.Properties.Text(PropertyId.ReasonString) is not null);
    }

    [Fact]
    public async Task Fault_Q7_A_client_that_could_not_take_its_CONNACK_is_not_let_in()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        var answer = await client.ConnectAsync("ana", ana.Token, "small", properties: MaximumPacketSize(8));

        Assert.Equal(0x95, answer.ReasonCode);
        Assert.Empty(answer.Properties);
        await client.WaitForCloseAsync();
    }

    [Fact]
    public async Task Fault_Q7_A_DISCONNECT_leaves_its_reason_out_where_it_would_be_too_large()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var large = await broker.ConnectAsync(ana, clientId: "large");
        await using var small = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await small.ConnectAsync("ana", ana.Token, "small", properties: MaximumPacketSize(45));

        await using var takesLarge = await broker.ConnectAsync(ana, clientId: "large");
        await using var takesSmall = await broker.ConnectAsync(ana, clientId: "small");

        var (told, heard) = (await large.WaitForCloseAsync(), await small.WaitForCloseAsync());
        Assert.Equal(((byte?)0x8E, (byte?)0x8E), (told.Disconnect, heard.Disconnect));
        Assert.NotNull(told.ReasonString);
        Assert.Null(heard.ReasonString);
    }

    [Theory]
    [InlineData(PacketType.PubRec, "V5")]
    [InlineData(PacketType.PubComp, "V5")]
    [InlineData(PacketType.PubRec, "V311")]
    [InlineData(PacketType.PubComp, "V311")]
    internal async Task Fault_Q13_A_delivery_at_QoS_1_is_answered_by_PUBACK_or_the_connection_ends(PacketType answer, string versionName)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var listener = await broker.ConnectAsync(ana, Enum.Parse<MqttVersion>(versionName), clientId: "listener");
        await listener.SubscribeAsync("rooms/lobby");
        listener.AcknowledgesItself = false;
        await using var speaker = await broker.ConnectAsync(ana, clientId: "speaker");
        await speaker.PublishAsync("rooms/lobby", "one");
        var first = (await listener.PublishesUntilAsync(publish => publish.Text.Contains("one", StringComparison.Ordinal)))[^1];
        await listener.AcknowledgeAsync(first);
        await speaker.PublishAsync("rooms/lobby", "two");
        var second = (await listener.PublishesUntilAsync(publish => publish.Text.Contains("two", StringComparison.Ordinal)))[^1];

        // An answer to what was never sent harms nobody.
        await listener.SendAsync(new MqttWriter().UInt16(60_000).ToPacket(answer));
        await listener.PingAsync();
        await listener.SendAsync(new MqttWriter().UInt16(second.PacketId).ToPacket(answer));

        var closed = await listener.WaitForCloseAsync();
        Assert.Equal(versionName == "V5" ? (byte?)0x82 : null, closed.Disconnect);
    }

    private static MqttProperties MaximumPacketSize(uint bytes) => new() { { PropertyId.MaximumPacketSize, bytes } };
}
