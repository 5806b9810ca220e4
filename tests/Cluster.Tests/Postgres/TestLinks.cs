using System.Collections.Concurrent;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Tests.Postgres;

/// <summary>What becomes of a call from node to node.</summary>
internal enum Fate
{
    Arrives,

    /// <summary>It never arrives.</summary>
    IsLost,

    /// <summary>It arrives, and who asked hears nothing of that.</summary>
    AnswerIsLost,

    /// <summary>It arrives twice.</summary>
    IsDoubled,

    /// <summary>It arrives after the next call that is not late, or is lost with the network.</summary>
    IsLate,
}

/// <summary>Nodes of one program that call each other across, as the network lets them.</summary>
internal sealed class TestNetwork
{
    private readonly ConcurrentDictionary<string, TestLinks> _nodes = new();

    /// <summary>What becomes of the next call of a topic.</summary>
    public Func<NodeTopic, Fate> Fate { get; set; } = _ => Postgres.Fate.Arrives;

    public TestLinks Join(string name) => _nodes[name] = new TestLinks(this, name);

    public void Leave(string name)
    {
        _nodes.TryRemove(name, out _);
        foreach (var other in _nodes.Values)
        {
            other.SawLeave(name);
        }
    }

    public IReadOnlyCollection<string> Others(string self) => [.. _nodes.Keys.Where(name => name != self)];

    public TestLinks? Find(string name) => _nodes.GetValueOrDefault(name);
}

/// <summary>One node's links.</summary>
internal sealed class TestLinks(TestNetwork network, string name) : INodeLinks
{
    private readonly ConcurrentDictionary<NodeTopic, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>>> _answers = new();
    private readonly ConcurrentQueue<Func<Task>> _late = new();

    public event Action<string>? Left;

    public string Self => name;

    public IReadOnlyCollection<string> Others => network.Others(name);

    public void Tell(NodeTopic topic, ReadOnlyMemory<byte> message) => throw new NotSupportedException();

    public void Tell(string node, NodeTopic topic, ReadOnlyMemory<byte> message) => throw new NotSupportedException();

    public async Task<ReadOnlyMemory<byte>> AskAsync(string node, NodeTopic topic, ReadOnlyMemory<byte> message, CancellationToken cancellation = default)
    {
        if (network.Find(node) is not { } other || !other._answers.TryGetValue(topic, out var answer))
        {
            throw new IOException("It is not there.");
        }

        var fate = network.Fate(topic);
        if (fate is Fate.IsLost)
        {
            throw new IOException("It was lost.");
        }

        if (fate is Fate.IsLate)
        {
            _late.Enqueue(() => answer(name, message));
            throw new IOException("It was not answered in time.");
        }

        var answered = await answer(name, message);
        if (fate is Fate.IsDoubled)
        {
            await answer(name, message);
        }

        while (_late.TryDequeue(out var late))
        {
            await late();
        }

        return fate is Fate.AnswerIsLost ? throw new IOException("The answer was lost.") : answered;
    }

    public Task AskAllAsync(NodeTopic topic, ReadOnlyMemory<byte> message) => AskWhoSpeaksAsync(topic, message);

    public async Task<IReadOnlyList<ReadOnlyMemory<byte>>> AskWhoSpeaksAsync(NodeTopic topic, ReadOnlyMemory<byte> message)
    {
        ConcurrentQueue<ReadOnlyMemory<byte>> answers = new();
        await Task.WhenAll(Others.Select(async node =>
        {
            while (network.Find(node) is not null)
            {
                try
                {
                    answers.Enqueue(await AskAsync(node, topic, message));
                    return;
                }
                catch (IOException)
                {
                    // Again: it is there.
                    await Task.Yield();
                }
            }
        }));
        return [.. answers];
    }

    public void Hear(NodeTopic topic, Action<string, ReadOnlyMemory<byte>> heard) => throw new NotSupportedException();

    public void Answer(NodeTopic topic, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>> answer) => _answers[topic] = answer;

    public Task StartAsync() => Task.CompletedTask;

    public void SawLeave(string node) => Left?.Invoke(node);
}
