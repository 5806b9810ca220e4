using System.Collections.Frozen;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Changes;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Sessions;

/// <summary>What other nodes do to login sessions and access tokens: in memory here when it is heard, and ended here.</summary>
/// <remarks>On the thread that numbers: nothing is written and nothing is waited for; what takes time is owed.</remarks>
/// <param name="gate"><see cref="LoginSessions"/>' own.</param>
/// <param name="remember">Puts one into the index. Under the gate.</param>
internal sealed class HeardSessions(
    Lock gate, SessionIndex index, SessionEnds ends, PinnedCertificates certificates, AccountDirectory accounts, TimeProvider time, NodePorts nodes,
    Action<LoginSession> remember)
{
    /// <summary>
    /// Another node has changed the account, so that these have ended, whose records are that node's to remove. They are silent when it
    /// returns its task, which completes when all is done here.
    /// </summary>
    /// <param name="passwordsOnly">Those without a record.</param>
    public Task EndAsync(Account account, RevocationReason reason, bool passwordsOnly)
    {
        IReadOnlyList<LoginSession> all;
        lock (gate)
        {
            all = index.OfAccount(account);
        }

        return Task.WhenAll(all.Where(session => !passwordsOnly || session.Kind == LoginSessionKind.Password).ToList()
            .ConvertAll(session => ends.EndHereAsync(session, reason)));
    }

    public void Heard(RecordChange change)
    {
        if (change.Value is not { } value)
        {
            if (SessionRecord.TryReadKey(change.Key, out var of, out var id) && index.Find(id) is { } gone && gone.Account.Id == of)
            {
                // guard: what another node has ended ends here
                nodes.Replication.Owe(ends.EndHereAsync(gone, ReasonOf(gone)));
            }
        }
        else if (SessionRecord.TryRead(change.Key, value, out var record)
            && accounts.Find(record.Account) is { } account)
        {
            account.WasPresent(record.LastSeen);
            Put(account, record);
        }
    }

    private void Put(Account account, SessionRecord record)
    {
        LoginSession? known;
        LoginSession? begun = null;
        lock (gate)
        {
            known = index.Find(record.Id);
            if (known is null || known.SecretHash != record.Secret)
            {
                if (/* guard: what ends here does not begin again */ ends.IsEnding(record.Id))
                {
                    return;
                }

                if (known is not null)
                {
                    index.TryRemove(known);
                }

                remember(begun = record.ToSession(account));
            }
        }

        if (begun is not null && (/* guard: what begins elsewhere while its account is banned here opens nothing */ account.Ban is not null || account.IsErased))
        {
            // Known all the same: whoever bans or erases it just now removes its record.
            nodes.Replication.Owe(begun.RevokeAsync(account.IsErased ? RevocationReason.AccountErased : RevocationReason.Banned));
        }

        if (known is null)
        {
            return;
        }

        if (known.SecretHash != record.Secret)
        {
            // guard: another secret closes what the one before has opened
            nodes.Replication.Owe(known.RevokeAsync(RevocationReason.TokenRenewed));
            nodes.Replication.Owe(Task.Run(() => ends.TellAsync(known, RevocationReason.TokenRenewed)));
        }
        else if (!known.IsRevoked)
        {
            Take(known, record);
        }
    }

    // What another node has stored of one that is known here, too: whatever is newer.
    private void Take(LoginSession session, SessionRecord record)
    {
        if (record.LastSeen > session.LastSeen)
        {
            (session.LastSeen, session.Address) = (record.LastSeen, record.Address);
        }

        if (record.LastSeen > session.StoredLastSeen)
        {
            session.StoredLastSeen = record.LastSeen;
        }

        // Rooms are only ever taken out of it.
        session.StoredScope = record.Scope;
        if (record.Scope.Rooms is { } rooms && session.Scope.Rooms is { } own && !own.IsSubsetOf(rooms))
        {
            session.Scope = session.Scope with { Rooms = own.Where(rooms.Contains).ToFrozenSet() };
        }

        if (record.ExpiresAt > session.ExpiresAt)
        {
            lock (gate)
            {
                session.ExpiresAt = record.ExpiresAt;
                if (index.Find(session.Id) == session)
                {
                    index.OrderAnew(session);
                }
            }
        }

        nodes.Replication.Owe(certificates.HeardAsync(session, record.Certificate));
    }

    // Its record tells no reason.
    private RevocationReason ReasonOf(LoginSession session) =>
        session.Account.IsErased ? RevocationReason.AccountErased
        : session.Account.Ban is not null ? RevocationReason.Banned
        : session.IsExpiredAt(time.GetUtcNow()) ? RevocationReason.Expired
        : session.Kind == LoginSessionKind.Token ? RevocationReason.TokenRevoked
        : RevocationReason.SignedOut;
}
