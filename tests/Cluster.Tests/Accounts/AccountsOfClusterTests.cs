using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using static WebMessenger.Cluster.Tests.Accounts.AccountNode;

namespace WebMessenger.Cluster.Tests.Accounts;

/// <summary>Accounts, login sessions and tokens of two nodes on one PostgreSQL.</summary>
public sealed class AccountsOfClusterTests : IAsyncLifetime
{
    private IReadOnlyList<AccountNode> _nodes = [];

    private AccountNode Here => _nodes[0];

    private AccountNode There => _nodes[1];

    public async ValueTask InitializeAsync() => _nodes = await StartAsync();

    public async ValueTask DisposeAsync() => await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));

    [Fact]
    public async Task Of_a_hundred_user_names_that_both_nodes_are_asked_for_at_once_each_is_given_once()
    {
        for (var round = 0; round < 100; round++)
        {
            var answers = await Task.WhenAll(_nodes.Select((node, i) => Task.Run(() => node.Auth.Registration.RegisterAsync(
                $"a{round}-{i}@example.org", $"ana{round}x", $"Person {round} {(i == 0 ? "Abel" : "Zoe")}", Password, Home, isLocal: true))));

            Assert.Equal(["ok", "userName:taken"], answers.Select(Code).Order(StringComparer.Ordinal));
        }

        await Here.EverywhereAsync();
        await There.EverywhereAsync();
        Assert.All(_nodes, node => Assert.Equal(100, node.Auth.Accounts.All.Count));
        Assert.All(_nodes, node => Assert.Single(node.Auth.Accounts.All, one => one.Profile.IsAdministrator));
    }

    [Fact]
    public async Task A_nickname_that_both_nodes_are_asked_for_at_once_is_given_once()
    {
        for (var round = 0; round < 30; round++)
        {
            var answers = await Task.WhenAll(_nodes.Select(node => Task.Run(() => node.Auth.Registration.EnterAsGuestAsync($"Zo{round}", Home))));

            Assert.Equal(["nickname:looks_taken", "ok"], answers.Select(Code).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task Who_has_signed_in_on_one_node_is_signed_in_on_the_other_and_signed_out_on_both()
    {
        await Here.RegisterAsync("ana");
        var signedIn = await Here.SignInAsync("ana");
        await Here.EverywhereAsync();
        var client = ClosedClient.Of(There.Auth.Sessions.FindByCookie(signedIn.Secret)!);

        await There.Auth.Sessions.EndAsync(There.Auth.Sessions.FindByCookie(signedIn.Secret)!);

        Assert.True(client.IsRevoked);
        Assert.All(_nodes, node => Assert.Null(node.Auth.Sessions.FindByCookie(signedIn.Secret)));
        Assert.Equal(0, Here.Stored);
    }

    [Fact]
    public async Task Of_three_hundred_that_are_ended_while_the_other_node_stores_their_use_none_comes_back()
    {
        await Here.RegisterAsync("ana");
        for (var round = 0; round < 300; round++)
        {
            var signedIn = await Here.SignInAsync("ana");
            await Here.EverywhereAsync();
            Here.Time.AdjustTime(Here.Time.GetUtcNow() + TimeSpan.FromMinutes(5));
            There.Auth.Sessions.Touch(There.Auth.Sessions.FindByCookie(signedIn.Secret)!, Home);

            await Task.WhenAll(
                Task.Run(() => There.Auth.Sessions.StoreLastSeenAsync(), TestContext.Current.CancellationToken),
                Task.Run(() => Here.Auth.Sessions.EndAsync(signedIn.Session), TestContext.Current.CancellationToken));

            await There.EverywhereAsync();
            Assert.All(_nodes, node => Assert.Null(node.Auth.Sessions.FindByCookie(signedIn.Secret)));
            Assert.Equal(0, Here.Stored);
        }
    }

    [Fact]
    public async Task No_login_session_of_who_was_banned_on_one_node_begins_on_the_other_after_the_answer()
    {
        for (var round = 0; round < 30; round++)
        {
            var ana = await Here.RegisterAsync($"ana{round}x");
            await Here.EverywhereAsync();
            var client = ClosedClient.Of(Must(await There.Auth.MqttSignIn.AuthenticateAsync(
                ana.UserName, System.Text.Encoding.UTF8.GetBytes(Password), "client", Home, passwordsAllowed: true)));

            var beginning = Enumerable.Range(0, 4).Select(_ => Task.Run(() => There.Auth.SignIn.WithPasswordAsync(ana.UserName, Password, "late", Home))).ToList();
            var making = Task.Run(() => There.Auth.Tokens.CreateAsync(There.Of(ana), "late", null, null, null));
            Assert.True((await Here.Auth.Bans.BanAsync(ana.UserName, "reason")).IsDone);

            Assert.True(client.IsRevoked);
            Assert.Equal("Banned", Code(await There.Auth.SignIn.WithPasswordAsync(ana.UserName, Password, "later", Home)));
            foreach (var begun in await Task.WhenAll(beginning))
            {
                Assert.False(begun.TryGet(out var signedIn, out _) && There.Auth.Sessions.FindByCookie(signedIn.Secret) is not null);
            }

            Assert.False((await making).TryGet(out var token, out _) && There.Auth.Tokens.FindBearer(token.Secret) is not null);
            await There.EverywhereAsync();
            Assert.All(_nodes, node => Assert.Empty(node.Auth.Sessions.List(node.Of(ana))));
            Assert.Equal(0, Here.Stored);
        }
    }

    [Fact]
    public async Task A_new_password_and_an_erasure_hold_on_both_nodes()
    {
        var ana = await Here.RegisterAsync("ana");
        var current = await Here.SignInAsync("ana");
        await Here.EverywhereAsync();
        var other = ClosedClient.Of((await There.SignInAsync("ana")).Session);

        var changed = Must(await Here.Auth.Changes.ChangeAsync(current.Session, Password, new AccountChange(NewPassword: "another quiet place 43"), Home));

        Assert.True(other.IsRevoked);
        Assert.Equal("BadCredentials", Code(await There.Auth.SignIn.WithPasswordAsync("ana", Password, "old", Home)));
        Assert.NotNull(There.Auth.Sessions.FindByCookie(changed.Renewed!.Secret));
        var last = ClosedClient.Of((await There.SignInAsync("ana", "another quiet place 43")).Session);

        Must(await Here.Auth.Changes.EraseAsync(ana, "another quiet place 43", Home));

        Assert.Equal(RevocationReason.AccountErased, await last.Revoked);
        Assert.All(_nodes, node => Assert.Empty(node.Auth.Accounts.All));
        Assert.Equal(0, Here.Stored);
        Assert.Equal("userName:taken", Code(await There.Auth.Registration.RegisterAsync("b@example.org", "ana", "Ana", Password, Home)));
    }

    [Fact]
    public async Task A_link_for_a_password_is_used_once_though_both_nodes_are_asked()
    {
        await Here.RegisterAsync("ana");
        await Here.EverywhereAsync();
        for (var round = 0; round < 20; round++)
        {
            var secret = (await Here.Auth.PasswordLinks.MakeAsync("ana")).Secret;
            await Here.EverywhereAsync();

            var used = await Task.WhenAll(_nodes.Select((node, i) => Task.Run(() => node.Auth.PasswordLinks.UseAsync(
                secret, $"a quiet place {round} {i}", endTokens: false, "Firefox on Linux", Home))));

            Assert.Equal(["NoSuchLink", "ok"], used.Select(Code).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task Tokens_are_counted_found_renewed_and_revoked_on_both_nodes()
    {
        var ana = await Here.RegisterAsync("ana");
        var by = await Here.SignInAsync("ana");
        await Here.EverywhereAsync();

        var made = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() =>
            _nodes[i % 2].Auth.Tokens.CreateAsync(_nodes[i % 2].Of(ana), $"bot {i}", null, null, null))));

        await Here.EverywhereAsync();
        await There.EverywhereAsync();
        var tokens = made.Where(one => Code(one) == "ok").Select(Must).ToList();
        Assert.InRange(tokens.Count, 1, 5);
        Assert.All(_nodes, node => Assert.Equal(tokens.Count, node.Auth.Tokens.List(node.Of(ana)).Count));
        Assert.All(tokens, token => Assert.All(_nodes, node => Assert.NotNull(node.Auth.Tokens.FindBearer(token.Secret))));

        var client = ClosedClient.Of(There.Auth.Tokens.FindBearer(tokens[0].Secret)!);
        var renewed = Must(await Here.Auth.Tokens.RenewAsync(Here.Auth.Tokens.FindBearer(tokens[0].Secret)!, by.Session, _ => true));
        Assert.True(client.IsRevoked);
        Assert.Null(There.Auth.Tokens.FindBearer(tokens[0].Secret));
        Assert.NotNull(There.Auth.Tokens.FindBearer(renewed.Secret));

        Assert.True(await There.Auth.Tokens.RevokeAsync(There.Of(ana), renewed.Token.Id));
        Assert.Null(Here.Auth.Tokens.FindBearer(renewed.Secret));
    }
}
