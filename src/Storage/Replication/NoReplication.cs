using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Replication;

/// <summary>A house of one node: nobody else writes, so nothing is heard, and everybody has heard all there is.</summary>
public sealed class NoReplication : IReplication
{
    public static NoReplication Instance { get; } = new();

    public bool IsAlone => true;

    public void HearRecords(string prefix, Action<RecordChange> heard)
    {
        // Nobody else writes.
    }

    public void HearDocuments(string collection, Action<ReplicatedDocument> heard)
    {
        // Nobody else writes.
    }

    public void HearLogs(Action<ReplicatedLog> heard)
    {
        // Nobody else writes.
    }

    public void HearEnd(Action heard)
    {
        // Nobody else writes.
    }

    public void Owe(Task work)
    {
        // Nobody waits for it.
    }

    public Task BeginAsync() => Task.CompletedTask;

    public Task EverywhereAsync() => Task.CompletedTask;
}
