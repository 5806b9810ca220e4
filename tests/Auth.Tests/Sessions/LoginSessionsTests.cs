using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.Tests.Sessions;

public sealed class LoginSessionsTests
{
    [Fact]
    public async Task Attack_22_The_end_of_one_login_session_leaves_the_others()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var (one, other) = (await fixture.SignInAsync("ana"), await fixture.SignInAsync("ana"));
        TestClient[] clients = [TestClient.AttachedTo(one.Session, "tab-1"), TestClient.AttachedTo(one.Session, "tab-2"), TestClient.AttachedTo(other.Session, "tab-3")];

        await fixture.Auth.Sessions.EndAsync(one.Session);

        Assert.Equal([true, true, false], clients.Select(client => client.IsRevoked));
        Assert.Null(fixture.Auth.Sessions.FindByCookie(one.Secret));
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(other.Secret));
        Assert.False(one.Session.TryAttach(new TestClient("late")));
        Assert.Equal([other.Session], fixture.Auth.Sessions.List(other.Session.Account));
        await fixture.RestartAsync();
        Assert.Null(fixture.Auth.Sessions.FindByCookie(one.Secret));
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(other.Secret));
    }

    [Fact]
    public async Task Attack_25_All_clients_are_silenced_before_the_first_is_waited_for_and_the_task_waits_for_all()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        var clients = Enumerable.Range(0, 20).Select(i => TestClient.AttachedTo(session, "tab-" + i, closes: false)).ToList();

        var end = fixture.Auth.Sessions.EndAsync(session);
        await Task.WhenAll(clients.Select(client => client.Revoked));
        clients.Skip(1).ToList().ForEach(client => client.Close());
        Assert.False(end.IsCompleted);
        clients[0].Close();
        await end;
    }

    [Fact]
    public async Task Attack_23_No_client_survives_that_attaches_while_its_login_session_ends()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        for (var round = 0; round < 200; round++)
        {
            var session = (await fixture.SignInAsync("ana")).Session;
            var clients = Enumerable.Range(0, 8).Select(i => new TestClient("tab-" + i)).ToList();
            clients.ForEach(client => client.Close());
            var attached = clients.ConvertAll(client => Task.Run(() => session.TryAttach(client)));
            await fixture.Auth.Sessions.EndAsync(session);
            await Task.WhenAll(attached);

            Assert.All(clients.Zip(attached), pair => Assert.True(!pair.Second.Result || pair.First.IsRevoked));
            Assert.Empty(session.Clients);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Attack_27_All_others_can_be_ended_with_the_tokens_if_asked(bool alsoTokens)
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        await fixture.RegisterAsync("bob");
        var bob = await fixture.SignInAsync("bob");
        var (mine, other) = (await fixture.SignInAsync("ana"), await fixture.SignInAsync("ana"));
        var mqtt = AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password));
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null));

        await fixture.Auth.Sessions.EndOthersAsync(account, mine.Session, alsoTokens);

        Assert.Equal([false, true, true, alsoTokens, false], new[] { mine.Session, other.Session, mqtt, token.Token, bob.Session }.Select(session => session.IsRevoked));
    }

    [Fact]
    public async Task Attack_28_A_login_session_that_expires_while_connected_is_dropped_within_a_second()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var browser = await fixture.SignInAsync("ana");
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, fixture.Time.GetUtcNow() + TimeSpan.FromHours(1)));
        var (tab, bot) = (TestClient.AttachedTo(browser.Session), TestClient.AttachedTo(token.Token));

        fixture.Time.AdjustTime(fixture.Time.GetUtcNow() + TimeSpan.FromHours(1) - TimeSpan.FromSeconds(1));
        fixture.Time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.NotNull(fixture.Auth.Tokens.FindBearer(token.Secret));
        Assert.False(bot.IsRevoked);
        fixture.Time.Advance(TimeSpan.FromMilliseconds(1500));
        Assert.Equal(RevocationReason.Expired, await bot.Revoked);
        Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
        Assert.False(tab.IsRevoked);

        fixture.Time.AdjustTime(fixture.Time.GetUtcNow() + TimeSpan.FromDays(31));
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(RevocationReason.Expired, await tab.Revoked);
        Assert.Null(fixture.Auth.Sessions.FindByCookie(browser.Secret));
    }

    [Fact]
    public async Task A_cookie_lasts_30_days_from_its_last_use_also_over_a_restart()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var (used, unused) = (await fixture.SignInAsync("ana"), await fixture.SignInAsync("ana"));

        fixture.Time.AdjustTime(fixture.Time.GetUtcNow() + TimeSpan.FromDays(29));
        fixture.Auth.Sessions.Touch(fixture.Auth.Sessions.FindByCookie(used.Secret)!, AuthFixture.Elsewhere);
        await fixture.Auth.Sessions.StoreLastSeenAsync();
        await fixture.RestartAsync();
        fixture.Time.AdjustTime(fixture.Time.GetUtcNow() + TimeSpan.FromDays(2));

        Assert.Null(fixture.Auth.Sessions.FindByCookie(unused.Secret));
        var session = fixture.Auth.Sessions.FindByCookie(used.Secret)!;
        Assert.Equal(AuthFixture.Elsewhere.ToString(), session.Address);
        Assert.Equal(used.Session.LastSeen, session.LastSeen);
    }

    [Fact]
    public async Task A_touch_does_not_bring_back_what_has_ended()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var ended = await fixture.SignInAsync("ana");
        fixture.Time.AdjustTime(fixture.Time.GetUtcNow() + TimeSpan.FromMinutes(5));
        fixture.Auth.Sessions.Touch(ended.Session, AuthFixture.Home);
        var storing = fixture.Auth.Sessions.StoreLastSeenAsync();
        await fixture.Auth.Sessions.EndAsync(ended.Session);
        await storing;

        // A request that had found it before its end.
        fixture.Time.AdjustTime(fixture.Time.GetUtcNow() + TimeSpan.FromMinutes(5));
        fixture.Auth.Sessions.Touch(ended.Session, AuthFixture.Home);
        await fixture.Auth.Sessions.StoreLastSeenAsync();

        await fixture.RestartAsync();

        Assert.Null(fixture.Auth.Sessions.FindByCookie(ended.Secret));
    }

    [Fact]
    public async Task Fault_S30_Beyond_the_limit_the_login_session_ends_that_was_used_longest_ago()
    {
        await using var fixture = await AuthFixture.OpenAsync(new AuthOptions
        {
            SignInsPerMinutePerAddress = 0, RegistrationsPerHourPerAddress = 0, LoginSessionsPerAccount = 3,
        });
        await fixture.RegisterAsync("bob");
        var bob = await fixture.SignInAsync("bob");
        await fixture.RegisterAsync("ana");
        List<SignedIn> all = [];
        for (var i = 0; i < 3; i++)
        {
            all.Add(await fixture.SignInAsync("ana"));
            fixture.Time.Advance(TimeSpan.FromMinutes(1));
        }

        // The first is connected, and the second was used again; so the third goes.
        var tab = TestClient.AttachedTo(all[0].Session);
        fixture.Auth.Sessions.Touch(all[1].Session, AuthFixture.Home);
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(bob.Session.Account, "bot", null, null, null));
        all.Add(await fixture.SignInAsync("ana"));

        Assert.Equal([false, false, true, false], all.Select(one => one.Session.IsRevoked));
        Assert.False(tab.IsRevoked);
        Assert.False(bob.Session.IsRevoked || token.Token.IsRevoked);
        for (var i = 0; i < 20; i++)
        {
            await fixture.SignInAsync("ana");
        }

        Assert.Equal(3, fixture.Auth.Sessions.List(all[0].Session.Account).Count);
        Assert.False(tab.IsRevoked);
        await fixture.RestartAsync();
        Assert.Equal(3, fixture.Auth.Sessions.List(fixture.Auth.Accounts.FindByUserName("ana")!).Count);
    }

    [Fact]
    public async Task Somebody_elses_login_session_cannot_be_found()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var (ana, bob) = (await fixture.RegisterAsync("ana"), await fixture.RegisterAsync("bob"));
        var session = (await fixture.SignInAsync("ana")).Session;

        Assert.Same(session, fixture.Auth.Sessions.Find(ana, session.Id));
        Assert.Null(fixture.Auth.Sessions.Find(bob, session.Id));
        Assert.Null(fixture.Auth.Sessions.Find(ana, "unknown"));
    }

    [Fact]
    public async Task Every_end_is_told_once_and_a_failing_subscriber_does_not_stop_it()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        var told = 0;
        fixture.Auth.Events.SessionEnded.Subscribe(_ => throw new InvalidOperationException("subscriber"));
        fixture.Auth.Events.SessionEnded.Subscribe(_ => Task.FromResult(Interlocked.Increment(ref told)));

        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(() => fixture.Auth.Sessions.EndAsync(session))));

        Assert.Equal(1, told);
        Assert.Contains("A subscriber of SessionEnded failed", fixture.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fault_R10_A_sweep_looks_at_those_only_of_which_something_is_due()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var (now, day) = (fixture.Time.GetUtcNow(), TimeSpan.FromDays(1));
        for (var i = 1; i <= 90; i++)
        {
            AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, now + (i * day)));
        }

        var used = await fixture.SignInAsync("ana");
        var tab = TestClient.AttachedTo(used.Session);
        await fixture.Auth.Sessions.SweepAsync();

        Assert.Equal(0, await fixture.Auth.Sessions.SweepAsync());
        Assert.NotEmpty(fixture.Auth.Tokens.List(account));

        // The first two tokens, and who is connected.
        fixture.Time.AdjustTime(now + (2 * day));
        Assert.Equal(3, await fixture.Auth.Sessions.SweepAsync());
        Assert.Equal(88, fixture.Auth.Tokens.List(account).Count);
        Assert.Equal(now + (2 * day), used.Session.LastSeen);
        Assert.Equal(0, await fixture.Auth.Sessions.SweepAsync());

        // What was used meanwhile is looked at when it would have ended, once.
        used.Session.Detach(tab);
        fixture.Auth.Sessions.Touch(used.Session, AuthFixture.Home);
        fixture.Time.AdjustTime(now + LoginSessions.CookieLifetime);
        await fixture.Auth.Sessions.SweepAsync();
        Assert.False(used.Session.IsRevoked);
        Assert.Equal(0, await fixture.Auth.Sessions.SweepAsync());

        // All of them, when an account was banned.
        await fixture.RegisterAsync("bob");
        await fixture.Auth.Bans.BanAsync("bob", null);
        Assert.Equal(61, await fixture.Auth.Sessions.SweepAsync());
        fixture.Time.AdjustTime(now + (2 * day) + LoginSessions.CookieLifetime);
        await fixture.Auth.Sessions.SweepAsync();
        Assert.True(used.Session.IsRevoked);
    }

    [Fact]
    public async Task Fault_R10_Who_is_connected_is_present_and_was_when_the_last_client_left()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var guest = await fixture.EnterAsync("Zoe");
        var session = (await fixture.Auth.Sessions.StartAsync(guest, "Firefox", AuthFixture.Home))!.Session;
        var (tab, other) = (TestClient.AttachedTo(session, "tab"), TestClient.AttachedTo(session, "other"));

        for (var i = 0; i < 10; i++)
        {
            fixture.Time.Advance(TimeSpan.FromSeconds(30));
            Assert.Equal(fixture.Time.GetUtcNow(), guest.LastPresent);
        }

        fixture.Time.Advance(TimeSpan.FromSeconds(10));
        session.Detach(tab);
        fixture.Time.Advance(TimeSpan.FromSeconds(10));
        session.Detach(other);
        var left = fixture.Time.GetUtcNow();
        fixture.Time.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal((left, left), (guest.LastPresent, session.LastSeen));
    }
}
