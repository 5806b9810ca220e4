using WebMessenger.Auth.Changes;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Sessions;

/// <summary>Which client certificate opens which access token: one each, and no certificate two.</summary>
/// <param name="gate">
/// <see cref="LoginSessions"/>' own. It guards the index, and in which order records are handed to the log.
/// </param>
internal sealed class PinnedCertificates(Lock gate, SessionIndex index, SessionStore store, AccountEvents events, NodePorts nodes)
{
    /// <summary>The turn of all nodes: no certificate opens two tokens.</summary>
    private const string Turn = "certificates";

    /// <summary>Lock-free. It may have ended, and the certificate may not be valid now.</summary>
    public LoginSession? Find(in Fingerprint fingerprint) => index.Find(fingerprint);

    /// <summary>
    /// Puts the certificate, or none, in the place of the one that the token has. That one lets nobody in any more, and who came by it is
    /// silent, when this returns its task; which completes when their connections are closed, who hears of it has acted on that
    /// (<see cref="AccountEvents.CertificateTaken"/>), and it is on disk. Returns why not, or null.
    /// Throws when the disk refuses: then the token has no certificate until the next start, and what the disk has after it.
    /// </summary>
    /// <param name="why">Asked under the gate: whoever takes the right away afterwards finds the certificate with the token.</param>
    public async Task<Refusal?> PutAsync(LoginSession token, ClientCertificate? certificate, Func<Refusal?> why)
    {
        using var turn = nodes.IsAlone ? null : await /* guard: a certificate opens one token, of all nodes */ nodes.Turns.TakeAsync(Turn);
        IReadOnlyList<IClient> former;
        ClientCertificate? before;
        Task<bool> stored;
        lock (gate)
        {
            if (why() is { } refusal)
            {
                return refusal;
            }

            if (certificate is not null && (/* guard: a certificate opens one token */ index.Find(certificate.Fingerprint) is { } other && other != token))
            {
                return new Refusal.Fields("certificate", FieldCodes.Taken, "Another token has this certificate. Take it away there, or make another one.");
            }

            // An end is marked before its removal is handed over, under this gate: so no record comes after it.
            before = token.Certificate == certificate ? null : token.Certificate;
            former = Exchange(token, certificate);
            stored = store.PinAsync(token, certificate, isShared: !nodes.IsAlone);
        }

        // Silent at once, whatever the disk does.
        var closed = EndAsync(token, before, former);
        var isStored = false;
        try
        {
            isStored = await stored;
        }
        catch when (certificate is not null)
        {
            lock (gate)
            {
                former = token.Certificate == certificate ? Exchange(token, null) : [];
            }

            await EndAsync(token, certificate, former);
            throw;
        }
        finally
        {
            await closed;
        }

        if (nodes.IsAlone)
        {
            return null;
        }

        // Another node may have stored a use in between, with the one before in it.
        await (isStored ? HeardAsync(token, certificate) : Task.CompletedTask);
        await nodes.Replication.EverywhereAsync();
        return isStored ? null : new Refusal.BadCredentials();
    }

    /// <summary>
    /// Another node has put it there, or taken it away: null. Who came by another one is silent when this returns its task, which completes
    /// when they are closed.
    /// </summary>
    public Task HeardAsync(LoginSession token, ClientCertificate? certificate)
    {
        IReadOnlyList<IClient> former;
        ClientCertificate? before;
        lock (gate)
        {
            if (token.Certificate == certificate || token.IsRevoked)
            {
                return Task.CompletedTask;
            }

            before = token.Certificate;
            former = Exchange(token, certificate);
        }

        // They are silent by the time that the list is made; the others hear it on a thread of their own.
        var closing = Task.WhenAll(former.Select(client => client.RevokeAsync(RevocationReason.CertificateTaken)));
        return Task.Run(async () =>
        {
            await closing;
            await EndAsync(token, before, []);
        });
    }

    private IReadOnlyList<IClient> Exchange(LoginSession token, ClientCertificate? certificate)
    {
        index.RemoveCertificate(token);
        var former = token.Pin(certificate);
        index.AddCertificate(token);
        return former;
    }

    // Everybody else hears of it when no client that came by it is being lost any more: what such a one leaves behind is there by then.
    private async Task EndAsync(LoginSession token, ClientCertificate? taken, IReadOnlyList<IClient> clients)
    {
        await Task.WhenAll(clients.Select(client => client.RevokeAsync(RevocationReason.CertificateTaken)));
        if (taken is not null)
        {
            await events.CertificateTaken.RaiseAsync(new CertificateTaken(token, taken));
        }
    }
}
