using System.Globalization;
using System.Text;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>What is noted of kept clients of data topics: gaps, packet ids, and who may not hear it any more.</summary>
public sealed class DataKeptStateTests
{
    private const string Data = Greenhouse.Data;

    // One entry of it is more than the log of a room may have.
    private static readonly string[] _small =
        ["--WebMessenger:Limits:DataLogMegabytesPerRoom", "1", "--WebMessenger:Limits:DataPayloadBytes", "2000000"];

    private static readonly byte[] _large = new byte[1_500_000];

    [Fact]
    public async Task Attack_62_Who_missed_all_that_the_log_had_is_told_and_told_until_a_publish_has_said_it()
    {
        await using var house = await Greenhouse.OpenAsync("members", _small);
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Data + "#");
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "state", "kept", retain: true);
        await device.PublishAsync(Data + "x", _large);
        await Clients.HandshakeTests.UntilAsync(() => house.Broker.Get<DataSpaces>().Of(house.Room).Log.Size.Count == 0);
        for (var connection = 0; connection < 2; connection++)
        {
            var (told, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
            var state = await told.NextPublishAsync();
            Assert.Equal(("kept", true, true), (state.Text, state.Retain, HasGap(state)));
            await told.DisconnectAsync();
            await told.WaitForCloseAsync();
            await told.DisposeAsync();
        }

        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var back = bob;
        Assert.Equal("kept", (await bob.NextPublishAsync()).Text);
        await device.PublishAsync(Data + "x", "1");
        await device.PublishAsync(Data + "x", "2");
        var (first, second) = (await bob.NextPublishAsync(), await bob.NextPublishAsync());

        Assert.Equal((("1", true), ("2", false)), ((first.Text, HasGap(first)), (second.Text, HasGap(second))));
    }

    [Fact]
    public async Task Attack_62_Who_was_cut_off_as_it_was_told_of_what_it_missed_is_told_again()
    {
        await using var house = await Greenhouse.OpenAsync("members", _small);
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Data + "#");
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", _large);
        await Clients.HandshakeTests.UntilAsync(() => house.Broker.Get<DataSpaces>().Of(house.Room).Log.Size.Count == 0);
        var (cut, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, acknowledges: false);
        await device.PublishAsync(Data + "x", "1");
        var told = await cut.NextPublishAsync();
        Assert.Equal(("1", true), (told.Text, HasGap(told)));
        cut.Abort();
        await cut.DisposeAsync();
        await Talk.GoneAsync(house.Broker, house.Bob);

        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var back = bob;
        var again = await bob.NextPublishAsync();
        Assert.Equal(("1", true, true), (again.Text, again.Duplicate, HasGap(again)));
        await bob.PingAsync();
        await device.PublishAsync(Data + "x", "2");
        var next = await bob.NextPublishAsync();
        Assert.Equal(("2", false), (next.Text, HasGap(next)));
    }

    [Fact]
    public async Task Attack_62_Who_cannot_be_sent_again_what_it_had_not_acknowledged_is_told()
    {
        await using var house = await Greenhouse.OpenAsync("members", _small);
        await KeptClients.LeaveBehindAsync(house.Broker, house.Ana, MqttVersion.V5, Data + "large", "large");
        var (before, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, acknowledges: false);
        await before.SubscribeAsync(Data + "x");
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", "not acknowledged");
        Assert.Equal("not acknowledged", (await before.NextPublishAsync()).Text);
        before.Abort();
        await before.DisposeAsync();
        await Talk.GoneAsync(house.Broker, house.Bob);
        await device.PublishAsync(Data + "large", _large);
        var entries = DataLogRecord.PrefixOf(house.Room.Key);
        await Clients.HandshakeTests.UntilAsync(() => house.Broker.Get<IRecords>().ReadAll(entries).Count == 0);

        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var back = bob;
        await bob.PingAsync();
        await device.PublishAsync(Data + "x", "next");
        var next = await bob.NextPublishAsync();

        Assert.Equal(("next", true), (next.Text, HasGap(next)));
    }

    [Fact]
    public async Task No_packet_id_stands_in_the_records_of_two_rooms()
    {
        await using var house = await Greenhouse.OpenAsync();
        using (var anas = Calls.As(house.Broker, house.Ana))
        {
            await anas.MakeRoom("shed");
        }

        await house.Broker.Get<RoomMembers>().JoinAsync(house.Broker.Room("shed"), house.Bob.Account);
        await using var bob = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        bob.AcknowledgesItself = false;
        await bob.ConnectAsync(
            "bob", house.Bob.Token, "bot", cleanStart: false,
            properties: new() { { PropertyId.SessionExpiry, 3600 }, { PropertyId.ReceiveMaximum, 2 } });
        Assert.Equal([2], (await bob.SubscribeAsync("rooms/+/data/#", 2)).ReasonCodes);
        await using var device = await house.ConnectAsync(house.Ana);
        for (var i = 0; i < 200; i++)
        {
            // Ids begin anew after 64: so one of the one room comes to be one of the other.
            await device.PublishAsync(i % 65 == 0 ? Data + "x" : "rooms/shed/data/x", Number(i), 2);
            var publish = await bob.NextPublishAsync();
            Assert.Equal(Number(i), publish.Text);
            var ids = house.Broker.Get<IRecords>().ReadAll(DurableRecords.DataPrefix)
                .Select(record => DataCursorRecord.TryRead(record.Value, out var read) ? read : null)
                .SelectMany(cursor => cursor!.Sent.Select(sent => sent.PacketId)).ToList();
            Assert.Contains(publish.PacketId, ids);
            Assert.Equal(ids.Distinct(), ids);
            await bob.SendAsync(ClientPackets.Answer(PacketType.PubRec, publish.PacketId));
            await bob.NextAsync(PacketType.PubRel, publish.PacketId);
            await bob.SendAsync(ClientPackets.Answer(PacketType.PubComp, publish.PacketId));
        }
    }

    [Fact]
    public async Task Attack_67_Who_loses_the_room_of_a_mount_gives_its_places_back_connected_or_away()
    {
        await using var house = await Greenhouse.OpenAsync(
            "members", "--WebMessenger:Limits:DataKeptClientsPerRoom", "2", "--WebMessenger:Limits:DataAccountPercent", "0");
        var (bobs, anas) = (await house.MountAsync(house.Bob), await house.MountAsync(house.Ana));
        async Task<(RawMqttClient Client, byte Code)> KeepAsync(string user, string token, string clientId)
        {
            var client = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
            var answer = await client.ConnectAsync(
                user, token, clientId, cleanStart: false, properties: new() { { PropertyId.SessionExpiry, 3600 } });
            return (client, answer.ReasonCode);
        }

        var (connected, first) = await KeepAsync("bob", bobs, "connected");
        var (away, second) = await KeepAsync("bob", bobs, "away");
        Assert.Equal((0, 0), (first, second));
        await away.DisconnectAsync();
        await away.WaitForCloseAsync();
        var (refused, code) = await KeepAsync("ana", anas, "one");
        Assert.Equal(0x97, code);
        await house.Broker.Get<RoomMembers>().LeaveAsync(house.Room, house.Bob.Account);
        await connected.WaitForCloseAsync();

        var (one, firstOfAna) = await KeepAsync("ana", anas, "one");
        var (two, secondOfAna) = await KeepAsync("ana", anas, "two");

        Assert.Equal((0, 0), (firstOfAna, secondOfAna));
        Assert.Equal(2, house.Broker.Get<IRecords>().ReadAll(DurableRecords.ClientsPrefix).Count);
        foreach (var client in new[] { connected, away, refused, one, two })
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Attack_67_Of_the_clients_that_a_room_keeps_an_account_has_its_share()
    {
        await using var house = await Greenhouse.OpenAsync("members", "--WebMessenger:Limits:DataKeptClientsPerRoom", "5");
        var (bobs, anas) = (await house.MountAsync(house.Bob), await house.MountAsync(house.Ana));
        async Task<byte> KeepAsync(string user, string token, string clientId)
        {
            await using var client = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
            return (await client.ConnectAsync(
                user, token, clientId, cleanStart: false, properties: new() { { PropertyId.SessionExpiry, 3600 } })).ReasonCode;
        }

        Assert.Equal((0, 0), (await KeepAsync("bob", bobs, "one"), await KeepAsync("bob", bobs, "two")));
        Assert.Equal((0x97, 0), (await KeepAsync("bob", bobs, "three"), await KeepAsync("bob", bobs, "two")));

        Assert.Equal((0, 0), (await KeepAsync("ana", anas, "one"), await KeepAsync("ana", anas, "two")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Attack_62_A_client_without_filters_has_no_place_in_the_log(bool isAcknowledgedLater)
    {
        await using var house = await Greenhouse.OpenAsync();
        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, acknowledges: false);
        await using var client = bob;
        Assert.Equal([1], (await bob.SubscribeAsync(Data + "#")).ReasonCodes);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", "1");
        var first = await bob.NextPublishAsync();
        var log = house.Broker.Get<DataSpaces>().Of(house.Room).Log;
        Assert.True(log.HasCursors);
        if (!isAcknowledgedLater)
        {
            await bob.AcknowledgeAsync(first);
        }

        Assert.Equal([0], (await bob.UnsubscribeAsync(Data + "#")).ReasonCodes);
        if (isAcknowledgedLater)
        {
            // [MQTT-3.10.4-3] What was begun is completed: until then the place stays.
            house.Broker.Get<DataSpaces>().Sweep();
            Assert.True(log.HasCursors);
            await bob.AcknowledgeAsync(first);
        }

        await Clients.HandshakeTests.UntilAsync(() => !log.HasCursors && house.Broker.Get<IRecords>().ReadAll(DurableRecords.DataPrefix).Count == 0);
        Assert.Equal([1], (await bob.SubscribeAsync(Data + "#")).ReasonCodes);
        await device.PublishAsync(Data + "x", "2");
        Assert.Equal("2", (await bob.NextPublishAsync()).Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Attack_62_A_client_without_filters_has_no_place_in_the_log_after_a_restart_either(bool hasCompletedAll)
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        var (before, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, acknowledges: false);
        await before.SubscribeAsync(Data + "#");
        await device.PublishAsync(Data + "x", "1");
        var first = await before.NextPublishAsync();
        Assert.Equal([0], (await before.UnsubscribeAsync(Data + "#")).ReasonCodes);
        await Clients.HandshakeTests.UntilAsync(() => SentOf(house) == 1);
        var records = house.Broker.Get<IRecords>();
        var place = Assert.Single(records.ReadAll(DurableRecords.DataPrefix));
        if (hasCompletedAll)
        {
            // As if the program had died when it had noted that, and before it dropped the place.
            await before.AcknowledgeAsync(first);
            await Clients.HandshakeTests.UntilAsync(() => records.ReadAll(DurableRecords.DataPrefix).Count == 0);
            Assert.True(DataCursorRecord.TryRead(place.Value, out var was));
            await records.WriteAsync([new RecordChange(place.Key, (was with { Sent = [] }).ToBytes())]);
        }

        before.Abort();
        await before.DisposeAsync();
        await Talk.GoneAsync(house.Broker, house.Bob);
        await house.Broker.RestartAsync();
        if (!hasCompletedAll)
        {
            // What was begun comes again, and is completed.
            var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
            await using var back = bob;
            var again = await bob.NextPublishAsync();
            Assert.Equal(("1", true), (again.Text, again.Duplicate));
            await NoPlaceAsync();
        }

        await NoPlaceAsync();

        Task NoPlaceAsync() => Clients.HandshakeTests.UntilAsync(() =>
            !house.Broker.Get<DataSpaces>().Of(house.Room).Log.HasCursors && house.Broker.Get<IRecords>().ReadAll(DurableRecords.DataPrefix).Count == 0);
    }

    [Fact]
    public async Task Attack_39_Who_loses_the_room_while_the_disk_is_slow_is_not_sent_what_waited_for_it()
    {
        GatedRecords records = new();
        await using var house = await Greenhouse.OnAsync(await RunningBroker.StartWithAsync(services => records.Place(services)));
        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var hears = bob;
        await bob.SubscribeAsync(Data + "#", 2);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", "heard", 2);
        Assert.Equal("heard", (await bob.NextPublishAsync()).Text);
        await Clients.HandshakeTests.UntilAsync(() => SentOf(house) == 0);

        var releaseLog = records.Hold();
        await device.SendPublishAsync(Data + "x", "late"u8.ToArray(), qos: 2, packetId: 99);
        await Clients.HandshakeTests.UntilAsync(
            () => house.Broker.Get<IRecords>().ReadAll(DataLogRecord.PrefixOf(house.Room.Key)).Any(entry => Encoding.UTF8.GetString(entry.Value).EndsWith("late", StringComparison.Ordinal)));
        var releaseCursor = records.Hold();
        releaseLog();
        await Clients.HandshakeTests.UntilAsync(() => SentOf(house) == 1);
        records.Hold()();
        await house.Broker.Get<RoomMembers>().LeaveAsync(house.Room, house.Bob.Account);
        releaseCursor();
        records.Release();
        await bob.SubscribeAsync("rooms/lobby");
        await bob.PingAsync();
        await bob.PingAsync();

        Assert.DoesNotContain(bob.AlreadyHere(), publish => publish.Text == "late");
    }

    [Fact]
    public async Task Attack_30_PUBREC_over_and_over_is_stored_once_and_answered_once()
    {
        await using var house = await Greenhouse.OpenAsync();
        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, acknowledges: false);
        await using var hears = bob;
        await bob.SubscribeAsync(Data + "#", 2);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", "1", 2);
        var publish = await bob.NextPublishAsync();
        for (var i = 0; i < 5; i++)
        {
            await bob.SendAsync(ClientPackets.Answer(PacketType.PubRec, publish.PacketId));
        }

        await bob.NextAsync(PacketType.PubRel, publish.PacketId);
        await bob.PingAsync();
        await bob.SendAsync(ClientPackets.Answer(PacketType.PubComp, publish.PacketId));
        await device.PublishAsync(Data + "x", "2", 2);
        var second = await bob.NextPublishAsync();
        await bob.SendAsync(ClientPackets.Answer(PacketType.PubRec, second.PacketId));

        await bob.NextAsync(PacketType.PubRel, second.PacketId);

        Assert.Equal(2, bob.Transcript().Split("PUBREL").Length - 1);
    }

    [Fact]
    public async Task What_was_sent_at_QoS_2_is_sent_again_whatever_its_expiry()
    {
        await using var house = await Greenhouse.OpenAsync();
        var (before, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, acknowledges: false);
        await before.SubscribeAsync(Data + "#", 2);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", "short", 2, properties: new() { { PropertyId.MessageExpiry, 1 } });
        var publish = await before.NextPublishAsync();
        before.Abort();
        await before.DisposeAsync();
        var since = DateTimeOffset.UtcNow;
        await Clients.HandshakeTests.UntilAsync(() => DateTimeOffset.UtcNow - since > TimeSpan.FromSeconds(1.1));

        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var back = bob;
        var again = await bob.NextPublishAsync();

        Assert.Equal(("short", publish.PacketId, true), (again.Text, again.PacketId, again.Duplicate));
    }

    [Fact]
    public async Task PUBCOMP_comes_when_the_packet_id_is_off_the_disk()
    {
        GatedRecords records = new();
        await using var house = await Greenhouse.OnAsync(await RunningBroker.StartWithAsync(services => records.Place(services)));
        var (device, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, acknowledges: false);
        await using var speaks = device;
        await device.SendPublishAsync(Data + "x", "1"u8.ToArray(), qos: 2, packetId: 7);
        await device.NextAsync(PacketType.PubRec, 7);
        records.Hold();
        await device.SendAsync(ClientPackets.PubRel(7));
        var completed = device.NextAsync(PacketType.PubComp, 7);
        await device.PingAsync();
        Assert.False(completed.IsCompleted);
        records.Release();

        await completed;
        Assert.Empty(house.Broker.Get<IRecords>().ReadAll(DurableRecords.ReceivedPrefix));
    }

    private static int SentOf(Greenhouse house) => house.Broker.Get<IRecords>().ReadAll(DurableRecords.DataPrefix)
        .Sum(record => DataCursorRecord.TryRead(record.Value, out var read) ? read.Sent.Count : 0);

    private static string Number(int i) => i.ToString(CultureInfo.InvariantCulture);

    internal static bool HasGap(ReceivedPublish publish) => publish.Properties.Any(property => property.Value is ("gap", "1"));
}
