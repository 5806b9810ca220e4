using System.Globalization;
using System.Text;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.MqttSessions.Talk;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>A group has one place in its room's data log: what it is owed outlives its members' connections, and the server.</summary>
public sealed class DataGroupKeptTests
{
    private const string Data = Greenhouse.Data, Shared = "$share/g/" + Data + "#";

    [Theory]
    [InlineData(false, 4)]
    [InlineData(true, 5)]
    public async Task What_is_said_while_all_members_are_away_goes_to_those_who_come(bool restarts, int version)
    {
        await using var house = await Greenhouse.OpenAsync();
        await house.PublishAsync("retained", retain: true);
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, (MqttVersion)version, Shared);
        var numbers = Enumerable.Range(0, 200).Select(Number).ToList();
        await using (var device = await house.ConnectAsync(house.Ana))
        {
            foreach (var number in numbers)
            {
                await device.PublishAsync(Data + "x", number, 2);
            }

            await device.SendPublishAsync(Data + "x", "at QoS 0"u8.ToArray());
            await device.PingAsync();
        }

        if (restarts)
        {
            await house.Broker.RestartAsync();
        }

        // The one that held it, and one that has come since.
        var (one, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, (MqttVersion)version);
        await using var first = one;
        await using var second = await ShareAsync(house, house.Bob);
        ReceivedPublish[] heard = [.. (await Gathering.GatherAsync(numbers.Count, null, one, second)).SelectMany(its => its)];
        Assert.Equal(numbers.Order(), heard.Select(publish => publish.Text).Order());
        Assert.All(heard, publish => Assert.Equal((1, false), (publish.Qos, publish.Retain)));
        await house.PublishAsync("live");
        Assert.Equal("live", (await AnyAsync(one, second)).Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_members_had_and_did_not_acknowledge_comes_first_and_is_marked_as_a_repetition(bool restarts)
    {
        await using var house = await Greenhouse.OpenAsync();
        var (before, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, acknowledges: false);
        Assert.Equal([1], (await before.SubscribeAsync(Shared, 2)).ReasonCodes);
        await house.PublishAsync("done");
        await before.AcknowledgeAsync(await before.NextPublishAsync());
        await house.PublishAsync("begun");
        Assert.Equal("begun", (await before.NextPublishAsync()).Text);
        before.Abort();
        await before.DisposeAsync();
        await GoneAsync(house.Broker, house.Bob);
        await house.PublishAsync("missed");
        if (restarts)
        {
            await house.Broker.RestartAsync();
        }

        await using var other = await ShareAsync(house, house.Bob);

        var (again, next) = (await other.NextPublishAsync(), await other.NextPublishAsync());
        Assert.Equal((("begun", true), "missed"), ((again.Text, again.Duplicate), next.Text));
        Assert.True(restarts || !next.Duplicate);

        // The one that is back has lost what went to another.
        var (back, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var _ = back;
        await back.PingAsync();
        Assert.Empty(back.AlreadyHere());
    }

    [Fact]
    public async Task A_group_ends_with_the_last_that_holds_it_and_begins_anew()
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared);
        await house.PublishAsync("1");
        Assert.Single(Records(house));
        await using (var client = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt))
        {
            // A clean start ends what was kept.
            Assert.True((await client.ConnectAsync("bob", house.Bob.Token, "bot", cleanStart: true)).Accepted);
            await Clients.HandshakeTests.UntilAsync(() => Records(house).Count == 0);
            Assert.Equal([1], (await client.SubscribeAsync(Shared)).ReasonCodes);
            await house.PublishAsync("2");
            Assert.Equal("2", (await client.NextPublishAsync()).Text);
            Assert.Empty(Records(house));
        }

