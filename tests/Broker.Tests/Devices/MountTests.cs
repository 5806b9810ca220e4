using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>A mounted client sees an ordinary broker, and nothing else of the room or the house.</summary>
public sealed class MountTests
{
    [Theory]
    [InlineData("V5")]
    [InlineData("V311")]
    public async Task A_mount_is_the_rooms_data_without_what_stands_before_it(string version)
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var outside = await house.ListenAsync(house.Bob);
        await using var inside = await house.ConnectMountedAsync(house.Ana, Enum.Parse<MqttVersion>(version));
        Assert.Equal([2, 1], (await inside.SubscribeAsync([new Filter("#", 2), new Filter("rooms/greenhouse", 1)])).ReasonCodes);

        Assert.Equal(0, (await inside.PublishAsync("homeassistant/light/config", "{}", 2, retain: true)).ReasonCode);
        Assert.Equal("homeassistant/light/config", (await inside.NextPublishAsync()).Topic);
        Assert.Equal(Greenhouse.Data + "homeassistant/light/config", (await outside.NextPublishAsync()).Topic);
        await outside.PublishAsync(Greenhouse.Data + "tele/x", "1");
        Assert.Equal("tele/x", (await inside.NextPublishAsync()).Topic);

        // Nothing of the talk: a topic that looks like it is a device's.
        await outside.PublishAsync("rooms/greenhouse", "people talk");
        await inside.PublishAsync("rooms/greenhouse", "a device's");
        var heard = await inside.NextPublishAsync();
        Assert.Equal(("rooms/greenhouse", "a device's"), (heard.Topic, heard.Text));
        Assert.Equal([version == "V5" ? (byte)0x8F : (byte)0x80], (await inside.SubscribeAsync(new string('x', 513))).ReasonCodes);
    }

    [Fact]
    public async Task Attack_35_Wildcards_miss_what_begins_with_a_dollar_and_only_bridges_write_below_SYS()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var inside = await house.ConnectMountedAsync(house.Ana);
        await inside.SubscribeAsync([new Filter("#"), new Filter("+/broker/#")]);
        await using var named = await house.ConnectMountedAsync(house.Bob);
        await named.SubscribeAsync("$SYS/broker/connection/#");

        Assert.Equal(0, (await inside.PublishAsync("$SYS/broker/connection/b/state", "1", retain: true)).ReasonCode);
        Assert.Equal(0x87, (await inside.PublishAsync("$SYS/broker/version", "mine")).ReasonCode);
        await inside.PublishAsync("marker", "m");

        Assert.Equal("$SYS/broker/connection/b/state", (await named.NextPublishAsync()).Topic);
        Assert.Equal("marker", (await inside.NextPublishAsync()).Topic);
    }

    [Fact]
    public async Task Attack_29_Clients_of_two_mounts_with_one_client_id_do_not_take_each_other_over()
    {
        await using var house = await Greenhouse.OpenAsync();
        using (var anas = Rooms.Calls.As(house.Broker, house.Ana))
        {
            await anas.MakeRoom("cellar");
        }

        var (greenhouse, cellar) = (await house.MountAsync(house.Ana), await house.MountAsync(house.Ana, "cellar"));
        await using var one = await house.ConnectAsync(house.Ana, clientId: "sensor", password: greenhouse);
        await using var two = await house.ConnectAsync(house.Ana, clientId: "sensor", password: cellar);
        await using var three = await house.ConnectAsync(house.Ana, clientId: "sensor");
        await one.SubscribeAsync("#");
        await two.SubscribeAsync("#");
        await one.PublishAsync("x", "1");
        await two.PublishAsync("x", "2");
        Assert.Equal(("1", "2"), ((await one.NextPublishAsync()).Text, (await two.NextPublishAsync()).Text));

        await using var again = await house.ConnectAsync(house.Ana, clientId: "sensor", password: greenhouse);
        Assert.Equal((byte)0x8E, (await one.WaitForCloseAsync()).Disconnect);
        await two.PingAsync();
        await three.PingAsync();
        Assert.Empty(two.AlreadyHere());
    }

    [Theory]
    [InlineData("V5")]
    [InlineData("V311")]
    public async Task A_bridge_hears_nothing_of_its_own_and_what_is_retained_as_such(string version)
    {
        await using var house = await Greenhouse.OpenAsync();
        var protocol = Enum.Parse<MqttVersion>(version);
        await using var bridge = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt, protocol);
        var connect = ClientPackets.Connect(protocol, "ana", await house.MountAsync(house.Ana), "bridge");
        connect[8] |= 0x80;
        await bridge.SendAsync(connect);
        Assert.Equal(0, ConnAck.Decode(await bridge.NextAsync(PacketType.ConnAck), protocol).ReasonCode);
        await bridge.SubscribeAsync("#");
        await using var device = await house.ConnectMountedAsync(house.Ana);
        await device.SubscribeAsync("#");

        await bridge.PublishAsync("x", "mine");
        await device.PublishAsync("x", "yours", retain: true);

        Assert.Equal(["mine", "yours"], [(await device.NextPublishAsync()).Text, (await device.NextPublishAsync()).Text]);
        var heard = await bridge.NextPublishAsync();
        Assert.Equal(("yours", true), (heard.Text, heard.Retain));
    }

    [Fact]
    public async Task Attack_80_A_token_with_topics_reads_and_writes_those_alone()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var all = await house.ConnectMountedAsync(house.Ana);
        await all.PublishAsync("secret/x", "retained", retain: true);
        await all.SubscribeAsync("#");
        await all.NextPublishAsync();
        await using var sensor = await house.ConnectMountedAsync(house.Ana, topics: new TopicScope(["cmnd/s/#", "both"], ["tele/s/#", "both"]));
        Assert.Equal([1, 1, 0x87, 0x87], (await sensor.SubscribeAsync(
            [new Filter("#"), new Filter("cmnd/+/power"), new Filter("secret/#"), new Filter("tele/s/x")])).ReasonCodes);

        Assert.Equal(0x87, (await sensor.PublishAsync("cmnd/s/power", "1")).ReasonCode);
        Assert.Equal(0, (await sensor.PublishAsync("tele/s/temp", "21")).ReasonCode);
        Assert.Equal("tele/s/temp", (await all.NextPublishAsync()).Topic);
        await all.PublishAsync("secret/x", "live");
        await all.PublishAsync("cmnd/s/power", "on");

        Assert.Equal("cmnd/s/power", (await sensor.NextPublishAsync()).Topic);
    }

    [Fact]
    public async Task Attack_67_A_room_has_so_many_mounted_connections()
    {
        await using var house = await Greenhouse.OpenAsync(
            "members", "--WebMessenger:Limits:DataConnectionsPerRoom", "2", "--WebMessenger:Limits:DataAccountPercent", "0");
        await using var one = await house.ConnectMountedAsync(house.Ana);
        var two = await house.ConnectMountedAsync(house.Bob);
        await using var plain = await house.ConnectAsync(house.Bob);
        await using var three = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        var token = await house.MountAsync(house.Ana);
        Assert.Equal(0x97, (await three.ConnectAsync("ana", token)).ReasonCode);
        await two.DisconnectAsync();
        await two.WaitForCloseAsync();
        await two.DisposeAsync();
        await Clients.HandshakeTests.UntilAsync(() => house.Broker.Get<Broker.Clients.ConnectionDirectory>().Count <= 2);

        await using var four = await house.ConnectAsync(house.Ana, password: token);
    }

    [Fact]
    public async Task Attack_67_Of_the_mounted_connections_of_a_room_an_account_has_its_share()
    {
        await using var house = await Greenhouse.OpenAsync("members", "--WebMessenger:Limits:DataConnectionsPerRoom", "5");
        var token = await house.MountAsync(house.Bob);
        await using var one = await house.ConnectAsync(house.Bob, clientId: "one", password: token);
        await using var two = await house.ConnectAsync(house.Bob, clientId: "two", password: token);
        await using var three = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        Assert.Equal(0x97, (await three.ConnectAsync("bob", token, "three")).ReasonCode);

        // One that takes over is none more, and others have places left.
        await using var again = await house.ConnectAsync(house.Bob, clientId: "two", password: token);
        await using var anas = await house.ConnectMountedAsync(house.Ana);
        await using var anasOther = await house.ConnectMountedAsync(house.Ana);
    }

    [Fact]
    public async Task Attack_39_A_mounted_client_ends_with_its_accounts_place_in_the_room()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var inside = await house.ConnectMountedAsync(house.Bob);
        await inside.SubscribeAsync("#");
        Assert.Equal(0, (await inside.PublishAsync("x", "1")).ReasonCode);
        Assert.Equal("1", (await inside.NextPublishAsync()).Text);

        await house.Broker.Get<Broker.Rooms.RoomMembers>().LeaveAsync(house.Room, house.Bob.Account);

        Assert.Equal(0x87, (await inside.PublishAsync("x", "2")).ReasonCode);
        Assert.Equal([0x87], (await inside.SubscribeAsync("#")).ReasonCodes);
        Assert.Empty(inside.AlreadyHere());
        await using var again = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        Assert.Equal(0x87, (await again.ConnectAsync("bob", await house.MountAsync(house.Bob))).ReasonCode);
    }
}
