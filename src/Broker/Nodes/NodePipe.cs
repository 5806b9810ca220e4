using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Nodes;

/// <summary>One end of a stream of bytes both ways between two nodes.</summary>
/// <remarks>
/// <para>What is written is sent as far as the other end has room for it: <see cref="Window"/> bytes that nobody there has looked at. So
/// who does not read slows down who writes, as a socket does.</para>
/// <para>It ends with either end, with the node, or when a message between the two nodes fails: then nobody knows what has arrived.</para>
/// Thread-safe, but for its reader and its writer, which each have one user at a time. <c>_gate</c> is a leaf lock.
/// </remarks>
internal sealed class NodePipe : IDuplexPipe
{
    /// <summary>Bytes that may be on their way, or unread at the other end.</summary>
    public const int Window = 32 * 1024;

    private static readonly PipeOptions _outputOptions =
        new(pauseWriterThreshold: Window, resumeWriterThreshold: Window / 2, useSynchronizationContext: false);

    // The window bounds it.
    private static readonly PipeOptions _inputOptions = new(pauseWriterThreshold: 0, useSynchronizationContext: false);

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Action<NodePipe, PipeFrameKind, ReadOnlyMemory<byte>> _send;
    private readonly Pipe _input = new(_inputOptions);
    private readonly Pipe _output = new(_outputOptions);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _leaving = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Reading _reading;
    private TaskCompletionSource? _roomCame;
    private int _room = Window;
    private bool _hasSaidAll;
    private bool _hasHeardAll;
    private bool _isOver;

    // What may be received beyond what has been.
    private int _granted = Window;

    /// <param name="isOpener">This end has opened it.</param>
    /// <param name="send">Says something of it to the other end; never blocks.</param>
    public NodePipe(
        string peer, bool isOpener, long number, ReadOnlyMemory<byte> preface, Action<NodePipe, PipeFrameKind, ReadOnlyMemory<byte>> send)
    {
        (Peer, IsOpener, Number, Preface, _send) = (peer, isOpener, number, preface, send);
        _reading = new Reading(this, _input.Reader);
    }

    /// <summary>The node at the other end.</summary>
    public string Peer { get; }

    public bool IsOpener { get; }

    public long Number { get; }

    /// <summary>What the opener says of it.</summary>
    public ReadOnlyMemory<byte> Preface { get; }

    public PipeReader Input => _reading;

    /// <summary>More may be written while a flush is under way.</summary>
    public PipeWriter Output => _output.Writer;

    /// <summary>Completes when the other end can receive nothing more.</summary>
    public Task Closed => _closed.Task;

    /// <summary>It is over because there was no place for it. Set before <see cref="Closed"/>, and before its input ends.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>Completes when whose bytes it has is to go to another node, as the opener stops.</summary>
    public Task Leaving => _leaving.Task;

    /// <summary>Tells the other end that whose bytes it has is to go to another node.</summary>
    public void SayLeave() => _send(this, PipeFrameKind.Leave, default);

    /// <summary>The opener has said so.</summary>
    public void ReceiveLeave() => _leaving.TrySetResult();

    /// <summary>Ends it both ways at once; what was not sent is lost.</summary>
    public void Abort() => End(isSaid: true);

    /// <summary>The next bytes have come. False: they are more than there was room for.</summary>
    public bool Receive(ReadOnlyMemory<byte> bytes)
    {
        lock (_gate)
        {
            if (_isOver || _hasHeardAll)
            {
                return true;
            }

            if (/* guard: a node sends no more than there is room for */ bytes.Length > _granted)
            {
                return false;
            }

            _granted -= bytes.Length;
            _input.Writer.Write(bytes.Span);
            _ = _input.Writer.FlushAsync().AsTask();
        }

        return true;
    }

