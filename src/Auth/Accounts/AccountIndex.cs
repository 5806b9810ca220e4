using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using WebMessenger.Auth.Names;

namespace WebMessenger.Auth.Accounts;

/// <summary>Accounts by what they are found by: id, user name, and the e-mail address of those who sign in by it.</summary>
/// <remarks>Finding is lock-free, from any thread. Who changes it holds the write gate, or adds what is new.</remarks>
internal sealed class AccountIndex
{
    private readonly ConcurrentDictionary<string, Account> _byId = new();
    private readonly ConcurrentDictionary<string, Account> _byUserName = new();
    private readonly ConcurrentDictionary<string, Account> _byEmail = new();

    /// <summary>A copy.</summary>
    public IReadOnlyCollection<Account> All => [.. _byId.Values];

    public Account? Find(string id) => _byId.GetValueOrDefault(id);

    public Account? FindByUserName(string? userName) =>
        UserName.TryParse(userName, out var parsed) ? _byUserName.GetValueOrDefault(parsed.Value) : null;

    public Account? FindByEmail(string address) =>
        EmailAddress.TryParse(address, out var email) ? _byEmail.GetValueOrDefault(email.Key) : null;

    public bool HasUserName(string userName) => _byUserName.ContainsKey(userName);

    public void Add(Account account)
    {
        _byId[account.Id] = account;
        AddLogins(account, account.Profile);
    }

    public void Remove(Account account)
    {
        _byId.TryRemove(account.Id, out _);
        RemoveLogins(account, account.Profile, keep: null);
    }

    public void AddLogins(Account account, Profile profile)
    {
        _byUserName[profile.UserName] = account;
        if (TryEmailKey(profile, out var email))
        {
            _byEmail[email] = account;
        }
    }

    /// <param name="keep">What the account is found by from now on; null: nothing.</param>
    public void RemoveLogins(Account account, Profile profile, Profile? keep)
    {
        if (profile.UserName != keep?.UserName)
        {
            _byUserName.TryRemove(KeyValuePair.Create(profile.UserName, account));
        }

        if (TryEmailKey(profile, out var email) && !(keep is not null && TryEmailKey(keep, out var kept) && kept == email))
        {
            _byEmail.TryRemove(KeyValuePair.Create(email, account));
        }
    }

    private static bool TryEmailKey(Profile profile, [NotNullWhen(true)] out string? key)
    {
        key = profile.SignsInByEmail && EmailAddress.TryParse(profile.Email, out var email) ? email.Key : null;
        return key is not null;
    }
}
