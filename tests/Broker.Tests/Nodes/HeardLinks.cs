using System.Collections.Concurrent;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Tests.Nodes;

/// <summary>The links of one node to another that is the test: what it is told, and what it tells.</summary>
internal sealed class HeardLinks : INodeLinks
{
    private readonly ConcurrentDictionary<NodeTopic, Action<string, ReadOnlyMemory<byte>>> _hearing = new();

    public event Action<string>? Left
    {
        add { }
        remove { }
    }

    public string Self => "one";

    public IReadOnlyCollection<string> Others { get; set; } = ["two"];

    public ConcurrentQueue<(NodeTopic Topic, byte[] Message)> Told { get; } = new();

    public void Say(NodeTopic topic, ReadOnlyMemory<byte> message) => _hearing[topic]("two", message);

    public void Tell(NodeTopic topic, ReadOnlyMemory<byte> message) => Told.Enqueue((topic, message.ToArray()));

    public void Tell(string node, NodeTopic topic, ReadOnlyMemory<byte> message) => Tell(topic, message);

    public Task<ReadOnlyMemory<byte>> AskAsync(string node, NodeTopic topic, ReadOnlyMemory<byte> message, CancellationToken cancellation = default) =>
        throw new IOException("It does not answer.");

    public Task AskAllAsync(NodeTopic topic, ReadOnlyMemory<byte> message) => Task.CompletedTask;

    public ConcurrentQueue<NodeTopic> Asked { get; } = new();

    public Task<IReadOnlyList<ReadOnlyMemory<byte>>> AskWhoSpeaksAsync(NodeTopic topic, ReadOnlyMemory<byte> message)
    {
        Asked.Enqueue(topic);
        return Task.FromResult<IReadOnlyList<ReadOnlyMemory<byte>>>([]);
    }

    public void Hear(NodeTopic topic, Action<string, ReadOnlyMemory<byte>> heard) => Assert.True(_hearing.TryAdd(topic, heard));

    public void Answer(NodeTopic topic, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>> answer)
    {
        // Nobody asks.
    }

    public Task StartAsync() => Task.CompletedTask;
}
