namespace WebMessenger.Storage.EventLog;

/// <summary>Changes of records on their way through the queue of appends, which gives them their place among them.</summary>
internal sealed class PendingRecords : PendingAppend
{
    private readonly TaskCompletionSource<WriteOutcome> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PendingRecords(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions)
        : base(default, "", null, default, default) => (Changes, Conditions) = (changes, conditions);

    public Task<WriteOutcome> Task => _done.Task;

    /// <summary>Completes when it is written or refused; never fails.</summary>
    public async Task DecidedAsync()
    {
        try
        {
            await Task;
        }
        catch (IOException)
        {
            // Refused with what failed before it, or the log is closed: nothing is under way either way.
        }
    }

    protected override void Completed()
    {
        if (Outcome is AppendOutcome.Stored or AppendOutcome.Conflict)
        {
            _done.SetResult(Outcome is AppendOutcome.Stored ? WriteOutcome.Written : WriteOutcome.Conflict);
        }
        else
        {
            _done.SetException(new RecordsNotWrittenException("The event log could not write records."));
        }
    }
}
