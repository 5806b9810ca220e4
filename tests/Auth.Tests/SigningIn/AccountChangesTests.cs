using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;

namespace WebMessenger.Auth.Tests.SigningIn;

public sealed class AccountChangesTests
{
    private const string NewPassword = "another quiet place 43";

    [Fact]
    public async Task Everything_can_change_with_the_current_password_and_is_seen_at_once()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        List<string> renamed = [];
        fixture.Auth.Events.Renamed.Subscribe(change =>
        {
            renamed.Add(change.OldUserName + " → " + change.Account.UserName);
            return Task.CompletedTask;
        });

        var outcome = await ChangeAsync(fixture, session, new AccountChange("new@example.org", "ana-maria", "Ana Maria", NewPassword));

        Assert.Same(account, AuthFixture.Must(outcome).Account);
        Assert.Equal(new Profile("ana-maria", "Ana Maria", "new@example.org", IsAdministrator: true), account.Profile);
        Assert.Equal(["ana → ana-maria"], renamed);
        Assert.Same(account, fixture.Auth.Accounts.FindByUserName("ana-maria"));
        Assert.Null(fixture.Auth.Accounts.FindByUserName("ana"));
        await fixture.RestartAsync();
        await fixture.SignInAsync("new@example.org", NewPassword);
        await fixture.SignInAsync("ana-maria", NewPassword);
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.Auth.SignIn.WithPasswordAsync("ana", NewPassword, "x", AuthFixture.Home)));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.Auth.SignIn.WithPasswordAsync("ana-maria", AuthFixture.Password, "x", AuthFixture.Home)));
    }

    [Fact]
    public async Task Nothing_changes_with_a_wrong_password_or_a_wrong_field()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("bob");
        var account = await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        var before = account.Profile;
        AccountChange good = new(DisplayName: "Ana Maria");

        Assert.Equal("currentPassword:wrong", AuthFixture.Code(await fixture.Auth.Changes.ChangeAsync(session, "not the password", good, AuthFixture.Home)));
        Assert.Equal("currentPassword:required", AuthFixture.Code(await fixture.Auth.Changes.ChangeAsync(session, null, good, AuthFixture.Home)));
        Assert.Equal("email:invalid", AuthFixture.Code(await ChangeAsync(fixture, session, good with { Email = "x" })));
        Assert.Equal("userName:invalid", AuthFixture.Code(await ChangeAsync(fixture, session, good with { UserName = "a b" })));
        Assert.Equal("userName:looks_taken", AuthFixture.Code(await ChangeAsync(fixture, session, good with { UserName = "b0b" })));
        Assert.Equal("displayName:invalid", AuthFixture.Code(await ChangeAsync(fixture, session, good with { DisplayName = "a\u202Eb" })));
        Assert.Equal("password:too_short", AuthFixture.Code(await ChangeAsync(fixture, session, good with { NewPassword = "short" })));
        Assert.Equal(before, account.Profile);
        Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, session, good)));
    }

    [Fact]
    public async Task Attack_20_The_current_password_cannot_be_guessed_without_limit()
    {
        await using var fixture = await AuthFixture.OpenAsync(new AuthOptions { SignInsPerMinutePerAddress = 5, RegistrationsPerHourPerAddress = 0 });
        await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        List<string> codes = [];
        for (var i = 0; i < 20; i++)
        {
            codes.Add(AuthFixture.Code(await fixture.Auth.Changes.EraseAsync(session.Account, "wrong password " + i, AuthFixture.Home)));
        }

        Assert.Equal(10, codes.Count(code => code == "currentPassword:wrong"));
        Assert.Equal(10, codes.Count(code => code == "TooManyAttempts"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Attack_27_A_new_password_ends_the_other_login_sessions_and_tokens_if_asked(bool alsoTokens)
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var (mine, other) = (await fixture.SignInAsync("ana"), await fixture.SignInAsync("ana"));
        var mqtt = AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password));
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null));
        var clients = new[] { mine.Session, other.Session, mqtt, token.Token }.Select(session => TestClient.AttachedTo(session)).ToList();

        var changed = AuthFixture.Must(
            await ChangeAsync(fixture, mine.Session, new AccountChange(NewPassword: NewPassword) { EndTokens = alsoTokens }));

        var secret = changed.Renewed!.Secret;
        Assert.Equal([true, true, true, alsoTokens], clients.Select(client => client.IsRevoked));
        Assert.Equal(RevocationReason.PasswordChanged, await clients[1].Revoked);
        Assert.Same(changed.Renewed.Session, fixture.Auth.Sessions.FindByCookie(secret));
        Assert.Null(fixture.Auth.Sessions.FindByCookie(other.Secret));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password)));
        Assert.Equal(alsoTokens ? "BadCredentials" : "ok", AuthFixture.Code(await fixture.MqttAsync("ana", token.Secret)));
        await fixture.RestartAsync();
        Assert.Null(fixture.Auth.Sessions.FindByCookie(other.Secret));
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(secret));
    }

    [Fact]
    public async Task Fault_S22_A_copied_cookie_of_who_changes_the_password_opens_nothing_after()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var mine = await fixture.SignInAsync("ana");
        var thief = TestClient.AttachedTo(fixture.Auth.Sessions.FindByCookie(mine.Secret)!);
        Assert.Null(AuthFixture.Must(await ChangeAsync(fixture, mine.Session, new AccountChange(DisplayName: "Ana Maria"))).Renewed);
        Assert.False(thief.IsRevoked);

        var renewed = AuthFixture.Must(await ChangeAsync(fixture, mine.Session, new AccountChange(NewPassword: NewPassword))).Renewed!;

        Assert.True(thief.IsRevoked);
        Assert.Null(fixture.Auth.Sessions.FindByCookie(mine.Secret));
        Assert.False(mine.Session.TryAttach(new TestClient("late")));
        Assert.Equal((mine.Session.Device, mine.Session.Account), (renewed.Session.Device, renewed.Session.Account));
        Assert.Equal([renewed.Session], fixture.Auth.Sessions.List(renewed.Session.Account));

        // The browser's other tabs may still come with it: they are told to ask again, for as long as the answer takes at most.
        Assert.True(fixture.Auth.Sessions.WasJustReplaced(mine.Secret));
        fixture.Time.Advance(TimeSpan.FromSeconds(11));
        Assert.False(fixture.Auth.Sessions.WasJustReplaced(mine.Secret));
        await fixture.RestartAsync();
        Assert.Null(fixture.Auth.Sessions.FindByCookie(mine.Secret));
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(renewed.Secret));
    }

    [Fact]
    public async Task Fault_S13_Changing_the_email_address_does_not_tell_whether_somebody_has_it()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var bob = await fixture.RegisterAsync("bob");
        var account = await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;

        foreach (var address in new[] { "free@example.org", "BOB@example.org" })
        {
            Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange(address))));
            Assert.Equal(address, account.Profile.Email);
        }

        // It stays the other's to sign in by, over a restart too, and is nobody else's before he leaves it.
        Assert.Same(bob, (await fixture.SignInAsync("bob@example.org")).Session.Account);
        await fixture.RestartAsync();
        Assert.Equal("bob", (await fixture.SignInAsync("bob@example.org")).Session.Account.UserName);
        Assert.Equal("ana", (await fixture.SignInAsync("ana")).Session.Account.UserName);
    }

    [Fact]
    public async Task Fault_S13_Names_and_addresses_are_tried_so_often_a_day()
    {
        await using var fixture = await AuthFixture.OpenAsync(new AuthOptions
        {
            SignInsPerMinutePerAddress = 0, RegistrationsPerHourPerAddress = 0, AccountTriesPerDay = 5, UserNameChangesPerMonth = 0,
        });
        await fixture.RegisterAsync("bob");
        await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        List<string> codes = [];
        for (var i = 0; i < 6; i++)
        {
            codes.Add(AuthFixture.Code(await ChangeAsync(
                fixture, session, i % 2 == 0 ? new AccountChange(UserName: "bob") : new AccountChange($"try{i}@example.org"))));
        }

        Assert.Equal(["userName:taken", "ok", "userName:taken", "ok", "userName:taken", "TooManyAttempts"], codes);
        Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange(DisplayName: "Ana Maria"))));
        fixture.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange(UserName: "ana-maria"))));
    }

    [Fact]
    public async Task Fault_S15_A_user_name_is_changed_three_times_a_month_and_a_refused_change_counts_for_nothing()
    {
        await using var fixture = await AuthFixture.OpenAsync(new AuthOptions { SignInsPerMinutePerAddress = 0, RegistrationsPerHourPerAddress = 0 });
        await fixture.RegisterAsync("bob");
        await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        Assert.Equal("userName:taken", AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange(UserName: "bob"))));
        List<string> codes = [];
        for (var i = 0; i < 5; i++)
        {
            codes.Add(AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange(UserName: "squat-" + (char)('a' + i)))));
        }

        Assert.Equal(["ok", "ok", "ok", "userName:too_many", "userName:too_many"], codes);
        fixture.Time.Advance(TimeSpan.FromDays(10));
        Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange(UserName: "squat-f"))));
    }

    [Fact]
    public async Task Fault_S15_An_account_keeps_so_many_user_names_for_ever_and_no_more()
    {
        await using var fixture = await AuthFixture.OpenAsync(new AuthOptions
        {
            SignInsPerMinutePerAddress = 0, RegistrationsPerHourPerAddress = 0, UserNamesPerAccount = 3, UserNameChangesPerMonth = 0,
        });
        await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        List<string> codes = [];
        foreach (var name in new[] { "second", "third", "fourth", "ana", "fourth", "second" })
        {
            codes.Add(AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange(UserName: name))));
        }

        Assert.Equal(["ok", "ok", "userName:too_many", "ok", "userName:too_many", "ok"], codes);
        Assert.Equal("ok", await RegisterAsync(fixture, "fourth"));
    }

    [Fact]
    public async Task Fault_S15_A_display_name_is_changed_ten_times_an_hour()
    {
        await using var fixture = await AuthFixture.OpenAsync(new AuthOptions { SignInsPerMinutePerAddress = 0, RegistrationsPerHourPerAddress = 0 });
        await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        List<string> codes = [];
        for (var i = 0; i < 11; i++)
        {
            codes.Add(AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange(DisplayName: "Ana of " + (char)('A' + i)))));
        }

        Assert.Equal([.. Enumerable.Repeat("ok", 10), "displayName:too_many"], codes);
        Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange("new@example.org"))));
        fixture.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange(DisplayName: "Ana of Z"))));
    }

    [Fact]
    public async Task Fault_S15_A_change_that_is_refused_counts_for_no_name_in_it()
    {
        await using var fixture = await AuthFixture.OpenAsync(new AuthOptions
        {
            SignInsPerMinutePerAddress = 0, RegistrationsPerHourPerAddress = 0, AccountTriesPerDay = 40,
        });
        await fixture.RegisterAsync("bob");
        await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        foreach (var name in (string[])["squat-a", "squat-b", "squat-c"])
        {
            Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange(UserName: name))));
        }

        // By the store, as a name that somebody has, and by a limit, before anything is looked up: that one is no try at a name either.
        for (var i = 0; i < 20; i++)
        {
            var refused = await ChangeAsync(fixture, session, new AccountChange("bob@example.org", "bob", "Ana of " + (char)('A' + i)));
            Assert.Equal("userName:too_many", AuthFixture.Code(refused));
        }

        fixture.Time.Advance(TimeSpan.FromDays(10));
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("userName:taken", AuthFixture.Code(await ChangeAsync(
                fixture, session, new AccountChange(UserName: "bob", DisplayName: "Ana of " + (char)('A' + i)))));
        }

        Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange(UserName: "squat-d", DisplayName: "Ana of Z"))));
    }

    [Fact]
    public async Task Attack_27_Of_sign_ins_during_a_password_change_no_session_of_the_old_password_survives()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var mine = (await fixture.SignInAsync("ana")).Session;
        for (var round = 0; round < 20; round++)
        {
            var (old, next) = round % 2 == 0 ? (AuthFixture.Password, NewPassword) : (NewPassword, AuthFixture.Password);
            var id = round;
            var browsers = Enumerable.Range(0, 4).Select(_ => fixture.Auth.SignIn.WithPasswordAsync("ana", old, "Firefox", AuthFixture.Home)).ToList();
            var clients = Enumerable.Range(0, 4).Select(i => fixture.MqttAsync("ana", old, $"c{id}-{i}")).ToList();
            var change = fixture.Auth.Changes.ChangeAsync(mine, old, new AccountChange(NewPassword: next), AuthFixture.Home);
            await change;
            await Task.WhenAll(browsers);
            await Task.WhenAll(clients);

            Assert.Equal("ok", AuthFixture.Code(await change));
            Assert.All(browsers, browser => Assert.True(browser.Result.Value is null || browser.Result.Value.Session.IsRevoked));
            Assert.All(clients, client => Assert.True(client.Result.Value is null || client.Result.Value.IsRevoked));
        }
    }

    [Fact]
    public async Task Attack_27_Erasing_ends_everything_before_it_is_done()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var bystander = TestClient.AttachedTo((await SignInAsAsync(fixture, "bob")).Session);
        var browser = await fixture.SignInAsync("ana");
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null));
        var stalled = TestClient.AttachedTo(browser.Session, closes: false);
        var bot = TestClient.AttachedTo(token.Token);
        List<string> events = [];
        fixture.Auth.Events.SessionEnded.Subscribe(ended => Add(events, "ended " + ended.Session.Kind));
        fixture.Auth.Events.Erased.Subscribe(erased => Add(events, "erased " + erased.UserName));
        Assert.Equal("currentPassword:wrong", AuthFixture.Code(await fixture.Auth.Changes.EraseAsync(account, "not the password", AuthFixture.Home)));

        var erase = fixture.Auth.Changes.EraseAsync(account, AuthFixture.Password, AuthFixture.Home);
        Assert.Equal(RevocationReason.AccountErased, await stalled.Revoked);
        await bot.Revoked;
        Assert.False(erase.IsCompleted);
        stalled.Close();
        await erase;

        Assert.True(account.IsErased);
        Assert.False(bystander.IsRevoked);
        Assert.Equal(["ended Browser", "ended Token", "erased ana"], events.Order());
        Assert.Null(fixture.Auth.Sessions.FindByCookie(browser.Secret));
        Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
        Assert.Null(await fixture.Auth.Sessions.StartAsync(account, "Firefox", AuthFixture.Home));
        await fixture.RestartAsync();
        Assert.Null(fixture.Auth.Accounts.FindByUserName("ana"));
        Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
    }

    [Fact]
    public async Task Attack_79_The_user_name_of_a_renamed_or_erased_account_is_never_anothers()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        await ChangeAsync(fixture, session, new AccountChange(UserName: "bia"));
        Assert.Equal("userName:taken", await RegisterAsync(fixture, "ana"));
        await ChangeAsync(fixture, session, new AccountChange(UserName: "ana"));
        await fixture.Auth.Changes.EraseAsync(account, AuthFixture.Password, AuthFixture.Home);

        await fixture.RestartAsync();

        Assert.Equal("userName:taken", await RegisterAsync(fixture, "ana"));
        Assert.Equal("userName:looks_taken", await RegisterAsync(fixture, "bia."));
        Assert.Equal("ok", await RegisterAsync(fixture, "carla"));
    }

    [Fact]
    public async Task Guests_change_and_erase_nothing()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var guest = await fixture.EnterAsync("Zoe");
        var session = (await fixture.Auth.Sessions.StartAsync(guest, "Firefox", AuthFixture.Home))!.Session;

        Assert.Equal("NotForGuests", AuthFixture.Code(await ChangeAsync(fixture, session, new AccountChange(DisplayName: "Zoé"))));
        Assert.Equal("NotForGuests", AuthFixture.Code(await fixture.Auth.Changes.EraseAsync(guest, "", AuthFixture.Home)));
    }

    private static Task<Outcome<ChangedAccount>> ChangeAsync(AuthFixture fixture, LoginSession session, AccountChange change) =>
        fixture.Auth.Changes.ChangeAsync(session, AuthFixture.Password, change, AuthFixture.Home);

    private static async Task<string> RegisterAsync(AuthFixture fixture, string userName) =>
        AuthFixture.Code(await fixture.Auth.Registration.RegisterAsync("x@example.org", userName, "X", AuthFixture.Password, AuthFixture.Home));

    private static async Task<SignedIn> SignInAsAsync(AuthFixture fixture, string userName)
    {
        await fixture.RegisterAsync(userName);
        return await fixture.SignInAsync(userName);
    }

    private static Task Add(List<string> events, string what)
    {
        lock (events)
        {
            events.Add(what);
        }

        return Task.CompletedTask;
    }
}
