using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.MqttSessions;

/// <summary>What is kept of a client that comes to several nodes.</summary>
public sealed class SharedClientsTests
{
    private static readonly LastWill _will = new("rooms/lobby", "gone"u8.ToArray(), 10, null);

    [Fact]
    public async Task A_client_that_moves_goes_on_where_it_was()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 3, accounts: 0);
        var session = await SessionAsync(house);
        Kept? last = null;
        for (var move = 0; move < 100; move++)
        {
            var node = house.Nodes[move % 3];
            if (last is not null)
            {
                house.Nodes[(move - 1) % 3].Clients.Left(last);
                await house.SettleAsync();
            }

            Kept here = new(session, last?.Now ?? DurablePosition.Nothing);
            var (opening, client) = await node.Clients.OpenAsync(here, isClean: false, expiry: 3600, will: null);

            Assert.Equal(last is null ? SessionOpening.New : SessionOpening.Present, opening);
            Assert.Equal(move, client!.Position.Cursors.GetValueOrDefault(house.Log).Seq);
            Assert.Equal(move == 0 ? [] : [new UnacknowledgedEvent((ushort)move, house.Log, move)], client.Position.Unacknowledged);
            Assert.Equal(move == 0 ? [] : ["rooms/lobby"], client.Filters.Select(held => held.Filter.Text));
            here.Now = new([], [new((ushort)(move + 1), house.Log, move + 1)], new Dictionary<ushort, ulong>());
            here.Now.Cursors[house.Log] = new LogCursor("epoch", move + 1);
            await node.Clients.SaveAsync(here, [Held("rooms/lobby")]);
            last = here;
        }

        Assert.All(house.Nodes, node => Assert.Equal(0, node.Clients.CountAway()));
    }

    [Fact]
    public async Task A_node_that_wakes_up_writes_nothing_of_a_client_that_another_has_by_now()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var session = await SessionAsync(house);
        Kept old = new(session), now = new(session);
        await house.Nodes[0].Clients.OpenAsync(old, isClean: false, expiry: 3600, will: null);
        await house.SettleAsync();

        // It hears nothing and says nothing meanwhile.
        var frozen = house.Nodes[0];
        house.Nodes.Remove(frozen);
        var (opening, kept) = await house.Nodes[0].Clients.OpenAsync(now, isClean: false, expiry: 3600, will: null);
        Assert.Equal((SessionOpening.Present, 0), (opening, kept!.Filters.Count));
        await house.Nodes[0].Clients.SaveAsync(now, [Held("rooms/lobby")]);
        await house.SettleAsync();

        await Assert.ThrowsAsync<TakenElsewhereException>(() => frozen.Clients.SaveAsync(old, [Held("rooms/den")]));
        old.Now = DurablePosition.Nothing with { Unacknowledged = [new(7, house.Log, 7)] };
        frozen.Clients.Moved(old);
        frozen.Clients.Sweep();
        frozen.Clients.Left(old);
        await house.SettleAsync();

        var record = DurableRecords.ReadClient(Assert.Single(house.Broker.Get<IRecords>().ReadAll(DurableRecords.ClientsPrefix)).Value);
        Assert.Equal((house.Nodes[0].Name, "rooms/lobby"), (record.Node, Assert.Single(record.Filters).Text));
        Assert.DoesNotContain(house.Broker.Get<IRecords>().ReadAll(DurableRecords.PositionsPrefix), one => one.Value.AsSpan().IndexOf("\"packetId\":7"u8) >= 0);
    }

    [Fact]
    public async Task A_node_that_still_has_a_connection_ends_it_when_it_hears_of_another()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var session = await SessionAsync(house);
        Kept old = new(session), now = new(session);
        await house.Nodes[0].Clients.OpenAsync(old, isClean: false, expiry: 3600, _will);
        Assert.False(old.IsTaken);

        await house.Nodes[1].Clients.OpenAsync(now, isClean: false, expiry: 3600, will: null);
        await house.SettleAsync();

        // The client is back: its delayed will is not said.
        Assert.True(old.IsTaken);
        Assert.True(old.HasDroppedWill);
        Assert.False(now.IsTaken);
    }

    [Fact]
    public async Task What_was_received_elsewhere_is_known_to_a_node_that_had_the_client_a_moment_before()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var session = await SessionAsync(house);
        var account = session.Account.Id;

        // It leaves with a publish at the store, which is decided on after it came elsewhere.
        TaskCompletionSource drained = new();
        Kept first = new(session) { Drained = drained.Task, HasReceived = { [1] = 11 } };
        await house.Nodes[0].Clients.OpenAsync(first, isClean: false, expiry: 3600, will: null);
        await house.Nodes[0].Log.WriteAsync([new(DurableRecords.ReceivedKey(account, "phone", 1), DurableRecords.Received(11))]);
        house.Nodes[0].Clients.Left(first);
        await house.SettleAsync();
        Assert.False(first.IsElsewhere);
        Kept there = new(session);
        await house.Nodes[1].Clients.OpenAsync(there, isClean: false, expiry: 3600, will: null);
        await house.Nodes[1].Log.WriteAsync([
            new(DurableRecords.ReceivedKey(account, "phone", 1), null),
            new(DurableRecords.ReceivedKey(account, "phone", 2), DurableRecords.Received(22)),
            new(DurableRecords.ReceivedKey(account, "phone/3", 3), DurableRecords.Received(33)),
        ]);
        await house.SettleAsync();
        Assert.True(first.IsElsewhere);
        drained.SetResult();
        house.Nodes[0].Clients.Sweep();
        house.Kill(house.Nodes[1]);

        var (opening, back) = await house.Nodes[0].Clients.OpenAsync(new Kept(session), isClean: false, expiry: 3600, will: null);

        Assert.Equal(SessionOpening.Present, opening);
        Assert.Equal([KeyValuePair.Create((ushort)2, 22UL)], back!.Position.Received);
    }

    [Fact]
    public async Task Who_heard_who_a_client_is_and_not_where_reads_it()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var session = await SessionAsync(house);
        Kept first = new(session) { Now = DurablePosition.Nothing with { Unacknowledged = [new(7, house.Log, 7)] } };
        await house.Nodes[1].Clients.OpenAsync(first, isClean: false, expiry: 3600, will: null);
        house.Nodes[1].Clients.Left(first);
        await house.SettleAsync();

        // The one that ends clients has this one away for too long, and forgets it while the other lets it in.
        house.Time.Advance(TimeSpan.FromSeconds(3601));
        var frozen = house.Nodes[0];
        house.Nodes.Remove(frozen);
        Kept second = new(session, first.Now);
        await house.Nodes[0].Clients.OpenAsync(second, isClean: false, expiry: 3600, will: null);
        await house.SettleAsync();
        frozen.HasDuties = true;
        frozen.Clients.Sweep();
        await house.SettleAsync();
        house.Nodes.Insert(0, frozen);
        Kept third = new(session, first.Now);
        await house.Nodes[1].Clients.OpenAsync(third, isClean: false, expiry: 3600, will: null);
        await house.SettleAsync();

        var (opening, kept) = await frozen.Clients.OpenAsync(new Kept(session), isClean: false, expiry: 3600, will: null);

        Assert.Equal(SessionOpening.Present, opening);
        Assert.Equal([new UnacknowledgedEvent(7, house.Log, 7)], kept!.Position.Unacknowledged);
    }

    [Fact]
    public async Task A_client_of_which_the_store_refused_something_is_taken_all_the_same()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 1, accounts: 0);
        var session = await SessionAsync(house);
        Kept lost = new(session);
        var (_, client) = await house.Nodes[0].Clients.OpenAsync(lost, isClean: false, expiry: 3600, will: null);
        house.Nodes[0].Clients.Left(lost);
        await house.SettleAsync();

        // Two writes were refused together: what the first would have left as the fence is in memory.
        client!.Fence = DurableWrites.NewFence();

        Assert.Equal(SessionOpening.Present, (await house.Nodes[0].Clients.OpenAsync(new Kept(session), isClean: false, expiry: 3600, will: null)).Opening);
    }

    [Fact]
    public async Task A_will_is_said_once_by_one_node_when_its_node_has_died()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 3, accounts: 0);
        var session = await SessionAsync(house);
        await house.Nodes[0].Clients.OpenAsync(new Kept(session), isClean: false, expiry: 3600, _will);
        await house.SettleAsync();
        house.Kill(house.Nodes[0]);
        Assert.Equal([], await DueAsync(house));
        Assert.All(house.Nodes, node => Assert.Equal(1, node.Clients.CountAway()));

        house.Time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(["rooms/lobby"], await DueAsync(house, wanted: 1));

        // Whoever has the duty next knows that it was said.
        house.Kill(house.Nodes[0]);
        house.Time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal([], await DueAsync(house));
    }

    [Fact]
    public async Task A_will_is_not_said_of_a_client_that_came_back_to_another_node()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var session = await SessionAsync(house);
        Kept lost = new(session) { Will = _will };
        await house.Nodes[0].Clients.OpenAsync(lost, isClean: false, expiry: 3600, _will);
        house.Nodes[0].Clients.Left(lost);
        await house.SettleAsync();
        await house.Nodes[1].Clients.OpenAsync(new Kept(session), isClean: false, expiry: 3600, will: null);
        await house.SettleAsync();

        house.Time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal([], await DueAsync(house));
    }

    [Fact]
    public async Task A_will_whose_delay_is_over_is_said_by_whoever_has_the_duty()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var session = await SessionAsync(house);
        Kept lost = new(session) { Will = _will };
        await house.Nodes[1].Clients.OpenAsync(lost, isClean: false, expiry: 3600, _will);
        house.Nodes[1].Clients.Left(lost);
        await house.SettleAsync();
        Assert.Equal([], await DueAsync(house));

        house.Time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(["rooms/lobby"], await DueAsync(house, wanted: 1));
    }

    [Fact]
    public async Task Who_is_away_for_too_long_is_forgotten_by_all()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var session = await SessionAsync(house);
        Kept lost = new(session);
        await house.Nodes[1].Clients.OpenAsync(lost, isClean: false, expiry: 3600, will: null);
        house.Nodes[1].Clients.Left(lost);
        await house.SettleAsync();
        house.Time.Advance(TimeSpan.FromSeconds(3601));
        house.Nodes[1].Clients.Sweep();
        await house.SettleAsync();
        Assert.Equal(1, house.Nodes[1].Clients.CountAway());

        house.Nodes[0].Clients.Sweep();
        await house.SettleAsync();
        Assert.All(house.Nodes, node => Assert.Equal(0, node.Clients.CountAway()));
        Assert.Empty(house.Broker.Get<IRecords>().ReadAll("durable/"u8));
        Assert.Equal(SessionOpening.New, (await house.Nodes[1].Clients.OpenAsync(lost, isClean: false, expiry: 3600, will: null)).Opening);
    }

    [Fact]
    public async Task A_clean_start_on_another_node_ends_what_was_kept()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var session = await SessionAsync(house);
        Kept old = new(session);
        await house.Nodes[0].Clients.OpenAsync(old, isClean: false, expiry: 3600, will: null);
        await house.Nodes[0].Clients.SaveAsync(old, [Held("rooms/lobby")]);
        house.Nodes[0].Clients.Left(old);
        await house.SettleAsync();

        var (opening, kept) = await house.Nodes[1].Clients.OpenAsync(new Kept(session), isClean: true, expiry: 3600, will: null);
        Assert.Equal((SessionOpening.New, 0), (opening, kept!.Filters.Count));
        await house.SettleAsync();
        Assert.Equal(SessionOpening.New, (await house.Nodes[0].Clients.OpenAsync(new Kept(session), isClean: true, expiry: 0, will: null)).Opening);
        await house.SettleAsync();
        Assert.Empty(house.Broker.Get<IRecords>().ReadAll("durable/"u8));
    }

    [Fact]
    public async Task Clients_of_all_nodes_count_for_the_account()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var session = await SessionAsync(house);
        var most = house.Broker.Get<WebMessenger.Broker.Settings.BrokerLimits>().DurableClientsPerAccount;
        for (var i = 0; i < most; i++)
        {
            Assert.Equal(SessionOpening.New, (await house.Nodes[i % 2].Clients.OpenAsync(new Kept(session, id: $"c{i}"), isClean: false, expiry: 3600, will: null)).Opening);
        }

        await house.SettleAsync();
        foreach (var node in house.Nodes)
        {
            Assert.Equal(SessionOpening.TooMany, (await node.Clients.OpenAsync(new Kept(session, id: "one more"), isClean: false, expiry: 3600, will: null)).Opening);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task As_many_as_an_account_may_have_are_kept_when_all_come_to_two_nodes_at_once(bool isLimited)
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 2, accounts: 0);
        var session = await SessionAsync(house, isLimited ? Verbs.Read : null);
        var most = house.Broker.Get<WebMessenger.Broker.Settings.BrokerLimits>().DurableClientsPerAccount;
        var coming = Enumerable.Range(0, most * 4).Select(i => Task.Run(() =>
            house.Nodes[i % 2].Clients.OpenAsync(new Kept(session, id: $"c{i}"), isClean: i % 3 == 0, expiry: 3600, will: null)));
        var openings = (await Task.WhenAll(coming)).Select(opened => opened.Opening).ToList();

        var may = isLimited ? Scope.ShareOf(most) : most;
        Assert.Equal(may, openings.Count(opening => opening == SessionOpening.New));
        Assert.Equal((most * 4) - may, openings.Count(opening => opening == SessionOpening.TooMany));
        await house.SettleAsync();
        Assert.Equal(may, house.Broker.Get<IRecords>().ReadAll(DurableRecords.ClientsPrefix).Count);
        Assert.Equal(may, house.Broker.Get<IRecords>().ReadAll(DurableRecords.FencesPrefix).Count);
    }

    [Fact]
    public async Task A_node_that_starts_has_all_clients_in_memory()
    {
        await using var house = await SharedHouse.OpenAsync(nodes: 1, accounts: 0);
        var session = await SessionAsync(house);
        Kept away = new(session, id: "away"), here = new(session, id: "here");
        await house.Nodes[0].Clients.OpenAsync(away, isClean: false, expiry: 3600, will: null);
        await house.Nodes[0].Clients.OpenAsync(here, isClean: false, expiry: 3600, will: null);
        house.Nodes[0].Clients.Left(away);
        await house.SettleAsync();

        var late = await house.AddAsync("late");
        Assert.Equal(1, late.Clients.CountAway());
        Assert.Equal(SessionOpening.Present, (await late.Clients.OpenAsync(new Kept(session, id: "away"), isClean: false, expiry: 3600, will: null)).Opening);
        Assert.False(here.IsTaken);
    }

    private static async Task<LoginSession> SessionAsync(SharedHouse house, Verbs? verbs = null)
    {
        var ana = await house.Broker.RegisterAsync("ana");
        ana = verbs is { } only ? ana with { Token = await house.Broker.TokenAsync(ana.Account, verbs: only) } : ana;
        await using var live = await house.Broker.ConnectAsync(ana);
        return house.Broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id)[0].Session!;
    }

    // What all nodes would say now. A will is due when it is stored that it is said, which is a moment later.
    private static async Task<IEnumerable<string>> DueAsync(SharedHouse house, int wanted = 0)
    {
        house.Nodes.ForEach(node => node.Clients.Sweep());
        await house.SettleAsync();
        List<string> due = [];
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        do
        {
            due.AddRange(house.Nodes.SelectMany(node => node.Clients.TakeDueWills()).Select(one => one.Will.Topic));
            await Task.Delay(5, patience.Token);
        }
        while (due.Count < wanted);

        return due;
    }

    private static HeldFilter Held(string text)
    {
        Assert.Equal(FilterError.None, RoomFilter.TryParse(text, out var filter));
        return new HeldFilter(filter!, 1, false, false, RetainHandling.DoNotSend, 0);
    }

    /// <summary>A connection that is where it is told to be.</summary>
    private sealed class Kept(LoginSession session, DurablePosition? now = null, string id = "phone") : IResumable
    {
        public DurablePosition Now { get; set; } = now ?? DurablePosition.Nothing;

        public LastWill? Will { get; init; }

        public bool IsTaken { get; private set; }

        public bool HasDroppedWill { get; private set; }

        public Account Account => session.Account;

        public LoginSession? Session => session;

        public string ClientId => id;

        public uint SessionExpiry => 3600;

        public DurablePosition? Position(bool onlyChanged = false) => Now;

        public DurablePosition? HandOverPosition() => Now;

        public Task Drained { get; init; } = Task.CompletedTask;

        public Dictionary<ushort, ulong> HasReceived { get; } = [];

        public Task PublishesDrained() => Drained;

        public IReadOnlyDictionary<ushort, ulong> Received() => HasReceived;

        public LastWill? TakeWill() => Will;

        public void LoseMount()
        {
            // It has none.
        }

        public bool IsElsewhere { get; private set; }

        public void GoElsewhere() => IsElsewhere = true;

        public void TakenElsewhere() => IsTaken = true;

        public void DropDelayedWill() => HasDroppedWill = true;
    }
}
