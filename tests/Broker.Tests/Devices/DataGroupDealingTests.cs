using System.Text;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.MqttSessions.Talk;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>
/// What waits for a group is dealt on, whatever happens between: a disk that refuses, members that go, rights that change.
/// </summary>
public sealed class DataGroupDealingTests
{
    private const string Data = Greenhouse.Data, Shared = "$share/g/" + Data + "#";

    private static readonly string _records = Encoding.ASCII.GetString(DataGroupName.RecordsPrefix);

    [Fact]
    public async Task What_could_not_be_noted_at_QoS_2_is_dealt_when_it_can()
    {
        GatedRecords records = new();
        await using var house = await OnAsync(records);
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared);
        await using var one = await ShareAsync(house, 2);
        await using var device = await house.ConnectAsync(house.Ana);
        records.FailsFor = _records;
        for (var i = 0; i < 3; i++)
        {
            await device.PublishAsync(Data + "x", Number(i), 2);
        }

        await HandshakeTests.UntilAsync(() => records.TimesRefused > 0);
        await one.PingAsync();
        Assert.Empty(one.AlreadyHere());
        records.FailsFor = null;

        var heard = await Gathering.GatherAsync(3, null, one);
        Assert.Equal(["0", "1", "2"], heard[0].Select(publish => publish.Text).Order());
        Assert.All(heard[0], publish => Assert.Equal((2, false), (publish.Qos, publish.Duplicate)));
    }

    [Fact]
    public async Task What_could_not_be_read_is_read_again_without_anybody_asking()
    {
        GatedRecords records = new();
        await using var house = await OnAsync(records);
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared);
        await house.PublishAsync("1");
        records.FailsFor = Encoding.ASCII.GetString(DataLogRecord.PrefixOf(house.Room.Key));
        await using var one = await ShareAsync(house, 1);
        await HandshakeTests.UntilAsync(() => records.TimesRefused > 0);
        records.FailsFor = null;

        Assert.Equal("1", (await one.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task Nothing_that_was_meant_for_a_member_comes_after_its_UNSUBACK()
    {
        GatedRecords records = new();
        await using var house = await OnAsync(records);
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared);
        await using var one = await ShareAsync(house, 2);

        // It stays in the room.
        Assert.Equal([1], (await one.SubscribeAsync(Data + "another")).ReasonCodes);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", "heard", 2);
        Assert.Equal("heard", (await one.NextPublishAsync()).Text);
        await HandshakeTests.UntilAsync(() => Cursor(house) is { Cursor: 1, Sent: [] });

        // Its entry is on disk, and that it goes to the member is not.
        var releaseLog = records.Hold();
        await device.SendPublishAsync(Data + "x", "late"u8.ToArray(), qos: 2, packetId: 99);
        var entries = DataLogRecord.PrefixOf(house.Room.Key);
        await HandshakeTests.UntilAsync(() => house.Broker.Get<IRecords>().ReadAll(entries).Any(
            entry => Encoding.UTF8.GetString(entry.Value).EndsWith("late", StringComparison.Ordinal)));
        var releaseCursor = records.Hold();
        releaseLog();
        await HandshakeTests.UntilAsync(() => Cursor(house) is { Cursor: 2, Sent: [] });
        records.Hold()();

        // However long that takes: what nobody has yet is not taken out of the log.
        house.Broker.Get<DataSpaces>().Sweep();
        Assert.Equal([0], (await one.UnsubscribeAsync(Shared)).ReasonCodes);
        releaseCursor();
        records.Release();

        await using var two = await ShareAsync(house, 2);
        Assert.Equal("late", (await two.NextPublishAsync()).Text);
        await one.PingAsync();
        Assert.Empty(one.AlreadyHere());
    }

    [Fact]
    public async Task What_went_out_at_QoS_2_is_on_disk_before_and_comes_to_nobody_after_the_program_died()
    {
        GatedRecords records = new();
        await using var house = await OnAsync(records);
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared);
        var member = await ShareAsync(house, 2);
        member.AcknowledgesItself = false;
        await using (var device = await house.ConnectAsync(house.Ana))
        {
            await device.PublishAsync(Data + "x", "once", 2);
        }

        Assert.Equal("once", (await member.NextPublishAsync()).Text);
        Assert.True(Cursor(house) is { Cursor: 1, Sent: [] });

        // From here on the disk takes nothing: so it ends as it would by a kill. At the start it is let go (see OnAsync).
        records.Fails = true;
        await house.Broker.RestartAsync();
        await member.DisposeAsync();
        var (back, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var kept = back;
        await using var other = await ShareAsync(house, 2);
        await house.PublishAsync("since");

        var heard = await Gathering.GatherAsync(1, null, kept, other);
        Assert.Equal(["since"], heard.SelectMany(its => its).Select(publish => publish.Text));
    }

    [Fact]
    public async Task A_member_that_is_gone_with_what_it_had_at_QoS_2_makes_room_for_the_next()
    {
        await using var house = await Greenhouse.OpenAsync("members", "--WebMessenger:Limits:DataGroupUnacknowledged", "1");
        await using var device = await house.ConnectAsync(house.Ana);
        var hoarder = await ShareAsync(house, 2);
        hoarder.AcknowledgesItself = false;
        await device.PublishAsync(Data + "x", "1", 2);
        Assert.Equal("1", (await hoarder.NextPublishAsync()).Text);
        await using var other = await ShareAsync(house, 2);
        await device.PublishAsync(Data + "x", "2", 2);
        await other.PingAsync();
        Assert.Empty(other.AlreadyHere());

        hoarder.Abort();
        await hoarder.DisposeAsync();

        Assert.Equal("2", (await other.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task Who_may_read_again_is_dealt_what_waited_before_it_might_not()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var device = await house.ConnectAsync(house.Ana);
        await using var narrow = await NarrowAsync(house);
        Assert.Equal([1], (await narrow.SubscribeAsync(Shared)).ReasonCodes);
        await device.PublishAsync(Data + "x", "1");
        await device.PublishAsync(Data + "x", "2");
        var first = await narrow.NextPublishAsync();
        await house.RuleAsync(read: "moderators");
        await narrow.AcknowledgeAsync(first);
        await narrow.PingAsync();
        Assert.Empty(narrow.AlreadyHere());

        await house.RuleAsync(read: "members");

        Assert.Equal("2", (await narrow.NextPublishAsync()).Text);
    }

    [Theory]
    [InlineData(Shared, false, false)]
    [InlineData(Shared, false, true)]
    [InlineData(Shared, true, false)]
    [InlineData(Shared, true, true)]
    [InlineData(Data + "#", false, false)]
    [InlineData(Data + "#", false, true)]
    [InlineData(Data + "#", true, false)]
    [InlineData(Data + "#", true, true)]
    public async Task Attack_39_What_is_said_while_the_account_may_not_read_is_never_owed(string filter, bool isBehind, bool restarts)
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, filter);

        // For whom all of it is in the log.
        await KeptClients.LeaveBehindAsync(house.Broker, house.Ana, MqttVersion.V5, Data + "#", "keeper");
        if (isBehind)
        {
            await house.PublishAsync("before");
        }

        await house.RuleAsync(read: "moderators");
        await house.PublishAsync("secret 1");
        await house.PublishAsync("secret 2");
        await house.RuleAsync(read: "members");
        await house.PublishAsync("between");
        await house.RuleAsync(read: "moderators");
        await house.PublishAsync("secret 3");
        await house.RuleAsync(read: "members");
        if (restarts)
        {
            await house.Broker.RestartAsync();
        }

        await house.PublishAsync("after");
        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var _ = bob;
        List<string> heard = [];
        while (heard is not [.., "after"])
        {
            heard.Add((await bob.NextPublishAsync()).Text);
        }

        string[] expected = isBehind ? ["before", "between", "after"] : ["between", "after"];
        Assert.Equal(expected, heard);
    }

    // A restart lets the disk take everything again.
    private static async Task<Greenhouse> OnAsync(GatedRecords records) => await Greenhouse.OnAsync(await RunningBroker.StartWithAsync(services =>
    {
        records.Fails = false;
        records.Place(services);
    }));

    private static DataCursorRecord? Cursor(Greenhouse house) =>
        house.Broker.Get<IRecords>().ReadAll(DataGroupName.RecordsPrefix) is [var (_, value)] && DataCursorRecord.TryRead(value, out var read) ? read : null;

    private static async Task<RawMqttClient> NarrowAsync(Greenhouse house)
    {
        var narrow = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        narrow.AcknowledgesItself = false;
        await narrow.ConnectAsync("bob", house.Bob.Token, "narrow", properties: new() { { PropertyId.ReceiveMaximum, 1 } });
        return narrow;
    }

    private static async Task<RawMqttClient> ShareAsync(Greenhouse house, byte qos)
    {
        var client = await house.ConnectAsync(house.Bob);
        Assert.Equal([qos], (await client.SubscribeAsync(Shared, qos)).ReasonCodes);
        return client;
    }
}
