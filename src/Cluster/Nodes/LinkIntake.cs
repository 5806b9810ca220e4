using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Nodes;

/// <summary>
/// What other nodes tell and ask, handed to those who hear and answer: one call at a time for each node and topic, on the pool.
/// </summary>
internal sealed partial class LinkIntake(NodeOptions options, ILogger<LinkIntake> logger)
{
    /// <summary>Asks a node to look at the rows of the nodes. It is answered before it serves, too.</summary>
    public const NodeTopic Look = 0;

    /// <summary>Asks a node to ask again what it has not waited for, and to say when all of it is answered.</summary>
    public const NodeTopic Back = (NodeTopic)255;

    // Whoever asks is told that it is being worked on before his call would be over: so he knows that this node is there.
    private static readonly TimeSpan _hold = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<NodeTopic, Action<string, ReadOnlyMemory<byte>>> _heard = new();
    private readonly ConcurrentDictionary<NodeTopic, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>>> _answer = new();
    private readonly ConcurrentDictionary<(string Node, NodeTopic Topic), CallQueue> _queues = new();
    private readonly ConcurrentDictionary<string, long> _numbers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, AskedQuestions> _asked = new(StringComparer.Ordinal);
    private volatile bool _isOpen;

    public void Hear(NodeTopic topic, Action<string, ReadOnlyMemory<byte>> heard) => Add(_heard, topic, heard);

    public void Answer(NodeTopic topic, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>> answer) => Add(_answer, topic, answer);

    /// <summary>All who hear and answer are there.</summary>
    public void Open() => _isOpen = true;

    public bool IsOpen => _isOpen;

    /// <summary>Takes a <see cref="TellBatch"/>; what cannot be read is dropped.</summary>
    public void Hear(byte[] bytes)
    {
        if (TellBatch.Read(bytes) is not { } batch)
        {
            LogUnreadable(logger);
            return;
        }

        // One that comes again was taken already: its answer had been lost. A node has one call under way, so nothing overtakes this.
        if (!_isOpen || batch.Number <= _numbers.GetValueOrDefault(batch.From))
        {
            return;
        }

        _numbers[batch.From] = batch.Number;
        foreach (var told in batch.Messages)
        {
            if (_heard.TryGetValue(told.Topic, out var heard)
                && !Queue(batch.From, told.Topic).TryAdd(() => heard(batch.From, told.Message), told.Message.Length))
            {
                LogDropped(logger, batch.From, told.Topic);
            }
        }
    }

    /// <summary>Answers a <see cref="Question"/>. The task never fails.</summary>
    public async Task<byte[]> AskAsync(byte[] bytes)
    {
        if (Question.Read(bytes) is not { } question)
        {
            LogUnreadable(logger);
            return new Answer(AnswerKind.Failed).Write();
        }

        if (!_isOpen && question.Topic != Look)
        {
            return new Answer(AnswerKind.NotServing).Write();
        }

        var asked = _asked.GetOrAdd(question.From, _ => new AskedQuestions(options.LinkQueueBytes));
        if (asked.Take(question, out var work) is not { } underWay)
        {
            return new Answer(AnswerKind.Failed).Write();
        }

        if (work is not null)
        {
            Begin(question, answer => asked.Answer(question.Number, work, answer));
        }

        if (!underWay.IsCompleted)
        {
            using CancellationTokenSource held = new();
            await Task.WhenAny(underWay, Task.Delay(_hold, held.Token));
            await held.CancelAsync();
        }

        return (underWay.IsCompleted ? await underWay : new Answer(AnswerKind.Working)).Write();
    }

    /// <summary>A node has gone: what it had asked nobody fetches any more.</summary>
    public void Forget(string node)
    {
        foreach (var (key, _) in _queues.Where(pair => pair.Key.Node == node))
        {
            _queues.TryRemove(key, out _);
        }

        _numbers.TryRemove(node, out _);
        _asked.TryRemove(node, out _);
    }

    private void Begin(Question question, Action<Answer> done)
    {
        if (!_answer.TryGetValue(question.Topic, out var asked)
            || !Queue(question.From, question.Topic).TryAdd(() => _ = CallAsync(asked, question, done), question.Message.Length))
        {
            done(new(AnswerKind.Failed));
        }
    }

    private async Task CallAsync(Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>> asked, Question question, Action<Answer> done)
    {
        Answer answer = new(AnswerKind.Failed);
        try
        {
            answer = new(AnswerKind.Answered, await asked(question.From, question.Message));
        }
        catch (ObjectDisposedException)
        {
            // Whoever would answer has ended with the node.
        }
        catch (Exception error)
        {
            LogFailed(logger, question.Topic, question.From, error);
        }

        done(answer);
    }

    private CallQueue Queue(string node, NodeTopic topic) => _queues.GetOrAdd((node, topic), _ => new CallQueue(options.LinkQueueBytes, logger));

    private void Add<T>(ConcurrentDictionary<NodeTopic, T> all, NodeTopic topic, T one)
    {
        if (_isOpen || !all.TryAdd(topic, one))
        {
            throw new InvalidOperationException($"Topic {topic} has somebody already, or is heard already.");
        }
    }

    [LoggerMessage(5311, LogLevel.Warning, "A node has sent something that this version of the program cannot read")]
    private static partial void LogUnreadable(ILogger logger);

    [LoggerMessage(5312, LogLevel.Warning, "What node {Node} told of {Topic} is dropped: too much of it waits")]
    private static partial void LogDropped(ILogger logger, string node, NodeTopic topic);

    [LoggerMessage(5313, LogLevel.Error, "What node {Node} asked of {Topic} has failed")]
    private static partial void LogFailed(ILogger logger, NodeTopic topic, string node, Exception error);
}
