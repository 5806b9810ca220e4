using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>A transaction of documents on its way through the queue of appends, which gives it its place among them.</summary>
internal sealed class PendingDocuments(DocumentWork work) : PendingAppend(default, "", null, default, default)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DocumentWork Work => work;

    /// <summary>Why nothing of it is stored, where it is not for the database that it could not be.</summary>
    public Exception? Failure { get; set; }

    public Task Task => _done.Task;

    protected override void Completed()
    {
        var failed = Outcome is AppendOutcome.Stored ? null : Failure ?? new RecordsNotWrittenException("The database could not write documents.");
        work.Complete(failed);
        if (failed is null)
        {
            _done.SetResult();
        }
        else
        {
            _done.SetException(failed);
        }
    }
}
