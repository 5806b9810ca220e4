using System.Text;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.Tests.SigningIn;

public sealed class MqttSignInTests
{
    private static readonly AuthOptions Limited = new() { SignInsPerMinutePerAddress = 20, RegistrationsPerHourPerAddress = 0 };

    [Fact]
    public async Task By_access_token_every_client_shares_the_tokens_login_session()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(await fixture.RegisterAsync("ana"), "bot", ["lobby"], Verbs.Read, null));

        var one = AuthFixture.Must(await fixture.MqttAsync("ana", token.Secret, "c1"));
        var other = AuthFixture.Must(await fixture.MqttAsync("ANA", token.Secret, "c2", passwordsAllowed: false));

        Assert.Same(token.Token, one);
        Assert.Same(one, other);
        Assert.Equal((LoginSessionKind.Token, Verbs.Read), (one.Kind, one.Scope.Verbs));
        Assert.True(one.Scope.Allows("lobby", Verbs.Read));
        Assert.False(one.Scope.Allows("lobby", Verbs.Post));
        Assert.False(one.Scope.Allows("kitchen", Verbs.Read));
    }

    [Fact]
    public async Task Attack_26_A_token_opens_its_own_account_only_and_nothing_when_it_is_over()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var ana = await fixture.RegisterAsync("ana");
        await fixture.RegisterAsync("bob");
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(ana, "bot", null, null, null));
        Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", token.Secret)));

        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.MqttAsync("bob", token.Secret)));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.MqttAsync("nobody", token.Secret)));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.MqttAsync("", token.Secret)));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.MqttAsync("ana", token.Secret + "x")));
        await fixture.Auth.Tokens.RevokeAsync(ana, token.Token.Id);
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.MqttAsync("ana", token.Secret)));
    }

    [Fact]
    public async Task Attack_26_28_A_token_opens_nothing_from_its_time_on_also_before_a_sweep_has_ended_it()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var ana = await fixture.RegisterAsync("ana");
        var moment = TimeSpan.FromMilliseconds(100);
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(ana, "bot", null, null, fixture.Time.GetUtcNow() + moment));
        Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", token.Secret)));
        Assert.NotNull(fixture.Auth.Tokens.FindBearer(token.Secret));

        fixture.Time.Advance(moment);

        Assert.False(token.Token.IsRevoked);
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.MqttAsync("ana", token.Secret)));
        Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
    }

    [Fact]
    public async Task A_cookies_secret_is_no_MQTT_password()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var signedIn = await fixture.SignInAsync("ana");

        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.MqttAsync("ana", signedIn.Secret)));
    }

    [Fact]
    public async Task By_password_there_is_one_login_session_per_account_and_client_id()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        await fixture.RegisterAsync("bob");

        var first = AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password, "c1"));
        var again = AuthFixture.Must(await fixture.MqttAsync("Ana", AuthFixture.Password, "c1", AuthFixture.Elsewhere));
        var second = AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password, "c2"));
        var bobs = AuthFixture.Must(await fixture.MqttAsync("bob", AuthFixture.Password, "c1"));

        Assert.Same(first, again);
        Assert.Equal(AuthFixture.Elsewhere.ToString(), first.Address);
        Assert.NotSame(first, second);
        Assert.NotSame(first, bobs);
        TestClient.AttachedTo(first, "c1");
        Assert.Equal([first], fixture.Auth.Sessions.List(account));
        await fixture.Auth.Sessions.EndAsync(first);
        Assert.NotSame(first, AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password, "c1")));
    }

    [Fact]
    public async Task A_password_login_session_lives_as_long_as_its_MQTT_session()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var session = AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password, "c1"));
        var client = TestClient.AttachedTo(session, "c1");
        TaskCompletionSource<LoginSession> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        fixture.Auth.Events.SessionEnded.Subscribe(end =>
        {
            ended.TrySetResult(end.Session);
            return Task.CompletedTask;
        });

        session.Detach(client);
        fixture.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal([session], fixture.Auth.Sessions.List(account));

        fixture.Auth.Sessions.Release(session);
        Assert.Empty(fixture.Auth.Sessions.List(account));
        Assert.True(session.TryAttach(client));
        fixture.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(session.IsRevoked);

        session.Detach(client);
        fixture.Auth.Sessions.Release(session);
        fixture.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Same(session, await ended.Task);
        Assert.False(session.TryAttach(client));
    }

    [Fact]
    public async Task A_sign_in_that_never_connects_leaves_no_login_session()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var session = AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password, "c1"));

        fixture.Time.Advance(TimeSpan.FromMinutes(1));

        Assert.True(session.IsRevoked);
    }

    [Fact]
    public async Task A_password_is_refused_where_it_could_be_overheard_whoever_it_belongs_to()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password)));

        Assert.Equal("PlainPassword", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password, passwordsAllowed: false)));
        Assert.Equal("PlainPassword", AuthFixture.Code(await fixture.MqttAsync("ana", "wrong password", passwordsAllowed: false)));
        Assert.Equal("PlainPassword", AuthFixture.Code(await fixture.MqttAsync("nobody", "wrong password", passwordsAllowed: false)));
    }

    [Fact]
    public async Task A_password_found_right_is_remembered_for_ten_minutes_and_costs_no_attempt()
    {
        await using var fixture = await AuthFixture.OpenAsync(new AuthOptions { SignInsPerMinutePerAddress = 2, RegistrationsPerHourPerAddress = 0 });
        await fixture.RegisterAsync("ana");
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password, "c" + i)));
        }
    }

    [Fact]
    public async Task Attack_20_The_remembered_password_is_no_oracle()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited);
        await fixture.RegisterAsync("ana");
        Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password)));
        for (var i = 0; i < 30; i++)
        {
            await fixture.MqttAsync("ana", "wrong password " + i);
        }

        Assert.Equal("TooManyAttempts", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password)));
        Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password, address: AuthFixture.Elsewhere)));
    }

    [Fact]
    public async Task Attack_27_A_remembered_password_is_forgotten_when_it_changes()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited);
        var account = await fixture.RegisterAsync("ana");
        Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password)));
        var session = (await fixture.SignInAsync("ana")).Session;
        var before = account.Credential!;
        AuthFixture.Must(await fixture.Auth.Changes.ChangeAsync(
            session, AuthFixture.Password, new Auth.SigningIn.AccountChange(NewPassword: "another quiet place 43"), AuthFixture.Home));

        // Checked before the change, used after it.
        Assert.Null(fixture.Auth.Sessions.GetOrStartPassword(account, before, "client-2", AuthFixture.Home));
        Assert.NotNull(fixture.Auth.Sessions.GetOrStartPassword(account, account.Credential!, "client-2", AuthFixture.Home));
        // What was right is a wrong password now, and counted as one.
        List<string> codes = [];
        for (var i = 0; i < 31; i++)
        {
            codes.Add(AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password)));
        }

        Assert.Equal([.. Enumerable.Repeat("BadCredentials", 30), "TooManyAttempts"], codes);
        Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", "another quiet place 43", address: AuthFixture.Elsewhere)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("FF")]
    [InlineData("EDA080")]
    public async Task Attack_30_What_is_no_text_is_no_password(string hex)
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password)));

        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.Auth.MqttSignIn.AuthenticateAsync("ana", Convert.FromHexString(hex), "c", AuthFixture.Home, true)));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.Auth.MqttSignIn.AuthenticateAsync("ana", new byte[100_000], "c", AuthFixture.Home, true)));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.Auth.MqttSignIn.AuthenticateAsync(null, Encoding.UTF8.GetBytes(AuthFixture.Password), "c", null, true)));
    }
}
