using System.Text;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.MqttSessions.Talk;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Bots of an account share the talk of a room (`$share/{name}/rooms/{room}`): each event goes to one of them.</summary>
public sealed class SharedTalkTests
{
    private const string Room = "rooms/greenhouse", Shared = "$share/bots/" + Room;

    [Fact]
    public async Task Each_message_goes_to_one_of_the_group_and_to_all_others_and_nobody_is_present_by_it()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var one = await ShareAsync(house);
        await using var two = await ShareAsync(house, "$share/bots/rooms/+");
        await using var speaker = await house.ConnectAsync(house.Ana);
        Assert.Equal(0, house.Room.People);
        await using var all = await house.ConnectAsync(house.Bob);
        Assert.Equal([1], (await all.SubscribeAsync(Room)).ReasonCodes);
        Assert.Equal(1, house.Room.People);
        string[] said = [.. Enumerable.Range(0, 40).Select(i => $"{i}")];
        foreach (var text in said)
        {
            Assert.True((await speaker.PublishAsync(Room, text)).Accepted);
            await all.PublishesUntilAsync(publish => Is(publish, text));
        }

        var heard = await Gathering.GatherAsync(said.Length, IsMessage, one, two);
        var (ones, twos) = (heard[0], heard[1]);
        Assert.Equal(said.Order(), Messages(ones).Concat(Messages(twos)).Order());
        Assert.InRange(Messages(ones).Count(), 1, said.Length - 1);
        Assert.All(ones, publish => Assert.Equal((Room, (byte)1, false, false), (publish.Topic, publish.Qos, publish.Retain, publish.Duplicate)));
    }

    [Fact]
    public async Task What_is_said_in_one_moment_is_dealt_whole()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var one = await ShareAsync(house);
        await using var speaker = await house.ConnectAsync(house.Ana);
        string[] said = [.. Enumerable.Range(0, 100).Select(i => $"{i}")];
        await speaker.SendAsync(said.SelectMany((text, i) => ClientPackets.Publish(speaker.Version, Room, Encoding.UTF8.GetBytes(text), 1, packetId: (ushort)(i + 1))).ToArray());

        var heard = await Gathering.GatherAsync(said.Length, IsMessage, one);
        Assert.Equal(said, Messages(heard[0]));
    }

    [Theory]
    [InlineData(false, 5)]
    [InlineData(true, 4)]
    [InlineData(true, 5)]
    public async Task What_is_said_while_all_are_away_waits_and_what_was_not_acknowledged_goes_first_to_another(bool restarts, int version)
    {
        await using var house = await Greenhouse.OpenAsync();
        var (before, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob, (MqttVersion)version, acknowledges: false);
        Assert.Equal([1], (await before.SubscribeAsync(Shared)).ReasonCodes);
        await SayAsync(house, "done", "begun");
        await before.AcknowledgeAsync(await before.NextPublishAsync());
        Assert.Equal("begun", (await before.NextPublishAsync()).Json.Text());
        await before.PingAsync();
        before.Abort();
        await before.DisposeAsync();
        await GoneAsync(house.Broker, house.Bob);
        await SayAsync(house, "missed");
        if (restarts)
        {
            await house.Broker.RestartAsync();
        }

        await using var other = await ShareAsync(house);
        var (again, next) = (await other.NextPublishAsync(), await other.NextPublishAsync());
        Assert.Equal((("begun", true), "missed"), ((again.Json.Text(), again.Duplicate), next.Json.Text()));

        // The one that is back goes on with the others.
        var (back, answer) = await KeptClients.ConnectAsync(house.Broker, house.Bob, (MqttVersion)version);
        await using var _ = back;
        Assert.True(answer.SessionPresent);
        await back.PingAsync();
        Assert.Empty(back.AlreadyHere());
        await SayAsync(house, "live");
        var live = await Gathering.GatherAsync(1, IsMessage, back, other);
        Assert.Equal(["live"], Messages(live.SelectMany(its => its)));
    }

    [Fact]
    public async Task What_a_group_is_behind_with_comes_as_its_members_take_it()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var narrow = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        narrow.AcknowledgesItself = false;
        await narrow.ConnectAsync("bob", house.Bob.Token, "narrow", properties: new() { { PropertyId.ReceiveMaximum, 1 } });
        Assert.Equal([1], (await narrow.SubscribeAsync(Shared)).ReasonCodes);
        await SayAsync(house, "1", "2", "3");
        var first = await narrow.NextPublishAsync();
        await narrow.PingAsync();
        Assert.Equal(("1", 0), (first.Json.Text(), narrow.AlreadyHere().Count()));
        await narrow.AcknowledgeAsync(first);

        var second = await narrow.NextPublishAsync();
        await using var other = await ShareAsync(house);

        Assert.Equal(("2", "3"), (second.Json.Text(), (await other.NextPublishAsync()).Json.Text()));
    }

    [Fact]
    public async Task Attack_39_Who_loses_the_room_hears_nothing_of_what_the_group_was_owed()
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared);
        await SayAsync(house, "before");
        Assert.Single(Records(house));
        await house.Broker.Get<RoomMembers>().LeaveAsync(house.Room, house.Bob.Account);
        await HandshakeTests.UntilAsync(() => Records(house).Count == 0);
        await SayAsync(house, "while out");
        await house.Broker.Get<RoomMembers>().JoinAsync(house.Room, house.Bob.Account);
        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var _ = bob;
        Assert.Equal([1], (await bob.SubscribeAsync(Shared)).ReasonCodes);
        await SayAsync(house, "after");

        Assert.Equal("after", (await bob.PublishesUntilAsync(publish => publish.Json.Type() == "message")).Single().Json.Text());
    }

    [Fact]
    public async Task Attack_80_A_limited_token_shares_the_talk_of_its_rooms_alone()
    {
        await using var house = await Greenhouse.OpenAsync();
        using (var anas = Calls.As(house.Broker, house.Ana))
        {
            await anas.MakeRoom("shed");
        }

        await house.Broker.Get<RoomMembers>().JoinAsync(house.Broker.Room("shed"), house.Bob.Account);
        var token = await house.Broker.TokenAsync(house.Bob.Account, ["shed"]);
        await using var limited = await house.ConnectAsync(house.Bob, password: token);
        Assert.Equal([0x87, 1], (await limited.SubscribeAsync([new Filter(Shared, 1, 0), new Filter("$share/bots/rooms/+", 1, 0)])).ReasonCodes);
        await SayAsync(house, "not for it");
        await using (var ana = await house.ConnectAsync(house.Ana))
        {
            await ana.PublishAsync("rooms/shed", "for it");
        }

        Assert.Equal("for it", (await limited.PublishesUntilAsync(publish => publish.Json.Type() == "message")).Single().Json.Text());
    }

    [Fact]
    public async Task A_group_begins_with_what_comes_and_nowhere_else()
    {
        await using var house = await Greenhouse.OpenAsync();
        await SayAsync(house, "before");
        await using var bot = await house.ConnectAsync(house.Bob);
        MqttProperties after = new() { { "after", "0" } };
        Assert.Equal([0x83], (await bot.SubscribeAsync(Shared, 1, after)).ReasonCodes);
        Assert.Equal([1], (await bot.SubscribeAsync(Shared, 2)).ReasonCodes);
        await SayAsync(house, "after");

        Assert.Equal("after", (await bot.NextPublishAsync()).Json.Text());
    }

    [Fact]
    public async Task Where_a_group_was_in_another_life_of_the_log_is_forgotten()
    {
        await using var house = await Greenhouse.OpenAsync();
        await KeptClients.LeaveBehindAsync(house.Broker, house.Bob, MqttVersion.V5, Shared);
        var (key, value) = Records(house).Single();
        var other = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(key).Replace(house.Room.LogHead.Epoch, "other", StringComparison.Ordinal));
        await house.Broker.Get<IRecords>().WriteAsync([new RecordChange(key, null), new RecordChange(other, value)]);
        await house.Broker.RestartAsync();

        Assert.Equal(key, Records(house).Single().Key);
        await SayAsync(house, "since");
        var (bob, _) = await KeptClients.ConnectAsync(house.Broker, house.Bob);
        await using var _ = bob;
        Assert.Equal("since", (await bob.NextPublishAsync()).Json.Text());
    }

    private static IEnumerable<string> Messages(IEnumerable<ReceivedPublish> heard) =>
        heard.Where(IsMessage).Select(publish => publish.Json.Text()!);

    private static bool IsMessage(ReceivedPublish publish) => publish.Json.Type() == "message";

    private static IReadOnlyList<KeyValuePair<byte[], byte[]>> Records(Greenhouse house) =>
        house.Broker.Get<IRecords>().ReadAll(SharedTalk.RecordsPrefix);

    private static async Task SayAsync(Greenhouse house, params string[] texts)
    {
        await using var ana = await house.ConnectAsync(house.Ana);
        foreach (var text in texts)
        {
            Assert.True((await ana.PublishAsync(Room, text)).Accepted);
        }
    }

    private static async Task<RawMqttClient> ShareAsync(Greenhouse house, string filter = Shared)
    {
        var client = await house.ConnectAsync(house.Bob);
        Assert.Equal([1], (await client.SubscribeAsync(filter)).ReasonCodes);
        return client;
    }
}
