using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Settings;

/// <summary>The whole program below `/chat/`, asked as a proxy asks that leaves the folder on, and as one that takes it off.</summary>
public sealed partial class BasePathTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private const string Folder = "--WebMessenger:BasePath=/chat";
    private const string Trusted = "--WebMessenger:TrustedProxies:0=127.0.0.1";

    [Theory]
    [InlineData("/", "/", "")]
    [InlineData("", "/", "")]
    [InlineData("/chat", "/chat/", "/chat")]
    [InlineData("/chat/", "/chat/", "/chat")]
    [InlineData("/Team_1/web-chat.v2~x/", "/Team_1/web-chat.v2~x/", "/Team_1/web-chat.v2~x")]
    [InlineData("/apichat", "/apichat/", "/apichat")]
    [InlineData("/.chat", "/.chat/", "/.chat")]
    public void Fault_B25_A_base_path_is_taken_with_its_last_slash_or_without(string text, string folder, string prefix)
    {
        Assert.True(BasePath.TryParse(text, out var path));
        Assert.Equal(folder, path.Folder);
        Assert.Equal(prefix, path.Prefix.Value);
    }

    [Theory]
    [InlineData("chat")]
    [InlineData("chat/")]
    [InlineData("//")]
    [InlineData("//evil.example")]
    [InlineData("/chat//")]
    [InlineData("/a//b")]
    [InlineData("/..")]
    [InlineData("/a/../b")]
    [InlineData("/a/./b")]
    [InlineData("/.")]
    [InlineData("/ch at")]
    [InlineData(" /chat")]
    [InlineData("/chat\n")]
    [InlineData("/chat\r\nSet-Cookie: a=b")]
    [InlineData("/chat?x")]
    [InlineData("/chat#x")]
    [InlineData("/ch%61t")]
    [InlineData("/chat;a")]
    [InlineData("/\"><script>")]
    [InlineData("/&amp;")]
    [InlineData("\\chat")]
    [InlineData("/chät")]
    [InlineData("https://site/chat")]
    [InlineData("/api")]
    [InlineData("/API/x")]
    [InlineData("/assets/")]
    [InlineData("/health")]
    [InlineData("/mqtt")]
    public void Fault_B25_What_is_no_folder_is_refused(string text)
    {
        Assert.True(BasePath.TryParse("/chat", out _));
        Assert.False(BasePath.TryParse(text, out _));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/rooms/lobby")]
    [InlineData("/index.html")]
    [InlineData("/chat/")]
    [InlineData("/chat/rooms/lobby")]
    [InlineData("/chat/index.html")]
    public async Task Fault_B25_The_start_page_names_the_folder_however_it_was_asked_for(string path)
    {
        await using var broker = await RunningBroker.StartAsync(Folder);
        foreach (var methods in new[] { DecompressionMethods.None, DecompressionMethods.Brotli, DecompressionMethods.GZip })
        {
            using HttpClient http = new(new SocketsHttpHandler { AutomaticDecompression = methods });
            var html = await http.GetStringAsync(new Uri(broker.Http, path), Cancellation);
            Assert.Equal("/chat/", Base().Match(html).Groups["folder"].Value);
            Assert.Single(Base().Matches(html));
        }
    }

    [Fact]
    public async Task Fault_B25_Without_a_setting_the_start_page_is_at_the_root_and_nothing_is_below_a_folder()
    {
        await using var broker = await RunningBroker.StartAsync();
        using HttpClient http = new();

        var html = await http.GetStringAsync(broker.Http, Cancellation);

        Assert.Equal("/", Base().Match(html).Groups["folder"].Value);
        Assert.Equal("/", broker.Http.AbsolutePath);
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(broker, "/chat/api/session"));
    }

    [Fact]
    public async Task Fault_B25_Files_API_and_health_answer_below_the_folder_and_without_it_with_the_same_headers()
    {
        await using var broker = await RunningBroker.StartAsync(Folder);
        using HttpClient http = new();
        foreach (var (path, status) in new[]
        {
            ("/favicon.svg", HttpStatusCode.OK),
            ("/health/live", HttpStatusCode.OK),
            ("/health/ready", HttpStatusCode.OK),
            ("/api/openapi.json", HttpStatusCode.OK),
            ("/api/session", HttpStatusCode.Unauthorized),
            ("/api/rooms", HttpStatusCode.Unauthorized),
            ("/api/none", HttpStatusCode.NotFound),
            ("/none.js", HttpStatusCode.NotFound),
            ("/mqtt", HttpStatusCode.NotFound),
        })
        {
            foreach (var asked in new[] { "/chat" + path, path })
            {
                using var answer = await http.GetAsync(new Uri(broker.Http, asked), Cancellation);
                Assert.Equal(status, answer.StatusCode);
                Assert.Equal("DENY", answer.Headers.GetValues("X-Frame-Options").Single());
                if (path.StartsWith("/api", StringComparison.Ordinal))
                {
                    Assert.True(answer.Headers.CacheControl?.NoStore, asked);
                }
            }
        }
    }

    [Theory]
    [InlineData("/chat", "/chat/")]
    [InlineData("/chat?a=%0d%0ab&c", "/chat/?a=%0d%0ab&c")]
    public async Task Fault_B25_The_folder_without_its_slash_leads_to_the_folder(string path, string location)
    {
        await using var broker = await RunningBroker.StartAsync(Folder);
        using HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false });

        using var answer = await http.GetAsync(new Uri(broker.Http, path), Cancellation);

        Assert.Equal(HttpStatusCode.TemporaryRedirect, answer.StatusCode);
        Assert.Equal(location, answer.Headers.Location?.OriginalString);
        Assert.Equal("DENY", answer.Headers.GetValues("X-Frame-Options").Single());

        // What only begins like it is another name.
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(broker, "/chatter/api/session"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(broker, "/CHAT/api/session"));
    }

    [Theory]
    [InlineData("/chat/")]
    [InlineData("/")]
    public async Task Fault_B25_Cookies_Locations_and_the_description_name_the_folder(string asked)
    {
        await using var broker = await RunningBroker.StartAsync(Folder, Trusted);
        Uri at = new(broker.Http, asked);
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false });

        using var entered = await http.PostAsJsonAsync(new Uri(at, "api/session/guest"), new { nickname = "Zoe" }, Cancellation);
        Assert.Equal("/chat/", Attribute(entered, "path"));

        using var registered = await http.PostAsJsonAsync(
            new Uri(at, "api/accounts"),
            new
            {
                email = "ana@example.org", userName = "ana", displayName = "Ana", password = "a quiet place 42", firstCode = broker.Program.FirstCode,
            },
            Cancellation);
        Assert.Equal("/chat/api/session", registered.Headers.Location?.OriginalString);

        foreach (var (call, body, location) in new (string, object, string)[]
        {
            ("api/rooms", new { id = "kitchen", title = "Kitchen" }, "^/chat/api/rooms/kitchen$"),
            ("api/tokens", new { name = "bot" }, "^/chat/api/tokens/[^/]+$"),
        })
        {
            using HttpRequestMessage make = new(HttpMethod.Post, new Uri(at, call)) { Content = JsonContent.Create(body) };
            make.Headers.Add("Cookie", Cookie(registered));
            using var made = await http.SendAsync(make, Cancellation);
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
            Assert.Matches(location, made.Headers.Location?.OriginalString);
        }

        using HttpRequestMessage secure = new(HttpMethod.Post, new Uri(at, "api/session/guest"));
        secure.Content = JsonContent.Create(new { nickname = "Tom" });
        secure.Headers.Add("X-Forwarded-Proto", "https");
        using var behind = await http.SendAsync(secure, Cancellation);

        // `__Host-` is no cookie of a folder.
        Assert.StartsWith("__Host-", Cookie(behind), StringComparison.Ordinal);
        Assert.Equal("/", Attribute(behind, "path"));

        using HttpRequestMessage leave = new(HttpMethod.Delete, new Uri(at, "api/session"));
        leave.Headers.Add("Cookie", Cookie(entered));
        using var left = await http.SendAsync(leave, Cancellation);
        Assert.Equal("/chat/", Attribute(left, "path"));

        var description = await http.GetFromJsonAsync<JsonElement>(new Uri(at, "api/openapi.json"), Cancellation);
        Assert.Equal("/chat", description.GetProperty("servers")[0].GetProperty("url").GetString());
    }

    [Theory]
    [InlineData("/chat/mqtt")]
    [InlineData("/mqtt")]
    public async Task Fault_B25_MQTT_over_WebSocket_is_in_the_folder_and_without_it(string path)
    {
        await using var broker = await RunningBroker.StartAsync(Folder);
        var ana = await broker.RegisterAsync("ana");
        var browser = await broker.SignInAsync(ana.Account);
        var origin = broker.Http.GetLeftPart(UriPartial.Authority);
        Uri socket = new($"ws://{broker.Http.Authority}{path}");

        WebSocketDoor own = new($"webmessenger={browser.Secret}", origin), foreign = own with { Origin = "https://evil.example" };
        await using var tab = await RawMqttClient.OverWebSocketAsync(socket, own);
        Assert.Equal(0, (await tab.ConnectAsync()).ReasonCode);

        Assert.Equal(HttpStatusCode.Forbidden, await RawMqttClient.UpgradeStatusAsync(socket, foreign));
    }

    [Fact]
    public async Task Fault_B25_The_addresses_that_are_printed_have_the_folder_where_the_pages_are()
    {
        await using var broker = await RunningBroker.StartAsync(Folder);

        Assert.Single(broker.Program.Addresses, address => address == $"http://{broker.Http.Authority}/chat/");
        Assert.Single(broker.Program.Addresses, address => address == $"mqtt://{broker.Mqtt}");
    }

    private static async Task<HttpStatusCode> StatusAsync(RunningBroker broker, string path)
    {
        using HttpClient http = new();
        using var answer = await http.GetAsync(new Uri(broker.Http, path), Cancellation);

        // Every address without an extension has the start page: one of the API never looks like that.
        return answer.Content.Headers.ContentType?.MediaType == "text/html" ? HttpStatusCode.NotFound : answer.StatusCode;
    }

    private static string Cookie(HttpResponseMessage answer) => answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];

    private static string? Attribute(HttpResponseMessage answer, string name) => answer.Headers.GetValues("Set-Cookie").Single()
        .Split("; ")
        .Select(part => part.Split('=', 2)).SingleOrDefault(part => part[0].Equals(name, StringComparison.OrdinalIgnoreCase))?[1];

    [GeneratedRegex("<base\\s+href=\"(?<folder>[^\"]*)\"")]
    private static partial Regex Base();
}
