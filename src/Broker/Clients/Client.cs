using System.Security.Cryptography;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Transports;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>One MQTT client for as long as its connection lasts: who it is, how it is let in, and its end.</summary>
/// <remarks>
/// Parts know those that are put together before them, and no other: <see cref="Clients.Writer"/>, <see cref="OwedAnswers"/>,
/// <see cref="KeptSession"/>, <see cref="Clients.Delivery"/>, <see cref="DataDelivery"/>, <see cref="HeldFilters"/>,
/// <see cref="Clients.Submissions"/>, <see cref="DataIntake"/>, <see cref="Clients.Intake"/>. Of the client itself they know its
/// <see cref="Clients.Identity"/> and, as <see cref="ILife"/>, its end.
/// Threads and locks: docs/architecture.md.
/// </remarks>
internal sealed partial class Client : IConnectingClient, ILife
{
    /// <summary>Publishes taken in and not answered, when the settings put no limit: the protocol's own (MQTT 5.0, 3.2.2.3.3).</summary>
    private const int UnlimitedReceiveMaximum = 65535;

    private readonly ConnectionServices _services;
    private readonly PacketIdWindow _window = new();
    private readonly OwedAnswers _answers;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _receiveMaximum;
    private readonly DataRelay? _relay;
    private string? _assignedClientId;
    private Task _takenOver = Task.CompletedTask;
    private ushort? _serverKeepAlive;

    // Under the writer's gate.
    private Task? _ending;
    private volatile bool _wasRevoked;
    private bool _isUnread;

    public Client(ConnectionServices services, Transport transport)
    {
        (_services, Transport, LastHeard) = (services, transport, services.Time.GetTimestamp());
        _receiveMaximum = services.Limits.UnacknowledgedPerClient is > 0 and var limit ? limit : UnlimitedReceiveMaximum;
        Identity = new Identity(services.Connections.NewName()) { IsRelayed = transport.Handed is { IsRelayed: true } };
        Writer = new Writer(transport, this, services.Memory, services.Time);
        _answers = new OwedAnswers(Writer, this, services.Memory, _receiveMaximum) { NamesAll = Identity.IsRelayed };
        Kept = new KeptSession(Writer, _window, _answers, Identity, this, services.Rooms, services.EventLog, services.Durable);
        Delivery = new Delivery(Writer, _window, Kept, Identity, this, services);
        Packets = new PacketRoom(services.Limits, services.Memory);
        Data = new DataDelivery(Writer, _window, Delivery, Identity, this, services.Memory, services.Limits, services.Time);
        Elsewhere = services.Home is { } home && transport.Handed is null ? new OtherNode(this, services, home) : null;
        _relay = Elsewhere is { } node ? new DataRelay(Writer, _window, Kept, Identity, this, services, () => node.PrefaceOf(PipeUse.Client)) : null;
        Data.Relay = _relay;
        var ofHome = _relay is null ? null : new HomeFilters(_relay, Identity);
        Filters = new HeldFilters(Writer, Kept, Delivery, Data, Identity, services, this, ofHome);
        Submissions = new Submissions(Writer, _answers, Kept, Delivery, Filters, Identity, services);
        Intake = new Intake(
            Writer, _answers, Kept, Submissions, new DataIntake(_answers, Kept, Submissions, Identity, this, services, _relay), Identity, this,
            services, _relay);
    }

    public Transport Transport { get; }

    public Identity Identity { get; }

    public Writer Writer { get; }

    public KeptSession Kept { get; }

    public Delivery Delivery { get; }

    public DataDelivery Data { get; }

    public PacketRoom Packets { get; }

    public HeldFilters Filters { get; }

    public Submissions Submissions { get; }

    public Intake Intake { get; }

    /// <summary>What it is to another node; null: there is none, or it has come by one.</summary>
    public OtherNode? Elsewhere { get; }

    /// <summary>Unique to this connection; what MQTTnet takes for the client id.</summary>
    public string Name => Identity.Name;

    public string ClientId => Identity.ClientId;

    public LoginSession? Session => Identity.Session;

    public Account Account => Identity.Account;

    public ConnectCredentials Credentials { get; private set; } = new(null, null, null, null, false);

    public ClientCertificate? Certificate { get; private set; }

    /// <summary>Seconds between packets after which the peer is taken for dead, times 1.5; 0: not watched.</summary>
    public int KeepAliveSeconds { get; private set; }

    /// <summary>When the last whole packet came, as a timestamp. Bytes alone are no sign of life [MQTT-3.1.2-22].</summary>
    public long LastHeard { get; private set; }

    /// <summary>Counted by the receive loop.</summary>
    public TrafficCount Received { get; } = new();

    /// <summary>What the client sends lies unread in its socket because the server lets it wait, so its silence says nothing.</summary>
    /// <remarks>One that reads nothing is found all the same (<see cref="Writer.IsStuckFor"/>).</remarks>
    public bool IsUnread => Volatile.Read(ref _isUnread);

    public bool WasRevoked => _wasRevoked;

    public Task Ended => _ended.Task;

