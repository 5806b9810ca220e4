using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;

namespace WebMessenger.Auth.Tests.SigningIn;

public sealed class AccountBansTests
{
    [Fact]
    public async Task Attack_27_A_ban_ends_every_login_session_and_token_before_it_is_done()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        await fixture.RegisterAsync("bob");
        var bystander = TestClient.AttachedTo((await fixture.SignInAsync("bob")).Session);
        var browser = await fixture.SignInAsync("ana");
        var mqtt = AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password));
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null));
        var stalled = TestClient.AttachedTo(browser.Session, closes: false);
        var others = new[] { mqtt, token.Token }.Select(session => TestClient.AttachedTo(session)).ToList();

        var ban = fixture.Auth.Bans.BanAsync("Ana", "spam");
        Assert.Equal(RevocationReason.Banned, await stalled.Revoked);
        Assert.All(others, client => Assert.True(client.IsRevoked));
        Assert.False(ban.IsCompleted);
        stalled.Close();
        var outcome = await ban;

        Assert.Equal((BanResult.Done, account, 2, 1), (outcome.Result, outcome.Account, outcome.Sessions, outcome.Tokens));
        Assert.False(bystander.IsRevoked);
        await AssertShutOutAsync(fixture, account, browser.Secret, token.Secret);
        await fixture.RestartAsync();
        account = fixture.Auth.Accounts.FindByUserName("ana")!;
        await AssertShutOutAsync(fixture, account, browser.Secret, token.Secret);
        Assert.Equal([(account, new Ban(fixture.Time.GetUtcNow(), "spam"))], fixture.Auth.Bans.All);
    }

    [Fact]
    public async Task Attack_27_Of_sign_ins_during_a_ban_no_login_session_survives()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        for (var round = 0; round < 20; round++)
        {
            var id = round;
            var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null));
            var browsers = Enumerable.Range(0, 4).Select(_ => fixture.SignInRawAsync("ana", AuthFixture.Password)).ToList();
            var clients = Enumerable.Range(0, 4).Select(i => fixture.MqttAsync("ana", AuthFixture.Password, $"c{id}-{i}")).ToList();
            var tokens = Enumerable.Range(0, 4).Select(i => fixture.Auth.Tokens.CreateAsync(account, $"t{i}", null, null, null)).ToList();
            if (round % 2 == 1)
            {
                // When the first is in, so that the ban meets the others a step further on.
                await await Task.WhenAny(browsers);
            }

            var ban = await fixture.Auth.Bans.BanAsync("ana", null);
            var (inBrowser, byMqtt, byToken) = (await Task.WhenAll(browsers), await Task.WhenAll(clients), await Task.WhenAll(tokens));

            Assert.Equal(BanResult.Done, ban.Result);
            Assert.True(token.Token.IsRevoked);
            Assert.All(inBrowser, browser => Assert.True(browser.Value is null || browser.Value.Session.IsRevoked));
            Assert.All(byMqtt, client => Assert.True(client.Value is null || client.Value.IsRevoked));
            Assert.All(byToken, made => Assert.True(made.Value is null || made.Value.Token.IsRevoked));
            Assert.Empty(fixture.Auth.Sessions.List(account));
            Assert.Empty(fixture.Auth.Tokens.List(account));
            Assert.True((await fixture.Auth.Bans.LiftAsync("ana")).IsDone);
        }
    }

    [Fact]
    public async Task Attack_19_27_Only_who_has_the_password_is_told_of_a_ban()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password)));
        await fixture.Auth.Bans.BanAsync("ana", "spam");

        var told = await fixture.SignInRawAsync("ana", AuthFixture.Password);
        var toldByMqtt = await fixture.MqttAsync("ana", AuthFixture.Password);

        Assert.Equal("This account is banned: spam", Assert.IsType<Refusal.Banned>(told.Refusal).Text);
        Assert.Equal("This account is banned: spam", Assert.IsType<Refusal.Banned>(toldByMqtt.Refusal).Text);
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.SignInRawAsync("ana", "not the password")));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.MqttAsync("ana", "not the password")));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.SignInRawAsync("nobody", "not the password")));
    }

    [Fact]
    public async Task Attack_27_A_lifted_ban_lets_the_account_sign_in_and_leaves_what_it_ended_ended()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var browser = await fixture.SignInAsync("ana");
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null));
        var mqtt = AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password));
        var note = LoginSessions.NoteOf(mqtt);
        await fixture.Auth.Bans.BanAsync("ana", null);
        Assert.Null(fixture.Auth.Sessions.Restore(account, "client-1", note));

        Assert.True((await fixture.Auth.Bans.LiftAsync("ana")).IsDone);

        for (var start = 0; start < 2; start++)
        {
            account = fixture.Auth.Accounts.FindByUserName("ana")!;
            Assert.Null(account.Ban);
            Assert.Empty(fixture.Auth.Bans.All);
            Assert.Null(fixture.Auth.Sessions.FindByCookie(browser.Secret));
            Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
            // What a durable client by password has left on a disk that did not take its end.
            Assert.Null(fixture.Auth.Sessions.Restore(account, "client-1", note));
            Assert.Equal("ok", AuthFixture.Code(await fixture.SignInRawAsync("ana", AuthFixture.Password)));
            var again = AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password, "client-2"));
            await fixture.RestartAsync();
            Assert.NotNull(fixture.Auth.Sessions.Restore(fixture.Auth.Accounts.FindByUserName("ana")!, "client-2", LoginSessions.NoteOf(again)));
        }
    }

    [Fact]
    public async Task Attack_27_Login_sessions_that_a_kill_left_stored_after_the_ban_are_gone_at_the_next_start_and_after_its_end()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        await fixture.RegisterAsync("bob");
        var (ana, bob) = (await fixture.SignInAsync("ana"), await fixture.SignInAsync("bob"));
        foreach (var one in new[] { ana, bob })
        {
            // The ban is stored first: what a kill just after it leaves behind.
            await fixture.Auth.Accounts.SetStandingAsync(one.Session.Account, one.Session.Account.Standing.With(new Ban(fixture.Time.GetUtcNow(), null)));
        }

        // One is lifted while the store still has the login session, the other at the next start.
        Assert.True((await fixture.Auth.Bans.LiftAsync("bob")).IsDone);
        await fixture.RestartAsync();
        Assert.Null(fixture.Auth.Sessions.FindByCookie(ana.Secret));
        Assert.Null(fixture.Auth.Sessions.FindByCookie(bob.Secret));
        Assert.True((await fixture.Auth.Bans.LiftAsync("ana")).IsDone);
        await fixture.RestartAsync();

        Assert.Null(fixture.Auth.Sessions.FindByCookie(ana.Secret));
    }

    [Fact]
    public async Task Attack_27_The_sweep_ends_what_a_ban_missed_that_seemed_to_have_failed()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var browser = await fixture.SignInAsync("ana");
        var client = TestClient.AttachedTo(browser.Session);
        await fixture.Auth.Accounts.SetStandingAsync(browser.Session.Account, browser.Session.Account.Standing.With(new Ban(fixture.Time.GetUtcNow(), null)));

        await fixture.Auth.Sessions.SweepAsync();

        Assert.Equal(RevocationReason.Banned, await client.Revoked);
        Assert.Null(fixture.Auth.Sessions.FindByCookie(browser.Secret));
    }

    [Fact]
    public async Task Guests_are_banned_too_and_what_cannot_be_is_said()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var guest = await fixture.EnterAsync("Zoe");
        var session = (await fixture.Auth.Sessions.StartAsync(guest, "Firefox", AuthFixture.Home))!.Session;

        Assert.Equal(BanResult.Done, (await fixture.Auth.Bans.BanAsync(guest.UserName, null)).Result);
        Assert.True(session.IsRevoked);
        Assert.Null(await fixture.Auth.Sessions.StartAsync(guest, "Firefox", AuthFixture.Home));

        Assert.Equal(BanResult.AlreadyBanned, (await fixture.Auth.Bans.BanAsync(guest.UserName, null)).Result);
        Assert.Equal(BanResult.NoSuchAccount, (await fixture.Auth.Bans.BanAsync("nobody", null)).Result);
        Assert.Equal(BanResult.NoSuchAccount, (await fixture.Auth.Bans.LiftAsync("no such \n name")).Result);
        Assert.Equal(BanResult.Done, (await fixture.Auth.Bans.LiftAsync(guest.UserName)).Result);
        Assert.Equal(BanResult.NotBanned, (await fixture.Auth.Bans.LiftAsync(guest.UserName)).Result);
    }

    [Fact]
    public async Task A_banned_account_is_neither_changed_nor_erased_by_a_call_that_was_under_way()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        var change = new AccountChange(DisplayName: "Somebody else");
        Assert.Equal("ok", AuthFixture.Code(await fixture.Auth.Changes.ChangeAsync(session, AuthFixture.Password, change, AuthFixture.Home)));
        await fixture.Auth.Bans.BanAsync("ana", null);

        Assert.Equal("Banned", AuthFixture.Code(await fixture.Auth.Changes.ChangeAsync(session, AuthFixture.Password, new AccountChange(DisplayName: "Me"), AuthFixture.Home)));
        Assert.Equal("Banned", AuthFixture.Code(await fixture.Auth.Changes.EraseAsync(session.Account, AuthFixture.Password, AuthFixture.Home)));
        Assert.Equal("Banned", AuthFixture.Code(await fixture.Auth.Accounts.ReplaceAsync(
            session.Account, session.Account.Credential!, profile => profile with { DisplayName = "Me" }, session.Account.Credential!)));
        Assert.Equal("Somebody else", session.Account.DisplayName);
        Assert.False(session.Account.IsErased);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("  ", null)]
    [InlineData(" spam, again and again 🦊 ", "spam, again and again 🦊")]
    public void A_reason_is_one_line(string? typed, string? reason)
    {
        Assert.True(Ban.TryReason(typed, out var parsed));
        Assert.Equal(reason, parsed);
    }

    [Theory]
    [InlineData("two\nlines")]
    [InlineData("an \u001b[31mescape")]
    [InlineData("turned \u202e round")]
    public void Attack_76_A_reason_that_could_forge_a_line_is_none(string typed) => Assert.False(Ban.TryReason(typed, out _));

    [Fact]
    public void A_reason_has_an_end()
    {
        Assert.True(Ban.TryReason(new string('x', Ban.MaxReasonScalars), out _));
        Assert.False(Ban.TryReason(new string('x', Ban.MaxReasonScalars + 1), out _));
    }

    private static async Task AssertShutOutAsync(AuthFixture fixture, Account account, string cookie, string token)
    {
        Assert.Equal("spam", account.Ban?.Reason);
        Assert.Empty(fixture.Auth.Sessions.List(account));
        Assert.Empty(fixture.Auth.Tokens.List(account));
        Assert.Null(fixture.Auth.Sessions.FindByCookie(cookie));
        Assert.Null(fixture.Auth.Tokens.FindBearer(token));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.MqttAsync("ana", token)));
        Assert.Equal("Banned", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password)));
        Assert.Equal("Banned", AuthFixture.Code(await fixture.SignInRawAsync("ana", AuthFixture.Password)));
        Assert.Null(await fixture.Auth.Sessions.StartAsync(account, "Firefox", AuthFixture.Home));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.Auth.Tokens.CreateAsync(account, "another", null, null, null)));
    }
}
