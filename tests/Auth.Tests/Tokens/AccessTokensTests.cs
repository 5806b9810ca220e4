using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.Tests.Tokens;

public sealed class AccessTokensTests
{
    [Fact]
    public async Task A_token_keeps_its_scope_and_expiry_over_a_restart()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var expires = fixture.Time.GetUtcNow() + TimeSpan.FromDays(1);
        var created = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "  garden   sensor ", ["garden", "lobby"], Verbs.Read | Verbs.Data, expires));
        var all = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "everything", null, null, null));
        Assert.Matches("^wm_[A-Za-z0-9_-]{43}$", created.Secret);

        await fixture.RestartAsync();

        var token = fixture.Auth.Tokens.FindBearer(created.Secret)!;
        Assert.Equal((created.Token.Id, "garden sensor", Verbs.Read | Verbs.Data, expires), (token.Id, token.Device, token.Scope.Verbs, token.ExpiresAt));
        Assert.Equal(["garden", "lobby"], token.Scope.Rooms!.Order());
        var other = fixture.Auth.Tokens.FindBearer(all.Secret)!;
        Assert.Equal((Verbs.All, null, null), (other.Scope.Verbs, other.Scope.Rooms, other.ExpiresAt));
        Assert.Equal(2, fixture.Auth.Tokens.List(token.Account).Count);
    }

    [Fact]
    public async Task Bad_fields_are_named()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var tooMany = Enumerable.Range(0, 101).Select(i => "room-" + i).ToList();

        Assert.Equal("name:required", await TryAsync(fixture, account, ""));
        Assert.Equal("name:invalid", await TryAsync(fixture, account, "a\nb"));
        Assert.Equal("rooms:invalid", await TryAsync(fixture, account, rooms: []));
        Assert.Equal("rooms:invalid", await TryAsync(fixture, account, rooms: ["../x"]));
        Assert.Equal("rooms:invalid", await TryAsync(fixture, account, rooms: ["-x"]));
        Assert.Equal("rooms:invalid", await TryAsync(fixture, account, rooms: [null!]));
        Assert.Equal("rooms:invalid", await TryAsync(fixture, account, rooms: [.. tooMany]));
        Assert.Equal("verbs:invalid", await TryAsync(fixture, account, verbs: Verbs.None));
        Assert.Equal("expiresAt:past", await TryAsync(fixture, account, expiresAt: fixture.Time.GetUtcNow()));
        Assert.Equal("ok", await TryAsync(fixture, account));
    }

    [Fact]
    public async Task A_token_may_be_called_as_people_may_not_for_nobody_but_its_owner_sees_it()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");

        Assert.Equal("ok", await TryAsync(fixture, account, "Admin"));
    }

    [Fact]
    public async Task Moderate_is_in_no_token_that_did_not_ask_for_it()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var all = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "all", null, null, null));
        var asked = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "keeper", ["lobby"], Verbs.Read | Verbs.Moderate, null));
        Assert.Equal("verbs:invalid", await TryAsync(fixture, account, verbs: (Verbs)16));

        await fixture.RestartAsync();

        Assert.Equal((7, 8), ((int)Verbs.All, (int)Verbs.Moderate));
        Assert.Equal(Verbs.All, fixture.Auth.Tokens.FindBearer(all.Secret)!.Scope.Verbs);
        Assert.Equal(Verbs.Read | Verbs.Moderate, fixture.Auth.Tokens.FindBearer(asked.Secret)!.Scope.Verbs);

        // Who is signed in without a token may all that the account may.
        Assert.True((await fixture.SignInAsync("ana")).Session.Scope.Allows("lobby", Verbs.Everything));
    }

    [Fact]
    public async Task Guests_have_none()
    {
        await using var fixture = await AuthFixture.OpenAsync();

        Assert.Equal("NotForGuests", await TryAsync(fixture, await fixture.EnterAsync("Zoe")));
    }

    [Fact]
    public async Task An_account_has_a_hundred_at_most_also_when_made_at_once()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");

        var codes = await Task.WhenAll(Enumerable.Range(0, 110).Select(_ => TryAsync(fixture, account)));

        Assert.Equal(100, codes.Count(code => code == "ok"));
        Assert.Equal(10, codes.Count(code => code == "name:too_many"));
        await fixture.Auth.Tokens.RevokeAsync(account, fixture.Auth.Tokens.List(account)[0].Id);
        Assert.Equal("ok", await TryAsync(fixture, account));
    }

    [Fact]
    public async Task Attack_26_A_revoked_token_drops_its_clients_and_opens_nothing()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var (ana, bob) = (await fixture.RegisterAsync("ana"), await fixture.RegisterAsync("bob"));
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(ana, "bot", null, null, null));
        var client = TestClient.AttachedTo(token.Token);

        Assert.False(await fixture.Auth.Tokens.RevokeAsync(bob, token.Token.Id));
        Assert.False(await fixture.Auth.Tokens.RevokeAsync(ana, "unknown"));
        Assert.False(client.IsRevoked);
        Assert.True(await fixture.Auth.Tokens.RevokeAsync(ana, token.Token.Id));

        Assert.Equal(RevocationReason.TokenRevoked, await client.Revoked);
        Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
        Assert.False(await fixture.Auth.Tokens.RevokeAsync(ana, token.Token.Id));
        await fixture.RestartAsync();
        Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
    }

    [Fact]
    public async Task A_login_session_of_a_browser_is_no_token_to_revoke()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var signedIn = await fixture.SignInAsync("ana");

        Assert.False(await fixture.Auth.Tokens.RevokeAsync(account, signedIn.Session.Id));
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(signedIn.Secret));
    }

    private static async Task<string> TryAsync(
        AuthFixture fixture, Auth.Accounts.Account account, string name = "bot", string[]? rooms = null, Verbs? verbs = null, DateTimeOffset? expiresAt = null) =>
        AuthFixture.Code(await fixture.Auth.Tokens.CreateAsync(account, name, rooms, verbs, expiresAt));
}
