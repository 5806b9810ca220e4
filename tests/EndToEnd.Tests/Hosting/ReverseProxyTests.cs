using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Browser;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Hosting;

/// <summary>Behind nginx, as docs/operating.md shows it.</summary>
public sealed class ReverseProxyTests(Chromium chromium)
{
    /// <summary>Another address of this machine than nginx has, so that the two can be told apart.</summary>
    private static readonly IPAddress Client = IPAddress.Parse("127.0.0.2");

    [Fact]
    public async Task Behind_nginx_the_cookie_is_Secure_the_WebSocket_works_and_the_clients_address_is_seen()
    {
        Assert.SkipWhen(Nginx.Program is null, "nginx is not installed.");
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere 127.0.0.2 is no address of this machine.");
        using TestCertificate certificate = new();
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, "WebMessenger:TrustedProxies:0=127.0.0.1"]);
        await using var nginx = await Nginx.StartAsync(server, certificate);
        var origin = nginx.Address.GetLeftPart(UriPartial.Authority);
        using HttpClient browser = new(new SocketsHttpHandler
        {
            UseCookies = false,
            ConnectCallback = FromElsewhereAsync,
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, chain, _) => certificate.Signed(shown, chain) },
        })
        { BaseAddress = nginx.Address };

        // Forged by the client: nginx puts what it saw behind it, and replaces the rest.
        using HttpRequestMessage enter = new(HttpMethod.Post, "/api/session/guest") { Content = JsonContent.Create(new { nickname = "Zoe behind nginx" }) };
        enter.Headers.Add("Origin", origin);
        enter.Headers.Add("X-Forwarded-For", "203.0.113.7");
        enter.Headers.Add("X-Forwarded-Proto", "http");
        enter.Headers.Add("X-Forwarded-Host", "evil.example");
        using var entered = await browser.SendAsync(enter, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, entered.StatusCode);
        var given = Assert.Single(entered.Headers.GetValues("Set-Cookie"));
        Assert.StartsWith("__Host-webmessenger=", given, StringComparison.Ordinal);
        Assert.Contains("; secure", given, StringComparison.OrdinalIgnoreCase);
        var cookie = given.Split(';')[0];

        Uri socket = new($"wss://{nginx.Address.Authority}/mqtt");
        await using var tab = await RawMqttClient.OverWebSocketAsync(socket, new WebSocketDoor(cookie, origin), trusted: certificate).InLobbyAsync();
        var text = Lobby.Unique("through nginx");
        Assert.True((await tab.PublishAsync(Lobby.Topic, text)).Accepted);
        await tab.PublishesUntilAsync(publish => publish.Says(text));
        Assert.Equal(HttpStatusCode.Forbidden, await RawMqttClient.UpgradeStatusAsync(socket, new WebSocketDoor(cookie, "https://evil.example"), certificate));

        using HttpRequestMessage list = new(HttpMethod.Get, "/api/sessions");
        list.Headers.Add("Cookie", cookie);
        using var answer = await browser.SendAsync(list, TestContext.Current.CancellationToken);
        var session = (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("sessions")[0];

        // Neither nginx's own nor the forged one.
        Assert.Equal(Client.ToString(), session.GetProperty("address").GetString());

        using HttpRequestMessage leave = new(HttpMethod.Delete, "/api/session");
        leave.Headers.Add("Cookie", cookie);
        leave.Headers.Add("Origin", origin);
        using var left = await browser.SendAsync(leave, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, left.StatusCode);
        await tab.WaitForCloseAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault_B25_In_a_folder_of_its_host_the_page_lives_whole_and_asks_for_nothing_beside_it(bool proxyTakesFolderOff)
    {
        Assert.SkipWhen(Nginx.Program is null, "nginx is not installed.");
        await using var server = await ServerProcess.StartAsync(
            [.. SharedServer.NoLimits, "WebMessenger:TrustedProxies:0=127.0.0.1", "WebMessenger:BasePath=/chat"]);
        await using var nginx = await Nginx.StartInFolderAsync(server, proxyTakesFolderOff);
        await using (var visitor = await chromium.VisitorAsync(nginx.Address))
        {
            ChatPage chat = new(await visitor.OpenAsync("/chat"));
            await chat.Page.GetByLabel("Your nickname").FillAsync("Zoe");
            await chat.Page.Keyboard.PressAsync("Enter");
            await chat.IsInRoomAsync();
            await IsAtAsync(chat, "rooms/lobby");
            var text = Lobby.Unique("in a folder");
            await chat.SayAsync(text);
            await chat.SeesAsync(text);
            var cookie = Assert.Single(await visitor.Context.CookiesAsync());
            Assert.Equal("/chat/", cookie.Path);

            await chat.Page.Locator("a[href='rooms']").First.ClickAsync();
            await IsAtAsync(chat, "rooms");
            await chat.Page.GoBackAsync();
            await IsAtAsync(chat, "rooms/lobby");
            await chat.SeesAsync(text);
            await chat.Page.GoForwardAsync();
            await IsAtAsync(chat, "rooms");
            await chat.Page.GoBackAsync();

            // Two levels below the folder: what was relative to the address itself would now be looked for in /chat/rooms/.
            await chat.Page.ReloadAsync();
            await chat.IsInRoomAsync();
            await chat.SeesAsync(text);
            await IsAtAsync(chat, "rooms/lobby");
            visitor.AssertNoComplaints();
        }

        var asked = nginx.Asked.ToList();
        Assert.Equal("/chat", asked[0]);
        Assert.All(asked.Skip(1), path => Assert.StartsWith("/chat/", path, StringComparison.Ordinal));
        Assert.Contains("/chat/mqtt", asked);
        Assert.Contains("/chat/api/session", asked);

        async Task IsAtAsync(ChatPage chat, string path) =>
            await Assertions.Expect(chat.Page).ToHaveURLAsync(new Uri(nginx.Address, $"/chat/{path}").ToString());
    }

    private static async ValueTask<Stream> FromElsewhereAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(Client, 0));
        await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, cancellation);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
