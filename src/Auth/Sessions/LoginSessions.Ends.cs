using WebMessenger.Auth.Accounts;

namespace WebMessenger.Auth.Sessions;

/// <content>The ends of login sessions.</content>
public sealed partial class LoginSessions : IRevocation
{
    private IRevocation _everywhere;

    /// <summary>Before anything is served: ends are asked of all nodes, this one among them, and not of this program alone.</summary>
    public void AskEverywhere(IRevocation everywhere) => _everywhere = everywhere;

    /// <summary>This program's own clients, of those login sessions that it knows.</summary>
    Task IRevocation.RevokeAsync(IReadOnlyCollection<string> sessions, RevocationReason reason) =>
        Task.WhenAll(sessions.Select(_index.Find).OfType<LoginSession>().Select(session => session.RevokeAsync(reason)));

    /// <summary>Ends one login session; a token's with the token. Completes when its last connection is closed.</summary>
    public Task EndAsync(LoginSession session, RevocationReason reason = RevocationReason.SignedOut) => EndAsync([session], reason);

    /// <summary>Ends all login sessions of the account but <paramref name="except"/>; tokens only if
    /// <paramref name="alsoTokens"/>.</summary>
    public Task EndOthersAsync(
        Account account, LoginSession? except, bool alsoTokens, RevocationReason reason = RevocationReason.SignedOut) =>
        EndAsync(
            [.. OfAccount(account).Where(session => session != except && (alsoTokens || session.Kind != LoginSessionKind.Token))], reason);

    internal async Task EndAsync(IReadOnlyCollection<LoginSession> sessions, RevocationReason reason)
    {
        if (sessions.Count == 0)
        {
            return;
        }

        // Silent at once, whatever the disk does; answered only when it is durable too, because whoever is told "signed out" must not be
        // signed in again by a restart.
        string[] ids = [.. sessions.Select(session => session.Id)];
        var closed = (/* guard: an end of login sessions is asked of all nodes */ _everywhere).RevokeAsync(ids, reason);

        // Before anybody else is told, and all of them together: what others store about the same end shares the sync, or the next.
        var stored = StoreEndsAsync(sessions);
        try
        {
            await Task.WhenAll(sessions.Select(session => ForgetAsync(session, reason)));
            await closed;

            // One that another call has forgotten a moment ago may still be closing.
            await Task.WhenAll(sessions.Select(session => session.RevokeAsync(reason)));
        }
        finally
        {
            await stored;
        }
    }

    // They are marked as ended.
    private Task StoreEndsAsync(IReadOnlyCollection<LoginSession> ended)
    {
        lock (_gate)
        {
            return _ends.StoreAsync(ended);
        }
    }

    /// <summary>Says so once, however many ended it at the same time.</summary>
    private async Task ForgetAsync(LoginSession session, RevocationReason reason)
    {
        lock (_gate)
        {
            if (!_index.TryRemove(session))
            {
                return;
            }
        }

        await _events.SessionEnded.RaiseAsync(new SessionEnded(session, reason));
    }
}
