using System.Collections.Concurrent;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Accounts;

/// <summary>All accounts, in memory: read once at start, and changed only after the store has the change.</summary>
/// <remarks>
/// Finding is lock-free. Changes go through the write gate; <c>_names</c> has a leaf lock of its own.
/// Those who are new take their names under the gate and are stored outside it, so that all who come at once share a sync (fault R9).
/// </remarks>
public sealed partial class AccountDirectory
{
    private readonly IAccountStore _store;
    private readonly WriteGate _gate;
    private readonly TimeProvider _time;
    private readonly AccountIndex _index = new();
    private readonly NameIndex _names;

    // There is, or has been, a person. It never becomes false again.
    private volatile bool _hasHadPersons;

    // A write has failed, so the store may know more than memory does. It becomes false under the write gate.
    private volatile bool _isUncertain;

    // New accounts on their way into the store, begun under the write gate.
    private readonly ConcurrentDictionary<Account, Task<Outcome<Account>>> _additions = new();

    private volatile int _standingsChanged;

    private AccountDirectory(IAccountStore store, WriteGate gate, TimeProvider time) =>
        (_store, _gate, _time, _names) = (store, gate, time, new NameIndex(time));

    internal static async Task<AccountDirectory> LoadAsync(IAccountStore store, WriteGate gate, TimeProvider time)
    {
        AccountDirectory directory = new(store, gate, time);
        await foreach (var record in store.ReadAllAsync())
        {
            directory.Remember(record);
        }

        directory._hasHadPersons = await store.HasHadPersonsAsync();
        return directory;
    }

    /// <summary>Nobody has registered yet: whoever does is the administrator.</summary>
    internal bool AwaitsFirstPerson => !_hasHadPersons;

    /// <summary>Another number whenever an account may have been banned or erased; who ends login sessions for it looks then.</summary>
    internal int StandingsChanged => _standingsChanged;

    /// <summary>A copy; guests and persons.</summary>
    public IReadOnlyCollection<Account> All => _index.All;

    public Account? Find(string id) => _index.Find(id);

    internal bool Knows(Account account) => _index.Find(account.Id) == account;

    /// <summary>By user name as people type it: case and width do not matter, looks do.</summary>
    public Account? FindByUserName(string? userName) => _index.FindByUserName(userName);

    /// <summary>By e-mail address or user name.</summary>
    internal Account? FindByLogin(string? login) =>
        login is not null && login.Contains('@', StringComparison.Ordinal)
            ? _index.FindByEmail(login)
            : FindByUserName(login?.Trim());

    /// <param name="guest">Who registers, and keeps the nickname; null for somebody who comes from outside.</param>
    internal async Task<Outcome<Account>> AddPersonAsync(
        UserName userName, string displayName, EmailAddress email, PasswordHash credential, Account? guest = null)
    {
        Task<Outcome<Account>> added;
        using (await _gate.EnterAsync())
        {
            await ReconcileUnderGateAsync();
            Profile profile = new(userName.Value, displayName, email.Value, IsAdministrator: false);
            var worn = (_names.HasUserName(userName.Value, guest) ? Conflicts.Look : Conflicts.None)
                | ((/* guard: display names that look like others, at registering */ _names.HasDisplayName(displayName, guest)) ? Conflicts.DisplayName : Conflicts.None);
            added = Begin(new AccountRecord(NewId(), AccountKind.Person, _time.GetUtcNow(), profile, credential), worn);
            await StoredForOthersAsync(added);
        }

        return await added;
    }

    internal async Task<Outcome<Account>> AddGuestAsync(string nickname)
    {
        Task<Outcome<Account>> added;
        using (await _gate.EnterAsync())
        {
            await ReconcileUnderGateAsync();
            if (/* guard: nicknames that look like others */ _names.HasDisplayName(nickname, but: null))
            {
                return new Refusal.Fields("nickname", FieldCodes.LooksTaken, ClaimRefusal.NameIsTaken);
            }

            string userName;
            do
            {
                userName = UserName.GuestPrefix + Secret.CreateId()[..10].ToLowerInvariant();
            }
            while (_index.HasUserName(userName));

            Profile profile = new(userName, nickname, Email: null, IsAdministrator: false);
            added = Begin(new AccountRecord(NewId(), AccountKind.Guest, _time.GetUtcNow(), profile, Credential: null), Conflicts.None);
            await StoredForOthersAsync(added);
        }

        return await added;
    }

