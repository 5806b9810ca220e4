using System.Collections.Concurrent;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Nodes;

namespace WebMessenger.Broker.Tests.Nodes;

/// <summary>A node that notes what it is asked and told, and answers when the test lets it.</summary>
internal sealed class RecordingNode(string name) : INode
{
    private readonly SemaphoreSlim _asked = new(0);
    private TaskCompletionSource _answers = Answering();

    public string Name => name;

    public ConcurrentQueue<string> Revoked { get; } = new();

    public ConcurrentQueue<ClientName> TakenOver { get; } = new();

    public void Hold() => _answers = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when it is asked for anything, or was and nobody has waited for that.</summary>
    public Task AskedAsync() => _asked.WaitAsync(TestContext.Current.CancellationToken);

    public void Answer() => _answers.SetResult();

    public Task RevokeAsync(IReadOnlyCollection<string> sessions, RevocationReason reason)
    {
        foreach (var session in sessions)
        {
            Revoked.Enqueue(session);
        }

        _asked.Release();
        return _answers.Task;
    }

    public Task TakeOverAsync(ClientName client, string by)
    {
        TakenOver.Enqueue(client);
        _asked.Release();
        return _answers.Task;
    }

    /// <summary>Whether whoever has come here is still there when its turn comes.</summary>
    public bool HasThem { get; set; } = true;

    public bool IsCurrent(ClientName client, string connection) => HasThem;

    /// <summary>What it answers to who comes elsewhere.</summary>
    public bool Yields { get; set; } = true;

    public async Task<bool> YieldAsync(ClientName client, Newcomer to)
    {
        await TakeOverAsync(client, to.Connection);
        return Yields;
    }

    private static TaskCompletionSource Answering()
    {
        TaskCompletionSource answers = new();
        answers.SetResult();
        return answers;
    }
}
