using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>The web's way in, and what strangers and slow peers can take before anybody knows them.</summary>
public sealed class DoorTests
{
    [Fact]
    public async Task Attack_48_A_foreign_page_does_not_get_the_WebSocket()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:AllowedOrigins:0", "https://pages.example.org");
        var own = broker.Http.GetLeftPart(UriPartial.Authority);
        var ana = await broker.RegisterAsync("ana");
        var cookie = $"webmessenger={(await broker.SignInAsync(ana.Account)).Secret}";
        foreach (var origin in new[] { own, "https://pages.example.org", null })
        {
            Assert.Equal(HttpStatusCode.SwitchingProtocols, await RawMqttClient.UpgradeStatusAsync(broker.WebSocket, new WebSocketDoor(cookie, origin)));
        }

        foreach (var origin in new[]
        {
            "null", "https://evil.example", "http://127.0.0.1", "http://127.0.0.1:1", "http://localhost:" + broker.Http.Port, own + ".evil.example", own + "/", "file://",
            "https://pages.example.org.evil.example", "http://pages.example.org",
        })
        {
            Assert.True(HttpStatusCode.Forbidden == await RawMqttClient.UpgradeStatusAsync(broker.WebSocket, new WebSocketDoor(cookie, origin)), origin);
        }

        foreach (var site in new[] { "cross-site", "same-site", "anything" })
        {
            WebSocketDoor door = new(cookie, own) { Headers = new Dictionary<string, string> { ["Sec-Fetch-Site"] = site } };
            Assert.Equal(HttpStatusCode.Forbidden, await RawMqttClient.UpgradeStatusAsync(broker.WebSocket, door));
        }

