namespace WebMessenger.Storage.Nodes;

/// <summary>A house of one node: there are no others to tell or ask.</summary>
public sealed class AloneLinks : INodeLinks
{
    public static AloneLinks Instance { get; } = new();

    public event Action<string>? Left
    {
        add { }
        remove { }
    }

    public string Self => "alone";

    public IReadOnlyCollection<string> Others => [];

    public void Tell(NodeTopic topic, ReadOnlyMemory<byte> message)
    {
        // Nobody is there.
    }

    public void Tell(string node, NodeTopic topic, ReadOnlyMemory<byte> message)
    {
        // Nobody is there.
    }

    public Task<ReadOnlyMemory<byte>> AskAsync(string node, NodeTopic topic, ReadOnlyMemory<byte> message, CancellationToken cancellation = default) =>
        Task.FromException<ReadOnlyMemory<byte>>(new IOException($"There is no node {node}."));

    public Task AskAllAsync(NodeTopic topic, ReadOnlyMemory<byte> message) => Task.CompletedTask;

    public Task<IReadOnlyList<ReadOnlyMemory<byte>>> AskWhoSpeaksAsync(NodeTopic topic, ReadOnlyMemory<byte> message) =>
        Task.FromResult<IReadOnlyList<ReadOnlyMemory<byte>>>([]);

    public void Hear(NodeTopic topic, Action<string, ReadOnlyMemory<byte>> heard)
    {
        // Nobody is there.
    }

    public void Answer(NodeTopic topic, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>> answer)
    {
        // Nobody is there.
    }

    public Task StartAsync() => Task.CompletedTask;
}
