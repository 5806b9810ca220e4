using WebMessenger.Auth.Storage;
using WebMessenger.Auth.Tests.Storage;

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

    private static Task<List<Auth.Tokens.SecretHash?>> SecretsAsync(DocumentStore store) => store.ReadAsync(database =>
        new[] { "loginSessions", "accessTokens" }.SelectMany(name => database.GetCollection(name).FindAll())
            .Select(document => (Auth.Tokens.SecretHash?)Auth.Tokens.SecretHash.FromBytes(document["secret"].AsBinary)).ToList());
}
