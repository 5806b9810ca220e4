using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Who reads and writes the data topics of a room, and that who may not any more is silent at once.</summary>
public sealed class DataRightsTests
{
    [Theory]
    [InlineData("members", true, true)]
    [InlineData("moderators", false, false)]
    [InlineData("tokens", true, false)]
    public async Task Attack_35_38_The_rooms_rules_say_who_writes_and_reads(string who, bool byToken, bool byBrowser)
    {
        await using var house = await Greenhouse.OpenAsync(write: who);
        await house.RuleAsync(read: who);
        await using var owner = await house.ConnectAsync(house.Ana);
        Assert.Equal(0, (await owner.PublishAsync(Greenhouse.Data + "x", "1")).ReasonCode);
        await using var token = await house.ConnectAsync(house.Bob);
        await using var browser = await house.Broker.ConnectBrowserAsync(await house.Broker.SignInAsync(house.Bob.Account));
        foreach (var (client, may) in new[] { (token, byToken), (browser, byBrowser) })
        {
            Assert.Equal(may ? 0 : 0x87, (await client.PublishAsync(Greenhouse.Data + "x", "2")).ReasonCode);
            Assert.Equal([may ? (byte)1 : (byte)0x87], (await client.SubscribeAsync(Greenhouse.Data + "x")).ReasonCodes);
        }
    }

