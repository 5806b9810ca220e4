using System.Net;
using System.Security.Cryptography.X509Certificates;
using MQTTnet.Adapter;
using MQTTnet.Formatter;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Transports;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// One MQTT connection. Control packets go up to MQTTnet, which sees this as its channel; PUBLISH and its acknowledgements are handled here, below MQTTnet's sessions.
/// </summary>
/// <remarks>
/// <para>Threads and locks. The receive side (<c>.Receive</c>, <c>.Publish</c>) runs on one thread at a time, MQTTnet's receive loop of this connection. Everything that
/// is written, and everything about what was written (window, queue, answers), is guarded by <c>_write</c>, which is a leaf lock: nothing that blocks or takes
/// another lock is called inside. The filters are guarded by <c>_filtersGate</c>, which is taken before a room's gate.</para>
/// <para>Nobody ever awaits a flush: a write is a copy into the output pipe, and a peer that does not read is found by what waits for it.</para>
/// <para>Identity (account, login session, client id) lives here and nowhere else; MQTTnet knows the connection by <see cref="Name"/>, which is unique.</para>
/// </remarks>
internal sealed partial class MqttConnection : IMqttChannelAdapter, IConnectingClient, IMember, IPublisher, IResumable
{
    /// <summary>How long a peer that reads may take to take its DISCONNECT before the transport is cut; at the end of a login session much less.</summary>
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RevokedGoodbyeTime = TimeSpan.FromMilliseconds(20);

    private readonly ConnectionServices _services;
    private readonly Transport _transport;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LoginSession? _session;
    private Author? _author;
    private Task? _ending;
    private volatile bool _wasRevoked;
    private bool _isClosing;
    private bool _saidGoodbye;

    public MqttConnection(ConnectionServices services, Transport transport)
    {
        (_services, _transport) = (services, transport);
        Name = services.Connections.NewName();

        // Decodes CONNECT, SUBSCRIBE, UNSUBSCRIBE and DISCONNECT; everything we send is encoded by PacketWriter, so its own buffer stays small.
        PacketFormatterAdapter = new MqttPacketFormatterAdapter(new MqttBufferWriter(64, 128));
        LastHeard = services.Time.GetTimestamp();
    }

    /// <summary>Unique to this connection; what MQTTnet takes for the client id.</summary>
    public string Name { get; }

    public string ClientId { get; private set; } = "";

    /// <summary>Tells this account's client, on whatever connection, from all others; see <see cref="Streams.RecentPublishers"/>.</summary>
    public ulong PublisherMark { get; private set; }

    public bool IsVersion5 { get; private set; }

    public LoginSession? Session => _session;

    public Account Account => (_session ?? throw new InvalidOperationException("The connection has not been admitted.")).Account;

    /// <summary>`person`, `guest` or `bot`.</summary>
    public string AuthorKind => Author.KindOf(_session!);

    /// <summary>What CONNECT asked to have said when the client is lost, if it is one that may be said.</summary>
    public LastWill? Will
    {
        get
        {
            lock (_write)
            {
                return _will;
            }
        }
    }

    /// <summary>Seconds between packets after which the peer is taken for dead, times 1.5; 0: not watched.</summary>
    public int KeepAliveSeconds { get; private set; }

    /// <summary>When the last whole packet came: a <see cref="TimeProvider"/> timestamp. Bytes alone are no sign of life [MQTT-3.1.2-22].</summary>
    public long LastHeard { get; private set; }

    /// <summary>
    /// What the client sends lies unread in its socket because the server lets it wait, so its silence says nothing. One that reads nothing is found all the same
    /// (<see cref="IsStuckFor"/>).
    /// </summary>
    public bool IsUnread => Volatile.Read(ref _isUnread);

    public Transport Transport => _transport;

    /// <summary>Its login session was ended: nothing more may reach the peer.</summary>
    public bool WasRevoked => _wasRevoked;

    public ConnectCredentials Credentials { get; private set; } = new(null, null, null, null, false);

    // What IMqttChannelAdapter asks for and nobody uses.
    long IMqttChannelAdapter.BytesReceived => 0;

    long IMqttChannelAdapter.BytesSent => 0;

    X509Certificate2? IMqttChannelAdapter.ClientCertificate => null;

    EndPoint? IMqttChannelAdapter.RemoteEndPoint => _transport.RemoteEndPoint;

    EndPoint? IMqttChannelAdapter.LocalEndPoint => null;

    bool IMqttChannelAdapter.IsSecureConnection => _transport.IsEncrypted;

    public MqttPacketFormatterAdapter PacketFormatterAdapter { get; }

    /// <summary>Who pays for what is stored of this client.</summary>
    public StoragePayer Payer { get; private set; }

    /// <summary>As whom this client speaks, under the names of this moment.</summary>
    public Author CurrentAuthor
    {
        get
        {
            var profile = Account.Profile;
            var author = _author;
            if (author is null || author.User != profile.UserName || author.Name != profile.DisplayName)
            {
                _author = author = Author.Of(_session!);
            }

            return author;
        }
    }

