using System.Buffers;
using System.IO.Pipelines;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <content>
/// In a house of several nodes: a device that came to this one is handed on, with all its bytes, to the node that has the data topics.
/// </content>
internal sealed partial class Client
{
    private LoginSession? _handedOver;

    /// <summary>The bytes of the CONNECT, until it is decided who serves the client; null: there is one node, or it is decided.</summary>
    public byte[]? ConnectPacket { get; set; }

    /// <summary>Whether anybody needs <see cref="ConnectPacket"/>.</summary>
    public bool MayBeHandedOver => _services.Home is not null && Transport.Handed is null;

    /// <summary>Completes when a client that another node serves is gone. Null: this one serves it.</summary>
    public Task? HandedOver { get; private set; }

    // The other node looks at its limits, and lets it in or not: it is nobody here.
    private bool IsForAnotherNode(LoginSession session)
    {
        var isForAnother = _services.Home is { IsHere: false } && session.Scope.Mount is not null && Transport.Handed is null;
        _handedOver = isForAnother ? session : null;
        return isForAnother;
    }

    // A password was looked at where the client came in, and a cookie is that node's to find.
    private ConnectCredentials CredentialsOf(Handshake asked) => Transport.Handed is { Session: { } session }
        ? new ConnectCredentials(null, null, session, Transport.RemoteEndPoint?.Address, PasswordsAllowed: false)
        : new ConnectCredentials(
            asked.UserName, asked.Password, Transport.Cookie, Transport.RemoteEndPoint?.Address,
            Transport.KeepsSecrets || _services.AllowPlainPasswords, Transport.Certificate);

    private PipePreface PrefaceOf(PipeUse use)
    {
        var session = _handedOver ?? Session!;
        var isByCertificate = use == PipeUse.Device && Certificate is not null;
        return new PipePreface(
            use,
            isByCertificate ? null : session.Id,
            isByCertificate ? null : session.Account.Id,
            session.Kind == LoginSessionKind.Password,
            ClientId,
            Transport.RemoteEndPoint?.Address.ToString(),
            Transport.RemoteEndPoint?.Port ?? 0,
            Transport.IsEncrypted,
            isByCertificate ? Certificate!.Fingerprint.ToString() : null);
    }

    // What is kept of the client at the home of the data comes as it comes, and what a clean start ends ends there too.
    private void BeginRelay()
    {
        if (_relay is { IsUsed: true } relay
            && (Kept.IsCleanStart ? _services.Durable.Has(Account.Id, SessionName.OfData(ClientId)) : Kept.IsDurable))
        {
            _ = relay.BeginAsync();
        }
    }

    private async Task HandOverAsync()
    {
        var connect = ConnectPacket!;
        ConnectPacket = null;
        if (await _services.Home!.OpenAsync(PrefaceOf(PipeUse.Device)) is not { } pipe)
        {
            RefuseAdmitted(ReasonCode.ServerUnavailable, "No node has the data topics just now. Connect again in a moment.");
            return;
        }

        // Nothing is said by this node from here on, and the other one watches whether the client is alive.
        Writer.Silence();
        KeepAliveSeconds = 0;
        pipe.Output.Write(connect);
        await pipe.Output.FlushAsync();
        Transport.Place?.MarkSignedIn();
        HandedOver = Task.Run(() => PassOnAsync(pipe));
    }

    // Until either side is over. Never throws.
    private async Task PassOnAsync(NodePipe pipe)
    {
        var up = CopyAsync(Transport.Input, pipe.Output, isToClient: false);
        var down = CopyAsync(pipe.Input, Transport.Output, isToClient: true);
        await Task.WhenAny(up, down, _ended.Task);
        if (up.IsCompleted)
        {
            // What the client said last is heard, its goodbye among it.
            pipe.Output.Complete();
            await Task.WhenAny(down, _ended.Task, Task.Delay(Goodbye.Time, _services.Time));
        }

        pipe.Abort();
        Transport.Input.CancelPendingRead();
    }

    private async Task CopyAsync(PipeReader from, PipeWriter to, bool isToClient)
    {
        try
        {
            while (!_ended.Task.IsCompleted)
            {
                var read = await from.ReadAsync();
                foreach (var segment in read.Buffer)
                {
                    to.Write(segment.Span);
                }

                from.AdvanceTo(read.Buffer.End);
                if (isToClient && _services.Lease is { } lease)
                {
                    await lease.WhenFreshAsync();
                }

                var flush = await to.FlushAsync();
                if (flush.IsCompleted || read.IsCompleted || read.IsCanceled)
                {
                    return;
                }
            }
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or ObjectDisposedException or OperationCanceledException)
        {
            // One side fell apart, and so does the other.
        }
    }
}
