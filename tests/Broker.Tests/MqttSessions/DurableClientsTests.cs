using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Devices;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.MqttSessions;

public sealed class DurableClientsTests
{
    /// <summary>Found by a thousand kills of the server on a busy machine: nine messages of QoS 2 were stored twice.</summary>
    [Fact]
    public async Task What_is_decided_on_while_a_connection_hands_over_is_known_to_the_next()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var live = await broker.ConnectAsync(ana);
        var session = broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id)[0].Session!;
        DurableClients durable = new(
            broker.Get<IRecords>(), broker.Get<LoginSessions>(), broker.Get<AccountDirectory>(), new AllCurrent(), broker.Get<DataSpaces>(), new BrokerLimits(),
            TimeProvider.System, NullLogger<DurableClients>.Instance);
        Connection lost = new(session), back = new(session);
        Assert.Equal(SessionOpening.New, (await durable.OpenAsync(lost, isClean: false, expiry: 3600, will: null)).Opening);

        durable.Left(lost);
        var (opening, kept) = await durable.OpenAsync(back, isClean: false, expiry: 3600, will: null);

        Assert.Equal(SessionOpening.Present, opening);
        Assert.Equal(lost.Received(), kept!.Position.Received);
        Assert.NotEmpty(kept.Position.Received);
    }

    [Fact]
    public async Task Nothing_is_stored_of_a_client_that_is_elsewhere()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var (client, _) = await KeptClients.ConnectAsync(broker, ana);
        await using var connected = client;
        await client.SubscribeAsync("rooms/lobby");
        Assert.True((await client.PublishAsync("rooms/lobby", "here", qos: 2)).Accepted);

        broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id)[0].Kept.GoElsewhere();

        Assert.False((await client.PublishAsync("rooms/lobby", "elsewhere", qos: 2)).Accepted);
        Assert.True((await client.PublishAsync("rooms/lobby", "at least once", qos: 1)).Accepted);
        var heard = await client.PublishesUntilAsync(publish => Talk.Is(publish, "at least once"));
        Assert.DoesNotContain(heard, publish => Talk.Is(publish, "elsewhere"));
    }

    [Theory]
    [InlineData("""{"type":"edit","of":SAID,"text":"changed"}""")]
    [InlineData("""{"type":"policy","topic":"changed"}""")]
    public async Task Nothing_is_done_for_a_client_that_is_elsewhere(string act)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        ana = ana with { Token = await broker.TokenAsync(ana.Account, verbs: Verbs.Everything) };
        var (client, _) = await KeptClients.ConnectAsync(broker, ana);
        await using var connected = client;
        await client.SubscribeAsync("rooms/lobby");
        Assert.True((await client.PublishAsync("rooms/lobby", "said", qos: 2)).Accepted);
        var log = broker.Room("lobby").Log;
        var said = broker.Get<IEventLog>().ReadAfter(log, 0, 100).Entries.Single(entry => Encoding.UTF8.GetString(entry.Body.Span).Contains("\"said\"", StringComparison.Ordinal));
        act = act.Replace("SAID", $"{said.Seq}", StringComparison.Ordinal);
        Assert.True((await client.PublishAsync("rooms/lobby", act.Replace("changed", "here", StringComparison.Ordinal), qos: 2)).Accepted);

        broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id)[0].Kept.GoElsewhere();

        Assert.False((await client.PublishAsync("rooms/lobby", act, qos: 2)).Accepted);
        Assert.True((await client.PublishAsync("rooms/lobby", "at least once", qos: 1)).Accepted);
        var heard = await client.PublishesUntilAsync(publish => Talk.Is(publish, "at least once"));
        Assert.Contains(heard, publish => publish.Text.Contains("\"here\"", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("changed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nothing_is_said_on_a_data_topic_for_a_client_that_is_elsewhere()
    {
        await using var house = await Greenhouse.OpenAsync();
        var (client, _) = await KeptClients.ConnectAsync(house.Broker, house.Ana);
        await using var connected = client;
        await using var hears = await house.ConnectAsync(house.Ana);
        await hears.SubscribeAsync(Greenhouse.Data + "#");
        Assert.True((await client.PublishAsync(Greenhouse.Data + "x", "here", qos: 2)).Accepted);

        house.Broker.Get<ConnectionDirectory>().OfAccount(house.Ana.Account.Id).Single(one => one.Kept.IsDurable).Kept.GoElsewhere();

        Assert.False((await client.PublishAsync(Greenhouse.Data + "x", "elsewhere", qos: 2)).Accepted);
        Assert.True((await client.PublishAsync(Greenhouse.Data + "x", "at least once", qos: 1)).Accepted);
        Assert.Equal("here", (await hears.NextPublishAsync()).Text);
        Assert.Equal("at least once", (await hears.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task Fault_R10_A_sweep_looks_at_no_client_of_which_nothing_is_due()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var live = await broker.ConnectAsync(ana);
        var session = broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id)[0].Session!;
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        DurableClients durable = new(
            broker.Get<IRecords>(), broker.Get<LoginSessions>(), broker.Get<AccountDirectory>(), new AllCurrent(), broker.Get<DataSpaces>(), new BrokerLimits(),
            time, NullLogger<DurableClients>.Instance);
        Quiet[] clients = [.. Enumerable.Range(1, 10).Select(number => new Quiet(session, $"sensor-{number}"))];
        foreach (var client in clients)
        {
            await durable.OpenAsync(client, isClean: false, expiry: 3600, will: null);
        }

        Assert.Equal(0, durable.Sweep());

        durable.Moved(clients[0]);
        Assert.Equal(1, durable.Sweep());
        Assert.Equal(1, clients.Sum(client => client.Asked));

        durable.Left(clients[1]);
        durable.Left(clients[2]);
        Assert.Equal(0, durable.Sweep());

        // One is back before its time; the other is over.
        await durable.OpenAsync(new Quiet(session, clients[1].ClientId), isClean: false, expiry: 3600, will: null);
        time.Advance(TimeSpan.FromSeconds(3601));
        Assert.Equal(1, durable.Sweep());
        Assert.Equal(0, durable.Sweep());
        Assert.Equal(SessionOpening.New, (await durable.OpenAsync(clients[2], isClean: false, expiry: 3600, will: null)).Opening);
        Assert.Equal(SessionOpening.Present, (await durable.OpenAsync(clients[1], isClean: false, expiry: 3600, will: null)).Opening);
    }

    private sealed class AllCurrent : IResumables
    {
        public bool IsCurrent(IResumable connection) => true;

        public void LoseMount(string accountId, Room room)
        {
            // There are no connections.
        }

        public void Notify(string accountId, string code, string text, string topic) => throw new NotSupportedException();
    }

    /// <summary>A connection with one publish at the store, which is decided on just when the connection has said where it is.</summary>
    private sealed class Connection(LoginSession session) : IResumable
    {
        private readonly TaskCompletionSource _decided = new();

        public Account Account => session.Account;

        public LoginSession? Session => session;

        public string ClientId => "sensor";

        public uint SessionExpiry => 3600;

        public DurablePosition? Position(bool onlyChanged = false) => DurablePosition.Nothing with { Received = Received() };

        public DurablePosition? HandOverPosition()
        {
            var position = Position();
            _decided.TrySetResult();
            return position;
        }

        public Task PublishesDrained() => _decided.Task;

        public IReadOnlyDictionary<ushort, ulong> Received() => _decided.Task.IsCompleted ? new Dictionary<ushort, ulong> { [5] = 42 } : [];

        public LastWill? TakeWill() => null;

        public void LoseMount()
        {
            // It has none.
        }

        public void DropDelayedWill()
        {
            // It has none.
        }
    }

    /// <summary>A connection that counts how often it is asked where its client is.</summary>
    private sealed class Quiet(LoginSession session, string clientId) : IResumable
    {
        public int Asked { get; private set; }

        public Account Account => session.Account;

        public LoginSession? Session => session;

        public string ClientId => clientId;

        public uint SessionExpiry => 3600;

        public DurablePosition? Position(bool onlyChanged = false)
        {
            Asked++;
            return DurablePosition.Nothing;
        }

        public DurablePosition? HandOverPosition() => DurablePosition.Nothing;

        public Task PublishesDrained() => Task.CompletedTask;

        public IReadOnlyDictionary<ushort, ulong> Received() => new Dictionary<ushort, ulong>();

        public LastWill? TakeWill() => null;

        public void LoseMount()
        {
            // It has none.
        }

        public void DropDelayedWill()
        {
            // It has none.
        }
    }
}
