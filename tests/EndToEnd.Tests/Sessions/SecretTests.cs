using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Sessions;

/// <summary>
/// Secrets that exist once in the world are used in every way there is, then looked for in everything that the server wrote and said.
/// </summary>
public sealed class SecretTests
{
    private static readonly MqttProperties Durable = new() { { PropertyId.SessionExpiry, 600u } };

    [Fact]
    public async Task Attack_31_32_No_secret_is_in_the_log_in_the_data_or_in_an_answer()
    {
        // All that the log can be made to say.
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, "Serilog:MinimumLevel:Default=Verbose", "Serilog:MinimumLevel:Override:Microsoft.AspNetCore=Verbose"]);
        var (password, wrong, changed, text) = (Canary("password"), Canary("wrong"), Canary("changed"), Canary("text"));
        using Listener answers = new();
        using HttpClient http = new(answers) { BaseAddress = server.Address };
        using var registered = await http.PostAsJsonAsync("/api/accounts", new { email = "ana@example.org", userName = "ana", displayName = "Ana", password }, Token);
        Assert.Equal(HttpStatusCode.Created, registered.StatusCode);
        var first = registered.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        using var signedIn = await http.PostAsJsonAsync("/api/session", new { login = "ana", password }, Token);
        var cookie = signedIn.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        http.DefaultRequestHeaders.Add("Cookie", cookie);
        using var made = await http.PostAsJsonAsync("/api/tokens", new { name = "a bot" }, Token);
        var token = (await made.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("token").GetString()!;
        answers.Forget();

        // By HTTP: right, wrong, and in the wrong place.
        await http.PostAsJsonAsync("/api/session", new { login = "ana", password = wrong }, Token);
        await http.PostAsJsonAsync("/api/session", new { login = wrong, password = wrong }, Token);
        await http.PostAsync("/api/session", new StringContent($"{{\"login\":\"ana\",\"password\":\"{wrong}", Encoding.UTF8, "application/json"), Token);
        await http.PostAsync("/api/session", new StringContent($"password={wrong}", Encoding.UTF8, "application/x-www-form-urlencoded"), Token);
        await http.PostAsJsonAsync("/api/accounts", new { email = "ana@example.org", userName = "ana", displayName = "Ana", password = wrong }, Token);
        await http.PatchAsJsonAsync("/api/accounts/me", new { displayName = "Ana Maria", currentPassword = wrong }, Token);
        foreach (var path in new[] { "/api/session", "/api/sessions", "/api/tokens", "/api/rooms", "/api/rooms/lobby/events", "/api/nothing" })
        {
            await http.GetAsync(path, Token);
        }

        foreach (var bearer in new[] { token, wrong, cookie })
        {
            using HttpRequestMessage asBot = new(HttpMethod.Get, "/api/rooms") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", bearer) } };
            await http.SendAsync(asBot, Token);
        }

        // By MQTT: by password, by token, by cookie, durable, and refused.
        foreach (var secret in new[] { password, token })
        {
            foreach (var version in new[] { MqttVersion.V311, MqttVersion.V5 })
            {
                await using var client = await server.TcpAsync(version);
                Assert.True((await client.ConnectAsync("ana", secret, $"durable-{version}-{secret.Length}", cleanStart: false, properties: version == MqttVersion.V5 ? Durable : null)).Accepted);
                await client.SubscribeAsync(Lobby.Topic);
                await client.PublishAsync(Lobby.Topic, text, qos: 2);
            }
        }

        foreach (var (user, secret) in new[] { ("ana", wrong), (wrong, wrong), ("nobody", password), ("ana", token + "x") })
        {
            await using var refused = await server.TcpAsync();
            Assert.False((await refused.ConnectAsync(user, secret, "refused")).Accepted);
        }

        await using (var page = await server.PageAsync(cookie))
        {
            Assert.True((await page.ConnectAsync(clientId: "page", cleanStart: false, properties: Durable)).Accepted);
            await page.SubscribeAsync(Lobby.Topic);
            await page.PublishAsync(Lobby.Topic, text);
        }

        using var change = await http.PatchAsJsonAsync("/api/accounts/me", new { password = changed, currentPassword = password }, Token);
        Assert.Equal(HttpStatusCode.OK, change.StatusCode);
        await using (var after = await server.TcpAsync())
        {
            Assert.True((await after.ConnectAsync("ana", changed, "after", cleanStart: false, properties: Durable)).Accepted);
        }

        await server.TerminateAsync();

        string[] secrets = [password, wrong, changed, token, first.Split('=')[1], cookie.Split('=')[1]];
        // Their beginning does, for a part of a secret must not be there either.
        secrets = [.. secrets.Select(secret => secret[..24])];
        Assert.Contains("Refused a sign-in", server.Log, StringComparison.Ordinal);
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, server.Log, StringComparison.Ordinal));
        Assert.DoesNotContain(text, server.Log, StringComparison.Ordinal);
        Assert.All(secrets[..5], secret => Assert.DoesNotContain(answers.Heard, heard => heard.Contains(secret, StringComparison.Ordinal)));
        var said = 0;
        foreach (var file in Directory.EnumerateFiles(server.DataFolder, "*", SearchOption.AllDirectories))
        {
            var content = await File.ReadAllBytesAsync(file, Token);
            Assert.All(secrets, secret => Assert.True(content.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)) < 0, $"A secret is in {file}."));
            said += content.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0 ? 1 : 0;
        }

        // What is not secret is found this way, so what is would be. A node has nothing of it in its folder.
        Assert.Equal(Companion.IsWanted, said == 0);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Canary(string what) => $"canary-{what}-{Guid.NewGuid():N}";

    /// <summary>Keeps all that the server answers, headers and all.</summary>
    private sealed class Listener() : DelegatingHandler(new SocketsHttpHandler { UseCookies = false })
    {
        public List<string> Heard { get; } = [];

        /// <summary>What was said so far had to be said: a token when it is made, a cookie when it is given.</summary>
        public void Forget() => Heard.Clear();

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            await answer.Content.LoadIntoBufferAsync(cancellationToken);
            Heard.Add($"{answer}{await answer.Content.ReadAsStringAsync(cancellationToken)}");
            return answer;
        }
    }
}