    [Fact]
    public async Task Attack_80_A_token_needs_the_verb_data_and_the_room()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana, password: await house.Broker.TokenAsync(house.Ana.Account, ["greenhouse"], Verbs.Data));
        Assert.Equal(0, (await device.PublishAsync(Greenhouse.Data + "x", "1")).ReasonCode);
        Assert.Equal([1, 0x87, 0x87], (await device.SubscribeAsync(
            [new Filter(Greenhouse.Data + "#"), new Filter("rooms/greenhouse"), new Filter("rooms/lobby/data/#")])).ReasonCodes);
        Assert.Equal(0x87, (await device.PublishAsync("rooms/greenhouse", "hello")).ReasonCode);

        await using var talker = await house.ConnectAsync(house.Ana, password: await house.Broker.TokenAsync(house.Ana.Account, null, Verbs.Read | Verbs.Post));
        Assert.Equal(0x87, (await talker.PublishAsync(Greenhouse.Data + "x", "1")).ReasonCode);
        Assert.Equal([0x87, 0x87, 1], (await talker.SubscribeAsync(
            [new Filter(Greenhouse.Data + "#"), new Filter("rooms/+/data/#"), new Filter("rooms/greenhouse")])).ReasonCodes);
        await using var elsewhere = await house.ConnectAsync(house.Ana, password: await house.Broker.TokenAsync(house.Ana.Account, ["lobby"], Verbs.All));
        Assert.Equal(0x87, (await elsewhere.PublishAsync(Greenhouse.Data + "x", "1")).ReasonCode);
        Assert.Equal([0x87, 1], (await elsewhere.SubscribeAsync([new Filter(Greenhouse.Data + "#"), new Filter("rooms/+/data/#")])).ReasonCodes);
        await device.PublishAsync(Greenhouse.Data + "x", "2");
        await elsewhere.PingAsync();
        Assert.Empty(elsewhere.AlreadyHere());
    }

    [Theory]
    [InlineData("leave")]
    [InlineData("rules")]
    [InlineData("delete")]
    public async Task Attack_39_42_Who_lost_the_room_hears_and_says_nothing_more_on_its_data_topics(string how)
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        await using var all = await house.ConnectAsync(house.Bob);
        Assert.Equal([2], (await all.SubscribeAsync("rooms/+/data/#", 2)).ReasonCodes);
        await using var one = await house.ListenAsync(house.Bob);
        MqttProperties alias = new() { { PropertyId.TopicAlias, 1 } };
        Assert.Equal(0, (await one.PublishAsync(Greenhouse.Data + "mine", "1", properties: alias)).ReasonCode);
        Assert.Equal(["1", "1"], [(await all.NextPublishAsync()).Text, (await one.NextPublishAsync()).Text]);

        var room = house.Room;
        switch (how)
        {
            case "leave":
                Assert.Equal(RoomChange.Done, await house.Broker.Get<RoomMembers>().LeaveAsync(room, house.Bob.Account));
                break;
            case "rules":
                await house.RuleAsync("moderators", "moderators");
                break;
            default:
                Assert.Equal(RoomChange.Done, await house.Broker.Get<RoomEndings>().DeleteAsync(room, house.Ana.Account));
                break;
        }

        await device.PublishAsync(Greenhouse.Data + "x", "after");
        Assert.Equal(0x87, (await one.PublishAsync("", "2", properties: alias)).ReasonCode);
        await all.PingAsync();
        Assert.Empty(all.AlreadyHere());
        Assert.Empty(one.AlreadyHere());
        if (how == "rules")
        {
            await house.RuleAsync("members", "members");
            await device.PublishAsync(Greenhouse.Data + "x", "again");
            Assert.Equal("again", (await one.NextPublishAsync()).Text);
        }
    }

    [Fact]
    public async Task Attack_36_A_private_and_an_unknown_room_are_refused_alike()
    {
        await using var house = await Greenhouse.OpenAsync();
        using (var anas = Rooms.Calls.As(house.Broker, house.Ana))
        {
            await anas.MakeRoom("hidden", "private");
        }

        await using var client = await house.ConnectAsync(house.Bob);
        Assert.Equal([1], (await client.SubscribeAsync(Greenhouse.Data + "#")).ReasonCodes);
        var hidden = await client.SubscribeAsync("rooms/hidden/data/#");
        var unknown = await client.SubscribeAsync("rooms/unknown/data/#");
        Assert.Equal((hidden.ReasonCodes[0], hidden.ReasonString), (unknown.ReasonCodes[0], unknown.ReasonString!.Replace("unknown", "hidden", StringComparison.Ordinal)));
        var (said, nowhere) = (await client.PublishAsync("rooms/hidden/data/x", "1"), await client.PublishAsync("rooms/unknown/data/x", "1"));
        Assert.Equal((0x87, 0x87, said.ReasonString), (said.ReasonCode, nowhere.ReasonCode, nowhere.ReasonString));
    }

    [Fact]
    public async Task Attack_39_What_waits_for_acknowledgements_is_not_delivered_to_who_has_left()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        await using var slow = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        slow.AcknowledgesItself = false;
        await slow.ConnectAsync("bob", house.Bob.Token, properties: new() { { PropertyId.ReceiveMaximum, 1 } });
        await slow.SubscribeAsync(Greenhouse.Data + "#");
        for (var i = 0; i < 3; i++)
        {
            await device.PublishAsync(Greenhouse.Data + "x", $"{i}");
        }

        var first = await slow.NextPublishAsync();
        await slow.AcknowledgeAsync(first);
        var second = await slow.NextPublishAsync();
        Assert.Equal(("0", "1"), (first.Text, second.Text));
        await house.Broker.Get<RoomMembers>().LeaveAsync(house.Room, house.Bob.Account);
        await slow.AcknowledgeAsync(second);
        await slow.PingAsync();
        Assert.Empty(slow.AlreadyHere());
    }

    [Fact]
    public async Task Attack_38_A_guest_writes_where_guests_may_write()
    {
        await using var house = await Greenhouse.OpenAsync();
        var guest = (await house.Broker.Get<Auth.SigningIn.Registration>().EnterAsGuestAsync("Guest of honour", null)).Value!;
        await using var client = await house.Broker.ConnectBrowserAsync(await house.Broker.SignInAsync(guest));
        Assert.Equal([1], (await client.SubscribeAsync(Greenhouse.Data + "#")).ReasonCodes);
        Assert.Equal(0, (await client.PublishAsync(Greenhouse.Data + "x", "1")).ReasonCode);

        await Rooms.Acts.ChangeAsync(house.Broker, "greenhouse", house.Ana, new() { Guests = "read" });

        Assert.Equal(0x87, (await client.PublishAsync(Greenhouse.Data + "x", "2")).ReasonCode);
    }
}
