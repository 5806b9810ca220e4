using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Streams;

/// <summary>Whose turn it is in a room's queue, and what a SUBSCRIBE may cost.</summary>
public sealed class RoomWorkTests
{
    [Fact]
    public async Task Fault_S4_What_is_in_the_order_of_the_events_does_not_stand_behind_presence()
    {
        await using var broker = await RunningBroker.StartAsync();
        var room = broker.Room("lobby");
        using ManualResetEventSlim isQueued = new();
        TaskCompletionSource<int> first = new(TaskCreationOptions.RunContinuationsAsynchronously), second = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var patient = 0;
        room.Enqueue(new Work(false, () => isQueued.Wait(TestContext.Current.CancellationToken)));
        for (var i = 1; i <= 1000; i++)
        {
            var isTenth = i == 10;
            room.Enqueue(new Work(true, () =>
            {
                patient++;
                if (isTenth)
                {
                    room.Enqueue(new Work(false, () => second.SetResult(patient)));
                }
            }));
        }

        room.Enqueue(new Work(false, () => first.SetResult(patient)));
        isQueued.Set();

        Assert.Equal(0, await first.Task);
        Assert.Equal(10, await second.Task);
        await HandshakeTests.UntilAsync(() => Volatile.Read(ref patient) == 1000);
    }

    [Fact]
    public async Task Fault_S4_Presence_goes_on_while_the_room_talks_without_a_pause()
    {
        await using var broker = await RunningBroker.StartAsync();
        var room = broker.Room("lobby");
        TaskCompletionSource said = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var isOver = false;
        void Talk()
        {
            if (!Volatile.Read(ref isOver))
            {
                room.Enqueue(new Work(false, Talk));
            }
        }

        Talk();
        room.Enqueue(new Work(true, said.SetResult));

        await said.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Volatile.Write(ref isOver, true);
    }

    [Fact]
    public async Task Fault_S4_A_long_list_of_people_comes_in_parts_each_as_it_is_by_then()
    {
        await using var broker = await RunningBroker.StartAsync();
        List<RawMqttClient> people = [];
        for (var i = 0; i < 150; i++)
        {
            var entered = await broker.Get<Registration>().EnterAsGuestAsync($"guest{i}", null);
            Assert.True(entered.TryGet(out var guest, out var refusal), $"{refusal}");
            people.Add(await broker.ConnectBrowserAsync(await broker.SignInAsync(guest)));
            await people[i].SubscribeAsync("rooms/lobby", 0);
        }

        await using var watcher = await broker.ConnectAsync(await broker.RegisterAsync("ana"));
        await watcher.SubscribeAsync("rooms/lobby/presence/+", 0);
        HashSet<string> here = [];
        while (here.Count < 150)
        {
            var publish = await watcher.NextPublishAsync();
            Assert.True(publish.Retain || here.Contains(publish.Topic));
            here.Add(publish.Topic);
        }

        await people[77].UnsubscribeAsync("rooms/lobby");
        var gone = await watcher.PublishesUntilAsync(publish => publish.Payload.Length == 0);
        Assert.False(gone[^1].Retain);
        foreach (var client in people)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Fault_S4_Who_subscribes_over_and_over_is_answered_later_and_others_are_not_kept_waiting()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton<TimeProvider>(time), "--WebMessenger:Limits:SubscribePerSecond", "10");
        var ana = await broker.RegisterAsync("ana");
        await using var toggler = await broker.ConnectAsync(ana);
        await using var other = await broker.ConnectAsync(await broker.RegisterAsync("bob"));

