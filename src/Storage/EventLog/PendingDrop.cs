namespace WebMessenger.Storage.EventLog;

/// <summary>A drop on its way through the queue of appends, which gives it its place among them.</summary>
internal sealed class PendingDrop(LogName log) : PendingAppend(log, "", null, default, default)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Task => _done.Task;

    protected override void Completed()
    {
        if (Outcome is AppendOutcome.Stored)
        {
            _done.SetResult();
        }
        else
        {
            _done.SetException(new RecordsNotWrittenException($"The event log could not forget {Log}."));
        }
    }
}
