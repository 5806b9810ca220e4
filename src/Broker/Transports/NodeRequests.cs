using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using WebMessenger.Broker.Nodes;

namespace WebMessenger.Broker.Transports;

/// <summary>
/// Where requests come from that came to other nodes. A type of its own, so that Kestrel takes <see cref="NodeRequests"/> for it.
/// </summary>
internal sealed class NodeEndPoint : EndPoint
{
    public override string ToString() => "nodes";
}

/// <summary>Feature of a connection: what comes by it has come to another node, which says of each request whose it is.</summary>
internal sealed class FromNode;

/// <summary>The connections of HTTP that other nodes open here, as Kestrel takes them.</summary>
internal sealed class NodeRequests(DataHome home) : IConnectionListenerFactory, IConnectionListenerFactorySelector, IConnectionListener
{
    private readonly Channel<ConnectionContext> _waiting = Channel.CreateUnbounded<ConnectionContext>();

    public EndPoint EndPoint { get; } = new NodeEndPoint();

    public bool CanBind(EndPoint endpoint) => endpoint is NodeEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        home.Serve(PipeUse.Requests, ServeAsync);
        return ValueTask.FromResult<IConnectionListener>(this);
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _waiting.Reader.ReadAsync(cancellationToken);
        }
        catch (ChannelClosedException)
        {
            return null;
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _waiting.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    private async Task ServeAsync(NodePipe pipe, PipePreface preface)
    {
        if (_waiting.Writer.TryWrite(new Connection(pipe)))
        {
            await pipe.Closed;
        }
    }

    // Its base ends a connection by a cancellation that the pool brings later, and disposes of that with the connection (ASP.NET Core
    // 10): an exception on a thread of the pool would end the program.
    private sealed class Connection : DefaultConnectionContext
    {
        /// <summary>The other node has this long to take the end of an answer.</summary>
        private static readonly TimeSpan _linger = TimeSpan.FromSeconds(1);

        private readonly NodePipe _pipe;

        public Connection(NodePipe pipe)
            : base(Guid.NewGuid().ToString("N"), pipe, pipe)
        {
            CancellationTokenSource closed = new();
            (_pipe, ConnectionClosed) = (pipe, closed.Token);
            Features.Set(new FromNode());
            _ = pipe.Closed.ContinueWith(
                _ =>
                {
                    closed.Cancel();
                    closed.Dispose();
                },
                TaskScheduler.Default);
        }

        public override void Abort(ConnectionAbortedException abortReason) => _pipe.Abort();

        [SuppressMessage("Usage", "CA2215", Justification = "The base's end would cancel what the server has ended already, and end the program.")]
        public override async ValueTask DisposeAsync()
        {
            _pipe.Output.Complete();
            await Task.WhenAny(_pipe.Closed, Task.Delay(_linger));
            _pipe.Abort();
        }
    }
}
