using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Archives;

/// <summary>An event of a file on its way into a log. No id of it is remembered: who sent it first may send it again.</summary>
/// <param name="payer">Null: the operator does it.</param>
internal sealed class PendingImport(LogName log, ImportedEvent said, StoragePayer? payer)
    : PendingAppend(log, said.From.AccountId, null, default, said.Body)
{
    // What waits must not run on the log thread.
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Done => _done.Task;

    /// <summary>Bytes that were paid for.</summary>
    public int Paid { get; private set; }

    /// <summary>How long who imports has to wait; zero: he is within his day, and the disk is nearly full.</summary>
    public TimeSpan Wait { get; private set; }

    protected internal override bool MayBeStored(int bytes)
    {
        if (payer is not { } pays)
        {
            return true;
        }

        if (/* guard: a disk that is nearly full, imports */ pays.Space.IsLow)
        {
            return false;
        }

        TimeSpan wait = default;
        if (!(/* guard: who imports pays for it */ pays.Quota.TryTake(bytes, out wait)))
        {
            Wait = wait;
            return false;
        }

        Paid = bytes;
        return true;
    }

    protected override void Completed() => _done.SetResult();
}
