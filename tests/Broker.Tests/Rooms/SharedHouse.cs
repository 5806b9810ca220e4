using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>
/// Several nodes in one process that share one real log: each has rooms of its own, and hears what the others write on the log's thread,
/// before anything later gets a number.
/// </summary>
internal sealed class SharedHouse : IAsyncDisposable
{
    private readonly RunningBroker _broker;

    private SharedHouse(RunningBroker broker) => _broker = broker;

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UtcNow);

    public List<HouseNode> Nodes { get; } = [];

    public HouseTurns Turns { get; } = new();

    public List<Account> Accounts { get; } = [];

    /// <summary>The program whose stores they share.</summary>
    public RunningBroker Broker => _broker;

    /// <summary>The room's log as everybody reads it.</summary>
    public LogName Log => Nodes[0].Room.Log;

    public static async Task<SharedHouse> OpenAsync(int nodes, int accounts, int capacity = 0)
    {
        var broker = await RunningBroker.StartAsync();
        SharedHouse house = new(broker);
        for (var i = 0; i < accounts; i++)
        {
            var entered = await broker.Get<Registration>().EnterAsGuestAsync($"guest {i}", null);
            Assert.True(entered.TryGet(out var guest, out var refusal), $"{refusal}");
            house.Accounts.Add(guest);
        }

        for (var i = 0; i < nodes; i++)
        {
            await house.AddAsync($"node{i}", capacity);
        }

        return house;
    }

    /// <summary>A node starts.</summary>
    public async Task<HouseNode> AddAsync(string name, int capacity = 0)
    {
        HouseNode node = new(name, this, _broker, capacity);
        Accounts.ForEach(account => node.Room.AddMember(account.Id, new Membership(MembershipRecord.Begin(MemberRole.Member, DateTimeOffset.UnixEpoch), isStored: true)));
        await node.Hearing.LoadAsync();
        await node.Clients.LoadAsync(node.Rooms);
        Nodes.Add(node);
        Meet();
        return node;
    }

    /// <summary>A node is killed: it says nothing more, and the others know.</summary>
    public void Kill(HouseNode node)
    {
        node.IsDead = true;
        Nodes.Remove(node);
        Meet();
        Nodes.ForEach(other => other.Lose(node.Name));
    }

    /// <summary>One second goes by.</summary>
    public void Sweep()
    {
        Time.Advance(TimeSpan.FromSeconds(1));
        foreach (var node in Nodes)
        {
            node.Here.Sweep();
            foreach (var accountId in node.Room.Sweep())
            {
                node.PlaceAgain(accountId);
            }
        }
    }

    /// <summary>All that was handed to the log is done, and what followed from it.</summary>
    public async Task SettleAsync()
    {
        for (var i = 0; i < 4; i++)
        {
            await _broker.Get<IEventLog>().SettleAsync();
        }
    }

    /// <summary>What the log says of who came and went, one by one: `join` and account, or `leave`; and how many were not named.</summary>
    public (List<(bool IsJoin, string User)> Words, int More) Said()
    {
        List<(bool, string)> words = [];
        var more = 0;
        for (long after = 0; _broker.Get<IEventLog>().ReadAfter(Log, after, 1_000).Entries is { Count: > 0 } entries; after = entries[^1].Seq)
        {
            foreach (var entry in entries)
            {
                var isJoin = EventBody.TypeOf(entry.Body.Span) == EventType.Join;
                words.AddRange(EventBody.PresenceOf(entry.Author, entry.Body).Select(author => (isJoin, author.User)));
                more += MoreIn(entry);
            }
        }

        return (words, more);
    }

    public IReadOnlyList<string> Stored(string prefix) =>
        [.. _broker.Get<IRecords>().ReadAll(System.Text.Encoding.ASCII.GetBytes(prefix)).Select(record => System.Text.Encoding.ASCII.GetString(record.Key))];

    /// <summary>On the log's thread: what a node wrote, to all others.</summary>
    public void Tell(HouseNode by, IReadOnlyList<RecordChange> changes)
    {
        if (changes.Count > 0)
        {
            ReplicatedBatch batch = new(0, by.Name, [], changes, []);
            Nodes.Where(node => node != by).ToList().ForEach(node => node.Listeners.Hear(batch));
        }
    }

    public ValueTask DisposeAsync() => _broker.DisposeAsync();

    private static int MoreIn(LogEntry entry)
    {
        var text = System.Text.Encoding.UTF8.GetString(entry.Body.Span);
        var at = text.IndexOf("\"more\":", StringComparison.Ordinal);
        return at < 0 ? 0 : int.Parse(new string([.. text[(at + 7)..].TakeWhile(char.IsAsciiDigit)]), System.Globalization.CultureInfo.InvariantCulture);
    }

    private void Meet() => Nodes.ForEach(node => node.Others = [.. Nodes.Where(other => other != node).Select(other => other.Name)]);
}

/// <summary>One node: its room, and the tabs that are connected to it.</summary>
internal sealed class HouseNode : INodeLinks, IDuties, IReplication
{
    private static readonly HeldFilter[] _hears = [new(Filter("rooms/yard"), 0, false, false, RetainHandling.DoNotSend, 0)];
    private readonly SharedHouse _house;
    private readonly ConcurrentDictionary<Account, ConcurrentStack<Tab>> _tabs = new();