        // Without an Origin it is no browser, and the cookie opens nothing.
        await using var bot = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, new WebSocketDoor(cookie));
        Assert.Equal(0x87, (await bot.ConnectAsync()).ReasonCode);
    }

    [Theory]
    [InlineData("POST", "/mqtt/negotiate", null)]
    [InlineData("POST", "/mqtt/negotiate?negotiateVersion=1", null)]
    [InlineData("GET", "/mqtt", "text/event-stream")]
    [InlineData("GET", "/mqtt?id=1", "text/event-stream")]
    [InlineData("GET", "/mqtt?id=1", null)]
    [InlineData("POST", "/mqtt?id=1", null)]
    [InlineData("DELETE", "/mqtt?id=1", null)]
    public async Task Attack_49_There_is_no_other_transport_than_the_WebSocket(string method, string path, string? accept)
    {
        await using var broker = await RunningBroker.StartAsync();
        Assert.Equal(HttpStatusCode.SwitchingProtocols, await RawMqttClient.UpgradeStatusAsync(broker.WebSocket, new WebSocketDoor()));
        using HttpClient http = new() { BaseAddress = broker.Http };
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        if (accept is not null)
        {
            request.Headers.Accept.ParseAdd(accept);
        }

        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/rooms/lobby")]
    [InlineData("/api/rooms")]
    [InlineData("/api/nothing")]
    [InlineData("/mqtt")]
    [InlineData("/health/live")]
    public async Task Attack_51_55_59_Every_answer_refuses_frames_and_what_is_personal_is_not_kept(string path)
    {
        await using var broker = await RunningBroker.StartAsync();
        using HttpClient http = new() { BaseAddress = broker.Http };

        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(["DENY"], answer.Headers.GetValues("X-Frame-Options"));
        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.StartsWith("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Equal(path.StartsWith("/api", StringComparison.Ordinal), !policy.Contains("script-src 'self';", StringComparison.Ordinal));
        Assert.Equal(path.StartsWith("/api", StringComparison.Ordinal), !policy.Contains("require-trusted-types-for 'script'", StringComparison.Ordinal));
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Equal(["nosniff"], answer.Headers.GetValues("X-Content-Type-Options"));
        Assert.Equal(["no-referrer"], answer.Headers.GetValues("Referrer-Policy"));
        Assert.False(answer.Headers.Contains("Server"));
        Assert.True(answer.Headers.CacheControl?.NoStore == true || !path.StartsWith("/api", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task Attack_59_A_fault_of_the_server_shows_nothing_of_its_inside(string environment)
    {
        await using var broker = await RunningBroker.StartWithAsync(
            services => services.AddSingleton<BrowserSignIn>(_ => throw new InvalidOperationException("inside")),
            "--environment", environment, "--Serilog:MinimumLevel:Default", "Fatal");
        using HttpClient http = new() { BaseAddress = broker.Http };

        using var answer = await http.PostAsJsonAsync("/api/session/guest", new { nickname = "Zoe" }, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.True(answer.Headers.CacheControl?.NoStore);
        Assert.Equal(["DENY"], answer.Headers.GetValues("X-Frame-Options"));
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"code\":\"server_error\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("inside", text, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attack_60_Half_open_connections_of_one_address_are_capped_and_others_come_in()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs a second address of loopback.");
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ConnectionsPerAddress", "30");
        var ana = await broker.RegisterAsync("ana");
        var directory = broker.Get<ConnectionDirectory>();
        List<Socket> strangers = [];
        try
        {
            for (var i = 0; i < 300; i++)
            {
                Socket stranger = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                strangers.Add(stranger);
                stranger.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));

                // A byte of a CONNECT, so that somebody is thinking of it.
                try
                {
                    await stranger.ConnectAsync(broker.Mqtt, TestContext.Current.CancellationToken);
                    await stranger.SendAsync(new byte[] { 0x10 }, TestContext.Current.CancellationToken);
                }
                catch (SocketException)
                {
                    // One too many: cut already.
                }

                Assert.InRange(directory.Count, 0, 30);
            }

            await using var honest = await broker.ConnectAsync(ana);
            Assert.True((await honest.PublishAsync("rooms/lobby", "I am in")).Accepted);
            Assert.InRange(directory.Count, 1, 31);

            // Those over the cap see the end of their connection.
            List<Socket> waiting = [.. strangers];
            await HandshakeTests.UntilAsync(() =>
            {
                waiting.RemoveAll(stranger => stranger.Poll(0, SelectMode.SelectRead));
                return waiting.Count <= 30;
            });
        }
        finally
        {
            strangers.ForEach(stranger => stranger.Dispose());
        }

        await HandshakeTests.UntilAsync(() => directory.Count == 0);
    }

    [Fact]
    public async Task Attack_63_A_slow_reader_is_closed_at_its_bound_catches_up_later_and_hurts_nobody()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var slow = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V5, receiveBuffer: 4096);
        await slow.ConnectAsync("ana", ana.Token, "slow", properties: new MqttProperties { { PropertyId.ReceiveMaximum, 1000u } });
        await slow.SubscribeAsync("rooms/lobby");
        await using var speaker = await broker.ConnectAsync(ana, MqttVersion.V311, "speaker");
        await speaker.PublishAsync("rooms/lobby", "first");
        var first = (await slow.NextPublishAsync()).Json.GetProperty("seq").GetInt64();
        await using var other = await broker.ConnectAsync(ana, clientId: "other");
        await other.SubscribeAsync("rooms/lobby");
        slow.StopReading();

        await Flood.Async(speaker);

        await other.PublishesUntilAsync(publish => publish.Text.Contains("\"flooded\"", StringComparison.Ordinal));
        broker.Get<IEnumerable<IHostedService>>().OfType<KeepAliveSweep>().Single().Sweep(TimeSpan.Zero);
        var directory = broker.Get<ConnectionDirectory>();
        await HandshakeTests.UntilAsync(() => directory.OfAccount(ana.Account.Id).All(connection => connection.ClientId != "slow"));
        Assert.Equal(2, directory.OfAccount(ana.Account.Id).Length);
        slow.ResumeReading();
        await slow.WaitForCloseAsync();

        await using var again = await broker.ConnectAsync(ana, clientId: "slow");
        await again.SubscribeAsync("rooms/lobby", 1, new MqttProperties { { "after", $"{first}" } });
        var seqs = (await again.PublishesUntilAsync(publish => publish.Text.Contains("\"flooded\"", StringComparison.Ordinal)))
            .Select(publish => publish.Json.GetProperty("seq").GetInt64()).ToList();
        Assert.Equal(Enumerable.Range(1, seqs.Count).Select(i => first + i), seqs);
        Assert.True(seqs.Count > 2200);
        await other.PingAsync();
    }

    [Fact]
    public async Task Attack_45_A_response_topic_goes_nowhere()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var listener = await broker.ConnectAsync(bob);
        await listener.SubscribeAsync([new Filter("rooms/lobby"), new Filter("users/bob")]);
        await using var client = await broker.ConnectAsync(ana);

        var answer = await client.PublishAsync("rooms/lobby", "ask", properties: new MqttProperties { { PropertyId.ResponseTopic, "users/bob" }, { PropertyId.CorrelationData, new byte[] { 1 } } });
        Assert.True(answer.Accepted);
        await client.PublishAsync("users/bob", "marker");

        var heard = await listener.PublishesUntilAsync(publish => publish.Text.Contains("\"marker\"", StringComparison.Ordinal));
        Assert.Single(heard, publish => publish.Topic == "users/bob");
        Assert.All(heard, publish => Assert.Empty(publish.Properties));
    }
}