    public IAskedFilter? Asked(string topicFilter) => Filters.Asked(topicFilter);

    public Verdict MayHold(IAskedFilter filter) => Filters.MayHold(filter);

    public void Decided(IAskedFilter filter, Verdict verdict) => Filters.Decided(filter, verdict);

    /// <summary>A packet has come.</summary>
    public void Heard() => LastHeard = _services.Time.GetTimestamp();

    /// <summary>The server does not read the client meanwhile: its keep-alive time begins anew when it is read on.</summary>
    public async Task UnreadAsync(Task until)
    {
        Volatile.Write(ref _isUnread, true);
        await Task.WhenAny(until, _ended.Task);
        Heard();
        Volatile.Write(ref _isUnread, false);
    }

    /// <summary>The CONNECT is refused before anybody is asked.</summary>
    public void Refuse(HandshakeRefusal refusal)
    {
        Writer.Speak(refusal.IsVersion5, refusal.MaximumPacket, wantsReasons: true);
        if (refusal.IsSaid)
        {
            RefuseConnect(refusal.Code, refusal.Reason!);
        }
    }

    public void RefuseConnect(byte code, string? reason) =>
        Writer.SendControl(PacketWriter.ConnAck(Writer.IsVersion5, code, reason, false, null, Writer.MaximumPacket));

