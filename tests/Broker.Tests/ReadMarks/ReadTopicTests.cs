using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.ReadMarks.ReadTalk;

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>`users/{user}/read/{room}` and `users/{user}/read`, as the account's devices say and hear it.</summary>
public sealed class ReadTopicTests
{
    [Fact]
    public async Task Every_device_hears_how_far_one_has_read_and_it_moves_forward_only()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var phone = await broker.ConnectAsync(ana, clientId: "phone");
        await using var laptop = await broker.ConnectAsync(ana, MqttVersion.V311, clientId: "laptop");
        await using var other = await broker.ConnectAsync(bob);
        await phone.SubscribeAsync("users/ana/read/+");
        await laptop.SubscribeAsync("users/ana/read/den");
        await other.SubscribeAsync("users/bob/#");
        var said = await SayAsync(other, "rooms/den", 5);
        var epoch = said[0].Epoch;
        Assert.True((await phone.NextPublishAsync()).Retain);
        Assert.True((await laptop.NextPublishAsync()).Retain);

        var answer = await phone.PublishAsync("users/ana/read/den", Position(said[2].Seq, epoch));
        Assert.Equal((0, said[2].Seq, epoch), (answer.ReasonCode, answer.Seq, answer.Epoch));
        Assert.True((await laptop.PublishAsync("users/ana/read/den", Position(said[0].Seq))).Accepted);
        Assert.Equal(said[2].Seq, (await phone.PublishAsync("users/ana/read/den", Position(said[1].Seq))).Seq);
        Assert.True((await laptop.PublishAsync("users/ana/read/den", Position(said[3].Seq))).Accepted);

        foreach (var device in (RawMqttClient[])[phone, laptop])
        {
            var first = await device.NextPublishAsync();
            Assert.Equal(("users/ana/read/den", (byte)1, false), (first.Topic, first.Qos, first.Retain));
            Assert.Equal($$"""{"v":1,"type":"read","room":"den","seq":{{said[2].Seq}},"epoch":"{{epoch}}","unread":2}""", first.Text);
            Assert.Equal((said[3].Seq, 1), Read(await device.NextPublishAsync()));
        }

        // Nobody else does.
        await other.PublishAsync("users/bob", "marker");
        Assert.All(await other.PublishesUntilAsync(publish => publish.Topic == "users/bob"), publish => Assert.StartsWith("users/bob", publish.Topic, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Over_the_head_is_the_head(byte qos)
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var client = await broker.ConnectAsync(ana);
        await using var other = await broker.ConnectAsync(bob);
        var said = await SayAsync(other, "rooms/den", 2);

        var answer = await client.PublishAsync("users/ana/read/den", Position(long.MaxValue), qos);

        Assert.Equal((0, said[1].Seq), (answer.ReasonCode, answer.Seq));
        await SayAsync(other, "rooms/den", 1);
        Assert.Equal((said[1].Seq, 1), await RetainedAsync(client, "users/ana/read/den"));
    }

    [Fact]
    public async Task Joins_and_ones_own_words_are_nothing_unread()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var client = await broker.ConnectAsync(ana);
        await using var other = await broker.ConnectAsync(bob);
        var start = await SayAsync(other, "rooms/den", 1);
        Assert.True((await client.PublishAsync("users/ana/read/den", Position(start[0].Seq))).Accepted);
        for (var i = 0; i < 3; i++)
        {
            await other.SubscribeAsync("rooms/den");
            await other.UnsubscribeAsync("rooms/den");
            await SayAsync(client, "rooms/den", 2);
        }

        await SayAsync(other, "rooms/den", 2);

        Assert.True(broker.Room("den").Head >= start[0].Seq + 3 + 6 + 2);
        Assert.Equal((start[0].Seq, 2), await RetainedAsync(client, "users/ana/read/den"));
    }

