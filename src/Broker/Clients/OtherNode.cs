using System.Buffers;
using System.IO.Pipelines;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Transports;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// What a client is to the node that has the data topics, in a house of several nodes: a device that came to another one is handed on to
/// it, with all its bytes.
/// </summary>
internal sealed class OtherNode(Client client, ConnectionServices services, DataHome home)
{
    /// <summary>Why a client is refused for whom there is no pipe.</summary>
    public const string Full = "So many hear and say data topics, of this account or in all, that there is no place for one more just now. Try again later.";

    private LoginSession? _handedOver;
    private NodePipe? _pipe;

    /// <summary>The bytes of the CONNECT, until it is decided who serves the client; null: it is decided.</summary>
    public byte[]? ConnectPacket { get; set; }

    /// <summary>It is let in here, and another node serves it.</summary>
    public bool Serves => _handedOver is not null;

    /// <summary>Completes when a client that another node serves is gone. Null: this one serves it.</summary>
    public Task? Over { get; private set; }

    /// <summary>Whether another node serves who comes by this login session: it looks at its limits then, and lets it in or not.</summary>
    public bool Takes(LoginSession session)
    {
        var isForAnother = session.Scope.Mount is not null && !home.IsHere;
        (_handedOver, ConnectPacket) = isForAnother ? (session, ConnectPacket) : (null, null);
        return isForAnother;
    }

    public PipePreface PrefaceOf(PipeUse use)
    {
        var session = _handedOver ?? client.Session!;
        var certificate = use == PipeUse.Device ? client.Certificate : null;
        var from = client.Transport.RemoteEndPoint;
        return new PipePreface(
            use,
            certificate is null ? session.Id : null,
            certificate is null ? session.Account.Id : null,
            session.Kind == LoginSessionKind.Password,
            client.ClientId,
            from?.Address.ToString(),
            from?.Port ?? 0,
            client.Transport.IsEncrypted,
            certificate?.Fingerprint.ToString(),
            Holder: PipePreface.HolderOf(session.Account, from?.Address));
    }

    /// <summary>Hands the client on. False: there is nobody who serves it just now.</summary>
    public async Task<bool> TryHandOverAsync()
    {
        var connect = ConnectPacket!;
        ConnectPacket = null;
        if (await home.OpenAsync(PrefaceOf(PipeUse.Device)) is not { } pipe)
        {
            return false;
        }

        // Nothing is said by this node from here on.
        client.Writer.Silence();
        pipe.Output.Write(connect);
        await pipe.Output.FlushAsync();
        client.Transport.Place?.MarkSignedIn();
        _pipe = pipe;
        Over = Task.Run(() => PassOnAsync(pipe));
        return true;
    }

    /// <summary>This node stops: has the other one tell the client so, and say no will for it. Completes when it is gone.</summary>
    public async Task LeaveAsync(TimeSpan patience)
    {
        if (Over is { } over)
        {
            _pipe!.SayLeave();
            await Task.WhenAny(over, Task.Delay(patience, services.Time));
        }
    }

    // Until either side is over. Never throws.
    private async Task PassOnAsync(NodePipe pipe)
    {
        var up = CopyAsync(client.Transport.Input, pipe.Output, isToClient: false);
        var down = CopyAsync(pipe.Input, client.Transport.Output, isToClient: true);
        await Task.WhenAny(up, down, client.Ended);
        if (up.IsCompleted)
        {
            // What the client said last is heard, its goodbye among it.
            pipe.Output.Complete();
            await Task.WhenAny(down, client.Ended, Task.Delay(Goodbye.Time, services.Time));
        }

        if (pipe.IsRefused)
        {
            await RefuseAsync();
        }

        if (client.Kept.IsSentElsewhere)
        {
            // Before the other node hears that the client is gone.
            pipe.SayLeave();
        }

        pipe.Abort();
        client.Transport.Input.CancelPendingRead();
    }

    // The other node has said nothing to it, and does not.
    private async Task RefuseAsync()
    {
        try
        {
            client.Transport.Output.Write(PacketWriter.ConnAck(
                client.Writer.IsVersion5, ReasonCode.QuotaExceeded, Full, sessionPresent: false, null, client.Writer.MaximumPacket));
            await client.Transport.Output.FlushAsync();
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or ObjectDisposedException or OperationCanceledException)
        {
            // It has gone.
        }
    }

    private async Task CopyAsync(PipeReader from, PipeWriter to, bool isToClient)
    {
        try
        {
            while (!client.Ended.IsCompleted)
            {
                var read = await from.ReadAsync();
                foreach (var segment in read.Buffer)
                {
                    to.Write(segment.Span);
                }

                from.AdvanceTo(read.Buffer.End);
                if (isToClient && services.Lease is { } lease)
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
