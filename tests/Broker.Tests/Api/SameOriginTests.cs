using System.Net;

namespace WebMessenger.Broker.Tests.Api;

public sealed class SameOriginTests
{
    public static TheoryData<string, string, string> Changes => new()
    {
        { "POST", "/api/accounts", """{"email":"bob@example.org","userName":"bob","displayName":"Bob","password":"a quiet place 42"}""" },
        { "PATCH", "/api/accounts/me", """{"displayName":"Ana Maria","currentPassword":"a quiet place 42"}""" },
        { "POST", "/api/session", """{"login":"ana","password":"a quiet place 42"}""" },
        { "POST", "/api/session/guest", """{"nickname":"Zoe"}""" },
        { "POST", "/api/tokens", """{"name":"bot"}""" },
        { "DELETE", "/api/sessions", "{}" },
        { "DELETE", "/api/session", "{}" },
        { "DELETE", "/api/accounts/me", """{"currentPassword":"a quiet place 42"}""" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task Attack_50_A_change_that_a_foreign_page_asks_for_is_refused(string method, string path, string body)
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        var own = fixture.Address.GetLeftPart(UriPartial.Authority);

        foreach (var headers in new (string, string)[][]
        {
            [("Origin", "https://evil.example")],
            [("Origin", "null")],
            [("Origin", "http://127.0.0.1:1")],
            [("Origin", "http://127.0.0.1")],
            [("Origin", own + ".evil.example")],
            [("Origin", own + "/")],
            [("Origin", own), ("Sec-Fetch-Site", "cross-site")],
            [("Origin", own), ("Sec-Fetch-Site", "same-site")],
            [("Sec-Fetch-Site", "cross-site")],
            [("Sec-Fetch-Site", "same-site")],
            [("Sec-Fetch-Site", "anything")],
        })
        {
            Assert.Equal("foreign_origin", await Send(headers).ProblemAsync(HttpStatusCode.Forbidden));
        }

        await ana.GetAsync("/api/session").MustBe(HttpStatusCode.OK);
        using var allowed = await Send([("Origin", own), ("Sec-Fetch-Site", "same-origin")]);
        Assert.True(allowed.IsSuccessStatusCode);

        Task<HttpResponseMessage> Send((string, string)[] headers) =>
            ana.SendAsync(new HttpMethod(method), path, new StringContent(body, System.Text.Encoding.UTF8, "application/json"), headers);
    }

    [Fact]
    public async Task Attack_50_Ending_one_login_session_or_token_is_refused_to_a_foreign_page()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        var account = fixture.Auth.Accounts.FindByUserName("ana")!;
        var token = (await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null)).Value!.Token;
        var other = (await fixture.Auth.Sessions.StartAsync(account, "Firefox", null))!.Session;

