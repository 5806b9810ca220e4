using System.Buffers;
using System.Security.Cryptography;
using MQTTnet.Exceptions;
using MQTTnet.Packets;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <content>CONNECT: checked before MQTTnet decodes it, and rewritten so that MQTTnet sees no two connections as one.</content>
internal sealed partial class MqttConnection
{
    private const string NotYoursReason =
        "Under this client id a client of the account is kept that may read more than this access token. Take another client id, or a token that may read as much.";

    private const string LiveNotYoursReason =
        "Under this client id a client of the account is connected that may do more than this access token. Take another client id, or a token that may do as much.";

    /// <summary>Above this, and without any, MQTT 5 clients are told to keep alive at this rate; 3.1.1 has no way to be told, and is held to what it asked for.</summary>
    private const ushort MaximumKeepAliveSeconds = 300;

    private const ushort TopicAliasMaximum = 16;

    // Guarded by _write once the client is admitted: whoever takes the MQTT session over may take it away.
    private LastWill? _will;
    private string? _assignedClientId;
    private ushort? _serverKeepAlive;
    private uint _askedExpiry;
    private bool _isCleanStart;

    private MqttConnectPacket ReadConnect(in Frame frame)
    {
        // [MQTT-3.1.0-1], and [MQTT-2.1.3-1] for the flags.
        if (frame.Header != (byte)PacketType.Connect << 4)
        {
            throw new Violation(ReasonCode.ProtocolError, "The first packet must be CONNECT.");
        }

        if (Handshake.Read(frame.Body.ToArray(), frame.IsPadded, out var asked) is { } refusal)
        {
            (IsVersion5, _clientMaximumPacket) = (refusal.IsVersion5, refusal.MaximumPacket);
            if (refusal.IsSaid)
            {
                RefuseConnect(refusal.Code, refusal.Reason!);
            }

            throw new MqttCommunicationException("The CONNECT is malformed or of another protocol version.");
        }

        _transport.Place?.MarkUsed();
        PacketFormatterAdapter.DetectProtocolVersion(Received(frame));
        return Begin(asked!);
    }

    private void RefuseConnect(byte code, string reason) =>
        SendControl(PacketWriter.ConnAck(IsVersion5, code, reason, false, null, _clientMaximumPacket));

    // All that was asked is answered for here. MQTTnet is left a CONNECT that is clean, without will and keep-alive, and under a name of its own.
    private MqttConnectPacket Begin(Handshake asked)
    {
        (IsVersion5, _clientMaximumPacket, _wantsReasons) = (asked.IsVersion5, asked.MaximumPacket, asked.WantsReasons);
        ClientId = asked.ClientId;
        if (ClientId.Length == 0)
        {
            ClientId = _assignedClientId = "auto-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        }

        Credentials = new ConnectCredentials(
            asked.UserName,
            asked.Password,
            _transport.Cookie,
            _transport.RemoteEndPoint?.Address,
            _transport.KeepsSecrets || _services.AllowPlainPasswords);

        KeepAliveSeconds = asked.KeepAliveSeconds;
        if (IsVersion5 && KeepAliveSeconds is (0 or > MaximumKeepAliveSeconds))
        {
            KeepAliveSeconds = MaximumKeepAliveSeconds;
            _serverKeepAlive = MaximumKeepAliveSeconds;
        }

        var window = _services.Limits.UnacknowledgedPerClient is > 0 and var limit ? limit : PacketIdWindow.LargestSize;
        window = Math.Min(window, asked.ReceiveMaximum ?? window);
        _window.Resize(window);
        (_askedExpiry, _isCleanStart, _will) = (asked.SessionExpiry, asked.IsClean, asked.Will);
        if (asked.HasMethod)
        {
            RefuseConnect(ReasonCode.BadAuthenticationMethod, "This server takes a user name with a token or password, and no other method.");
            throw new MqttCommunicationException("An authentication method was asked for.");
        }

        return new MqttConnectPacket { ClientId = Name, CleanSession = true, RequestProblemInformation = asked.WantsReasons };
    }

    // The interceptor has let the client in. What is kept of its MQTT session is found before CONNACK, which says so, and follows behind it.
    private async Task AdmittedAsync()
    {
        // A guest ends with its last connection.
        SessionExpiry = Account.IsGuest ? 0 : Math.Min(_askedExpiry, DurableClients.MaximumExpiry);
        if (PacketWriter.ConnAck(IsVersion5, ReasonCode.Success, null, false, Announcement()).Length > _clientMaximumPacket)
        {
            RefuseAdmitted(ReasonCode.PacketTooLarge, "The client takes no packet as large as the answer to CONNECT.");
            return;
        }

        SessionOpening opening;
        DurableClient? durable;
        try
        {
            (opening, durable) = await _services.Durable.OpenAsync(this, _isCleanStart, SessionExpiry, Will);
        }
        catch (IOException)
        {
            RefuseAdmitted(ReasonCode.ServerUnavailable, "What is kept of this client could not be stored. Try again later.");
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
                RefuseAdmitted(
                    ReasonCode.QuotaExceeded,
                    $"This account has {DurablePlaces} durable clients, as many as it may{(Session!.Scope.IsLimited ? " by limited tokens" : "")}. Start clean, or end one of your login sessions on the page.");
                return;
            case SessionOpening.NotYours:
                RefuseAdmitted(ReasonCode.ClientIdentifierNotValid, NotYoursReason);
                return;
            case SessionOpening.Ended:
                return;
        }

        var packet = PacketWriter.ConnAck(IsVersion5, ReasonCode.Success, null, opening == SessionOpening.Present, Announcement());
        lock (_write)
        {
            if (!_silent)
            {
                WriteControl(packet);
                _isConnected = true;
                _corked = true;
            }
        }

        try
        {
            if (durable is not null)
            {
                BeginDurable(durable, opening == SessionOpening.Present);
            }
        }
        finally
        {
            Uncork();
        }
    }

    private int DurablePlaces => Session!.Scope.IsLimited ? Scope.ShareOf(_services.Limits.DurableClientsPerAccount) : _services.Limits.DurableClientsPerAccount;

    private void RefuseAdmitted(byte code, string reason)
    {
        SendControl(PacketWriter.ConnAck(IsVersion5, code, reason, false, null, _clientMaximumPacket));
        _ = EndAsync(code, reason);
    }

    private PacketWriter.Announcements Announcement() => new(
        _assignedClientId,
        _serverKeepAlive,
        _askedExpiry != SessionExpiry ? SessionExpiry : null,
        (ushort)ReceiveMaximum,
        (uint)_services.Limits.PacketBytes,
        TopicAliasMaximum);
}