    /// <summary>A guest comes back: whose nickname somebody else has by now gets a number behind it, the first that makes it his
    /// own.</summary>
    /// <returns>Whether he is called otherwise now.</returns>
    internal async Task<bool> ReturnAsync(Account guest)
    {
        // Asked outside the gate, at each return: almost always nothing is to be done.
        if (!guest.IsGuest || !_names.HasDisplayName(guest.DisplayName, guest))
        {
            return false;
        }

        using var entry = await _gate.EnterAsync();
        await ReconcileUnderGateAsync();
        if (guest.IsErased || guest.Ban is not null || !_names.HasDisplayName(guest.DisplayName, guest))
        {
            return false;
        }

        var number = 2;
        while (_names.HasDisplayName(DisplayName.Numbered(guest.DisplayName, number), guest))
        {
            number++;
        }

        var profile = guest.Profile with { DisplayName = DisplayName.Numbered(guest.DisplayName, number) };
        if ((await WriteAsync(() => _store.ReplaceAsync(RecordOf(guest) with { Profile = profile }))).Stored is not { } stored)
        {
            return false;
        }

        Apply(guest, stored);
        return true;
    }

    /// <summary>The change holds only if the credential is still the one that the caller has checked.</summary>
    /// <param name="stillRight">What else must hold, asked under the gate; null: nothing.</param>
    internal async Task<Outcome<Account>> ReplaceAsync(
        Account account, PasswordHash verified, Func<Profile, Profile> change, PasswordHash credential, Func<bool>? stillRight = null)
    {
        using var entry = await _gate.EnterAsync();
        await ReconcileUnderGateAsync();
        if (account.Ban is { } ban)
        {
            return new Refusal.Banned(ban.Text, ban.Reason);
        }

        if (account.IsErased || !ReferenceEquals(account.Credential, verified) || stillRight?.Invoke() == false)
        {
            return new Refusal.BadCredentials();
        }

        var (before, after) = (account.Profile, change(account.Profile));

        // A name that was given before this rule is kept, however many have it, and its owner may write it in another way.
        var wearsUserName = after.UserName != before.UserName && _names.HasUserName(after.UserName, account);
        var wearsName = !Looks.IsWithin(after.DisplayName, before.DisplayName) && /* guard: display names that look like others, later */ _names.HasDisplayName(after.DisplayName, account);
        var worn = (wearsUserName ? Conflicts.Look : Conflicts.None) | (wearsName ? Conflicts.DisplayName : Conflicts.None);
        var claim = await WriteAsync(() => _store.ReplaceAsync(RecordOf(account) with { Profile = after, Credential = credential }, worn));
        if (claim.Stored is not { } stored)
        {
            return ClaimRefusal.Of(claim.Conflicts);
        }

        Apply(account, stored);
        return account;
    }

    /// <summary>The caller holds the gate. On failure it may have been stored all the same; the directory finds out when the store works
    /// again.</summary>
    internal async Task SetStandingAsync(Account account, Standing standing)
    {
        // First: it makes of memory what the store has, which does not know of the ban yet.
        await ReconcileUnderGateAsync();
        var before = account.Standing;

        // A ban counts from here on, for MQTT too, which does not take the gate; the end of one only when it is stored.
        account.Standing = standing.Ban is null ? before : standing;
        try
        {
            await WriteReconciledAsync(() => _store.ReplaceAsync(RecordOf(account) with { Standing = standing }));
        }
        catch
        {
            account.Standing = before;
            throw;
        }

        account.Standing = standing;
        Interlocked.Increment(ref _standingsChanged);
    }

    /// <summary>The caller holds the gate. False: its names are another's by now, and nothing was changed.</summary>
    internal async Task<bool> SetAdministratorAsync(Account account, bool isAdministrator)
    {
        var profile = account.Profile with { IsAdministrator = isAdministrator };
        if ((await WriteAsync(() => _store.ReplaceAsync(RecordOf(account) with { Profile = profile }))).Stored is not { } stored)
        {
            return false;
        }

        Apply(account, stored);
        return true;
    }

    /// <summary>The caller has marked them erased, under the gate that it holds.</summary>
    internal async Task RemoveAsync(IReadOnlyCollection<Account> accounts)
    {
        await WriteAsync(async () =>
        {
            await _store.RemoveAsync([.. accounts.Select(account => account.Id)]);
            return true;
        });
        foreach (var account in accounts)
        {
            Forget(account);
        }
    }

