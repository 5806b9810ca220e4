using System.Globalization;
using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Limits;

namespace WebMessenger.Broker.Tests.Api;

public sealed class SessionApiTests
{
    [Fact]
    public async Task Registering_signs_in()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var browser = fixture.OpenBrowser();

        using var answer = await browser.PostAsync("/api/accounts", new { email = "Ana@example.org", userName = "ANA", displayName = "Ana 🦊", password = ApiFixture.Password });

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var registered = await answer.JsonAsync();
        var me = await browser.ReadAsync("/api/session");
        Assert.Equal(registered.GetRawText(), me.GetRawText());
        Assert.Equal(
            ("ana", "Ana 🦊", "person", "Ana@example.org", true),
            (Text(me, "user"), Text(me, "name"), Text(me, "kind"), Text(me, "email"), me.GetProperty("administrator").GetBoolean()));
        Assert.Equal(Text(me, "sessionId"), Text((await browser.ReadAsync("/api/sessions")).GetProperty("sessions")[0], "id"));
    }

    [Theory]
    [InlineData(false, "webmessenger=", false)]
    [InlineData(true, "__Host-webmessenger=", true)]
    public async Task The_cookie_says_no_more_than_it_must(bool https, string name, bool secure)
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var browser = fixture.OpenBrowser(https);

        using var answer = await browser.PostAsync("/api/accounts", ApiFixture.Registration("ana"));
        using var renewed = await browser.GetAsync("/api/session");

        foreach (var given in new[] { answer, renewed })
        {
            var cookie = Assert.Single(given.Headers.GetValues("Set-Cookie"));
            Assert.StartsWith(name, cookie, StringComparison.Ordinal);
            Assert.Contains("; httponly", cookie, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("; samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("; path=/", cookie, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("; max-age=2592000", cookie, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("domain", cookie, StringComparison.OrdinalIgnoreCase);
            Assert.Equal(secure, cookie.Contains("; secure", StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public async Task Attack_21_Signing_in_changes_the_cookie_and_ends_what_the_old_one_opened()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        var before = ana.Cookie!;

        await ana.PostAsync("/api/session", new { login = "ana@example.org", password = ApiFixture.Password }).MustBe(HttpStatusCode.OK);

        Assert.NotEqual(before, ana.Cookie);
        Assert.Null(fixture.Auth.Sessions.FindByCookie(before));
        await ana.GetAsync("/api/session").MustBe(HttpStatusCode.OK);
        using var attacker = fixture.OpenBrowser();
        await attacker.SendAsync(HttpMethod.Get, "/api/session", null, ("Cookie", "webmessenger=" + before)).MustBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Attack_19_A_wrong_user_and_a_wrong_password_are_one_answer_and_leave_me_signed_in()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        List<string> answers = [];
        foreach (var login in new[] { "ana", "nobody", "nobody@example.org" })
        {
            using var answer = await ana.PostAsync("/api/session", new { login, password = "not the password" });
            answers.Add((int)answer.StatusCode + WithoutTrace(await answer.JsonAsync()) + answer.Headers.Contains("Set-Cookie"));
        }

        Assert.StartsWith("401", answers[0], StringComparison.Ordinal);
        Assert.Single(answers.Distinct());
        await ana.GetAsync("/api/session").MustBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Attack_20_Too_many_attempts_are_told_when_to_come_back()
    {
        await using var fixture = await ApiFixture.StartAsync(new AuthOptions
        {
            SignInsPerMinutePerAddress = 3, GuestsPerMinutePerAddress = 1, RegistrationsPerHourPerAddress = 1, AccountTriesPerDay = 1,
        });
        using var ana = await fixture.RegisterAsync("ana");
        using var zoe = fixture.OpenBrowser();
        await zoe.PostAsync("/api/session/guest", new { nickname = "Yan" }).MustBe(HttpStatusCode.OK);
        for (var i = 0; i < 3; i++)
        {
            var wrong = zoe.PostAsync("/api/session", new { login = "bob", password = "not the password" });
            Assert.Equal("bad_credentials", await wrong.ProblemAsync(HttpStatusCode.Unauthorized));
        }

        await ana.PatchAsync("/api/accounts/me", new { email = "new@example.org", currentPassword = ApiFixture.Password }).MustBe(HttpStatusCode.OK);

        foreach (var sending in new[]
        {
            zoe.PostAsync("/api/session", new { login = "bob", password = ApiFixture.Password }),
            zoe.PostAsync("/api/session/guest", new { nickname = "Zoe" }),
            zoe.PostAsync("/api/accounts", ApiFixture.Registration("bob")),
            ana.PatchAsync("/api/accounts/me", new { email = "newer@example.org", currentPassword = ApiFixture.Password }),
        })
        {
            using var answer = await sending;
            Assert.Equal("too_many_attempts", await Task.FromResult(answer).ProblemAsync(HttpStatusCode.TooManyRequests));
            Assert.InRange(int.Parse(Assert.Single(answer.Headers.GetValues("Retry-After")), CultureInfo.InvariantCulture), 1, 24 * 3600);
        }
    }

    [Fact]
    public async Task Fault_S22_With_a_new_password_the_browser_has_a_new_cookie_and_a_copy_of_the_old_opens_nothing()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        var copy = ana.Cookie!;
        TestClient tab = new("tab-1");
        Assert.True(fixture.Auth.Sessions.FindByCookie(copy)!.TryAttach(tab));

        await ana.PatchAsync("/api/accounts/me", new { displayName = "Ana Maria", currentPassword = ApiFixture.Password }).MustBe(HttpStatusCode.OK);
        Assert.Equal(copy, ana.Cookie);
        await ana.PatchAsync("/api/accounts/me", new { password = "another quiet place 43", currentPassword = ApiFixture.Password }).MustBe(HttpStatusCode.OK);

        Assert.True(tab.IsRevoked);
        Assert.NotEqual(copy, ana.Cookie);
        await ana.GetAsync("/api/session").MustBe(HttpStatusCode.OK);
        using var thief = fixture.OpenBrowser();
        Assert.Null(fixture.Auth.Sessions.FindByCookie(copy));

        // Not 401: another tab of ana's would take that for the end, and forget all it keeps.
        using var answer = await thief.SendAsync(HttpMethod.Get, "/api/session", null, ("Cookie", "webmessenger=" + copy));
        Assert.Equal("busy", await Task.FromResult(answer).ProblemAsync(HttpStatusCode.ServiceUnavailable));
        Assert.Equal("1", Assert.Single(answer.Headers.GetValues("Retry-After")));
    }

    [Fact]
    public async Task Fault_S27_A_planted_cookie_neither_keeps_a_browser_out_nor_makes_it_somebody_else()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        using var bob = await fixture.RegisterAsync("bob");
        using var browser = fixture.OpenBrowser();
        var (mine, planted) = ("webmessenger=" + ana.Cookie, "webmessenger=" + bob.Cookie);

        foreach (var cookies in new[] { mine, $"{mine}; webmessenger=x", $"webmessenger=x; {mine}", $"other=1; {mine};webmessenger=" })
        {
            using var answer = await browser.SendAsync(HttpMethod.Get, "/api/session", null, ("Cookie", cookies));
            Assert.Equal("ana", (await answer.JsonAsync()).GetProperty("user").GetString());

            // What is given anew is the one that opened it.
            Assert.StartsWith(mine + ";", Assert.Single(answer.Headers.GetValues("Set-Cookie")), StringComparison.Ordinal);
        }

        foreach (var cookies in new[]
        {
            $"{mine}; {planted}", $"{planted}; {mine}", string.Join("; ", Enumerable.Repeat("webmessenger=x", 8)) + "; " + mine,
        })
        {
            await browser.SendAsync(HttpMethod.Get, "/api/session", null, ("Cookie", cookies)).MustBe(HttpStatusCode.Unauthorized);
            using var room = await browser.SendAsync(HttpMethod.Get, "/api/rooms", null, ("Cookie", cookies));
            Assert.Equal("nobody", await room.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        // Signing in ends both, so the browser is not kept out for long.
        await browser.SendAsync(
            HttpMethod.Post, "/api/session", new { login = "ana", password = ApiFixture.Password }, ("Cookie", $"{planted}; {mine}"))
            .MustBe(HttpStatusCode.OK);
        Assert.Null(fixture.Auth.Sessions.FindByCookie(bob.Cookie));
        Assert.Null(fixture.Auth.Sessions.FindByCookie(ana.Cookie));
    }

    [Fact]
    public async Task Attack_22_Logging_out_closes_my_clients_before_the_answer_and_takes_the_cookie()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        using var other = fixture.OpenBrowser();
        await other.PostAsync("/api/session", new { login = "ana", password = ApiFixture.Password }).MustBe(HttpStatusCode.OK);
        TestClient mine = new("tab-1"), others = new("tab-2");
        Assert.True(fixture.Auth.Sessions.FindByCookie(ana.Cookie)!.TryAttach(mine));
        Assert.True(fixture.Auth.Sessions.FindByCookie(other.Cookie)!.TryAttach(others));

        await ana.DeleteAsync("/api/session").MustBe(HttpStatusCode.NoContent);

        Assert.True(mine.IsRevoked);
        Assert.False(others.IsRevoked);
        Assert.Null(ana.Cookie);
        await ana.GetAsync("/api/session").MustBe(HttpStatusCode.Unauthorized);
        await other.GetAsync("/api/session").MustBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_guest_enters_with_a_nickname()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var guest = fixture.OpenBrowser();

        await guest.PostAsync("/api/session/guest", new { nickname = " Zoe  🌻 " }).MustBe(HttpStatusCode.OK);

        var me = await guest.ReadAsync("/api/session");
        Assert.Equal(("Zoe 🌻", "guest", JsonValueKind.Null), (Text(me, "name"), Text(me, "kind"), me.GetProperty("email").ValueKind));
        Assert.StartsWith("guest-", Text(me, "user"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Login_sessions_are_listed_with_device_address_and_clients_and_ended_one_by_one()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        using var other = fixture.OpenBrowser();
        await other.SendAsync(
            HttpMethod.Post, "/api/session", new { login = "ana", password = ApiFixture.Password }, ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"))
            .MustBe(HttpStatusCode.OK);
        TestClient client = new("web-7");
        Assert.True(fixture.Auth.Sessions.FindByCookie(other.Cookie)!.TryAttach(client));

        var sessions = (await ana.ReadAsync("/api/sessions")).GetProperty("sessions").EnumerateArray().ToList();

        Assert.Equal(2, sessions.Count);
        var mine = sessions.Single(session => session.GetProperty("current").GetBoolean());
        var others = sessions.Single(session => !session.GetProperty("current").GetBoolean());
        Assert.Equal(("browser", "Firefox on Linux", "127.0.0.1"), (Text(others, "kind"), Text(others, "device"), Text(others, "address")));
        Assert.Equal(["web-7"], others.GetProperty("clients").EnumerateArray().Select(id => id.GetString()!));
        Assert.InRange(others.GetProperty("lastSeen").GetDateTimeOffset(), others.GetProperty("createdAt").GetDateTimeOffset(), DateTimeOffset.UtcNow);
        Assert.Equal(Text(mine, "id"), Text(await ana.ReadAsync("/api/session"), "sessionId"));

        await ana.DeleteAsync("/api/sessions/" + Text(others, "id")).MustBe(HttpStatusCode.NoContent);
        Assert.True(client.IsRevoked);
        await other.GetAsync("/api/session").MustBe(HttpStatusCode.Unauthorized);
        Assert.Equal("not_found", await ana.DeleteAsync("/api/sessions/" + Text(others, "id")).ProblemAsync(HttpStatusCode.NotFound));
        await ana.DeleteAsync("/api/sessions/" + Text(mine, "id")).MustBe(HttpStatusCode.NoContent);
        Assert.Null(ana.Cookie);
        await ana.GetAsync("/api/session").MustBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Somebody_elses_login_session_or_token_is_not_there()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        using var bob = await fixture.RegisterAsync("bob");
        await ana.PostAsync("/api/tokens", new { name = "bot" }).MustBe(HttpStatusCode.Created);
        var session = Text(await ana.ReadAsync("/api/session"), "sessionId");
        var token = Text((await ana.ReadAsync("/api/tokens")).GetProperty("tokens")[0], "id");

        Assert.Equal("not_found", await bob.DeleteAsync("/api/sessions/" + session).ProblemAsync(HttpStatusCode.NotFound));
        Assert.Equal("not_found", await bob.DeleteAsync("/api/tokens/" + token).ProblemAsync(HttpStatusCode.NotFound));
        Assert.Empty((await bob.ReadAsync("/api/tokens")).GetProperty("tokens").EnumerateArray());
        await ana.GetAsync("/api/session").MustBe(HttpStatusCode.OK);
        await ana.DeleteAsync("/api/tokens/" + token).MustBe(HttpStatusCode.NoContent);
    }

    [Theory]
    [InlineData("/api/sessions", false)]
    [InlineData("/api/sessions?tokens=false", false)]
    [InlineData("/api/sessions?tokens=true", true)]
    public async Task Attack_27_All_others_can_be_ended_and_tokens_if_asked(string path, bool tokensToo)
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        using var other = fixture.OpenBrowser();
        await other.PostAsync("/api/session", new { login = "ana", password = ApiFixture.Password }).MustBe(HttpStatusCode.OK);
        await ana.PostAsync("/api/tokens", new { name = "bot" }).MustBe(HttpStatusCode.Created);

        await ana.DeleteAsync(path).MustBe(HttpStatusCode.NoContent);

        await other.GetAsync("/api/session").MustBe(HttpStatusCode.Unauthorized);
        await ana.GetAsync("/api/session").MustBe(HttpStatusCode.OK);
        Assert.Equal(tokensToo ? 0 : 1, (await ana.ReadAsync("/api/tokens")).GetProperty("tokens").GetArrayLength());
    }

    [Fact]
    public async Task A_token_is_shown_once_and_listed_without_its_secret()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");

        using var answer = await ana.PostAsync("/api/tokens", new { name = "garden", rooms = new[] { "lobby", "garden" }, verbs = new[] { "read", "data" }, expiresAt = "2099-01-01T00:00:00Z" });

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var created = await answer.JsonAsync();
        var listed = (await ana.ReadAsync("/api/tokens")).GetProperty("tokens");
        Assert.DoesNotContain(Text(created, "token"), listed.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(Text(created, "id"), Text(listed[0], "id"));
        Assert.Equal(["garden", "lobby"], listed[0].GetProperty("rooms").EnumerateArray().Select(room => room.GetString()!));
        Assert.Equal(["read", "data"], listed[0].GetProperty("verbs").EnumerateArray().Select(verb => verb.GetString()!));
        Assert.Equal(new DateTimeOffset(2099, 1, 1, 0, 0, 0, TimeSpan.Zero), listed[0].GetProperty("expiresAt").GetDateTimeOffset());
        Assert.Equal(JsonValueKind.Null, listed[0].GetProperty("lastUsed").ValueKind);
    }

    [Fact]
    public async Task Attack_26_A_bearer_token_serves_the_calls_about_rooms_and_a_wrong_one_never_falls_back_to_the_cookie()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        using var bot = fixture.OpenBrowser();
        var token = (await fixture.Auth.Tokens.CreateAsync(fixture.Auth.Accounts.FindByUserName("ana")!, "bot", null, null, null)).Value!;
        var session = Text(await ana.ReadAsync("/api/session"), "sessionId");

        Assert.Equal(token.Token.Id, await Rooms(bot, "Bearer " + token.Secret));
        Assert.Equal(token.Token.Id, await Rooms(bot, "bearer " + token.Secret));
        Assert.Equal(session, await Rooms(ana, null));
        Assert.Equal(token.Token.Id, await Rooms(ana, "Bearer " + token.Secret));
        foreach (var wrong in new[] { "Bearer", "Bearer wm_x", "Bearer " + token.Secret + "x", "Basic " + token.Secret, token.Secret, "Bearer " + ana.Cookie })
        {
            Assert.Equal("nobody", await Rooms(bot, wrong));
            Assert.Equal("nobody", await Rooms(ana, wrong));
        }

        await fixture.Auth.Tokens.RevokeAsync(token.Token.Account, token.Token.Id);
        Assert.Equal("nobody", await Rooms(bot, "Bearer " + token.Secret));

        static async Task<string> Rooms(Browser browser, string? authorization)
        {
            using var answer = await browser.SendAsync(HttpMethod.Get, "/api/rooms", null, authorization is null ? [] : [("Authorization", authorization)]);
            return await answer.Content.ReadAsStringAsync();
        }
    }

    [Fact]
    public async Task An_account_changes_and_is_erased_with_its_password()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        using var other = fixture.OpenBrowser();
        await other.PostAsync("/api/session", new { login = "ana", password = ApiFixture.Password }).MustBe(HttpStatusCode.OK);

        using var changed = await ana.PatchAsync(
            "/api/accounts/me", new { userName = "ana-maria", displayName = "Ana Maria", email = "am@example.org", password = "another quiet place 43", currentPassword = ApiFixture.Password });

        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        var me = await ana.ReadAsync("/api/session");
        Assert.Equal(("ana-maria", "Ana Maria", "am@example.org"), (Text(me, "user"), Text(me, "name"), Text(me, "email")));
        await other.GetAsync("/api/session").MustBe(HttpStatusCode.Unauthorized);
        await other.PostAsync("/api/session", new { login = "am@example.org", password = "another quiet place 43" }).MustBe(HttpStatusCode.OK);

        await ana.DeleteAsync("/api/accounts/me", new { currentPassword = "another quiet place 43" }).MustBe(HttpStatusCode.NoContent);

        Assert.Null(ana.Cookie);
        await other.GetAsync("/api/session").MustBe(HttpStatusCode.Unauthorized);
        await other.PostAsync("/api/session", new { login = "am@example.org", password = "another quiet place 43" }).MustBe(HttpStatusCode.Unauthorized);
        Assert.Equal("invalid_fields userName:taken", await other.PostAsync("/api/accounts", ApiFixture.Registration("ana")).ProblemAsync(HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task Answers_to_who_is_signed_in_are_kept_by_no_cache()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        foreach (var path in new[] { "/api/session", "/api/sessions", "/api/tokens" })
        {
            using var answer = await ana.GetAsync(path);
            Assert.True(answer.Headers.CacheControl?.NoStore);
        }
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static string WithoutTrace(JsonElement problem) =>
        string.Join(',', problem.EnumerateObject().Where(property => property.Name != "traceId").Select(property => property.Name + "=" + property.Value));
}
