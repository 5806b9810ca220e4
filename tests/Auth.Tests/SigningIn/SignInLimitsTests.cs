using System.Net;
using System.Text;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Tests.SigningIn;

/// <summary>How often one may try to sign in, and who is kept out by whom.</summary>
public sealed class SignInLimitsTests
{
    private static readonly AuthOptions Limited = new() { SignInsPerMinutePerAddress = 20, RegistrationsPerHourPerAddress = 0 };

    [Fact]
    public async Task Attack_20_A_hundred_wrong_passwords_for_one_account_are_limited_and_the_owner_gets_in_elsewhere()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited);
        await fixture.RegisterAsync("ana");
        Dictionary<string, int> codes = [];
        for (var i = 0; i < 100; i++)
        {
            var code = AuthFixture.Code(await fixture.Auth.SignIn.WithPasswordAsync("ana", "wrong password " + i, "Firefox", AuthFixture.Home));
            codes[code] = codes.GetValueOrDefault(code) + 1;
            fixture.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(10, codes["BadCredentials"]);
        Assert.Equal(90, codes["TooManyAttempts"]);
        var right = await fixture.Auth.SignIn.WithPasswordAsync("ana", AuthFixture.Password, "Firefox", AuthFixture.Home);
        var wait = Assert.IsType<Refusal.TooManyAttempts>(right.Refusal).RetryAfter;
        await fixture.SignInAsync("ana", address: AuthFixture.Elsewhere);
        fixture.Time.Advance(wait);
        await fixture.SignInAsync("ana");
    }

    [Fact]
    public async Task Attack_20_A_thousand_wrong_passwords_from_one_address_are_limited_whatever_the_accounts()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited);
        await fixture.RegisterAsync("ana");
        List<string> codes = [];
        for (var i = 0; i < 1000; i++)
        {
            codes.Add(AuthFixture.Code(await fixture.Auth.SignIn.WithPasswordAsync("user" + i, "wrong password", "Firefox", AuthFixture.Home)));
        }

        Assert.Equal(20, codes.Count(code => code == "BadCredentials"));
        Assert.Equal(980, codes.Count(code => code == "TooManyAttempts"));
        await fixture.SignInAsync("ana", address: AuthFixture.Elsewhere);
    }

    [Fact]
    public async Task Attack_20_An_unknown_user_is_limited_as_a_known_one_is()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited);
        await fixture.RegisterAsync("ana");
        foreach (var login in new[] { "ana", "nobody" })
        {
            fixture.Time.Advance(TimeSpan.FromMinutes(1));
            List<string> codes = [];
            for (var i = 0; i < 12; i++)
            {
                codes.Add(AuthFixture.Code(await fixture.Auth.SignIn.WithPasswordAsync(login, "wrong password", "Firefox", AuthFixture.Home)));
            }

            Assert.Equal(10, codes.Count(code => code == "BadCredentials"));
        }
    }

    [Fact]
    public async Task Attack_20_An_IPv6_network_counts_as_one_address()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited);
        await fixture.RegisterAsync("ana");
        List<string> codes = [];
        for (var i = 0; i < 30; i++)
        {
            codes.Add(AuthFixture.Code(await fixture.Auth.SignIn.WithPasswordAsync("user" + i, "wrong password", "Firefox", IPAddress.Parse($"2001:db8:1:2::{i:x}"))));
        }

        Assert.Equal(10, codes.Count(code => code == "TooManyAttempts"));
        await fixture.SignInAsync("ana", address: IPAddress.Parse("2001:db8:1:3::1"));
        await fixture.SignInAsync("ana", address: IPAddress.Parse("::ffff:192.0.2.10"));
    }

    [Fact]
    public async Task Fault_S16_All_networks_of_an_IPv6_site_together_have_ten_times_what_one_has()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited);
        await fixture.RegisterAsync("ana");
        List<string> codes = [];
        for (var i = 0; i < 300; i++)
        {
            codes.Add(AuthFixture.Code(await WrongAsync(fixture, "user" + i, IPAddress.Parse($"2001:db8:1:{i:x}::1"))));
        }

        Assert.Equal(200, codes.Count(code => code == "BadCredentials"));
        Assert.Equal("BadCredentials", AuthFixture.Code(await WrongAsync(fixture, "ana", IPAddress.Parse("2001:db8:2::1"))));
        Assert.Equal("BadCredentials", AuthFixture.Code(await WrongAsync(fixture, "ana", IPAddress.Parse("192.0.2.99"))));
    }

    [Fact]
    public async Task Fault_S16_Strangers_who_guess_from_everywhere_are_limited_and_the_owner_gets_in_where_he_is_known()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited with { WrongPasswordsPerHourPerAccount = 30 });
        await fixture.RegisterAsync("ana");
        await fixture.SignInAsync("ana");
        List<string> codes = [];
        for (var i = 0; i < 100; i++)
        {
            codes.Add(AuthFixture.Code(await WrongAsync(fixture, i % 2 == 0 ? "ana" : "nobody", IPAddress.Parse($"198.51.100.{i}"))));
        }

        // An unknown name is limited as a known one is.
        Assert.Equal(60, codes.Count(code => code == "BadCredentials"));
        Assert.Equal(20, codes.Where((_, i) => i % 2 == 0).Count(code => code == "TooManyAttempts"));
        Assert.Equal("TooManyAttempts", AuthFixture.Code(
            await fixture.Auth.SignIn.WithPasswordAsync("ana", AuthFixture.Password, "Firefox", IPAddress.Parse("198.51.100.200"))));
        await fixture.SignInAsync("ana");
        Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password)));

        // From where he is signed in he is known as well, by whatever he signs in.
        await fixture.SignInAsync("ana@example.org");
        fixture.Time.Advance(TimeSpan.FromHours(1));
        await fixture.SignInAsync("ana", address: IPAddress.Parse("198.51.100.200"));
    }

    [Fact]
    public async Task Fault_S16_An_owner_who_signs_in_while_strangers_guess_gives_them_no_guess_more()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited with { WrongPasswordsPerHourPerAccount = 30 });
        await fixture.RegisterAsync("ana");
        await fixture.SignInAsync("ana");
        async Task<int> GuessAsync(int network) => (await Task.WhenAll(Enumerable.Range(0, 50).Select(
            i => WrongAsync(fixture, "ana", IPAddress.Parse($"198.51.{network}.{i}"))))).Count(outcome => AuthFixture.Code(outcome) == "BadCredentials");
        Assert.Equal(30, await GuessAsync(100));

        for (var i = 0; i < 10; i++)
        {
            await fixture.SignInAsync("ana");
        }

        Assert.Equal(0, await GuessAsync(101));
    }

    [Fact]
    public async Task Fault_S16_Strangers_behind_the_same_address_do_not_keep_those_out_who_are_known_there()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited);
        await fixture.RegisterAsync("ana");
        await fixture.RegisterAsync("bob");
        var ana = await fixture.SignInAsync("ana");
        await fixture.Auth.Sessions.EndAsync(ana.Session);
        for (var i = 0; i < 30; i++)
        {
            await WrongAsync(fixture, "user" + i, AuthFixture.Home);
        }

        Assert.Equal("TooManyAttempts", AuthFixture.Code(
            await fixture.Auth.SignIn.WithPasswordAsync("bob", AuthFixture.Password, "Firefox", AuthFixture.Home)));
        await fixture.SignInAsync("ana");
        Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password)));

        // Which gives nobody more tries at her password.
        List<string> codes = [];
        for (var i = 0; i < 32; i++)
        {
            codes.Add(AuthFixture.Code(await WrongAsync(fixture, "ana", AuthFixture.Home)));
        }

        Assert.Equal([.. Enumerable.Repeat("BadCredentials", 30), "TooManyAttempts", "TooManyAttempts"], codes);
    }

    [Fact]
    public async Task Fault_S16_Ten_wrong_passwords_of_a_neighbour_keep_nobody_out_who_is_known_or_signed_in_there()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited);
        await fixture.RegisterAsync("ana");
        await fixture.RegisterAsync("bob");
        await fixture.SignInAsync("ana");
        foreach (var login in new[] { "ana", "ana@example.org", "bob" })
        {
            fixture.Time.Advance(TimeSpan.FromMinutes(1));
            for (var i = 0; i < 10; i++)
            {
                Assert.Equal("BadCredentials", AuthFixture.Code(await WrongAsync(fixture, login, AuthFixture.Home)));
            }
        }

        // Known by the user name, and by the e-mail address because he is signed in there. Who never was there is guessed at there no more.
        await fixture.SignInAsync("ana");
        await fixture.SignInAsync("ana@example.org");
        Assert.Equal("ok", AuthFixture.Code(await fixture.MqttAsync("ana", AuthFixture.Password)));
        Assert.Equal("TooManyAttempts", AuthFixture.Code(
            await fixture.Auth.SignIn.WithPasswordAsync("bob", AuthFixture.Password, "Firefox", AuthFixture.Home)));

        // What was wrong before he came is not his either.
        var bob = await fixture.SignInAsync("bob", address: AuthFixture.Elsewhere);
        Assert.NotNull(bob.Session);
    }

    [Fact]
    public async Task Fault_S16_Guests_who_enter_keep_nobody_from_signing_in_nor_the_other_way_round()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited with { GuestsPerMinutePerAddress = 3 });
        await fixture.RegisterAsync("ana");
        List<string> codes = [];
        for (var i = 0; i < 30; i++)
        {
            codes.Add(AuthFixture.Code(await fixture.Auth.Registration.EnterAsGuestAsync($"Visitor {(char)('A' + i)}x", AuthFixture.Home)));
        }

        Assert.Equal(3, codes.Count(code => code == "ok"));
        Assert.Equal("TooManyAttempts", codes[^1]);
        await fixture.SignInAsync("ana");
        for (var i = 0; i < 30; i++)
        {
            await WrongAsync(fixture, "user" + i, AuthFixture.Home);
        }

        fixture.Time.Advance(TimeSpan.FromSeconds(20));
        await fixture.EnterAsync("Zoe");
    }

    [Fact]
    public void Fault_S16_What_the_limits_remember_is_bounded()
    {
        Microsoft.Extensions.Time.Testing.FakeTimeProvider time = new();
        Auth.Limits.Buckets<int> buckets = new(1, TimeSpan.FromHours(1), time);
        Auth.Limits.RememberedLogins right = new(time);
        var home = Auth.Limits.Origin.Of(AuthFixture.Home);
        for (var i = 0; i <= 50_000; i++)
        {
            Assert.Null(buckets.Take(i));
            right.Add(("user" + i, home));
            Assert.True(i != 100 || (buckets.Wait(0) is not null && right.Contains(("user0", home))));
        }

        // The oldest go first.
        Assert.Null(buckets.Wait(0));
        Assert.False(right.Contains(("user0", home)));
        Assert.NotNull(buckets.Wait(50_000));
        Assert.True(right.Contains(("user50000", home)));
        time.Advance(TimeSpan.FromDays(30));
        Assert.False(right.Contains(("user50000", home)));
    }

    [Fact]
    public async Task Fault_S13_The_limit_of_an_email_address_says_nothing_of_the_user_name_beside_it()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited with { SignInsPerMinutePerAddress = 1000 });
        await fixture.RegisterAsync("ana", email: "secret@example.org");
        await fixture.RegisterAsync("bob");
        for (var i = 0; i < 12; i++)
        {
            await WrongAsync(fixture, i % 2 == 0 ? "secret@example.org" : " Secret@EXAMPLE.org", AuthFixture.Elsewhere);
        }

        // However it is written, it is one.
        Assert.Equal("TooManyAttempts", AuthFixture.Code(await WrongAsync(fixture, "SECRET@example.org", AuthFixture.Elsewhere)));
        Assert.Equal("BadCredentials", AuthFixture.Code(await WrongAsync(fixture, "ana", AuthFixture.Elsewhere)));
        Assert.Equal("BadCredentials", AuthFixture.Code(await WrongAsync(fixture, "bob", AuthFixture.Elsewhere)));
    }

    [Fact]
    public async Task Attack_20_A_thousand_at_once_are_not_let_in_before_the_first_has_failed()
    {
        await using var fixture = await AuthFixture.OpenAsync(Limited);
        await fixture.RegisterAsync("ana");

        var codes = (await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => fixture.Auth.SignIn.WithPasswordAsync("ana", "wrong password", "Firefox", AuthFixture.Home))))
            .Select(AuthFixture.Code).ToList();

        Assert.Equal(10, codes.Count(code => code == "BadCredentials"));
    }

    private static Task<Outcome<Auth.Sessions.SignedIn>> WrongAsync(AuthFixture fixture, string login, IPAddress address) =>
        fixture.Auth.SignIn.WithPasswordAsync(login, "wrong password", "Firefox", address);
}