    /// <summary>After a failed write, when the store works again: makes memory what the store has. Otherwise nothing.</summary>
    internal async Task ReconcileAsync()
    {
        if (!_gate.IsAlone && !_isUncertain)
        {
            // The other nodes' turn is not taken for nothing.
            return;
        }

        using var entry = await _gate.EnterAsync();
        await ReconcileUnderGateAsync();
    }

    /// <summary>The same for a caller that holds the gate.</summary>
    internal async Task ReconcileUnderGateAsync()
    {
        if (!_isUncertain)
        {
            return;
        }

        // None begins while the gate is held, and those that failed have made it uncertain before they were over.
        await ((Task)Task.WhenAll(_additions.Values)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var records = await _store.ReadAllAsync().ToListAsync();
        foreach (var record in records)
        {
            if (_index.Find(record.Id) is not { } account)
            {
                Remember(record);
            }
            else if (account.Profile != record.Profile || account.Credential?.Encoded != record.Credential?.Encoded || account.Standing != record.Standing)
            {
                Apply(account, record);
            }
        }

        var stored = records.Select(record => record.Id).ToHashSet();
        foreach (var account in _index.All.Where(account => !stored.Contains(account.Id)))
        {
            // The sweep ends its login sessions.
            account.IsErased = true;
            Forget(account);
        }

        _isUncertain = false;
        Interlocked.Increment(ref _standingsChanged);
    }

    private async Task<T> WriteAsync<T>(Func<Task<T>> write)
    {
        await ReconcileUnderGateAsync();
        return await WriteReconciledAsync(write);
    }

    private async Task<T> WriteReconciledAsync<T>(Func<Task<T>> write)
    {
        try
        {
            return await write();
        }
        catch
        {
            _isUncertain = true;
            throw;
        }
    }

    /// <summary>Under the write gate: takes the names of a new account, and begins to store it. Its names are given back if it is
    /// not.</summary>
    private Task<Outcome<Account>> Begin(AccountRecord record, Conflicts worn)
    {
        var account = New(record);
        if (worn == Conflicts.None)
        {
            _names.Add(account, record.Profile);
        }

        var added = AddAsync(account, record, worn);
        if (!added.IsCompleted)
        {
            _additions[account] = added;
            _ = added.ContinueWith(
                _ => _additions.TryRemove(account, out var _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        return added;
    }

    private async Task<Outcome<Account>> AddAsync(Account account, AccountRecord record, Conflicts worn)
    {
        var isStored = false;
        try
        {
            var claim = await _store.AddAsync(record, worn);
            if (claim.Stored is not { } stored)
            {
                return ClaimRefusal.Of(claim.Conflicts);
            }

            isStored = true;
            account.Profile = stored.Profile;
            Enter(account);
            return account;
        }
        catch
        {
            _isUncertain = true;
            throw;
        }
        finally
        {
            if (!isStored && worn == Conflicts.None)
            {
                _names.Remove(account, record.Profile, keep: null);
            }
        }
    }

    private static AccountRecord RecordOf(Account account) =>
        new(account.Id, account.Kind, account.CreatedAt, account.Profile, account.Credential) { Standing = account.Standing };

    private void Apply(Account account, AccountRecord record)
    {
        // New names first, so that the account can be found at every moment.
        var before = account.Profile;
        _index.AddLogins(account, record.Profile);
        _names.Add(account, record.Profile);
        account.Credential = record.Credential;
        account.Standing = record.Standing;
        account.Profile = record.Profile;
        _index.RemoveLogins(account, before, keep: record.Profile);
        _names.Remove(account, before, keep: record.Profile);
    }

    private void Forget(Account account)
    {
        _index.Remove(account);
        _names.Remove(account, account.Profile, keep: null);
    }

    private void Remember(AccountRecord record)
    {
        var account = New(record);
        _names.Add(account, record.Profile);
        Enter(account);
    }

    private static Account New(AccountRecord record) =>
        new(record.Id, record.Kind, record.CreatedAt, record.Profile) { Credential = record.Credential, Standing = record.Standing };

    // Its names are taken.
    private void Enter(Account account)
    {
        if (!account.IsGuest)
        {
            _hasHadPersons = true;
        }

        _index.Add(account);
    }

    private static string NewId() => "a" + Secret.CreateId();
}
