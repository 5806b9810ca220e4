using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Tests.Accounts;

/// <summary>What every <see cref="IAccountStore"/> does; one subclass for each implementation.</summary>
public abstract class AccountStoreContract : IAsyncLifetime
{
    private static readonly PasswordHash Credential = new(AuthFixture.Cheap, new byte[16], new byte[32]);

    /// <summary>An <see cref="IAccountStore"/>. Typed so because the test class is public and the port is not.</summary>
    protected abstract object Open();

    protected abstract Task CloseAsync();

    private IAccountStore Store { get; set; } = null!;

    public ValueTask InitializeAsync()
    {
        Store = (IAccountStore)Open();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_is_added_is_read_as_it_was()
    {
        var person = (await Store.AddAsync(Person("1", "ana", "Ana@Example.org"))).Stored!;
        var guest = (await Store.AddAsync(Guest("2", "guest-x"))).Stored!;

        var all = await AllAsync();

        Assert.Equal(2, all.Count);
        Assert.Equal(person with { Credential = null }, all.Single(one => one.Id == "1") with { Credential = null });
        Assert.Equal(person.Credential!.Encoded, all.Single(one => one.Id == "1").Credential!.Encoded);
        Assert.Equal(guest, all.Single(one => one.Id == "2"));
    }

    [Fact]
    public async Task The_first_person_is_the_administrator_and_nobody_after()
    {
        Assert.False((await Store.AddAsync(Guest("0", "guest-x"))).Stored!.Profile.IsAdministrator);
        Assert.True((await Store.AddAsync(Person("1", "ana"))).Stored!.Profile.IsAdministrator);
        Assert.False((await Store.AddAsync(Person("2", "bob"))).Stored!.Profile.IsAdministrator);
        await Store.RemoveAsync(["1", "2"]);
        Assert.False((await Store.AddAsync(Person("3", "carl"))).Stored!.Profile.IsAdministrator);
    }

    [Fact]
    public async Task Attack_34_A_user_name_its_look_and_an_email_have_one_owner()
    {
        Assert.Equal(Conflicts.None, (await Store.AddAsync(Person("1", "bob", "bob@example.org"))).Conflicts);
        Assert.Equal(Conflicts.UserName, (await Store.AddAsync(Person("2", "bob", "b@example.org"))).Conflicts);
        Assert.Equal(Conflicts.Look, (await Store.AddAsync(Person("2", "b0b", "b@example.org"))).Conflicts);
        Assert.Equal(Conflicts.Email, (await Store.AddAsync(Person("2", "carl", "BOB@example.org"))).Conflicts);
        Assert.Equal(Conflicts.Look | Conflicts.Email, (await Store.AddAsync(Person("2", "b0b", "BOB@example.org"))).Conflicts);
        Assert.Single(await AllAsync());
        Assert.Equal(Conflicts.None, (await Store.AddAsync(Person("2", "carl", "b@example.org"))).Conflicts);
    }

    [Fact]
    public async Task Fault_P4_A_conflict_that_the_caller_knows_is_named_with_the_others_and_nothing_is_stored()
    {
        await Store.AddAsync(Person("1", "bob", "bob@example.org"));
        await Store.AddAsync(Person("2", "carl", "carl@example.org"));

        Assert.Equal(Conflicts.DisplayName, (await Store.AddAsync(Person("3", "dora"), Conflicts.DisplayName)).Conflicts);
        var added = await Store.AddAsync(Person("3", "bob"), Conflicts.DisplayName);
        Assert.Equal(Conflicts.DisplayName | Conflicts.UserName, added.Conflicts);
        var replaced = await Store.ReplaceAsync(Person("2", "carla", "bob@example.org"), Conflicts.DisplayName);
        Assert.Equal(Conflicts.DisplayName, replaced.Conflicts);

        Assert.Equal(["bob", "carl"], (await AllAsync()).Select(one => one.Profile.UserName).Order());
        Assert.Equal(Conflicts.None, (await Store.AddAsync(Person("3", "dora"))).Conflicts);
    }

    [Fact]
    public async Task Attack_34_Of_many_who_claim_one_name_at_the_same_time_one_gets_it()
    {
        var claims = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Store.AddAsync(Person("p" + i, i % 2 == 0 ? "bob" : "b0b"))));