    [Theory]
    [InlineData("users/bob/read/den", 0x87)]
    [InlineData("users/nobody/read/den", 0x87)]
    [InlineData("users/bob/read", 0x87)]
    [InlineData("users/ana/read/unknown", 0x87)]
    [InlineData("users/ana/read/secret", 0x87)]
    [InlineData("users/ana/read/lobby", 0x87)]
    [InlineData("users/ana/read/Den", 0x90)]
    [InlineData("users/ana/read/den/more", 0x90)]
    [InlineData("users/ana/read/", 0x90)]
    [InlineData("users/ana/other", 0x90)]
    public async Task Attack_35_36_A_position_that_is_not_ones_own_or_of_a_room_one_is_not_in_is_refused(string topic, byte code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await CreateAsync(broker, "secret", bob, isPrivate: true);
        await using var client = await broker.ConnectAsync(ana);
        await using var plain = await broker.ConnectAsync(ana, MqttVersion.V311);
        await plain.SubscribeAsync("users/ana");
        Assert.True((await client.PublishAsync("users/ana/read/den", Position(1))).Accepted);
        Assert.True((await plain.PublishAsync("users/ana/read/den", Position(1))).Accepted);

        var answer = await client.PublishAsync(topic, Position(1));
        await plain.PublishAsync(topic, Position(1));

        Assert.Equal(code, answer.ReasonCode);
        Assert.Equal(topic, (await plain.NextPublishAsync()).Json.GetProperty("topic").GetString());
        Assert.False(broker.Room("lobby").IsMember(ana.Account.Id));
        if (topic.StartsWith("users/ana/read/", StringComparison.Ordinal) && code == 0x87)
        {
            // One answer whether the room is private, unknown or not joined, and the one that a message there gets.
            Assert.Equal((await client.PublishAsync("rooms/secret", "hello")).ReasonString, answer.ReasonString);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("seven")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("{}")]
    [InlineData("{\"seq\":-1}")]
    [InlineData("{\"seq\":1.5}")]
    [InlineData("{\"seq\":\"1\"}")]
    [InlineData("{\"seq\":null}")]
    [InlineData("{\"seq\":99999999999999999999}")]
    [InlineData("{\"seq\":1,\"seq\":2}")]
    [InlineData("{\"seq\":1,\"epoch\":5}")]
    [InlineData("{\"seq\":1,\"epoch\":\"\\ud800\"}")]
    [InlineData("{\"seq\":1,\"\\ud800\":1}")]
    [InlineData("{\"seq\":1")]
    [InlineData("{\"seq\":1}x")]
    public async Task Attack_18_What_is_no_position_is_refused(string payload)
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, _) = await InOneRoomAsync(broker);
        await using var client = await broker.ConnectAsync(ana);
        await client.SubscribeAsync("users/ana");
        Assert.True((await client.PublishAsync("users/ana/read/den", "{\"seq\":0,\"more\":1}")).Accepted);

        Assert.Equal(0x83, (await client.PublishAsync("users/ana/read/den", payload)).ReasonCode);

        await client.SendPublishAsync("users/ana/read/den", Encoding.UTF8.GetBytes(payload));
        Assert.Equal("bad_command", (await client.NextPublishAsync()).Json.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Attack_81_A_seq_of_another_epoch_is_refused()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var client = await broker.ConnectAsync(ana);
        await using var plain = await broker.ConnectAsync(ana, MqttVersion.V311);
        await plain.SubscribeAsync("users/ana");
        await using var other = await broker.ConnectAsync(bob);
        var said = await SayAsync(other, "rooms/den", 2);
        Assert.True((await client.PublishAsync("users/ana/read/den", Position(said[0].Seq, said[0].Epoch))).Accepted);

        var answer = await client.PublishAsync("users/ana/read/den", Position(said[1].Seq, "zzzzzz"));
        await plain.PublishAsync("users/ana/read/den", Position(said[1].Seq, "zzzzzz"));

        Assert.Equal(0x83, answer.ReasonCode);
        Assert.Contains("epoch", answer.ReasonString, StringComparison.Ordinal);
        Assert.Equal("epoch", (await plain.NextPublishAsync()).Json.GetProperty("code").GetString());
        Assert.Equal((said[0].Seq, 1), await RetainedAsync(client, "users/ana/read/den"));
    }