    /// <summary>The other end has room for so many bytes more.</summary>
    public void Give(ReadOnlyMemory<byte> room)
    {
        lock (_gate)
        {
            _room = (int)Math.Min((long)_room + Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(room.Span)), int.MaxValue);
            _roomCame?.TrySetResult();
            _roomCame = null;
        }
    }

    /// <summary>Nothing more comes from the other end.</summary>
    public void ReceiveEnd()
    {
        lock (_gate)
        {
            if (_isOver || _hasHeardAll)
            {
                return;
            }

            _hasHeardAll = true;
            _input.Writer.Complete();
            if (!_hasSaidAll)
            {
                return;
            }
        }

        End(isSaid: false);
    }

    /// <summary>It is over, and the other end knows, or is not there.</summary>
    public void Break() => End(isSaid: false);

    /// <summary>There is no place for it, here or at the other end.</summary>
    public void Refuse()
    {
        IsRefused = true;
        End(isSaid: false);
    }

    /// <summary>Sends what is written until it is over.</summary>
    public async Task SendAllAsync()
    {
        var reader = _output.Reader;
        while (true)
        {
            var read = await reader.ReadAsync();
            for (var rest = read.Buffer; !rest.IsEmpty && await RoomAsync(rest.Length) is > 0 and var room; rest = rest.Slice(room))
            {
                _send(this, PipeFrameKind.Bytes, rest.Slice(0, room).ToArray());
            }

            reader.AdvanceTo(read.Buffer.End);
            if (_isOver || read.IsCanceled)
            {
                break;
            }

            if (read.IsCompleted)
            {
                _send(this, PipeFrameKind.End, default);
                SaidAll();
                break;
            }
        }

        await reader.CompleteAsync();
    }

    // 0: it is over.
    private async ValueTask<int> RoomAsync(long wanted)
    {
        while (true)
        {
            Task came;
            lock (_gate)
            {
                if (_isOver)
                {
                    return 0;
                }

                if (_room > 0)
                {
                    var taken = (int)Math.Min(_room, wanted);
                    _room -= taken;
                    return taken;
                }

                came = (_roomCame ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await came;
        }
    }

    private void SaidAll()
    {
        lock (_gate)
        {
            _hasSaidAll = true;
            if (!_hasHeardAll)
            {
                return;
            }
        }

        End(isSaid: false);
    }

    private void End(bool isSaid)
    {
        lock (_gate)
        {
            if (_isOver)
            {
                return;
            }

            _isOver = true;
            if (!_hasHeardAll)
            {
                _hasHeardAll = true;
                _input.Writer.Complete();
            }

            _roomCame?.TrySetResult();
            _roomCame = null;
        }

        _output.Reader.CancelPendingRead();
        if (isSaid)
        {
            _send(this, PipeFrameKind.Abort, default);
        }

        _closed.TrySetResult();
    }

    // So many bytes more have been looked at.
    private void Looked(long bytes)
    {
        int more;
        lock (_gate)
        {
            _looked += bytes;
            if (_isOver || _hasHeardAll || _looked < Window / 2)
            {
                return;
            }

            more = (int)Math.Min(_looked, Window);
            (_looked, _granted) = (_looked - more, _granted + more);
        }

        _send(this, PipeFrameKind.Room, PipeFrames.Room(more));
    }

    // Since the other end was last told.
    private long _looked;

    /// <summary>Tells the other end of room as somebody looks at what has come, be it consumed or not: a packet may be longer than the
    /// window.</summary>
    private sealed class Reading(NodePipe pipe, PipeReader reader) : PipeReader
    {
        private ReadOnlySequence<byte> _shown;

        // Bytes at the start of what is shown that were looked at before.
        private long _lookedBefore;

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            Show(await reader.ReadAsync(cancellationToken));

        public override bool TryRead(out ReadResult result)
        {
            var isThere = reader.TryRead(out result);
            if (isThere)
            {
                Show(result);
            }

            return isThere;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            var used = _shown.Slice(_shown.Start, consumed).Length;
            var looked = Math.Max(_shown.Slice(_shown.Start, examined).Length, used);
            var more = Math.Max(0, looked - _lookedBefore);
            _lookedBefore = Math.Max(_lookedBefore, looked) - used;
            _shown = default;
            reader.AdvanceTo(consumed, examined);
            if (more > 0)
            {
                pipe.Looked(more);
            }
        }

        public override void CancelPendingRead() => reader.CancelPendingRead();

        public override void Complete(Exception? exception = null) => reader.Complete(exception);

        private ReadResult Show(ReadResult result)
        {
            _shown = result.Buffer;
            return result;
        }
    }
}
