using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>
/// Clients that wait for the server: for a disk, or for the turn of their account. They are neither forgotten nor taken for dead.
/// </summary>
public sealed class WaitingClientTests
{
    [Fact]
    public async Task Fault_B2_History_that_filled_the_socket_before_SUBACK_left_goes_on_after_it()
    {
        SlowRecords? slow = null;
        await using var broker = await RunningBroker.StartAsync(services =>
        {
            var records = (IRecords)services.Last(service => service.ServiceType == typeof(IRecords)).ImplementationInstance!;
            services.AddSingleton<IRecords>(slow = new SlowRecords(records));
        });
        var ana = await broker.RegisterAsync("ana");
        await using var speaker = await broker.ConnectAsync(ana, clientId: "speaker");
        var text = new string('x', 1000);
        for (var i = 0; i < 80; i++)
        {
            Assert.True((await speaker.PublishAsync("rooms/lobby", text)).Accepted);
        }

        var head = broker.Room("lobby").Head;
        await using var reader = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await reader.ConnectAsync("ana", ana.Token, "reader", properties: new MqttProperties { { PropertyId.SessionExpiry, 3600 } });
        var connection = broker.Get<ConnectionDirectory>().All.Single(connection => connection.ClientId == "reader");
        slow!.Hold();

        var subscribed = reader.SubscribeAsync("rooms/lobby", 0, new MqttProperties { { "after", "0" } });

        // The feeder has written all that there was room for, and rests.
        await HandshakeTests.UntilAsync(() => connection.Writer.IsStuckFor(TimeSpan.Zero));
        Assert.False(subscribed.IsCompleted);
        slow.GoOn();

        Assert.Equal([0], (await subscribed).ReasonCodes);
        var publishes = await reader.PublishesUntilAsync(publish => publish.Json.GetProperty("seq").GetInt64() == head);
        Assert.Equal(Enumerable.Range(1, (int)head).Select(seq => (long)seq), publishes.Select(publish => publish.Json.GetProperty("seq").GetInt64()));
    }

    [Fact]
    public async Task Fault_S4_Who_waits_for_the_turn_of_its_account_is_not_taken_for_dead()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton<TimeProvider>(time), "--WebMessenger:Limits:SubscribePerSecond", "10");
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await client.ConnectAsync("ana", ana.Token, keepAlive: 5);
        broker.Get<SubscribeBudgets>().Of(ana.Account.Id).Filters.Take(1000);

        // The answer to the first says that the second was read, and waits.
        var subscribe = new MqttWriter().UInt16(900).Properties(null).String("rooms/lobby").Byte(1).ToPacket(PacketType.Subscribe, 2);
        await client.SendAsync(new byte[] { 0xC0, 0 }.Concat(subscribe).Concat(new byte[] { 0xC0, 0 }).ToArray());
        await client.NextAsync(PacketType.PingResp);
        time.Advance(TimeSpan.FromSeconds(8));
        Sweep(broker);
        time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal([1], SubAck.Decode(await client.NextAsync(PacketType.SubAck, 900), MqttVersion.V5).ReasonCodes);
        await client.NextAsync(PacketType.PingResp);

        // From here on it is the client that is silent.
        time.Advance(TimeSpan.FromSeconds(7));
        Sweep(broker);
        await client.PingAsync();
        time.Advance(TimeSpan.FromSeconds(8));

        // The answer to the ping may be here before the server has turned to the next packet: until then it is the server that is awaited.
        var closed = client.WaitForCloseAsync();
        await HandshakeTests.UntilAsync(() =>
        {
            Sweep(broker);
            return closed.IsCompleted;
        });
        Assert.Equal((byte)0x8D, (await closed).Disconnect);
    }

    private static void Sweep(RunningBroker broker) =>
        broker.Get<IEnumerable<IHostedService>>().OfType<KeepAliveSweep>().Single().Sweep(TimeSpan.FromMinutes(1));

    // A disk that takes its time, when told to.
    private sealed class SlowRecords(IRecords records) : IRecords
    {
        private volatile TaskCompletionSource? _held;

        public void Hold() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void GoOn()
        {
            _held?.SetResult();
            _held = null;
        }

        public async Task WriteAsync(IReadOnlyList<RecordChange> changes)
        {
            var written = records.WriteAsync(changes);
            await (_held?.Task ?? Task.CompletedTask);
            await written;
        }

        public Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions) => records.WriteAsync(changes, conditions);

        public byte[]? Find(ReadOnlySpan<byte> key) => records.Find(key);

        public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit) => records.ReadPage(prefix, after, limit);

        public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) => records.ReadAll(prefix);
    }
}
