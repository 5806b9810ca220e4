using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;

namespace WebMessenger.Broker.Transports;

/// <summary>An unencrypted connection: a socket that is read and written without a pipe, or another thread, in between.</summary>
internal sealed class TcpTransport : Transport
{
    private readonly Socket _socket;
    private readonly SocketInput _input;
    private readonly SocketOutput _output;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isDisposed;

    /// <param name="socket">Connected; belongs to the transport from here on.</param>
    public TcpTransport(Socket socket)
    {
        _socket = socket;
        try
        {
            // Nobody waits in a call: what cannot be sent at once is sent later.
            socket.Blocking = false;
            RemoteEndPoint = socket.RemoteEndPoint as IPEndPoint;
        }
        catch (SocketException)
        {
            // Gone already, which whoever reads from it finds out.
        }

        _input = new SocketInput(socket, () => _closed.TrySetResult());
        _output = new SocketOutput(socket, _input.Discard);
    }

    public override PipeReader Input => _input;

    public override PipeWriter Output => _output;

    public override IPEndPoint? RemoteEndPoint { get; }

    public override bool IsEncrypted => false;

    public override Task Closed => _closed.Task;

    public override void Finish() => _output.Complete();

    public override void Abort() => Dispose(isCut: true);

    public override void Close() => Dispose(isCut: false);

    private void Dispose(bool isCut)
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 1)
        {
            return;
        }

        if (isCut)
        {
            // With a reset, or the operating system would go on sending what it has taken.
            _socket.Close(0);
        }
        else
        {
            _socket.Dispose();
        }

        _input.Release();
        _output.Release();
        _closed.TrySetResult();
    }
}