    public Verdict Admit(LoginSession session)
    {
        // From here on whoever ends the login session finds this connection. Before it takes anything over: a refused one must not push out an admitted one.
        if (!session.TryAttach(this))
        {
            return Verdict.Refused(RefusalCode.NotAuthorized, "This login session has ended. Sign in again.");
        }

        _session = session;
        PublisherMark = Streams.RecentPublishers.MarkOf(session.Account.Id, ClientId);
        var old = _services.Connections.Register(this, _services.Limits.ConnectionsPerAccount, out var isFull, out var isNotYours);
        if (isFull || isNotYours)
        {
            _session = null;
            session.Detach(this);
            return isNotYours ? Verdict.Refused(ReasonCode.ClientIdentifierNotValid, LiveNotYoursReason)
                : Verdict.Refused(RefusalCode.QuotaExceeded, session.Scope.IsLimited
                    ? "This account has as many connections as it may have, or its limited tokens have half of them. Close one first."
                    : "This account has as many connections as it may have. Close one first.");
        }

        _ = old?.EndAsync(ReasonCode.SessionTakenOver, "Another connection of this account uses this client id.");
        _budget = _services.Budgets.Of(session.Account.Id);
        Payer = new StoragePayer(_services.Quotas.Of(session, _transport.RemoteEndPoint?.Address), _services.Space);
        CheckWill();
        return Verdict.Allowed;
    }

    public async Task RevokeAsync(RevocationReason reason)
    {
        lock (_write)
        {
            _wasRevoked = true;
        }

        await EndAsync(ReasonCode.AdministrativeAction, reason switch
        {
            RevocationReason.SignedOut => "This login session was signed out.",
            RevocationReason.Expired => "This login session has expired.",
            RevocationReason.PasswordChanged => "The password was changed. Sign in again.",
            RevocationReason.TokenRevoked => "This access token was revoked.",
            RevocationReason.AccountErased => "The account was erased.",
            RevocationReason.Banned => "The account was banned.",
            _ => "This login session has ended.",
        });

        // What it had sent and has no number gets none any more; what has one is on disk, or refused, before who ended it is answered.
        await _services.RoomLog.SettleAsync();
    }

    /// <summary>
    /// Ends the connection from our side. Before it returns, nothing more is accepted or written; the task completes when the transport is closed. Never throws.
    /// </summary>
    public Task EndAsync(byte code, string reason)
    {
        bool isStalled;
        TaskCompletionSource ended;
        lock (_write)
        {
            if (_ending is not null)
            {
                return _ending;
            }

            // A goodbye only where nothing waits to be sent: a peer that has stopped reading would not get it, and must not delay us.
            // Nor while a CONNACK or SUBACK is held back, which must not leave before it has taken effect.
            isStalled = _flushing || _corked;
            if (!isStalled && !_silent && IsVersion5 && _isConnected)
            {
                WriteControl(PacketWriter.Disconnect(code, _wantsReasons ? reason : null, _clientMaximumPacket));
            }

            _silent = true;
            ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _ending = ended.Task;
        }

        _ended.TrySetResult();
        _transport.Input.CancelPendingRead();
        _ = CloseTransportAsync(isStalled, ended);
        return ended.Task;
    }

    /// <summary>The server stops: takes nothing more, lets what is at the store be answered, then says goodbye.</summary>
    public async Task ShutDownAsync(TimeSpan drainTime)
    {
        lock (_write)
        {
            _isClosing = true;
        }

        await Task.WhenAny(PublishesDrained(), Task.Delay(drainTime, _services.Time));
        await EndAsync(ReasonCode.ServerShuttingDown, "The server is stopping.");
    }

    /// <summary>After MQTTnet is done with the connection: takes it out of everything, and says its last will if it did not say goodbye.</summary>
    public void Gone()
    {
        Silence();
        _ended.TrySetResult();
        ForgetWaiting();
        _held?.Clear();
        EndSubscribeTurn();
        var session = _session;
        if (session is not null)
        {
            // Before it gives up its places, for they say where the client is.
            if (_services.Durable.Left(this) is { } will)
            {
                SayWill(will);
            }

            LeaveEverything(atOnce: _wasRevoked);
            session.Detach(this);
        }

        _services.Connections.Closed(this);
        if (session is not null)
        {
            _services.Sessions.Release(session);
        }
    }

    /// <summary>The connection is over: the will that is to be said for it, once; null if there is none, or the client said goodbye, or its login session was ended.</summary>
    public LastWill? TakeWill()
    {
        lock (_write)
        {
            var will = _isConnected && !_wasRevoked && !_saidGoodbye ? _will : null;
            _will = null;
            return will;
        }
    }

    /// <summary>The client is back on another connection: a will that was to wait for that is not said [MQTT-3.1.3-9].</summary>
    public void DropDelayedWill()
    {
        lock (_write)
        {
            if (_will is { DelaySeconds: > 0 })
            {
                _will = null;
            }
        }
    }

    public void Dispose()
    {
        // The pipes belong to the transport.
    }

    Task IMqttChannelAdapter.ConnectAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    void IMqttChannelAdapter.ResetStatistics()
    {
        // Nothing is counted here.
    }

    Task IMqttChannelAdapter.DisconnectAsync(CancellationToken cancellationToken)
    {
        // What is in the pipe (a refusing CONNACK, say) is sent before the transport closes.
        Silence();
        _transport.Finish();
        return Task.CompletedTask;
    }

    private void Silence()
    {
        lock (_write)
        {
            _silent = true;
        }
    }

    private async Task CloseTransportAsync(bool isStalled, TaskCompletionSource ended)
    {
        try
        {
            if (!isStalled)
            {
                _transport.Output.Complete();
                await Task.WhenAny(_transport.Closed, Task.Delay(_wasRevoked ? RevokedGoodbyeTime : GoodbyeTime, _services.Time));
            }

            _transport.Abort();
            await _transport.Closed;
        }
        catch (Exception error) when (error is InvalidOperationException or IOException or ObjectDisposedException)
        {
            // The transport fell apart while we closed it, which is what we wanted.
            _transport.Abort();
        }
        finally
        {
            ended.SetResult();
        }
    }
}
