using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;

namespace WebMessenger.Auth.Tests.Nodes;

/// <summary>What one node does to an account holds on all nodes.</summary>
public sealed class AccountsOfNodesTests
{
    [Fact]
    public async Task A_user_name_that_two_nodes_are_asked_for_at_once_is_given_once()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        for (var round = 0; round < 100; round++)
        {
            var answers = await Task.WhenAll(house.Nodes.Select((node, i) => Task.Run(() => node.Auth.Registration.RegisterAsync(
                $"a{round}-{i}@example.org", $"ana{round}x", $"Person {round} {(i == 0 ? "Abel" : "Zoe")}", AuthFixture.Password, AuthFixture.Home, isLocal: true))));

            Assert.Equal(["ok", "userName:taken"], answers.Select(AuthFixture.Code).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task A_display_name_that_two_nodes_are_asked_for_at_once_is_given_once()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        for (var round = 0; round < 50; round++)
        {
            var answers = await Task.WhenAll(house.Nodes.Select(node => Task.Run(() => node.Auth.Registration.EnterAsGuestAsync($"Zo{round}", AuthFixture.Home))));

            Assert.Equal(["nickname:looks_taken", "ok"], answers.Select(AuthFixture.Code).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task The_first_person_of_all_nodes_is_the_one_administrator()
    {
        await using var house = await HouseOfNodes.OpenAsync();

        var people = await Task.WhenAll(house.Nodes.Select((node, i) => Task.Run(() => node.RegisterAsync(i == 0 ? "ana" : "bob"))));

        await house.CarryAsync();
        Assert.Single(people, one => one.Profile.IsAdministrator);
        Assert.All(house.Nodes, node => Assert.Single(node.Auth.Accounts.All, one => one.Profile.IsAdministrator));
        Assert.All(house.Nodes, node => Assert.Null(node.Auth.Registration.FirstCode));
    }

    [Fact]
    public async Task All_nodes_print_and_take_one_code_for_the_first_account_which_is_gone_when_there_is_one()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        var code = here.Auth.Registration.FirstCode;
        Assert.NotNull(code);
        Assert.Equal(code, there.Auth.Registration.FirstCode);

        AuthFixture.Must(await there.Auth.Registration.RegisterAsync(
            "ana@example.org", "ana", "Ana", AuthFixture.Password, AuthFixture.Elsewhere, isLocal: false, firstCode: code));

        await house.CarryAsync();
        Assert.Null(here.Auth.Registration.FirstCode);
        await house.StartAsync();
        Assert.Null(await house.Store.Documents.GetAsync("firstCode", "code"));
    }

    [Fact]
    public async Task A_ban_ends_all_of_the_account_on_all_nodes_before_it_is_answered()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        var ana = await here.RegisterAsync("ana");
        await house.CarryAsync();
        var browser = await there.SignInAsync("ana");
        var byPassword = AuthFixture.Must(await there.MqttAsync("ana"));
        var token = AuthFixture.Must(await there.Auth.Tokens.CreateAsync(there.Of(ana), "bot", null, null, null));
        TestClient[] clients = [TestClient.AttachedTo(browser.Session), TestClient.AttachedTo(byPassword), TestClient.AttachedTo(token.Token)];

        // Its place comes after the ban, of which the node hears as it has it.
        there.Pause();
        var late = there.Auth.SignIn.WithPasswordAsync("ana", AuthFixture.Password, "late", AuthFixture.Home);
        await there.Waits;
        var lateToken = there.Auth.Tokens.CreateAsync(there.Of(ana), "late", null, null, null);
        Assert.True((await here.Auth.Bans.BanAsync("ana", "reason")).IsDone);

        Assert.All(clients, client => Assert.True(client.IsRevoked));
        Assert.Equal(RevocationReason.Banned, await clients[1].Revoked);
        there.GoOn();
        Assert.Equal("Banned", AuthFixture.Code(await late));
        Assert.Equal("BadCredentials", AuthFixture.Code(await lateToken));
        Assert.Equal("Banned", AuthFixture.Code(await there.MqttAsync("ana")));
        await house.CarryAsync();
        Assert.Equal(0, house.Stored);
        Assert.All(house.Nodes, node => Assert.Empty(node.Auth.Sessions.OfAccount(node.Of(ana))));

        Assert.True((await there.Auth.Bans.LiftAsync("ana")).IsDone);
        await house.CarryAsync();
        Assert.NotNull(await here.SignInAsync("ana"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_begins_on_another_node_just_before_a_ban_or_an_erasure_is_ended_by_it(bool isBan)
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        var ana = await here.RegisterAsync("ana");
        await house.CarryAsync();

        // In memory, and not stored yet.
        here.Pause();
        Task ending = isBan ? here.Auth.Bans.BanAsync("ana", null) : here.Auth.Care.EraseAsync(ana, () => true);
        await here.Waits;
        var signedIn = await there.SignInAsync("ana");
        await here.CatchUpAsync();
        Assert.Null(here.Auth.Sessions.FindByCookie(signedIn.Secret));
        here.GoOn();
        await ending;

        await house.CarryAsync();
        Assert.Equal(0, house.Stored);
        Assert.All(house.Nodes, node => Assert.Null(node.Auth.Sessions.FindByCookie(signedIn.Secret)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_ban_and_an_erasure_end_who_is_connected_to_another_node_by_password_alone(bool isBan)
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        var ana = await here.RegisterAsync("ana");
        await house.CarryAsync();
        var client = TestClient.AttachedTo(AuthFixture.Must(await there.MqttAsync("ana")));

        if (isBan)
        {
            await here.Auth.Bans.BanAsync("ana", null);
        }
        else
        {
            await here.Auth.Care.EraseAsync(ana, () => true);
        }

        Assert.True(client.IsRevoked);
        Assert.Equal(isBan ? RevocationReason.Banned : RevocationReason.AccountErased, await client.Revoked);
        Assert.NotEqual("ok", AuthFixture.Code(await there.MqttAsync("ana")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_new_password_ends_on_all_nodes_what_the_old_one_opened_and_no_token(bool isReached)
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        here.Auth.Sessions.AskEverywhere(isReached ? house.Everywhere : here.Auth.Sessions.Here);
        var ana = await here.RegisterAsync("ana");
        var current = await here.SignInAsync("ana");
        await house.CarryAsync();
        var other = await there.SignInAsync("ana");
        var byPassword = AuthFixture.Must(await there.MqttAsync("ana"));
        var token = AuthFixture.Must(await there.Auth.Tokens.CreateAsync(there.Of(ana), "bot", null, null, null));
        var (ofBrowser, ofPassword, ofToken) = (TestClient.AttachedTo(other.Session), TestClient.AttachedTo(byPassword), TestClient.AttachedTo(token.Token));
        there.Pause();
        var late = there.Auth.SignIn.WithPasswordAsync("ana", AuthFixture.Password, "late", AuthFixture.Home);
        await there.Waits;

        var changed = AuthFixture.Must(await here.Auth.Changes.ChangeAsync(
            current.Session, AuthFixture.Password, new AccountChange(NewPassword: "another quiet place 43"), AuthFixture.Home));

        Assert.True(ofBrowser.IsRevoked && ofPassword.IsRevoked);
        Assert.Equal(RevocationReason.PasswordChanged, await ofPassword.Revoked);
        Assert.False(ofToken.IsRevoked);
        there.GoOn();
        Assert.Equal("BadCredentials", AuthFixture.Code(await late));

        // The one that was right a moment ago, too.
        Assert.Equal("BadCredentials", AuthFixture.Code(await there.MqttAsync("ana")));
        Assert.NotNull(there.Auth.Sessions.FindByCookie(changed.Renewed!.Secret));
        Assert.Null(there.Auth.Sessions.FindByCookie(current.Secret));
        Assert.NotNull(there.Auth.Tokens.FindBearer(token.Secret));
        Assert.NotNull(await there.SignInAsync("ana", "another quiet place 43"));
    }

    [Fact]
    public async Task A_new_password_that_ends_tokens_ends_those_of_all_nodes()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        var ana = await here.RegisterAsync("ana");
        var current = await here.SignInAsync("ana");
        await house.CarryAsync();
        var other = await there.SignInAsync("ana");
        there.Pause();
        var made = there.Auth.Tokens.CreateAsync(there.Of(ana), "bot", null, null, null, other.Session);
        await there.Waits;

        await here.Auth.Changes.ChangeAsync(
            current.Session, AuthFixture.Password, new AccountChange(NewPassword: "another quiet place 43") { EndTokens = true }, AuthFixture.Home);

        there.GoOn();
        Assert.Equal("BadCredentials", AuthFixture.Code(await made));
        await house.CarryAsync();
        Assert.All(house.Nodes, node => Assert.Empty(node.Auth.Tokens.List(node.Of(ana))));
    }

    [Fact]
    public async Task An_erasure_ends_the_account_on_all_nodes_and_is_written_for_by_one()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        await here.RegisterAsync("ana");
        var bob = await here.RegisterAsync("bob");
        await house.CarryAsync();
        var known = there.Of(bob);
        var client = TestClient.AttachedTo((await there.SignInAsync("bob")).Session);
        List<string> heard = [];
        there.Auth.Events.Erased.Subscribe(_ => Note("erased"));
        there.Auth.Events.ErasedElsewhere.Subscribe(account => Note(account.UserName + " elsewhere"));
        there.Auth.Events.SessionEnded.Subscribe(ended => Note(ended.Reason.ToString()));

        AuthFixture.Must(await here.Auth.Changes.EraseAsync(bob, AuthFixture.Password, AuthFixture.Home));

        Assert.Equal(RevocationReason.AccountErased, await client.Revoked);
        Assert.True(known.IsErased);
        Assert.Null(there.Auth.Accounts.FindByUserName("bob"));
        Assert.Equal(["AccountErased", "bob elsewhere"], heard);
        Assert.Equal("userName:taken", AuthFixture.Code(await there.Auth.Registration.RegisterAsync(
            "b2@example.org", "bob", "Bob the second", AuthFixture.Password, AuthFixture.Home)));

        Task Note(string what)
        {
            heard.Add(what);
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task New_names_are_told_on_all_nodes_and_found()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        await here.RegisterAsync("ana");
        var current = await here.SignInAsync("ana");
        await house.CarryAsync();
        List<string> heard = [];
        there.Auth.Events.Renamed.Subscribe(renamed => Note($"{renamed.OldUserName} is {renamed.Account.UserName}"));
        there.Auth.Events.DisplayNameChanged.Subscribe(account => Note(account.DisplayName));

        AuthFixture.Must(await here.Auth.Changes.ChangeAsync(
            current.Session, AuthFixture.Password, new AccountChange("new@example.org", "anna", "Anna"), AuthFixture.Home));
        await house.CarryAsync();

        Assert.Equal(["ana is anna", "Anna"], heard);
        Assert.Null(there.Auth.Accounts.FindByUserName("ana"));
        Assert.NotNull(await there.SignInAsync("anna"));
        Assert.NotNull(await there.SignInAsync("new@example.org"));
        Assert.Equal("nickname:looks_taken", AuthFixture.Code(await there.Auth.Registration.EnterAsGuestAsync("Anna", AuthFixture.Home)));

        // Nobody else has what it was called before: it is free again.
        Assert.Equal("ok", AuthFixture.Code(await there.Auth.Registration.EnterAsGuestAsync("ana was here", AuthFixture.Home)));

        Task Note(string what)
        {
            heard.Add(what);
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Who_is_no_administrator_any_more_is_so_on_all_nodes_and_signed_in_by_password_nowhere()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        var ana = await here.RegisterAsync("ana");
        var bob = await here.RegisterAsync("bob");
        Assert.Equal(CareResult.Done, await here.Auth.Care.SetAdministratorAsync(bob, true, () => true));
        var client = TestClient.AttachedTo(AuthFixture.Must(await there.MqttAsync("ana")));
        var browser = TestClient.AttachedTo((await there.SignInAsync("ana")).Session);

        Assert.Equal(CareResult.Done, await here.Auth.Care.SetAdministratorAsync(ana, false, () => true));

        Assert.True(client.IsRevoked && browser.IsRevoked);
        Assert.False(there.Of(ana).Profile.IsAdministrator);
        Assert.Equal(CareResult.Last, await there.Auth.Care.SetAdministratorAsync(there.Of(bob), false, () => true));
    }

    [Fact]
    public async Task Guests_that_are_over_are_removed_by_the_node_that_sweeps_and_forgotten_by_all()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        there.Sweeps = false;
        var guest = AuthFixture.Must(await here.Auth.Registration.EnterAsGuestAsync("Zoe", AuthFixture.Home));
        await house.CarryAsync();
        house.Time.AdjustTime(house.Time.GetUtcNow() + TimeSpan.FromHours(25));

        await there.Auth.Sweeper.TidyAsync();
        Assert.NotNull(there.Auth.Accounts.Find(guest.Id));
        await here.Auth.Sweeper.TidyAsync();

        await house.CarryAsync();
        Assert.All(house.Nodes, node => Assert.Null(node.Auth.Accounts.Find(guest.Id)));
    }

    [Fact]
    public async Task A_link_for_a_password_works_on_any_node_and_once_in_all()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        await here.RegisterAsync("ana");
        for (var round = 0; round < 20; round++)
        {
            var former = (await there.Auth.PasswordLinks.MakeAsync("ana")).Secret;
            await house.CarryAsync();
            var secret = (await here.Auth.PasswordLinks.MakeAsync("ana")).Secret;
            await house.CarryAsync();
            Assert.Equal("NoSuchLink", AuthFixture.Code(there.Auth.PasswordLinks.Look(former, AuthFixture.Home)));
            Assert.Equal("ok", AuthFixture.Code(there.Auth.PasswordLinks.Look(secret, AuthFixture.Home)));

            var used = await Task.WhenAll(house.Nodes.Select((node, i) => Task.Run(() => node.Auth.PasswordLinks.UseAsync(
                secret, $"a quiet place {round} {i}", endTokens: false, "Firefox on Linux", AuthFixture.Home))));

            Assert.Equal(["NoSuchLink", "ok"], used.Select(AuthFixture.Code).Order(StringComparer.Ordinal));
            await house.CarryAsync();
            Assert.Equal("NoSuchLink", AuthFixture.Code(there.Auth.PasswordLinks.Look(secret, AuthFixture.Home)));
        }
    }
}
