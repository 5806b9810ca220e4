using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Tests.Nodes;

/// <summary>A login session that one node knows is known by all, and over on all when one has ended it.</summary>
public sealed class SessionsOfNodesTests
{
    [Fact]
    public async Task Who_has_signed_in_on_one_node_is_signed_in_on_all_when_everybody_has_heard()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        await here.RegisterAsync("ana");
        var signedIn = await here.SignInAsync("ana");
        Assert.Null(there.Auth.Sessions.FindByCookie(signedIn.Secret));

        await here.EverywhereAsync();

        var known = there.Auth.Sessions.FindByCookie(signedIn.Secret)!;
        Assert.Equal((signedIn.Session.Id, "Firefox on Linux", "ana"), (known.Id, known.Device, known.Account.UserName));
        Assert.Equal(signedIn.Session.Id, Assert.Single(there.Auth.Sessions.List(known.Account)).Id);
        var late = await house.StartAsync();
        Assert.NotNull(late.Auth.Sessions.FindByCookie(signedIn.Secret));
    }

    [Fact]
    public async Task Who_has_signed_out_on_one_node_is_silent_on_all_before_the_answer()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        await here.RegisterAsync("ana");
        var signedIn = await here.SignInAsync("ana");
        await house.CarryAsync();
        var known = there.Auth.Sessions.FindByCookie(signedIn.Secret)!;
        var client = TestClient.AttachedTo(known);
        List<SessionEnded> ended = [];
        there.Auth.Events.SessionEnded.Subscribe(one =>
        {
            ended.Add(one);
            return Task.CompletedTask;
        });

        await here.Auth.Sessions.EndAsync(signedIn.Session);

        Assert.Equal(RevocationReason.SignedOut, await client.Revoked);
        Assert.Equal([known], ended.Select(one => one.Session));
        Assert.Null(there.Auth.Sessions.FindByCookie(signedIn.Secret));
        Assert.Empty(there.Auth.Sessions.OfAccount(known.Account));
    }

    [Fact]
    public async Task An_end_that_nobody_was_asked_for_is_heard_all_the_same()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        await here.RegisterAsync("ana");
        var signedIn = await here.SignInAsync("ana");
        await house.CarryAsync();
        var client = TestClient.AttachedTo(there.Auth.Sessions.FindByCookie(signedIn.Secret)!);

        // The other node could not be reached.
        here.Auth.Sessions.AskEverywhere(here.Auth.Sessions.Here);
        await here.Auth.Sessions.EndAsync(signedIn.Session);

        Assert.Equal(RevocationReason.SignedOut, await client.Revoked);
        Assert.Null(there.Auth.Sessions.FindByCookie(signedIn.Secret));
    }

    [Fact]
    public async Task A_use_that_is_stored_after_the_end_brings_nothing_back()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        await here.RegisterAsync("ana");
        var signedIn = await here.SignInAsync("ana");
        await house.CarryAsync();
        here.Auth.Sessions.AskEverywhere(here.Auth.Sessions.Here);
        house.Time.AdjustTime(house.Time.GetUtcNow() + TimeSpan.FromMinutes(5));
        there.Auth.Sessions.Touch(there.Auth.Sessions.FindByCookie(signedIn.Secret)!, AuthFixture.Home);

        // Handed over before the end, and has its place after it.
        there.Pause();
        var stored = there.Auth.Sessions.StoreLastSeenAsync();
        await there.Waits;
        var ending = here.Auth.Sessions.EndAsync(signedIn.Session);
        await ending;
        there.GoOn();
        await stored;

        await house.CarryAsync();
        Assert.Equal(0, house.Stored);
        Assert.All(house.Nodes, node => Assert.Null(node.Auth.Sessions.FindByCookie(signedIn.Secret)));
    }

    [Fact]
    public async Task A_use_that_is_stored_before_the_end_brings_nothing_back_to_who_has_begun_it()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        await here.RegisterAsync("ana");
        var signedIn = await here.SignInAsync("ana");
        await house.CarryAsync();
        house.Time.AdjustTime(house.Time.GetUtcNow() + TimeSpan.FromMinutes(5));
        there.Auth.Sessions.AskEverywhere(there.Auth.Sessions.Here);
        there.Pause();
        var ending = there.Auth.Sessions.EndAsync(there.Auth.Sessions.FindByCookie(signedIn.Secret)!);
        await there.Waits;
        here.Auth.Sessions.Touch(signedIn.Session, AuthFixture.Home);
        await here.Auth.Sessions.StoreLastSeenAsync();
        Assert.Equal(1, house.Stored);

        there.GoOn();
        await ending;

        Assert.Equal(0, house.Stored);
        Assert.All(house.Nodes, node => Assert.Null(node.Auth.Sessions.FindByCookie(signedIn.Secret)));
    }

    [Fact]
    public async Task Of_three_hundred_that_are_ended_while_others_note_their_use_none_comes_back()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        await here.RegisterAsync("ana");
        for (var round = 0; round < 300; round++)
        {
            var signedIn = await here.SignInAsync("ana");
            await house.CarryAsync();
            house.Time.AdjustTime(house.Time.GetUtcNow() + TimeSpan.FromMinutes(5));
            there.Auth.Sessions.Touch(there.Auth.Sessions.FindByCookie(signedIn.Secret)!, AuthFixture.Home);

            await Task.WhenAll(
                Task.Run(() => there.Auth.Sessions.StoreLastSeenAsync(), TestContext.Current.CancellationToken),
                Task.Run(() => here.Auth.Sessions.EndAsync(signedIn.Session), TestContext.Current.CancellationToken));

            await house.CarryAsync();
            Assert.Equal(0, house.Stored);
            Assert.All(house.Nodes, node => Assert.Null(node.Auth.Sessions.FindByCookie(signedIn.Secret)));
        }
    }

    [Fact]
    public async Task What_is_used_on_one_node_is_not_over_on_another()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        await here.RegisterAsync("ana");
        var signedIn = await here.SignInAsync("ana");
        await house.CarryAsync();
        Forth(LoginSessions.CookieLifetime - TimeSpan.FromSeconds(30));
        here.Auth.Sessions.Touch(signedIn.Session, AuthFixture.Elsewhere);
        Forth(TimeSpan.FromMinutes(1));

        await there.Auth.Sessions.SweepAsync();
        Assert.Null(there.Auth.Sessions.FindByCookie(signedIn.Secret));
        await here.Auth.Sessions.StoreLastSeenAsync();
        await there.Auth.Sessions.Overdue.EndAsync();
        await house.CarryAsync();

        var known = there.Auth.Sessions.FindByCookie(signedIn.Secret)!;
        Assert.Equal((signedIn.Session.ExpiresAt, signedIn.Session.LastSeen, AuthFixture.Elsewhere.ToString()), (known.ExpiresAt, known.LastSeen, known.Address));

        // And ends in its time, by the sweep of one of them.
        there.Sweeps = false;
        Forth(LoginSessions.CookieLifetime + TimeSpan.FromMinutes(3));
        await there.Auth.Sessions.SweepAsync();
        await there.Auth.Sessions.Overdue.EndAsync();
        Assert.Equal(1, house.Stored);
        await here.Auth.Sessions.Overdue.EndAsync();
        Assert.Equal(0, house.Stored);
        Assert.Empty(there.Auth.Sessions.OfAccount(known.Account));

        void Forth(TimeSpan by) => house.Time.AdjustTime(house.Time.GetUtcNow() + by);
    }

    [Fact]
    public async Task One_that_is_connected_ends_in_its_time_on_its_node_and_so_on_all()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        var ana = await here.RegisterAsync("ana");
        var token = AuthFixture.Must(await here.Auth.Tokens.CreateAsync(ana, "bot", null, null, house.Time.GetUtcNow() + TimeSpan.FromDays(1)));
        await house.CarryAsync();
        there.Sweeps = false;
        var client = TestClient.AttachedTo(there.Auth.Tokens.FindBearer(token.Secret)!);
        house.Time.AdjustTime(house.Time.GetUtcNow() + TimeSpan.FromDays(1));

        await there.Auth.Sessions.SweepAsync();

        Assert.Equal(RevocationReason.Expired, await client.Revoked);
        Assert.Equal(0, house.Stored);
        Assert.Empty(here.Auth.Tokens.List(ana));
    }

    [Fact]
    public async Task An_end_of_a_node_that_died_with_it_is_brought_to_its_end_by_another()
    {
        await using var house = await HouseOfNodes.OpenAsync();
        var (here, there) = (house.Nodes[0], house.Nodes[1]);
        await here.RegisterAsync("ana");
        var signedIn = await here.SignInAsync("ana");
        await house.CarryAsync();

        // It was asked for, and never stored.
        await there.Auth.Sessions.Here.RevokeAsync([signedIn.Session.Id], RevocationReason.SignedOut);
        await there.Auth.Sessions.Overdue.EndAsync();
        Assert.Equal(1, house.Stored);
        await there.Auth.Sessions.Overdue.EndAsync();

        Assert.Equal(0, house.Stored);
        Assert.Null(here.Auth.Sessions.FindByCookie(signedIn.Secret));
    }

    [Fact]
    public async Task Who_signs_out_everywhere_is_not_connected_by_password_on_any_node()
    {
        await using var house = await HouseOfNodes.OpenAsync(3);
        var here = house.Nodes[0];
        await here.RegisterAsync("ana");
        var current = await here.SignInAsync("ana");
        await house.CarryAsync();
        List<TestClient> clients = [];
        foreach (var node in house.Nodes)
        {
            clients.Add(TestClient.AttachedTo(AuthFixture.Must(await node.MqttAsync("ana", clientId: node.Name))));
        }

        await here.Auth.Sessions.EndOthersAsync(current.Session.Account, current.Session, alsoTokens: false);

        Assert.All(clients, client => Assert.True(client.IsRevoked));
        Assert.All(house.Nodes, node => Assert.NotNull(node.Auth.Sessions.FindByCookie(current.Secret)));
        Assert.All(house.Nodes, node => Assert.Single(node.Auth.Sessions.OfAccount(node.Of(current.Session.Account))));
    }

    [Fact]
    public async Task The_limit_of_login_sessions_is_that_of_all_nodes()
    {
        await using var house = await HouseOfNodes.OpenAsync(options: new() { LoginSessionsPerAccount = 3, SignInsPerMinutePerAddress = 0 });
        var ana = await house.Nodes[0].RegisterAsync("ana");
        await house.CarryAsync();

        await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(() => house.Nodes[i % 2].SignInAsync("ana"))));

        await house.CarryAsync();
        Assert.Equal(3, house.Stored);
        Assert.All(house.Nodes, node => Assert.Equal(house.Stored, node.Auth.Sessions.List(node.Of(ana)).Count));
    }

    [Fact]
    public async Task A_node_that_starts_takes_no_login_session_of_an_account_that_it_does_not_know_yet()
    {
        await using var house = await HouseOfNodes.OpenAsync(1);
        await house.Nodes[0].RegisterAsync("ana");
        var signedIn = await house.Nodes[0].SignInAsync("ana");

        // Its accounts were read before the account was there.
        var record = Assert.Single(house.Log.ReadAll("s/"u8));
        await house.Log.WriteAsync([new RecordChange([.. "s/aunknown/1"u8], record.Value)]);
        await house.StartAsync();

        Assert.Equal(2, house.Stored);
        Assert.NotNull(house.Nodes[1].Auth.Sessions.FindByCookie(signedIn.Secret));
    }
}
