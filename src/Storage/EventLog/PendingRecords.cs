namespace WebMessenger.Storage.EventLog;

/// <summary>Changes of records on their way through the queue of appends, which gives them their place among them.</summary>
internal sealed class PendingRecords(IReadOnlyList<RecordChange> changes) : PendingAppend(default, "", null, default, default)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<RecordChange> Changes { get; } = changes;

    public Task Task => _done.Task;

    protected override void Completed()
    {
        if (Outcome is AppendOutcome.Stored)
        {
            _done.SetResult();
        }
        else
        {
            _done.SetException(new RecordsNotWrittenException("The event log could not write records."));
        }
    }
}
