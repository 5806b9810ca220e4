using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using WebMessenger.Auth.Names;

namespace WebMessenger.Auth.Accounts;

/// <summary>Since when an account is shut out, and why.</summary>
/// <param name="Reason">In the words of who banned it, which whoever proves the account's password is told; null: none was given.</param>
/// <param name="Until">It is lifted by itself within a minute after; null: it has no end.</param>
public sealed record Ban(DateTimeOffset At, string? Reason, DateTimeOffset? Until = null)
{
    public const int MaxReasonScalars = 200;

    /// <summary>What the account's owner is told.</summary>
    public string Text => (Until, Reason) switch
    {
        (null, null) => "This account is banned.",
        (null, _) => $"This account is banned: {Reason}",
        ({ } until, null) => $"This account is banned until {Minute(until)}.",
        ({ } until, _) => $"This account is banned until {Minute(until)}: {Reason}",
    };

    private static string Minute(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

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

    /// <summary>Who asks may not, by the time that it would be done.</summary>
    NotAllowed,
}

/// <param name="Account">Null: there is none.</param>
/// <param name="Sessions">Login sessions that a ban has ended, access tokens not counted.</param>
/// <param name="Tokens">Access tokens that it has ended.</param>
public sealed record BanOutcome(BanResult Result, Account? Account, int Sessions = 0, int Tokens = 0)
{
    [MemberNotNullWhen(true, nameof(Account))]
    public bool IsDone => Result == BanResult.Done;
}
