using System.Diagnostics.CodeAnalysis;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Passwords;

/// <summary>Lets whoever holds its secret choose a new password for an account, once, within an hour.</summary>
/// <param name="PasswordStamp">Of the password that it replaces: with that one it is over, whoever set another.</param>
public sealed record PasswordLink(Account Account, DateTimeOffset ExpiresAt, string PasswordStamp)
{
    internal SecretHash SecretHash { get; init; }
}

/// <summary>What became of the operator's wish for a link.</summary>
public enum PasswordLinkResult
{
    Done,
    NoSuchAccount,

    /// <summary>A guest has no password.</summary>
    Guest,

    /// <summary>It would open nothing.</summary>
    Banned,

    /// <summary>Who asks may not, by the time that it would be made.</summary>
    NotAllowed,
}

/// <param name="Account">Null: there is none.</param>
/// <param name="Secret">Exists nowhere else: only its hash is kept.</param>
public sealed record PasswordLinkOutcome(PasswordLinkResult Result, Account? Account, PasswordLink? Link = null, string? Secret = null)
{
    [MemberNotNullWhen(true, nameof(Link), nameof(Secret))]
    public bool IsDone => Result == PasswordLinkResult.Done;

    // A record would print the secret.
    public override string ToString() => $"{Result} {Account?.UserName}";
}
