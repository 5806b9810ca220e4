using System.IO.Pipelines;
using System.Net;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Nodes;

namespace WebMessenger.Broker.Transports;

/// <summary>A client that has come to another node and is served here, where the data topics are.</summary>
/// <param name="Session">By which it was let in there; null: it came by a certificate, which is looked at here.</param>
/// <param name="IsRelayed">The other node serves it, and asks here for what it hears and says of devices alone.</param>
/// <param name="Leaving">Completes when the other node stops, and the client is to come to a third.</param>
internal sealed record HandedClient(LoginSession? Session, bool IsRelayed, Task Leaving);

/// <summary>The bytes of a client that has come to another node.</summary>
internal sealed class NodeTransport(NodePipe pipe, PipePreface preface, LoginSession? session) : Transport
{
    public override PipeReader Input => pipe.Input;

    public override PipeWriter Output => pipe.Output;

    public override IPEndPoint? RemoteEndPoint { get; } = preface.RemoteEndPoint;

    public override bool IsEncrypted => preface.IsEncrypted;

    public override Fingerprint? Certificate { get; } = Fingerprint.TryParse(preface.Fingerprint, out var shown) ? shown : null;

    public override HandedClient Handed { get; } = new(session, preface.Use == PipeUse.Client, pipe.Leaving);

    public override Task Closed => pipe.Closed;

    public override void Finish() => pipe.Output.Complete();

    public override void Abort() => pipe.Abort();
}
