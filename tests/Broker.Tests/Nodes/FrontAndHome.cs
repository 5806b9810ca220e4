using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Broker.Host;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Tests.Nodes;

/// <summary>
/// One program that is two nodes of a house: clients come to the node `front`, and what it asks of `home`, which has the data topics, comes
/// to the program itself. So whatever clients hear and say of devices goes from node to node, and all else is as alone.
/// </summary>
internal sealed class FrontAndHome : INodeLinks, IDuties
{
    // This program is both, and by a name of its own neither: what a node asks of itself goes by no message.
    private const string Front = "front", Home = "home", Both = "both";

    private readonly ConcurrentDictionary<NodeTopic, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>>> _answers = new();
    private readonly SemaphoreSlim _toHome = new(1), _toFront = new(1);
    private CancellationTokenSource _lost = new();

    public event Action<string>? Left
    {
        add { }
        remove { }
    }

    public string Self => Both;

    public IReadOnlyCollection<string> Others => [Home, Front];

    /// <summary>Messages between the two fail from here on, until it is false again.</summary>
    public bool IsCut { get; set; }

    /// <summary>Nobody has the data topics.</summary>
    public bool IsVacant { get; set; }

    /// <summary>A message that went from node to node.</summary>
    public ConcurrentQueue<int> Lengths { get; } = new();

    public static void Into(IServiceCollection services, FrontAndHome nodes)
    {
        services.AddSingleton<INodeLinks>(nodes);
        services.AddSingleton<IDuties>(nodes);
        services.AddDataHome();
    }

    /// <summary>The node loses the data topics, and has them again when it has let them go.</summary>
    public void Lose()
    {
        IsVacant = true;
        using var lost = Interlocked.Exchange(ref _lost, new CancellationTokenSource());
        lost.Cancel();
    }

    public void Tell(NodeTopic topic, ReadOnlyMemory<byte> message)
    {
        // What the other one would do, this one has done.
    }

    public void Tell(string node, NodeTopic topic, ReadOnlyMemory<byte> message)
    {
        // The same.
    }

    public async Task<ReadOnlyMemory<byte>> AskAsync(string node, NodeTopic topic, ReadOnlyMemory<byte> message, CancellationToken cancellation = default)
    {
        var way = node == Home ? _toHome : _toFront;
        await way.WaitAsync(cancellation);
        try
        {
            Lengths.Enqueue(message.Length);
            return IsCut ? throw new IOException("The nodes do not reach each other.") : await _answers[topic](node == Home ? Front : Home, message.ToArray());
        }
        finally
        {
            way.Release();
        }
    }

    public Task AskAllAsync(NodeTopic topic, ReadOnlyMemory<byte> message) => Task.CompletedTask;

    public Task<IReadOnlyList<ReadOnlyMemory<byte>>> AskWhoSpeaksAsync(NodeTopic topic, ReadOnlyMemory<byte> message) =>
        Task.FromResult<IReadOnlyList<ReadOnlyMemory<byte>>>([]);

    public void Hear(NodeTopic topic, Action<string, ReadOnlyMemory<byte>> heard)
    {
        // Nothing is told.
    }

    public void Answer(NodeTopic topic, Func<string, ReadOnlyMemory<byte>, Task<ReadOnlyMemory<byte>>> answer) => _answers[topic] = answer;

    public Task StartAsync() => Task.CompletedTask;

    public bool Has(string duty) => false;

    public string? HolderOf(string duty) => IsVacant ? null : Home;

    public async Task RunAsync(string duty, Func<CancellationToken, Task> work, CancellationToken stop)
    {
        if (duty != "data")
        {
            await work(stop);
            return;
        }

        while (!stop.IsCancellationRequested)
        {
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop, _lost.Token);
            var working = work(ends.Token);
            IsVacant = false;
            await working;
        }
    }
}
