using WebMessenger.Auth.Names;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Accounts;

/// <summary>An account as it is stored.</summary>
internal sealed record AccountRecord(string Id, AccountKind Kind, DateTimeOffset CreatedAt, Profile Profile, PasswordHash? Credential)
{
    public Standing Standing { get; init; } = Standing.Good;
}

/// <summary>Why a user name or e-mail was not granted.</summary>
[Flags]
internal enum Conflicts
{
    None = 0,

    /// <summary>Another account has, or had, exactly this user name.</summary>
    UserName = 1,

    /// <summary>Another account has, or had, a user name that looks like this one, or is called so.</summary>
    Look = 2,

    Email = 4,

    /// <summary>Another account is called so, or has a user name that looks like it.</summary>
    DisplayName = 8,

    /// <summary>The account has, and had, as many user names as one may: all of them stay taken.</summary>
    TooManyUserNames = 16,
}

/// <summary>What became of a claim. <see cref="Stored"/> is null when there were conflicts.</summary>
internal sealed record Claim(Conflicts Conflicts, AccountRecord? Stored);

/// <summary>
/// Accounts on disk, and the one place where "unique" is decided.
/// </summary>
/// <remarks>
/// Contract, the same for every implementation (one suite of tests runs against each): a task completes once its change is durable, and a
/// change happens wholly or not at all. Unique, also between callers at the same time: the look of a person's user name
/// (<see cref="Looks.OfUserName"/>) and <see cref="EmailAddress.Key"/>. A look once granted stays its owner's for ever, whether renamed or
/// erased: only that account may take it again. Guests claim neither. The first person ever stored becomes administrator, and no later one
/// by itself. An e-mail address that another account signs in by is a conflict for a new account; an account that has one already keeps it
/// as text and does not sign in by it (<see cref="Profile.SignsInByEmail"/>), so that changing it tells nothing.
/// Display names are not claimed here, see <see cref="NameIndex"/>. Thread-safe.
/// Throws when the store does not work; the change may have been made or not then, and reading tells.
/// </remarks>
internal interface IAccountStore
{
    IAsyncEnumerable<AccountRecord> ReadAllAsync();

    /// <summary>There is, or has been, a person: nobody becomes administrator by registering.</summary>
    Task<bool> HasHadPersonsAsync();

    /// <param name="known">What the caller found itself: with any of it nothing is stored, and the answer names all conflicts.</param>
    Task<Claim> AddAsync(AccountRecord account, Conflicts known = Conflicts.None);

    /// <summary>Replaces profile, credential and standing, claiming what is new in them. An id that is not stored is an error.</summary>
    /// <param name="known">As for adding.</param>
    Task<Claim> ReplaceAsync(AccountRecord account, Conflicts known = Conflicts.None);

    /// <summary>
    /// Removes the account and frees its e-mail address; its user names stay taken. An unknown id is no error.
    /// With the same change it is noted as erased (<see cref="ErasedAccounts"/>), until whatever else is kept of it is gone.
    /// </summary>
    Task RemoveAsync(IReadOnlyCollection<string> ids);
}
