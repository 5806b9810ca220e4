using System.Globalization;
using System.Text;
using Microsoft.Extensions.Hosting;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>PUBLISH and its acknowledgements, in both directions.</summary>
public sealed class PublishTests
{
    [Theory]
    [InlineData("D200", 0x81)]
    [InlineData("3600", 0x81)]
    [InlineData("380D000B726F6F6D732F6C6F62627900", 0x81)]
    [InlineData("3210000B726F6F6D732F6C6F62627900000061", 0x82)]
    [InlineData("6002000100", 0x81)]
    [InlineData("80020001", 0x81)]
    [InlineData("20020000", 0x82)]
    [InlineData("9003000100", 0x82)]
    [InlineData("B003000100", 0x82)]
    [InlineData("D000", 0x82)]
    [InlineData("F000", 0x82)]
    [InlineData("0000", 0x82)]
    public async Task Attack_8_9_Malformed_packets_and_those_of_servers_close_the_connection(string hex, byte code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        await client.PingAsync();

        await client.SendAsync(Convert.FromHexString(hex));

        Assert.Equal(code, (await client.WaitForCloseAsync()).Disconnect);
    }

    [Theory]
    [InlineData("0101", 0)]
    [InlineData("01010101", 0x82)]
    [InlineData("0102", 0x82)]
    [InlineData("230001230001", 0x82)]
    [InlineData("7F00", 0x81)]
    [InlineData("11000000FF", 0x81)]
    [InlineData("0B01", 0x82)]
    [InlineData("260002696400", 0x81)]
    public async Task Attack_10_Repeated_and_unknown_properties_close_the_connection(string properties, byte code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        var bytes = Convert.FromHexString(properties);

        await client.SendAsync(new MqttWriter().String("rooms/lobby").UInt16(7).VariableInteger(bytes.Length).Raw(bytes).Raw("x"u8).ToPacket(PacketType.Publish, 2));

        if (code == 0)
        {
            Assert.True(PubAck.Decode(await client.NextAsync(PacketType.PubAck, 7)).Accepted);
        }
        else
        {
            Assert.Equal(code, (await client.WaitForCloseAsync()).Disconnect);
        }
    }

