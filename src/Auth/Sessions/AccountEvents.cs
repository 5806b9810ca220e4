using Microsoft.Extensions.Logging;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Sessions;

/// <summary>An account got another user name.</summary>
public sealed record Renamed(Account Account, string OldUserName);

/// <summary>A login session is over; its live clients are silenced already.</summary>
public sealed record SessionEnded(LoginSession Session, RevocationReason Reason);

/// <summary>A client certificate opens its token no more, which lives on; live clients that came by it are silenced already.</summary>
public sealed record CertificateTaken(LoginSession Token, ClientCertificate Certificate);

/// <summary>
/// What the program must hear from here. The change is durable and in memory when an event is raised,
/// and the caller's answer waits for the subscribers, on whatever node it was: what happened on another one is raised here, too, but for
/// <see cref="Erased"/>.
/// </summary>
public sealed class AccountEvents(ILogger<AccountEvents> logger)
{
    public AsyncEvent<Renamed> Renamed { get; } = new(nameof(Renamed), logger);

    /// <summary>A display name changed.</summary>
    public AsyncEvent<Account> DisplayNameChanged { get; } = new(nameof(DisplayNameChanged), logger);

    /// <summary>Also for guests that were removed after their time. All its login sessions have ended before.</summary>
    public AsyncEvent<Account> Erased { get; } = new(nameof(Erased), logger);

    /// <summary>
    /// Another node has erased it, and does all that is to be written for it: here it is to be forgotten in memory alone.
    /// </summary>
    public AsyncEvent<Account> ErasedElsewhere { get; } = new(nameof(ErasedElsewhere), logger);

    public AsyncEvent<SessionEnded> SessionEnded { get; } = new(nameof(SessionEnded), logger);

    /// <summary>In memory when it is raised, and not always on disk.</summary>
    public AsyncEvent<CertificateTaken> CertificateTaken { get; } = new(nameof(CertificateTaken), logger);
}
