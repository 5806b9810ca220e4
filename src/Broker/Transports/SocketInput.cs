using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Transports;

/// <summary>What arrives on a socket, read when it is asked for: a client that is not to send more is not read.</summary>
/// <remarks>
/// One reads at a time; <see cref="CancelPendingRead"/> and <see cref="Discard"/> may come from anywhere.
/// <c>_gate</c> guards all fields; no other lock is taken under it and nobody is called.
/// Who waits goes on inside the call that brings the bytes, on the thread that waits for all sockets, so it must not block.
/// </remarks>
/// <param name="ended">Called once after <see cref="Discard"/>, when the peer has closed too.</param>
internal sealed class SocketInput(Socket socket, Action ended) : PipeReader, IValueTaskSource<ReadResult>
{
    /// <summary>Who has this much to say without a pause goes on elsewhere, so that other sockets get their turn.</summary>
    private const int ReadsInARow = 16;

    private static readonly byte[] s_nowhere = new byte[4096];

    private readonly Lock _gate = new();
    private Receiver? _receiver;
    private InputBuffer _bytes = new();
    private ReadOnlySequence<byte> _shown;
    private bool _isExamined;
    private bool _isWaiting;
    private bool _isReceiving;
    private bool _isCanceled;
    private bool _isAtEnd;
    private bool _isDiscarding;
    private bool _isReleased;
    private int _readsInARow;
    private ManualResetValueTaskSourceCore<ReadResult> _waiter;
    private CancellationToken _cancellation;
    private CancellationTokenRegistration _registration;

    /// <summary>
    /// The next bytes. At the end of input, or when the connection falls apart, the result is completed; it never throws.
    /// </summary>
    /// <param name="cancellationToken">Cancels this read and, if it is given again, the next one.</param>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        Watch(cancellationToken);
        Receiver receiver;
        lock (_gate)
        {
            // What is disposed with the socket must not be touched.
            _isAtEnd |= _isReleased;
            if (_isCanceled || IsReady)
            {
                return new ValueTask<ReadResult>(Show());
            }

            _waiter.Reset();
            _isWaiting = true;
            if (_isReceiving)
            {
                return new ValueTask<ReadResult>(this, _waiter.Version);
            }

            receiver = PrepareToReceive();
        }

        if (Receive(receiver))
        {
            return new ValueTask<ReadResult>(this, _waiter.Version);
        }

        bool isDiscarding;
        lock (_gate)
        {
            isDiscarding = _isDiscarding;
            if (!isDiscarding)
            {
                Take(receiver);
                if (_isWaiting && (/* guard: nobody keeps the thread that waits for sockets */ ++_readsInARow < ReadsInARow))
                {
                    _isWaiting = false;
                    return new ValueTask<ReadResult>(Show());
                }

                _readsInARow = 0;
                AnswerElsewhere();
            }
        }

        if (isDiscarding)
        {
            // Who gave up meanwhile left the rest to this receive.
            GoOnDiscarding(receiver);
        }

