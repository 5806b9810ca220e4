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
using static WebMessenger.Broker.Tests.MqttSessions.KeptClients;

namespace WebMessenger.Broker.Tests.MqttSessions;

/// <summary>Filters of clients that are kept while they are away: what each brings of what was missed, and how it ends.</summary>
public sealed class DurableFilterTests
{
    [Fact]
    public async Task A_lost_room_is_forgotten_and_begins_anew_should_it_come_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var members = broker.Get<RoomMembers>();
        await broker.Get<RoomMaking>().CreateAsync(Id("secret"), "Secret", "", isPrivate: true, ana.Account);
        await members.JoinAsync(broker.Room("secret"), bob.Account);
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/+");
        await LeaveBehindAsync(broker, bob, MqttVersion.V5, "rooms/secret", "named");
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.PublishAsync("rooms/secret", "while a member");
        await members.LeaveAsync(broker.Room("secret"), bob.Account);
        await speaker.PublishAsync("rooms/secret", "not for bob");
        await members.JoinAsync(broker.Room("secret"), bob.Account);
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
        await broker.Get<RoomMaking>().CreateAsync(Id("club"), "Club", "", isPrivate: true, ana.Account);
        await LeaveBehindAsync(broker, bob, MqttVersion.V311, "rooms/+");
        await using var speaker = await broker.ConnectAsync(ana);
        await speaker.PublishAsync("rooms/club", "before bob");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("club"), bob.Account);
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

    [Theory]
    [MemberData(nameof(Ways), MemberType = typeof(KeptClients))]
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
        var members = broker.Get<RoomMembers>();
        await broker.Get<RoomMaking>().CreateAsync(Id("club"), "Club", "", isPrivate: true, ana.Account);
        await members.JoinAsync(broker.Room("club"), bob.Account);
        await using var speaker = await broker.ConnectAsync(ana);
        var (bot, _) = await ConnectAsync(broker, bob);
        bot.AcknowledgesItself = false;
        await bot.SubscribeAsync("rooms/club");
        await speaker.PublishAsync("rooms/club", "secret");
        await TakeAsync(bot, publish => Is(publish, "secret"), 1);
        await bot.UnsubscribeAsync("rooms/club");
        if (isConnected)
        {
            await members.LeaveAsync(broker.Room("club"), bob.Account);
        }

        bot.Abort();
        await bot.DisposeAsync();
        await GoneAsync(broker, bob);
        if (!isConnected)
        {
            await members.LeaveAsync(broker.Room("club"), bob.Account);
        }

        // Nor when it is back on the list: it begins anew there.
        await members.JoinAsync(broker.Room("club"), bob.Account);
        var (back, answer) = await ConnectAsync(broker, bob);

        Assert.True(answer.SessionPresent);
        Assert.Empty(await HeardWhileAsync(broker, ana, back, "club"));
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
}
