using System.Globalization;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>SUBSCRIBE and UNSUBSCRIBE: codes, limits, options, and who may hold what.</summary>
public sealed class SubscribeTests
{
    private const byte NoLocal = 4;
    private const byte OnlyIfNew = 16;
    private const byte Never = 32;

    [Theory]
    [InlineData("V5", 0x8F, 0x87)]
    [InlineData("V311", 0x80, 0x80)]
    public async Task Attack_13_16_35_Codes_come_in_request_order_and_refuse_what_is_not_ours(string versionName, byte invalid, byte refused)
    {
        await using var broker = await RunningBroker.StartAsync();

        // Who registers first is administrator, and hears $SYS.
        await broker.RegisterAsync("bob");
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana, Enum.Parse<MqttVersion>(versionName));

        var answer = await client.SubscribeAsync(
        [
            new Filter("rooms/lobby", 2), new Filter("a//b"), new Filter("rooms/lobby/text", 0), new Filter("#", 2), new Filter("rooms/+"), new Filter("rooms/lobby/", 0),
            new Filter("users/ana", 2), new Filter("users/bob", 0), new Filter("$SYS/#"), new Filter("+/+", 0), new Filter("rooms/lobby/other", 2), new Filter("rooms/lobby/info", 0),
            new Filter("rooms/nowhere", 0), new Filter("rooms/..", 1),
        ]);