        Assert.Single(claims, claim => claim.Stored is not null);
        Assert.Single(await AllAsync());
    }

    [Fact]
    public async Task Attack_79_A_released_user_name_is_its_former_owners_only()
    {
        await Store.AddAsync(Person("1", "ana"));
        Assert.Equal(Conflicts.None, (await Store.ReplaceAsync(Person("1", "ana-maria"))).Conflicts);

        Assert.Equal(Conflicts.UserName, (await Store.AddAsync(Person("2", "ana"))).Conflicts);
        Assert.Equal(Conflicts.None, (await Store.ReplaceAsync(Person("1", "ana"))).Conflicts);
        Assert.Equal(Conflicts.UserName, (await Store.AddAsync(Person("2", "ana-maria"))).Conflicts);
    }

    [Fact]
    public async Task Attack_79_An_erased_user_name_is_nobodys_and_its_email_is_free()
    {
        await Store.AddAsync(Person("1", "ana", "ana@example.org"));
        await Store.RemoveAsync(["1", "unknown"]);

        Assert.Empty(await AllAsync());
        Assert.Equal(Conflicts.UserName, (await Store.AddAsync(Person("2", "ana", "ana@example.org"))).Conflicts);
        Assert.Equal(Conflicts.None, (await Store.AddAsync(Person("2", "bia", "ana@example.org"))).Conflicts);
    }

    [Fact]
    public async Task A_changed_email_frees_the_old_one()
    {
        await Store.AddAsync(Person("1", "ana", "old@example.org"));
        await Store.ReplaceAsync(Person("1", "ana", "new@example.org"));

        Assert.Equal(Conflicts.Email, (await Store.AddAsync(Person("2", "bob", "new@example.org"))).Conflicts);
        Assert.Equal(Conflicts.None, (await Store.AddAsync(Person("2", "bob", "old@example.org"))).Conflicts);
    }

    [Fact]
    public async Task Fault_S13_A_change_to_anothers_email_is_kept_and_takes_nothing_from_its_owner()
    {
        await Store.AddAsync(Person("1", "ana", "ana@example.org"));
        await Store.AddAsync(Person("2", "bob", "bob@example.org"));

        var stored = (await Store.ReplaceAsync(Person("2", "bob", "ANA@example.org"))).Stored!;
        Assert.Equal(("ANA@example.org", false), (stored.Profile.Email, stored.Profile.SignsInByEmail));
        Assert.Equal(stored.Profile, (await AllAsync()).Single(one => one.Id == "2").Profile);

        // His own old one is free, and what he does next does not free hers.
        Assert.Equal(Conflicts.None, (await Store.AddAsync(Person("3", "carl", "bob@example.org"))).Conflicts);
        await Store.ReplaceAsync(stored with { Profile = stored.Profile with { Email = "new@example.org" } });
        Assert.Equal(Conflicts.Email, (await Store.AddAsync(Person("4", "dora", "ana@example.org"))).Conflicts);
        await Store.ReplaceAsync(Person("2", "bob", "ana@example.org"));
        await Store.RemoveAsync(["2"]);
        Assert.Equal(Conflicts.Email, (await Store.AddAsync(Person("4", "dora", "ana@example.org"))).Conflicts);
    }

    [Fact]
    public async Task Fault_S12_Whether_there_has_been_a_person_outlives_him()
    {
        await Store.AddAsync(Guest("0", "guest-x"));
        Assert.False(await Store.HasHadPersonsAsync());
        await Store.AddAsync(Person("1", "ana"));
        Assert.True(await Store.HasHadPersonsAsync());
        await Store.RemoveAsync(["1"]);
        Assert.True(await Store.HasHadPersonsAsync());
    }

    [Fact]
    public async Task A_ban_is_read_as_it_was_and_so_is_its_end()
    {
        await Store.AddAsync(Person("1", "ana"));
        var banned = Standing.Good.With(new Ban(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_456), "spam 🦊"));
        var silently = banned.Lifted.With(new Ban(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_789), null));
        foreach (var standing in new[] { banned, banned.Lifted, silently })
        {
            Assert.Equal(Conflicts.None, (await Store.ReplaceAsync(Person("1", "ana") with { Standing = standing })).Conflicts);

            Assert.Equal(standing, Assert.Single(await AllAsync()).Standing);
        }

        Assert.Equal(2, silently.TimesBanned);
    }

    [Fact]
    public async Task A_refused_change_changes_nothing()
    {
        await Store.AddAsync(Person("1", "ana", "ana@example.org"));
        await Store.AddAsync(Person("2", "bob", "bob@example.org"));

        Assert.Equal(Conflicts.UserName, (await Store.ReplaceAsync(Person("2", "ana", "carl@example.org"))).Conflicts);

        Assert.Equal("bob", (await AllAsync()).Single(one => one.Id == "2").Profile.UserName);
        Assert.Equal(Conflicts.None, (await Store.AddAsync(Person("3", "carl", "carl@example.org"))).Conflicts);
    }

    [Fact]
    public async Task Replacing_what_is_not_stored_is_an_error() =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => Store.ReplaceAsync(Person("9", "nobody-here")));

    private async Task<List<AccountRecord>> AllAsync() => await Store.ReadAllAsync().ToListAsync(TestContext.Current.CancellationToken);

    private static AccountRecord Person(string id, string userName, string? email = null) => new(
        id,
        AccountKind.Person,
        DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123),
        new Profile(userName, userName.ToUpperInvariant() + " 🦊", email ?? userName + id + "@example.org", IsAdministrator: false),
        Credential);

    private static AccountRecord Guest(string id, string userName) => new(
        id, AccountKind.Guest, DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123), new Profile(userName, " Nick", Email: null, IsAdministrator: false), Credential: null);
}

public sealed class AccountStoreTests : AccountStoreContract
{
    private readonly string _folder = Directory.CreateTempSubdirectory("account-store-").FullName;
    private DocumentStore _documents = null!;

    protected override object Open()
    {
        _documents = DocumentStore.Open(Path.Combine(_folder, "accounts.db"));
        return new AccountStore(_documents.Documents);
    }

    protected override async Task CloseAsync()
    {
        await _documents.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
