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

/// <summary>What is kept for a client that is away, how it follows when the client is back, and what ends it.</summary>
public sealed class DurableClientTests
{
    [Theory]
    [MemberData(nameof(Ways), MemberType = typeof(KeptClients))]
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
    [MemberData(nameof(Ways), MemberType = typeof(KeptClients))]
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
    [MemberData(nameof(Ways), MemberType = typeof(KeptClients))]
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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_act_at_QoS_2_that_is_sent_again_on_a_new_connection_is_done_once(bool restarts)
    {
        await using var broker = await RunningBroker.StartAsync();
        var bob = await broker.RegisterAsync("bob");
        bob = bob with { Token = await broker.TokenAsync(bob.Account, verbs: Verbs.Everything) };
        var (bot, _) = await ConnectAsync(broker, bob, MqttVersion.V5);
        var payload = Encoding.UTF8.GetBytes("""{"type":"policy","topic":"once"}""");
        await bot.SendPublishAsync("rooms/lobby", payload, qos: 2, packetId: 77);
        Assert.True(PubAck.Decode(await bot.NextAsync(PacketType.PubRec, 77)).Accepted);
        bot.Abort();
        await bot.DisposeAsync();
        await GoneAsync(broker, bob);
        if (restarts)
        {
            await broker.RestartAsync();
        }

        // What somebody has changed meanwhile stays.
        await using var other = await broker.ConnectAsync(bob);
        Assert.True((await other.PublishAsync("rooms/lobby", """{"type":"policy","topic":"twice"}""")).Accepted);
        var (back, _) = await ConnectAsync(broker, bob, MqttVersion.V5);
        await back.SendPublishAsync("rooms/lobby", payload, qos: 2, packetId: 77, duplicate: true);
        Assert.True(PubAck.Decode(await back.NextAsync(PacketType.PubRec, 77)).Accepted);

        Assert.Equal("twice", broker.Room("lobby").Record.Topic);
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
}