        Assert.Equal([1, invalid, 0, refused, 1, invalid, 1, refused, refused, refused, invalid, 0, refused, refused], answer.ReasonCodes);
        await client.PingAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/#/b")]
    [InlineData("a#")]
    [InlineData("a+")]
    public async Task Fault_Q11_Attack_13_A_filter_that_is_none_ends_the_connection(string filter)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        foreach (var version in new[] { MqttVersion.V5, MqttVersion.V311 })
        {
            foreach (var isUnsubscribe in new[] { false, true })
            {
                await using var client = await broker.ConnectAsync(ana, version);
                await client.SubscribeAsync("rooms/+/#");
                var packet = new MqttWriter().UInt16(9);
                if (version == MqttVersion.V5)
                {
                    packet.Properties(null);
                }

                packet.String(filter);
                await client.SendAsync(isUnsubscribe ? packet.ToPacket(PacketType.Unsubscribe, 2) : packet.Byte(0).ToPacket(PacketType.Subscribe, 2));

                Assert.Equal(version == MqttVersion.V5 ? (byte)0x81 : null, (await client.WaitForCloseAsync()).Disconnect);
            }
        }
    }

    [Fact]
    public async Task Attack_44_Of_a_hundred_filters_the_forbidden_one_alone_is_refused()
    {
        string[] rooms = [.. Enumerable.Range(0, 99).Select(i => $"room-{i}")];
        await using var broker = await RunningBroker.StartAsync(
            [.. rooms.SelectMany((room, i) => new[] { string.Create(CultureInfo.InvariantCulture, $"--WebMessenger:Rooms:Default:{i}"), room })]);
        var ana = await broker.RegisterAsync("ana");
        await broker.RegisterAsync("bob");
        await using var client = await broker.ConnectAsync(ana);
        List<Filter> filters = [.. rooms.Select(room => new Filter("rooms/" + room))];
        filters.Insert(50, new Filter("users/bob"));

        var answer = await client.SubscribeAsync(filters);

        Assert.Equal(0x87, answer.ReasonCodes[50]);
        Assert.Equal(99, answer.ReasonCodes.Count(code => code == 1));
        Assert.Contains("users/bob", answer.ReasonString, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attack_64_A_client_holds_so_many_filters_and_no_more()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:FiltersPerClient", "3");
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);

        Assert.Equal([1, 1], (await client.SubscribeAsync([new Filter("rooms/lobby"), new Filter("rooms/+")])).ReasonCodes);

        // The same filter twice, and one that is held already, take no place.
        Assert.Equal(
            [1, 1, 1, 0x97],
            (await client.SubscribeAsync([new Filter("rooms/lobby"), new Filter("rooms/#"), new Filter("rooms/#"), new Filter("users/ana")])).ReasonCodes);
        await client.UnsubscribeAsync("rooms/+");
        Assert.Equal([1], (await client.SubscribeAsync("users/ana")).ReasonCodes);
    }

    [Fact]
    public async Task Attack_64_Ten_thousand_filters_in_one_packet_are_answered_one_by_one()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);

        var answer = await client.SubscribeAsync([.. Enumerable.Range(0, 7000).Select(i => new Filter($"x/{i}")), new Filter("rooms/lobby")]);

        Assert.Equal(7001, answer.ReasonCodes.Length);
        Assert.Equal(1, answer.ReasonCodes[^1]);
        Assert.All(answer.ReasonCodes.SkipLast(1), code => Assert.Equal(0x87, code));
        Assert.True(answer.ReasonString!.Length < 4000);
        await client.PingAsync();
    }

    [Fact]
    public async Task UNSUBSCRIBEs_sent_in_one_go_are_answered_each_with_its_own_codes()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        await client.SubscribeAsync([new Filter("rooms/lobby"), new Filter("rooms/+"), new Filter("users/ana")]);
        using MemoryStream burst = new();
        burst.Write(new MqttWriter().UInt16(901).Properties(null).String("rooms/lobby").ToPacket(PacketType.Unsubscribe, 2));
        burst.Write(new MqttWriter().UInt16(902).Properties(null).String("rooms/none").String("rooms/+").String("rooms/none").ToPacket(PacketType.Unsubscribe, 2));
        burst.Write(new MqttWriter().UInt16(903).Properties(null).String("users/ana").String("rooms/lobby").ToPacket(PacketType.Unsubscribe, 2));

        // Each of another length than the one before it, so that no answer passes for its neighbour's.
        for (ushort id = 1001; id <= 5000; id++)
        {
            var packet = new MqttWriter().UInt16(id).Properties(null);
            for (var i = 0; i <= id % 7; i++)
            {
                packet.String("rooms/none");
            }

            burst.Write(packet.ToPacket(PacketType.Unsubscribe, 2));
        }

        await client.SendAsync(burst.ToArray());

        Assert.Equal([0], SubAck.Decode(await client.NextAsync(PacketType.UnsubAck, 901), MqttVersion.V5).ReasonCodes);
        Assert.Equal([0x11, 0, 0x11], SubAck.Decode(await client.NextAsync(PacketType.UnsubAck, 902), MqttVersion.V5).ReasonCodes);
        Assert.Equal([0, 0x11], SubAck.Decode(await client.NextAsync(PacketType.UnsubAck, 903), MqttVersion.V5).ReasonCodes);
        for (ushort id = 1001; id <= 5000; id++)
        {
            Assert.Equal((id % 7) + 1, SubAck.Decode(await client.NextAsync(PacketType.UnsubAck, id), MqttVersion.V5).ReasonCodes.Length);
        }
    }

    [Fact]
    public async Task Whoever_has_seen_SUBACK_hears_what_is_said_from_then_on()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var listener = await broker.ConnectAsync(ana);
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.PublishAsync("rooms/lobby", "joins");

        for (var i = 0; i < 300; i++)
        {
            await listener.SubscribeAsync("rooms/lobby/text", 0);
            await speaker.SendPublishAsync("rooms/lobby", System.Text.Encoding.ASCII.GetBytes($"{i}"));
            Assert.Equal($"ana: {i}", (await listener.NextPublishAsync()).Text);
            await listener.UnsubscribeAsync("rooms/lobby/text");
        }
    }

    [Fact]
    public async Task Overlapping_filters_make_one_delivery_with_the_highest_QoS_and_all_identifiers()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        await client.SubscribeAsync("rooms/lobby", 0, new MqttProperties { { PropertyId.SubscriptionIdentifier, 7u } });
        await client.SubscribeAsync("rooms/+", 1, new MqttProperties { { PropertyId.SubscriptionIdentifier, 268_435_455u } });
        await client.SubscribeAsync("rooms/+/text", 0);
        await using var speaker = await broker.ConnectAsync(ana);

        await speaker.PublishAsync("rooms/lobby", "one");
        await speaker.PublishAsync("rooms/lobby", "two");
        var heard = await client.PublishesUntilAsync(publish => publish.Topic == "rooms/lobby" && publish.Text.Contains("\"two\"", StringComparison.Ordinal));

        var one = Assert.Single(heard, publish => publish.Topic == "rooms/lobby" && publish.Text.Contains("\"one\"", StringComparison.Ordinal));
        Assert.Equal(1, one.Qos);
        Assert.Equal([7u, 268_435_455u], one.Properties.Numbers(PropertyId.SubscriptionIdentifier).Order());
        var line = heard.First(publish => publish.Topic == "rooms/lobby/text");
        Assert.Empty(line.Properties);
    }

    [Fact]
    public async Task A_client_with_No_Local_does_not_hear_itself_but_its_other_connections()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        await client.SubscribeAsync([new Filter("rooms/lobby", 1, NoLocal), new Filter("users/ana", 1, NoLocal)]);
        await using var other = await broker.ConnectAsync(ana);
        await client.PublishAsync("rooms/lobby", "mine");
        await client.PublishAsync("users/ana", "mine");
        await other.PublishAsync("rooms/lobby", "other");
        var heard = await client.PublishesUntilAsync(publish => publish.Text.Contains("other", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("mine", StringComparison.Ordinal));

        // Another filter that matches and does not ask for it lets it through.
        await client.SubscribeAsync("rooms/+");
        await client.PublishAsync("rooms/lobby", "mine");
        await client.PublishesUntilAsync(publish => publish.Text.Contains("mine", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Retain_handling_says_when_what_is_retained_comes()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        await client.SubscribeAsync("users/ana");

        async Task<bool> BringsInfoAsync(byte options)
        {
            await client.SubscribeAsync([new Filter("rooms/lobby/info", 1, options)]);

            // Through the room's queue, as the retained ones come.
            await client.PublishAsync("rooms/lobby", "x");
            await client.PublishAsync("users/ana", "marker");
            var heard = await client.PublishesUntilAsync(publish => publish.Topic == "users/ana");
            Assert.All(heard.SkipLast(1), publish => Assert.Equal("rooms/lobby/info", publish.Topic));
            return heard.Any(publish => publish.Retain);
        }

        Assert.True(await BringsInfoAsync(0));
        Assert.True(await BringsInfoAsync(0));
        Assert.False(await BringsInfoAsync(OnlyIfNew));
        await client.UnsubscribeAsync("rooms/lobby/info");
        Assert.True(await BringsInfoAsync(OnlyIfNew));
        await client.UnsubscribeAsync("rooms/lobby/info");
        Assert.False(await BringsInfoAsync(Never));
    }

    [Fact]
    public async Task A_room_joined_later_brings_nothing_retained_to_a_filter_that_does_not_want_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var wants = await broker.ConnectAsync(ana, clientId: "wants");
        await using var wantsNot = await broker.ConnectAsync(ana, clientId: "wants-not");
        await wants.SubscribeAsync([new Filter("rooms/+/info")]);
        await wantsNot.SubscribeAsync([new Filter("rooms/+/info", 1, Never), new Filter("rooms/+")]);

        await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), ana.Account);
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.PublishAsync("rooms/lobby", "marker");

        Assert.True((await wants.NextPublishAsync()).Retain);
        var heard = await wantsNot.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Retain);
    }

    [Theory]
    [InlineData("820500010000000161")]
    [InlineData("82020001")]
    [InlineData("8207000100000161FF")]
    [InlineData("820700010000016103")]
    [InlineData("8207000000000161")]
    [InlineData("820C0001000005726F6F6D732FFF")]
    [InlineData("A2020001")]
    [InlineData("A2050000000161")]
    public async Task Malformed_SUBSCRIBEs_close_the_connection(string hex)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        var bytes = Convert.FromHexString(hex);
        bytes[1] = (byte)(bytes.Length - 2);

        await client.SendAsync(bytes);

        var closed = await client.WaitForCloseAsync();
        Assert.True(closed.Disconnect is 0x81 or 0x82, $"{closed}");
    }

    [Theory]
    [InlineData(PacketType.Subscribe, "0B05", 0)]
    [InlineData(PacketType.Subscribe, "0B00", 0x82)]
    [InlineData(PacketType.Subscribe, "0B050B06", 0x82)]
    [InlineData(PacketType.Subscribe, "1100000001", 0x81)]
    [InlineData(PacketType.Unsubscribe, "26000161000162", 0)]
    [InlineData(PacketType.Unsubscribe, "0B05", 0x81)]
    internal async Task Attack_10_Repeated_and_foreign_properties_close_the_connection(PacketType type, string hex, byte code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        var properties = Convert.FromHexString(hex);
        var packet = new MqttWriter().UInt16(7).VariableInteger(properties.Length).Raw(properties).String("rooms/lobby");

        await client.SendAsync((type == PacketType.Subscribe ? packet.Byte(1) : packet).ToPacket(type, 2));

        if (code == 0)
        {
            await client.NextAsync(type == PacketType.Subscribe ? PacketType.SubAck : PacketType.UnsubAck, 7);
        }
        else
        {
            Assert.Equal(code, (await client.WaitForCloseAsync()).Disconnect);
        }
    }

    [Fact]
    public async Task Attack_78_Shared_subscriptions_of_the_talk_are_of_rooms_that_one_is_in_and_of_nothing_else()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        using (var anas = Calls.As(broker, ana))
        {
            await anas.MakeRoom("shed", "private");
        }

        await using var client = await broker.ConnectAsync(ana);
        await using var other = await broker.ConnectAsync(await broker.RegisterAsync("eve"));

        Assert.Equal([1, 1], (await client.SubscribeAsync([new Filter("$share/g/rooms/shed"), new Filter("rooms/shed")])).ReasonCodes);
        Filter[] others = [new("$share/g/rooms/shed"), new("$share/g/users/ana"), new("$share/g/rooms/lobby/people")];
        Assert.Equal([0x87, 0x9E, 0x9E], (await other.SubscribeAsync(others)).ReasonCodes);
        await client.PublishAsync("rooms/shed", "for members");
        await client.PublishesUntilAsync(publish => publish.Text.Contains("for members", StringComparison.Ordinal));
        await other.PingAsync();
        Assert.Empty(other.AlreadyHere());
    }

    [Fact]
    public async Task Attack_80_A_token_reads_and_posts_within_its_rooms_and_verbs_only()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Rooms:Default:0", "lobby", "--WebMessenger:Rooms:Default:1", "garden");
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var whole = await broker.ConnectAsync(ana, clientId: "whole");
        Assert.Equal([1, 1], (await whole.SubscribeAsync([new Filter("rooms/lobby"), new Filter("rooms/garden")])).ReasonCodes);
        await using var garden = await broker.ConnectAsync(ana, clientId: "garden", password: await broker.TokenAsync(ana.Account, ["garden"], Auth.Sessions.Verbs.Read));
        await using var poster = await broker.ConnectAsync(ana, clientId: "poster", password: await broker.TokenAsync(ana.Account, ["garden"], Auth.Sessions.Verbs.Post));

        Assert.Equal([0x87, 1, 1, 1], (await garden.SubscribeAsync([new Filter("rooms/lobby"), new Filter("rooms/garden"), new Filter("rooms/#"), new Filter("users/ana")])).ReasonCodes);
        Assert.Equal(0x87, (await garden.PublishAsync("rooms/garden", "x")).ReasonCode);
        Assert.Equal([0x87], (await poster.SubscribeAsync("rooms/garden")).ReasonCodes);
        Assert.Equal(0x87, (await poster.PublishAsync("rooms/lobby", "x")).ReasonCode);
        Assert.Equal(0x87, (await poster.PublishAsync("users/bob", "x")).ReasonCode);

        await using var speaker = await broker.ConnectAsync(bob);
        await speaker.PublishAsync("users/ana", "private");
        await speaker.PublishAsync("rooms/lobby", "elsewhere");
        Assert.True((await poster.PublishAsync("rooms/garden", "marker")).Accepted);
        var heard = await garden.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("elsewhere", StringComparison.Ordinal) || publish.Text.Contains("private", StringComparison.Ordinal));
    }
}
