using System.Globalization;
using System.Text;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Kept clients hear what devices said while they were away, in its order, as often as its QoS promises.</summary>
public sealed class DataKeptTests
{
    private const string Data = Greenhouse.Data;

    public static TheoryData<int, bool, byte> Ways => new()
    {
        { 4, false, 1 }, { 5, false, 1 }, { 4, true, 2 }, { 5, true, 2 }, { 5, false, 2 }, { 5, true, 1 },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task What_was_said_while_it_was_away_comes_when_it_is_back(int version, bool restarts, byte qos)
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, (MqttVersion)version, Data + "bed/#", qos: qos);
        await using (var device = await house.ConnectAsync(house.Ana))
        {
            for (var i = 0; i < 300; i++)
            {
                await device.PublishAsync(Data + "bed/" + (i % 3), Number(i), qos);
            }

            await device.PublishAsync(Data + "elsewhere", "not for it", qos);
            await device.SendPublishAsync(Data + "bed/0", Encoding.UTF8.GetBytes("at QoS 0"));
            await device.PingAsync();
        }

        if (restarts)
        {
            await house.Broker.RestartAsync();
        }

        var (bob, answer) = await KeptClients.ConnectAsync(house.Broker, house.Bob, (MqttVersion)version);
        await using var _ = bob;
        Assert.True(answer.SessionPresent);
        var heard = await bob.PublishesUntilAsync(publish => publish.Text == Number(299));
        Assert.Equal(Enumerable.Range(0, 300).Select(Number), heard.Select(publish => publish.Text));
        Assert.All(heard, publish => Assert.Equal((qos, false), (publish.Qos, publish.Duplicate)));

