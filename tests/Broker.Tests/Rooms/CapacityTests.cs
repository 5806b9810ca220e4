using System.Net;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>A room with a capacity has so many accounts present, moderators aside; who comes later waits.</summary>
public sealed class CapacityTests
{
    private const string Topic = MessageTalk.Topic;

    [Theory]
    [InlineData(true, 0x97)]
    [InlineData(false, 0x80)]
    public async Task Into_a_full_room_nobody_comes_but_moderators_until_somebody_leaves(bool isVersion5, byte code)
    {
        var version = isVersion5 ? MqttVersion.V5 : MqttVersion.V311;
        await using var broker = await RunningBroker.StartAsync();
        var talk = await ForAsync(broker, 1);
        var eve = await MessageTalk.MayAllAsync(broker, "eve");
        await using var bea = await broker.ConnectAsync(talk.Bea, version);
        await using var caio = await broker.ConnectAsync(talk.Caio, version);
        await using var eves = await broker.ConnectAsync(eve, version);
        await using var mod = await broker.ConnectAsync(talk.Mod, version);
        Assert.Equal([1], (await bea.SubscribeAsync(Topic)).ReasonCodes);

        // He is on the list, and she is not: it stays so.
        Assert.Equal([code], (await caio.SubscribeAsync(Topic)).ReasonCodes);
        Assert.Equal([code], (await eves.SubscribeAsync(Topic)).ReasonCodes);
        Assert.False(broker.Room("yard").IsMember(eve.Account.Id));
        Assert.Equal([1], (await mod.SubscribeAsync(Topic)).ReasonCodes);
        Assert.Equal([1], (await eves.SubscribeAsync(Topic + "/info")).ReasonCodes);

        // What is no place of theirs is open to them as before.
        Assert.True((await caio.PublishAsync(Topic, "from outside")).Accepted || !isVersion5);
        Assert.Equal([1], (await bea.SubscribeAsync(Topic + "/text")).ReasonCodes);
        await bea.UnsubscribeAsync(Topic, Topic + "/text");

        Assert.Equal([1], (await eves.SubscribeAsync(Topic)).ReasonCodes);
        Assert.True(broker.Room("yard").IsMember(eve.Account.Id));
        Assert.Equal([code], (await caio.SubscribeAsync(Topic)).ReasonCodes);
    }

    [Fact]
    public async Task Whoever_is_not_on_the_list_of_a_full_room_does_not_come_onto_it_by_speaking_either()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await ForAsync(broker, 1);
        var eve = await MessageTalk.MayAllAsync(broker, "eve");
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await bea.SubscribeAsync(Topic);
        await using var eves = await broker.ConnectAsync(eve);

