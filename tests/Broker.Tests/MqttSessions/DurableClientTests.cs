using System.Text;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.MqttSessions.Talk;

namespace WebMessenger.Broker.Tests.MqttSessions;

/// <summary>What is kept for a client that is away, how it follows when the client is back, and what ends it.</summary>
public sealed class DurableClientTests
{
    private const string Password = "correct horse battery staple";

    /// <summary>The protocol level, 4 for MQTT 3.1.1, and whether the server restarts meanwhile.</summary>
    public static TheoryData<int, bool> Ways => new() { { 4, false }, { 5, false }, { 4, true }, { 5, true } };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task What_was_missed_follows_in_order_and_then_what_comes(int level, bool restarts)
    {
        var version = (MqttVersion)level;
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var (bot, first) = await ConnectAsync(broker, bob, version);
        Assert.False(first.SessionPresent);
        await bot.SubscribeAsync("rooms/lobby");
        var speaker = await broker.ConnectAsync(ana);
        await SayAsync(speaker, 1, 3);
        await UntilAsync(bot, 3);
        await bot.DisconnectAsync();
        await bot.WaitForCloseAsync();
        await SayAsync(speaker, 4, 503);
        if (restarts)
        {
            await speaker.DisposeAsync();
            await broker.RestartAsync();
            speaker = await broker.ConnectAsync(ana);
        }

        var (back, answer) = await ConnectAsync(broker, bob, version);
        Assert.True(answer.SessionPresent);
        var missed = await UntilAsync(back, 503);
        await SayAsync(speaker, 504, 510);
        var live = await UntilAsync(back, 510);

        Assert.Equal(Enumerable.Range(4, 507).Select(Number), Texts([.. missed, .. live]));
        Assert.All(missed, publish => Assert.Equal(1, publish.Qos));
        await back.DisposeAsync();
        await bot.DisposeAsync();
        await speaker.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task What_was_not_acknowledged_comes_first_with_DUP_and_its_packet_id(int level, bool restarts)
    {
        var version = (MqttVersion)level;
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var (bot, _) = await ConnectAsync(broker, bob, version);
        bot.AcknowledgesItself = false;
        await bot.SubscribeAsync("rooms/lobby");
        await bot.SubscribeAsync("users/bob");
        var speaker = await broker.ConnectAsync(ana);
        await SayAsync(speaker, 1, 2);
        await speaker.PublishAsync("users/bob", "a whisper");
        await SayAsync(speaker, 3, 5);
        var sent = await TakeAsync(bot, publish => Is(publish, "5"), 6);
        await bot.AcknowledgeAsync(sent[1]);
        await bot.AcknowledgeAsync(sent[3]);
        await bot.PingAsync();
        bot.Abort();
        await bot.WaitForCloseAsync();

        // What is said before the server sees that counts as sent.
        await GoneAsync(broker, bob);
        await SayAsync(speaker, 6, 7);
        if (restarts)
        {
            await speaker.DisposeAsync();
            await broker.RestartAsync();
            speaker = await broker.ConnectAsync(ana);
        }

        var (back, answer) = await ConnectAsync(broker, bob, version);
        Assert.True(answer.SessionPresent);
        var again = (await UntilAsync(back, 7)).Where(publish => publish.Json.Type() is "message" or "whisper").ToList();

        var unacknowledged = sent.Where(publish => publish != sent[1] && publish != sent[3]).ToList();
        Assert.Equal(unacknowledged.Select(publish => (publish.PacketId, publish.Text)), again.Where(publish => publish.Duplicate).Select(publish => (publish.PacketId, publish.Text)));
        Assert.Equal(["6", "7"], again.Where(publish => !publish.Duplicate).Select(publish => publish.Json.Text()));
        Assert.True(again.TakeWhile(publish => publish.Duplicate).Count() == unacknowledged.Count, "What is sent again comes before what is new.");
        await back.PingAsync();
        await back.DisposeAsync();

        // Acknowledged this time: nothing comes a third time.
        var (last, _) = await ConnectAsync(broker, bob, version);
        await SayAsync(speaker, 8, 8);
        Assert.Equal(["8"], Texts(await UntilAsync(last, 8)));
        await last.DisposeAsync();
        await bot.DisposeAsync();
        await speaker.DisposeAsync();
    }

    [Fact]
    public async Task What_is_sent_again_keeps_to_a_smaller_Receive_Maximum()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var (bot, _) = await ConnectAsync(broker, bob);
        bot.AcknowledgesItself = false;
        await bot.SubscribeAsync("rooms/lobby");
        await using var speaker = await broker.ConnectAsync(ana);
        await SayAsync(speaker, 1, 100);
        var sent = await TakeAsync(bot, publish => Is(publish, "100"), 100);
        bot.Abort();
        await bot.WaitForCloseAsync();

        await using var back = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        back.AcknowledgesItself = false;
        var answer = await back.ConnectAsync("bob", bob.Token, "bot", cleanStart: false, properties: new MqttProperties { { PropertyId.SessionExpiry, 3600 }, { PropertyId.ReceiveMaximum, 3 } });
        Assert.True(answer.SessionPresent);
        List<ReceivedPublish> heard = [];
        while (heard.Count == 0 || !Is(heard[^1], "100"))
        {
            // Three and no more, until one is acknowledged.
            var now = await TakeAsync(back, _ => true, Math.Min(3, sent.Count - heard.Count));
            await back.PingAsync();
            Assert.Empty(back.AlreadyHere());
            heard.AddRange(now);
            foreach (var publish in now)
            {
                await back.AcknowledgeAsync(publish);
            }
        }

        Assert.Equal(sent.Select(publish => (publish.PacketId, publish.Text)), heard.Select(publish => (publish.PacketId, publish.Text)));
        Assert.All(heard, publish => Assert.True(publish.Duplicate));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task A_clean_start_forgets_everything(int level)
    {
        var version = (MqttVersion)level;
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await LeaveBehindAsync(broker, bob, version, "rooms/lobby");
        await using var speaker = await broker.ConnectAsync(ana);
        await SayAsync(speaker, 1, 3);
        await using (var clean = await RawMqttClient.OverTcpAsync(broker.Mqtt, version))
        {
            Assert.False((await clean.ConnectAsync("bob", bob.Token, "bot")).SessionPresent);
            await clean.DisconnectAsync();
            await clean.WaitForCloseAsync();
        }

        await broker.RestartAsync();
        var (back, answer) = await ConnectAsync(broker, bob, version);

        Assert.False(answer.SessionPresent);
        Assert.Empty(await HeardWhileAsync(broker, ana, back));
        await back.DisposeAsync();
    }

    [Fact]
    public async Task It_is_kept_for_the_time_it_asked_for_and_for_seven_days_at_most()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var bob = await broker.RegisterAsync("bob");
        await using var greedy = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        var answer = await greedy.ConnectAsync("bob", bob.Token, "greedy", properties: new MqttProperties { { PropertyId.SessionExpiry, uint.MaxValue } });
        Assert.Equal(7u * 24 * 60 * 60, answer.Properties.Number(PropertyId.SessionExpiry));
        await greedy.DisconnectAsync();
        await greedy.WaitForCloseAsync();
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby");

        time.Advance(TimeSpan.FromSeconds(3599));
        broker.Get<DurableClients>().Sweep();
        var (back, present) = await ConnectAsync(broker, bob);
        Assert.True(present.SessionPresent);
        await back.DisconnectAsync();
        await back.WaitForCloseAsync();
        await GoneAsync(broker, bob);

        time.Advance(TimeSpan.FromSeconds(3601));
        broker.Get<DurableClients>().Sweep();
        Assert.False((await ConnectAsync(broker, bob)).Answer.SessionPresent);
        Assert.True((await ConnectAsync(broker, bob, clientId: "greedy")).Answer.SessionPresent);
    }

