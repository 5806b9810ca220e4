using System.Text;
using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Tests.Sessions;

/// <summary>Nobody waits for another's sync: what begins or ends together is on disk together.</summary>
public sealed class SharedSyncTests
{
    private const int Many = 40;

    [Fact]
    public async Task Fault_R9_Sign_ins_and_tokens_at_once_share_one_sync()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var before = WrittenBatches.In(fixture.RoomsFolder);
        await fixture.Auth.Sessions.StartAsync(account, "alone", AuthFixture.Home);
        Assert.Equal(1, WrittenBatches.In(fixture.RoomsFolder) - before);

        List<Task<SignedIn?>> browsers = [];
        List<Task<Auth.Outcomes.Outcome<Auth.Tokens.CreatedToken>>> tokens = [];
        using (await HeldLog.HoldAsync(fixture.EventLog))
        {
            for (var i = 0; i < Many; i++)
            {
                browsers.Add(fixture.Auth.Sessions.StartAsync(account, "browser", AuthFixture.Home));
                tokens.Add(fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null));
            }

            Assert.DoesNotContain(browsers, browser => browser.IsCompleted);
            Assert.DoesNotContain(tokens, token => token.IsCompleted);
        }

        await Task.WhenAll(browsers);
        await Task.WhenAll(tokens);

        Assert.Equal(2, WrittenBatches.In(fixture.RoomsFolder) - before);
        await fixture.RestartAsync();
        Assert.All(browsers, browser => Assert.NotNull(fixture.Auth.Sessions.FindByCookie(browser.Result!.Secret)));
        Assert.All(tokens, token => Assert.NotNull(fixture.Auth.Tokens.FindBearer(AuthFixture.Must(token.Result).Secret)));
    }

    [Fact]
    public async Task Fault_R4_A_logout_and_what_others_store_about_it_wait_for_two_syncs_at_most_however_much_ends()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        for (var i = 0; i < Many; i++)
        {
            await fixture.Auth.Sessions.StartAsync(account, "browser", AuthFixture.Home);
        }

        // As the rooms do it: what is kept of its clients is removed, and what is under way waited for.
        fixture.Auth.Events.SessionEnded.Subscribe(ended => fixture.EventLog.WriteAsync([new(Encoding.ASCII.GetBytes("kept/" + ended.Session.Id), null)]));
        fixture.Auth.Events.SessionEnded.Subscribe(_ => fixture.EventLog.SettleAsync());
        var before = WrittenBatches.In(fixture.RoomsFolder);

        await fixture.Auth.Sessions.EndAsync(fixture.Auth.Sessions.List(account)[0]);
        Assert.InRange(WrittenBatches.In(fixture.RoomsFolder) - before, 1, 2);
        before = WrittenBatches.In(fixture.RoomsFolder);
        Task ending;
        using (await HeldLog.HoldAsync(fixture.EventLog))
        {
            ending = fixture.Auth.Sessions.EndOthersAsync(account, except: null, alsoTokens: true);
        }

        await ending;
        Assert.InRange(WrittenBatches.In(fixture.RoomsFolder) - before, 1, 2);
        await fixture.RestartAsync();
        Assert.Empty(fixture.Auth.Sessions.List(fixture.Auth.Accounts.FindByUserName("ana")!));
    }

    [Fact]
    public async Task Fault_R9_Who_is_banned_while_a_sign_in_waits_for_the_disk_is_out_and_stays_out()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        Task<SignedIn?> signIn;
        Task<Auth.Accounts.BanOutcome> ban;
        using (await HeldLog.HoldAsync(fixture.EventLog))
        {
            signIn = fixture.Auth.Sessions.StartAsync(account, "browser", AuthFixture.Home);
            ban = fixture.Auth.Bans.BanAsync("ana", null);

            // The gate is free, and the ban finds what has begun.
            await fixture.RegisterAsync("bob");
            Assert.Empty(fixture.Auth.Sessions.List(account));
        }

        await ban;
        var secret = (await signIn)?.Secret;
        Assert.Null(fixture.Auth.Sessions.FindByCookie(secret));
        Assert.Empty(fixture.EventLog.ReadAll(SessionRecord.PrefixOf(account.Id)));
    }
}