        var answer = await eves.PublishAsync(Topic, "hello");
        Assert.Equal((0x97, "The room is full. Come in when somebody has left."), (answer.ReasonCode, answer.ReasonString));
        await using var old = await Speaker.AsAsync(broker, Way.Mqtt311, eve);
        Assert.Equal("room_full", await old.DoAsync(Topic, "", "hello"));
        Assert.Equal([0x97], (await eves.SubscribeAsync("$share/bots/" + Topic)).ReasonCodes);
        using var calls = Calls.As(broker, eve);
        var refused = await calls.Put("/api/rooms/yard/members/me", HttpStatusCode.Conflict);
        Assert.Equal("room_full", refused.GetProperty("code").GetString());
        Assert.False(broker.Room("yard").IsMember(eve.Account.Id));

        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Capacity = 0 })).Refusal);
        await calls.Put("/api/rooms/yard/members/me");
    }

    [Fact]
    public async Task By_a_wildcard_the_room_is_heard_when_there_is_a_place()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await ForAsync(broker, 1);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await bea.SubscribeAsync(Topic);
        await using var caio = await broker.ConnectAsync(talk.Caio);
        Assert.Equal([1], (await caio.SubscribeAsync("rooms/#")).ReasonCodes);
        await talk.SayAsync(talk.Mod, "not for Caio");
        await bea.PublishesUntilAsync(publish => publish.Topic == Topic && publish.Text.Contains("not for Caio", StringComparison.Ordinal));
        await caio.PingAsync();
        Assert.DoesNotContain(caio.AlreadyHere(), publish => publish.Topic is Topic or Topic + "/text");
        Assert.Equal(1, broker.Room("yard").People);

        await bea.DisconnectAsync();

        // Within a second he is here, and is told so.
        await caio.PublishesUntilAsync(publish => publish.Topic == Topic + "/presence/caio");
        await talk.SayAsync(talk.Mod, "for Caio");
        await caio.PublishesUntilAsync(publish => publish.Topic == Topic && publish.Text.Contains("for Caio", StringComparison.Ordinal));
        Assert.Equal(["caio"], broker.Room("yard").SnapshotPresence().Select(present => present.Account.UserName));
    }

    [Fact]
    public async Task Who_becomes_a_moderator_or_is_in_by_another_client_waits_no_more()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await ForAsync(broker, 1);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await bea.SubscribeAsync(Topic);
        await using var caio = await broker.ConnectAsync(talk.Caio);
        await caio.SubscribeAsync("rooms/+");

        await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Caio, MemberRole.Moderator);

        await caio.PublishesUntilAsync(publish => publish.Topic == Topic && publish.Json.Type() == "join");
        await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Caio, MemberRole.Member);
        await using var eve = await broker.ConnectAsync(await broker.RegisterAsync("eve"));
        Assert.Equal([0x97], (await eve.SubscribeAsync(Topic)).ReasonCodes);
        await using var other = await broker.ConnectAsync(talk.Caio);
        Assert.Equal([1], (await other.SubscribeAsync("rooms/+")).ReasonCodes);
        await talk.SayAsync(talk.Mod, "to both");
        await other.PublishesUntilAsync(publish => publish.Text.Contains("to both", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_makes_nobody_present_is_heard_in_a_full_room()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await ForAsync(broker, 1);
        await using var caio = await broker.ConnectAsync(talk.Caio);
        await caio.SubscribeAsync("rooms/+/typing", 0);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await bea.SubscribeAsync(Topic);
        await caio.SubscribeAsync("rooms/+");

        await bea.SendPublishAsync(Topic + "/typing", default);

        await caio.PublishesUntilAsync(publish => publish.Topic == Topic + "/typing");
    }

    [Fact]
    public async Task A_full_room_that_one_may_not_enter_says_that_it_is_not_open()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await ForAsync(broker, 1);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Entry = "invite" });
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await bea.SubscribeAsync(Topic);
        await using var eve = await broker.ConnectAsync(await broker.RegisterAsync("eve"));

        Assert.Equal([0x87], (await eve.SubscribeAsync(Topic)).ReasonCodes);
        Assert.Equal(0x87, (await eve.PublishAsync(Topic, "hello")).ReasonCode);

        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Entry = "open" });
        Assert.Equal([0x97], (await eve.SubscribeAsync(Topic + "/data/#")).ReasonCodes);
    }

    [Fact]
    public async Task Of_many_that_come_at_once_so_many_are_in_and_an_account_counts_once()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await ForAsync(broker, 3);
        Member[] members = [.. await Task.WhenAll(Enumerable.Range(0, 10).Select(number => broker.RegisterAsync($"eve{number}")))];
        var clients = await Task.WhenAll(members.SelectMany(member => Enumerable.Range(0, 5).Select(_ => broker.ConnectAsync(member))));
        try
        {
            var answers = await Task.WhenAll(clients.Select((client, number) => client.SubscribeAsync(number % 2 == 0 ? Topic : "rooms/#")));

            var room = broker.Room("yard");
            Assert.Equal(3, room.People);
            Assert.All(answers, answer => Assert.Contains(answer.ReasonCodes[0], new byte[] { 1, 0x97 }));
            var said = await talk.SayAsync(talk.Mod, "hello");
            var present = room.SnapshotPresence().Select(one => one.Account.Id).ToHashSet();
            foreach (var (client, member) in clients.Zip(members.SelectMany(member => Enumerable.Repeat(member, 5))))
            {
                await client.PingAsync();
                var heard = client.AlreadyHere().Any(publish => publish.Topic == Topic && publish.Json.GetProperty("seq").GetInt64() == said);
                Assert.True(!heard || present.Contains(member.Account.Id), "Somebody who has no place heard the room.");
            }
        }
        finally
        {
            await Task.WhenAll(clients.Select(client => client.DisposeAsync().AsTask()));
        }
    }

    [Fact]
    public async Task A_kept_client_that_had_a_place_has_it_again_and_misses_nothing()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var talk = await ForAsync(broker, 1);
        await using var mod = await broker.ConnectAsync(talk.Mod);
        await mod.SubscribeAsync(Topic);
        MqttProperties kept = new() { { PropertyId.SessionExpiry, 604_800u } };
        await using (var bea = await RawMqttClient.OverTcpAsync(broker.Mqtt))
        {
            await bea.ConnectAsync("bea", talk.Bea.Token, "bot", properties: kept);
            await bea.SubscribeAsync(Topic);
            await bea.DisconnectAsync();
        }

        await mod.PublishesUntilAsync(publish => publish.Json.Type() == "join" && publish.Json.GetProperty("from").GetProperty("user").GetString() == "bea");
        await HandshakeTests.UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(20));
            return broker.Room("yard").People == 1;
        });
        await using var caio = await broker.ConnectAsync(talk.Caio);
        Assert.Equal([1], (await caio.SubscribeAsync(Topic)).ReasonCodes);
        await talk.SayAsync(talk.Caio, "missed");

        await using var back = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await back.ConnectAsync("bea", talk.Bea.Token, "bot", cleanStart: false, properties: kept);

        await back.PublishesUntilAsync(publish => publish.Topic == Topic && publish.Text.Contains("missed", StringComparison.Ordinal));
        Assert.Equal(3, broker.Room("yard").People);
    }

    [Fact]
    public async Task Who_is_in_stays_when_the_room_is_for_fewer_and_who_has_gone_waits_no_more()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await ForAsync(broker, 0);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await bea.SubscribeAsync(Topic);
        await using var mod = await broker.ConnectAsync(talk.Mod);
        await mod.SubscribeAsync(Topic);

        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Capacity = 1 })).Refusal);
        Assert.Equal(2, broker.Room("yard").People);
        await using (var caio = await broker.ConnectAsync(talk.Caio))
        {
            await caio.SubscribeAsync("rooms/#");
            await caio.DisconnectAsync();
            Assert.NotNull(await caio.WaitForCloseAsync());
        }

        await bea.UnsubscribeAsync(Topic);
        Assert.Equal(["dora"], broker.Room("yard").SnapshotPresence().Select(present => present.Account.UserName));
        Assert.Empty(broker.Room("yard").Sweep());
    }

    private static async Task<MessageTalk> ForAsync(RunningBroker broker, int capacity)
    {
        var talk = await MessageTalk.InYardAsync(broker);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Capacity = capacity })).Refusal);
        return talk;
    }
}
