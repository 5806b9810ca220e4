using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Tests.Accounts;

/// <summary>
/// A write that fails may be on disk all the same: then memory must learn of it, or a name stays taken by nobody until the next start.
/// </summary>
public sealed class UncertainWriteTests : IAsyncLifetime
{
    private static readonly PasswordHash Credential = new(AuthFixture.Cheap, new byte[16], new byte[32]);

    private readonly string _folder = Directory.CreateTempSubdirectory("uncertain-").FullName;
    private readonly WriteGate _gate = new();
    private DocumentStore _documents = null!;
    private FailingStore _store = null!;
    private AccountDirectory _directory = null!;

    public async ValueTask InitializeAsync()
    {
        _documents = DocumentStore.Open(Path.Combine(_folder, "accounts.db"));
        _store = new FailingStore(new AccountStore(_documents.Documents));
        _directory = await AccountDirectory.LoadAsync(_store, _gate, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        await _documents.DisposeAsync();
        _gate.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_registration_that_was_stored_after_all_is_known_when_the_store_works_again()
    {
        _store.Failure = Failure.AfterWriting;
        await Assert.ThrowsAsync<IOException>(() => AddAsync("ana"));
        Assert.Null(_directory.FindByUserName("ana"));

        _store.Failure = Failure.None;
        Assert.Equal("ok", await AddAsync("bob"));

        Assert.Equal("userName:taken", await AddAsync("ana"));
        Assert.NotNull(_directory.FindByUserName("ana"));
    }

    [Fact]
    public async Task A_registration_that_was_not_stored_can_be_repeated()
    {
        _store.Failure = Failure.BeforeWriting;
        await Assert.ThrowsAsync<IOException>(() => AddAsync("ana"));

        _store.Failure = Failure.None;

        Assert.Equal("ok", await AddAsync("ana"));
    }

    [Fact]
    public async Task A_change_that_was_stored_after_all_is_in_force_and_ends_sign_ins_by_what_was_before()
    {
        await AddAsync("ana");
        var account = _directory.FindByUserName("ana")!;
        PasswordHash changed = new(AuthFixture.Cheap, new byte[16], [1, .. new byte[31]]);
        _store.Failure = Failure.AfterWriting;
        await Assert.ThrowsAsync<IOException>(() => _directory.ReplaceAsync(account, Credential, profile => profile with { UserName = "bia" }, changed));
        Assert.Equal("ana", account.UserName);

        _store.Failure = Failure.None;
        await _directory.ReconcileAsync();

        Assert.Equal("bia", account.UserName);
        Assert.Same(account, _directory.FindByUserName("bia"));
        Assert.Null(_directory.FindByUserName("ana"));
        Assert.Equal("BadCredentials", AuthFixture.Code(await _directory.ReplaceAsync(account, Credential, profile => profile, Credential)));
    }

    [Fact]
    public async Task A_ban_that_was_stored_after_all_is_in_force()
    {
        await AddAsync("ana");
        var account = _directory.FindByUserName("ana")!;
        var banned = account.Standing.With(new Ban(DateTimeOffset.UnixEpoch, "spam"));
        _store.Failure = Failure.AfterWriting;
        await Assert.ThrowsAsync<IOException>(() => _directory.SetStandingAsync(account, banned));
        Assert.Null(account.Ban);

        _store.Failure = Failure.None;
        await _directory.ReconcileAsync();

        Assert.Equal(banned, account.Standing);
    }

    [Fact]
    public async Task A_ban_counts_while_it_is_stored_also_after_a_write_that_failed()
    {
        await AddAsync("ana");
        var account = _directory.FindByUserName("ana")!;
        _store.Failure = Failure.AfterWriting;
        await Assert.ThrowsAsync<IOException>(() => AddAsync("bia"));
        _store.Failure = Failure.None;
        Ban? whileStored = null;
        _store.Replacing = () => whileStored = account.Ban;

        var ban = new Ban(DateTimeOffset.UnixEpoch, "spam");
        await _directory.SetStandingAsync(account, account.Standing.With(ban));

        Assert.Equal(ban, whileStored);
        Assert.Equal(ban, account.Ban);
        Assert.NotNull(_directory.FindByUserName("bia"));
    }

    [Fact]
    public async Task An_account_that_was_erased_after_all_is_gone()
    {
        await AddAsync("ana");
        var account = _directory.FindByUserName("ana")!;
        _store.Failure = Failure.AfterWriting;
        await Assert.ThrowsAsync<IOException>(() => _directory.RemoveAsync([account]));
        Assert.True(_directory.Knows(account));

        _store.Failure = Failure.None;
        await _directory.ReconcileAsync();

        Assert.False(_directory.Knows(account));
        Assert.True(account.IsErased);
    }

    [Fact]
    public async Task Fault_R9_Who_is_on_the_way_into_the_store_while_memory_is_mended_is_there_once_and_stays()
    {
        TaskCompletionSource stored = new(), told = new();
        _store.Holds = (stored, told.Task);
        var slow = AddAsync("ana");
        await stored.Task;
        _store.Holds = null;
        _store.Failure = Failure.AfterWriting;
        await Assert.ThrowsAsync<IOException>(() => AddAsync("bia"));
        _store.Failure = Failure.None;

        // She is stored, and nobody knows it yet: who mends the memory now must wait for her.
        var mended = _directory.ReconcileAsync();
        var next = AddAsync("carl");
        Assert.False(mended.IsCompleted || next.IsCompleted);
        told.SetResult();

        Assert.Equal(["ok", "ok"], [await slow, await next]);
        await mended;
        Assert.Equal(["ana", "bia", "carl"], _directory.All.Select(account => account.UserName).Order());
        Assert.DoesNotContain(_directory.All, account => account.IsErased);
        Assert.Same(_directory.Find(_directory.FindByUserName("ana")!.Id), _directory.FindByUserName("ana"));
    }

    private async Task<string> AddAsync(string name)
    {
        Assert.True(UserName.TryParse(name, out var userName));
        Assert.True(EmailAddress.TryParse(name + "@example.org", out var email));
        return AuthFixture.Code(await _directory.AddPersonAsync(userName, name, email, Credential)).Split(" email")[0];
    }

    private enum Failure
    {
        None,
        BeforeWriting,
        AfterWriting,
    }

    /// <summary>The real store behind a disk that fails before or after the write.</summary>
    private sealed class FailingStore(IAccountStore real) : IAccountStore
    {
        public Failure Failure { get; set; }

        /// <summary>Said when an account is stored, and what is waited for before its writer hears of it; null: nothing is.</summary>
        public (TaskCompletionSource Stored, Task Told)? Holds { get; set; }

        /// <summary>Called when an account is about to be stored anew.</summary>
        public Action? Replacing { get; set; }

        public IAsyncEnumerable<AccountRecord> ReadAllAsync() => real.ReadAllAsync();

        public Task<bool> HasHadPersonsAsync() => real.HasHadPersonsAsync();

        public Task<Claim> AddAsync(AccountRecord account, Conflicts known) => FailAsync(async () =>
        {
            var held = Holds;
            var claim = await real.AddAsync(account, known);
            held?.Stored.SetResult();
            await (held?.Told ?? Task.CompletedTask);
            return claim;
        });

        public Task<Claim> ReplaceAsync(AccountRecord account, Conflicts known)
        {
            Replacing?.Invoke();
            return FailAsync(() => real.ReplaceAsync(account, known));
        }

        public Task RemoveAsync(IReadOnlyCollection<string> ids) => FailAsync(async () =>
        {
            await real.RemoveAsync(ids);
            return true;
        });

        private async Task<T> FailAsync<T>(Func<Task<T>> write)
        {
            if (Failure == Failure.BeforeWriting)
            {
                throw new IOException("disk");
            }

            var result = await write();
            return Failure == Failure.AfterWriting ? throw new IOException("disk") : result;
        }
    }
}
