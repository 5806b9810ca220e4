using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>What is said for a client that is lost, when, and at whose expense.</summary>
public sealed class WillTests
{
    private const uint Expiry = 3600;

    /// <summary>The reason codes of table 3-10 that a client may send (MQTT 5.0, 3.14.2.1).</summary>
    [Theory]
    [InlineData(0x00, false)]
    [InlineData(0x04, true)]
    [InlineData(0x80, true)]
    [InlineData(0x81, true)]
    [InlineData(0x93, true)]
    [InlineData(0x99, true)]
    public async Task Fault_Q1_Only_a_normal_DISCONNECT_takes_the_will_away(byte code, bool isSaid)
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var witness = await ListenAsync(broker, bob);
        await using var client = await WithWillAsync(broker, ana, "client", "my will");

        await client.SendAsync(new byte[] { 0xE0, 2, code, 0 });
        await client.WaitForCloseAsync();
        await Talk.GoneAsync(broker, ana);

        Assert.Equal(isSaid ? ["my will"] : [], await SaidAsync(witness));
    }

    [Fact]
    public async Task Fault_Q2_A_client_that_is_back_within_the_delay_takes_its_will_away()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var witness = await ListenAsync(broker, bob);
        await LoseAsync(broker, ana, "late", "late's will", delay: 30);
        await LoseAsync(broker, ana, "back", "back's will", delay: 30);
        Assert.Empty(await SaidAsync(witness));
        time.Advance(TimeSpan.FromSeconds(29));
        await using var back = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        Assert.True((await ConnectAsync(back, ana, "back", clean: false)).SessionPresent);

        time.Advance(TimeSpan.FromSeconds(1));

        // The other's shows that the time of both is over.
        Assert.Equal(["late's will"], Texts(await witness.PublishesUntilAsync(publish => Talk.Is(publish, "late's will"))));
        Assert.Empty(await SaidAsync(witness));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault_Q2_Taking_over_takes_a_delayed_will_away_unless_it_starts_clean(bool clean)
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var witness = await ListenAsync(broker, bob);
        await using var first = await WithWillAsync(broker, ana, "client", "my will", delay: 30, expiry: Expiry);
        await using var second = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        Assert.Equal(!clean, (await ConnectAsync(second, ana, "client", clean)).SessionPresent);
        await first.WaitForCloseAsync();
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 2);

        // A clean start ends the MQTT session that the will belongs to (MQTT 5.0, 3.1.3.2.2).
        Assert.Equal(clean ? ["my will"] : [], await SaidAsync(witness));
    }

    [Fact]
    public async Task Fault_Q2_A_clean_start_ends_what_waits_and_its_will_is_said()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var witness = await ListenAsync(broker, bob);
        await LoseAsync(broker, ana, "client", "my will", delay: 30);
        Assert.Empty(await SaidAsync(witness));

        await using var again = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        Assert.False((await ConnectAsync(again, ana, "client", clean: true)).SessionPresent);

        Assert.Equal(["my will"], Texts(await witness.PublishesUntilAsync(publish => Talk.Is(publish, "my will"))));
    }

    [Fact]
    public async Task Fault_Q2_A_will_waits_no_longer_than_its_MQTT_session_lives()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var witness = await ListenAsync(broker, bob);
        await LoseAsync(broker, ana, "brief", "brief's will", delay: 3000, expiry: 10);
        Assert.Empty(await SaidAsync(witness));

        // One that is not kept has nothing to come back to.
        await using (var client = await WithWillAsync(broker, ana, "plain", "plain's will", delay: 3000))
        {
            client.Abort();
        }

        Assert.Equal(["plain's will"], Texts(await witness.PublishesUntilAsync(publish => Talk.Is(publish, "plain's will"))));
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(["brief's will"], Texts(await witness.PublishesUntilAsync(publish => Talk.Is(publish, "brief's will"))));
    }

    [Fact]
    public async Task Fault_Q2_A_will_that_waits_ends_with_the_login_session()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var witness = await ListenAsync(broker, bob);
        var other = ana with { Token = await broker.TokenAsync(ana.Account) };
        await LoseAsync(broker, ana, "revoked", "revoked's will", delay: 30);
        await LoseAsync(broker, other, "other", "other's will", delay: 30);
        var sessions = broker.Get<LoginSessions>();
        var revoked = sessions.List(ana.Account).Single(session => session.ClientIds.Contains("revoked"));
        await sessions.EndAsync(revoked);

        time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(["other's will"], Texts(await witness.PublishesUntilAsync(publish => Talk.Is(publish, "other's will"))));
        Assert.Empty(await SaidAsync(witness));

        // Nor was it tried and refused, which the log would tell.
        Assert.Null(broker.Get<PublishRefusals>().LastOf(revoked));
    }

    [Fact]
    public async Task Fault_Q2_A_will_that_waits_outlives_a_restart_and_leaves_its_client_a_minute_to_come_back()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await LoseAsync(broker, ana, "late", "late's will", delay: 5);
        await LoseAsync(broker, ana, "back", "back's will", delay: 5);
        await broker.RestartAsync();
        await using var witness = await ListenAsync(broker, bob);
        time.Advance(TimeSpan.FromSeconds(59));
        await using var back = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        Assert.True((await ConnectAsync(back, ana, "back", clean: false)).SessionPresent);
        Assert.Empty(await SaidAsync(witness));

        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(["late's will"], Texts(await witness.PublishesUntilAsync(publish => Talk.Is(publish, "late's will"))));
        Assert.Empty(await SaidAsync(witness));
    }

    [Fact]
    public async Task Fault_Q19_A_stop_of_the_server_says_no_will_and_those_of_durable_clients_wait_for_them_to_come_back()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var plain = await WithWillAsync(broker, ana, "plain", "plain's will");
        await using var late = await WithWillAsync(broker, ana, "late", "late's will", expiry: Expiry);
        await using var back = await WithWillAsync(broker, ana, "back", "back's will", expiry: Expiry);

        // Other services tick on until their turn to stop comes.
        await broker.Get<MqttAcceptor>().StopServingAsync();
        await Talk.GoneAsync(broker, ana);
        broker.Get<IEnumerable<IHostedService>>().OfType<KeepAliveSweep>().Single().Sweep(TimeSpan.FromMinutes(1));
        await broker.RestartAsync();

        foreach (var client in new[] { plain, late, back })
        {
            Assert.Equal((byte)0x8B, (await client.WaitForCloseAsync()).Disconnect);
        }

        await using var witness = await ListenAsync(broker, bob);
        await using var again = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        Assert.True((await ConnectAsync(again, ana, "back", clean: false)).SessionPresent);
        var answer = await witness.SubscribeAsync("rooms/lobby", properties: new MqttProperties { { "last", "100" } });
        Assert.Equal([1], answer.ReasonCodes);
        Assert.Empty(await SaidAsync(witness));

        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(["late's will"], Texts(await witness.PublishesUntilAsync(publish => Talk.Is(publish, "late's will"))));
        Assert.Empty(await SaidAsync(witness));
    }

    [Theory]
    [InlineData("")]
    [InlineData("rooms/+")]
    [InlineData("rooms/#")]
    public async Task Fault_Q12_A_will_to_an_empty_topic_or_one_with_wildcards_refuses_the_CONNECT(string topic)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var allowed = await WithWillAsync(broker, ana, "allowed", "bye");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        Assert.Equal(0x90, (await client.ConnectAsync("ana", ana.Token, will: new Will(topic, "bye"))).ReasonCode);
        await client.WaitForCloseAsync();

        // MQTT 3.1.1, 4.8: it has no return code for that.
        await using var old = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311);
        await old.SendAsync(ClientPackets.Connect(MqttVersion.V311, "ana", ana.Token, will: new Will(topic, "bye")));
        await old.WaitForCloseAsync();
        Assert.Equal("nothing came", old.Transcript());
    }

    [Fact]
    public async Task Fault_S14_Wills_are_paid_for_like_messages_and_one_too_many_is_dropped_with_a_notice()
    {
        // A clock that stands: the budget is not refilled, however long the machine takes.
        FakeTimeProvider time = new();
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<PublishBudgets>(provider, time)),
            "--WebMessenger:Limits:PublishPerSecond", "1", "--WebMessenger:Limits:PublishBurst", "3");
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var witness = await ListenAsync(broker, bob);
        await using var own = await broker.ConnectAsync(ana, clientId: "own");
        await own.SubscribeAsync("users/ana");
        Assert.True((await own.PublishAsync("rooms/lobby", "a message")).Accepted);

        for (var i = 1; i <= 5; i++)
        {
            await using var client = await WithWillAsync(broker, ana, Number(i), "will " + Number(i));
            client.Abort();
            await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id).Length == 1);
        }

        var notice = (await own.NextPublishAsync()).Json;
        Assert.Equal(("notice", "will_dropped", "rooms/lobby"), (notice.Type(), notice.GetProperty("code").GetString(), notice.GetProperty("topic").GetString()));
        Assert.Contains("3", notice.Text(), StringComparison.Ordinal);
        Assert.Equal(["a message", "will 1", "will 2"], await SaidAsync(witness));
    }

    [Fact]
    public async Task Fault_S14_The_others_hear_of_a_dropped_will_also_when_its_client_was_refused_a_moment_before()
    {
        FakeTimeProvider time = new();
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<PublishBudgets>(provider, time)),
            "--WebMessenger:Limits:PublishPerSecond", "1", "--WebMessenger:Limits:PublishBurst", "2");
        var ana = await broker.RegisterAsync("ana");
        await using var own = await broker.ConnectAsync(ana, clientId: "own");
        await own.SubscribeAsync("users/ana");
        for (var i = 0; i < 2; i++)
        {
            await using var client = await WithWillAsync(broker, ana, "client", "my will");
            if (i == 0)
            {
                // The log names the client for this, and will not name it again within the minute.
                await client.SendAsync(ClientPackets.Publish(MqttVersion.V5, "rooms/nowhere", "x"u8.ToArray(), 0));
                await client.PingAsync();
            }

            // The first will is paid for with the last that was left, so the next one is dropped.
            Assert.Empty(own.AlreadyHere());
            client.Abort();
            await Talk.GoneAsync(broker, ana, but: 1);
        }

        Assert.Equal("will_dropped", (await own.NextPublishAsync()).Json.GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("""{"type":"edit","of":1,"text":"by will"}""")]
    [InlineData("""{"type":"delete","of":1}""")]
    [InlineData("""{"type":"reaction","of":1,"emoji":"👍","on":true}""")]
    [InlineData("""{"type":"pin","of":1,"on":true}""")]
    [InlineData("""{"type":"role","user":"ana","role":"owner"}""")]
    [InlineData("""{"type":"policy","title":"mine"}""")]
    public async Task A_will_that_does_something_is_dropped_at_CONNECT_and_the_accounts_others_hear_of_it_at_once(string payload)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var own = await broker.ConnectAsync(ana, clientId: "own");
        await own.SubscribeAsync("users/ana");
        await using var client = await WithWillAsync(broker, ana, "sensor", payload);

        var notice = (await own.NextPublishAsync()).Json;

        Assert.Equal(("notice", "will_dropped"), (notice.Type(), notice.GetProperty("code").GetString()));
        Assert.Contains("sensor", notice.Text(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"type\":\"dance\"}", "type")]
    [InlineData("", "text")]
    [InlineData("123456789", "8 bytes")]
    public async Task Fault_S14_A_will_that_is_no_message_is_dropped_at_CONNECT(string payload, string named)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:PayloadBytes", payload.Length == 9 ? "8" : "100");
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        Assert.True((await client.ConnectAsync("ana", ana.Token, will: new Will("rooms/lobby", payload))).Accepted);
        await client.SubscribeAsync("users/ana");
        var notice = (await client.NextPublishAsync()).Json;

        Assert.Equal("will_dropped", notice.GetProperty("code").GetString());
        Assert.Contains(named, notice.Text(), StringComparison.Ordinal);
        var token = broker.Get<LoginSessions>().List(ana.Account).Single(session => session.Kind == LoginSessionKind.Token);
        Assert.Equal(notice.Text(), broker.Get<PublishRefusals>().LastOf(token)?.Reason);
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static async Task<RawMqttClient> ListenAsync(RunningBroker broker, Member member)
    {
        var witness = await broker.ConnectAsync(member, clientId: "witness");
        Assert.Equal([1], (await witness.SubscribeAsync("rooms/lobby")).ReasonCodes);
        return witness;
    }

    // A member, with a will to the lobby.
    private static async Task<RawMqttClient> WithWillAsync(RunningBroker broker, Member member, string clientId, string will, uint delay = 0, uint expiry = 0)
    {
        await broker.Get<Broker.Rooms.RoomMembers>().JoinAsync(broker.Room("lobby"), member.Account);
        var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        MqttProperties? properties = delay > 0 ? new MqttProperties { { PropertyId.WillDelay, delay } } : null;
        Assert.True((await ConnectAsync(client, member, clientId, clean: true, expiry, new Will("rooms/lobby", will, Properties: properties))).Accepted);
        return client;
    }

    private static async Task LoseAsync(RunningBroker broker, Member member, string clientId, string will, uint delay, uint expiry = Expiry)
    {
        await using var client = await WithWillAsync(broker, member, clientId, will, delay, expiry);
        client.Abort();
        await Talk.GoneAsync(broker, member);
    }

    private static Task<ConnAck> ConnectAsync(RawMqttClient client, Member member, string clientId, bool clean, uint expiry = Expiry, Will? will = null) =>
        client.ConnectAsync(
            member.Account.UserName, member.Token, clientId, clean, will: will, properties: expiry > 0 ? new MqttProperties { { PropertyId.SessionExpiry, expiry } } : null);

    // What was said so far: nothing that was on its way comes after the marker.
    private static async Task<string[]> SaidAsync(RawMqttClient witness)
    {
        var marker = Guid.NewGuid().ToString("N");
        Assert.True((await witness.PublishAsync("rooms/lobby", marker)).Accepted);
        return [.. Texts(await witness.PublishesUntilAsync(publish => Talk.Is(publish, marker))).Where(text => text != marker)];
    }

    private static string[] Texts(IReadOnlyList<ReceivedPublish> publishes) =>
        [.. publishes.Where(publish => publish.Json.Type() == "message").Select(publish => publish.Json.Text()!)];
}
