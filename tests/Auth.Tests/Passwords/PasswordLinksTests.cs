using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Passwords;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;

namespace WebMessenger.Auth.Tests.Passwords;

public sealed class PasswordLinksTests
{
    private const string NewPassword = "another quiet place 43";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault_P37_A_link_sets_the_password_once_and_ends_all_other_login_sessions(bool alsoTokens)
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var browser = await fixture.SignInAsync("ana");
        var mqtt = AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password));
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null));
        var clients = new[] { browser.Session, mqtt, token.Token }.Select(session => TestClient.AttachedTo(session)).ToList();
        var secret = await MakeAsync(fixture, "ANA@example.org");
        Assert.Equal(22, secret.Length);

        var seen = AuthFixture.Must(fixture.Auth.PasswordLinks.Look(secret, AuthFixture.Home));
        Assert.Equal((account, fixture.Time.GetUtcNow() + PasswordLinks.Lifetime), (seen.Account, seen.ExpiresAt));
        var signedIn = AuthFixture.Must(await UseAsync(fixture, secret, alsoTokens: alsoTokens));

        Assert.Same(account, signedIn.Session.Account);
        Assert.Equal([true, true, alsoTokens], clients.Select(client => client.IsRevoked));
        Assert.Equal(RevocationReason.PasswordChanged, await clients[0].Revoked);
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.SignInRawAsync("ana", AuthFixture.Password)));
        Assert.Equal("ok", AuthFixture.Code(await fixture.SignInRawAsync("ana", NewPassword)));
        await AssertDeadAsync(fixture, secret);
        await fixture.RestartAsync();
        await AssertDeadAsync(fixture, secret);
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(signedIn.Secret));
        Assert.Null(fixture.Auth.Sessions.FindByCookie(browser.Secret));
        Assert.DoesNotContain(secret, fixture.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(NewPassword, fixture.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fault_P37_Of_many_who_use_a_link_at_the_same_time_one_does()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var secret = await MakeAsync(fixture, "ana");

        var uses = Enumerable.Range(0, 8).Select(i => UseAsync(fixture, secret, $"a quiet place number {i} of eight"));
        var outcomes = await Task.WhenAll(uses);

        var winner = Assert.Single(Enumerable.Range(0, 8), i => outcomes[i].Value is not null);
        Assert.Equal(7, outcomes.Count(outcome => outcome.Refusal is Refusal.NoSuchLink));
        await fixture.SignInAsync("ana", $"a quiet place number {winner} of eight");
        Assert.False(outcomes[winner].Value!.Session.IsRevoked);
    }

    [Fact]
    public async Task Fault_P37_Of_sign_ins_while_a_link_is_used_no_session_of_the_old_password_survives()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        for (var round = 0; round < 20; round++)
        {
            var (old, next) = round % 2 == 0 ? (AuthFixture.Password, NewPassword) : (NewPassword, AuthFixture.Password);
            var id = round;
            var secret = await MakeAsync(fixture, "ana");
            var browsers = Enumerable.Range(0, 4).Select(_ => fixture.SignInRawAsync("ana", old)).ToList();
            var clients = Enumerable.Range(0, 4).Select(i => fixture.MqttAsync("ana", old, $"c{id}-{i}")).ToList();

            var mine = AuthFixture.Must(await UseAsync(fixture, secret, next));
            await Task.WhenAll(browsers);
            await Task.WhenAll(clients);

            Assert.False(mine.Session.IsRevoked);
            Assert.All(browsers, browser => Assert.True(browser.Result.Value is null || browser.Result.Value.Session.IsRevoked));
            Assert.All(clients, client => Assert.True(client.Result.Value is null || client.Result.Value.IsRevoked));
        }
    }

    [Fact]
    public async Task Fault_P37_A_password_that_cannot_be_taken_leaves_the_link_as_it_is()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("anabela");
        var secret = await MakeAsync(fixture, "anabela");

        Assert.Equal("password:required", AuthFixture.Code(await UseAsync(fixture, secret, "")));
        Assert.Equal("password:too_short", AuthFixture.Code(await UseAsync(fixture, secret, "short")));
        Assert.Equal("password:contains_name", AuthFixture.Code(await UseAsync(fixture, secret, "anabela-2026")));
        await fixture.SignInAsync("anabela");

        Assert.Equal("ok", AuthFixture.Code(await UseAsync(fixture, secret)));
    }

    [Fact]
    public async Task Fault_P37_A_link_lives_for_an_hour_and_through_a_restart()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var secret = await MakeAsync(fixture, "ana");
        await fixture.RestartAsync();
        fixture.Time.Advance(PasswordLinks.Lifetime - TimeSpan.FromSeconds(1));
        Assert.Equal("ok", AuthFixture.Code(fixture.Auth.PasswordLinks.Look(secret, AuthFixture.Home)));

        fixture.Time.Advance(TimeSpan.FromSeconds(1));

        await AssertDeadAsync(fixture, secret);
        await fixture.Auth.Sweeper.TidyAsync();
        Assert.Empty(await fixture.Store.Documents.PageAsync("passwordLinks", null, 1));
    }

    [Fact]
    public async Task Fault_P37_A_newer_link_a_new_password_and_an_erased_account_end_a_link()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var first = await MakeAsync(fixture, "ana");
        var second = await MakeAsync(fixture, "ana");
        await AssertDeadAsync(fixture, first);
        Assert.Equal("ok", AuthFixture.Code(fixture.Auth.PasswordLinks.Look(second, AuthFixture.Home)));

        var session = (await fixture.SignInAsync("ana")).Session;
        AccountChange change = new(NewPassword: NewPassword);
        AuthFixture.Must(await fixture.Auth.Changes.ChangeAsync(session, AuthFixture.Password, change, AuthFixture.Home));
        await AssertDeadAsync(fixture, second);

        var third = await MakeAsync(fixture, "ana");
        Assert.Equal("ok", AuthFixture.Code(fixture.Auth.PasswordLinks.Look(third, AuthFixture.Home)));
        await fixture.Auth.Changes.EraseAsync(account, NewPassword, AuthFixture.Home);
        await AssertDeadAsync(fixture, third);
        await fixture.RestartAsync();
        await AssertDeadAsync(fixture, third);
    }

    [Fact]
    public async Task Fault_P37_A_ban_holds_and_ends_the_links_of_before()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var secret = await MakeAsync(fixture, "ana");
        Assert.Equal("ok", AuthFixture.Code(fixture.Auth.PasswordLinks.Look(secret, AuthFixture.Home)));
        await fixture.Auth.Bans.BanAsync("ana", "spam");

        Assert.Equal("Banned", AuthFixture.Code(fixture.Auth.PasswordLinks.Look(secret, AuthFixture.Home)));
        Assert.Equal("Banned", AuthFixture.Code(await UseAsync(fixture, secret)));
        Assert.Equal(PasswordLinkResult.Banned, (await fixture.Auth.PasswordLinks.MakeAsync("ana")).Result);
        await fixture.Auth.Bans.LiftAsync("ana");

        await AssertDeadAsync(fixture, secret);
        await fixture.SignInAsync("ana");
    }

    [Fact]
    public async Task Fault_P37_Guests_and_nobody_get_no_link()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var guest = await fixture.EnterAsync("Zoe");

        Assert.Equal(PasswordLinkResult.Guest, (await fixture.Auth.PasswordLinks.MakeAsync(guest.UserName)).Result);
        Assert.Equal(PasswordLinkResult.NoSuchAccount, (await fixture.Auth.PasswordLinks.MakeAsync("nobody")).Result);
        await AssertDeadAsync(fixture, null);
        await AssertDeadAsync(fixture, new string('x', 5000));
    }

    [Fact]
    public async Task Fault_P37_Links_cannot_be_tried_without_limit_and_trying_keeps_nobody_from_signing_in()
    {
        AuthOptions few = new() { SignInsPerMinutePerAddress = 5, RegistrationsPerHourPerAddress = 0 };
        await using var fixture = await AuthFixture.OpenAsync(few);
        await fixture.RegisterAsync("ana");
        var secret = await MakeAsync(fixture, "ana");

        var looks = Enumerable.Range(0, 8).Select(i => fixture.Auth.PasswordLinks.Look("guess " + i, AuthFixture.Home));
        var codes = looks.Select(AuthFixture.Code).ToList();

        Assert.Equal((5, 3), (codes.Count(code => code == "NoSuchLink"), codes.Count(code => code == "TooManyAttempts")));
        Assert.Equal("TooManyAttempts", AuthFixture.Code(await UseAsync(fixture, secret)));
        await fixture.SignInAsync("ana");
        Assert.Equal("ok", AuthFixture.Code(fixture.Auth.PasswordLinks.Look(secret, AuthFixture.Elsewhere)));
    }

    private static async Task<string> MakeAsync(AuthFixture fixture, string login)
    {
        var outcome = await fixture.Auth.PasswordLinks.MakeAsync(login);
        Assert.True(outcome.IsDone);
        return outcome.Secret;
    }

    private static Task<Outcome<SignedIn>> UseAsync(
        AuthFixture fixture, string? secret, string password = NewPassword, bool alsoTokens = false) =>
        fixture.Auth.PasswordLinks.UseAsync(secret, password, alsoTokens, "Firefox on Linux", AuthFixture.Home);

    private static async Task AssertDeadAsync(AuthFixture fixture, string? secret)
    {
        Assert.Equal("NoSuchLink", AuthFixture.Code(fixture.Auth.PasswordLinks.Look(secret, AuthFixture.Home)));
        Assert.Equal("NoSuchLink", AuthFixture.Code(await UseAsync(fixture, secret)));
    }
}
