using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.Broker.Settings;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>Every request of a test comes from 127.0.0.1: that is the proxy, or somebody who would like to be taken for one.</summary>
public sealed class TrustedProxyTests
{
    private const string Trusted = "--WebMessenger:TrustedProxies:0=127.0.0.1";

    [Fact]
    public async Task Attack_56_The_address_that_a_trusted_proxy_names_is_the_clients()
    {
        await using var broker = await RunningBroker.StartAsync(Trusted);

        Assert.Equal("203.0.113.7", await AddressSeenAsync(broker, ("X-Forwarded-For", "203.0.113.7")));

        // What the client itself sent comes first, and the proxy has put behind it what it saw.
        Assert.Equal("203.0.113.7", await AddressSeenAsync(broker, ("X-Forwarded-For", "198.51.100.1, 203.0.113.7")));

        // Two trusted proxies in a row.
        Assert.Equal("203.0.113.7", await AddressSeenAsync(broker, ("X-Forwarded-For", "198.51.100.1, 203.0.113.7, 127.0.0.1")));
        Assert.Equal("127.0.0.1", await AddressSeenAsync(broker));
        Assert.Equal("127.0.0.1", await AddressSeenAsync(broker, ("X-Forwarded-For", "who, knows")));
    }

    [Theory]
    [InlineData]
    [InlineData("--WebMessenger:TrustedProxies:0=10.0.0.0/8")]
    [InlineData("--ForwardedHeaders_Enabled=true")]
    public async Task Attack_56_Forged_headers_from_elsewhere_are_ignored(params string[] settings)
    {
        await using var broker = await RunningBroker.StartAsync(settings);

        using var entered = await EnterAsync(broker, ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "chat.example.org"));

        Assert.Equal("127.0.0.1", await AddressAsync(broker, entered));
        var cookie = Assert.Single(entered.Headers.GetValues("Set-Cookie"));
        Assert.StartsWith("webmessenger=", cookie, StringComparison.Ordinal);
        Assert.DoesNotContain("; secure", cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Behind_https_the_cookie_is_Secure_and_the_page_of_that_host_may_open_the_WebSocket()
    {
        await using var broker = await RunningBroker.StartAsync(Trusted);
        (string, string)[] forwarded = [("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "chat.example.org")];

        using var entered = await EnterAsync(broker, [.. forwarded, ("Origin", "https://chat.example.org")]);

        var cookie = Assert.Single(entered.Headers.GetValues("Set-Cookie"));
        Assert.StartsWith("__Host-webmessenger=", cookie, StringComparison.Ordinal);
        Assert.Contains("; secure", cookie, StringComparison.OrdinalIgnoreCase);
        foreach (var (origin, status) in new[]
        {
            ("https://chat.example.org", HttpStatusCode.SwitchingProtocols),
            ("http://chat.example.org", HttpStatusCode.Forbidden),
            ("https://" + broker.Http.Authority, HttpStatusCode.Forbidden),
        })
        {
            WebSocketDoor door = new(cookie.Split(';')[0], origin) { Headers = forwarded.ToDictionary(header => header.Item1, header => header.Item2) };
            Assert.Equal(status, await RawMqttClient.UpgradeStatusAsync(broker.WebSocket, door));
        }
    }

    [Fact]
    public async Task Limits_count_the_address_that_the_proxy_names_and_a_forged_one_opens_no_new_account_of_them()
    {
        string[] limits =
        [
            "--WebMessenger:Limits:RegistrationsPerHourPerAddress=1", "--WebMessenger:Limits:GuestsPerMinutePerAddress=1", "--WebMessenger:Limits:ConnectsPerSecondPerAddress=1",
        ];
        await using var behind = await RunningBroker.StartAsync([Trusted, .. limits]);
        await using var open = await RunningBroker.StartAsync(limits);
        foreach (var (broker, expected) in new[] { (behind, HttpStatusCode.OK), (open, HttpStatusCode.TooManyRequests) })
        {
            using var first = await EnterAsync(broker, ("X-Forwarded-For", "203.0.113.1"));
            Assert.Equal(HttpStatusCode.OK, first.StatusCode);
            using var again = await EnterAsync(broker, ("X-Forwarded-For", "203.0.113.1"));
            Assert.Equal(HttpStatusCode.TooManyRequests, again.StatusCode);
            using var other = await EnterAsync(broker, ("X-Forwarded-For", "203.0.113.2"));
            Assert.Equal(expected, other.StatusCode);
        }
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1/32")]
    [InlineData("10.0.0.0/8", "10.0.0.0/8")]
    [InlineData("::1", "::1/128")]
    [InlineData("fd00::/8", "fd00::/8")]
    public void A_proxy_is_an_address_or_a_network(string text, string network)
    {
        Assert.True(TrustedProxies.TryParse(text, out var parsed));
        Assert.Equal(network, parsed.ToString());
    }

    private static async Task<string> AddressSeenAsync(RunningBroker broker, params (string, string)[] headers)
    {
        using var entered = await EnterAsync(broker, headers);
        return await AddressAsync(broker, entered, headers);
    }

    private static Task<HttpResponseMessage> EnterAsync(RunningBroker broker, params (string Name, string Value)[] headers) =>
        SendAsync(broker, new HttpRequestMessage(HttpMethod.Post, new Uri(broker.Http, "/api/session/guest")) { Content = JsonContent.Create(new { nickname = $"Zoe {Guid.NewGuid():N}"[..20] }) }, headers);

    /// <summary>As the list of login sessions has it.</summary>
    private static async Task<string> AddressAsync(RunningBroker broker, HttpResponseMessage entered, params (string Name, string Value)[] headers)
    {
        Assert.Equal(HttpStatusCode.OK, entered.StatusCode);
        HttpRequestMessage request = new(HttpMethod.Get, new Uri(broker.Http, "/api/sessions"));
        request.Headers.Add("Cookie", entered.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        using var answer = await SendAsync(broker, request, headers);
        var sessions = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("sessions");
        return sessions[0].GetProperty("address").GetString()!;
    }

    private static async Task<HttpResponseMessage> SendAsync(RunningBroker broker, HttpRequestMessage request, (string Name, string Value)[] headers)
    {
        using HttpClient client = new(new SocketsHttpHandler { UseCookies = false });
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await client.SendAsync(request);
    }
}
