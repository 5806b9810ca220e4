using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>What became of a publish on a data topic.</summary>
internal enum DataOutcome
{
    /// <summary>Handed to everybody who hears it; stored, where it is retained or owed to who is kept.</summary>
    Said,

    /// <summary>The room, or all rooms of its owner, keep as much as they may; nothing was said (0x97).</summary>
    Full,

    /// <summary>The server has no memory for another value now; nothing was said.</summary>
    NoMemory,

    /// <summary>Whoever said it has had as much stored today as he may; nothing was said (0x97).</summary>
    OverQuota,

    /// <summary>Said, but the disk took nothing.</summary>
    NotStored,

    /// <summary>Whoever said it may not any more; nothing was said.</summary>
    NotAllowed,
}

/// <summary>A publish on its way through a <see cref="DataSpace"/>.</summary>
/// <param name="message">Null: nothing is said; for who waits until what was before it is.</param>
internal abstract class DataPublish(DataMessage? message)
{
    private int _paid;

    public DataMessage? Message => message;

    /// <summary>Out of which is paid what is stored of it. Null: nobody pays.</summary>
    public virtual StorageQuota? Quota => null;

    /// <summary>Of <see cref="DataOutcome.OverQuota"/>: how long until it may be said.</summary>
    public TimeSpan Wait { get; private set; }

    /// <summary>Asked right before it is said.</summary>
    public virtual bool MayBeSaid => true;

    /// <summary>
    /// Says that the packet id of a QoS 2 publish was received: on disk with what it said, and before PUBREC. Null: nothing is to say so.
    /// </summary>
    public virtual RecordChange? Received => null;

    /// <summary>Pays for so many bytes on disk. False: they are not left.</summary>
    public bool TryPay(int bytes)
    {
        if (bytes > 0 && Quota is { } quota)
        {
            if (!(/* guard: what an account stores of data in a day */ quota.TryTake(bytes, out var wait)))
            {
                Wait = wait;
                return false;
            }

            _paid = bytes;
        }

        return true;
    }

    /// <summary>What was paid for and is not stored.</summary>
    public void GiveBack()
    {
        if (_paid > 0)
        {
            Quota?.GiveBack(_paid);
            _paid = 0;
        }
    }

    /// <summary>It is decided on. Called once, on any thread, with no lock held; nothing in it blocks.</summary>
    /// <param name="touched">Who is written to and is to be flushed.</param>
    public abstract void Done(DataOutcome outcome, List<IMember> touched);
}

/// <summary>A publish of nobody's connection, or none at all: its outcome is waited for.</summary>
/// <param name="may">Asked right before it is said. Null: it may be.</param>
/// <param name="quota">See <see cref="DataPublish.Quota"/>.</param>
internal sealed class AwaitedPublish(DataMessage? message, Func<bool>? may = null, StorageQuota? quota = null) : DataPublish(message)
{
    private readonly TaskCompletionSource<DataOutcome> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<DataOutcome> Outcome => _outcome.Task;

    public override bool MayBeSaid => may?.Invoke() ?? true;

    public override StorageQuota? Quota => quota;

    public override void Done(DataOutcome outcome, List<IMember> touched) => _outcome.TrySetResult(outcome);
}