        // A hundred are let in at once: each covers one room.
        await toggler.SubscribeAsync([.. Enumerable.Range(0, 60).Select(i => new Filter("rooms/lobby" + (i % 2 == 0 ? "" : "/text")))]);
        Assert.False(broker.Get<SubscribeBudgets>().Of(ana.Account.Id).Filters.HasSome(out _));
        await toggler.SendAsync(new MqttWriter().UInt16(900).Properties(null).String("rooms/lobby").ToPacket(PacketType.Unsubscribe, 2));
        var late = toggler.NextAsync(PacketType.UnsubAck, 900);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal([1], (await other.SubscribeAsync("rooms/lobby")).ReasonCodes);
            Assert.Equal([0], (await other.UnsubscribeAsync("rooms/lobby")).ReasonCodes);
        }

        Assert.False(late.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal([0], SubAck.Decode(await late, MqttVersion.V5).ReasonCodes);
        Assert.Equal([1], (await toggler.SubscribeAsync("rooms/lobby")).ReasonCodes);
    }

    [Fact]
    public async Task Fault_S25_What_counts_positions_or_shows_people_is_paid_by_how_much_it_brings()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        string[] rooms = [.. Enumerable.Range(0, 40).Select(i => $"room-{i}")];
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<SubscribeBudgets>(provider, time)),
            [.. rooms.SelectMany((room, i) => new[] { $"--WebMessenger:Rooms:Default:{i}", room }), "--WebMessenger:Limits:SubscribePerSecond", "20"]);
        var ana = await broker.RegisterAsync("ana");
        foreach (var room in rooms)
        {
            await broker.Get<RoomMembers>().JoinAsync(broker.Room(room), ana.Account);
        }

        var budget = broker.Get<SubscribeBudgets>().Of(ana.Account.Id).Filters;
        foreach (var (filter, howOften) in new[] { ("users/ana", 200), ("users/ana/unread", 5), ("users/ana/read/+", 5), ("rooms/+/text", 5) })
        {
            await using var client = await broker.ConnectAsync(ana);
            for (var i = 0; i < howOften; i++)
            {
                Assert.True(budget.HasSome(out _));
                await client.SubscribeAsync(filter);
            }

            Assert.False(budget.HasSome(out _));
            time.Advance(TimeSpan.FromMinutes(1));
        }
    }

    [Fact]
    public async Task Fault_S25_History_comes_at_a_bounded_rate_and_none_of_it_is_lost()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton<TimeProvider>(time),
            "--WebMessenger:Limits:CatchUpBytesPerSecond", "10000");
        var ana = await broker.RegisterAsync("ana");
        await using var speaker = await broker.ConnectAsync(ana);
        var text = new string('x', 1000);
        for (var i = 0; i < 400; i++)
        {
            await speaker.PublishAsync("rooms/lobby", text);
        }

        await using var reader = await broker.ConnectAsync(ana);
        await reader.SubscribeAsync("rooms/lobby", 0, new MqttProperties { { "last", "400" } });
        List<long> seqs = [];
        while (seqs.Count < 80)
        {
            seqs.Add((await reader.NextPublishAsync()).Json.GetProperty("seq").GetInt64());
        }

        // A page is paid for when it has been written, so the client may have it a moment before.
        await HandshakeTests.UntilAsync(() => !broker.Get<SubscribeBudgets>().Of(ana.Account.Id).CatchUp.HasSome(out _));

        // What is live goes on, behind the history.
        for (var i = 0; i < 20; i++)
        {
            await speaker.PublishAsync("rooms/lobby", "live");
            await reader.PingAsync();
        }

        seqs.AddRange(reader.AlreadyHere().Select(publish => publish.Json.GetProperty("seq").GetInt64()));
        Assert.InRange(seqs.Count, 80, 200);
        var head = broker.Room("lobby").Head;
        while (seqs[^1] < head)
        {
            time.Advance(TimeSpan.FromSeconds(10));
            await reader.PingAsync();
            seqs.AddRange(reader.AlreadyHere().Select(publish => publish.Json.GetProperty("seq").GetInt64()));
        }

        Assert.Equal(Enumerable.Range(0, seqs.Count).Select(i => seqs[0] + i), seqs);
        Assert.True(seqs.Count >= 420);
    }

    private sealed class Work(bool mayWait, Action work) : IStreamTask
    {
        public bool MayWait => mayWait;

        public void Deliver(EventStream stream, List<IMember> touched) => work();
    }
}
