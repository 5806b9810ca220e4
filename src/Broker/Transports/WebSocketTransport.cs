using System.IO.Pipelines;
using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections.Features;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Limits;

namespace WebMessenger.Broker.Transports;

/// <summary>
/// A WebSocket behind the same pipes as a TCP connection: packets may span frames and frames may hold many packets [MQTT-6.0.0-2].
/// </summary>
internal sealed class WebSocketTransport : Transport
{
    private const int ReceiveBytes = 4096;

    /// <summary>After the close handshake the peer has this long to take what is left and to close its side.</summary>
    private static readonly TimeSpan LingerTime = TimeSpan.FromSeconds(2);

    private readonly Pipe _input = new(new PipeOptions(pauseWriterThreshold: 65536, resumeWriterThreshold: 32768, useSynchronizationContext: false));
    private readonly Pipe _output = new(OutputOptions);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _received = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WebSocket _socket;
    private readonly HttpContext _context;
    private readonly RateBudget _frames;
    private readonly TimeProvider _time;
    private int _aborted;
    private volatile bool _isClosedInOrder;

    /// <param name="cookie">The login session of a browser.</param>
    /// <param name="frames">
    /// How many frames are received in a second, pings and pongs among them; what is beyond comes later. A frame may hold a byte.
    /// </param>
    public WebSocketTransport(WebSocket socket, HttpContext context, LoginSession? cookie, RateBudget frames, TimeProvider time)
    {
        (_socket, _context, _frames, _time) = (socket, context, frames, time);
        Cookie = cookie;
        IsEncrypted = context.Request.IsHttps;
        RemoteEndPoint = context.Connection.RemoteIpAddress is { } address ? new IPEndPoint(address, context.Connection.RemotePort) : null;
        context.Features.Get<MaskedStream>()?.Slow(frames, time);
    }

    public override PipeReader Input => _input.Reader;

    public override PipeWriter Output => _output.Writer;

    public override IPEndPoint? RemoteEndPoint { get; }

    public override bool IsEncrypted { get; }

    public override LoginSession? Cookie { get; }

    public override Task Closed => _closed.Task;

    public override void Finish()
    {
        _output.Writer.Complete();
        _input.Reader.Complete();
    }

    public override void Abort()
    {
        // Both have said their last word. A reset behind ours would take it out of the peer's hands before it is read,
        // and the peer would call the end abnormal (1006).
        if (_isClosedInOrder)
        {
            return;
        }

        if (Interlocked.Exchange(ref _aborted, 1) == 0)
        {
            // Resets the connection below the WebSocket: a peer that has stopped reading cannot delay it with a close handshake.
            _context.Abort();
            _socket.Abort();

            // Kestrel has shut the socket down when Abort returns (SocketConnection, ASP.NET Core 10): the peer gets nothing more.
            _closed.TrySetResult();

            // Also where nobody ever used the pipes, the pumps must end.
            _output.Reader.CancelPendingRead();
            _input.Writer.CancelPendingFlush();
        }
    }

    /// <summary>Moves bytes between the WebSocket and the pipes until either side ends.</summary>
    public async Task PumpAsync()
    {
        try
        {
            await Task.WhenAll(ReceiveAsync(), SendAsync());
        }
        finally
        {
            Abort();
        }
    }

    private async Task ReceiveAsync()
    {
        var writer = _input.Writer;
        try
        {
            while (true)
            {
                // A zero-byte receive first, so that an idle connection holds no buffer.
                await _socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None);

                // Into what is left of a piece of memory: the pipe would take a new one for each frame,
                // and frames of a byte would make a hundred megabytes of its 64 KiB.
                var received = await _socket.ReceiveAsync(/* guard: memory: frames of a byte */ writer.GetMemory(), CancellationToken.None);
                if (!_frames.TryTake(out var pause))
                {
                    // guard: frames have a rate
                    await Task.Delay(pause, _time, CancellationToken.None);
                }

                if (received.MessageType == WebSocketMessageType.Close)
                {
                    break;
                }

                if (/* guard: binary frames only */ received.MessageType == WebSocketMessageType.Text)
                {
                    // [MQTT-6.0.0-1] MQTT travels in binary frames only.
                    await _socket.CloseOutputAsync(WebSocketCloseStatus.InvalidMessageType, "MQTT is sent in binary frames.", CancellationToken.None);
                    break;
                }

                writer.Advance(received.Count);
                var flushed = await writer.FlushAsync();
                if (flushed.IsCompleted || flushed.IsCanceled)
                {
                    break;
                }
            }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The peer went away, or we aborted: both are an end of input.
        }

        await writer.CompleteAsync();
        await DrainAsync();
        await ReadAwayAsync();
        _received.TrySetResult();
    }

    // Until the peer has closed too: then it has taken all that we sent. Whoever cannot wait for that aborts.
    private async Task DrainAsync()
    {
        try
        {
            var nothing = new byte[ReceiveBytes];
            while (_socket.State is WebSocketState.Open or WebSocketState.CloseSent)
            {
                await _socket.ReceiveAsync(nothing, CancellationToken.None);
            }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // As above.
        }
    }

    // The WebSocket has answered the peer's frame with a close frame of its own, and calls itself aborted.
    private bool WasUnmasked => _context.Features.Get<MaskedStream>() is { IsViolated: true };

    // Behind an unmasked frame the WebSocket reads nothing more. What the peer still sends is read away: left unread, it would be answered
    // with a reset, which takes our close frame with it.
    private async Task ReadAwayAsync()
    {
        if (_context.Features.Get<MaskedStream>() is not { IsViolated: true } stream)
        {
            return;
        }

        using CancellationTokenSource patience = new(LingerTime);
        var nothing = new byte[ReceiveBytes];
        try
        {
            while (await stream.ReadAsync(nothing, patience.Token) > 0)
            {
                // Until the peer closes, or for long enough.
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // As above.
        }
    }

    private async Task SendAsync()
    {
        var reader = _output.Reader;
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync();
                foreach (var segment in read.Buffer)
                {
                    await _socket.SendAsync(segment, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
                }

                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCanceled)
                {
                    break;
                }

                if (read.IsCompleted)
                {
                    if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                    {
                        await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
                    }

                    // Cutting the connection before the peer has closed too would cut off what was sent last.
                    // Whoever cannot wait for that aborts.
                    await _received.Task;

                    _isClosedInOrder = /* guard: WebSockets end without a reset */ Volatile.Read(ref _aborted) == 0 && (_socket.State is WebSocketState.Closed || WasUnmasked);
                    break;
                }
            }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // As above: nothing can be sent any more.
        }

        await reader.CompleteAsync();
        if (_isClosedInOrder)
        {
            _ = CutLaterAsync(_context);
            _closed.TrySetResult();
            return;
        }

        // The receiving side may still wait for a peer that will never answer.
        Abort();
    }

    // Kestrel closes when the endpoint returns and all is sent, for which it would wait as long as the peer likes.
    // Over HTTP/2 the stream is over by then, and the connection is not this one's alone.
    private static async Task CutLaterAsync(HttpContext context)
    {
        if (HttpProtocol.IsHttp2(context.Request.Protocol) || context.Features.Get<IConnectionLifetimeFeature>() is not { } connection)
        {
            return;
        }

        await Task.Delay(LingerTime, connection.ConnectionClosed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!connection.ConnectionClosed.IsCancellationRequested)
        {
            connection.Abort();
        }
    }
}
