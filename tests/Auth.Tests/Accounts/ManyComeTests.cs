using WebMessenger.Auth.Names;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.Tests.Documents;

namespace WebMessenger.Auth.Tests.Accounts;

/// <summary>Those who come at once share syncs, and have their names to themselves from the moment they ask.</summary>
public sealed class ManyComeTests : IDisposable
{
    private const int Many = 60;

    private static readonly PasswordHash Credential = new(AuthFixture.Cheap, new byte[16], new byte[32]);

    private readonly StoreFolder _folder = new();
    private readonly FaultyFile _data;
    private readonly FaultyFile _log;

    public ManyComeTests() => (_data, _log) = (new(DiskFile.Open(_folder.DataFile)), new(DiskFile.Open(_folder.LogFile)));

    public void Dispose()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        LiteDbPool.Mend();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Fault_R9_Many_who_register_or_enter_at_once_share_syncs(bool areGuests)
    {
        await using var fixture = await AuthFixture.OpenOnAsync(new StoreFiles(_folder.DataFile, _data, _log));
        await fixture.RegisterAsync("first");

        // The store is busy until all have asked.
        using ManualResetEventSlim go = new();
        var busy = fixture.Store.WriteAsync(_ => go.Wait());
        var coming = Enumerable.Range(0, Many).Select(i => areGuests ? fixture.Auth.Accounts.AddGuestAsync(Name(i)) : AddPersonAsync(fixture, i)).ToList();
        var before = _log.Syncs;
        go.Set();
        await busy;
        Assert.All(await Task.WhenAll(coming), one => Assert.Equal("ok", AuthFixture.Code(one)));

        Assert.InRange(_log.Syncs - before, 1, Many / 10);
        Assert.Equal(Many + 1, fixture.Auth.Accounts.All.Count);
        Assert.Equal(Many + 1, (await fixture.Store.Documents.PageAsync("accounts", null, DocumentLimits.Page)).Count);
    }

    [Fact]
    public async Task Fault_R9_A_name_is_taken_from_the_moment_it_is_asked_for_and_given_back_if_it_is_not_stored()
    {
        await using var fixture = await AuthFixture.OpenOnAsync(new StoreFiles(_folder.DataFile, _data, _log));
        await fixture.RegisterAsync("first");
        using ManualResetEventSlim go = new();
        var busy = fixture.Store.WriteAsync(_ => go.Wait());
        var quick = fixture.Auth.Accounts.AddGuestAsync("Zoe");
        var late = fixture.Auth.Accounts.AddGuestAsync("zoë");
        Assert.Equal("nickname:looks_taken", AuthFixture.Code(await late));
        Assert.False(quick.IsCompleted);

        _data.FailsToSync = _log.FailsToSync = true;
        go.Set();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => busy);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => quick);
        _data.FailsToSync = _log.FailsToSync = false;

        // Of a failed write it is not known whether it was made: here it was, or it was not, and then she may ask again.
        var again = AuthFixture.Code(await fixture.Auth.Accounts.AddGuestAsync("Zoe"));
        Assert.Contains(again, new[] { "ok", "nickname:looks_taken" });
        Assert.Single(fixture.Auth.Accounts.All, account => account.DisplayName == "Zoe");
    }

    private static Task<Auth.Outcomes.Outcome<Auth.Accounts.Account>> AddPersonAsync(AuthFixture fixture, int number)
    {
        Assert.True(UserName.TryParse("somebody-" + Name(number).ToLowerInvariant(), out var userName));
        Assert.True(EmailAddress.TryParse($"{Name(number)}@example.org", out var email));
        return fixture.Auth.Accounts.AddPersonAsync(userName, Name(number), email, Credential);
    }

    // None looks like another.
    private static string Name(int number) => $"Z{"abcdegkm"[number / 8]}{"abcdegkm"[number % 8]}t";
}