    public HouseNode(string name, SharedHouse house, RunningBroker broker, int capacity)
    {
        (Name, _house) = (name, house);
        Listeners = new ReplicationListeners(NullLogger.Instance);
        HouseLog log = new(this, house, broker.Get<IEventLog>());
        var services = broker.Program.Services;
        Here = ActivatorUtilities.CreateInstance<HereRecords>(services, (IRecords)log, (INodeLinks)this, (IDuties)this, (IReplication)this, (TimeProvider)house.Time);
        Rooms = ActivatorUtilities.CreateInstance<RoomDirectory>(services, (IEventLog)log, Here, (TimeProvider)house.Time);
        Assert.True(RoomId.TryParse("yard", out var id));
        Room = Rooms.Build(new RoomRecord("yard", id, "Yard", "", new PolicyFields { Capacity = capacity }, null, DateTimeOffset.UnixEpoch));
        Rooms.Enter(Room);
        _ = Room.LogHead;
        Hearing = ActivatorUtilities.CreateInstance<HereHearing>(services, Rooms, Here, (IRecords)log, (IReplication)this, (IDuties)this, (TimeProvider)house.Time);
        Hearing.Connect();
        Log = log;
        Positions = new ReadPositions(log, log, this);
        Positions.Connect(broker.Get<AccountDirectory>(), (_, name) => name == Room.Log ? Room : null);
        Clients = new DurableClients(
            log, broker.Get<LoginSessions>(), broker.Get<AccountDirectory>(), new AllCurrent(), broker.Get<DataSpaces>(),
            broker.Get<BrokerLimits>(), house.Time, NullLogger<DurableClients>.Instance, this, this, this, house.Turns);
    }

    public event Action<string>? Left;

    public string Name { get; }

    public string Self => Name;

    public IReadOnlyCollection<string> Others { get; set; } = [];

    public bool IsDead { get; set; }

    public bool IsAlone => false;

    public ReplicationListeners Listeners { get; }

    public HereRecords Here { get; }

    public HereHearing Hearing { get; }

    public RoomDirectory Rooms { get; }

    public Room Room { get; }

    public HouseLog Log { get; }

    public ReadPositions Positions { get; }

    public DurableClients Clients { get; }

    public IEnumerable<string> People => Room.SnapshotPresence().Select(present => present.Account.Id).Order();

    /// <summary>Another node has gone.</summary>
    public void Lose(string node) => Left?.Invoke(node);

    public Tab Come(Account account)
    {
        Tab tab = new(account);
        _tabs.GetOrAdd(account, _ => new()).Push(tab);
        Room.Place(tab, _hears, leavesAtOnce: false);
        return tab;
    }

    /// <summary>The tab that came last goes, if there is one.</summary>
    public bool Go(Account account, bool atOnce = true)
    {
        if (!_tabs.TryGetValue(account, out var tabs) || !tabs.TryPop(out var tab))
        {
            return false;
        }

        Room.Place(tab, [], atOnce);
        return true;
    }

    public int TabsOf(Account account) => _tabs.TryGetValue(account, out var tabs) ? tabs.Count : 0;

    public void PlaceAgain(string accountId)
    {
        foreach (var tab in _tabs.Where(tabs => tabs.Key.Id == accountId).SelectMany(tabs => tabs.Value))
        {
            Room.Place(tab, _hears, leavesAtOnce: true);
        }
    }

    /// <summary>Null: whoever has run longest has it.</summary>
    public bool? HasDuties { get; set; }

    public bool Has(string duty) => HasDuties ?? _house.Nodes.FirstOrDefault() == this;

    public string? HolderOf(string duty) => _house.Nodes.FirstOrDefault()?.Name;

    public Task RunAsync(string duty, Func<CancellationToken, Task> work, CancellationToken stop) => work(stop);

    public void Tell(NodeTopic topic, ReadOnlyMemory<byte> message) => throw new NotSupportedException();

    public void Tell(string node, NodeTopic topic, ReadOnlyMemory<byte> message) => throw new NotSupportedException();

    public Task<ReadOnlyMemory<byte>> AskAsync(string node, NodeTopic topic, ReadOnlyMemory<byte> message, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public Task AskAllAsync(NodeTopic topic, ReadOnlyMemory<byte> message) => throw new NotSupportedException();

    public Task<IReadOnlyList<ReadOnlyMemory<byte>>> AskWhoSpeaksAsync(NodeTopic topic, ReadOnlyMemory<byte> message) => throw new NotSupportedException();

    public void Hear(NodeTopic topic, Action<string, ReadOnlyMemory<byte>> heard) => throw new NotSupportedException();

    public void Answer(NodeTopic topic, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>> answer) => throw new NotSupportedException();

    public Task StartAsync() => Task.CompletedTask;

    public void HearRecords(string prefix, Action<RecordChange> heard) => Listeners.HearRecords(prefix, heard);

    public void HearDocuments(string collection, Action<ReplicatedDocument> heard) => Listeners.HearDocuments(collection, heard);

    public void HearLogs(Action<ReplicatedLog> heard) => Listeners.HearLogs(heard);

    public void HearEnd(Action heard) => Listeners.HearEnd(heard);

    public void Owe(Task work) => Listeners.Owe(work);

    public Task BeginAsync() => Task.CompletedTask;

    public Task EverywhereAsync() => Task.CompletedTask;

    private sealed class AllCurrent : IResumables
    {
        public bool IsCurrent(IResumable connection) => true;

        public void LoseMount(string accountId, Room room)
        {
            // There are no connections.
        }

        public void Notify(string accountId, string code, string text, string topic) => throw new NotSupportedException();
    }

    private static RoomFilter Filter(string text)
    {
        Assert.Equal(FilterError.None, RoomFilter.TryParse(text, out var filter));
        return filter!;
    }
}
