using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>The end of a login session is the end of its connections, at once and whatever they are doing.</summary>
public sealed class RevocationTests
{
    [Fact]
    public async Task Attack_22_25_Logout_silences_every_client_of_the_login_session_also_those_that_do_not_read()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        var browser = await broker.SignInAsync(ana.Account);
        var elsewhere = await broker.SignInAsync(ana.Account);
        List<RawMqttClient> clients = [];
        for (var i = 0; i < 20; i++)
        {
            clients.Add(await broker.ConnectBrowserAsync(browser, $"tab-{i}", i < 2 ? 4096 : null));
            await clients[i].SubscribeAsync([new Filter("rooms/lobby", (byte)(i % 2))]);
        }

        await using var other = await broker.ConnectBrowserAsync(elsewhere, "other");
        await other.SubscribeAsync("rooms/lobby");
        clients[0].StopReading();
        clients[1].StopReading();
        await using var speaker = await broker.ConnectAsync(bob, MqttVersion.V311);
        await Flood.Async(speaker);

        await broker.Get<LoginSessions>().EndAsync(browser.Session);

        // From here on nothing reaches them; another login session of the account hears it.
        await speaker.PublishAsync("rooms/lobby", "after the end");
        await other.PublishesUntilAsync(publish => publish.Text.Contains("after the end", StringComparison.Ordinal));
        clients[0].ResumeReading();
        clients[1].ResumeReading();
        for (var i = 0; i < 20; i++)
        {
            var heard = await clients[i].PublishesUntilClosedAsync();
            Assert.DoesNotContain(heard, publish => publish.Text.Contains("after the end", StringComparison.Ordinal));
        }

