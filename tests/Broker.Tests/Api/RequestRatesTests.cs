using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>How many calls of the HTTP API are answered, and to whom they are counted.</summary>
public sealed class RequestRatesTests
{
    // Ten seconds' worth at once.
    private const int Burst = 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Fault_S24_A_login_session_has_so_many_calls_and_another_beside_it_has_its_own()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RequestsPerSecond=2");
        var ana = await broker.RegisterAsync("ana");
        var bea = await broker.RegisterAsync("bea");
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        var cookie = await broker.SignInAsync(ana.Account);
        for (var i = 0; i < Burst; i++)
        {
            using var answer = await SendAsync(http, null, ana.Token);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        // What the clock gives back meanwhile is used up, too.
        var refused = await UntilRefusedAsync(http, ana);

        Assert.InRange(int.Parse(refused.Headers.GetValues("Retry-After").Single(), System.Globalization.CultureInfo.InvariantCulture), 1, 10);
        var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal("too_many_requests", problem.GetProperty("code").GetString());
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
        using var own = await SendAsync(http, cookie, "");
        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
        using var others = await SendAsync(http, null, bea.Token);
        Assert.Equal(HttpStatusCode.OK, others.StatusCode);
        using var page = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
    }

    [Fact]
    public async Task Fault_S24_All_login_sessions_of_an_account_have_what_five_have_and_whoever_uses_that_up_keeps_nobody_from_ending_them()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RequestsPerSecond=2");
        var ana = await broker.RegisterAsync("ana");
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        var cookie = await broker.SignInAsync(ana.Account);
        List<string> tokens = [];
        for (var i = 0; i < 15; i++)
        {
            tokens.Add(await broker.TokenAsync(ana.Account));
        }

        var allowed = 0;
        for (var i = 0; i < Burst * tokens.Count; i++)
        {
            using var answer = await SendAsync(http, null, tokens[i % tokens.Count]);
            allowed += answer.StatusCode == HttpStatusCode.OK ? 1 : 0;
        }

        Assert.InRange(allowed, 5 * Burst, 12 * Burst);
        await UntilRefusedAsync(http, ana with { Token = tokens[0] });

        // The cookie itself is used up, by a thief who has a copy. Its owner ends everything all the same.
        while ((await SendAsync(http, cookie, "")).StatusCode != HttpStatusCode.TooManyRequests)
        {
        }

