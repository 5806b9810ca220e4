using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Clients;

/// <summary>How the transport of a connection is closed after the last packet was written.</summary>
internal static class Goodbye
{
    /// <summary>
    /// How long a peer that reads may take to take its DISCONNECT before the transport is cut; at the end of a login session much less.
    /// </summary>
    public static readonly TimeSpan Time = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RevokedTime = TimeSpan.FromMilliseconds(20);

    /// <summary>What the client is told.</summary>
    public static string Why(RevocationReason reason) => reason switch
    {
        RevocationReason.SignedOut => "This login session was signed out.",
        RevocationReason.Expired => "This login session has expired.",
        RevocationReason.PasswordChanged => "The password was changed. Sign in again.",
        RevocationReason.TokenRevoked => "This access token was revoked.",
        RevocationReason.TokenRenewed => "This access token has another secret by now.",
        RevocationReason.CertificateTaken => "This client certificate opens its access token no more.",
        RevocationReason.AccountErased => "The account was erased.",
        RevocationReason.Banned => "The account was banned.",
        _ => "This login session has ended.",
    };

    /// <summary>Completes when the transport is closed.</summary>
    /// <param name="isStalled">The peer does not take what was written before, so nobody waits for it.</param>
    /// <param name="wasRevoked">The login session has ended.</param>
    public static async Task CloseAsync(Transport transport, bool isStalled, bool wasRevoked, TimeProvider time)
    {
        try
        {
            if (!isStalled)
            {
                transport.Output.Complete();
                await Task.WhenAny(transport.Closed, Task.Delay(wasRevoked ? RevokedTime : Time, time));
            }

            transport.Abort();
            await transport.Closed;
        }
        catch (Exception error) when (error is InvalidOperationException or IOException or ObjectDisposedException)
        {
            // The transport fell apart while it was closed, which is what was wanted.
            transport.Abort();
        }
    }
}
