using System.Net;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Connections;
using WebMessenger.Broker.Hosting;
using WebMessenger.Broker.Tests.Connections;
using WebMessenger.Broker.Tests.Wire;

namespace WebMessenger.Broker.Tests.Hosting;

/// <summary>What the web server lets in, what it says to every page, and what one address may take of it.</summary>
public sealed class WebDoorTests
{
    [Fact]
    public async Task Attack_48_A_WebSocket_from_a_foreign_page_is_refused_before_the_upgrade()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:AllowedOrigins:0=https://pages.example.org");
        var browser = await broker.SignInAsync((await broker.RegisterAsync("ana")).Account);
        var own = broker.Http.GetLeftPart(UriPartial.Authority);
        foreach (var (origin, site, expected) in new (string?, string?, HttpStatusCode)[]
        {
            (own, null, HttpStatusCode.SwitchingProtocols),
            (own, "same-origin", HttpStatusCode.SwitchingProtocols),
            ("https://pages.example.org", "cross-site", HttpStatusCode.SwitchingProtocols),
            (null, null, HttpStatusCode.SwitchingProtocols),
            ("https://evil.example", null, HttpStatusCode.Forbidden),
            ("null", null, HttpStatusCode.Forbidden),
            ("http://127.0.0.1:1", null, HttpStatusCode.Forbidden),
            ($"http://chat.{broker.Http.Authority}", null, HttpStatusCode.Forbidden),
            (own, "cross-site", HttpStatusCode.Forbidden),
            (null, "cross-site", HttpStatusCode.Forbidden),
        })
        {
            WebSocketDoor door = new($"webmessenger={browser.Secret}", origin) { Headers = site is null ? [] : new Dictionary<string, string> { ["Sec-Fetch-Site"] = site } };
            Assert.Equal(expected, await RawMqttClient.UpgradeStatusAsync(broker.WebSocket, door));
        }
    }

    [Fact]
    public async Task Attack_48_Without_an_Origin_the_cookie_opens_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var cookie = $"webmessenger={(await broker.SignInAsync(ana.Account)).Secret}";
        await using var page = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, new WebSocketDoor(cookie, broker.Http.GetLeftPart(UriPartial.Authority)));
        Assert.True((await page.ConnectAsync()).Accepted);

        await using var program = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, new WebSocketDoor(cookie));
        Assert.Equal(0x87, (await program.ConnectAsync()).ReasonCode);
        await using var withToken = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, new WebSocketDoor(cookie));
        Assert.True((await withToken.ConnectAsync("ana", ana.Token)).Accepted);
    }

    [Theory]
    [InlineData("POST", "/mqtt/negotiate", null, HttpStatusCode.NotFound)]
    [InlineData("POST", "/mqtt/negotiate?negotiateVersion=1", null, HttpStatusCode.NotFound)]
    [InlineData("GET", "/mqtt/negotiate", null, HttpStatusCode.NotFound)]
    [InlineData("GET", "/mqtt?id=1", "text/event-stream", HttpStatusCode.UpgradeRequired)]
    [InlineData("GET", "/mqtt?id=1", null, HttpStatusCode.UpgradeRequired)]
    [InlineData("POST", "/mqtt?id=1", null, HttpStatusCode.MethodNotAllowed)]
    [InlineData("DELETE", "/mqtt?id=1", null, HttpStatusCode.MethodNotAllowed)]
    public async Task Attack_49_There_is_no_other_way_to_MQTT_than_the_upgrade(string method, string path, string? accept, HttpStatusCode expected)
    {
        await using var broker = await RunningBroker.StartAsync();
        using HttpClient client = new();
        using HttpRequestMessage request = new(new HttpMethod(method), new Uri(broker.Http, path));
        if (accept is not null)
        {
            request.Headers.Accept.ParseAdd(accept);
        }

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(expected, answer.StatusCode);
        Assert.Equal(HttpStatusCode.SwitchingProtocols, await RawMqttClient.UpgradeStatusAsync(broker.WebSocket, new WebSocketDoor()));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/api/session")]
    [InlineData("/api/nothing")]
    [InlineData("/mqtt")]
    [InlineData("/health/live")]
    public async Task Attack_55_Every_answer_says_that_no_page_may_frame_it_and_no_script_runs_that_is_not_ours(string path)
    {
        await using var broker = await RunningBroker.StartAsync();
        using HttpClient client = new();

        using var answer = await client.GetAsync(new Uri(broker.Http, path), TestContext.Current.CancellationToken);

        string Header(string name) => Assert.Single(answer.Headers.TryGetValues(name, out var values) ? values : []);
        var policy = Header("Content-Security-Policy").Split("; ");
        Assert.Contains("default-src 'none'", policy);
        Assert.Contains("script-src 'self'", policy);
        Assert.Contains("frame-ancestors 'none'", policy);
        Assert.Contains("base-uri 'none'", policy);
        Assert.Contains("require-trusted-types-for 'script'", policy);
        Assert.DoesNotContain(policy, directive => directive.Contains("unsafe", StringComparison.Ordinal) || directive.Contains('*', StringComparison.Ordinal));
        Assert.Equal("DENY", Header("X-Frame-Options"));
        Assert.Equal("nosniff", Header("X-Content-Type-Options"));
        Assert.Equal("no-referrer", Header("Referrer-Policy"));
        Assert.Equal("same-origin", Header("Cross-Origin-Opener-Policy"));
        Assert.False(answer.Headers.Contains("Server"));
        Assert.True(answer.Headers.CacheControl?.NoStore == true || !path.StartsWith("/api", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Attack_60_Half_open_connections_of_one_address_are_capped_and_others_get_in()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ConnectionsPerAddress=50", "--WebMessenger:TrustedProxies:0=127.0.0.1");
        var ana = await broker.RegisterAsync("ana");
        var directory = broker.Get<ConnectionDirectory>();
        List<RawMqttClient> silent = [];
        for (var i = 0; i < 300; i++)
        {
            try
            {
                silent.Add(await RawMqttClient.OverTcpAsync(broker.Mqtt));
            }
            catch (System.Net.Sockets.SocketException)
            {
                // Refused before it was even open.
            }

            Assert.InRange(directory.Count, 0, 50);
        }

        // Each is either served or closed.
        await HandshakeTests.UntilAsync(() => directory.Count + silent.Count(client => client.IsClosed) >= silent.Count);
        Assert.InRange(directory.Count, 0, 50);
        WebSocketDoor door = new() { Headers = new Dictionary<string, string> { ["X-Forwarded-For"] = "203.0.113.7" } };
        await using var honest = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, door);
        Assert.True((await honest.ConnectAsync("ana", ana.Token)).Accepted);
        await Task.WhenAll(silent.Select(client => client.WaitForCloseAsync()));
        await HandshakeTests.UntilAsync(() => directory.Count == 1);
        foreach (var client in silent)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public void Attack_60_An_address_opens_so_many_connections_a_second_and_no_more()
    {
        FakeTimeProvider time = new();
        ConnectionLimits limits = new(new BrokerLimits { ConnectsPerSecondPerAddress = 5, ConnectionsPerAddress = 0 }, time);
        var (here, there) = (IPAddress.Parse("203.0.113.7"), IPAddress.Parse("203.0.113.8"));
        Assert.All(Enumerable.Range(0, 5), _ => Assert.True(limits.TryEnter(here)));
        Assert.False(limits.TryEnter(here));
        Assert.True(limits.TryEnter(there));
        time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.True(limits.TryEnter(here));
        Assert.False(limits.TryEnter(here));

        // A household has a whole network of addresses.
        Assert.All(Enumerable.Range(1, 5), i => Assert.True(limits.TryEnter(IPAddress.Parse($"2001:db8:1:2::{i}"))));
        Assert.False(limits.TryEnter(IPAddress.Parse("2001:db8:1:2:ffff::9")));
        Assert.True(limits.TryEnter(IPAddress.Parse("2001:db8:1:3::1")));
    }
}
