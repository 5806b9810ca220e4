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
    private Task<Taking>? _taking;
    private TaskCompletionSource? _gone;
    private ushort? _serverKeepAlive;

    // Under the writer's gate.
    private Task? _ending;
    private volatile bool _wasRevoked;
    private bool _isUnread;
    private bool _isGone;

    public Client(ConnectionServices services, Transport transport)
    {
        (_services, Transport, LastHeard) = (services, transport, services.Time.GetTimestamp());
        _receiveMaximum = services.Limits.UnacknowledgedPerClient is > 0 and var limit ? limit : UnlimitedReceiveMaximum;
        Identity = new Identity(services.Connections.NewName()) { IsRelayed = transport.Handed is { IsRelayed: true } };
        Writer = new Writer(transport, this, services.Memory, services.Time, services.Lease);
        _answers = new OwedAnswers(Writer, this, services.Memory, _receiveMaximum) { NamesAll = Identity.IsRelayed };
        Kept = new KeptSession(Writer, _window, _answers, Identity, this, services.Rooms, services.EventLog, services.Durable)
        {
            Leaving = transport.Handed?.Leaving,
        };
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

    /// <summary>The house has several nodes.</summary>
    public bool IsOfManyNodes => Elsewhere is not null || Transport.Handed is not null;

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

    /// <summary>It is the client of its name for all nodes: whoever comes to another one takes its place from here on.</summary>
    public bool HadTurn { get; private set; }

    /// <summary>Completes when nothing is left of it here, and what is kept of it is stored.</summary>
    public async Task ForgottenAsync()
    {
        TaskCompletionSource gone;
        lock (Writer.Gate)
        {
            gone = _gone ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_isGone)
            {
                gone.TrySetResult();
            }
        }

        await gone.Task;
        await _services.EventLog.SettleAsync();
    }

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
    public async Task ShutDownAsync(TimeSpan drainTime, byte code = ReasonCode.ServerShuttingDown, string reason = "The server is stopping.")
    {
        if (Elsewhere is { Serves: true } elsewhere)
        {
            // What the client is told, the other node says.
            await elsewhere.LeaveAsync(drainTime);
        }

        _answers.Close();
        await Task.WhenAny(_answers.Drained(), Task.Delay(drainTime, _services.Time));
        await EndAsync(code, reason);
    }

    /// <summary>A node that stops sends it to another one, which is no loss of it. As <see cref="ShutDownAsync"/>.</summary>
    public Task SendElsewhereAsync(TimeSpan drainTime)
    {
        Kept.IsSentElsewhere = true;
        return ShutDownAsync(drainTime, ReasonCode.ServerMoved, "This node is stopping: connect to another one.");
    }

    /// <summary>The data topics are another node's, and the client comes again to be brought there. Silent when it returns.</summary>
    public Task SendHomeAsync(bool isStopping)
    {
        Kept.IsSentElsewhere = true;
        return EndAsync(
            isStopping ? ReasonCode.ServerMoved : ReasonCode.ServerUnavailable, "The data topics are another node's now. Connect again.");
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

        _ = EndTurnAsync();
        lock (Writer.Gate)
        {
            _isGone = true;
            _gone?.TrySetResult();
        }
    }

    void ILife.Abort() => Transport.Abort();

    void ILife.TooSlow()
    {
        if (_services.Refusals.Try("connections closed for not keeping up", Transport.RemoteEndPoint?.Address))
        {
            LogTooSlow(_services.Log, Name, ClientId);
        }

        _ = EndAsync(ReasonCode.QuotaExceeded, "Too many messages wait for this client's acknowledgements.");
    }

    private async Task CloseTransportAsync(bool isStalled, TaskCompletionSource ended)
    {
        try
        {
            await Goodbye.CloseAsync(Transport, isStalled, _wasRevoked, _services.Time);
        }
        finally
        {
            ended.SetResult();
        }
    }

    [LoggerMessage(3001, LogLevel.Information, "Connection {Connection} ({ClientId}) is closed: it does not keep up with what is delivered to it")]
    private static partial void LogTooSlow(ILogger log, string connection, string clientId);
}