    /// <summary>Takes down all that the CONNECT asks for. False: it is refused.</summary>
    public bool Begin(Handshake asked)
    {
        Writer.Speak(asked.IsVersion5, asked.MaximumPacket, asked.WantsReasons);
        (Identity.ClientId, Identity.IsBridge) = (asked.ClientId, asked.IsBridge);
        if (asked.ClientId.Length == 0)
        {
            Identity.ClientId = _assignedClientId = "auto-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        }

        // A password was looked at where the client came in, and a cookie is that node's to find.
        Credentials = Transport.Handed is { Session: { } handed }
            ? new ConnectCredentials(null, null, handed, Transport.RemoteEndPoint?.Address, PasswordsAllowed: false)
            : new ConnectCredentials(
                asked.UserName, asked.Password, Transport.Cookie, Transport.RemoteEndPoint?.Address,
                Transport.KeepsSecrets || _services.AllowPlainPasswords, Transport.Certificate);
        KeepAliveSeconds = asked.KeepAliveSeconds;
        // [MQTT-3.1.2-21] 3.1.1 has no way to be told, and is held to what it asked for.
        if (asked.IsVersion5 && !Identity.IsRelayed && (KeepAliveSeconds == 0 || KeepAliveSeconds > _services.MaximumKeepAlive))
        {
            KeepAliveSeconds = _services.MaximumKeepAlive;
            _serverKeepAlive = _services.MaximumKeepAlive;
        }

        var window = _services.Limits.UnacknowledgedPerClient is > 0 and var limit ? limit : PacketIdWindow.LargestSize;
        window = Math.Min(window, asked.ReceiveMaximum ?? window);
        // guard: the client's Receive Maximum
        _window.Resize(window);
        if (Identity.IsRelayed)
        {
            _window.BeginAtRelayed();
        }

        Kept.Ask(asked);
        if (asked.HasMethod)
        {
            RefuseConnect(ReasonCode.BadAuthenticationMethod, "This server takes a user name with a token or password, and no other method.");
        }

        return !asked.HasMethod;
    }

    public Verdict Admit(LoginSession session, ClientCertificate? certificate)
    {
        Certificate = certificate;
        Kept.CameBy(certificate);
        if (DataRights.MayEnter(session, Identity.IsBridge, _services.Rooms) is { IsAllowed: false } never)
        {
            return never;
        }

        if (Elsewhere?.Takes(session) == true)
        {
            return Verdict.Allowed;
        }

        // From here on whoever ends the login session finds this connection. Before it takes anything over:
        // a refused one must not push out an admitted one.
        if (!session.TryAttach(this))
        {
            return Verdict.Refused(RefusalCode.NotAuthorized, "This login session has ended. Sign in again.");
        }

        Identity.Become(session);
        if (TakeOver.WhyNot(_services.Connections.Register(this, _services.Limits), session) is { } refusal)
        {
            Identity.Become(null);
            session.Detach(this);
            return refusal;
        }

        // In this order: a trace that begins now is told to the connection, or found by it.
        Writer.Watch = DeviceWatch.Of(session, ClientId, Writer.IsVersion5, _services.Time);
        _services.Traces.Join(Writer.Watch, session);
        _takenOver = _services.Nodes.TakeOverAsync(new(session.Account.Id, Identity.SessionName), Name);
        Intake.Admit(_services.Budgets.Of(session.Account.Id));
        var address = Transport.RemoteEndPoint?.Address;
        Submissions.Admit(new StoragePayer(_services.Quotas.Of(session, address), _services.Space), _services.DataQuotas.Of(session, address));
        return Verdict.Allowed;
    }

    /// <summary>The interceptor has let the client in, and MQTTnet wants to send CONNACK.</summary>
    /// <remarks>What is kept of its MQTT session is found before CONNACK, which says so, and follows behind it.</remarks>
    public async Task AdmittedAsync()
    {
        if (Elsewhere is { Serves: true } elsewhere)
        {
            await HandOverAsync(elsewhere);
            return;
        }

        Packets.MayBeData = DataRights.MayWriteSomewhere(Session!, _services.Rooms);
        Kept.Grant();
        if (PacketWriter.ConnAck(Writer.IsVersion5, ReasonCode.Success, null, false, Announcement()).Length > Writer.MaximumPacket)
        {
            RefuseAdmitted(ReasonCode.PacketTooLarge, "The client takes no packet as large as the answer to CONNECT.");
            return;
        }

        SessionOpening opening;
        DurableClient? durable;
        try
        {
            await (/* guard: take-over waits for all nodes */ _takenOver);
            (opening, durable) = await _services.Durable.OpenAsync(Kept, Kept.IsCleanStart, Kept.SessionExpiry, Kept.Will);
            if (opening == SessionOpening.Present)
            {
                await Filters.OpenLogsAsync(durable!.Filters);
            }
        }
        catch (IOException)
        {
            RefuseAdmitted(ReasonCode.ServerUnavailable, "What is kept of this client could not be read or stored. Try again later.");
            return;
        }
        finally
        {
            // A clean start ended what was kept before, and that one's will with it (MQTT 5.0, 3.1.3.2.2).
            _services.Wills.SayDue();
        }

        switch (opening)
        {
            case SessionOpening.TooMany:
                RefuseAdmitted(ReasonCode.QuotaExceeded, DurableRights.WhyTooMany(Session!, _services.Limits));
                return;
            case SessionOpening.NotYours:
                RefuseAdmitted(ReasonCode.ClientIdentifierNotValid, TakeOver.NotYours);
                return;
            case SessionOpening.Ended:
                return;
        }

        if (!Account.IsGuest)
        {
            Transport.Place?.MarkSignedIn();
        }

        var packet = PacketWriter.ConnAck(Writer.IsVersion5, ReasonCode.Success, null, opening == SessionOpening.Present, Announcement());
        Writer.WriteCorked(packet, connects: true);
        try
        {
            if (durable is not null)
            {
                Filters.Resume(durable, opening == SessionOpening.Present);
                _services.Durable.Resumed(Kept);
            }
        }
        finally
        {
            Writer.Uncork();
        }

        BeginRelay();
    }

    public async Task RevokeAsync(RevocationReason reason)
    {
        lock (Writer.Gate)
        {
            _wasRevoked = true;
        }

        await EndAsync(ReasonCode.AdministrativeAction, Goodbye.Why(reason));

        // What it had sent and has no number gets none any more; what has one is on disk, or refused, before who ended it is answered.
        await _services.EventLog.SettleAsync();
        await _services.Data.SettleAsync();
    }

    public Task EndAsync(byte code, string reason)
    {
        bool isStalled;
        TaskCompletionSource ended;
        lock (Writer.Gate)
        {
            if (_ending is not null)
            {
                return _ending;
            }

            isStalled = !Writer.SayGoodbye(code, reason);
            ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _ending = ended.Task;
        }

        _ended.TrySetResult();
        Transport.Input.CancelPendingRead();
        _ = CloseTransportAsync(isStalled, ended);
        return ended.Task;
    }

    /// <summary>The server stops: takes nothing more, lets what is at the store be answered, then says goodbye.</summary>
    public async Task ShutDownAsync(TimeSpan drainTime)
    {
        _answers.Close();
        await Task.WhenAny(_answers.Drained(), Task.Delay(drainTime, _services.Time));
        await EndAsync(ReasonCode.ServerShuttingDown, "The server is stopping.");
    }

    /// <summary>
    /// After MQTTnet is done with the connection: takes it out of everything, and says its last will if it did not say goodbye.
    /// </summary>
    public void Gone()
    {
        Writer.Silence();
        _ended.TrySetResult();
        Delivery.Forget();
        Intake.Forget();
        Packets.Forget();
        Filters.EndSubscribeTurn();
        _relay?.End(atOnce: _wasRevoked);
        var session = Session;
        if (session is not null)
        {
            // Before it gives up its places, for they say where the client is.
            if (_services.Durable.Left(Kept) is { } will)
            {
                Submissions.SayWill(will);
            }

            Filters.LeaveEverything(atOnce: _wasRevoked);
            session.Detach(this);
        }

        _services.Connections.Closed(this);
        if (session is not null)
        {
            _services.Sessions.Release(session);
        }
    }

    private void RefuseAdmitted(byte code, string reason)
    {
        RefuseConnect(code, reason);
        _ = EndAsync(code, reason);
    }

    private PacketWriter.Announcements Announcement() => new(
        _assignedClientId,
        _serverKeepAlive,
        Kept.AskedExpiry != Kept.SessionExpiry ? Kept.SessionExpiry : null,
        (ushort)_receiveMaximum,
        (uint)Packets.Longest,
        PublishTopics.AliasMaximum);
}
