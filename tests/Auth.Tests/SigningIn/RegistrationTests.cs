using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Auth.Tests.SigningIn;

public sealed class RegistrationTests
{
    [Fact]
    public async Task The_first_account_with_a_password_is_the_administrator()
    {
        await using var fixture = await AuthFixture.OpenAsync();

        var guest = await fixture.EnterAsync("Early bird");
        var first = await fixture.RegisterAsync("ana");
        var second = await fixture.RegisterAsync("bob");

        Assert.Equal((false, true, false), (guest.Profile.IsAdministrator, first.Profile.IsAdministrator, second.Profile.IsAdministrator));
    }

    [Fact]
    public async Task Fault_S12_The_first_account_takes_the_code_that_the_operator_reads()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var code = fixture.Auth.Registration.FirstCode!;
        Assert.Matches("^[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}$", code);
        await fixture.EnterAsync("Early bird");
        var local = await fixture.Auth.Registration.RegisterAsync("x", "x", "X", "short", AuthFixture.Home, isLocal: true);
        Assert.DoesNotContain("firstCode", AuthFixture.Code(local), StringComparison.Ordinal);

        Assert.Equal("firstCode:required", AuthFixture.Code(await FirstAsync(fixture, null)));
        Assert.Equal("firstCode:required", AuthFixture.Code(await FirstAsync(fixture, " ")));
        Assert.Equal("firstCode:wrong", AuthFixture.Code(await FirstAsync(fixture, "aaaa-aaaa-aaaa")));
        Assert.Equal("firstCode:wrong", AuthFixture.Code(await FirstAsync(fixture, new string('a', 10_000))));
        Assert.All(fixture.Auth.Accounts.All, account => Assert.True(account.IsGuest));

        Assert.True(AuthFixture.Must(await FirstAsync(fixture, code.ToUpperInvariant().Replace('-', ' '))).Profile.IsAdministrator);

