using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>`users/{user}/read/{room}` and `users/{user}/read`, as the account's devices say and hear it.</summary>
public sealed class ReadTopicTests
{
    private const byte RetainAsPublished = 8;
    private const byte DoNotSendRetained = 32;

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

    [Fact]
    public async Task A_renamed_account_says_and_hears_it_under_its_new_name()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var other = await broker.ConnectAsync(bob);
        var said = await SayAsync(other, "rooms/den", 3);
        await using var client = await broker.ConnectAsync(ana);
        await client.SubscribeAsync([new Filter("users/ana/read/+"), new Filter("users/ana/#"), new Filter("rooms/den")]);
        Assert.True((await client.PublishAsync("users/ana/read/den", Position(said[0].Seq))).Accepted);

        var browser = await broker.SignInAsync(ana.Account);
        var renamed = await broker.Get<AccountChanges>().ChangeAsync(browser.Session, "correct horse battery staple", new AccountChange(UserName: "anna"), null);
        Assert.True(renamed.TryGet(out _, out var refusal), $"{refusal}");

        Assert.Equal(0x87, (await client.PublishAsync("users/ana/read/den", Position(said[1].Seq))).ReasonCode);
        Assert.True((await client.PublishAsync("users/anna/read/den", Position(said[1].Seq))).Accepted);

