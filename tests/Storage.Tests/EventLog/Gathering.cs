using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>An event during whose completion more is handed to the log: all of that is in its next batch.</summary>
internal sealed class Gathering(LogName log, Func<object> handOver) : PendingAppend(log, "ana", null, 0, default)
{
    private readonly TaskCompletionSource<object> _handedOver = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<object> HandedOver => _handedOver.Task;

    protected override void Completed() => _handedOver.SetResult(handOver());
}