        // And goes on live.
        await using var other = await house.ConnectAsync(house.Ana);
        await other.PublishAsync(Data + "bed/1", "live", qos);
        Assert.Equal("live", (await bob.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task It_comes_at_the_rate_of_the_clients_Receive_Maximum()
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Data + "#", qos: 2);
        await using var device = await house.ConnectAsync(house.Ana);
        for (var i = 0; i < 5; i++)
        {
            await device.PublishAsync(Data + "x", Number(i), 2);
        }

        await using var bob = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        bob.AcknowledgesItself = false;
        await bob.ConnectAsync(
            "bob", house.Bob.Token, "bot", cleanStart: false,
            properties: new() { { PropertyId.SessionExpiry, 3600 }, { PropertyId.ReceiveMaximum, 2 } });
        var (first, second) = (await bob.NextPublishAsync(), await bob.NextPublishAsync());
        await bob.PingAsync();
        Assert.Empty(bob.AlreadyHere());
        await bob.SendAsync(ClientPackets.Answer(PacketType.PubRec, first.PacketId));
        await bob.NextAsync(PacketType.PubRel, first.PacketId);
        await bob.PingAsync();
        Assert.Empty(bob.AlreadyHere());
        await bob.SendAsync(ClientPackets.Answer(PacketType.PubComp, first.PacketId));

        Assert.Equal(["0", "1", "2"], [first.Text, second.Text, (await bob.NextPublishAsync()).Text]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task QoS_2_that_is_begun_is_completed_on_the_next_connection_and_nothing_comes_twice(bool restarts)
    {
        await using var house = await Greenhouse.OpenAsync();
        var (before, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, acknowledges: false);
        Assert.Equal([2], (await before.SubscribeAsync(Data + "#", 2)).ReasonCodes);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", "sent", 2);
        await device.PublishAsync(Data + "x", "received", 2);
        await device.PublishAsync(Data + "x", "done", 2);
        var (sent, received, done) = (await before.NextPublishAsync(), await before.NextPublishAsync(), await before.NextPublishAsync());
        await before.SendAsync(ClientPackets.Answer(PacketType.PubRec, received.PacketId));
        await before.NextAsync(PacketType.PubRel, received.PacketId);
        await before.SendAsync(ClientPackets.Answer(PacketType.PubRec, done.PacketId));
        await before.NextAsync(PacketType.PubRel, done.PacketId);
        await before.SendAsync(ClientPackets.Answer(PacketType.PubComp, done.PacketId));
        await before.PingAsync();
        before.Abort();
        await before.DisposeAsync();
        await Talk.GoneAsync(house.Broker, house.Bob);
        if (restarts)
        {
            await device.DisposeAsync();
            await house.Broker.RestartAsync();
        }

        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, acknowledges: false);
        await using var back = bob;
        var again = await bob.NextPublishAsync();
        Assert.Equal(("sent", sent.PacketId, true), (again.Text, again.PacketId, again.Duplicate));
        await bob.NextAsync(PacketType.PubRel, received.PacketId);
        await bob.SendAsync(ClientPackets.Answer(PacketType.PubComp, received.PacketId));
        await bob.SendAsync(ClientPackets.Answer(PacketType.PubRec, sent.PacketId));
        await bob.NextAsync(PacketType.PubRel, sent.PacketId);
        await bob.SendAsync(ClientPackets.Answer(PacketType.PubComp, sent.PacketId));
        await bob.PingAsync();

        Assert.Empty(bob.AlreadyHere());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Attack_15_A_publish_of_QoS_2_that_was_not_released_is_not_said_again_on_the_next_connection(bool restarts)
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Ana, MqttVersion.V5, Data + "#", "listener", qos: 2);
        var (device, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, clientId: "device", acknowledges: false);
        var payload = "once"u8.ToArray();
        await device.SendPublishAsync(Data + "x", payload, qos: 2, packetId: 77);
        await device.NextAsync(PacketType.PubRec, 77);
        device.Abort();
        await device.DisposeAsync();
        await Talk.GoneAsync(house.Broker, house.Bob);
        if (restarts)
        {
            await house.Broker.RestartAsync();
        }

        var (back, answer) = await KeptClients.ConnectAsync(house.Broker, house.Bob, clientId: "device", acknowledges: false);
        await using var _ = back;
        Assert.True(answer.SessionPresent);
        await back.SendPublishAsync(Data + "x", payload, qos: 2, packetId: 77, duplicate: true);
        await back.NextAsync(PacketType.PubRec, 77);
        await back.SendAsync(ClientPackets.PubRel(77));
        await back.NextAsync(PacketType.PubComp, 77);
        await back.SendPublishAsync(Data + "x", "last"u8.ToArray(), qos: 2, packetId: 77);
        await back.NextAsync(PacketType.PubRec, 77);

        var (listener, _) = await KeptClients.ConnectAsync(house.Broker, house.Ana, clientId: "listener");
        await using var hears = listener;
        Assert.Equal(["once", "last"], (await listener.PublishesUntilAsync(publish => publish.Text == "last")).Select(publish => publish.Text));
    }