        foreach (var path in new[] { "/api/tokens/" + token.Id, "/api/sessions/" + other.Id })
        {
            Assert.Equal("foreign_origin", await ana.SendAsync(HttpMethod.Delete, path, null, ("Origin", "https://evil.example")).ProblemAsync(HttpStatusCode.Forbidden));
            await ana.DeleteAsync(path).MustBe(HttpStatusCode.NoContent);
        }
    }

    [Theory]
    [InlineData(ApiFixture.AllowedOrigin)]
    [InlineData("HTTPS://PAGES.EXAMPLE.ORG")]
    public async Task An_origin_that_the_operator_names_is_allowed(string origin)
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var browser = fixture.OpenBrowser();

        await browser.SendAsync(HttpMethod.Post, "/api/session/guest", new { nickname = "Zoe" }, ("Origin", origin), ("Sec-Fetch-Site", "cross-site")).MustBe(HttpStatusCode.OK);
        Assert.Equal(
            "foreign_origin",
            await browser.SendAsync(HttpMethod.Post, "/api/session/guest", new { nickname = "Yan" }, ("Origin", origin + ".evil.example")).ProblemAsync(HttpStatusCode.Forbidden));
    }

    [Fact]
    public async Task Attack_50_An_http_page_does_not_speak_for_https_and_an_https_page_behind_a_proxy_does()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var secure = fixture.OpenBrowser(secure: true);
        using var plain = fixture.OpenBrowser();
        var (https, http) = ("https://" + fixture.SecureAddress.Authority, "http://" + fixture.SecureAddress.Authority);

        Assert.Equal("foreign_origin", await secure.SendAsync(HttpMethod.Post, "/api/session/guest", new { nickname = "Zoe" }, ("Origin", http)).ProblemAsync(HttpStatusCode.Forbidden));
        await secure.SendAsync(HttpMethod.Post, "/api/session/guest", new { nickname = "Zoe" }, ("Origin", https)).MustBe(HttpStatusCode.OK);
        await plain.SendAsync(HttpMethod.Post, "/api/session/guest", new { nickname = "Yan" }, ("Origin", "https://chat.example.org"), ("Host", "chat.example.org")).MustBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("https://xn--bcher-kva.example", "xn--bcher-kva.example")]
    [InlineData("https://xn--bcher-kva.example:8443", "XN--BCHER-KVA.example:8443")]
    [InlineData("https://xn--bcher-kva.example", "xn--bcher-kva.example:443")]
    public async Task Fault_B6_A_host_with_letters_beyond_ASCII_is_the_same_in_both_writings(string origin, string host)
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var browser = fixture.OpenBrowser();

        await browser.SendAsync(HttpMethod.Post, "/api/session/guest", new { nickname = "Zoe" }, ("Origin", origin), ("Host", host)).MustBe(HttpStatusCode.OK);
        Assert.Equal("foreign_origin", await browser.SendAsync(
            HttpMethod.Post, "/api/session/guest", new { nickname = "Yan" }, ("Origin", "https://xn--bcher-kv.example"), ("Host", host)).ProblemAsync(HttpStatusCode.Forbidden));
    }

    [Theory]
    [InlineData("https://chat.example.org", "chat.example.org:443", true)]
    [InlineData("https://chat.example.org:443", "chat.example.org", true)]
    [InlineData("http://chat.example.org", "chat.example.org:80", true)]
    [InlineData("http://chat.example.org", "chat.example.org:443", false)]
    [InlineData("https://chat.example.org", "chat.example.org:8443", false)]
    [InlineData("https://chat.example.org:8443", "chat.example.org", false)]
    [InlineData("https://chat.example.org@evil.example", "chat.example.org", false)]
    [InlineData("https://evil.example#chat.example.org", "chat.example.org", false)]
    [InlineData("ftp://chat.example.org", "chat.example.org", false)]
    public async Task Fault_B7_The_port_of_the_scheme_is_the_same_written_or_not(string origin, string host, bool isSame)
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var browser = fixture.OpenBrowser();

        await browser.SendAsync(HttpMethod.Post, "/api/session/guest", new { nickname = "Zoe" }, ("Origin", origin), ("Host", host))
            .MustBe(isSame ? HttpStatusCode.OK : HttpStatusCode.Forbidden);
    }

    [Theory]
    [InlineData("https://bücher.example")]
    [InlineData("https://xn--bcher-kva.example:443")]
    public void Fault_B6_The_operator_names_it_in_either_writing(string allowed)
    {
        var request = new Microsoft.AspNetCore.Http.DefaultHttpContext().Request;
        request.Host = new("127.0.0.1");
        request.Headers.Origin = "https://xn--bcher-kva.example";

        Assert.True(new Broker.Api.SameOriginRule([allowed]).IsAllowed(request));
        Assert.False(new Broker.Api.SameOriginRule(["https://bucher.example"]).IsAllowed(request));
    }

    [Fact]
    public async Task Reading_needs_no_origin_and_gives_no_other_site_anything()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");

        using var answer = await ana.SendAsync(HttpMethod.Get, "/api/session", null, ("Origin", "https://evil.example"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
    }
}