    [Fact]
    public async Task A_client_may_say_at_the_end_that_it_will_not_come_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var bob = await broker.RegisterAsync("bob");
        var (bot, _) = await ConnectAsync(broker, bob);
        await bot.SubscribeAsync("rooms/lobby");

        // DISCONNECT, normal, Session Expiry Interval 0 (MQTT 5.0, 3.14.2.2.2).
        await bot.SendAsync(new byte[] { 0xE0, 7, 0, 5, 0x11, 0, 0, 0, 0 });
        await bot.WaitForCloseAsync();
        await GoneAsync(broker, bob);

        Assert.False((await ConnectAsync(broker, bob)).Answer.SessionPresent);
    }

    [Fact]
    public async Task A_client_that_is_not_durable_cannot_become_so_at_the_end()
    {
        await using var broker = await RunningBroker.StartAsync();
        var bob = await broker.RegisterAsync("bob");
        await using var client = await broker.ConnectAsync(bob, clientId: "bot");

        await client.SendAsync(new byte[] { 0xE0, 7, 0, 5, 0x11, 0, 0, 0, 9 });

        Assert.Equal((byte)0x82, (await client.WaitForCloseAsync()).Disconnect);
        Assert.False((await ConnectAsync(broker, bob)).Answer.SessionPresent);
    }

    [Fact]
    public async Task The_end_of_the_login_session_is_its_end_also_while_it_is_away()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var other = new Member(bob.Account, await broker.TokenAsync(bob.Account));
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby");
        await LeaveBehindAsync(broker, other, MqttVersion.V5, "rooms/lobby", "kept");
        var sessions = broker.Get<LoginSessions>();
        var ended = sessions.List(bob.Account).Single(session => session.ClientIds.Contains("bot"));
        await sessions.EndAsync(ended, RevocationReason.TokenRevoked);

        Assert.False((await ConnectAsync(broker, other)).Answer.SessionPresent);
        await broker.RestartAsync();

        // That of another login session is there; the one that ended is not, whatever was on disk.
        Assert.True((await ConnectAsync(broker, other, clientId: "kept")).Answer.SessionPresent);
    }

    [Fact]
    public async Task A_password_login_session_is_listed_while_its_client_is_away_also_after_a_restart_and_ends_with_the_password()
    {
        await using var broker = await RunningBroker.StartAsync();
        var bob = await broker.RegisterAsync("bob");
        await using (var bot = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311))
        {
            Assert.True((await bot.ConnectAsync("bob", Password, "bot", cleanStart: false)).Accepted);
            await bot.SubscribeAsync("rooms/lobby");
        }

        await GoneAsync(broker, bob);
        var before = Assert.Single(broker.Get<LoginSessions>().List(bob.Account), session => session.Kind == LoginSessionKind.Password);
        await broker.RestartAsync();
        var account = broker.Get<AccountDirectory>().FindByUserName("bob")!;
        var after = Assert.Single(broker.Get<LoginSessions>().List(account), session => session.Kind == LoginSessionKind.Password);
        Assert.Equal((before.Id, "bot"), (after.Id, Assert.Single(after.ClientIds)));

        var changed = await broker.Get<AccountChanges>().ChangeAsync((await broker.SignInAsync(account)).Session, Password, new AccountChange { NewPassword = Password + "!" }, null);
        Assert.True(changed.TryGet(out _, out var refusal), $"{refusal}");

        await using var back = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311);
        Assert.False((await back.ConnectAsync("bob", Password + "!", "bot", cleanStart: false)).SessionPresent);
    }

    [Fact]
    public async Task A_lost_room_is_forgotten_and_begins_anew_should_it_come_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var rooms = broker.Get<RoomDirectory>();
        await rooms.CreateAsync(Id("secret"), "Secret", "", isPrivate: true, ana.Account);
        await rooms.JoinAsync(broker.Room("secret"), bob.Account);
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/+");
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/secret", "named");
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.PublishAsync("rooms/secret", "while a member");
        await rooms.LeaveAsync(broker.Room("secret"), bob.Account);
        await speaker.PublishAsync("rooms/secret", "not for bob");
        await rooms.JoinAsync(broker.Room("secret"), bob.Account);
        await speaker.PublishAsync("rooms/secret", "a member again");

        var (back, _) = await ConnectAsync(broker, bob);
        var heard = await back.PublishesUntilAsync(publish => Is(publish, "a member again"));
        Assert.Equal(["a member again"], Texts(heard));

        // The room that was named is subscribed to anew, or not at all.
        var (named, answer) = await ConnectAsync(broker, bob, clientId: "named");
        Assert.True(answer.SessionPresent);
        Assert.Empty(await HeardWhileAsync(broker, ana, named, "secret"));
        await back.DisposeAsync();
        await named.DisposeAsync();
    }

    [Fact]
    public async Task A_room_that_came_meanwhile_begins_where_the_account_came_on_its_list()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var rooms = broker.Get<RoomDirectory>();
        await rooms.CreateAsync(Id("club"), "Club", "", isPrivate: true, ana.Account);
        await LeaveBehindAsync(broker, bob, MqttVersion.V311, "rooms/+");
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.PublishAsync("rooms/club", "before bob");
        await rooms.JoinAsync(broker.Room("club"), bob.Account);
        await speaker.PublishAsync("rooms/club", "bob is in");
        await broker.RestartAsync();

        var (back, _) = await ConnectAsync(broker, bob, MqttVersion.V311);
        var heard = await back.PublishesUntilAsync(publish => Is(publish, "bob is in"));

        Assert.Equal(["bob is in"], Texts(heard));
        await back.DisposeAsync();
    }

    [Fact]
    public async Task A_filter_of_QoS_0_gets_nothing_of_what_was_missed()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby", qos: 0);
        await using var speaker = await broker.ConnectAsync(ana);
        await SayAsync(speaker, 1, 3);

        var (back, answer) = await ConnectAsync(broker, bob);
        Assert.True(answer.SessionPresent);
        await SayAsync(speaker, 4, 4);

        Assert.Equal(["4"], Texts(await UntilAsync(back, 4)));
        await back.DisposeAsync();
    }

    [Fact]
    public async Task Subscribing_again_changes_options_and_moves_nothing_unless_it_says_after()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var speaker = await broker.ConnectAsync(ana);
        var said = await SayAsync(speaker, 1, 2);
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby");
        await SayAsync(speaker, 3, 5);

        var (back, _) = await ConnectAsync(broker, bob);
        await back.SubscribeAsync("rooms/lobby", properties: new MqttProperties { { PropertyId.SubscriptionIdentifier, 7 } });
        await SayAsync(speaker, 6, 6);
        Assert.Equal(["3", "4", "5", "6"], Texts(await UntilAsync(back, 6)));

        await back.SubscribeAsync("rooms/lobby", properties: new MqttProperties { { "after", Number((int)said[0].Seq) }, { "epoch", said[0].Epoch! } });
        Assert.Equal(["2", "3", "4", "5", "6"], Texts(await UntilAsync(back, 6)));
        await back.DisposeAsync();
    }

    [Fact]
    public async Task An_inbox_that_was_empty_brings_its_first_whisper_and_no_reset_also_after_a_restart()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await LeaveBehindAsync(broker, bob, MqttVersion.V311, "users/bob");
        await broker.RestartAsync();
        await using var speaker = await broker.ConnectAsync(ana);
        Assert.True((await speaker.PublishAsync("users/bob", "the first")).Accepted);

        var (back, answer) = await ConnectAsync(broker, bob, MqttVersion.V311);

        Assert.True(answer.SessionPresent);
        Assert.Equal("whisper", (await back.NextPublishAsync()).Json.Type());
        await back.DisposeAsync();
    }

    [Fact]
    public async Task What_it_unsubscribed_from_does_not_come_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var (bot, _) = await ConnectAsync(broker, bob);
        await bot.SubscribeAsync("rooms/lobby");
        await bot.UnsubscribeAsync("rooms/lobby");
        bot.Abort();
        await bot.DisposeAsync();
        await GoneAsync(broker, bob);
        await broker.RestartAsync();

        var (back, answer) = await ConnectAsync(broker, bob);
        Assert.True(answer.SessionPresent);
        Assert.Empty(await HeardWhileAsync(broker, ana, back));
        await back.DisposeAsync();
    }

    [Fact]
    public async Task Another_connection_of_the_client_takes_over_where_the_first_one_was()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var (bot, _) = await ConnectAsync(broker, bob);
        bot.AcknowledgesItself = false;
        await bot.SubscribeAsync("rooms/lobby");
        await using var speaker = await broker.ConnectAsync(ana);
        await SayAsync(speaker, 1, 3);
        var sent = await TakeAsync(bot, publish => Is(publish, "3"), 3);
        await bot.AcknowledgeAsync(sent[0]);
        await bot.PingAsync();

        var (second, answer) = await ConnectAsync(broker, bob);

        Assert.True(answer.SessionPresent);
        Assert.Equal((byte)0x8E, (await bot.WaitForCloseAsync()).Disconnect);
        await SayAsync(speaker, 4, 4);
        Assert.Equal(["2", "3", "4"], Texts(await UntilAsync(second, 4)));
        await bot.DisposeAsync();
        await second.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Fault_Q18_What_was_begun_before_an_UNSUBSCRIBE_is_sent_again_after_a_cut(int level, bool restarts)
    {
        var version = (MqttVersion)level;
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var (bot, _) = await ConnectAsync(broker, bob, version);
        bot.AcknowledgesItself = false;
        await bot.SubscribeAsync("rooms/lobby");
        var speaker = await broker.ConnectAsync(ana);
        await SayAsync(speaker, 1, 3);
        var sent = await TakeAsync(bot, publish => Is(publish, "3"), 3);
        await bot.AcknowledgeAsync(sent[0]);
        await bot.UnsubscribeAsync("rooms/lobby");
        await SayAsync(speaker, 4, 4);
        bot.Abort();
        await bot.DisposeAsync();
        await GoneAsync(broker, bob);
        if (restarts)
        {
            await speaker.DisposeAsync();
            await broker.RestartAsync();
            speaker = await broker.ConnectAsync(ana);
        }

        // Cut again before it is acknowledged: it is owed all the same.
        var (second, _) = await ConnectAsync(broker, bob, version, acknowledges: false);
        await TakeAsync(second, publish => Is(publish, "3"), 2);
        second.Abort();
        await second.DisposeAsync();
        await GoneAsync(broker, bob);
        var (back, answer) = await ConnectAsync(broker, bob, version);
        Assert.True(answer.SessionPresent);
        var again = await TakeAsync(back, publish => Is(publish, "3"), 2);

        // [MQTT-3.10.4-3] Completed, and nothing that came after.
        Assert.Equal(sent.Skip(1).Select(publish => (publish.PacketId, publish.Text)), again.Select(publish => (publish.PacketId, publish.Text)));
        Assert.All(again, publish => Assert.True(publish.Duplicate));
        Assert.Empty(await HeardWhileAsync(broker, ana, back));
        await back.DisposeAsync();
        var (last, _) = await ConnectAsync(broker, bob, version);
        Assert.Empty(await HeardWhileAsync(broker, ana, last));
        await last.DisposeAsync();
        await speaker.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault_Q18_Nothing_is_completed_for_who_was_taken_off_the_room(bool isConnected)
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var rooms = broker.Get<RoomDirectory>();
        await rooms.CreateAsync(Id("club"), "Club", "", isPrivate: true, ana.Account);
        await rooms.JoinAsync(broker.Room("club"), bob.Account);
        await using var speaker = await broker.ConnectAsync(ana);
        var (bot, _) = await ConnectAsync(broker, bob);
        bot.AcknowledgesItself = false;
        await bot.SubscribeAsync("rooms/club");
        await speaker.PublishAsync("rooms/club", "secret");
        await TakeAsync(bot, publish => Is(publish, "secret"), 1);
        await bot.UnsubscribeAsync("rooms/club");
        if (isConnected)
        {
            await rooms.LeaveAsync(broker.Room("club"), bob.Account);
        }

        bot.Abort();
        await bot.DisposeAsync();
        await GoneAsync(broker, bob);
        if (!isConnected)
        {
            await rooms.LeaveAsync(broker.Room("club"), bob.Account);
        }

        // Nor when it is back on the list: it begins anew there.
        await rooms.JoinAsync(broker.Room("club"), bob.Account);
        var (back, answer) = await ConnectAsync(broker, bob);

        Assert.True(answer.SessionPresent);
        Assert.Empty(await HeardWhileAsync(broker, ana, back, "club"));
        await back.DisposeAsync();
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(4, true)]
    [InlineData(5, false)]
    [InlineData(5, true)]
    public async Task Fault_S21_A_token_that_may_not_read_neither_takes_over_nor_ends_what_is_kept(int level, bool clean)
    {
        var version = (MqttVersion)level;
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var poster = bob with { Token = await broker.TokenAsync(bob.Account, verbs: Verbs.Post) };
        var (live, _) = await ConnectAsync(broker, bob, version);
        await live.SubscribeAsync("rooms/lobby");
        await using var speaker = await broker.ConnectAsync(ana);
        await RefusedAsync();
        await live.PingAsync();
        await live.DisposeAsync();
        await GoneAsync(broker, bob);
        await SayAsync(speaker, 1, 2);
        await RefusedAsync();
        await SayAsync(speaker, 3, 3);

        var (back, present) = await ConnectAsync(broker, bob, version);
        Assert.True(present.SessionPresent);
        Assert.Equal(["1", "2", "3"], Texts(await UntilAsync(back, 3)));

        // A client id of its own it may have, and, when nobody is connected who may more, whoever may read as much may have this one.
        await back.DisposeAsync();
        await GoneAsync(broker, bob);
        await using var other = await broker.ConnectAsync(poster, version, "other");
        var reader = bob with { Token = await broker.TokenAsync(bob.Account, verbs: Verbs.Read) };
        Assert.True((await ConnectAsync(broker, reader, version)).Answer.SessionPresent);

        async Task RefusedAsync()
        {
            await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, version);
            var answer = await client.ConnectAsync("bob", poster.Token, "bot", clean);
            Assert.Equal(version == MqttVersion.V5 ? 0x85 : 2, answer.ReasonCode);
            await client.WaitForCloseAsync();
        }
    }

    [Fact]
    public async Task Fault_S21_A_token_of_fewer_rooms_opens_what_holds_no_more_than_these()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await broker.Get<RoomDirectory>().CreateAsync(Id("club"), "Club", "", isPrivate: false, ana.Account);
        var ofClub = bob with { Token = await broker.TokenAsync(bob.Account, ["club"]) };
        var ofBoth = bob with { Token = await broker.TokenAsync(bob.Account, ["club", "lobby"]) };
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/club", "club");
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby", "lobby");
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/+", "all");
        await LeaveBehindAsync(broker, ofClub, MqttVersion.V5, "rooms/+", "of the club");

        Assert.True((await ConnectAsync(broker, ofClub, clientId: "club")).Answer.SessionPresent);
        Assert.True((await ConnectAsync(broker, ofBoth, clientId: "of the club")).Answer.SessionPresent);
        foreach (var kept in new[] { "lobby", "all" })
        {
            Assert.Equal(0x85, (await ConnectAsync(broker, ofClub, clientId: kept)).Answer.ReasonCode);
            Assert.True((await ConnectAsync(broker, bob, clientId: kept)).Answer.SessionPresent);
        }
    }

    [Fact]
    public async Task Who_may_read_less_by_now_hears_less()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await broker.Get<RoomDirectory>().CreateAsync(Id("club"), "Club", "", isPrivate: false, ana.Account);
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby");
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/club", present: true);
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.PublishAsync("rooms/lobby", "in the lobby");
        await speaker.PublishAsync("rooms/club", "in the club");
        await broker.Get<RoomDirectory>().LeaveAsync(broker.Room("lobby"), bob.Account);

        var (back, answer) = await ConnectAsync(broker, bob);
        Assert.True(answer.SessionPresent);
        await speaker.PublishAsync("rooms/lobby", "live in the lobby");
        await speaker.PublishAsync("rooms/club", "live in the club");
        var heard = await back.PublishesUntilAsync(publish => Is(publish, "live in the club"));

        Assert.Equal(["in the club", "live in the club"], Texts(heard));
        await back.DisposeAsync();
    }

    [Fact]
    public async Task Guests_are_not_kept_and_are_told_so()
    {
        await using var broker = await RunningBroker.StartAsync();
        var entered = await broker.Get<Registration>().EnterAsGuestAsync("Zé", null);
        Assert.True(entered.TryGet(out var guest, out _));
        var cookie = await broker.SignInAsync(guest);
        for (var i = 0; i < 2; i++)
        {
            WebSocketDoor door = new($"webmessenger={cookie.Secret}", broker.Http.GetLeftPart(UriPartial.Authority));
            await using var client = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, door);
            var answer = await client.ConnectAsync(clientId: "tab", cleanStart: false, properties: new MqttProperties { { PropertyId.SessionExpiry, 3600 } });
            Assert.True(answer.Accepted);
            Assert.False(answer.SessionPresent);
            Assert.Equal(0u, answer.Properties.Number(PropertyId.SessionExpiry));
            await client.SubscribeAsync("rooms/lobby");
        }
    }

    [Fact]
    public async Task An_account_has_so_many_durable_clients_and_no_more()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:DurableClientsPerAccount", "2");
        var bob = await broker.RegisterAsync("bob");
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby", "one");
        await LeaveBehindAsync(broker, bob, MqttVersion.V311, "rooms/lobby", "two");

        var (refused, answer) = await ConnectAsync(broker, bob, clientId: "three");
        Assert.Equal((byte)0x97, answer.ReasonCode);
        Assert.Contains("2 durable clients", answer.Properties.Text(PropertyId.ReasonString), StringComparison.Ordinal);
        await refused.WaitForCloseAsync();
        Assert.Equal((byte)3, (await ConnectAsync(broker, bob, MqttVersion.V311, "three")).Answer.ReasonCode);

        // One that starts clean is not counted, one that is known goes on, and one that ends makes room.
        await using (await broker.ConnectAsync(bob, clientId: "three"))
        {
            Assert.True((await ConnectAsync(broker, bob, clientId: "one")).Answer.SessionPresent);
        }

        await using (await broker.ConnectAsync(bob, clientId: "two"))
        {
            Assert.True((await ConnectAsync(broker, bob, clientId: "three")).Answer.Accepted);
        }
    }

    [Theory]
    [InlineData("V5")]
    [InlineData("V311")]
    public async Task Fault_S21_Ids_that_are_never_released_are_twice_the_Receive_Maximum_with_those_of_earlier_connections(string versionName)
    {
        const int ReceiveMaximum = 4;
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:UnacknowledgedPerClient", $"{ReceiveMaximum}");
        var bob = await broker.RegisterAsync("bob");
        for (ushort connection = 0; connection < 2; connection++)
        {
            var (bot, _) = await ConnectAsync(broker, bob, version);
            for (ushort i = 1; i <= ReceiveMaximum; i++)
            {
                await bot.SendPublishAsync("rooms/lobby", Encoding.UTF8.GetBytes("x"), qos: 2, packetId: (ushort)((connection * ReceiveMaximum) + i));
                await bot.NextAsync(PacketType.PubRec, (ushort)((connection * ReceiveMaximum) + i));
            }

            bot.Abort();
            await bot.DisposeAsync();
            await GoneAsync(broker, bob);
        }

        var (again, _) = await ConnectAsync(broker, bob, version);
        await again.SendPublishAsync("rooms/lobby", Encoding.UTF8.GetBytes("one more"), qos: 2, packetId: 99);
        await again.PingAsync();
        Assert.Equal(2 * ReceiveMaximum, broker.Room("lobby").Head);
        await again.SendAsync(new MqttWriter().UInt16(1).ToPacket(PacketType.PubRel, 2));
        await again.NextAsync(PacketType.PubComp, 1);
        await again.NextAsync(PacketType.PubRec, 99);
        await again.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_QoS_2_publish_that_is_sent_again_on_a_new_connection_is_stored_once(int level, bool restarts)
    {
        var version = (MqttVersion)level;
        await using var broker = await RunningBroker.StartAsync();
        var bob = await broker.RegisterAsync("bob");
        var (bot, _) = await ConnectAsync(broker, bob, version);
        var payload = Encoding.UTF8.GetBytes("once");
        await bot.SendPublishAsync("rooms/lobby", payload, qos: 2, packetId: 77);
        await bot.NextAsync(PacketType.PubRec, 77);
        bot.Abort();
        await bot.DisposeAsync();
        await GoneAsync(broker, bob);
        if (restarts)
        {
            await broker.RestartAsync();
        }

        var (back, answer) = await ConnectAsync(broker, bob, version);
        Assert.True(answer.SessionPresent);
        await back.SendPublishAsync("rooms/lobby", payload, qos: 2, packetId: 77, duplicate: true);
        Assert.True(PubAck.Decode(await back.NextAsync(PacketType.PubRec, 77)).Accepted);
        await back.SendAsync(new MqttWriter().UInt16(77).ToPacket(PacketType.PubRel, 2));
        await back.NextAsync(PacketType.PubComp, 77);

        // Released: the same id is a new publish.
        await back.SendPublishAsync("rooms/lobby", payload, qos: 2, packetId: 77);
        await back.NextAsync(PacketType.PubRec, 77);
        await using var reader = await broker.ConnectAsync(bob);
        await reader.SubscribeAsync("rooms/lobby", properties: new MqttProperties { { "after", "0" } });
        await reader.PublishAsync("rooms/lobby", "the end");
        Assert.Equal(["once", "once", "the end"], Texts(await reader.PublishesUntilAsync(publish => Is(publish, "the end"))));
        await back.DisposeAsync();
    }

    [Fact]
    public async Task A_message_that_expired_meanwhile_is_not_delivered_but_is_history()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby");
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.SubscribeAsync("rooms/lobby");
        Assert.True((await speaker.PublishAsync("rooms/lobby", "for a second", properties: new MqttProperties { { PropertyId.MessageExpiry, 1 } })).Accepted);
        Assert.True((await speaker.PublishAsync("rooms/lobby", "for an hour", properties: new MqttProperties { { PropertyId.MessageExpiry, 3600 } })).Accepted);
        await SayAsync(speaker, 1, 1);
        var live = (await UntilAsync(speaker, 1)).Where(publish => publish.Json.Type() == "message").ToList();
        Assert.Equal([1u, 3600u, null], live.Select(publish => publish.Properties.Number(PropertyId.MessageExpiry)));
        var until = DateTimeOffset.UtcNow.AddSeconds(1);
        while (DateTimeOffset.UtcNow <= until)
        {
            await speaker.PingAsync();
        }

        var (back, _) = await ConnectAsync(broker, bob);
        var heard = (await UntilAsync(back, 1)).Where(publish => publish.Json.Type() == "message").ToList();
        Assert.Equal(["for an hour", "1"], Texts(heard));
        Assert.InRange(heard[0].Properties.Number(PropertyId.MessageExpiry) ?? 0, 3300u, 3599u);
        await back.SubscribeAsync("rooms/lobby", properties: new MqttProperties { { "after", "0" } });
        Assert.Equal(["for a second", "for an hour", "1"], Texts(await UntilAsync(back, 1)));
        await back.DisposeAsync();
    }

    [Fact]
    public async Task Who_is_here_is_said_anew_to_a_client_that_is_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/lobby/#");
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.SubscribeAsync("rooms/lobby");

        var (back, _) = await ConnectAsync(broker, bob);

        await back.PublishesUntilAsync(publish => publish.Topic == "rooms/lobby/presence/ana" && publish.Payload.Length > 0);
        await back.DisposeAsync();
    }

    private static async Task<(RawMqttClient Client, ConnAck Answer)> ConnectAsync(
        RunningBroker broker, Member member, MqttVersion version = MqttVersion.V5, string clientId = "bot", bool acknowledges = true)
    {
        var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, version);
        client.AcknowledgesItself = acknowledges;
        var properties = version == MqttVersion.V5 ? new MqttProperties { { PropertyId.SessionExpiry, 3600 } } : null;
        return (client, await client.ConnectAsync(member.Account.UserName, member.Token, clientId, cleanStart: false, properties: properties));
    }

    // A durable client subscribes and goes away.
    private static async Task LeaveBehindAsync(
        RunningBroker broker, Member member, MqttVersion version, string filter, string clientId = "bot", byte qos = 1, bool present = false)
    {
        var (client, answer) = await ConnectAsync(broker, member, version, clientId);
        Assert.Equal((0, present), (answer.ReasonCode, answer.SessionPresent));
        Assert.Equal([qos], (await client.SubscribeAsync(filter, qos)).ReasonCodes);
        await client.DisconnectAsync();
        await client.WaitForCloseAsync();
        await client.DisposeAsync();
        await GoneAsync(broker, member);
    }

    // Something is said: what does the client hear of it, up to the answer to a ping of its own?
    private static async Task<IReadOnlyList<ReceivedPublish>> HeardWhileAsync(RunningBroker broker, Member speaks, RawMqttClient client, string room = "lobby")
    {
        await using var speaker = await broker.ConnectAsync(speaks);
        await speaker.SubscribeAsync("rooms/" + room);
        Assert.True((await speaker.PublishAsync("rooms/" + room, "anybody there?")).Accepted);
        await speaker.PublishesUntilAsync(publish => Is(publish, "anybody there?"));
        await client.PingAsync();
        return [.. client.AlreadyHere().Where(publish => publish.Topic == "rooms/" + room)];
    }

    private static async Task<IReadOnlyList<ReceivedPublish>> TakeAsync(RawMqttClient client, Func<ReceivedPublish, bool> last, int count)
    {
        List<ReceivedPublish> taken = [];
        while (taken.Count < count)
        {
            var publish = await client.NextPublishAsync();
            if (publish.Json.Type() is "message" or "whisper")
            {
                taken.Add(publish);
            }
            else
            {
                await client.AcknowledgeAsync(publish);
            }
        }

        Assert.True(count == 0 || last(taken[^1]), client.Transcript());
        return taken;
    }

    private static async Task<IReadOnlyList<ReceivedPublish>> UntilAsync(RawMqttClient client, int number) => await client.PublishesUntilAsync(publish => Is(publish, Number(number)));

    private static IEnumerable<string> Texts(IEnumerable<ReceivedPublish> heard) =>
        heard.Where(publish => publish.Topic.StartsWith("rooms/", StringComparison.Ordinal) && publish.Text.Contains("\"type\":\"message\"", StringComparison.Ordinal))
            .Select(publish => publish.Json.Text()!);
}
