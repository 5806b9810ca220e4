using System.Net;
using System.Text;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Tests.SigningIn;

public sealed class SignInTests
{
    [Theory]
    [InlineData("ana")]
    [InlineData("ANA")]
    [InlineData(" ana ")]
    [InlineData("ana@example.org")]
    [InlineData("Ana@EXAMPLE.org")]
    public async Task By_user_name_or_email_in_any_case(string login)
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");

        var signedIn = await fixture.SignInAsync(login);

        Assert.Same(account, signedIn.Session.Account);
        Assert.Same(signedIn.Session, fixture.Auth.Sessions.FindByCookie(signedIn.Secret));
    }

    [Fact]
    public async Task Attack_19_A_wrong_user_and_a_wrong_password_are_one_answer_and_cost_the_same_work()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        await fixture.SignInAsync("ana");

        foreach (var (login, password) in new[] { ("ana", "wrong password"), ("nobody", AuthFixture.Password), ("x@example.org", AuthFixture.Password), ("ana", new string('x', 5000)) })
        {
            Assert.IsType<Refusal.BadCredentials>((await fixture.Auth.SignIn.WithPasswordAsync(login, password, "Firefox", AuthFixture.Home)).Refusal);
        }

        // The work, not the time: without a stored hash one is computed all the same,
        // so all the turns are taken and a flood of unknown users is told "busy".
        using PasswordHasher hasher = new(PasswordCost.Current);
        var unknown = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => hasher.VerifyAsync(null, Password.TryParse("some password")!)));
        Assert.Contains(Verification.Busy, unknown);
        Assert.DoesNotContain(Verification.Match, unknown);
    }

    [Fact]
    public async Task Attack_19_Nobodys_sign_in_waits_for_its_turn_as_everybodys_does()
    {
        await using var fixture = await AuthFixture.OpenAsync(cost: PasswordCost.Current);

        // As above, through the door: whoever is not there would answer at once and never be told to wait.
        var unknown = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => fixture.Auth.SignIn.WithPasswordAsync("nobody", AuthFixture.Password, "Firefox", AuthFixture.Home)));

        Assert.Contains(unknown, answer => answer.Refusal is Refusal.Busy);
        Assert.All(unknown, answer => Assert.True(answer.Refusal is Refusal.Busy or Refusal.BadCredentials));
    }

    [Fact]
    public async Task What_is_missing_is_named()
    {
        await using var fixture = await AuthFixture.OpenAsync();

        Assert.Equal("login:required password:required", AuthFixture.Code(await fixture.Auth.SignIn.WithPasswordAsync("", null, "Firefox", AuthFixture.Home)));
    }

    [Fact]
    public async Task A_guest_cannot_be_signed_in_to()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var guest = await fixture.EnterAsync("Zoe");

        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.Auth.SignIn.WithPasswordAsync(guest.UserName, AuthFixture.Password, "Firefox", AuthFixture.Home)));
        Assert.Equal("BadCredentials", AuthFixture.Code(await fixture.MqttAsync(guest.UserName, AuthFixture.Password)));
    }

    [Fact]
    public async Task Attack_21_Every_sign_in_has_a_secret_of_its_own()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");

        var (one, other) = (await fixture.SignInAsync("ana"), await fixture.SignInAsync("ana"));

        Assert.NotEqual(one.Secret, other.Secret);
        Assert.NotEqual(one.Session.Id, other.Session.Id);
        Assert.NotEqual(one.Secret, one.Session.Id);
        Assert.Matches("^[A-Za-z0-9_-]{43}$", one.Secret);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task Attack_26_A_cookie_that_was_never_given_or_is_over_opens_nothing(string forged)
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var signedIn = await fixture.SignInAsync("ana");
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(signedIn.Secret));

        Assert.Null(fixture.Auth.Sessions.FindByCookie(forged));
        Assert.Null(fixture.Auth.Sessions.FindByCookie(null));
        Assert.Null(fixture.Auth.Sessions.FindByCookie(new string('A', 100_000)));
        Assert.Null(fixture.Auth.Sessions.FindByCookie(signedIn.Session.Id));
        Assert.Null(fixture.Auth.Tokens.FindBearer(signedIn.Secret));
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(signedIn.Session.Account, "bot", null, null, null));
        Assert.Null(fixture.Auth.Sessions.FindByCookie(token.Secret));
        await fixture.Auth.Sessions.EndAsync(signedIn.Session);
        Assert.Null(fixture.Auth.Sessions.FindByCookie(signedIn.Secret));
    }

    [Fact]
    public async Task A_hash_of_lower_cost_is_replaced_at_the_next_sign_in()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        Assert.Contains("m=8,t=1", account.Credential!.Encoded, StringComparison.Ordinal);

        await fixture.RestartAsync(cost: new PasswordCost(16, 2));
        await fixture.SignInAsync("ana");

        Assert.Contains("m=16,t=2", fixture.Auth.Accounts.FindByUserName("ana")!.Credential!.Encoded, StringComparison.Ordinal);
        await fixture.RestartAsync(cost: new PasswordCost(16, 2));
        Assert.Contains("m=16,t=2", fixture.Auth.Accounts.FindByUserName("ana")!.Credential!.Encoded, StringComparison.Ordinal);
        await fixture.SignInAsync("ana");
    }

    [Fact]
    public async Task Attack_31_32_No_secret_is_in_the_store_or_the_log()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana", password: "canary in the mine 7");
        var browser = await fixture.SignInAsync("ana", "canary in the mine 7");
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null));
        AuthFixture.Must(await fixture.MqttAsync("ana", "canary in the mine 7"));
        AuthFixture.Must(await fixture.MqttAsync("ana", token.Secret));
        await fixture.MqttAsync("ana", "canary in the pit 78");
        await fixture.StopAsync();

        var files = Directory.GetFiles(Path.GetDirectoryName(fixture.StorePath)!, "*", SearchOption.AllDirectories).Select(File.ReadAllBytes).ToList();
        // First that looking would find something: the hash is there.
        Assert.Contains(files, file => file.AsSpan().IndexOf(SecretHash.Of(browser.Secret).ToBytes()) >= 0);
        Assert.Contains(files, file => file.AsSpan().IndexOf(SecretHash.Of(token.Secret).ToBytes()) >= 0);
        // Their beginning does, for a part of a secret must not be there either.
        foreach (var secret in new[] { browser.Secret[..20], token.Secret[..20], token.Secret["wm_".Length..][..20], "canary" })
        {
            Assert.DoesNotContain(files, file => file.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)) >= 0);
            Assert.DoesNotContain(secret, fixture.Log.Text, StringComparison.Ordinal);
        }

        await fixture.RestartAsync();
    }
}
