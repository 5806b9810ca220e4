using System.Net;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.Interception;

/// <summary>What a CONNECT brought to be let in with.</summary>
/// <param name="UserName">Null when the CONNECT carries none.</param>
/// <param name="Password">Null when the CONNECT carries none.</param>
/// <param name="Cookie">
/// The login session of the cookie that opened the WebSocket; null for TCP, without a cookie, or from outside a browser.
/// </param>
/// <param name="PasswordsAllowed">False where an account's password would travel in clear beyond this machine.</param>
/// <param name="Certificate">
/// Of the client certificate whose key the TLS handshake has proved the client to have; null: it showed none, or there was no handshake.
/// </param>
public sealed record ConnectCredentials(
    string? UserName, byte[]? Password, LoginSession? Cookie, IPAddress? Address, bool PasswordsAllowed, Fingerprint? Certificate = null);

/// <summary>An MQTT connection as the interceptor sees it; implemented by the broker's connection.</summary>
public interface IConnectingClient : IClient
{
    ConnectCredentials Credentials { get; }

    /// <summary>The login session it was admitted under; null before that.</summary>
    LoginSession? Session { get; }

    /// <summary>
    /// Gives the connection its identity: attaches it to the login session and takes over an older connection of the same account and
    /// client id. Returns why not, or null when admitted.
    /// </summary>
    /// <param name="certificate">The client certificate that it is let in by; null: by something else.</param>
    Verdict Admit(LoginSession session, ClientCertificate? certificate);

    /// <summary>The filter of this text in the SUBSCRIBE that the connection is handling; null: it asks for none such.</summary>
    IAskedFilter? Asked(string topicFilter);

    /// <summary>Whether the connection may hold one filter more, or has it already.</summary>
    Verdict MayHold(IAskedFilter filter);

    /// <summary>Tells the connection what was decided on one filter that it asked for.</summary>
    void Decided(IAskedFilter filter, Verdict verdict);
}

/// <summary>Finds the live connection behind the name that MQTTnet knows it by.</summary>
public interface IConnectingClients
{
    IConnectingClient? Find(string connectionName);
}
