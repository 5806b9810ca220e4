using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;

namespace WebMessenger.Auth.Sessions;

/// <summary>Ends login sessions: silent at once everywhere, then off the disk, and forgotten.</summary>
/// <param name="gate">
/// <see cref="LoginSessions"/>' own. It guards the index, and in which order ends and other records are handed to the log.
/// </param>
internal sealed class SessionEnds(Lock gate, SessionIndex index, UnstoredEnds unstored, AccountEvents events, NodePorts nodes) : IRevocation
{
    // Before the id of an account: all its login sessions by password, whose ids only the node of their client knows.
    private const string OfPasswords = "p/";

    // Those that others of their id are to take the place of. Under the gate.
    private readonly HashSet<LoginSession> _replaced = [];

    // Null: nobody but this program serves clients.
    private IRevocation? _everywhere;

    /// <summary>Before anything is served: ends are asked of all nodes, this one among them, and not of this program alone.</summary>
    public void AskEverywhere(IRevocation everywhere) => _everywhere = everywhere;

    /// <summary>This program's own clients, of those login sessions that it knows.</summary>
    public Task RevokeAsync(IReadOnlyCollection<string> sessions, RevocationReason reason) => nodes.IsAlone
        ? Task.WhenAll(sessions.Select(index.Find).OfType<LoginSession>().Select(session => session.RevokeAsync(reason)))
        : Task.WhenAll(sessions.SelectMany(Named).ToList().ConvertAll(session => RevokeNamedAsync(session, reason)));

    /// <summary>Another node has ended it. Silent when this returns its task, which completes when all is done here.</summary>
    public Task EndHereAsync(LoginSession session, RevocationReason reason)
    {
        var closed = session.RevokeAsync(reason);
        lock (gate)
        {
            _replaced.Remove(session);
            if (!index.TryRemove(session))
            {
                return closed;
            }
        }

        // Not on the thread that has heard it: others take their locks for it.
        return Task.WhenAll(closed, Task.Run(() => TellAsync(session, reason)));
    }

    /// <summary>It is over here: all who hear of it have acted on that when it completes.</summary>
    public Task TellAsync(LoginSession session, RevocationReason reason) => events.SessionEnded.RaiseAsync(new SessionEnded(session, reason));

    /// <summary>It has ended here, and is still stored.</summary>
    public bool IsEnding(string id) => unstored.IsEnding(id);

    /// <summary>
    /// Completes when the last connection is closed, and the ends are on disk. Throws when the disk refuses; they have ended all the same.
    /// </summary>
    /// <param name="passwordsOf">The account whose login sessions by password end on the other nodes as well; null: none.</param>
    public async Task EndAsync(IReadOnlyCollection<LoginSession> sessions, RevocationReason reason, string? passwordsOf = null)
    {
        if (sessions.Count == 0 && passwordsOf is null)
        {
            return;
        }

        sessions = WithReplacements(sessions);

        // Silent at once, whatever the disk does.
        // Answered only when it is durable too: whoever is told "signed out" must not be signed in again by a restart.
        string[] ids = [.. sessions.Select(session => session.Id), .. passwordsOf is null ? [] : new[] { OfPasswords + passwordsOf }];
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

        // Who has not been asked hears that they are gone.
        await nodes.Replication.EverywhereAsync();
    }

    /// <summary>
    /// Ends one as above, and puts another one of the same id in its place, which is found from then on. False: it has ended for good
    /// meanwhile, and there is no other. Throws when the disk refuses; then there is none either.
    /// </summary>
    /// <param name="other">Stored under the same key, so that no crash leaves both, or none.</param>
    /// <param name="may">Asked when whoever takes the right away afterwards will find the other one.</param>
    /// <param name="put">
    /// Adds the other one, and hands its record to the store. Under the gate. False: another node has ended it.
    /// </param>
    public async Task<bool> ReplaceAsync(LoginSession session, LoginSession other, RevocationReason reason, Func<bool> may, Func<Task<bool>> put)
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
        await TellAsync(session, reason);
        Task<bool> stored;
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

            stored = mayBe ? put() : Task.FromResult(false);
        }

        if (!mayBe)
        {
            await EndAsync([session], reason);
            return false;
        }

        try
        {
            if (await stored)
            {
                await nodes.Replication.EverywhereAsync();
                return await EndUnlessAsync(other, () => !other.IsRevoked && may());
            }
        }
        catch
        {
            // The disk may have the one before, whose secret opened something until now: its end is stored as soon as that can be.
            await Task.WhenAny(EndAsync([other], reason));
            throw;
        }

        await EndHereAsync(other, reason);
        return false;
    }

    private Task RevokeNamedAsync(LoginSession session, RevocationReason reason) =>
        /* guard: passwords end on the node of their client */ session.Kind == LoginSessionKind.Password ? EndHereAsync(session, reason) : session.RevokeAsync(reason);

    private IEnumerable<LoginSession> Named(string id)
    {
        if (!id.StartsWith(OfPasswords, StringComparison.Ordinal))
        {
            return index.Find(id) is { } session ? [session] : [];
        }

        lock (gate)
        {
            return [.. index.OfAccount(id[OfPasswords.Length..]).Where(session => session.Kind == LoginSessionKind.Password)];
        }
    }

    /// <summary>
    /// It is stored. Where there are other nodes, what they had written before that is known now, and it ends if that has taken its right
    /// away: then false. Who takes the right away afterwards knows it.
    /// </summary>
    public async Task<bool> EndUnlessAsync(LoginSession session, Func<bool> may)
    {
        lock (gate)
        {
            if (nodes.IsAlone || (/* guard: a right that another node has taken away meanwhile */ may()))
            {
                return true;
            }
        }

        await EndAsync([session], RevocationReason.SignedOut);
        return false;
    }

    /// <summary>Ends others of an account, and on other nodes those by password, which this one does not know.</summary>
    public async Task EndOthersAsync(Account account, List<LoginSession> others, bool alsoTokens, RevocationReason reason)
    {
        await EndAsync(others, reason, nodes.IsAlone ? null : account.Id);
        if (nodes.IsAlone || !alsoTokens)
        {
            return;
        }

        // A token may have been made on another node by what has ended just now: it is known here when everybody has heard the end.
        List<LoginSession> late;
        lock (gate)
        {
            late = [.. index.OfAccount(account).Where(session => session.Kind == LoginSessionKind.Token)];
        }

        await EndAsync(late, reason);
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

        await TellAsync(session, reason);
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
