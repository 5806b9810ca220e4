using WebMessenger.Broker.Settings;
using WebMessenger.Storage;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Nodes;

/// <summary>Streams of bytes to other nodes, and to this one: <see cref="NodePipe"/>.</summary>
/// <remarks>
/// <para>Between two nodes one message is under way each way, with all that waits at that time; so what is said of a pipe keeps its
/// order.</para>
/// Thread-safe. <c>_gate</c> is a leaf lock.
/// </remarks>
internal sealed partial class NodePipes
{
    /// <summary>Of one message.</summary>
    private const int MessageBytes = 256 * 1024;

    /// <summary>A node that did not answer is told so often that all pipes to it are over.</summary>
    private static readonly TimeSpan _resetPause = TimeSpan.FromMilliseconds(500);

    /// <summary>That there is no room for more pipes is said so often.</summary>
    private static readonly TimeSpan _logPause = TimeSpan.FromMinutes(1);

    private readonly INodeLinks _links;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<(string Peer, bool IsOpener, long Number), NodePipe> _pipes = [];
    private readonly Dictionary<string, PipePeer> _peers = [];
    private readonly PipePlaces _places;
    private long _lastNumber;
    private long? _saidFull;

    public NodePipes(INodeLinks links, BrokerLimits limits, TimeProvider time, ILogger<NodePipes> logger)
    {
        (_links, _places, _time, _logger) = (links, new PipePlaces(limits.NodePipes), time, logger);
        links.Answer(NodeTopic.Data, (node, message) =>
        {
            Receive(node, message);
            return Task.FromResult(ReadOnlyMemory<byte>.Empty);
        });
        links.Left += node => BreakAll(node, says: false);
    }

    /// <summary>Serves a pipe that another node has opened, until it is over. Null: none is taken.</summary>
    public Func<NodePipe, Task>? Accepted { get; set; }

