using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Storage.Documents;
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
        FaultyFile data = new(DiskFile.Open(_folder.DataFile)), log = new(DiskFile.Open(_folder.LogFile));
        await using var fixture = await AuthFixture.OpenOnAsync(new StoreFiles(_folder.DataFile, data, log));
        var account = await fixture.RegisterAsync("ana");
        var (stored, browser, kept) = (await fixture.SignInAsync("ana"), await fixture.SignInAsync("ana"), await fixture.SignInAsync("ana"));
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, null));
        await fixture.Auth.Sessions.EndAsync(stored.Session);

        data.FailsToSync = log.FailsToSync = true;
        await Assert.ThrowsAsync<StoreUnavailableException>(() => fixture.Auth.Sessions.EndAsync(browser.Session));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => fixture.Auth.Tokens.RevokeAsync(account, token.Token.Id));
        await fixture.Auth.Sessions.RetryEndsAsync();

        // It has ended all the same, and one line says so, however often it is tried.
        Assert.Null(fixture.Auth.Sessions.FindByCookie(browser.Secret));
        Assert.Null(fixture.Auth.Tokens.FindBearer(token.Secret));
        Assert.Equal(2, fixture.Log.Text.Split("could not be stored").Length);

        data.FailsToSync = log.FailsToSync = false;
        await fixture.Auth.Sessions.RetryEndsAsync();

        // As after a kill: what lies on the disk now is what a start reads.
        Assert.Contains("is stored by now", fixture.Log.Text, StringComparison.Ordinal);
        var secrets = await SecretsAsync(fixture.Store);
        Assert.Equal([kept.Session.SecretHash], secrets);
    }

    [Fact]
    public async Task Fault_R4_Of_all_that_one_sweep_ends_nothing_is_lost_when_the_disk_fails()
    {
        FaultyFile data = new(DiskFile.Open(_folder.DataFile)), log = new(DiskFile.Open(_folder.LogFile));
        await using var fixture = await AuthFixture.OpenOnAsync(new StoreFiles(_folder.DataFile, data, log));
        var banned = await fixture.RegisterAsync("ana");
        await fixture.RegisterAsync("bob");
        var (_, unused) = (await fixture.SignInAsync("ana"), await fixture.SignInAsync("bob"));
        var kept = await fixture.SignInAsync("bob");
        data.FailsToSync = log.FailsToSync = true;

        // As after the write of a ban that seemed to have failed. The clock stands, so that no other sweep finds them.
        banned.Standing = banned.Standing.With(new Ban(fixture.Time.GetUtcNow(), null));
        unused.Session.ExpiresAt = fixture.Time.GetUtcNow();
        await Assert.ThrowsAsync<StoreUnavailableException>(fixture.Auth.Sessions.SweepAsync);
        await fixture.Auth.Sessions.SweepAsync();
        data.FailsToSync = log.FailsToSync = false;
        await fixture.Auth.Sessions.RetryEndsAsync();

        Assert.Equal([kept.Session.SecretHash], await SecretsAsync(fixture.Store));
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

    private static Task<List<Auth.Secrets.SecretHash?>> SecretsAsync(DocumentStore store) => store.ReadAsync(database =>
        new[] { "loginSessions", "accessTokens" }.SelectMany(name => database.GetCollection(name).FindAll())
            .Select(document => (Auth.Secrets.SecretHash?)Auth.Secrets.SecretHash.FromBytes(document["secret"].AsBinary)).ToList());
}
