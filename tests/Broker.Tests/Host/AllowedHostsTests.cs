using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WebMessenger.Broker.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>By which names the server is asked, and who registers the first account.</summary>
public sealed class AllowedHostsTests
{
    private static readonly string[] Strangers = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example:8080"];

    [Fact]
    public async Task Fault_S12_What_is_asked_for_by_a_foreign_name_is_not_answered()
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:AllowedOrigins:0=https://chat.example.org", "--WebMessenger:AllowedOrigins:1=https://bücher.example:8443");
        string[] own =
        [
            broker.Http.Authority, "localhost", "LOCALHOST:1", "[::1]", "192.0.2.7:8080", "chat.example.org", "Chat.Example.Org.:80", "xn--bcher-kva.example",
            Environment.MachineName,
        ];
        foreach (var path in new[] { "/api/session", "/", "/assets/none.js", "/api/openapi.json" })
        {
            foreach (var host in own)
            {
                using var answer = await GetAsync(broker, path, host);
                Assert.NotEqual(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
            }

            foreach (var host in Strangers)
            {
                using var answer = await GetAsync(broker, path, host);
                Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
                var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
                Assert.Equal("unknown_host", problem.GetProperty("code").GetString());
                Assert.Contains("WebMessenger:AllowedOrigins", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
                Assert.True(answer.Headers.Contains("Content-Security-Policy"));
            }
        }

        // A supervisor knows a container by a name of its own.
        using var health = await GetAsync(broker, "/health/live", "container-7");
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
    }

    [Theory]
    [InlineData("en-US,en;q=0.9,pt;q=0.8", "lang=\"en\"")]
    [InlineData("pt-BR,pt;q=0.9,en;q=0.8", "lang=\"pt-BR\"")]
    [InlineData("de", "lang=\"en\"")]
    public async Task Fault_S12_A_browser_is_told_in_words(string languages, string shown)
    {
        await using var broker = await RunningBroker.StartAsync();
        using var answer = await GetAsync(broker, "/", "evil.example", ("Accept", "text/html,*/*;q=0.8"), ("Accept-Language", languages));

        Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
        Assert.Equal("text/html", answer.Content.Headers.ContentType?.MediaType);
        var page = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains(shown, page, StringComparison.Ordinal);
        Assert.Contains("WebMessenger:AllowedOrigins", page, StringComparison.Ordinal);
        Assert.DoesNotContain("evil.example", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fault_S12_The_WebSocket_is_not_opened_by_a_foreign_name()
    {
        await using var broker = await RunningBroker.StartAsync();
        foreach (var (host, status) in new[] { ("localhost", HttpStatusCode.SwitchingProtocols), ("evil.example", HttpStatusCode.MisdirectedRequest) })
        {
            WebSocketDoor door = new(null, "http://" + host) { Headers = new Dictionary<string, string> { ["Host"] = host } };
            Assert.Equal(status, await RawMqttClient.UpgradeStatusAsync(broker.WebSocket, door));
        }
    }

    [Fact]
    public async Task Fault_S12_A_trusted_proxy_says_what_the_host_is()
    {
        await using var behind = await RunningBroker.StartAsync("--WebMessenger:TrustedProxies:0=127.0.0.1");
        await using var open = await RunningBroker.StartAsync("--WebMessenger:TrustedProxies:0=10.0.0.0/8");
        foreach (var (broker, status) in new[] { (behind, HttpStatusCode.Unauthorized), (open, HttpStatusCode.MisdirectedRequest) })
        {
            using var kept = await GetAsync(broker, "/api/session", "chat.example.org");
            Assert.Equal(status, kept.StatusCode);
        }

        using var forwarded = await GetAsync(behind, "/api/session", "backend", ("X-Forwarded-Host", "chat.example.org"), ("X-Forwarded-For", "203.0.113.7"));
        Assert.Equal(HttpStatusCode.Unauthorized, forwarded.StatusCode);
    }

    [Fact]
    public async Task Fault_S12_However_many_are_refused_one_line_a_minute_says_so()
    {
        Lines lines = new();
        await using var broker = await RunningBroker.StartWithAsync(services => services.AddSingleton<ILogger<AllowedHosts>>(lines));
        for (var i = 0; i < 20; i++)
        {
            using var answer = await GetAsync(broker, "/", "evil.example");
            Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
        }

        Assert.InRange(lines.Count, 1, 2);
    }

    public static TheoryData<string, string> Traces => new()
    {
        { "X-Forwarded-For", "127.0.0.1" },
        { "Forwarded", "for=127.0.0.1" },
        { "X-Real-IP", "127.0.0.1" },
        { "Via", "1.1 proxy" },
        { "X-Forwarded-Proto", "https" },
    };

    [Theory]
    [MemberData(nameof(Traces))]
    public async Task Fault_S12_Whom_a_proxy_on_this_machine_speaks_for_is_not_at_this_machine(string header, string value)
    {
        foreach (var settings in new string[][] { [], ["--WebMessenger:TrustedProxies:0=127.0.0.1"] })
        {
            await using var broker = await RunningBroker.StartAsync(settings);

            using var refused = await RegisterAsync(broker, null, (header, value));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains("firstCode", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);

            using var registered = await RegisterAsync(broker, broker.Program.FirstCode, (header, value));
            Assert.Equal(HttpStatusCode.Created, registered.StatusCode);
            Assert.Null(broker.Program.FirstCode);
        }
    }

    [Fact]
    public async Task Fault_S12_Who_sits_at_the_machine_registers_without_the_code()
    {
        await using var broker = await RunningBroker.StartAsync();
        Assert.NotNull(broker.Program.FirstCode);

        // By a name that is not the machine's own inner one he came from outside.
        using var named = await RegisterAsync(broker, null, ("Host", Environment.MachineName));
        Assert.Equal(HttpStatusCode.BadRequest, named.StatusCode);
        using var registered = await RegisterAsync(broker, null);
        Assert.Equal(HttpStatusCode.Created, registered.StatusCode);
        Assert.True(JsonDocument.Parse(await registered.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("administrator").GetBoolean());
    }

    [Theory]
    [InlineData("chat.example.org", "180", "max-age=15552000")]
    [InlineData("chat.example.org", "0", null)]
    [InlineData("localhost", "180", null)]
    [InlineData("127.0.0.1", "180", null)]
    public async Task Fault_S27_Browsers_insist_on_https_where_they_had_it(string host, string days, string? expected)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:TrustedProxies:0=127.0.0.1", $"--WebMessenger:StrictTransportDays={days}");

        using var secure = await GetAsync(broker, "/", host, ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "203.0.113.7"));
        Assert.Equal(expected, secure.Headers.TryGetValues("Strict-Transport-Security", out var values) ? Assert.Single(values) : null);
        using var plain = await GetAsync(broker, "/", host);
        Assert.False(plain.Headers.Contains("Strict-Transport-Security"));
    }

    private static Task<HttpResponseMessage> RegisterAsync(RunningBroker broker, string? code, params (string, string)[] headers) => SendAsync(
        broker,
        new HttpRequestMessage(HttpMethod.Post, new Uri(broker.Http, "/api/accounts"))
        {
            Content = JsonContent.Create(new { email = "ana@example.org", userName = "ana", displayName = "Ana", password = "a quiet place 42", firstCode = code }),
        },
        headers);

    private static Task<HttpResponseMessage> GetAsync(RunningBroker broker, string path, string host, params (string, string)[] headers) =>
        SendAsync(broker, new HttpRequestMessage(HttpMethod.Get, new Uri(broker.Http, path)), [("Host", host), .. headers]);

    private static async Task<HttpResponseMessage> SendAsync(RunningBroker broker, HttpRequestMessage request, (string Name, string Value)[] headers)
    {
        using HttpClient client = new(new SocketsHttpHandler { UseCookies = false });
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using (request)
        {
            return await client.SendAsync(request);
        }
    }

    private sealed class Lines : ILogger<AllowedHosts>
    {
        private int _count;

        public int Count => _count;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Interlocked.Increment(ref _count);
    }
}
