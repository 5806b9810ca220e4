using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Sessions;

/// <summary>Which client certificate opens which access token: one each, and no certificate two.</summary>
/// <param name="gate">
/// <see cref="LoginSessions"/>' own. It guards the index, and in which order records are handed to the log.
/// </param>
internal sealed class PinnedCertificates(Lock gate, SessionIndex index, SessionStore store, AccountEvents events)
{
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
        IReadOnlyList<IClient> former;
        ClientCertificate? before;
        Task stored;
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
            stored = store.PutAsync([token]);
        }

        // Silent at once, whatever the disk does.
        var closed = EndAsync(token, before, former);
        try
        {
            await stored;
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

        return null;
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
