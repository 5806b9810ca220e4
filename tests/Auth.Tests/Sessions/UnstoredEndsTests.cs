using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.Documents;

namespace WebMessenger.Auth.Tests.Sessions;

/// <summary>Logouts and revocations while the disk refuses to write.</summary>
public sealed class UnstoredEndsTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    // LiteDB has finalizers that throw, and a throwing finalizer ends the process: they must run while the test does.
    public void Dispose()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        LiteDbPool.Mend();
        _folder.Dispose();
    }

    [Fact]
    public async Task Fault_R4_What_has_ended_while_the_disk_failed_is_stored_when_it_works_again()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var (stored, browser, kept) = (await fixture.SignInAsync("ana"), await fixture.SignInAsync("ana"), await fixture.SignInAsync("ana"));
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null));
        await fixture.Auth.Sessions.EndAsync(stored.Session);

        fixture.Records.Fails = true;
        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => fixture.Auth.Sessions.EndAsync(browser.Session));
        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => fixture.Auth.Tokens.RevokeAsync(account, token.Token.Id));
        await fixture.Auth.Sessions.RetryEndsAsync();

        // It has ended all the same, and one line says so, however often it is tried.
        Assert.Null(fixture.Auth.Sessions.FindByCookie(browser.Secret));
        Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
        Assert.Equal(2, fixture.Log.Text.Split("could not be stored").Length);

        fixture.Records.Fails = false;
        await fixture.Auth.Sessions.RetryEndsAsync();

        // As after a kill: what lies on the disk now is what a start reads.
        Assert.Contains("is stored by now", fixture.Log.Text, StringComparison.Ordinal);
        Assert.Equal([kept.Session.Id], StoredIds(fixture));
    }

    [Fact]
    public async Task Fault_R4_Of_all_that_one_sweep_ends_nothing_is_lost_when_the_disk_fails()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var banned = await fixture.RegisterAsync("ana");
        await fixture.RegisterAsync("bob");
        await fixture.SignInAsync("bob");
        fixture.Time.AdjustTime(fixture.Time.GetUtcNow() + LoginSessions.CookieLifetime);
        await fixture.SignInAsync("ana");
        var kept = await fixture.SignInAsync("bob");
        fixture.Records.Fails = true;

        // As after the write of a ban that seemed to have failed. The clock stands, so that no other sweep finds them.
        await fixture.Auth.Accounts.SetStandingAsync(banned, banned.Standing.With(new Ban(fixture.Time.GetUtcNow(), null)));
        await Assert.ThrowsAsync<RecordsNotWrittenException>(fixture.Auth.Sessions.SweepAsync);
        Assert.Equal(3, StoredIds(fixture).Count);
        await fixture.Auth.Sessions.SweepAsync();
        fixture.Records.Fails = false;
        await fixture.Auth.Sessions.RetryEndsAsync();

        Assert.Equal([kept.Session.Id], StoredIds(fixture));
    }

    [Fact]
    public async Task Fault_R4_A_sign_in_that_the_disk_refused_leaves_nothing()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var kept = await fixture.SignInAsync("ana");
        fixture.Records.Fails = true;

        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => fixture.SignInAsync("ana"));
        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null));

        Assert.Equal([kept.Session], fixture.Auth.Sessions.List(account));
        Assert.Empty(fixture.Auth.Tokens.List(account));
        Assert.Equal([kept.Session.Id], StoredIds(fixture));
    }

    [Fact]
    public async Task Fault_S15_A_disk_that_takes_nothing_uses_up_no_name()
    {
        FaultyFile data = new(DiskFile.Open(_folder.DataFile)), log = new(DiskFile.Open(_folder.LogFile));
        await using var fixture = await AuthFixture.OpenOnAsync(
            new StoreFiles(_folder.DataFile, data, log), new AuthOptions { SignInsPerMinutePerAddress = 0, RegistrationsPerHourPerAddress = 0, AccountTriesPerDay = 40 });
        await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        Task<Outcome<ChangedAccount>> ChangeAsync(int i) => fixture.Auth.Changes.ChangeAsync(
            session, AuthFixture.Password, new AccountChange(UserName: "ana-" + (char)('a' + i), DisplayName: "Ana of " + (char)('A' + i)), AuthFixture.Home);

        data.FailsToSync = log.FailsToSync = true;
        for (var i = 0; i < 20; i++)
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(() => ChangeAsync(i));
        }

        data.FailsToSync = log.FailsToSync = false;
        await fixture.Auth.Accounts.ReconcileAsync();
        Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(25)));
    }

    private static List<string> StoredIds(AuthFixture fixture) =>
        [.. fixture.EventLog.ReadAll(SessionRecord.Prefix).Select(record => Encoding.ASCII.GetString(record.Key).Split('/')[^1])];
}
