using System.Security.Cryptography;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>How a client is let in, or refused.</summary>
internal sealed partial class Client
{
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
        if (/* guard: a node that has lost touch lets nobody in */ _services.Lease is { IsFresh: false })
        {
            RefuseConnect(ReasonCode.ServerUnavailable, "This node has lost touch with the others for a moment. Connect again.");
            return false;
        }

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
        _taking = _services.Nodes.TakeOverAsync(new(session.Account.Id, Identity.SessionName), new(Name, session.Id, session.Scope));
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

        try
        {
            await LetInAsync();
        }
        finally
        {
            await EndTurnAsync();
        }
    }

    private async Task LetInAsync()
    {
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
            var taking = await (/* guard: take-over waits for all nodes */ _taking!);
            if (taking.IsOver)
            {
                return;
            }

            if (!taking.IsYours)
            {
                RefuseAdmitted(ReasonCode.ClientIdentifierNotValid, TakeOver.LiveNotYours);
                return;
            }

            HadTurn = true;
            (opening, durable) = await _services.Durable.OpenAsync(Kept, Kept.IsCleanStart, Kept.SessionExpiry, Kept.Will);
            if (opening == SessionOpening.Present)
            {
                await Filters.OpenLogsAsync(durable!.Filters);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
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

    private async Task HandOverAsync(OtherNode elsewhere)
    {
        if (await elsewhere.TryHandOverAsync())
        {
            // Whether the client is alive the other node watches.
            KeepAliveSeconds = 0;
            return;
        }

        RefuseAdmitted(ReasonCode.ServerUnavailable, "No node has the data topics just now. Connect again in a moment.");
    }

    // What is kept of the client at the home of the data comes as it comes, and what a clean start ends ends there too. Who only talks has
    // nothing there: he depends on no other node.
    private void BeginRelay()
    {
        if (_relay is { IsUsed: true } relay && _services.Durable.Has(Account.Id, SessionName.OfData(ClientId)))
        {
            _ = relay.BeginAsync();
        }
    }

    // It is let in, or refused, or has gone before that: another connection may become the client.
    private async Task EndTurnAsync()
    {
        if (_taking is not { } taking)
        {
            return;
        }

        try
        {
            (await taking).Dispose();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // There is none.
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