        await GoneAsync(house.Broker, house.Bob);
        Assert.False(house.Broker.Get<DataSpaces>().Of(house.Room).Log.HasCursors);
    }

    [Fact]
    public async Task Who_unsubscribes_leaves_the_group_to_the_others()
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared, "stays");
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared, "goes");
        await house.PublishAsync("1");
        var (goes, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, clientId: "goes");
        Assert.Equal("1", (await goes.NextPublishAsync()).Text);
        await goes.PingAsync();
        Assert.Equal([0], (await goes.UnsubscribeAsync(Shared)).ReasonCodes);
        await house.PublishAsync("2");
        await goes.PingAsync();
        Assert.Empty(goes.AlreadyHere());
        await goes.DisposeAsync();

        var (stays, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, clientId: "stays");
        await using var _ = stays;
        Assert.Equal("2", (await stays.NextPublishAsync()).Text);
        Assert.Equal([0], (await stays.UnsubscribeAsync(Shared)).ReasonCodes);
        await Clients.HandshakeTests.UntilAsync(() => Records(house).Count == 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Attack_39_A_group_ends_where_its_account_loses_the_room(bool whileConnected)
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared);
        await house.PublishAsync("before");
        var early = whileConnected ? await ShareAsync(house, house.Bob) : null;
        if (early is not null)
        {
            Assert.Equal("before", (await early.NextPublishAsync()).Text);
        }

        await house.Broker.Get<RoomMembers>().LeaveAsync(house.Room, house.Bob.Account);
        await Clients.HandshakeTests.UntilAsync(() => Records(house).Count == 0);
        await house.PublishAsync("while out");
        await house.Broker.Get<RoomMembers>().JoinAsync(house.Room, house.Bob.Account);
        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var _ = bob;
        await bob.SubscribeAsync(Shared);
        await house.PublishAsync("after");

        Assert.Equal("after", (await AnyAsync([bob, .. early is null ? (RawMqttClient[])[] : [early]])).Text);
        await bob.PingAsync();
        Assert.Empty(bob.AlreadyHere());
        if (early is not null)
        {
            await early.DisposeAsync();
        }
    }

    [Fact]
    public async Task Attack_62_67_A_room_has_so_many_groups_and_an_account_its_share_of_them()
    {
        await using var house = await Greenhouse.OpenAsync(
            "members", "--WebMessenger:Limits:DataGroupsPerRoom", "3", "--WebMessenger:Limits:DataGroupsPerRoomAndAccount", "2");
        await using var bob = await house.ConnectAsync(house.Bob);
        await using var ana = await house.ConnectAsync(house.Ana);
        Assert.Equal([1], (await bob.SubscribeAsync("$share/1/" + Data + "#")).ReasonCodes);
        Assert.Equal([1], (await bob.SubscribeAsync("$share/2/" + Data + "#")).ReasonCodes);
        Assert.Equal([0x97], (await bob.SubscribeAsync("$share/3/" + Data + "#")).ReasonCodes);
        Assert.Equal([1], (await bob.SubscribeAsync("$share/2/" + Data + "#")).ReasonCodes);
        Assert.Equal([1], (await ana.SubscribeAsync("$share/1/" + Data + "#")).ReasonCodes);
        Assert.Equal([0x97], (await ana.SubscribeAsync("$share/2/" + Data + "#")).ReasonCodes);
        await using var old = await house.ConnectAsync(house.Ana, MqttVersion.V311);
        Assert.Equal([0x80], (await old.SubscribeAsync("$share/2/" + Data + "#")).ReasonCodes);

        Assert.Equal([0], (await bob.UnsubscribeAsync("$share/1/" + Data + "#")).ReasonCodes);
        Assert.Equal([1], (await ana.SubscribeAsync("$share/2/" + Data + "#")).ReasonCodes);
    }

    [Theory]
    [InlineData("rooms/greenhouse/data/x")]
    [InlineData("rooms/greenhouse")]
    public async Task Attack_62_67_One_SUBSCRIBE_is_granted_no_more_groups_than_there_are_places(string topic)
    {
        await using var house = await Greenhouse.OpenAsync(
            "members", "--WebMessenger:Limits:DataGroupsPerRoom", "5", "--WebMessenger:Limits:DataGroupsPerRoomAndAccount", "3");
        await using var bob = await house.ConnectAsync(house.Bob);
        await using var ana = await house.ConnectAsync(house.Ana);
        Filter[] asked = [.. Enumerable.Range(0, 6).Select(number => new Filter($"$share/{Number(number)}/{topic}", 1))];
        var both = await Task.WhenAll(bob.SubscribeAsync(asked), ana.SubscribeAsync(asked));

        // Three of one, and two of the other, whoever was first.
        Assert.Equal([2, 3], both.Select(answer => answer.ReasonCodes.Count(code => code == 1)).Order());
        Assert.Equal(7, both.Sum(answer => answer.ReasonCodes.Count(code => code == 0x97)));
        await SaysToAllAsync("first");

        // A place that is given up is there for the next one.
        var codes = both[0].ReasonCodes.ToList();
        Assert.Equal([0], (await bob.UnsubscribeAsync(asked[codes.IndexOf(1)].Topic)).ReasonCodes);
        Assert.Equal([1], (await bob.SubscribeAsync(asked[codes.IndexOf(0x97)].Topic)).ReasonCodes);
        await SaysToAllAsync("second");

        // Each that was granted hears.
        async Task SaysToAllAsync(string text)
        {
            Assert.True((await ana.PublishAsync(topic, text)).Accepted);
            var heard = await Gathering.GatherAsync(5, HasText, bob, ana);
            Assert.Equal(both.Select(answer => answer.ReasonCodes.Count(code => code == 1)), heard.Select(one => one.Count(HasText)));

            bool HasText(ReceivedPublish publish) => publish.Text.Contains(text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Attack_62_63_What_a_group_has_not_acknowledged_is_bounded_and_the_rest_waits_in_the_log()
    {
        await using var house = await Greenhouse.OpenAsync("members", "--WebMessenger:Limits:DataGroupUnacknowledged", "3");
        await using var hoarder = await ShareAsync(house, house.Bob);
        hoarder.AcknowledgesItself = false;
        await using var device = await house.ConnectAsync(house.Ana);
        for (var i = 0; i < 6; i++)
        {
            await device.PublishAsync(Data + "x", Number(i));
        }

        List<ReceivedPublish> had = [await hoarder.NextPublishAsync(), await hoarder.NextPublishAsync(), await hoarder.NextPublishAsync()];
        await hoarder.PingAsync();
        Assert.Empty(hoarder.AlreadyHere());

        // Also for who has come since: the bound is of all members together.
        await using var other = await ShareAsync(house, house.Bob);
        await other.PingAsync();
        Assert.Empty(other.AlreadyHere());
        foreach (var publish in had)
        {
            await hoarder.AcknowledgeAsync(publish);
        }

        var rest = (await Gathering.GatherAsync(3, null, other, hoarder)).SelectMany(its => its);
        Assert.Equal(["3", "4", "5"], rest.Select(publish => publish.Text).Order());
    }

    [Fact]
    public async Task A_member_that_takes_no_more_leaves_the_rest_to_the_others()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var narrow = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        narrow.AcknowledgesItself = false;
        await narrow.ConnectAsync("bob", house.Bob.Token, "narrow", properties: new() { { PropertyId.ReceiveMaximum, 1 } });
        Assert.Equal([1], (await narrow.SubscribeAsync(Shared)).ReasonCodes);
        await house.PublishAsync("1");
        await house.PublishAsync("2");
        await house.PublishAsync("3");
        Assert.Equal("1", (await narrow.NextPublishAsync()).Text);
        await narrow.PingAsync();
        Assert.Empty(narrow.AlreadyHere());

        await using var wide = await ShareAsync(house, house.Bob);

        Assert.Equal(["2", "3"], [(await wide.NextPublishAsync()).Text, (await wide.NextPublishAsync()).Text]);
    }

    [Fact]
    public async Task Attack_62_A_group_that_is_behind_what_is_left_of_the_log_is_told_once()
    {
        await using var house = await Greenhouse.OpenAsync(
            "members", "--WebMessenger:Limits:DataLogMegabytesPerRoom", "1", "--WebMessenger:Limits:DataPayloadBytes", "2000000");
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", new byte[1_500_000]);
        await Clients.HandshakeTests.UntilAsync(() => house.Broker.Get<DataSpaces>().Of(house.Room).Log.Size.Count == 0);
        await device.PublishAsync(Data + "x", "1");
        await device.PublishAsync(Data + "x", "2");

        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var _ = bob;
        var (first, second) = (await bob.NextPublishAsync(), await bob.NextPublishAsync());

        Assert.Equal((("1", true), ("2", false)), ((first.Text, DataKeptStateTests.HasGap(first)), (second.Text, DataKeptStateTests.HasGap(second))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Attack_62_A_gap_is_told_by_what_is_written_and_not_by_what_is_too_large_for_the_member(byte qos)
    {
        await using var house = await Greenhouse.OpenAsync(
            "members", "--WebMessenger:Limits:DataLogMegabytesPerRoom", "1", "--WebMessenger:Limits:DataPayloadBytes", "2000000");
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", new byte[1_500_000]);
        await Clients.HandshakeTests.UntilAsync(() => house.Broker.Get<DataSpaces>().Of(house.Room).Log.Size.Count == 0);
        await device.PublishAsync(Data + "x", new byte[5_000], qos);
        await device.PublishAsync(Data + "x", "1", qos);
        await device.PublishAsync(Data + "x", "2", qos);

        await using var small = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        await small.ConnectAsync("bob", house.Bob.Token, "small", properties: new() { { PropertyId.MaximumPacketSize, 1_000 } });
        Assert.Equal([qos], (await small.SubscribeAsync(Shared, qos)).ReasonCodes);
        var (first, second) = (await small.NextPublishAsync(), await small.NextPublishAsync());

        Assert.Equal((("1", true), ("2", false)), ((first.Text, DataKeptStateTests.HasGap(first)), (second.Text, DataKeptStateTests.HasGap(second))));
    }

    [Fact]
    public async Task Attack_62_A_gap_that_was_told_to_who_has_gone_since_is_told_to_another()
    {
        await using var house = await Greenhouse.OpenAsync(
            "members", "--WebMessenger:Limits:DataLogMegabytesPerRoom", "1", "--WebMessenger:Limits:DataPayloadBytes", "2000000");
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared);
        await using var device = await house.ConnectAsync(house.Ana);
        await device.PublishAsync(Data + "x", new byte[1_500_000]);
        await Clients.HandshakeTests.UntilAsync(() => house.Broker.Get<DataSpaces>().Of(house.Room).Log.Size.Count == 0);
        await using var lost = await ShareAsync(house, house.Bob);
        lost.AcknowledgesItself = false;
        await device.PublishAsync(Data + "x", "1");
        var told = await lost.NextPublishAsync();
        Assert.Equal(("1", true), (told.Text, DataKeptStateTests.HasGap(told)));
        await using var other = await ShareAsync(house, house.Bob);
        lost.Abort();

        var again = await other.NextPublishAsync();
        Assert.Equal(("1", true, true), (again.Text, again.Duplicate, DataKeptStateTests.HasGap(again)));
        await device.PublishAsync(Data + "x", "2");
        var next = await other.NextPublishAsync();
        Assert.Equal(("2", false), (next.Text, DataKeptStateTests.HasGap(next)));
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static IReadOnlyList<KeyValuePair<byte[], byte[]>> Records(Greenhouse house) =>
        house.Broker.Get<IRecords>().ReadAll(DataGroupName.RecordsPrefix);

    private static async Task<ReceivedPublish> AnyAsync(params RawMqttClient[] clients) =>
        (await Gathering.GatherAsync(1, null, clients)).SelectMany(its => its).First();

    private static async Task<RawMqttClient> ShareAsync(Greenhouse house, Member member)
    {
        var client = await house.ConnectAsync(member);
        Assert.Equal([1], (await client.SubscribeAsync(Shared)).ReasonCodes);
        return client;
    }
}
