using System.Text;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.MqttSessions.Talk;

namespace WebMessenger.Broker.Tests.MqttSessions;

/// <summary>
/// What may go wrong between one connection of a durable client and the next:
/// half a redelivery, a store that is slow or fails, rooms that change.
/// </summary>
public sealed class DurableResumeTests
{
    [Fact]
    public async Task What_was_sent_again_in_part_comes_in_the_old_order_a_third_time()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var sent = await LeaveUnacknowledgedAsync(broker, ana, bob, 20);

        var half = await ConnectAsync(broker, bob, receiveMaximum: 3, acknowledges: false);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(sent[i].PacketId, (await half.NextPublishAsync()).PacketId);
        }

        half.Abort();
        await half.DisposeAsync();
        await using var back = await ConnectAsync(broker, bob);
        List<ReceivedPublish> again = [];
        while (again.Count < sent.Count)
        {
            again.Add(await back.NextPublishAsync());
        }

        Assert.Equal(sent.Select(publish => (publish.PacketId, publish.Text)), again.Select(publish => (publish.PacketId, publish.Text)));
        Assert.All(again, publish => Assert.True(publish.Duplicate));
    }

    [Fact]
    public async Task What_is_sent_again_goes_on_however_quickly_it_is_acknowledged()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        for (var round = 0; round < 5; round++)
        {
            var sent = await LeaveUnacknowledgedAsync(broker, ana, bob, 120);
            await using var back = await ConnectAsync(broker, bob, receiveMaximum: 1);

            // One at a time, each acknowledged as it comes: should the server miss that there is room again, nothing wakes it.
            foreach (var publish in sent)
            {
                Assert.Equal(publish.Text, (await back.NextPublishAsync()).Text);
            }

            await back.PingAsync();
        }
    }

    [Fact]
    public async Task What_is_sent_again_leaves_room_for_what_else_is_sent()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob, eva) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"), await broker.RegisterAsync("eva"));
        var sent = await LeaveUnacknowledgedAsync(broker, ana, bob, 100, "rooms/lobby/#");
        await using var churning = await broker.ConnectAsync(eva);

        await using var back = await ConnectAsync(broker, bob, receiveMaximum: 1, acknowledges: false);
        for (var again = 0; again < sent.Count;)
        {
            var publish = await back.NextPublishAsync();
            var churn = publish.Duplicate ? ChurnAsync(churning) : Task.CompletedTask;
            await back.PingAsync();
            Assert.DoesNotContain(back.AlreadyHere(), more => more.Qos > 0);
            again += publish.Duplicate ? 1 : 0;
            await back.AcknowledgeAsync(publish);
            await churn;
        }
    }

    [Fact]
    public async Task A_SUBSCRIBE_that_goes_back_while_the_log_is_read_loses_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var speaker = await broker.ConnectAsync(ana);
        await SayAsync(speaker, 1, 1000);
        await using var reader = await broker.ConnectAsync(ana);
        for (var round = 0; round < 200; round++)
        {
            await reader.SubscribeAsync("rooms/lobby", qos: 0, new MqttProperties { { "after", "0" } });
            var last = (await reader.PublishesUntilAsync(publish => SeqOf(publish) == 1))[^1];

            // As far as the feeder happens to be.
            foreach (var publish in reader.AlreadyHere())
            {
                Assert.Equal(SeqOf(last) + 1, SeqOf(publish));
                last = publish;
            }
        }
    }

    [Fact]
    public async Task A_QoS_2_publish_that_the_store_refused_is_not_taken_for_received()
    {
        await using var broker = await RunningBroker.StartAsync();
        var bob = await broker.RegisterAsync("bob");
        await using var bot = await ConnectAsync(broker, bob, version: MqttVersion.V311, present: false);
        var payload = Encoding.UTF8.GetBytes("not stored");
        await broker.Get<IEventLog>().DisposeAsync();

        await bot.SendPublishAsync("rooms/lobby", payload, qos: 2, packetId: 77);
        await bot.WaitForCloseAsync();
        await GoneAsync(broker, bob);
        await using var back = await ConnectAsync(broker, bob, version: MqttVersion.V311);
        await back.SendPublishAsync("rooms/lobby", payload, qos: 2, packetId: 77, duplicate: true);
        await back.WaitForCloseAsync();

        Assert.DoesNotContain("PUBREC", bot.Transcript() + back.Transcript(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_QoS_2_publish_is_not_answered_on_the_next_connection_before_the_store_has_decided()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var bob = await broker.RegisterAsync("bob");
        await using var reader = await broker.ConnectAsync(bob);
        await reader.SubscribeAsync("rooms/lobby");
        await using var bot = await ConnectAsync(broker, bob, present: false);
        var payload = Encoding.UTF8.GetBytes("once");
        using (BusyStore busy = new(broker.Get<IEventLog>()))
        {
            await bot.SendPublishAsync("rooms/lobby", payload, qos: 2, packetId: 77);
            await bot.PingAsync();
            bot.Abort();
            await ConnectionsAsync(broker, bob, 1);

            await using var early = await RawMqttClient.OverTcpAsync(broker.Mqtt);
            var answer = early.ConnectAsync("bob", bob.Token, "bot", cleanStart: false, properties: Kept());
            while (!answer.IsCompleted)
            {
                time.Advance(TimeSpan.FromSeconds(1));
                await reader.PingAsync();
            }

            Assert.Equal((byte)0x88, (await answer).ReasonCode);
        }

        // Heard, so it is decided; and it is stored once.
        await reader.PublishesUntilAsync(publish => Is(publish, "once"));
        await ConnectionsAsync(broker, bob, 1);
        await using var back = await ConnectAsync(broker, bob);
        await back.SendPublishAsync("rooms/lobby", payload, qos: 2, packetId: 77, duplicate: true);
        Assert.True(PubAck.Decode(await back.NextAsync(PacketType.PubRec, 77)).Accepted);
        Assert.True((await reader.PublishAsync("rooms/lobby", "the end")).Accepted);
        Assert.DoesNotContain(await reader.PublishesUntilAsync(publish => Is(publish, "the end")), publish => Is(publish, "once"));
    }

    [Fact]
    public async Task What_was_received_before_takes_nothing_of_the_Receive_Maximum()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:UnacknowledgedPerClient", "2");
        var bob = await broker.RegisterAsync("bob");
        await using (var bot = await ConnectAsync(broker, bob, present: false))
        {
            for (ushort id = 1; id <= 2; id++)
            {
                await bot.SendPublishAsync("rooms/lobby", Encoding.UTF8.GetBytes("one"), qos: 2, packetId: id);
                await bot.NextAsync(PacketType.PubRec, id);
            }
        }

        await GoneAsync(broker, bob);
        await using var back = await ConnectAsync(broker, bob);

        await back.SendPublishAsync("rooms/lobby", Encoding.UTF8.GetBytes("another"), qos: 1, packetId: 3);
        Assert.True(PubAck.Decode(await back.NextAsync(PacketType.PubAck, 3)).Accepted);
        await back.SendAsync(new MqttWriter().UInt16(1).ToPacket(PacketType.PubRel, 2));
        Assert.Equal(2, (await back.NextAsync(PacketType.PubComp, 1)).Body.Length);
    }

    [Fact]
    public async Task A_packet_id_that_is_used_anew_is_forgotten_on_disk_too()
    {
        await using var broker = await RunningBroker.StartAsync();
        var bob = await broker.RegisterAsync("bob");
        await using (var bot = await ConnectAsync(broker, bob, present: false))
        {
            await bot.SendPublishAsync("rooms/lobby", Encoding.UTF8.GetBytes("one"), qos: 2, packetId: 77);
            await bot.NextAsync(PacketType.PubRec, 77);
        }

        await GoneAsync(broker, bob);
        await using var back = await ConnectAsync(broker, bob);
        await back.SendPublishAsync("rooms/nowhere", Encoding.UTF8.GetBytes("another"), qos: 2, packetId: 77);
        Assert.False(PubAck.Decode(await back.NextAsync(PacketType.PubRec, 77)).Accepted);

        await broker.Get<IRecords>().WriteAsync([new RecordChange("test/after"u8.ToArray(), null)]);
        Assert.Empty(broker.Get<IRecords>().ReadAll(DurableRecords.ReceivedPrefix));
    }

    [Fact]
    public async Task What_a_publish_left_behind_whose_client_is_gone_does_not_stay()
    {
        await using var broker = await RunningBroker.StartAsync();
        var bob = await broker.RegisterAsync("bob");
        await broker.Get<IRecords>().WriteAsync([new RecordChange(DurableRecords.ReceivedKey(bob.Account.Id, "gone", 5), DurableRecords.Received(1))]);

        await broker.RestartAsync();

        Assert.Empty(broker.Get<IRecords>().ReadAll(DurableRecords.ReceivedPrefix));
    }

    [Fact]
    public async Task A_SUBACK_does_not_leave_before_the_filters_are_on_disk_also_when_the_connection_ends_meanwhile()
    {
        await using var broker = await RunningBroker.StartAsync();
        var bob = await broker.RegisterAsync("bob");
        await using var bot = await ConnectAsync(broker, bob, present: false);
        await bot.SubscribeAsync("rooms/lobby/typing");
        var connection = Assert.Single(broker.Get<ConnectionDirectory>().OfAccount(bob.Account.Id));
        using (new BusyStore(broker.Get<IEventLog>()))
        {
            await bot.SendAsync(new MqttWriter().UInt16(9).Properties(null).String("rooms/lobby").Byte(1).ToPacket(PacketType.Subscribe, 2));
            await HandshakeTests.UntilAsync(() => broker.Room("lobby").People == 1);
            _ = connection.EndAsync(0x8D, "A test.");
            await bot.WaitForCloseAsync();
        }

        Assert.DoesNotContain("SUBACK 0009", bot.Transcript(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_not_acknowledged_of_a_room_that_was_made_anew_is_forgotten()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var bot = await ConnectAsync(broker, bob, present: false);
        await bot.SubscribeAsync("rooms/+");
        bot.AcknowledgesItself = false;
        await using var speaker = await broker.ConnectAsync(ana);
        await MakeClubAsync(broker, ana, bob);
        await speaker.PublishAsync("rooms/club", "old");
        await bot.PublishesUntilAsync(publish => Is(publish, "old"));

        // The same seqs, other events; these are acknowledged.
        await broker.Get<RoomEndings>().DeleteAsync(broker.Room("club"), ana.Account);
        await MakeClubAsync(broker, ana, bob);
        bot.AcknowledgesItself = true;
        foreach (var text in (string[])["new 1", "new 2", "new 3", "new 4"])
        {
            await speaker.PublishAsync("rooms/club", text);
        }

        await bot.PublishesUntilAsync(publish => Is(publish, "new 4"));
        await bot.PingAsync();
        bot.Abort();
        await GoneAsync(broker, bob);

        await using var back = await ConnectAsync(broker, bob);
        await speaker.PublishAsync("rooms/club", "new 5");
        Assert.DoesNotContain(await back.PublishesUntilAsync(publish => Is(publish, "new 5")), publish => publish.Duplicate);
    }

    [Fact]
    public async Task A_session_that_ends_with_its_connection_is_not_taken_over()
    {
        await using var broker = await RunningBroker.StartAsync();
        var bob = await broker.RegisterAsync("bob");
        await using (await ConnectAsync(broker, bob, present: false))
        {
        }

        await using var last = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        Assert.True((await last.ConnectAsync("bob", bob.Token, "bot", cleanStart: false)).SessionPresent);

        await using var next = await ConnectAsync(broker, bob, present: false);
        Assert.Equal((byte)0x8E, (await last.WaitForCloseAsync()).Disconnect);
    }

    [Fact]
    public async Task Where_a_new_room_begins_for_who_is_away_is_on_disk_before_anything_is_said_there()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using (var bot = await ConnectAsync(broker, bob, present: false))
        {
            await bot.SubscribeAsync("rooms/+");
        }

        await GoneAsync(broker, bob);
        await broker.Get<RoomMaking>().CreateAsync(Id("club"), "Club", "", isPrivate: true, bob.Account);
        SeenAtCompletion said = new(broker.Room("club").Log, () => broker.Get<IRecords>().Find(DurableRecords.PositionKey(bob.Account.Id, "bot")));
        broker.Get<IEventLog>().Append(said);

        Assert.Contains(broker.Room("club").Log.Value, Encoding.UTF8.GetString(await said.Seen ?? []), StringComparison.Ordinal);
    }

    private static MqttProperties Kept(int receiveMaximum = 0)
    {
        MqttProperties properties = new() { { PropertyId.SessionExpiry, 3600 } };
        if (receiveMaximum > 0)
        {
            properties.Add(PropertyId.ReceiveMaximum, (uint)receiveMaximum);
        }

        return properties;
    }

    private static async Task<RawMqttClient> ConnectAsync(
        RunningBroker broker, Member member, int receiveMaximum = 0, MqttVersion version = MqttVersion.V5, bool present = true, bool acknowledges = true)
    {
        var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, version);
        client.AcknowledgesItself = acknowledges;
        var answer = await client.ConnectAsync(
            member.Account.UserName, member.Token, "bot", cleanStart: false, properties: version == MqttVersion.V5 ? Kept(receiveMaximum) : null);
        Assert.Equal((0, present), (answer.ReasonCode, answer.SessionPresent));
        return client;
    }

    // So many events, sent to the durable client and not acknowledged.
    private static async Task<IReadOnlyList<ReceivedPublish>> LeaveUnacknowledgedAsync(
        RunningBroker broker, Member speaks, Member hears, int count, string filter = "rooms/lobby")
    {
        await using var bot = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        Assert.Equal(0, (await bot.ConnectAsync(hears.Account.UserName, hears.Token, "bot", cleanStart: false, properties: Kept())).ReasonCode);
        await bot.SubscribeAsync(filter);
        await using var speaker = await broker.ConnectAsync(speaks);
        await speaker.PublishAsync("rooms/lobby", "first");
        await bot.PublishesUntilAsync(publish => Is(publish, "first"));
        await bot.PingAsync();
        bot.AcknowledgesItself = false;
        await SayAsync(speaker, 1, count);
        List<ReceivedPublish> sent = [];
        while (sent.Count < count)
        {
            var publish = await bot.NextPublishAsync();
            if (publish.Topic == "rooms/lobby" && publish.Json.Type() == "message")
            {
                sent.Add(publish);
            }
            else
            {
                await bot.AcknowledgeAsync(publish);
            }
        }

        await bot.PingAsync();
        bot.Abort();
        await bot.DisposeAsync();
        await GoneAsync(broker, hears);
        return sent;
    }

    // Comes and goes, so that presence is said all the while.
    private static async Task ChurnAsync(RawMqttClient client)
    {
        await client.SubscribeAsync("rooms/lobby");
        await client.UnsubscribeAsync("rooms/lobby");
    }

    private static async Task MakeClubAsync(RunningBroker broker, Member owner, Member member)
    {
        Assert.Equal(RoomChange.Done, await broker.Get<RoomMaking>().CreateAsync(Id("club"), "Club", "", isPrivate: true, owner.Account));
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("club"), member.Account);
    }

    private static Task ConnectionsAsync(RunningBroker broker, Member member, int count) =>
        HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().OfAccount(member.Account.Id).Length == count);

    private static long SeqOf(ReceivedPublish publish) => publish.Json.GetProperty("seq").GetInt64();

    /// <summary>An event of nobody's, and what somebody sees at the moment when it is stored.</summary>
    private sealed class SeenAtCompletion(LogName log, Func<byte[]?> look) : PendingAppend(log, "nobody", null, default, default)
    {
        private readonly TaskCompletionSource<byte[]?> _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<byte[]?> Seen => _seen.Task;

        protected override void Completed() => _seen.SetResult(look());
    }
}