    [Fact]
    public async Task What_has_expired_does_not_come()
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Data + "#");
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", "short", properties: new() { { PropertyId.MessageExpiry, 1 } });
        await device.PublishAsync(Data + "x", "long", properties: new() { { PropertyId.MessageExpiry, 3600 } });
        var since = DateTimeOffset.UtcNow;
        await Clients.HandshakeTests.UntilAsync(() => DateTimeOffset.UtcNow - since > TimeSpan.FromSeconds(1.1));

        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var back = bob;

        Assert.Equal("long", (await bob.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task Attack_62_The_log_of_a_room_is_bounded_and_who_missed_something_is_told()
    {
        await using var house = await Greenhouse.OpenAsync("members", "--WebMessenger:Limits:DataLogPerRoom", "10");
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Data + "#");
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "state", "kept", retain: true);
        for (var i = 0; i < 50; i++)
        {
            await device.PublishAsync(Data + "x", Number(i));
        }

        Assert.InRange(house.Broker.Get<DataSpaces>().Of(house.Room).Log.Size.Count, 1, 10);
        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var back = bob;
        var heard = await bob.PublishesUntilAsync(publish => publish.Text == "49");
        var ofLog = heard.Where(publish => publish.Text != "kept").ToList();

        Assert.Equal(Enumerable.Range(50 - ofLog.Count, ofLog.Count).Select(Number), ofLog.Select(publish => publish.Text));
        Assert.InRange(ofLog.Count, 1, 10);
        Assert.Equal([true, .. Enumerable.Repeat(false, ofLog.Count - 1)], ofLog.Select(HasGap));
        var state = heard.FirstOrDefault(publish => publish.Text == "kept") ?? await bob.NextPublishAsync();
        Assert.Equal(("kept", true, true), (state.Text, state.Retain, HasGap(state)));
    }

    [Fact]
    public async Task Attack_62_The_log_of_a_room_is_bounded_in_bytes()
    {
        await using var house = await Greenhouse.OpenAsync("members", "--WebMessenger:Limits:DataLogMegabytesPerRoom", "1");
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Data + "#");
        await using var device = await house.ConnectAsync(house.Ana);
        for (var i = 0; i < 600; i++)
        {
            await device.PublishAsync(Data + "x", new byte[4096]);
        }

        Assert.InRange(house.Broker.Get<DataSpaces>().Of(house.Room).Log.Size.Bytes, 1, 1 << 20);
    }

    [Fact]
    public async Task A_deleted_room_takes_what_was_kept_along()
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Data + "#");
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", "kept");
        Assert.NotEmpty(Entries(house));
        var prefix = DataLogRecord.PrefixOf(house.Room.Key);
        using (var anas = Rooms.Calls.As(house.Broker, house.Ana))
        {
            await anas.Delete("/api/rooms/greenhouse");
        }

        Assert.Empty(house.Broker.Get<IRecords>().ReadAll(prefix));
        Assert.Empty(house.Broker.Get<IRecords>().ReadAll(DurableRecords.DataPrefix));
    }

    [Fact]
    public async Task Nothing_is_stored_where_nobody_is_kept_and_nothing_stays_that_everybody_has()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var plain = await house.ListenAsync(house.Bob);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", "1", 2);
        Assert.Empty(Entries(house));
        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var kept = bob;
        await bob.SubscribeAsync(Data + "y");
        await device.PublishAsync(Data + "x", "2", 2);
        Assert.Empty(Entries(house));
        for (var i = 0; i < 300; i++)
        {
            await device.PublishAsync(Data + "y", Number(i));
        }

        await bob.PublishesUntilAsync(publish => publish.Text == "299");

        await Clients.HandshakeTests.UntilAsync(() => Entries(house).Count == 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Attack_39_Who_loses_the_room_or_signs_out_is_owed_nothing(bool signsOut)
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Data + "#", qos: 2);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", "kept", 2);
        Assert.NotEmpty(Entries(house));
        if (signsOut)
        {
            await house.Broker.Get<DurableClients>().ForgetAsync(house.Bob.Account.Id);
        }
        else
        {
            await house.Broker.Get<Broker.Rooms.RoomMembers>().LeaveAsync(house.Room, house.Bob.Account);
        }

        Assert.Empty(house.Broker.Get<IRecords>().ReadAll(DurableRecords.DataPrefix));
        await Clients.HandshakeTests.UntilAsync(() => Entries(house).Count == 0);
        if (!signsOut)
        {
            await house.Broker.Get<Broker.Rooms.RoomMembers>().JoinAsync(house.Room, house.Bob.Account);
        }

        var (bob, answer) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var back = bob;
        Assert.Equal(!signsOut, answer.SessionPresent);
        await bob.SubscribeAsync(Data + "#", 2);
        await device.PublishAsync(Data + "x", "new", 2);

        Assert.Equal("new", (await bob.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task A_filter_brings_nothing_that_was_said_before_it()
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Data + "a", qos: 2);
        await using var device = await house.ConnectAsync(house.Ana);
        await using var other = (await KeptClients.ConnectAsync(house.Broker, house.Ana, clientId: "all")).Client;
        await other.SubscribeAsync(Data + "#", 2);
        await device.PublishAsync(Data + "b", "before", 2);
        await device.PublishAsync(Data + "a", "1", 2);
        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, acknowledges: false);
        await bob.SubscribeAsync(Data + "b", 2);
        await device.PublishAsync(Data + "b", "after", 2);
        bob.Abort();
        await bob.DisposeAsync();
        await Talk.GoneAsync(house.Broker, house.Bob);
        await device.DisposeAsync();
        await house.Broker.RestartAsync();

        var (back, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var again = back;

        Assert.Equal(["1", "after"], (await back.PublishesUntilAsync(publish => publish.Text == "after")).Select(publish => publish.Text));
    }

    [Fact]
    public async Task Attack_67_A_room_keeps_so_many_clients_of_mounts()
    {
        await using var house = await Greenhouse.OpenAsync(
            "members", "--WebMessenger:Limits:DataKeptClientsPerRoom", "2", "--WebMessenger:Limits:DataAccountPercent", "0");
        var token = await house.MountAsync(house.Ana);
        async Task<byte> KeepAsync(string clientId, uint expiry = 3600)
        {
            await using var client = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
            return (await client.ConnectAsync(
                "ana", token, clientId, cleanStart: false, properties: new() { { PropertyId.SessionExpiry, expiry } })).ReasonCode;
        }

        Assert.Equal(0, await KeepAsync("one"));
        Assert.Equal(0, await KeepAsync("two"));
        Assert.Equal(0, await KeepAsync("two"));
        Assert.Equal(0x97, await KeepAsync("three"));
        Assert.Equal(0, await KeepAsync("three", expiry: 0));
        Assert.Equal(0, await KeepAsync("one", expiry: 0));
        await Clients.HandshakeTests.UntilAsync(() => house.Broker.Get<IRecords>().ReadAll(DurableRecords.ClientsPrefix).Count == 1);

        Assert.Equal(0, await KeepAsync("three"));
    }

    [Fact]
    public async Task A_taken_over_client_misses_nothing()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await bob.SubscribeAsync(Data + "#", 2);
        List<ReceivedPublish> heard = [];
        var publishing = Task.Run(async () =>
        {
            for (var i = 0; i < 400; i++)
            {
                await device.PublishAsync(Data + "x", Number(i), 2);
            }
        }, TestContext.Current.CancellationToken);
        for (var i = 0; i < 8; i++)
        {
            heard.Add(await bob.NextPublishAsync());
            var (next, answer) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
            Assert.True(answer.SessionPresent);
            heard.AddRange(await bob.PublishesUntilClosedAsync());
            await bob.DisposeAsync();
            bob = next;
        }

        await publishing;
        await device.PublishAsync(Data + "x", "end", 2);
        heard.AddRange(await bob.PublishesUntilAsync(publish => publish.Text == "end"));
        await bob.DisposeAsync();

        // What was written to a connection that ended, and not acknowledged, comes again: with DUP, and under the packet id that it had.
        List<ReceivedPublish> taken = [];
        foreach (var publish in heard)
        {
            if (taken.FindLast(one => one.PacketId == publish.PacketId) is not { } before || !publish.Duplicate || before.Text != publish.Text)
            {
                taken.Add(publish);
            }
        }

        Assert.Equal([.. Enumerable.Range(0, 400).Select(Number), "end"], taken.Select(publish => publish.Text));
    }

    private static string Number(int i) => i.ToString(CultureInfo.InvariantCulture);

    private static bool HasGap(ReceivedPublish publish) => publish.Properties.Any(property => property.Value is ("gap", "1"));

    private static IReadOnlyList<KeyValuePair<byte[], byte[]>> Entries(Greenhouse house) =>
        house.Broker.Get<IRecords>().ReadAll(DataLogRecord.PrefixOf(house.Room.Key));
}
