using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Nodes;

/// <summary>The way to one other node: what it is told, in order, one call at a time; and whether it was reached lately.</summary>
/// <remarks>Orleans' calls may overtake each other, so the next leaves when the one before is answered. Thread-safe.</remarks>
internal sealed partial class NodePeer : IDisposable
{
    private const int MessagesInCall = 512;
    private const int BytesInCall = 256 * 1024;

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _silence = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<Task, bool> _asked = new();
    private readonly Channel<Told> _queue = Channel.CreateUnbounded<Told>(new() { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private readonly string _self;
    private readonly INodeService _service;
    private readonly NodeOptions _options;
    private readonly ILogger _logger;
    private long _answered = LeaseClock.Now.Ticks;
    private long _bytes;
    private int _count;
    private int _isDropping;

    public NodePeer(OtherNode node, string self, INodeService service, NodeOptions options, ILogger logger)
    {
        (Node, _self, _service, _options, _logger) = (node, self, service, options, logger);
        Questions = new OpenQuestions(self);
        _ = Task.Run(RunAsync);
    }

    public OtherNode Node { get; }

    /// <summary>What it is being asked.</summary>
    public OpenQuestions Questions { get; }

    /// <summary>For how long no call has been answered. While it is reached, it is called each half second at least.</summary>
    public TimeSpan Unanswered => LeaseClock.Now - new TimeSpan(Volatile.Read(ref _answered));

    /// <summary>Queues it; drops it if too much waits.</summary>
    public void Tell(NodeTopic topic, ReadOnlyMemory<byte> message)
    {
        if (Interlocked.Increment(ref _count) > _options.LinkQueue | Interlocked.Add(ref _bytes, message.Length) > _options.LinkQueueBytes)
        {
            Took(message.Length);
            if (Interlocked.Exchange(ref _isDropping, 1) == 0)
            {
                LogDropped(_logger, Node.Name);
            }

            return;
        }

        _queue.Writer.TryWrite(new(topic, message));
    }

    /// <summary>It is being asked something, and may be passed over while it is silent.</summary>
    /// <param name="answered">Never fails.</param>
    public void Keep(Task answered)
    {
        _asked[answered] = true;
        _ = answered.ContinueWith(over => _asked.TryRemove(over, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Completes when it has answered all that it has been asked until now, or has gone.</summary>
    public Task AnsweredAsync() => Task.WhenAll(_asked.Keys);

    /// <summary>Asks once.</summary>
    /// <returns>Null: no answer came.</returns>
    public async Task<Answer?> AskOnceAsync(Parcel question)
    {
        try
        {
            var answer = await _service.AskAsync(question);
            Answered();
            return Answer.Read(answer.Bytes);
        }
        catch (Exception)
        {
            // However it failed, nothing is known of it: whoever asks decides what follows.
            return null;
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _queue.Writer.TryComplete();
    }

    private async Task RunAsync()
    {
        for (var number = 1L; !_stop.IsCancellationRequested; number++)
        {
            var parcel = new Parcel(new TellBatch(_self, number, await GatherAsync()).Write());
            while (!_stop.IsCancellationRequested && !await TryHearAsync(parcel))
            {
                await Task.Delay(_pause);
            }
        }
    }

    // Nothing to tell for a while: then the call tells that this node is there, and learns the same of the other.
    private async Task<List<Told>> GatherAsync()
    {
        List<Told> messages = [];
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        silence.CancelAfter(_silence);
        try
        {
            await _queue.Reader.WaitToReadAsync(silence.Token);
        }
        catch (OperationCanceledException)
        {
            return messages;
        }

        for (var bytes = 0; messages.Count < MessagesInCall && bytes < BytesInCall && _queue.Reader.TryRead(out var told); bytes += told.Message.Length)
        {
            messages.Add(told);
            Took(told.Message.Length);
        }

        Volatile.Write(ref _isDropping, 0);
        return messages;
    }

    private async Task<bool> TryHearAsync(Parcel parcel)
    {
        try
        {
            await _service.HearAsync(parcel);
            Answered();
            return true;
        }
        catch (Exception)
        {
            // It is sent again under the same number until it is answered, or the node has gone.
            return false;
        }
    }

    private void Took(int bytes)
    {
        Interlocked.Decrement(ref _count);
        Interlocked.Add(ref _bytes, -bytes);
    }

    private void Answered() => Volatile.Write(ref _answered, LeaseClock.Now.Ticks);

    [LoggerMessage(5314, LogLevel.Warning, "Node {Node} is told less than there is: too much waits for it")]
    private static partial void LogDropped(ILogger logger, string node);
}