    /// <summary>The ends of those that are open now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _pipes.Count;
            }
        }
    }

    /// <summary>
    /// Opens a pipe; whether the node takes it is seen by what comes. One for which there is no place here or there is over, and says so
    /// (<see cref="NodePipe.IsRefused"/>).
    /// </summary>
    /// <param name="holder">For whom, as <see cref="PipePreface.Holder"/> says.</param>
    public NodePipe Open(string node, ReadOnlyMemory<byte> preface, string holder)
    {
        NodePipe pipe;
        bool isTaken;
        lock (_gate)
        {
            pipe = new NodePipe(node, isOpener: true, ++_lastNumber, preface, Send);
            isTaken = _places.TryTake(holder);
            if (isTaken)
            {
                _pipes[(node, true, pipe.Number)] = pipe;
                PeerOf(node).Queue(new PipeFrame(PipeFrameKind.Open, IsOpener: true, pipe.Number, preface));
            }
        }

        Start(pipe, isTaken ? holder : null);
        if (isTaken)
        {
            SendWaiting(node);
        }
        else
        {
            SayFull();
            pipe.Refuse();
        }

        return pipe;
    }

    /// <summary>Ends all that other nodes have opened here.</summary>
    public void EndAccepted()
    {
        NodePipe[] accepted;
        lock (_gate)
        {
            accepted = [.. _pipes.Values.Where(pipe => !pipe.IsOpener)];
        }

        Array.ForEach(accepted, pipe => pipe.Abort());
    }

    // Under the gate.
    private PipePeer PeerOf(string node)
    {
        if (!_peers.TryGetValue(node, out var peer))
        {
            _peers[node] = peer = new PipePeer();
        }

        return peer;
    }

    private void SayFull()
    {
        lock (_gate)
        {
            if (_saidFull is { } said && _time.GetElapsedTime(said) < _logPause)
            {
                return;
            }

            _saidFull = _time.GetTimestamp();
        }

        LogFull(_logger);
    }

    // Its place is its holder's until it is over; null: it takes none.
    private void Start(NodePipe pipe, string? holder)
    {
        _ = Task.Run(pipe.SendAllAsync);
        _ = pipe.Closed.ContinueWith(
            _ =>
            {
                lock (_gate)
                {
                    _pipes.Remove((pipe.Peer, pipe.IsOpener, pipe.Number));
                    if (holder is not null)
                    {
                        _places.GiveBack(holder);
                    }
                }
            },
            TaskScheduler.Default);
    }

    private void Send(NodePipe pipe, PipeFrameKind kind, ReadOnlyMemory<byte> bytes) =>
        Send(pipe.Peer, new PipeFrame(kind, pipe.IsOpener, pipe.Number, bytes));

    private void Send(string node, PipeFrame frame)
    {
        lock (_gate)
        {
            PeerOf(node).Queue(frame);
        }

        SendWaiting(node);
    }

    private void SendWaiting(string node)
    {
        lock (_gate)
        {
            var peer = PeerOf(node);
            if (peer.IsSending)
            {
                return;
            }

            peer.IsSending = true;
        }

        _ = Task.Run(() => SendAsync(node));
    }

    // One at a time for each node. Never throws.
    private async Task SendAsync(string node)
    {
        while (Next(node) is { } message)
        {
            try
            {
                if (node == _links.Self)
                {
                    Receive(node, message);
                }
                else
                {
                    await _links.AskAsync(node, NodeTopic.Data, message);
                }
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                LogFailed(_logger, node, error.Message);

                // Nobody knows what has arrived: what goes on would have a hole.
                BreakAll(node, says: false);
                if (!_links.Others.Contains(node))
                {
                    Forget(node);
                    return;
                }

                lock (_gate)
                {
                    PeerOf(node).Begin(new PipeFrame(PipeFrameKind.Reset, IsOpener: true, 0, default));
                }

                await Task.Delay(_resetPause, _time);
            }
        }
    }

    private ReadOnlyMemory<byte>? Next(string node)
    {
        lock (_gate)
        {
            var peer = PeerOf(node);
            var frames = peer.Take(MessageBytes);
            peer.IsSending = frames.Count > 0;
            if (frames.Count == 0)
            {
                return null;
            }

            return PipeFrames.Write(frames);
        }
    }

    private void Forget(string node)
    {
        lock (_gate)
        {
            _peers.Remove(node);
        }
    }

    private void Receive(string node, ReadOnlyMemory<byte> message)
    {
        if (!PipeFrames.TryRead(message, out var frames))
        {
            // Of another version, or damaged: what it would have said is missing from now on.
            BreakAll(node, says: true);
            return;
        }

        foreach (var frame in frames)
        {
            Receive(node, frame);
        }
    }

    private void Receive(string node, PipeFrame frame)
    {
        switch (frame.Kind)
        {
            case PipeFrameKind.Reset:
                // What began at this end meanwhile is not known to be over there, so it is said.
                BreakAll(node, says: true);
                return;
            case PipeFrameKind.Open:
                Accept(node, frame);
                return;
        }

        NodePipe? pipe;
        lock (_gate)
        {
            pipe = _pipes.GetValueOrDefault((node, !frame.IsOpener, frame.Number));
        }

        if (pipe is null)
        {
            if (frame.Kind is PipeFrameKind.Bytes)
            {
                Send(node, new PipeFrame(PipeFrameKind.Abort, !frame.IsOpener, frame.Number, default));
            }

            return;
        }

        switch (frame.Kind)
        {
            case PipeFrameKind.Bytes when !pipe.Receive(frame.Bytes):
                pipe.Abort();
                break;
            case PipeFrameKind.Room:
                pipe.Give(frame.Bytes);
                break;
            case PipeFrameKind.End:
                pipe.ReceiveEnd();
                break;
            case PipeFrameKind.Leave:
                pipe.ReceiveLeave();
                break;
            case PipeFrameKind.Abort when frame.Bytes.Span.SequenceEqual(PipeFrames.Full):
                pipe.Refuse();
                break;
            case PipeFrameKind.Abort:
                pipe.Break();
                break;
        }
    }

    private void Accept(string node, PipeFrame frame)
    {
        NodePipe? pipe = null;
        var serve = Accepted;

        // The other end of a pipe to this node itself has its place.
        var holder = node == _links.Self ? null : PipePreface.Read(frame.Bytes)?.Holder ?? "";
        lock (_gate)
        {
            if (serve is not null && (holder is null || _places.TryTake(holder)))
            {
                pipe = new NodePipe(node, isOpener: false, frame.Number, frame.Bytes.ToArray(), Send);
                _pipes[(node, false, frame.Number)] = pipe;
            }
        }

        if (pipe is null)
        {
            if (serve is not null)
            {
                SayFull();
            }

            Send(node, new PipeFrame(PipeFrameKind.Abort, IsOpener: false, frame.Number, serve is null ? default : PipeFrames.Full));
            return;
        }

        Start(pipe, holder);
        _ = Task.Run(() => ServeAsync(pipe, serve!));
    }

    private async Task ServeAsync(NodePipe pipe, Func<NodePipe, Task> serve)
    {
        try
        {
            await serve(pipe);
        }
        catch (Exception error)
        {
            LogServing(_logger, pipe.Peer, error);
        }
        finally
        {
            pipe.Abort();
        }
    }

    private void BreakAll(string node, bool says)
    {
        NodePipe[] broken;
        lock (_gate)
        {
            broken = [.. _pipes.Values.Where(pipe => pipe.Peer == node)];
            if (_peers.TryGetValue(node, out var peer))
            {
                peer.Clear();
            }
        }

        Array.ForEach(broken, pipe =>
        {
            if (says)
            {
                pipe.Abort();
            }
            else
            {
                pipe.Break();
            }
        });
    }

    [LoggerMessage(5801, LogLevel.Warning, "What goes through node {Node} has ended: a message to it failed ({Reason})")]
    private static partial void LogFailed(ILogger logger, string node, string reason);

    [LoggerMessage(5807, LogLevel.Warning,
        "There is no place for one more of those who hear and say data topics between nodes: they are as many as NodePipes allows, or somebody has as many as are free")]
    private static partial void LogFull(ILogger logger);

    [LoggerMessage(5802, LogLevel.Error, "What node {Node} had begun here has failed")]
    private static partial void LogServing(ILogger logger, string node, Exception error);
}
