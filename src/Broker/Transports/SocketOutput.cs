using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace WebMessenger.Broker.Transports;

/// <summary>
/// What is sent on a socket: gathered until a flush, which gives it to the operating system in one call.
/// Only what that does not take is waited for.
/// </summary>
/// <remarks>
/// Writing and flushing take turns (the connection's write lock); one flush is under way at most, and more may be written meanwhile.
/// <c>_gate</c> guards all fields against what the runtime tells of the socket and against <see cref="Complete"/>, which comes from
/// anywhere once nothing is written any more; no other lock is taken under it and nobody is called.
/// </remarks>
/// <param name="finished">
/// Called once when all was sent after <see cref="Complete"/>, and the peer was told that nothing more comes.
/// </param>
internal sealed class SocketOutput(Socket socket, Action finished) : PipeWriter, IValueTaskSource<FlushResult>
{
    private const int FirstBytes = 1024;
    private const int MostFirstBytes = 8 * 1024;

    private readonly Lock _gate = new();
    private Sender? _sender;

    // Written and not flushed. Rented while there is something in it, so that a connection at rest holds nothing.
    private byte[] _bytes = [];
    private int _end;

    // About what is flushed at once here, so that the buffer needs not grow each time.
    private int _usual = FirstBytes;

    // Flushed, and waiting for the peer to read.
    private byte[] _unsent = [];
    private bool _isAwaited;
    private bool _isCompleted;
    private bool _isBroken;
    private bool _isReleased;
    private ManualResetValueTaskSourceCore<FlushResult> _waiter;

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _bytes.AsSpan(_end);
    }

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _bytes.AsMemory(_end);
    }

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)(_bytes.Length - _end));
        _end += bytes;
    }

    /// <summary>
    /// Sends what was written. Not completed at once: the peer does not take it yet.
    /// To a connection that is gone everything is sent at once, and is lost.
    /// </summary>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (IsSending)
            {
                throw new InvalidOperationException("A flush is under way.");
            }

            _waiter.Reset();
            _isAwaited = !TrySend();
            return _isAwaited ? new ValueTask<FlushResult>(this, _waiter.Version) : new ValueTask<FlushResult>(Result);
        }
    }

    public override void CancelPendingFlush() => throw new NotSupportedException("A flush ends with the connection.");

    /// <summary>Nothing more is written. What was written is sent, then the peer is told.</summary>
    public override void Complete(Exception? exception = null)
    {
        lock (_gate)
        {
            if (_isCompleted)
            {
                return;
            }

            _isCompleted = true;
            if (IsSending || !TrySend())
            {
                return;
            }
        }

        Finish();
    }

    /// <summary>The socket is closed.</summary>
    public void Release()
    {
        lock (_gate)
        {
            (_isReleased, _isBroken) = (true, true);
            if (!IsSending)
            {
                _sender?.Dispose();
            }
        }
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token) => _waiter.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _waiter.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _waiter.OnCompleted(continuation, state, token, flags);

    private bool IsSending => _unsent.Length > 0;

    private FlushResult Result => new(isCanceled: false, isCompleted: _isBroken);

    private void MakeRoom(int size)
    {
        if (_bytes.Length - _end >= Math.Max(size, 1))
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_usual, Math.Max(_bytes.Length * 2, _end + size)));
        _bytes.AsSpan(0, _end).CopyTo(larger);
        Return(_bytes);
        _bytes = larger;
    }

    private static void Return(byte[] rented)
    {
        if (rented.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // Under _gate, as all below that does not say otherwise. False: the runtime tells when the peer has taken it.
    private bool TrySend()
    {
        if (_end == 0)
        {
            return true;
        }

        var (bytes, length) = (_bytes, _end);
        (_bytes, _end) = ([], 0);
        _usual = Math.Clamp(length, FirstBytes, MostFirstBytes);
        var sent = 0;
        if (!_isBroken && !TrySendNow(bytes.AsSpan(0, length), out sent))
        {
            _sender ??= new Sender(this);
            _sender.SetBuffer(bytes, sent, length - sent);
            _unsent = bytes;
            if (StartSending())
            {
                return false;
            }

            Sent();
            return true;
        }

        Return(bytes);
        return true;
    }

    private bool TrySendNow(ReadOnlySpan<byte> bytes, out int sent)
    {
        sent = 0;
        try
        {
            sent = socket.Send(bytes, SocketFlags.None, out var error);
            _isBroken = error is not (SocketError.Success or SocketError.WouldBlock);
            sent = error is SocketError.Success ? sent : 0;
        }
        catch (ObjectDisposedException)
        {
            _isBroken = true;
        }

        return _isBroken || sent == bytes.Length;
    }

    // True: goes on by itself. The operating system takes all of it before it says so.
    private bool StartSending()
    {
        try
        {
            return socket.SendAsync(_sender!);
        }
        catch (ObjectDisposedException)
        {
            _isBroken = true;
            return false;
        }
    }

    private void Sent()
    {
        _isBroken |= _sender!.SocketError is not SocketError.Success;
        Return(_unsent);
        _unsent = [];
        if (_isReleased)
        {
            _sender.Dispose();
        }
    }

    // Not under _gate: where the runtime tells that the peer has taken what it had not.
    private void SendingEnded()
    {
        bool isAwaited, isFinished;
        FlushResult result;
        lock (_gate)
        {
            Sent();
            isAwaited = _isAwaited;
            _isAwaited = false;
            isFinished = _isCompleted && TrySend();
            result = Result;
        }

        if (isFinished)
        {
            Finish();
        }

        if (isAwaited)
        {
            _waiter.SetResult(result);
        }
    }

    // Not under _gate.
    private void Finish()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The connection is gone already.
        }

        finished();
    }

    private sealed class Sender(SocketOutput output) : SocketAsyncEventArgs(true)
    {
        protected override void OnCompleted(SocketAsyncEventArgs e) => output.SendingEnded();
    }
}
