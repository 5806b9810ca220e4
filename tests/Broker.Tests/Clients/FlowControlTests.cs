using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>What waits in the server, in either direction, and who waits for it.</summary>
public sealed class FlowControlTests
{
    private const int Burst = 5;

    // At this rate the next publish is paid for after this time.
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(50);

    // A clock of the budgets that stands until the test moves it, however long the machine takes.
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("V5", 1)]
    [InlineData("V5", 2)]
    [InlineData("V311", 1)]
    [InlineData("V311", 2)]
    public async Task Fault_Q3_A_burst_over_the_rate_is_stored_whole_and_acknowledged_as_the_budget_allows(string versionName, byte qos)
    {
        await using var broker = await StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var listener = await broker.ConnectAsync(bob);
        await listener.SubscribeAsync("rooms/lobby");
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var client = await broker.ConnectAsync(ana, version);
        await client.SendAsync(Publishes(version, 60, qos));

        // Read on behind them: a client that hears no PINGRESP hangs up.
        await client.PingAsync();
        for (ushort id = 1; id <= 60; id++)
        {
            if (id > Burst)
            {
                _time.Advance(Turn);
            }

            var answer = PubAck.Decode(await client.NextAsync(qos == 1 ? PacketType.PubAck : PacketType.PubRec, id));
            Assert.True(answer.Accepted);
            if (qos == 2)
            {
                await client.SendAsync(new MqttWriter().UInt16(id).ToPacket(PacketType.PubRel, 2));
            }
        }

        var heard = await listener.PublishesUntilAsync(publish => Said(publish) == "60");
        Assert.Equal(Enumerable.Range(1, 60).Select(i => $"{i}"), heard.Where(publish => publish.Json.Type() == "message").Select(Said));
    }

    [Fact]
    public async Task Attack_65_Fault_Q3_The_rate_bounds_what_an_account_stores_through_all_its_clients()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var listener = await broker.ConnectAsync(bob);
        await listener.SubscribeAsync("rooms/lobby");
        await using var first = await broker.ConnectAsync(ana);
        await using var second = await broker.ConnectAsync(ana, MqttVersion.V311);
        await first.SendAsync(Publishes(MqttVersion.V5, 50, 1));
        await second.SendAsync(Publishes(MqttVersion.V311, 50, 0));
        await first.PingAsync();
        await second.PingAsync();

        // Somebody else is not slowed, and what is stored by then comes first.
        Assert.True((await listener.PublishAsync("rooms/lobby", "marker")).Accepted);
        var heard = await listener.PublishesUntilAsync(publish => Said(publish) == "marker");
        Assert.Equal(Burst, heard.Count(publish => publish.Json.Type() == "message" && Said(publish) != "marker"));

        for (var left = 100 - Burst; left > 0; left--)
        {
            _time.Advance(Turn);
            await listener.PublishesUntilAsync(publish => publish.Json.Type() == "message");
        }
    }

    [Fact]
    public async Task Fault_Q3_What_was_sent_before_DISCONNECT_is_stored()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var listener = await broker.ConnectAsync(bob);
        await listener.SubscribeAsync("rooms/lobby");
        await using (var client = await broker.ConnectAsync(ana, MqttVersion.V311))
        {
            await client.SendAsync(Publishes(MqttVersion.V311, 20, 0));
            await client.PingAsync();
            await client.DisconnectAsync();
            await client.Transport.FinishAsync();
            for (var i = 1; i <= 20; i++)
            {
                if (i > Burst)
                {
                    _time.Advance(Turn);
                }

                var number = i.ToString(CultureInfo.InvariantCulture);
                await listener.PublishesUntilAsync(publish => Said(publish) == number);
            }

            await client.WaitForCloseAsync();
        }
    }

    [Fact]
    public async Task Fault_Q3_What_is_held_for_the_rate_is_bounded_and_goes_with_the_connection()
    {
        await using var broker = await StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var held = broker.Get<TrafficMemory>().Held;
        await using var other = await broker.ConnectAsync(bob);
        await using var client = await broker.ConnectAsync(ana, MqttVersion.V311);
        var publish = ClientPackets.Publish(MqttVersion.V311, "rooms/lobby", new byte[1000]);
        var sending = AskAsync(client, publish);

        await HandshakeTests.UntilAsync(() => held.Now > 200 * 1024);
        Assert.True((await other.PublishAsync("rooms/lobby", "marker")).Accepted);

        Assert.InRange(held.Now, 200 * 1024, 256 * 1024);
        client.Abort();
        await sending;
        await HandshakeTests.UntilAsync(() =>
        {
            // As it is paid for; then the end of the connection is read.
            _time.Advance(Turn);
            return held.Now == 0;
        });
    }

    [Fact]
    public async Task Fault_R14_Publishes_under_way_are_bounded_together_and_wait_in_their_sockets()
    {
        TrafficMemory memory = new(outgoing: 1024, incoming: 1);
        await using var broker = await RunningBroker.StartAsync(services => services.AddSingleton(memory));
        var ana = await broker.RegisterAsync("ana");
        var lobby = broker.Room("lobby").Log;
        await using var client = await broker.ConnectAsync(ana);
        await client.PublishAsync("rooms/lobby", "first");
        var before = broker.Get<IEventLog>().Head(lobby).Head;
        Assert.Equal(0, memory.UnderWay.Now);

        // As if others had so much at the disk.
        memory.UnderWay.Add(1);
        await client.SendAsync(Publishes(MqttVersion.V5, 100, 1));
        await HandshakeTests.UntilAsync(() => memory.IsAwaited);
        Assert.Equal(before, broker.Get<IEventLog>().Head(lobby).Head);
        memory.Settled(1);

        // Nobody is refused: all come, one after the other.
        for (ushort id = 1; id <= 100; id++)
        {
            Assert.True(PubAck.Decode(await client.NextAsync(PacketType.PubAck, id)).Accepted);
        }

        Assert.Equal(0, memory.UnderWay.Now);
    }

    [Fact]
    public async Task Fault_B2_Of_events_little_waits_for_a_client_that_does_not_read()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        var memory = broker.Get<TrafficMemory>();
        await using (var stalled = await DeafAsync(broker, ana, "deaf"))
        {
            await using var speaker = await broker.ConnectAsync(bob, MqttVersion.V311);
            await Flood.Async(speaker);
            var connection = broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id).Single();

            // One packet more than the limit, at most.
            Assert.InRange(connection.Writer.WaitingBytes, 1, 40 * 1024);
            Assert.Equal(connection.Writer.WaitingBytes, memory.Outgoing.Now);
            Assert.True(connection.Writer.IsStuckFor(TimeSpan.Zero));

            // It misses nothing: the log has it.
            stalled.ResumeReading();
            await stalled.PublishesUntilAsync(publish => Said(publish) == "flooded");
        }

        await HandshakeTests.UntilAsync(() => memory.Outgoing.Now == 0);
    }

    [Fact]
    public async Task Fault_B2_When_too_much_waits_for_all_together_those_that_do_not_read_are_closed()
    {
        TrafficMemory memory = new(outgoing: 20 * 1024, incoming: 64 * 1024 * 1024);
        await using var broker = await RunningBroker.StartAsync(services => services.AddSingleton(memory));
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        List<RawMqttClient> stalled = [];
        for (var i = 0; i < 5; i++)
        {
            stalled.Add(await DeafAsync(broker, ana, $"deaf-{i}"));
        }

        await using var reader = await broker.ConnectAsync(bob);
        await reader.SubscribeAsync("rooms/lobby");
        await using var speaker = await broker.ConnectAsync(bob, MqttVersion.V311);
        await Flood.Async(speaker);
        Assert.True(memory.Outgoing.IsFull);

        // By the sweep of each second, long before their minute is over.
        await HandshakeTests.UntilAsync(() => !memory.Outgoing.IsFull);

        Assert.InRange(broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id).Length, 0, 4);
        await reader.PublishesUntilAsync(publish => Said(publish) == "flooded");
        await reader.PingAsync();
        foreach (var client in stalled)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Fault_S2_Presence_that_is_never_acknowledged_counts_as_being_stuck()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var silent = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await silent.ConnectAsync("ana", ana.Token, "silent", properties: new MqttProperties { { PropertyId.ReceiveMaximum, 1u } });
        silent.AcknowledgesItself = false;
        await silent.SubscribeAsync("rooms/lobby/presence/+");
        var connection = broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id).Single();
        await using var other = await broker.ConnectAsync(bob);
        await other.SubscribeAsync("rooms/lobby/text");
        await other.UnsubscribeAsync("rooms/lobby/text");

        await HandshakeTests.UntilAsync(() => connection.Writer.IsStuckFor(TimeSpan.Zero) && connection.Writer.WaitingBytes > 0);
    }

    [Theory]
    [InlineData("V5")]
    [InlineData("V311")]
    public async Task Fault_S2_A_client_that_does_not_read_its_answers_is_not_read_on_and_counts_as_stuck(string versionName)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:IdlePacketsPerSecond", "0");
        var ana = await broker.RegisterAsync("ana");
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, version, receiveBuffer: 4096);
        await client.ConnectAsync("ana", ana.Token, "deaf");
        Assert.Equal(version == MqttVersion.V5 ? 0x90 : 0, (await client.PublishAsync("nonsense", "heard")).ReasonCode);
        var connection = broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id).Single();
        client.StopReading();
        var questions = new byte[64 * 1024];
        for (var i = 0; i < questions.Length; i += 2)
        {
            // PINGREQ
            questions[i] = 0xC0;
        }

        using MemoryStream refused = new();
        for (ushort id = 1; id <= 1000; id++)
        {
            refused.Write(ClientPackets.Publish(version, "nonsense", "x"u8.ToArray(), 1, packetId: id));
        }

        var asking = AskAsync(client, version == MqttVersion.V5 ? refused.ToArray() : questions);
        await HandshakeTests.UntilAsync(() => connection.Writer.IsStuckFor(TimeSpan.Zero));
        broker.Get<IEnumerable<IHostedService>>().OfType<KeepAliveSweep>().Single().Sweep(TimeSpan.Zero);

        // Nobody takes more of it: the write that was under way fails.
        await asking;
        client.ResumeReading();
        await client.WaitForCloseAsync();
    }

    // Hears the lobby at QoS 0 and reads nothing.
    private static async Task<RawMqttClient> DeafAsync(RunningBroker broker, Member member, string clientId)
    {
        var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V5, receiveBuffer: 4096);
        await client.ConnectAsync(member.Account.UserName, member.Token, clientId);
        await client.SubscribeAsync([new Filter("rooms/lobby", 0)]);
        client.StopReading();
        return client;
    }

    private static async Task AskAsync(RawMqttClient client, byte[] questions)
    {
        try
        {
            while (true)
            {
                await client.SendAsync(questions);
            }
        }
        catch (Exception error) when (error is System.Net.Sockets.SocketException or IOException or ObjectDisposedException)
        {
            // Cut off.
        }
    }

    private Task<RunningBroker> StartAsync(params string[] settings) => RunningBroker.StartAsync(
        services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<PublishBudgets>(provider, _time)),
        ["--WebMessenger:Limits:PublishPerSecond", "20", "--WebMessenger:Limits:PublishBurst", $"{Burst}", .. settings]);

    private static byte[] Publishes(MqttVersion version, int count, byte qos)
    {
        using MemoryStream burst = new();
        for (ushort id = 1; id <= count; id++)
        {
            burst.Write(ClientPackets.Publish(version, "rooms/lobby", Encoding.ASCII.GetBytes($"{id}"), qos, packetId: id));
        }

        return burst.ToArray();
    }

    private static string? Said(ReceivedPublish publish) => publish.Json.TryGetProperty("text", out var text) ? text.GetString() : null;
}