        // From then on nobody is asked for it, not even when the administrator has erased himself.
        Assert.Null(fixture.Auth.Registration.FirstCode);
        var second = await fixture.RegisterAsync("bob");
        Assert.Equal("ok", await TryAsync(fixture, "carl", "carl@example.org"));
        await fixture.Auth.Changes.EraseAsync(fixture.Auth.Accounts.FindByUserName("ana")!, AuthFixture.Password, AuthFixture.Home);
        await fixture.Auth.Changes.EraseAsync(second, AuthFixture.Password, AuthFixture.Home);
        await fixture.Auth.Changes.EraseAsync(fixture.Auth.Accounts.FindByUserName("carl")!, AuthFixture.Password, AuthFixture.Home);
        await fixture.RestartAsync();
        Assert.Null(fixture.Auth.Registration.FirstCode);
        Assert.Equal("ok", await TryAsync(fixture, "dora", "dora@example.org"));
    }

    [Fact]
    public async Task Fault_S12_The_code_is_new_with_each_start_and_cannot_be_guessed_without_limit()
    {
        await using var fixture = await AuthFixture.OpenAsync(new AuthOptions { RegistrationsPerHourPerAddress = 3 });
        var before = fixture.Auth.Registration.FirstCode!;
        await fixture.RestartAsync(new AuthOptions { RegistrationsPerHourPerAddress = 3 });
        List<string> codes = [];
        for (var i = 0; i < 4; i++)
        {
            codes.Add(AuthFixture.Code(await FirstAsync(fixture, before)));
        }

        Assert.Equal(["firstCode:wrong", "firstCode:wrong", "firstCode:wrong", "TooManyAttempts"], codes);
        Assert.DoesNotContain(fixture.Auth.Registration.FirstCode!, fixture.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_wrong_field_is_named_at_once()
    {
        await using var fixture = await AuthFixture.OpenAsync();

        var outcome = await fixture.Auth.Registration.RegisterAsync("nowhere", "a b", "", "short", AuthFixture.Home);

        Assert.Equal("email:invalid userName:invalid displayName:required password:too_short", AuthFixture.Code(outcome));
        Assert.Empty(fixture.Auth.Accounts.All);
    }

    [Fact]
    public async Task Attack_34_One_owner_for_names_that_look_alike_and_addresses_in_any_case()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("bob", email: "Bob@example.org");

        Assert.Equal("userName:taken", await TryAsync(fixture, "BOB", "x@example.org"));
        Assert.Equal("userName:taken", await TryAsync(fixture, "ｂｏｂ", "x@example.org"));
        Assert.Equal("userName:looks_taken", await TryAsync(fixture, "b0b", "x@example.org"));
        Assert.Equal("userName:looks_taken", await TryAsync(fixture, "bob.", "x@example.org"));
        Assert.Equal("userName:invalid", await TryAsync(fixture, "b\u043Eb", "x@example.org"));
        Assert.Equal("userName:reserved", await TryAsync(fixture, "admin", "x@example.org"));
        Assert.Equal("email:taken", await TryAsync(fixture, "carl", "bOB@EXAMPLE.org"));
        Assert.Equal("ok", await TryAsync(fixture, "carl", "x@example.org"));
    }

    [Fact]
    public async Task Attack_34_Of_many_who_register_one_name_at_the_same_time_one_gets_it()
    {
        await using var fixture = await AuthFixture.OpenAsync();

        var codes = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => TryAsync(fixture, "bob", $"bob{i}@example.org")));

        Assert.Single(codes, "ok");
        Assert.Single(fixture.Auth.Accounts.All);
    }

    [Fact]
    public async Task Accounts_outlive_a_restart()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var before = await fixture.RegisterAsync("ana", "Ana 🦊", "Ana@example.org");

        await fixture.RestartAsync();

        var after = fixture.Auth.Accounts.FindByUserName("ANA")!;
        Assert.Equal((before.Id, before.Profile, before.Kind), (after.Id, after.Profile, after.Kind));
        Assert.Same(after, fixture.Auth.Accounts.Find(before.Id));
        Assert.Same(after, (await fixture.SignInAsync("ana@EXAMPLE.org")).Session.Account);
        Assert.Equal("userName:taken", await TryAsync(fixture, "ana", "x@example.org"));
    }

    [Fact]
    public async Task Registering_and_guests_can_be_switched_off()
    {
        await using var fixture = await AuthFixture.OpenAsync(new AuthOptions { GuestsEnabled = false, RegistrationEnabled = false });

        Assert.Equal("SwitchedOff", await TryAsync(fixture, "ana", "ana@example.org"));
        Assert.Equal("SwitchedOff", AuthFixture.Code(await fixture.Auth.Registration.EnterAsGuestAsync("Ana", AuthFixture.Home)));
    }

    [Fact]
    public async Task Registrations_from_one_address_are_limited_and_others_are_not_affected()
    {
        await using var fixture = await AuthFixture.OpenAsync(new AuthOptions { RegistrationsPerHourPerAddress = 2 });
        Assert.Equal("ok", await TryAsync(fixture, "one", "1@example.org"));
        Assert.Equal("ok", await TryAsync(fixture, "two", "2@example.org"));

        var third = await fixture.Auth.Registration.RegisterAsync("3@example.org", "three", "Three", AuthFixture.Password, AuthFixture.Home);

        var limited = Assert.IsType<Refusal.TooManyAttempts>(third.Refusal);
        Assert.Equal("ok", AuthFixture.Code(await fixture.Auth.Registration.RegisterAsync("3@example.org", "three", "Three", AuthFixture.Password, AuthFixture.Elsewhere)));
        fixture.Time.Advance(limited.RetryAfter);
        Assert.Equal("ok", await TryAsync(fixture, "four", "4@example.org"));
    }

    [Fact]
    public async Task Attack_34_A_guest_cannot_look_like_an_account_or_a_present_guest()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("paul", "Polly Smith");
        await fixture.EnterAsync("Zoe");

        foreach (var nickname in new[] { "paul", "PauI", "Раul", "Polly  Smith", "POLLY-SMITH", "zoe", "Ζοе" })
        {
            Assert.Equal("nickname:looks_taken", AuthFixture.Code(await fixture.Auth.Registration.EnterAsGuestAsync(nickname, AuthFixture.Home)));
        }

        foreach (var nickname in new[] { "Admin", "S y s t e m" })
        {
            var outcome = await fixture.Auth.Registration.EnterAsGuestAsync(nickname, AuthFixture.Home);
            Assert.Equal("nickname:reserved", AuthFixture.Code(outcome));
        }

        Assert.Equal("nickname:invalid", AuthFixture.Code(await fixture.Auth.Registration.EnterAsGuestAsync("a\u202Eb", AuthFixture.Home)));
        var guest = await fixture.EnterAsync("Pauline");
        Assert.StartsWith("guest-", guest.UserName, StringComparison.Ordinal);
        Assert.True(UserName.TryParse(guest.UserName, out _));
    }

    [Fact]
    public async Task A_nickname_is_free_again_when_its_guest_is_gone_and_held_while_it_is_connected()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var zoe = await fixture.EnterAsync("Zoe");
        var session = (await fixture.Auth.Sessions.StartAsync(zoe, "Firefox", AuthFixture.Home))!.Session;
        var client = TestClient.AttachedTo(session);

        fixture.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal("nickname:looks_taken", AuthFixture.Code(await fixture.Auth.Registration.EnterAsGuestAsync("zoe", AuthFixture.Home)));

        session.Detach(client);
        fixture.Time.Advance(TimeSpan.FromMinutes(3));
        Assert.NotSame(zoe, await fixture.EnterAsync("zoe"));
    }

    [Fact]
    public async Task Fault_S26_A_guest_who_comes_back_to_a_name_that_is_taken_is_called_otherwise()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        List<string> told = [];
        fixture.Auth.Events.DisplayNameChanged.Subscribe(account =>
        {
            told.Add(account.DisplayName);
            return Task.CompletedTask;
        });
        var (zoe, long1) = (await fixture.EnterAsync("Zoe"), await fixture.EnterAsync(new string('x', 64)));
        fixture.Time.Advance(TimeSpan.FromMinutes(3));

        // As long as nobody has taken it, it is still the guest's.
        await fixture.Auth.Changes.ReturnAsync(zoe);
        Assert.Equal("Zoe", zoe.DisplayName);

        var person = await fixture.RegisterAsync("zoe", "Zoé");
        await fixture.RegisterAsync("other", "Zoe 2");
        await fixture.RegisterAsync("long", new string('x', 64));
        foreach (var account in new[] { zoe, long1, person })
        {
            await fixture.Auth.Changes.ReturnAsync(account);
            await fixture.Auth.Changes.ReturnAsync(account);
        }

        var cut = new string('x', 62) + " 2";
        Assert.Equal(["Zoe 3", cut], told);
        Assert.Equal("Zoé", person.DisplayName);
        Assert.Equal("nickname:looks_taken", AuthFixture.Code(await fixture.Auth.Registration.EnterAsGuestAsync("Zoe", AuthFixture.Home)));
        await fixture.RestartAsync();
        Assert.Equal("Zoe 3", fixture.Auth.Accounts.Find(zoe.Id)!.DisplayName);
    }

    [Fact]
    public async Task A_guest_is_removed_24_hours_after_the_last_connection()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var (connected, gone) = (await fixture.EnterAsync("Here"), await fixture.EnterAsync("Gone"));
        TestClient.AttachedTo((await fixture.Auth.Sessions.StartAsync(connected, "Firefox", AuthFixture.Home))!.Session);
        var secret = (await fixture.Auth.Sessions.StartAsync(gone, "Firefox", AuthFixture.Home))!.Secret;
        List<Account> erased = [];
        fixture.Auth.Events.Erased.Subscribe(account =>
        {
            erased.Add(account);
            return Task.CompletedTask;
        });

        fixture.Time.Advance(TimeSpan.FromHours(23));
        await fixture.Auth.Sweeper.TidyAsync();
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(secret));
        fixture.Time.Advance(TimeSpan.FromHours(2));
        await fixture.Auth.Sweeper.TidyAsync();
        await fixture.Auth.Sweeper.TidyAsync();

        Assert.Equal([gone], erased);
        Assert.Null(fixture.Auth.Sessions.FindByCookie(secret));
        Assert.Null(fixture.Auth.Accounts.Find(gone.Id));
        Assert.Same(connected, fixture.Auth.Accounts.Find(connected.Id));
    }

    private static Task<Outcome<Account>> FirstAsync(AuthFixture fixture, string? code) =>
        fixture.Auth.Registration.RegisterAsync(
            "ana@example.org", "ana", "Ana", AuthFixture.Password, AuthFixture.Elsewhere, firstCode: code);

    private static async Task<string> TryAsync(AuthFixture fixture, string userName, string email) =>
        AuthFixture.Code(await fixture.Auth.Registration.RegisterAsync(
            email, userName, "Somebody " + email, AuthFixture.Password, AuthFixture.Home, isLocal: true));
}