    [Theory]
    [InlineData("726F6F6D732F00")]
    [InlineData("726F6F6D732FEDA080")]
    [InlineData("726F6F6D732FC0AF")]
    public async Task Attack_11_An_ill_formed_topic_is_never_stored(string topic)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);

        await client.SendAsync(new MqttWriter().Binary(Convert.FromHexString(topic)).UInt16(1).Properties(null).Raw("x"u8).ToPacket(PacketType.Publish, 2));

        Assert.Equal((byte)0x81, (await client.WaitForCloseAsync()).Disconnect);
    }

    [Theory]
    [InlineData("rooms/lobby", 0)]
    [InlineData("rooms/Lobby", 0x90)]
    [InlineData("rooms/../lobby", 0x90)]
    [InlineData("rooms/%2f", 0x90)]
    [InlineData("rooms/a/b", 0x90)]
    [InlineData("$SYS/broker", 0x90)]
    [InlineData("rooms/lobby/text", 0x87)]
    [InlineData("rooms/lobby/info", 0x87)]
    [InlineData("rooms/lobby/presence/ana", 0x87)]
    [InlineData("rooms/lobby/data/temperature", 0x87)]
    [InlineData("rooms/nowhere", 0x87)]
    [InlineData("users/nobody", 0x87)]
    public async Task Attack_12_38_43_Only_rooms_and_inboxes_are_published_to(string topic, byte code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var listener = await broker.ConnectAsync(ana);
        await listener.SubscribeAsync("rooms/#");
        await using var client = await broker.ConnectAsync(ana);

        var answer = await client.PublishAsync(topic, "first", retain: true);
        await client.PublishAsync("rooms/lobby", "marker");
        var heard = await listener.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));

        Assert.Equal(code, answer.ReasonCode);
        Assert.Equal(code == 0, heard.Any(publish => publish.Text.Contains("first", StringComparison.Ordinal)));
        Assert.DoesNotContain(heard, publish => publish.Retain && publish.Topic == "rooms/lobby");
        Assert.Equal(code != 0, !string.IsNullOrEmpty(answer.ReasonString));
    }

    [Theory]
    [InlineData("")]
    [InlineData("rooms/+")]
    [InlineData("rooms/#")]
    [InlineData("rooms/lobby/#")]
    public async Task Attack_12_A_topic_that_is_empty_or_has_wildcards_ends_the_connection(string topic)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var listener = await broker.ConnectAsync(ana);
        await listener.SubscribeAsync("rooms/#");
        await using var client = await broker.ConnectAsync(ana);
        Assert.True((await client.PublishAsync("rooms/lobby", "allowed")).Accepted);

        await client.SendPublishAsync(topic, "refused"u8.ToArray(), 1, packetId: 9);

        Assert.Equal((byte)0x82, (await client.WaitForCloseAsync()).Disconnect);
        await listener.PublishAsync("rooms/lobby", "marker");
        var heard = await listener.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("refused", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, "rooms/lobby", 0x94)]
    [InlineData(17, "rooms/lobby", 0x94)]
    [InlineData(3, "", 0x82)]
    public async Task Attack_14_Fault_Q17_A_topic_alias_is_one_that_was_set(int alias, string topic, byte code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        Assert.True((await client.PublishAsync("rooms/lobby", "set", properties: new MqttProperties { { PropertyId.TopicAlias, 16u } })).Accepted);
        Assert.True((await client.PublishAsync("", "used", properties: new MqttProperties { { PropertyId.TopicAlias, 16u } })).Accepted);

        await client.SendPublishAsync(topic, "x"u8.ToArray(), properties: new MqttProperties { { PropertyId.TopicAlias, (uint)alias } });

        // MQTT 5.0, 3.3.4: 0x94 for 0 and what is over the maximum, 0x82 for one that was never set.
        Assert.Equal(code, (await client.WaitForCloseAsync()).Disconnect);
    }

    [Fact]
    public async Task Fault_Q8_An_alias_that_a_repeated_QoS_2_publish_sets_is_set()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        await client.SendPublishAsync("rooms/lobby", "once"u8.ToArray(), qos: 2, packetId: 7);
        Assert.True(PubAck.Decode(await client.NextAsync(PacketType.PubRec, 7)).Accepted);
        await client.SendPublishAsync("rooms/lobby", "once"u8.ToArray(), qos: 2, packetId: 7, duplicate: true, properties: new MqttProperties { { PropertyId.TopicAlias, 1u } });
        Assert.True(PubAck.Decode(await client.NextAsync(PacketType.PubRec, 7)).Accepted);

        Assert.True((await client.PublishAsync("", "by the alias", properties: new MqttProperties { { PropertyId.TopicAlias, 1u } })).Accepted);
    }

    [Fact]
    public async Task An_alias_that_a_refused_publish_sets_is_set()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        MqttProperties alias = new() { { PropertyId.TopicAlias, 1u } };
        Assert.Equal(0x83, (await client.PublishAsync("rooms/lobby", """{"type":"dance"}""", properties: alias)).ReasonCode);

        var answer = await client.PublishAsync("", "second", properties: alias);

        Assert.True(answer.Accepted);
    }

    [Fact]
    public async Task Attack_42_An_alias_does_not_outlive_the_right_to_its_topic()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        var members = broker.Get<RoomMembers>();
        Assert.True(RoomId.TryParse("cellar", out var id));
        await broker.Get<RoomMaking>().CreateAsync(id, "Cellar", "", isPrivate: true, ana.Account);
        await members.JoinAsync(broker.Room("cellar"), bob.Account);
        await using var client = await broker.ConnectAsync(bob);
        MqttProperties alias = new() { { PropertyId.TopicAlias, 1u } };
        Assert.True((await client.PublishAsync("rooms/cellar", "one", properties: alias)).Accepted);
        Assert.True((await client.PublishAsync("", "two", properties: alias)).Accepted);

        await members.LeaveAsync(broker.Room("cellar"), bob.Account);

        Assert.Equal(0x87, (await client.PublishAsync("", "three", properties: alias)).ReasonCode);
    }

    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task Attack_37_What_the_server_says_of_an_event_is_not_the_senders_to_say(string versionName)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var listener = await broker.ConnectAsync(bob);
        await listener.SubscribeAsync([new Filter("rooms/lobby"), new Filter("users/bob")]);
        await using var client = await broker.ConnectAsync(ana, Enum.Parse<MqttVersion>(versionName));
        const string Forged = """
            {"type":"message","text":"forged","from":{"user":"bob","name":"Bob","kind":"person"},"room":"garden","to":"bob","seq":1000000,"epoch":"zzzz","at":"2000-01-01T00:00:00.000Z","v":7}
            """;

        foreach (var topic in new[] { "rooms/lobby", "users/bob" })
        {
            await client.PublishAsync(topic, Forged);
            var heard = (await listener.PublishesUntilAsync(publish => publish.Text.Contains("\"forged\"", StringComparison.Ordinal)))[^1].Json;

            Assert.Equal(("ana", "ana", "bot"), (Text(heard.GetProperty("from"), "user"), Text(heard.GetProperty("from"), "name"), Text(heard.GetProperty("from"), "kind")));
            Assert.InRange(heard.GetProperty("seq").GetInt64(), 1, 10);
            Assert.NotEqual("zzzz", Text(heard, "epoch"));
            Assert.NotEqual(2000, heard.GetProperty("at").GetDateTimeOffset().Year);
            Assert.Equal(1, heard.GetProperty("v").GetInt32());
            Assert.DoesNotContain("garden", heard.GetRawText(), StringComparison.Ordinal);
        }

        static string? Text(System.Text.Json.JsonElement element, string name) => element.GetProperty(name).GetString();
    }

    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task Attack_15_QoS_2_is_stored_once_however_often_it_is_sent(string versionName)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var listener = await broker.ConnectAsync(ana);
        await listener.SubscribeAsync("rooms/lobby");
        await using var client = await broker.ConnectAsync(ana, Enum.Parse<MqttVersion>(versionName));

        for (var i = 0; i < 3; i++)
        {
            await client.SendPublishAsync("rooms/lobby", "once"u8.ToArray(), 2, packetId: 9, duplicate: i == 1);
            await client.NextAsync(PacketType.PubRec, 9);
        }

        await client.SendAsync(new byte[] { 0x62, 2, 0, 9 });
        await client.NextAsync(PacketType.PubComp, 9);
        var again = await client.PublishAsync("rooms/lobby", "marker", 2);
        Assert.True(again.Accepted);
        var heard = await listener.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
        Assert.Single(heard, publish => publish.Text.Contains("once", StringComparison.Ordinal));

        // After PUBREL the id is free for another message.
        await client.SendPublishAsync("rooms/lobby", "twice"u8.ToArray(), 2, packetId: 9);
        await client.NextAsync(PacketType.PubRec, 9);
        await listener.PublishesUntilAsync(publish => publish.Text.Contains("twice", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_PUBREL_for_nothing_says_so()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);

        await client.SendAsync(new byte[] { 0x62, 2, 0, 9 });

        Assert.Equal(0x92, PubAck.Decode(await client.NextAsync(PacketType.PubComp, 9)).ReasonCode);
    }

    [Fact]
    public async Task Acknowledgements_come_in_the_order_of_the_publishes_across_rooms_and_refusals()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Rooms:Default:0", "lobby", "--WebMessenger:Rooms:Default:1", "garden");
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        await client.PublishAsync("rooms/lobby", "joins");
        await client.PublishAsync("rooms/garden", "joins");
        using MemoryStream burst = new();
        string[] topics = ["rooms/lobby", "rooms/nowhere", "rooms/garden", "nonsense"];
        for (ushort id = 1001; id <= 1100; id++)
        {
            burst.Write(ClientPackets.Publish(MqttVersion.V5, topics[id % topics.Length], Encoding.ASCII.GetBytes($"{id}"), 1, packetId: id));
        }

        await client.SendAsync(burst.ToArray());
        await client.NextAsync(PacketType.PubAck, 1100);

        // The transcript holds the last packets as they came.
        var order = client.Transcript().Split(Environment.NewLine).Where(line => line.StartsWith("PUBACK", StringComparison.Ordinal))
            .Select(line => int.Parse(line.AsSpan(7, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToList();
        Assert.True(order.Count >= 50);
        Assert.Equal(order.Order(), order);
    }

    [Theory]
    [InlineData("rooms/nowhere", "hello", "not_allowed")]
    [InlineData("nonsense", "hello", "unknown_topic")]
    [InlineData("rooms/lobby", "{\"type\":\"dance\"}", "bad_command")]
    public async Task For_3_1_1_a_refusal_is_said_before_its_PUBACK_and_to_that_client_alone(string topic, string payload, string code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var other = await broker.ConnectAsync(ana);
        await other.SubscribeAsync("users/ana");
        await using var client = await broker.ConnectAsync(ana, MqttVersion.V311);
        await client.SubscribeAsync("users/ana");

        await client.SendPublishAsync(topic, Encoding.UTF8.GetBytes(payload), 1, packetId: 77);
        await client.NextAsync(PacketType.PubAck, 77);
        var notice = await client.NextPublishAsync();

        Assert.Equal("users/ana", notice.Topic);
        Assert.Equal("notice", notice.Json.Type());
        Assert.Equal(1, notice.Json.GetProperty("v").GetInt32());
        Assert.Equal(code, notice.Json.GetProperty("code").GetString());
        Assert.Equal(topic, notice.Json.GetProperty("topic").GetString());
        Assert.NotEmpty(notice.Json.Text()!);
        var lines = client.Transcript().Split(Environment.NewLine);
        Assert.True(Array.FindIndex(lines, line => line.Contains("notice", StringComparison.Ordinal)) < Array.FindIndex(lines, line => line.StartsWith("PUBACK", StringComparison.Ordinal)));
        await client.PublishAsync("users/ana", "marker");
        Assert.Equal("whisper", (await other.NextPublishAsync()).Json.Type());
    }
}
