using Microsoft.Extensions.Logging;
using MQTTnet.Protocol;
using MQTTnet.Server;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Interception;

/// <summary>
/// Validates login sessions at the door of the broker: who may connect, subscribe, publish and receive.
/// Each question is answered *no* unless a step said yes.
/// </summary>
/// <remarks>
/// One handler per MQTTnet event, because MQTTnet runs all handlers of an event without a short circuit and its own defaults are to allow.
/// An exception in a handler closes the connection (MQTTnet 5.2), so a fault never lets anybody in.
/// </remarks>
public sealed partial class AuthInterceptor(
    MqttSignIn signIn, AccountChanges changes, ITopicAccess topics, IConnectingClients clients, TimeProvider time, RefusalLog refusals,
    ILogger<AuthInterceptor> log)
{
    // A full disk is nobody's fault at the other end, and an exception would close the connection and write a trace for each try.
    private static Verdict NotStored { get; } = Verdict.Refused(RefusalCode.QuotaExceeded, "It could not be stored. Try again later.");

    /// <summary>Puts the interceptor in front of a server; before it is started.</summary>
    public void Guard(MqttServer server)
    {
        server.ValidatingConnectionAsync += OnConnectAsync;
        server.InterceptingSubscriptionAsync += OnSubscribeAsync;
        server.InterceptingPublishAsync += OnPublishThroughMqttNet;
    }

    /// <summary>
    /// May connect: the credentials of CONNECT win and never fall back to the cookie; a client certificate counts where there is no
    /// password; nobody is anonymous.
    /// </summary>
    public async ValueTask<Verdict> MayConnectAsync(IConnectingClient client)
    {
        var credentials = client.Credentials;
        LoginSession session;
        ClientCertificate? certificate = null;
        if ((/* guard: a password is judged alone */ credentials.Password is null or []) && credentials.Certificate is { } shown)
        {
            if (signIn.FindByCertificate(credentials.UserName, shown, credentials.Address) is not { } pinned)
            {
                return Verdict.Refused(RefusalCode.NotAuthorized, "No token has this certificate.");
            }

            if (!pinned.TryGet(out var entry, out var refusal))
            {
                return Translate(refusal);
            }

            (session, certificate) = (entry.Session, entry.Certificate);
        }
        else if (credentials.UserName is null && credentials.Password is null)
        {
            if (credentials.Cookie is null)
            {
                return Verdict.Refused(
                    RefusalCode.NotAuthorized,
                    "Sign in first: give your user name and an access token as the password, or open the page and sign in there. "
                    + "A client certificate is looked at over TLS alone.");
            }

            session = credentials.Cookie;
        }
        else if (credentials.Password is null or [])
        {
            return Verdict.Refused(
                RefusalCode.BadUserNameOrPassword, "There is no password, and no client certificate was shown, which is looked at over TLS alone.");
        }
        else
        {
            var answer = await signIn.AuthenticateAsync(
                credentials.UserName, credentials.Password, client.ClientId, credentials.Address, credentials.PasswordsAllowed);
            if (!answer.TryGet(out var signedIn, out var refusal))
            {
                return Translate(refusal);
            }

            session = signedIn;
        }

        if (!MayReceive(session))
        {
            return Verdict.Refused(RefusalCode.NotAuthorized, "This login session has ended. Sign in again.");
        }

        try
        {
            await changes.ReturnAsync(session.Account);
        }
        catch (StoreUnavailableException)
        {
            return NotStored;
        }

        return client.Admit(session, certificate);
    }

    /// <summary>May subscribe: a live login session, and a topic that is open to it.</summary>
    public async ValueTask<Verdict> MaySubscribeAsync(LoginSession session, IAskedFilter filter, CancellationToken cancellation)
    {
        if (!MayReceive(session))
        {
            return Verdict.Refused(RefusalCode.NotAuthorized, "This login session has ended. Sign in again.");
        }

        Verdict verdict;
        try
        {
            verdict = await topics.MaySubscribeAsync(session, filter, cancellation);
        }
        catch (StoreUnavailableException)
        {
            return NotStored;
        }

        // It may have been revoked while the question was on its way.
        return (/* guard: a filter is judged again after the answer of the rooms */ verdict.IsAllowed && !MayReceive(session))
            ? Verdict.Refused(RefusalCode.NotAuthorized, "This login session has ended. Sign in again.")
            : verdict;
    }

    /// <summary>May publish: a live login session, and a topic that it may write to.</summary>
    public Verdict MayPublish(LoginSession session, IPublishTarget target) => (/* guard: a publish of a live login session only */ MayReceive(session))
        ? target.MayPublish(session)
        : Verdict.Refused(RefusalCode.NotAuthorized, "This login session has ended. Sign in again.");

    /// <summary>May receive: neither revoked nor past its time. A look at two fields; asked before each delivery.</summary>
    public bool MayReceive(LoginSession session) => /* guard: no will after a kick (2) */ !session.IsRevoked && !session.IsExpiredAt(time.GetUtcNow());

    private static Verdict Translate(Refusal refusal) => refusal switch
    {
        Refusal.TooManyAttempts => Verdict.Refused(RefusalCode.ConnectionRateExceeded, "Too many failed sign-ins. Wait a minute and try again."),
        Refusal.PlainPassword => Verdict.Refused(
            RefusalCode.NotAuthorized, "A password is not taken over unencrypted TCP from another machine. Use an access token, or TLS."),
        Refusal.Banned banned => Verdict.Refused(RefusalCode.Banned, banned.Text),
        Refusal.CertificateNotValid => Verdict.Refused(
            RefusalCode.NotAuthorized, "This client certificate is not valid now. Pin another one to the token, or set the clocks."),
        Refusal.Busy => Verdict.Refused(RefusalCode.ServerBusy, "The server is busy checking passwords. Try again in a moment."),
        _ => Verdict.Refused(RefusalCode.BadUserNameOrPassword, "Unknown user name, access token or password."),
    };

    private async Task OnConnectAsync(ValidatingConnectionEventArgs e)
    {
        e.ReasonCode = MqttConnectReasonCode.NotAuthorized;
        if (clients.Find(e.ClientId) is not { } client)
        {
            return;
        }

        var verdict = await MayConnectAsync(client);
        e.ReasonCode = verdict.IsAllowed ? MqttConnectReasonCode.Success : (MqttConnectReasonCode)verdict.Code;
        e.ReasonString = verdict.IsAllowed ? null : verdict.Reason;
        if (!verdict.IsAllowed && refusals.Try("refused CONNECTs", client.Credentials.Address))
        {
            LogConnectRefused(log, client.Credentials.Address, verdict.Code, verdict.Reason);
        }
    }

    private async Task OnSubscribeAsync(InterceptingSubscriptionEventArgs e)
    {
        // The room index of the broker holds the subscription, never MQTTnet's own list.
        e.ProcessSubscription = false;
        e.Response.ReasonCode = MqttSubscribeReasonCode.NotAuthorized;
        if (clients.Find(e.ClientId) is not { Session: { } session } client || client.Asked(e.TopicFilter.Topic) is not { } asked)
        {
            return;
        }

        var verdict = client.MayHold(asked);
        if (verdict.IsAllowed)
        {
            verdict = await MaySubscribeAsync(session, asked, e.CancellationToken);
        }

        client.Decided(asked, verdict);
    }

    private Task OnPublishThroughMqttNet(InterceptingPublishEventArgs e)
    {
        // Publishes are handled by the connection, below MQTTnet; one that arrives here found a way around it.
        e.ProcessPublish = false;
        e.CloseConnection = true;
        e.Response.ReasonCode = MqttPubAckReasonCode.NotAuthorized;
        LogPublishAroundDataPlane(log, e.ClientId);
        return Task.CompletedTask;
    }

    [LoggerMessage(1001, LogLevel.Information, "Refused a CONNECT from {Address}: 0x{Code:X2} {Reason}")]
    private static partial void LogConnectRefused(ILogger log, System.Net.IPAddress? address, byte code, string reason);

    [LoggerMessage(1002, LogLevel.Error, "A PUBLISH of connection {Connection} reached MQTTnet's own dispatch and was refused")]
    private static partial void LogPublishAroundDataPlane(ILogger log, string connection);
}