        // The old filters have ended: a message comes, and no position before it.
        await other.PublishAsync("rooms/den", "marker");
        Assert.DoesNotContain(
            await client.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal)), publish => publish.Text.Contains($"\"seq\":{said[1].Seq},\"epoch\":\"{said[1].Epoch}\",\"unread\"", StringComparison.Ordinal));
        Assert.Equal([0x11, 0x11], (await client.UnsubscribeAsync("users/ana/read/+", "users/ana/#")).ReasonCodes);
        Assert.Equal((said[1].Seq, 2), await RetainedAsync(client, "users/anna/read/den"));
        Assert.Equal([0x87], (await client.SubscribeAsync("users/ana/read/den")).ReasonCodes);
    }

    [Fact]
    public async Task It_begins_at_the_head_for_who_joins_and_again_for_who_comes_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        var rooms = broker.Get<RoomDirectory>();
        await using var other = await broker.ConnectAsync(bob);
        await SayAsync(other, "rooms/den", 3);
        await using var client = await broker.ConnectAsync(ana);
        Assert.Equal(3, (await RetainedAsync(client, "users/ana/read/den")).Unread);
        await client.SubscribeAsync([new Filter("users/ana/read/#", 1, DoNotSendRetained)]);

        await rooms.LeaveAsync(broker.Room("den"), ana.Account);
        Assert.Equal(0x87, (await client.PublishAsync("users/ana/read/den", Position(1))).ReasonCode);
        Assert.Null(broker.Get<IRecords>().Find(Encoding.ASCII.GetBytes($"read/{ana.Account.Id}/r/den")));
        var said = await SayAsync(other, "rooms/den", 2);
        await rooms.JoinAsync(broker.Room("den"), ana.Account);

        // Said without being asked for, too.
        Assert.Equal((said[1].Seq, 0), Read(await client.NextPublishAsync()));
        await SayAsync(other, "rooms/den", 1);
        Assert.Equal((said[1].Seq, 1), await RetainedAsync(client, "users/ana/read/den"));
    }

    [Fact]
    public async Task A_room_made_anew_under_an_old_name_begins_anew()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        var rooms = broker.Get<RoomDirectory>();
        await using var other = await broker.ConnectAsync(bob);
        await using var client = await broker.ConnectAsync(ana);
        var old = await SayAsync(other, "rooms/den", 5);
        Assert.True((await client.PublishAsync("users/ana/read/den", Position(old[2].Seq))).Accepted);

        Assert.Equal(RoomChange.Done, await rooms.DeleteAsync(broker.Room("den"), ana.Account));
        Assert.DoesNotContain(broker.Get<IRecords>().ReadAll("read/"u8), record => Encoding.ASCII.GetString(record.Key).EndsWith("/r/den", StringComparison.Ordinal));
        Assert.Equal(0x87, (await client.PublishAsync("users/ana/read/den", Position(1))).ReasonCode);
        await CreateAsync(broker, "den", ana, isPrivate: true);
        await rooms.JoinAsync(broker.Room("den"), bob.Account);
        var said = await SayAsync(other, "rooms/den", 2);

        Assert.Equal(0x83, (await client.PublishAsync("users/ana/read/den", Position(1, old[0].Epoch))).ReasonCode);
        Assert.Equal((0, 2), await RetainedAsync(client, "users/ana/read/den"));
        Assert.Equal(said[0].Seq, (await client.PublishAsync("users/ana/read/den", Position(said[0].Seq, said[0].Epoch))).Seq);
    }

    [Fact]
    public async Task A_restart_keeps_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        long seq;
        await using (var other = await broker.ConnectAsync(bob))
        {
            var said = await SayAsync(other, "rooms/den", 3);
            await other.PublishAsync("users/ana", "psst");
            await using var client = await broker.ConnectAsync(ana);
            seq = (await client.PublishAsync("users/ana/read/den", Position(said[1].Seq))).Seq;
            Assert.True((await client.PublishAsync("users/ana/read", Position(1))).Accepted);
        }

        await broker.RestartAsync();

        await using var again = await broker.ConnectAsync(ana);
        Assert.Equal((seq, 1), await RetainedAsync(again, "users/ana/read/den"));
        Assert.Equal((1, 0), await RetainedAsync(again, "users/ana/read"));
    }

    [Fact]
    public async Task Whispers_have_a_position_of_their_own()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var client = await broker.ConnectAsync(ana);
        await using var other = await broker.ConnectAsync(bob);
        var said = await SayAsync(other, "users/ana", 3);
        await client.PublishAsync("users/ana", "to myself");

        // Nobody has looked yet, and they wait all the same.
        await client.SubscribeAsync([new Filter("users/ana/read/#")]);
        var first = (await TakeAsync(client, 2)).Single(publish => publish.Topic == "users/ana/read");
        Assert.Equal($$"""{"v":1,"type":"read","to":"ana","seq":0,"epoch":"{{said[0].Epoch}}","unread":3}""", first.Text);
        Assert.Equal(said[1].Seq, (await client.PublishAsync("users/ana/read", Position(said[1].Seq, said[1].Epoch))).Seq);
        Assert.Equal((said[1].Seq, 1), Read(await client.NextPublishAsync()));
    }

    [Fact]
    public async Task An_erased_account_leaves_no_position_behind()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = await InOneRoomAsync(broker);
        await using var other = await broker.ConnectAsync(bob);
        await SayAsync(other, "rooms/den", 1);
        await using var client = await broker.ConnectAsync(ana);
        Assert.True((await client.PublishAsync("users/ana/read/den", Position(1))).Accepted);
        var records = broker.Get<IRecords>();
        var prefix = Encoding.ASCII.GetBytes($"read/{ana.Account.Id}/");
        Assert.NotEmpty(records.ReadAll(prefix));
        var others = records.ReadAll("read/"u8).Count - records.ReadAll(prefix).Count;

        await broker.Get<AccountChanges>().EraseAsync(ana.Account, "correct horse battery staple", null);

        Assert.Empty(records.ReadAll(prefix));
        Assert.Equal(others, records.ReadAll("read/"u8).Count);
        Assert.Equal(0x87, (await other.PublishAsync("users/ana/read/den", Position(1))).ReasonCode);
    }

    [Fact]
    public async Task A_guest_has_positions_too()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var speaker = await broker.ConnectAsync(ana);
        var entered = await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null);
        Assert.True(entered.TryGet(out var guest, out _));
        await using var client = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
        await client.SubscribeAsync([new Filter("rooms/lobby/text", 0), new Filter($"users/{guest.UserName}/read/+", 1, DoNotSendRetained)]);
        var said = await SayAsync(speaker, "rooms/lobby", 2);

        Assert.True((await client.PublishAsync($"users/{guest.UserName}/read/lobby", Position(said[0].Seq))).Accepted);

        var heard = await client.PublishesUntilAsync(publish => publish.Topic.StartsWith("users/", StringComparison.Ordinal));
        Assert.Equal((said[0].Seq, 1), Read(heard[^1]));
    }

    [Fact]
    public async Task Attack_41_A_will_says_nothing_about_reading()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, _) = await InOneRoomAsync(broker);
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        Assert.Equal(0, (await client.ConnectAsync("ana", ana.Token, will: new Will("users/ana/read/den", Position(1)))).ReasonCode);
        await client.SubscribeAsync("users/ana/#");

        var first = await client.PublishesUntilAsync(publish => publish.Topic == "users/ana");
        Assert.Equal("will_dropped", first[^1].Json.GetProperty("code").GetString());
    }

    /// <summary>Ana's private room, with Bob in it.</summary>
    private static async Task<(Member Ana, Member Bob)> InOneRoomAsync(RunningBroker broker)
    {
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await CreateAsync(broker, "den", ana, isPrivate: true);
        await broker.Get<RoomDirectory>().JoinAsync(broker.Room("den"), bob.Account);
        return (ana, bob);
    }

    private static async Task CreateAsync(RunningBroker broker, string name, Member owner, bool isPrivate)
    {
        Assert.True(RoomId.TryParse(name, out var id));
        Assert.Equal(RoomChange.Done, await broker.Get<RoomDirectory>().CreateAsync(id, name, "", isPrivate, owner.Account));
    }

    private static async Task<List<PubAck>> SayAsync(RawMqttClient speaker, string topic, int count)
    {
        List<PubAck> said = [];
        for (var i = 0; i < count; i++)
        {
            said.Add(await speaker.PublishAsync(topic, $"said {i}"));
            Assert.True(said[^1].Accepted);
        }

        return said;
    }

    private static async Task<List<ReceivedPublish>> TakeAsync(RawMqttClient client, int count)
    {
        List<ReceivedPublish> taken = [];
        while (taken.Count < count)
        {
            taken.Add(await client.NextPublishAsync());
        }

        return taken;
    }

    /// <summary>What a new subscription is shown; ends it again.</summary>
    private static async Task<(long Seq, int Unread)> RetainedAsync(RawMqttClient client, string topic)
    {
        await client.SubscribeAsync(topic);
        var shown = await client.PublishesUntilAsync(publish => publish.Topic == topic && publish.Retain);
        await client.UnsubscribeAsync(topic);
        return Read(shown[^1]);
    }

    private static (long Seq, int Unread) Read(ReceivedPublish publish) => (publish.Json.GetProperty("seq").GetInt64(), publish.Json.GetProperty("unread").GetInt32());

    private static string Position(long seq, string? epoch = null) =>
        epoch is null ? JsonSerializer.Serialize(new { seq }) : JsonSerializer.Serialize(new { seq, epoch });
}