        await other.PingAsync();
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 2);
        Assert.Equal(["other"], broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id).Select(connection => connection.ClientId));
        Assert.Single(broker.Room("lobby").Subscribers.ToArray());
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Attack_23_No_client_survives_a_logout_that_meets_its_CONNECT()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var sessions = broker.Get<LoginSessions>();
        var connected = 0;
        for (var i = 0; i < 200; i++)
        {
            var browser = await broker.SignInAsync(ana.Account);
            var door = new WebSocketDoor($"webmessenger={browser.Secret}", broker.Http.GetLeftPart(UriPartial.Authority));
            await using var client = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, door);

            // Every interleaving: the end comes a little later each time.
            var connecting = client.SendAsync(ClientPackets.Connect(MqttVersion.V5, clientId: "tab"));
            Spin(i % 50);
            await sessions.EndAsync(browser.Session);
            await connecting;

            await client.WaitForCloseAsync();
            connected += client.Transcript().Contains("CONNACK 0000", StringComparison.Ordinal) ? 1 : 0;
        }

        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 0);
        Assert.Empty(broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id));
        TestContext.Current.TestOutputHelper?.WriteLine($"{connected} of 200 were in for a moment");
    }

    [Fact]
    public async Task Attack_24_Nothing_is_accepted_after_a_logout_that_meets_SUBSCRIBE_and_PUBLISH()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        var sessions = broker.Get<LoginSessions>();
        await using var witness = await broker.ConnectAsync(bob);
        await witness.SubscribeAsync("rooms/lobby");
        var stored = 0;
        for (var i = 0; i < 200; i++)
        {
            var browser = await broker.SignInAsync(ana.Account);
            await using var client = await broker.ConnectBrowserAsync(browser, "tab");
            using MemoryStream burst = new();
            burst.Write(new MqttWriter().UInt16(1).Properties(null).String("rooms/lobby").Byte(1).ToPacket(PacketType.Subscribe, 2));
            for (ushort id = 2; id < 30; id++)
            {
                burst.Write(ClientPackets.Publish(MqttVersion.V5, "rooms/lobby", System.Text.Encoding.ASCII.GetBytes($"before {i}"), 1, packetId: id));
            }

            var sending = client.SendAsync(burst.ToArray());
            Spin(i % 100);
            await sessions.EndAsync(browser.Session);

            // The log takes everything in order: what had been accepted before the end has a lower seq than this.
            var marker = await witness.PublishAsync("rooms/lobby", string.Create(CultureInfo.InvariantCulture, $"marker {i}"));
            await sending;
            await client.WaitForCloseAsync();
            await witness.PublishAsync("rooms/lobby", string.Create(CultureInfo.InvariantCulture, $"end {i}"));
            var heard = await witness.PublishesUntilAsync(publish => publish.Text.Contains($"\"end {i}\"", StringComparison.Ordinal));
            var accepted = heard.Where(publish => publish.Text.Contains($"\"before {i}\"", StringComparison.Ordinal)).ToList();
            Assert.All(accepted, publish => Assert.True(publish.Json.GetProperty("seq").GetInt64() < marker.Seq));
            stored += accepted.Count;
        }

        await HandshakeTests.UntilAsync(() => broker.Room("lobby").Subscribers.Length == 1);
        TestContext.Current.TestOutputHelper?.WriteLine($"{stored} were accepted before their logout");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Attack_24_A_PUBLISH_that_was_allowed_just_before_the_logout_is_not_accepted_after_it(byte qos)
    {
        InterceptorClock clock = new();
        await using var broker = await RunningBroker.StartAsync(clock.Into);
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var witness = await broker.ConnectAsync(bob);
        await witness.SubscribeAsync("rooms/lobby");
        var browser = await broker.SignInAsync(ana.Account);
        await using var tab = await broker.ConnectBrowserAsync(browser);
        Assert.True((await tab.PublishAsync("rooms/lobby", "allowed")).Accepted);

        // Asked, the interceptor says yes; then the logout runs to its end; then the connection goes on with that yes.
        clock.AtNextLook(() => broker.Get<LoginSessions>().EndAsync(browser.Session));
        await tab.SendPublishAsync("rooms/lobby", "too late"u8.ToArray(), qos, packetId: 77);
        await tab.WaitForCloseAsync();
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 1);

        Assert.True(browser.Session.IsRevoked);
        await witness.PublishAsync("rooms/lobby", "marker");
        var heard = await witness.PublishesUntilAsync(publish => publish.Text.Contains("\"marker\"", StringComparison.Ordinal));
        Assert.Contains(heard, publish => publish.Text.Contains("\"allowed\"", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("\"too late\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Attack_26_A_cookie_or_token_that_has_ended_opens_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var browser = await broker.SignInAsync(ana.Account);
        await using var tab = await broker.ConnectBrowserAsync(browser);
        await using var bot = await broker.ConnectAsync(ana);
        var tokens = broker.Get<AccessTokens>();

        await broker.Get<LoginSessions>().EndAsync(browser.Session);
        Assert.True(await tokens.RevokeAsync(ana.Account, Assert.Single(tokens.List(ana.Account)).Id));
        await tab.WaitForCloseAsync();
        await bot.WaitForCloseAsync();

        var door = new WebSocketDoor($"webmessenger={browser.Secret}", broker.Http.GetLeftPart(UriPartial.Authority));
        await using var tabAgain = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, door);
        Assert.Equal(0x87, (await tabAgain.ConnectAsync()).ReasonCode);
        await using var botAgain = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        Assert.Equal(0x86, (await botAgain.ConnectAsync("ana", ana.Token)).ReasonCode);
    }

    [Fact]
    public async Task A_client_that_reads_is_told_why_its_login_session_has_ended()
    {
        await using var broker = await RunningBroker.StartAsync(WithTimeToSayGoodbye);
        var ana = await broker.RegisterAsync("ana");
        await using var bot = await broker.ConnectAsync(ana);
        var tokens = broker.Get<AccessTokens>();

        Assert.True(await tokens.RevokeAsync(ana.Account, Assert.Single(tokens.List(ana.Account)).Id));

        var closed = await bot.WaitForCloseAsync();
        Assert.Equal(((byte)0x98, "This access token was revoked."), (closed.Disconnect, closed.ReasonString));
    }

    [Fact]
    public async Task Attack_27_A_new_password_ends_all_login_sessions_and_Fault_S22_its_browser_comes_back_by_a_new_one()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var here = await broker.SignInAsync(ana.Account);
        var elsewhere = await broker.SignInAsync(ana.Account);
        await using var tab = await broker.ConnectBrowserAsync(here, "here");
        await using var other = await broker.ConnectBrowserAsync(elsewhere, "elsewhere");
        await using var byPassword = await broker.ConnectAsync(ana, clientId: "shell", password: "correct horse battery staple");
        await using var bot = await broker.ConnectAsync(ana, clientId: "bot");

        var changed = await broker.Get<AccountChanges>().ChangeAsync(
            here.Session, "correct horse battery staple", new AccountChange(NewPassword: "wrong donkey capacitor glue"), null);

        Assert.True(changed.TryGet(out var after, out var refusal), $"{refusal}");
        await other.WaitForCloseAsync();
        await byPassword.WaitForCloseAsync();
        await tab.WaitForCloseAsync();
        await using var back = await broker.ConnectBrowserAsync(after.Renewed!, "here");
        await back.PingAsync();
        await bot.PingAsync();
    }

    [Fact]
    public async Task Attack_28_A_token_that_expires_while_connected_ends_its_clients()
    {
        await using var broker = await RunningBroker.StartAsync(WithTimeToSayGoodbye);
        var ana = await broker.RegisterAsync("ana");
        await using var lasting = await broker.ConnectAsync(ana, clientId: "lasting");
        var (brief, expires) = await WithBriefTokenAsync(broker, ana);

        var closed = await brief.WaitForCloseAsync();

        Assert.Equal((byte)0x98, closed.Disconnect);
        Assert.True(DateTimeOffset.UtcNow >= expires);
        await lasting.PingAsync();
        await brief.DisposeAsync();
    }

    [Fact]
    public async Task Attack_41_A_will_is_said_for_a_lost_client_and_not_after_a_logout_or_a_goodbye()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var witness = await broker.ConnectAsync(bob);
        await witness.SubscribeAsync("rooms/lobby");
        var browser = await broker.SignInAsync(ana.Account);

        async Task<RawMqttClient> WithWillAsync(string will)
        {
            var door = new WebSocketDoor($"webmessenger={browser.Secret}", broker.Http.GetLeftPart(UriPartial.Authority));
            var client = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, door);
            Assert.True((await client.ConnectAsync(clientId: will, will: new Will("rooms/lobby", will))).Accepted);
            Assert.Equal([1], (await client.SubscribeAsync("rooms/lobby")).ReasonCodes);
            return client;
        }

        await using var lost = await WithWillAsync("lost");
        lost.Abort();
        var heard = await witness.PublishesUntilAsync(publish => publish.Text.Contains("\"lost\"", StringComparison.Ordinal));
        Assert.Equal("ana", heard[^1].Json.GetProperty("from").GetProperty("user").GetString());

        await using var polite = await WithWillAsync("polite");
        await polite.DisconnectAsync();
        await polite.WaitForCloseAsync();
        await using var revoked = await WithWillAsync("revoked");
        await broker.Get<LoginSessions>().EndAsync(browser.Session);
        await revoked.WaitForCloseAsync();
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 1);
        await witness.PublishAsync("rooms/lobby", "marker");
        heard = await witness.PublishesUntilAsync(publish => publish.Text.Contains("\"marker\"", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("\"polite\"", StringComparison.Ordinal) || publish.Text.Contains("\"revoked\"", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("homeassistant/status")]
    [InlineData("rooms/cellar")]
    [InlineData("rooms/lobby/text")]
    public async Task Attack_41_A_will_to_a_foreign_topic_is_dropped_and_a_notice_says_so(string topic)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311);

        Assert.True((await client.ConnectAsync("ana", ana.Token, will: new Will(topic, "bye"))).Accepted);
        await client.SubscribeAsync("users/ana");
        var notice = (await client.NextPublishAsync()).Json;

        Assert.Equal("notice", notice.Type());
        Assert.Equal("will_dropped", notice.GetProperty("code").GetString());
        Assert.Equal(topic, notice.GetProperty("topic").GetString());
    }

    // The 20 ms in which a DISCONNECT may leave do not run out, however busy the machine is: the connections' clock stands.
    private static void WithTimeToSayGoodbye(IServiceCollection services) => services.AddSingleton<TimeProvider>(new FakeTimeProvider(DateTimeOffset.UtcNow));

    // In by a token that expires soon; on a machine too slow to come in before that, a little later.
    private static async Task<(RawMqttClient Client, DateTimeOffset Expires)> WithBriefTokenAsync(RunningBroker broker, Member member)
    {
        for (var seconds = 2; ; seconds *= 2)
        {
            var expires = DateTimeOffset.UtcNow.AddSeconds(seconds);
            var secret = await broker.TokenAsync(member.Account, expiresAt: expires);
            var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);
            if ((await client.ConnectAsync(member.Account.UserName, secret, "brief")).Accepted)
            {
                return (client, expires);
            }

            Assert.True(DateTimeOffset.UtcNow >= expires);
            await client.DisposeAsync();
        }
    }

    // Not a delay: work between two steps, so that they meet the other side at another place each time.
    private static void Spin(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            Thread.SpinWait(500);
            Thread.Yield();
        }
    }
}
