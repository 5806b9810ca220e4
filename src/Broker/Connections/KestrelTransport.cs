using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace WebMessenger.Broker.Connections;

/// <summary>A connection that Kestrel accepted for MQTT, plain or behind TLS.</summary>
internal abstract class KestrelTransport : Transport
{
    private readonly ConnectionContext _connection;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    protected KestrelTransport(ConnectionContext connection)
    {
        _connection = connection;
        Watch(connection.Features.Get<IConnectionSocketFeature>()?.Socket);
        connection.ConnectionClosed.UnsafeRegister(static closed => ((TaskCompletionSource)closed!).TrySetResult(), _closed);
    }

    public override PipeReader Input => _connection.Transport.Input;

    public override IPEndPoint? RemoteEndPoint => _connection.RemoteEndPoint as IPEndPoint;

    public override Task Closed => _closed.Task;

    /// <remarks>
    /// The input is left to Kestrel. Told that nobody reads it, and with something of the peer's unread, Kestrel 10 calls the connection closed at once, and whoever aborts it then cuts off what still waits to be sent.
    /// </remarks>
    public override void Finish() => Output.Complete();

    public override void Abort() => _connection.Abort();
}
