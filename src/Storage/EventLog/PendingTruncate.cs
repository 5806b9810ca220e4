namespace WebMessenger.Storage.EventLog;

/// <summary>A truncation on its way through the queue of appends, which gives it its place among them.</summary>
/// <param name="before">The first seq that stays.</param>
internal sealed class PendingTruncate(LogName log, long before) : PendingAppend(log, "", null, default, default)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Before { get; } = before;

    public Task Task => _done.Task;

    protected override void Completed()
    {
        if (Outcome is AppendOutcome.Stored)
        {
            _done.SetResult();
        }
        else
        {
            _done.SetException(new RecordsNotWrittenException($"The event log could not truncate {Log}."));
        }
    }
}
