using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Host;

public sealed class ClockKeeperTests
{
    [Theory]
    [InlineData(-100)]
    [InlineData(100)]
    public async Task Fault_B13_A_sweep_while_the_clock_is_being_followed_ends_no_kept_client(int days)
    {
        using TempFolder folder = new();
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await KeptClients.LeaveBehindAsync(broker, ana, MqttVersion.V5, "rooms/lobby");
        FakeTimeProvider passing = new(DateTimeOffset.UtcNow);
        JumpingClock machine = new(passing);
        ServerClock clock = new(machine, null);
        SweptRecords records = new(broker.Get<IRecords>());
        DurableClients durable = new(
            records, broker.Get<LoginSessions>(), broker.Get<AccountDirectory>(), broker.Get<ConnectionDirectory>(), broker.Get<DataSpaces>(), new BrokerLimits(),
            clock, NullLogger<DurableClients>.Instance);
        await durable.LoadAsync(broker.Get<RoomDirectory>());
        records.Sweep = () => durable.Sweep();
        ClockKeeper keeper = new(clock, folder.Path, broker.Get<LoginSessions>(), durable, NullLogger<ClockKeeper>.Instance);

        machine.Off = TimeSpan.FromDays(days);
        await keeper.LookAsync();
        passing.Advance(ServerClock.Confirmation);
        await keeper.LookAsync();

        Assert.True(records.Swept > 0);
        Assert.Equal(machine.GetUtcNow(), clock.GetUtcNow());
        Assert.Empty(records.Deleted);
        passing.Advance(TimeSpan.FromSeconds(3600));
        durable.Sweep();
        Assert.NotEmpty(records.Deleted);
    }

    [Fact]
    public async Task Of_a_node_no_lifetime_moves_with_its_clock_which_it_does_not_follow()
    {
        using TempFolder folder = new();
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var session = (await broker.SignInAsync(ana.Account)).Session;
        var ends = session.ExpiresAt;
        FakeTimeProvider passing = new(DateTimeOffset.UtcNow);
        JumpingClock machine = new(passing);
        ServerClock clock = new(machine, null);
        var before = clock.GetUtcNow();
        ClockKeeper Keeper(bool isAlone) =>
            new(clock, folder.Path, broker.Get<LoginSessions>(), broker.Get<DurableClients>(), NullLogger<ClockKeeper>.Instance, isAlone);

        machine.Off = TimeSpan.FromDays(20);
        await Keeper(isAlone: false).LookAsync();
        Assert.Equal((before, ends), (clock.GetUtcNow(), session.ExpiresAt));

        await Keeper(isAlone: true).LookAsync();
        Assert.Equal(machine.GetUtcNow(), clock.GetUtcNow());
        Assert.NotEqual(ends, session.ExpiresAt);
    }

    /// <summary>With each write that moves a client, a sweep comes.</summary>
    private sealed class SweptRecords(IRecords real) : IRecords
    {
        private bool _isSweeping;

        public Action? Sweep { get; set; }

        public int Swept { get; private set; }

        public List<byte[]> Deleted { get; } = [];

        public Task WriteAsync(IReadOnlyList<RecordChange> changes)
        {
            Deleted.AddRange(changes.Where(change => change.Value is null).Select(change => change.Key));
            if (Interlocked.Exchange(ref _isSweeping, true))
            {
                return Task.CompletedTask;
            }

            Swept++;
            Sweep?.Invoke();
            _isSweeping = false;
            return Task.CompletedTask;
        }

        public Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions) =>
            throw new NotSupportedException();

        public byte[]? Find(ReadOnlySpan<byte> key) => real.Find(key);

        public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit) =>
            real.ReadPage(prefix, after, limit);

        public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) => real.ReadAll(prefix);
    }
}
