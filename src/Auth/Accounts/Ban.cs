using System.Diagnostics.CodeAnalysis;
using WebMessenger.Auth.Names;

namespace WebMessenger.Auth.Accounts;

/// <summary>Since when an account is shut out, and why.</summary>
/// <param name="Reason">In the operator's words, which whoever proves the account's password is told; null: none was given.</param>
public sealed record Ban(DateTimeOffset At, string? Reason)
{
    public const int MaxReasonScalars = 200;

    /// <summary>What the account's owner is told.</summary>
    public string Text => Reason is null ? "This account is banned." : $"This account is banned: {Reason}";

    /// <summary>One line of visible characters; nothing at all is no reason. False: it is neither.</summary>
    public static bool TryReason(string? text, out string? reason)
    {
        reason = string.IsNullOrWhiteSpace(text) ? null : text.Trim();
        return reason is null
            || (reason.Length <= 2 * MaxReasonScalars && UnicodeText.IsWellFormed(reason) && UnicodeText.CountScalars(reason) <= MaxReasonScalars
                && !reason.EnumerateRunes().Any(UnicodeText.IsInvisible));
    }
}

/// <summary>Whether an account is banned, and how often it was.</summary>
/// <param name="TimesBanned">
/// Tells what was left behind by a login session of before a ban, on a disk that did not take its end, from one of after.
/// </param>
internal sealed record Standing(Ban? Ban, int TimesBanned)
{
    public static Standing Good { get; } = new(null, 0);

    public Standing With(Ban ban) => new(ban, TimesBanned + 1);

    public Standing Lifted => this with { Ban = null };
}

/// <summary>What became of a ban, or of lifting one.</summary>
public enum BanResult
{
    Done,
    NoSuchAccount,
    AlreadyBanned,
    NotBanned,
}

/// <param name="Account">Null: there is none.</param>
/// <param name="Sessions">Login sessions that a ban has ended, access tokens not counted.</param>
/// <param name="Tokens">Access tokens that it has ended.</param>
public sealed record BanOutcome(BanResult Result, Account? Account, int Sessions = 0, int Tokens = 0)
{
    [MemberNotNullWhen(true, nameof(Account))]
    public bool IsDone => Result == BanResult.Done;
}
