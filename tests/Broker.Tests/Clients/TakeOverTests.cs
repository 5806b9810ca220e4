using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

namespace WebMessenger.Broker.Tests.Clients;

public sealed class TakeOverTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Attack_29_Another_account_with_my_client_id_is_a_client_of_its_own(bool cleanStart)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var eve = await broker.RegisterAsync("eve");
        await using var mine = await broker.ConnectAsync(ana, clientId: "phone");
        await mine.SubscribeAsync("users/ana");
        await using var hers = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        var answer = await hers.ConnectAsync("eve", eve.Token, "phone", cleanStart);

        Assert.True(answer.Accepted);
        Assert.False(answer.SessionPresent);
        await hers.SubscribeAsync("users/eve");
        await hers.PublishAsync("users/ana", "to ana");
        await mine.PublishAsync("users/eve", "marker");
        Assert.Contains("to ana", (await mine.NextPublishAsync()).Text, StringComparison.Ordinal);
        Assert.Equal("sent", (await hers.NextPublishAsync()).Json.Type());
        Assert.Contains("marker", (await hers.NextPublishAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_connects_again_takes_over_and_the_old_one_is_told()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var old = await broker.ConnectAsync(ana, clientId: "phone");
        await old.SubscribeAsync("rooms/lobby");
        await using var bystander = await broker.ConnectAsync(ana, clientId: "laptop");

        await using var now = await broker.ConnectAsync(ana, clientId: "phone");
        await now.SubscribeAsync("rooms/lobby");

        Assert.Equal((byte)0x8E, (await old.WaitForCloseAsync()).Disconnect);
        await bystander.PublishAsync("rooms/lobby", "hello");
        await now.PublishesUntilAsync(publish => publish.Text.Contains("hello", StringComparison.Ordinal));
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 2);
        Assert.Single(broker.Room("lobby").Subscribers.ToArray());
    }

    [Fact]
    public async Task A_hundred_take_overs_at_once_leave_one_connection()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        List<RawMqttClient> clients = [];
        for (var i = 0; i < 100; i++)
        {
            clients.Add(await RawMqttClient.OverTcpAsync(broker.Mqtt));
        }

        await Task.WhenAll(clients.Select(client => client.SendAsync(ClientPackets.Connect(MqttVersion.V5, "ana", ana.Token, "phone"))));
        await HandshakeTests.UntilAsync(() => clients.Count(client => client.IsClosed) == 99);
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 1);

        var survivor = clients.Single(client => !client.IsClosed);
        await survivor.PingAsync();
        Assert.Single(broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id));
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Attack_61_A_client_that_stopped_reading_is_taken_over_and_delays_nobody()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var stalled = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V5, receiveBuffer: 4096);
        await stalled.ConnectAsync("ana", ana.Token, "phone", properties: new MqttProperties { { PropertyId.ReceiveMaximum, 1000u } });
        await stalled.SubscribeAsync([new Filter("rooms/lobby", 0)]);
        stalled.StopReading();
        await using var speaker = await broker.ConnectAsync(ana, MqttVersion.V311);
        await Flood.Async(speaker);

        await using var now = await broker.ConnectAsync(ana, clientId: "phone");
        await now.PingAsync();
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 2);

        // A stalled client that is not taken over hurts nobody either (63): everybody else still hears the room.
        await now.SubscribeAsync("rooms/lobby");
        await speaker.PublishAsync("rooms/lobby", "marker");
        await now.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("before its CONNECT")]
    [InlineData("while it is let in")]
    public async Task A_refused_client_does_not_push_out_the_one_that_is_in(string ends)
    {
        InterceptorClock clock = new();
        await using var broker = await RunningBroker.StartAsync(clock.Into);
        var ana = await broker.RegisterAsync("ana");
        var browser = await broker.SignInAsync(ana.Account);
        await using var inside = await broker.ConnectAsync(ana, clientId: "phone");
        await inside.SubscribeAsync("rooms/lobby");

        // The cookie has opened the socket; then its login session ends.
        var door = new WebSocketDoor($"webmessenger={browser.Secret}", broker.Http.GetLeftPart(UriPartial.Authority));
        await using var late = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, door);
        var end = () => broker.Get<LoginSessions>().EndAsync(browser.Session);
        if (ends == "while it is let in")
        {
            clock.AtNextLook(end);
        }
        else
        {
            await end();
        }

        Assert.Equal(0x87, (await late.ConnectAsync(clientId: "phone")).ReasonCode);
        Assert.True(browser.Session.IsRevoked);
        await late.WaitForCloseAsync();

        await inside.PingAsync();
        Assert.Single(broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id));
        await using var next = await broker.ConnectAsync(ana, clientId: "phone");
        Assert.Equal((byte)0x8E, (await inside.WaitForCloseAsync()).Disconnect);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_says_goodbye_and_never_reads_what_was_sent_is_gone_all_the_same(bool overWebSocket)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ConnectionsPerAddress", "2");
        var ana = await broker.RegisterAsync("ana");
        await using var stalled = overWebSocket
            ? await RawMqttClient.OverWebSocketAsync(broker.WebSocket, new WebSocketDoor(), MqttVersion.V5, receiveBuffer: 4096)
            : await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V5, receiveBuffer: 4096);
        await stalled.ConnectAsync("ana", ana.Token, "stalled");
        await stalled.SubscribeAsync([new Filter("rooms/lobby", 0)]);
        stalled.StopReading();
        await using var speaker = await broker.ConnectAsync(ana, MqttVersion.V311);
        await Flood.Async(speaker);

        await stalled.DisconnectAsync();

        // Its place is free for another: it does not linger beyond its time, counted by nobody.
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 1);
        var limits = broker.Get<WebMessenger.Broker.Clients.ConnectionLimits>();
        await HandshakeTests.UntilAsync(() => limits.TryEnter(System.Net.IPAddress.Loopback));
        stalled.ResumeReading();
        await stalled.WaitForCloseAsync();
    }
}
