using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Sessions;

/// <summary>Why a login session ended; the connection turns it into what its protocol version can say.</summary>
public enum RevocationReason
{
    SignedOut,
    Expired,
    PasswordChanged,
    TokenRevoked,
    TokenRenewed,
    CertificateTaken,
    AccountErased,
    Banned,
}

/// <summary>One MQTT connection, as the login session that opened it sees it.</summary>
public interface IClient
{
    /// <summary>The client id that the client sent, or the one it was assigned.</summary>
    string ClientId { get; }

    /// <summary>The client certificate that it is let in by; null: by something else.</summary>
    ClientCertificate? Certificate { get; }

    /// <summary>
    /// Ends the connection for good. Before this method returns to its caller (synchronously) nothing more is accepted from the client and
    /// nothing more is written to it. The task completes when the transport is closed, at most about 20 ms later,
    /// also for a peer that has stopped reading, and when the log, which may wait for its disk, has decided on what the client had sent.
    /// Never throws; a second call returns the same task.
    /// </summary>
    Task RevokeAsync(RevocationReason reason);
}