        // More calls than come back to the cookie meanwhile.
        var none = Enumerable.Repeat((Method: HttpMethod.Delete, Path: "/api/tokens/none"), 20);
        foreach (var (method, path) in none.Concat([(HttpMethod.Patch, "/api/accounts/me"), (HttpMethod.Delete, "/api/sessions?tokens=true"), (HttpMethod.Delete, "/api/session")]))
        {
            using HttpRequestMessage request = new(method, path) { Content = method == HttpMethod.Patch ? JsonContent.Create(new { currentPassword = "correct horse battery staple", displayName = "Ana B" }) : null };
            request.Headers.Add("Cookie", $"webmessenger={cookie.Secret}");
            using var answer = await http.SendAsync(request, Cancellation);
            Assert.NotEqual(HttpStatusCode.TooManyRequests, answer.StatusCode);
            Assert.True(path.EndsWith("none", StringComparison.Ordinal) || answer.IsSuccessStatusCode, $"{path}: {answer.StatusCode}");
        }
    }

    [Fact]
    public async Task Fault_S24_A_neighbour_who_calls_all_day_keeps_nobody_from_signing_in()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RequestsPerSecondPerAddress=1", "--WebMessenger:TrustedProxies:0=127.0.0.1");
        await broker.RegisterAsync("ana");
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        Assert.InRange(await AllowedOfAsync(http, "203.0.113.7", 100), Burst / 2, 60);
        foreach (var (path, content) in new (string, object)[]
        {
            ("/api/session", new { login = "ana", password = "correct horse battery staple" }),
            ("/api/session/guest", new { name = "Zoe" }),
            ("/api/accounts", new { userName = "x" }),
            ("/api/password-links/look", new { secret = "x" }),
        })
        {
            using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = JsonContent.Create(content) };
            request.Headers.Add("X-Forwarded-For", "203.0.113.7");
            using var answer = await http.SendAsync(request, Cancellation);
            Assert.NotEqual(HttpStatusCode.TooManyRequests, answer.StatusCode);
            Assert.True(path != "/api/session" || answer.IsSuccessStatusCode, $"{answer.StatusCode}");
        }
    }

    [Fact]
    public async Task Fault_S24_Strangers_are_counted_by_address_and_keep_nobody_out_who_is_signed_in()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RequestsPerSecondPerAddress=2", "--WebMessenger:TrustedProxies:0=127.0.0.1");
        var ana = await broker.RegisterAsync("ana");
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };

        Assert.InRange(await AllowedOfAsync(http, "203.0.113.7", 200), Burst, 150);
        Assert.Equal(Burst, await AllowedOfAsync(http, "203.0.113.8", Burst));

        // A /48 has what four addresses have.
        var network = 0;
        for (var i = 0; i < 10; i++)
        {
            network += await AllowedOfAsync(http, $"2001:db8:7:{i}::1", Burst);
        }

        Assert.InRange(network, 4 * Burst, 8 * Burst);

        // A wrong token is a stranger's; the right one is its account's. What has come back to the address by now goes first.
        HttpStatusCode status;
        var tries = 0;
        do
        {
            using var wrong = await SendAsync(http, null, "wm_no", "203.0.113.7");
            status = wrong.StatusCode;
        }
        while (status == HttpStatusCode.Unauthorized && ++tries < 2 * Burst);
        Assert.Equal(HttpStatusCode.TooManyRequests, status);
        using var right = await SendAsync(http, null, ana.Token, "203.0.113.7");
        Assert.Equal(HttpStatusCode.OK, right.StatusCode);
    }

    [Fact]
    public async Task Whose_call_it_is_was_found_for_the_limits_and_opens_nothing_when_it_has_ended_meanwhile()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var browser = await broker.SignInAsync(ana.Account);
        var (signIn, sessions, tokens) = (broker.Get<RequestSignIn>(), broker.Get<LoginSessions>(), broker.Get<AccessTokens>());
        DefaultHttpContext byCookie = new(), byToken = new();
        byCookie.Request.Headers.Cookie = "webmessenger=" + browser.Secret;
        byToken.Request.Headers.Authorization = "Bearer " + ana.Token;
        Assert.Same(browser.Session, signIn.Look(byCookie.Request));
        Assert.Same(browser.Session, signIn.Find(byCookie.Request));
        var token = signIn.Look(byToken.Request);
        Assert.NotNull(token);
        Assert.Same(token, signIn.Find(byToken.Request));

        await sessions.EndAsync(browser.Session);
        await tokens.RevokeAsync(ana.Account, token.Id);

        Assert.Null(signIn.Find(byCookie.Request));
        Assert.Null(signIn.Find(byToken.Request));
    }

    [Fact]
    public async Task Fault_S23_The_description_of_the_API_is_made_once_and_says_nothing_that_the_request_says()
    {
        await using var broker = await RunningBroker.StartAsync();
        using HttpClient http = new() { BaseAddress = broker.Http };
        using var first = await http.GetAsync(new Uri("/api/openapi.json", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        var tag = first.Headers.ETag;
        Assert.NotNull(tag);

        using HttpRequestMessage again = new(HttpMethod.Get, "/api/openapi.json");
        again.Headers.IfNoneMatch.Add(tag);
        again.Headers.Host = "localhost";
        using var unchanged = await http.SendAsync(again, Cancellation);

        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
        var description = await first.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal("/", description.GetProperty("servers")[0].GetProperty("url").GetString());
        Assert.True(description.GetProperty("paths").TryGetProperty("/api/rooms", out _));
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, SignedIn? cookie, string token, string? from = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/api/rooms");
        if (cookie is not null)
        {
            request.Headers.Add("Cookie", $"webmessenger={cookie.Secret}");
        }
        else
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (from is not null)
        {
            request.Headers.Add("X-Forwarded-For", from);
        }

        return await http.SendAsync(request, Cancellation);
    }

    private static async Task<HttpResponseMessage> UntilRefusedAsync(HttpClient http, Member member)
    {
        while (true)
        {
            var answer = await SendAsync(http, null, member.Token);
            if (answer.StatusCode == HttpStatusCode.TooManyRequests)
            {
                return answer;
            }

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            answer.Dispose();
        }
    }

    /// <summary>How many of so many calls are not refused for their number.</summary>
    private static async Task<int> AllowedOfAsync(HttpClient http, string address, int calls)
    {
        var allowed = 0;
        for (var i = 0; i < calls; i++)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "/api/session");
            request.Headers.Add("X-Forwarded-For", address);
            using var answer = await http.SendAsync(request, Cancellation);
            allowed += answer.StatusCode == HttpStatusCode.TooManyRequests ? 0 : 1;
        }

        return allowed;
    }
}
