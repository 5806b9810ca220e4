namespace WebMessenger.Auth.Sessions;

/// <summary>Ends login sessions: silent at once everywhere, then off the disk, and forgotten.</summary>
/// <param name="gate">
/// <see cref="LoginSessions"/>' own. It guards the index, and in which order ends and other records are handed to the log.
/// </param>
internal sealed class SessionEnds(Lock gate, SessionIndex index, UnstoredEnds unstored, AccountEvents events) : IRevocation
{
    // Those that others of their id are to take the place of. Under the gate.
    private readonly HashSet<LoginSession> _replaced = [];

    // Null: nobody but this program serves clients.
    private IRevocation? _everywhere;

    /// <summary>Before anything is served: ends are asked of all nodes, this one among them, and not of this program alone.</summary>
    public void AskEverywhere(IRevocation everywhere) => _everywhere = everywhere;

    /// <summary>This program's own clients, of those login sessions that it knows.</summary>
    public Task RevokeAsync(IReadOnlyCollection<string> sessions, RevocationReason reason) =>
        Task.WhenAll(sessions.Select(index.Find).OfType<LoginSession>().Select(session => session.RevokeAsync(reason)));

    /// <summary>
    /// Completes when the last connection is closed, and the ends are on disk. Throws when the disk refuses; they have ended all the same.
    /// </summary>
    public async Task EndAsync(IReadOnlyCollection<LoginSession> sessions, RevocationReason reason)
    {
        if (sessions.Count == 0)
        {
            return;
        }

        sessions = WithReplacements(sessions);

        // Silent at once, whatever the disk does.
        // Answered only when it is durable too: whoever is told "signed out" must not be signed in again by a restart.
        string[] ids = [.. sessions.Select(session => session.Id)];
        var closed = (/* guard: an end of login sessions is asked of all nodes */ _everywhere ?? this).RevokeAsync(ids, reason);

        // Before anybody else is told, and all of them together: what others store about the same end shares the sync, or the next.
        var stored = StoreAsync(sessions);
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

    /// <summary>
    /// Ends one as above, and puts another one of the same id in its place, which is found from then on. False: it has ended for good
    /// meanwhile, and there is no other. Throws when the disk refuses; then there is none either.
    /// </summary>
    /// <param name="other">Stored under the same key, so that no crash leaves both, or none.</param>
    /// <param name="may">Asked when whoever takes the right away afterwards will find the other one.</param>
    /// <param name="put">Adds the other one, and hands its record to the store. Under the gate.</param>
    public async Task<bool> ReplaceAsync(LoginSession session, LoginSession other, RevocationReason reason, Func<bool> may, Func<Task> put)
    {
        lock (gate)
        {
            if (session.IsRevoked || index.Find(session.Id) != session || !_replaced.Add(session))
            {
                return false;
            }
        }

        // It stays in the index meanwhile: whoever ends it now finds it, and ends the other one with it.
        await (_everywhere ?? this).RevokeAsync([session.Id], reason);
        await events.SessionEnded.RaiseAsync(new SessionEnded(session, reason));
        Task stored;
        bool mayBe;
        lock (gate)
        {
            if (!_replaced.Remove(session))
            {
                return false;
            }

            mayBe = may();
            if (mayBe)
            {
                index.TryRemove(session);
            }

            stored = mayBe ? put() : Task.CompletedTask;
        }

        if (!mayBe)
        {
            await EndAsync([session], reason);
            return false;
        }

        try
        {
            await stored;
            return true;
        }
        catch
        {
            // The disk may have the one before, whose secret opened something until now: its end is stored as soon as that can be.
            await Task.WhenAny(EndAsync([other], reason));
            throw;
        }
    }

    /// <summary>Says so once, however many ended it at the same time.</summary>
    public async Task ForgetAsync(LoginSession session, RevocationReason reason)
    {
        lock (gate)
        {
            if (!index.TryRemove(session))
            {
                return;
            }
        }

        await events.SessionEnded.RaiseAsync(new SessionEnded(session, reason));
    }

    /// <summary>Tries again what the disk has refused so far.</summary>
    /// <param name="isLast">The program stops: now or never.</param>
    public Task RetryAsync(bool isLast) => unstored.RetryAsync(isLast);

    // Those of which there is another one by now end with that, and those that are to have another get none.
    private List<LoginSession> WithReplacements(IReadOnlyCollection<LoginSession> sessions)
    {
        lock (gate)
        {
            // guard: who ends a token ends what is to take its place
            _replaced.ExceptWith(sessions);
            return [.. sessions.Concat(sessions.Select(session => index.Find(session.Id)).OfType<LoginSession>()).Distinct()];
        }
    }

    // They are marked as ended.
    private Task StoreAsync(IReadOnlyCollection<LoginSession> ended)
    {
        lock (gate)
        {
            return unstored.StoreAsync(ended);
        }
    }
}
