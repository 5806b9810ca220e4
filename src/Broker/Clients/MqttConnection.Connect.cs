using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
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
    private const int MaximumClientIdBytes = 128;

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

        var code = CheckConnect(frame.Body.ToArray());
        if (code == 0 && frame.IsPadded && IsVersion5)
        {
            code = RefuseConnect(ReasonCode.MalformedPacket, "The Remaining Length has more bytes than it needs.");
        }

        if (code != 0)
        {
            throw new MqttCommunicationException("The CONNECT is malformed or of another protocol version.");
        }

        _transport.Place?.MarkUsed();
        PacketFormatterAdapter.DetectProtocolVersion(Received(frame));
        var connect = (MqttConnectPacket)Decode(frame);
        TakeOver(connect);
        return connect;
    }

    /// <summary>What of CONNECT MQTTnet 5.2 does not look at. Returns 0, or the code it refused with (already answered where the standard has an answer).</summary>
    private byte CheckConnect(ReadOnlySpan<byte> body)
    {
        var reader = new PacketReader(body);
        if (!reader.TryReadBinary(out var protocol) || !reader.TryReadByte(out var level) || !reader.TryReadByte(out var flags) || !reader.TrySkip(2))
        {
            return ReasonCode.MalformedPacket;
        }

        // MQIsdp is MQTT 3.1. Bridges set the high bit of the level (mosquitto's try_private) and count on hearing nothing of their own:
        // refused, they ask again without it.
        if (protocol.SequenceEqual("MQIsdp"u8) || (protocol.SequenceEqual("MQTT"u8) && level is not (4 or 5)))
        {
            // [MQTT-3.1.2-2]
            IsVersion5 = (level & 0x7F) > 4;
            return RefuseConnect(ReasonCode.UnsupportedProtocolVersion, "This server speaks MQTT 3.1.1 and 5.");
        }

        if (!protocol.SequenceEqual("MQTT"u8))
        {
            return ReasonCode.UnsupportedProtocolVersion;
        }

        IsVersion5 = level == 5;
        const byte cleanFlag = 0x02, willFlag = 0x04, willQoS = 0x18, willRetain = 0x20, passwordFlag = 0x40, userFlag = 0x80;
        if ((flags & 1) != 0
            || (flags & willQoS) == willQoS
            || ((flags & willFlag) == 0 && (flags & (willQoS | willRetain)) != 0)
            || (!IsVersion5 && (flags & (passwordFlag | userFlag)) == passwordFlag))
        {
            // [MQTT-3.1.2-3], [MQTT-3.1.2-12], [MQTT-3.1.2-11], [MQTT-3.1.2-13], MQTT 3.1.1 [MQTT-3.1.2-22]
            return RefuseConnect(ReasonCode.MalformedPacket, "The connect flags are malformed.");
        }

        if (IsVersion5 && PacketProperties.Check(ref reader, PacketProperties.OfConnect) is var bad and not 0)
        {
            return RefuseConnect(bad, "The properties of the CONNECT are malformed.");
        }

        // Before anything else is refused: a refusal must fit, too. Behind the protocol's name, the level, the flags and the keep-alive.
        if (IsVersion5 && PacketProperties.FindNumber(body[10..], PropertyId.MaximumPacketSize) is { } maximum)
        {
            _clientMaximumPacket = (int)Math.Min(maximum, int.MaxValue);
        }

        if (!reader.TryReadBinary(out var clientId))
        {
            return RefuseConnect(ReasonCode.MalformedPacket, "The CONNECT is malformed.");
        }

        var isClean = (flags & cleanFlag) != 0;
        if (clientId.Length > MaximumClientIdBytes || !MqttText.IsWellFormed(clientId) || HasControls(clientId) || (clientId.IsEmpty && !IsVersion5 && !isClean))
        {
            // The last: MQTT 3.1.1 [MQTT-3.1.3-8].
            return RefuseConnect(
                ReasonCode.ClientIdentifierNotValid,
                string.Create(CultureInfo.InvariantCulture, $"A client id is UTF-8 without control characters, at most {MaximumClientIdBytes} bytes."));
        }

        if ((flags & willFlag) != 0 && IsVersion5 && PacketProperties.Check(ref reader, PacketProperties.OfWill) is var badWill and not 0)
        {
            return RefuseConnect(badWill, "The properties of the will are malformed.");
        }

        ReadOnlySpan<byte> willTopic = default;
        if ((flags & willFlag) != 0 && (!reader.TryReadString(out willTopic) || !reader.TryReadBinary(out _)))
        {
            return RefuseConnect(ReasonCode.MalformedPacket, "The will is malformed.");
        }

        if ((flags & willFlag) != 0 && !MqttText.IsTopicName(willTopic))
        {
            // [MQTT-4.7.1-1], [MQTT-4.7.3-1]. MQTT 3.1.1 has no return code for it: there the connection is closed (4.8).
            return IsVersion5 ? RefuseConnect(ReasonCode.TopicNameInvalid, "The topic of a will is not empty and has no wildcards.") : ReasonCode.TopicNameInvalid;
        }

        if (((flags & userFlag) != 0 && !reader.TryReadString(out _)) || ((flags & passwordFlag) != 0 && !reader.TryReadBinary(out _)) || !reader.IsAtEnd)
        {
            return RefuseConnect(ReasonCode.MalformedPacket, "The CONNECT is malformed.");
        }

        return 0;
    }

    private byte RefuseConnect(byte code, string reason)
    {
        // MQTT 3.1.1 has no return code for what is malformed: such a client is closed without a word (4.8).
        if (IsVersion5 || code != ReasonCode.MalformedPacket)
        {
            SendControl(PacketWriter.ConnAck(IsVersion5, code, reason, false, null, _clientMaximumPacket));
        }

        return code;
    }

    // Reads everything we answer for, and leaves MQTTnet a CONNECT that is clean, without will and keep-alive, and under a name of its own.
    private void TakeOver(MqttConnectPacket connect)
    {
        ClientId = connect.ClientId ?? "";
        if (ClientId.Length == 0)
        {
            ClientId = _assignedClientId = "auto-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        }

        Credentials = new ConnectCredentials(
            connect.Username,
            connect.Password,
            _transport.Cookie,
            _transport.RemoteEndPoint?.Address,
            _transport.KeepsSecrets || _services.AllowPlainPasswords);

        KeepAliveSeconds = connect.KeepAlivePeriod;
        var limits = _services.Limits;
        var window = limits.UnacknowledgedPerClient is > 0 and var limit ? limit : PacketIdWindow.LargestSize;
        if (IsVersion5)
        {
            if (KeepAliveSeconds is 0 or > MaximumKeepAliveSeconds)
            {
                KeepAliveSeconds = MaximumKeepAliveSeconds;
                _serverKeepAlive = MaximumKeepAliveSeconds;
            }

            if (connect.ReceiveMaximum > 0)
            {
                window = Math.Min(window, connect.ReceiveMaximum);
            }

            _wantsReasons = connect.RequestProblemInformation;
            _askedExpiry = connect.SessionExpiryInterval;
        }
        else
        {
            if (!connect.CleanSession)
            {
                // MQTT 3.1.1 has no word for how long.
                _askedExpiry = DurableClients.MaximumExpiry;
            }
        }

        _isCleanStart = connect.CleanSession;
        _window.Resize(window);
        if (connect.WillFlag)
        {
            // MQTTnet 5.2 does not tell an expiry of 0 from none.
            _will = new LastWill(
                connect.WillTopic ?? "",
                connect.WillMessage ?? [],
                connect.WillDelayInterval,
                connect.WillMessageExpiryInterval is > 0 and var willExpiry ? willExpiry : null);
        }

        connect.ClientId = Name;
        connect.CleanSession = true;
        connect.KeepAlivePeriod = 0;
        connect.WillFlag = false;
        connect.SessionExpiryInterval = 0;
        if (connect.AuthenticationMethod is not null)
        {
            RefuseConnect(ReasonCode.BadAuthenticationMethod, "This server takes a user name with a token or password, and no other method.");
            throw new MqttCommunicationException("An authentication method was asked for.");
        }
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

    private static bool HasControls(ReadOnlySpan<byte> utf8)
    {
        foreach (var rune in Encoding.UTF8.GetString(utf8).EnumerateRunes())
        {
            if (Rune.IsControl(rune))
            {
                return true;
            }
        }

        return false;
    }
}
