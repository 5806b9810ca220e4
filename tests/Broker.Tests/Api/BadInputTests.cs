using System.Net;
using System.Text;
using WebMessenger.Auth.Limits;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>Bad input of every call about accounts, login sessions and tokens.</summary>
public sealed class BadInputTests
{
    private const string Token = """{"name":"bot","rooms":["lobby"],"verbs":["read"],"expiresAt":"2099-01-01T00:00:00Z"}""";
    private const string Account = """{"email":"bob@example.org","userName":"bob","displayName":"Bob","password":"a quiet place 42"}""";

    [Theory]
    [InlineData("POST", "/api/accounts", "{}", "email:required userName:required displayName:required password:required")]
    [InlineData("POST", "/api/accounts", """{"email":null,"userName":null,"displayName":null,"password":null}""", "email:required userName:required displayName:required password:required")]
    [InlineData("POST", "/api/accounts", """{"email":"x","userName":"a b","displayName":"\u202e","password":"short"}""", "email:invalid userName:invalid displayName:invalid password:too_short")]
    [InlineData("POST", "/api/accounts", """{"email":"bob@example.org","userName":"admin","displayName":"Bob","password":"password123"}""", "userName:reserved password:too_common")]
    [InlineData("POST", "/api/accounts", """{"email":"bob@example.org","userName":"robert","displayName":"Bob","password":"robert-robert"}""", "password:contains_name")]
    [InlineData("POST", "/api/accounts", """{"email":"ANA@example.org","userName":"ana","displayName":"Bob","password":"a quiet place 42"}""", "userName:taken email:taken")]
    [InlineData("POST", "/api/accounts", """{"email":"bob@example.org","userName":"ana.","displayName":"Bob","password":"a quiet place 42"}""", "userName:looks_taken")]
    [InlineData("POST", "/api/accounts", """{"email":5,"userName":"bob","displayName":"Bob","password":"a quiet place 42"}""", "email:invalid")]
    [InlineData("POST", "/api/accounts", """{"email":"bob@example.org","userName":["bob"],"displayName":"Bob","password":"a quiet place 42"}""", "userName:invalid")]
    [InlineData("POST", "/api/accounts", """{"email":"bob@example.org","userName":"bob","displayName":{"a":1},"password":"a quiet place 42"}""", "displayName:invalid")]
    [InlineData("POST", "/api/accounts", """{"email":"bob@example.org","userName":"bob","displayName":"Bob","password":true}""", "password:invalid")]
    [InlineData("POST", "/api/accounts", """{"email":"bob@example.org","userName":"bob","displayName":"\ud800","password":"a quiet place 42"}""", "displayName:invalid")]
    [InlineData("PATCH", "/api/accounts/me", """{"displayName":"Ana"}""", "currentPassword:required")]
    [InlineData("PATCH", "/api/accounts/me", """{"displayName":"Ana","currentPassword":"not the password"}""", "currentPassword:wrong")]
    [InlineData("PATCH", "/api/accounts/me", """{"email":"x","userName":"a b","displayName":"","password":"short","currentPassword":""}""", "email:invalid userName:invalid displayName:required password:too_short currentPassword:required")]
    [InlineData("PATCH", "/api/accounts/me", """{"endTokens":"yes","currentPassword":"a quiet place 42"}""", "endTokens:invalid")]
    [InlineData("PATCH", "/api/accounts/me", """{"userName":5,"currentPassword":"a quiet place 42"}""", "userName:invalid")]
    [InlineData("DELETE", "/api/accounts/me", "{}", "currentPassword:required")]
    [InlineData("DELETE", "/api/accounts/me", """{"currentPassword":"not the password"}""", "currentPassword:wrong")]
    [InlineData("DELETE", "/api/accounts/me", """{"currentPassword":7}""", "currentPassword:invalid")]
    [InlineData("POST", "/api/session", "{}", "login:required password:required")]
    [InlineData("POST", "/api/session", """{"login":["ana"],"password":"x"}""", "login:invalid")]
    [InlineData("POST", "/api/session", """{"login":"ana","password":{}}""", "password:invalid")]
    [InlineData("POST", "/api/session/guest", "{}", "nickname:required")]
    [InlineData("POST", "/api/session/guest", """{"nickname":"   "}""", "nickname:required")]
    [InlineData("POST", "/api/session/guest", """{"nickname":"a\nb"}""", "nickname:invalid")]
    [InlineData("POST", "/api/session/guest", """{"nickname":"Ana"}""", "nickname:looks_taken")]
    [InlineData("POST", "/api/session/guest", """{"nickname":12}""", "nickname:invalid")]
    [InlineData("POST", "/api/tokens", "{}", "name:required")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","rooms":"lobby"}""", "rooms:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","rooms":[]}""", "rooms:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","rooms":["Lobby"]}""", "rooms:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","rooms":["../x"]}""", "rooms:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","rooms":["lobby",5]}""", "rooms:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","rooms":[null]}""", "rooms:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","verbs":["write"]}""", "verbs:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","verbs":[]}""", "verbs:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","verbs":"read"}""", "verbs:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","verbs":[null]}""", "verbs:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","expiresAt":"tomorrow"}""", "expiresAt:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","expiresAt":5}""", "expiresAt:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","mount":5}""", "mount:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","mount":"../x"}""", "mount:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","topics":{"read":["a"]}}""", "mount:required")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","mount":"lobby","topics":"a"}""", "topics:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","mount":"lobby","topics":{"read":"a"}}""", "topics:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","mount":"lobby","topics":{}}""", "topics:required")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","mount":"lobby","topics":{"write":["a",null]}}""", "topics.write:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","mount":"lobby","topics":{"read":["\ud800"]}}""", "topics:invalid")]
    [InlineData("POST", "/api/tokens", """{"name":"bot","expiresAt":"2020-01-01T00:00:00Z"}""", "expiresAt:past")]
    [InlineData("DELETE", "/api/sessions?tokens=perhaps", "", "tokens:invalid")]
    [InlineData("DELETE", "/api/sessions?tokens=true&tokens=false", "", "tokens:invalid")]
    public async Task A_wrong_field_is_named(string method, string path, string body, string fields)
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");

        Assert.Equal("invalid_fields " + fields, await ana.SendTextAsync(new HttpMethod(method), path, body).ProblemAsync(HttpStatusCode.BadRequest));
        Assert.Equal("ana", (await ana.ReadAsync("/api/session")).GetProperty("user").GetString());
        Assert.Single(fixture.Auth.Accounts.All);
    }

    [Theory]
    [InlineData("POST", "/api/accounts", Account)]
    [InlineData("PATCH", "/api/accounts/me", """{"displayName":"Ana Maria","currentPassword":"a quiet place 42"}""")]
    [InlineData("DELETE", "/api/accounts/me", """{"currentPassword":"a quiet place 42"}""")]
    [InlineData("POST", "/api/session", """{"login":"ana","password":"a quiet place 42"}""")]
    [InlineData("POST", "/api/session/guest", """{"nickname":"Zoe"}""")]
    [InlineData("POST", "/api/tokens", Token)]
    public async Task What_is_no_JSON_object_is_refused_by_every_call_that_takes_one(string method, string path, string good)
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        HttpMethod verb = new(method);

        foreach (var bad in new[] { "", " ", "null", "[]", "5", "\"text\"", "{", good + "x", "{'a':1}", good[..^1] })
        {
            Assert.Equal("invalid_json", await ana.SendTextAsync(verb, path, bad).ProblemAsync(HttpStatusCode.BadRequest));
        }

        Assert.StartsWith("invalid", await ana.SendAsync(verb, path, Json(Encoding.Latin1.GetBytes(good.Replace("\":\"", "\":\"\u00FF", StringComparison.Ordinal))), []).ProblemAsync(HttpStatusCode.BadRequest), StringComparison.Ordinal);
        Assert.StartsWith("invalid", await ana.SendTextAsync(verb, path, good[..^1] + "," + good[1..]).ProblemAsync(HttpStatusCode.BadRequest), StringComparison.Ordinal);
        Assert.Equal("not_json", await ana.SendTextAsync(verb, path, good, "text/plain").ProblemAsync(HttpStatusCode.UnsupportedMediaType));
        Assert.Equal("not_json", await ana.SendTextAsync(verb, path, good, "application/x-www-form-urlencoded").ProblemAsync(HttpStatusCode.UnsupportedMediaType));
        Assert.Equal("not_json", await ana.SendAsync(verb, path, content: null, []).ProblemAsync(HttpStatusCode.UnsupportedMediaType));
        Assert.Equal("too_large", await ana.SendTextAsync(verb, path, good + new string(' ', 100_000)).ProblemAsync(HttpStatusCode.RequestEntityTooLarge));

        using var answer = await ana.SendTextAsync(verb, path, good[..^1] + ""","unknown":{"deep":[1,2]}}""");
        Assert.True(answer.IsSuccessStatusCode);
    }

    [Theory]
    [InlineData("PATCH", "/api/accounts/me")]
    [InlineData("DELETE", "/api/accounts/me")]
    [InlineData("GET", "/api/session")]
    [InlineData("DELETE", "/api/session")]
    [InlineData("GET", "/api/sessions")]
    [InlineData("DELETE", "/api/sessions")]
    [InlineData("DELETE", "/api/sessions/x")]
    [InlineData("GET", "/api/tokens")]
    [InlineData("POST", "/api/tokens")]
    [InlineData("DELETE", "/api/tokens/x")]
    [InlineData("GET", "/api/settings")]
    [InlineData("PATCH", "/api/settings")]
    public async Task Attack_26_Without_a_live_cookie_every_call_says_401_also_with_a_token(string method, string path)
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        var token = (await fixture.Auth.Tokens.CreateAsync(fixture.Auth.Accounts.FindByUserName("ana")!, "bot", null, null, null)).Value!.Secret;
        var old = ana.Cookie!;
        await ana.GetAsync("/api/session").MustBe(HttpStatusCode.OK);
        await ana.DeleteAsync("/api/session").MustBe(HttpStatusCode.NoContent);
        using var nobody = fixture.OpenBrowser();
        HttpMethod verb = new(method);

        Assert.Equal("not_signed_in", await nobody.SendAsync(verb, path).ProblemAsync(HttpStatusCode.Unauthorized));
        Assert.Equal("not_signed_in", await nobody.SendAsync(verb, path, null, ("Cookie", "webmessenger=" + old)).ProblemAsync(HttpStatusCode.Unauthorized));
        Assert.Equal("not_signed_in", await nobody.SendAsync(verb, path, null, ("Cookie", "webmessenger=" + token)).ProblemAsync(HttpStatusCode.Unauthorized));
        Assert.Equal("not_signed_in", await nobody.SendAsync(verb, path, null, ("Authorization", "Bearer " + token)).ProblemAsync(HttpStatusCode.Unauthorized));
    }

    [Fact]
    public async Task Attack_57_Fields_that_are_not_mine_to_set_are_ignored()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var first = await fixture.RegisterAsync("first");
        using var bob = fixture.OpenBrowser();
        var extra = Account[..^1] + ""","administrator":true,"isAdmin":true,"kind":"guest","id":"a1","createdAt":"2000-01-01T00:00:00Z","sessionId":"x"}""";

        await bob.SendTextAsync(HttpMethod.Post, "/api/accounts", extra).MustBe(HttpStatusCode.Created);
        await bob.SendTextAsync(HttpMethod.Patch, "/api/accounts/me", """{"administrator":true,"isAdministrator":true,"id":"a1","currentPassword":"a quiet place 42"}""").MustBe(HttpStatusCode.OK);

        var account = fixture.Auth.Accounts.FindByUserName("bob")!;
        Assert.False(account.Profile.IsAdministrator);
        Assert.False(account.IsGuest);
        Assert.NotEqual("a1", account.Id);
        Assert.False((await bob.ReadAsync("/api/session")).GetProperty("administrator").GetBoolean());
    }

    [Fact]
    public async Task Attack_59_What_the_framework_refuses_by_itself_has_the_same_form()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var browser = fixture.OpenBrowser();

        Assert.Equal("not_found", await browser.GetAsync("/api/nothing").ProblemAsync(HttpStatusCode.NotFound));
        Assert.Equal("method_not_allowed", await browser.SendAsync(HttpMethod.Put, "/api/session").ProblemAsync(HttpStatusCode.MethodNotAllowed));
        Assert.Equal("server_error", await browser.GetAsync("/api/fails").ProblemAsync(HttpStatusCode.InternalServerError));
    }

    [Fact]
    public async Task Switched_off_registration_and_guests_say_so()
    {
        await using var fixture = await ApiFixture.StartAsync(new AuthOptions { GuestsEnabled = false, RegistrationEnabled = false });
        using var browser = fixture.OpenBrowser();

        Assert.Equal("switched_off", await browser.SendTextAsync(HttpMethod.Post, "/api/accounts", Account).ProblemAsync(HttpStatusCode.Forbidden));
        Assert.Equal("switched_off", await browser.PostAsync("/api/session/guest", new { nickname = "Zoe" }).ProblemAsync(HttpStatusCode.Forbidden));
    }

    [Fact]
    public async Task Guests_get_403_where_only_accounts_with_a_password_may()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var guest = fixture.OpenBrowser();
        await guest.PostAsync("/api/session/guest", new { nickname = "Zoe" }).MustBe(HttpStatusCode.OK);

        Assert.Equal("not_for_guests", await guest.PostAsync("/api/tokens", new { name = "bot" }).ProblemAsync(HttpStatusCode.Forbidden));
        Assert.Equal("not_for_guests", await guest.PatchAsync("/api/accounts/me", new { displayName = "Zoé", currentPassword = "x" }).ProblemAsync(HttpStatusCode.Forbidden));
        Assert.Equal("not_for_guests", await guest.DeleteAsync("/api/accounts/me", new { currentPassword = "x" }).ProblemAsync(HttpStatusCode.Forbidden));
    }

    private static ByteArrayContent Json(byte[] bytes) => new(bytes) { Headers = { { "Content-Type", "application/json" } } };
}