        return new ValueTask<ReadResult>(this, _waiter.Version);
    }

    public override bool TryRead(out ReadResult result)
    {
        lock (_gate)
        {
            var isReady = _isCanceled || IsReady;
            result = isReady ? Show() : default;
            return isReady;
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_gate)
        {
            _bytes.Consume((int)_shown.Slice(_shown.Start, consumed).Length);
            _isExamined = _shown.Slice(examined).IsEmpty;
            _shown = default;
            if (_bytes.IsEmpty && !_isReceiving)
            {
                _bytes.Rest();
            }
        }
    }

    /// <summary>Lets the pending read, or the next one, return with nothing. Who waits goes on elsewhere, not in this call.</summary>
    public override void CancelPendingRead()
    {
        lock (_gate)
        {
            _isCanceled = true;
            AnswerElsewhere();
        }
    }

    public override void Complete(Exception? exception = null) => Discard();

    /// <summary>
    /// Nobody reads any more: what arrives is thrown away until the peer closes, so that what was sent to it last is not cut off.
    /// </summary>
    public void Discard()
    {
        bool isAtEnd;
        lock (_gate)
        {
            if (_isDiscarding)
            {
                return;
            }

            _isDiscarding = true;
            if (_isWaiting)
            {
                _isCanceled = true;
                AnswerElsewhere();
            }

            if (_isReceiving)
            {
                return;
            }

            isAtEnd = _isAtEnd || _isReleased;
            if (!isAtEnd)
            {
                _isReceiving = true;
                _receiver ??= new Receiver(this);
            }
        }

        if (isAtEnd)
        {
            ended();
        }
        else
        {
            DiscardOn();
        }
    }

    /// <summary>The socket is closed.</summary>
    public void Release()
    {
        _registration.Unregister();
        lock (_gate)
        {
            _isReleased = true;
            if (!_isReceiving)
            {
                _receiver?.Dispose();
            }
        }
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => _waiter.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _waiter.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _waiter.OnCompleted(continuation, state, token, flags);

    // Under _gate, as all below that does not say otherwise.
    private bool IsReady => _isAtEnd || _isDiscarding || (!_bytes.IsEmpty && !_isExamined);

    private ReadResult Show()
    {
        var isCanceled = _isCanceled;
        _isCanceled = false;
        _shown = _bytes.Held;
        return new ReadResult(_shown, isCanceled, _isAtEnd || _isDiscarding);
    }

    // Whoever waits goes on there.
    private void AnswerElsewhere()
    {
        if (!_isWaiting)
        {
            return;
        }

        _isWaiting = false;
        ThreadPool.UnsafeQueueUserWorkItem(static answer => answer.Self._waiter.SetResult(answer.Result), (Self: this, Result: Show()), preferLocal: false);
    }

    private Receiver PrepareToReceive()
    {
        _bytes.MakeRoom();
        _isReceiving = true;
        var receiver = _receiver ??= new Receiver(this);
        receiver.SetBuffer(_bytes.Space);
        return receiver;
    }

    private void Watch(CancellationToken cancellation)
    {
        if (cancellation == _cancellation)
        {
            return;
        }

        _registration.Unregister();
        _cancellation = cancellation;
        _registration = cancellation.UnsafeRegister(static self => ((SocketInput)self!).CancelPendingRead(), this);
    }

    // Not under _gate. False: done already, and nobody is called.
    private bool Receive(Receiver receiver)
    {
        try
        {
            return socket.ReceiveAsync(receiver);
        }
        catch (ObjectDisposedException)
        {
            receiver.IsClosed = true;
            return false;
        }
    }

    private void Take(Receiver receiver)
    {
        _isReceiving = false;
        if (receiver.HasEnded)
        {
            _isAtEnd = true;
            return;
        }

        _isExamined = false;
        _bytes.Added(receiver.BytesTransferred);
        if (_bytes.IsFull)
        {
            TakeMore();
        }
    }

    // The buffer is full, so there may be more.
    private void TakeMore()
    {
        if (!_bytes.TryGrowForMore())
        {
            return;
        }

        try
        {
            var count = socket.Receive(_bytes.Space.Span, SocketFlags.None, out var error);
            _isAtEnd = error is SocketError.Success ? count == 0 : error is not SocketError.WouldBlock;
            _bytes.Added(error is SocketError.Success ? count : 0);
        }
        catch (ObjectDisposedException)
        {
            _isAtEnd = true;
        }
    }

    // Not under _gate: where the runtime tells of bytes that were waited for.
    private void Received(Receiver receiver)
    {
        bool isDiscarding;
        var isAwaited = false;
        ReadResult result = default;
        lock (_gate)
        {
            isDiscarding = _isDiscarding;
            if (!isDiscarding)
            {
                Take(receiver);
                _readsInARow = 0;
                isAwaited = _isWaiting;
                if (isAwaited)
                {
                    _isWaiting = false;
                    result = Show();
                }

                if (_isReleased)
                {
                    receiver.Dispose();
                }
            }
        }

        if (isDiscarding)
        {
            GoOnDiscarding(receiver);
        }
        else if (isAwaited)
        {
            using var noReads = DiskReads.Forbid();
            _waiter.SetResult(result);
        }
    }

    // Not under _gate; one at a time, as there is one receiver, which is kept as long as this goes on.
    private void DiscardOn()
    {
        var receiver = _receiver!;
        receiver.SetBuffer(s_nowhere, 0, s_nowhere.Length);
        for (var i = 0; i < ReadsInARow; i++)
        {
            if (Receive(receiver))
            {
                return;
            }

            if (receiver.HasEnded)
            {
                StopDiscarding(receiver);
                return;
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(static self => self.DiscardOn(), this, preferLocal: false);
    }

    private void GoOnDiscarding(Receiver receiver)
    {
        if (receiver.HasEnded)
        {
            StopDiscarding(receiver);
        }
        else
        {
            DiscardOn();
        }
    }

    private void StopDiscarding(Receiver receiver)
    {
        receiver.Dispose();
        ended();
    }

    private sealed class Receiver(SocketInput input) : SocketAsyncEventArgs(true)
    {
        public bool IsClosed { get; set; }

        public bool HasEnded => IsClosed || SocketError is not SocketError.Success || BytesTransferred == 0;

        protected override void OnCompleted(SocketAsyncEventArgs e) => input.Received(this);
    }
}
