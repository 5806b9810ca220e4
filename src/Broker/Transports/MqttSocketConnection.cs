using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace WebMessenger.Broker.Transports;

/// <summary>A connection as Kestrel wants to see it, which counts it, logs it and ends it with the program.</summary>
internal sealed class MqttSocketConnection(TcpTransport bytes, CountedSocket place) : ConnectionContext
{
    private IDictionary<object, object?>? _items;

    public TcpTransport Bytes => bytes;

    public override string ConnectionId { get; set; } = "";

    public override IFeatureCollection Features { get; } = new FeatureCollection(4);

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IDuplexPipe Transport
    {
        get => throw new NotSupportedException($"The bytes of this connection are in {nameof(Bytes)}.");
        set => throw new NotSupportedException("This connection is MQTT without encryption.");
    }

    public override EndPoint? RemoteEndPoint
    {
        get => bytes.RemoteEndPoint;
        set => throw new NotSupportedException("The peer is who it is.");
    }

    public override void Abort(ConnectionAbortedException abortReason) => bytes.Abort();

    public override ValueTask DisposeAsync()
    {
        bytes.Close();
        place.Leave();
        return base.DisposeAsync();
    }
}
