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

    private readonly INodeLinks _links;
    private readonly BrokerLimits _limits;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<(string Peer, bool IsOpener, long Number), NodePipe> _pipes = [];
    private readonly Dictionary<string, Peer> _peers = [];
    private long _lastNumber;

    public NodePipes(INodeLinks links, BrokerLimits limits, TimeProvider time, ILogger<NodePipes> logger)
    {
        (_links, _limits, _time, _logger) = (links, limits, time, logger);
        links.Answer(NodeTopic.Data, (node, message) =>
        {
            Receive(node, message);
            return Task.FromResult(ReadOnlyMemory<byte>.Empty);
        });
        links.Left += node => BreakAll(node, says: false);
    }

    /// <summary>Serves a pipe that another node has opened, until it is over. Null: none is taken.</summary>
    public Func<NodePipe, Task>? Accepted { get; set; }

    /// <summary>Those that are open now, both ways.</summary>
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

    /// <summary>Opens a pipe; whether the node takes it is seen by what comes. Null: there are as many as may be.</summary>
    public NodePipe? Open(string node, ReadOnlyMemory<byte> preface)
    {
        NodePipe pipe;
        lock (_gate)
        {
            if (IsFull)
            {
                return null;
            }

            pipe = new NodePipe(node, isOpener: true, ++_lastNumber, preface, Send);
            _pipes[(node, true, pipe.Number)] = pipe;
            PeerOf(node).Queue(new PipeFrame(PipeFrameKind.Open, IsOpener: true, pipe.Number, preface));
        }

        Start(pipe);
        SendWaiting(node);
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
    private bool IsFull => /* guard: pipes to other nodes */ _limits.NodePipes > 0 && _pipes.Count >= _limits.NodePipes;

    // Under the gate.
    private Peer PeerOf(string node)
    {
        if (!_peers.TryGetValue(node, out var peer))
        {
            _peers[node] = peer = new Peer();
        }

        return peer;
    }

    private void Start(NodePipe pipe)
    {
        _ = Task.Run(pipe.SendAllAsync);
        _ = pipe.Closed.ContinueWith(
            _ =>
            {
                lock (_gate)
                {
                    _pipes.Remove((pipe.Peer, pipe.IsOpener, pipe.Number));
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
            case PipeFrameKind.Abort:
                pipe.Break();
                break;
        }
    }

    private void Accept(string node, PipeFrame frame)
    {
        NodePipe? pipe = null;
        var serve = Accepted;
        lock (_gate)
        {
            if (serve is not null && !IsFull)
            {
                pipe = new NodePipe(node, isOpener: false, frame.Number, frame.Bytes.ToArray(), Send);
                _pipes[(node, false, frame.Number)] = pipe;
            }
        }

        if (pipe is null)
        {
            Send(node, new PipeFrame(PipeFrameKind.Abort, IsOpener: false, frame.Number, default));
            return;
        }

        Start(pipe);
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

    /// <summary>What is to be said to one node. Guarded by the gate.</summary>
    private sealed class Peer
    {
        private readonly LinkedList<PipeFrame> _waiting = new();

        public bool IsSending { get; set; }

        public void Queue(PipeFrame frame) => _waiting.AddLast(frame);

        public void Begin(PipeFrame frame)
        {
            if (_waiting.First?.Value.Kind != frame.Kind)
            {
                _waiting.AddFirst(frame);
            }
        }

        public void Clear() => _waiting.Clear();

        public List<PipeFrame> Take(int bytes)
        {
            List<PipeFrame> frames = [];
            while (_waiting.First is { } next && (frames.Count == 0 || next.Value.Bytes.Length <= bytes))
            {
                frames.Add(next.Value);
                bytes -= next.Value.Bytes.Length + PipeFrame.HeadLength;
                _waiting.RemoveFirst();
            }

            return frames;
        }
    }

    [LoggerMessage(5801, LogLevel.Warning, "What goes through node {Node} has ended: a message to it failed ({Reason})")]
    private static partial void LogFailed(ILogger logger, string node, string reason);

    [LoggerMessage(5802, LogLevel.Error, "What node {Node} had begun here has failed")]
    private static partial void LogServing(ILogger logger, string node, Exception error);
}