    [Theory]
    [InlineData("users/ana/read/den", "den")]
    [InlineData("users/ana/read/+", "den yard")]
    [InlineData("users/ana/+/yard", "yard")]
    [InlineData("users/ana/read", "-")]
    [InlineData("users/ana/+", "-")]
    [InlineData("users/ana/read/#", "- den yard")]
    [InlineData("users/ana/#", "- den yard")]
    public async Task What_is_retained_comes_first_of_all_that_the_filter_matches(string filter, string expected)
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, _) = await InOneRoomAsync(broker);
        await CreateAsync(broker, "yard", ana, isPrivate: true);
        await using var client = await broker.ConnectAsync(ana);

        await client.SubscribeAsync([new Filter(filter)]);

        List<ReceivedPublish> first = [.. await TakeAsync(client, expected.Split(' ').Length)];
        Assert.All(first, publish => Assert.True(publish.Retain));
        Assert.Equal(expected, string.Join(' ', first.Select(publish => publish.Topic["users/ana/read".Length..].TrimStart('/') is { Length: > 0 } room ? room : "-").Order(StringComparer.Ordinal)));

        // And no more than that: what the client hears next is its own mark of the last of them.
        var last = first[^1].Topic;
        await client.PublishAsync("users/ana", "something to read");
        await client.PublishAsync(last == "users/ana/read" ? "users/ana" : "rooms/" + last["users/ana/read/".Length..], "something to read");
        Assert.True((await client.PublishAsync(last, Position(long.MaxValue))).Accepted);
        Assert.All(await client.PublishesUntilAsync(publish => publish.Topic == last), publish =>
        {
            Assert.False(publish.Retain);
            Assert.True(publish.Topic == last || (filter == "users/ana/#" && publish.Topic == "users/ana"), publish.Topic);
        });
    }

    [Fact]
    public async Task The_options_of_MQTT_5_say_whether_what_is_retained_comes()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var client = await broker.ConnectAsync(ana);
        await using var other = await broker.ConnectAsync(bob);
        var said = await SayAsync(other, "rooms/den", 2);
        MqttProperties numbered = new() { { PropertyId.SubscriptionIdentifier, 7u } };
        await client.SubscribeAsync([new Filter("users/ana/read/den", 1, DoNotSendRetained)], numbered);
        Assert.True((await client.PublishAsync("users/ana/read/den", Position(said[0].Seq))).Accepted);
        var live = await client.NextPublishAsync();
        Assert.Equal((false, said[0].Seq), (live.Retain, Read(live).Seq));
        Assert.Equal([7u], live.Properties.Numbers(PropertyId.SubscriptionIdentifier));

        await client.SubscribeAsync([new Filter("users/ana/read/den", 0, RetainAsPublished)]);
        Assert.True((await client.NextPublishAsync()).Retain);
        Assert.True((await client.PublishAsync("users/ana/read/den", Position(said[1].Seq))).Accepted);
        live = await client.NextPublishAsync();
        Assert.Equal((true, said[1].Seq, (byte)0), (live.Retain, Read(live).Seq, live.Qos));
    }

    [Theory]
    [InlineData("users/bob/read/den", 0x87)]
    [InlineData("users/bob/read/#", 0x87)]
    [InlineData("users/bob/#", 0x87)]
    [InlineData("users/+/read/den", 0x87)]
    [InlineData("users/ana/read/Den", 0x87)]
    [InlineData("users/ana/other", 0x87)]
    [InlineData("users/ana/read/den/more", 0x87)]
    public async Task Attack_35_Filters_on_others_positions_are_refused(string filter, byte code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, _) = await InOneRoomAsync(broker);
        await using var client = await broker.ConnectAsync(ana);

        Assert.Equal([1, code, 1], (await client.SubscribeAsync([new Filter("users/ana/read/den"), new Filter(filter), new Filter("users/ana/#")])).ReasonCodes);
    }

    [Fact]
    public async Task Catching_up_goes_with_whispers_alone()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, _) = await InOneRoomAsync(broker);
        await using var client = await broker.ConnectAsync(ana);
        MqttProperties last = new() { { "last", "1" } };

        Assert.Equal([0x83], (await client.SubscribeAsync("users/ana/#", properties: last)).ReasonCodes);
        Assert.Equal([0x83], (await client.SubscribeAsync("users/ana/read", properties: last)).ReasonCodes);
        Assert.Equal([1], (await client.SubscribeAsync("users/ana", properties: last)).ReasonCodes);
    }

    [Fact]
    public async Task Attack_80_A_token_marks_and_hears_what_it_may_read_and_no_more()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await CreateAsync(broker, "yard", ana, isPrivate: true);
        await using var other = await broker.ConnectAsync(bob);
        await SayAsync(other, "rooms/den", 2);
        await using var whole = await broker.ConnectAsync(ana, password: await broker.TokenAsync(ana.Account, verbs: Verbs.Read), clientId: "whole");
        await using var den = await broker.ConnectAsync(ana, password: await broker.TokenAsync(ana.Account, ["den"]), clientId: "den");
        await using var poster = await broker.ConnectAsync(ana, password: await broker.TokenAsync(ana.Account, verbs: Verbs.Post), clientId: "poster");
        foreach (var topic in (string[])["users/ana/read/den", "users/ana/read/yard", "users/ana/read"])
        {
            Assert.Equal(0, (await whole.PublishAsync(topic, Position(0))).ReasonCode);
            Assert.Equal(0x87, (await poster.PublishAsync(topic, Position(0))).ReasonCode);
            Assert.Equal(topic == "users/ana/read/den" ? 0 : 0x87, (await den.PublishAsync(topic, Position(0))).ReasonCode);
        }

        Assert.Equal([0x87], (await poster.SubscribeAsync("users/ana/read/den")).ReasonCodes);
        Assert.Equal([0x87], (await den.SubscribeAsync("users/ana/read/yard")).ReasonCodes);
        Assert.Equal([1], (await den.SubscribeAsync("users/ana/#")).ReasonCodes);
        Assert.Equal([1], (await whole.SubscribeAsync("users/ana/#")).ReasonCodes);
        await whole.PublishesUntilAsync(publish => publish.Topic == "users/ana/read/yard");

        await other.PublishAsync("users/ana", "psst");
        await using (var client = await broker.ConnectAsync(ana))
        {
            await client.PublishAsync("rooms/yard", "hello");
            foreach (var topic in (string[])["users/ana/read", "users/ana/read/yard", "users/ana/read/den"])
            {
                Assert.True((await client.PublishAsync(topic, Position(long.MaxValue))).Accepted);
            }
        }

        // The retained one and the change of the one room, then a notice: neither whispers nor the other room.
        Assert.Equal([("users/ana/read/den", true), ("users/ana/read/den", false)], (await TakeAsync(den, 2)).Select(publish => (publish.Topic, publish.Retain)));
        await den.SendPublishAsync("rooms/yard", default);
        Assert.Equal("notice", (await den.NextPublishAsync()).Json.Type());
    }
}
