using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>One message of somebody who was put out, on its way to being deleted: the same event as a moderator's deletion.</summary>
/// <remarks>Nobody's right is asked: it was, when the act was numbered that wants it. It costs nobody anything, as any deletion.</remarks>
internal sealed class PendingRemoval : PendingAppend, IStreamEvent
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IEventWay _way;

    private PendingRemoval(IEventWay way, Author by, long of, byte[] body)
        : base(way.Log, by.AccountId, null, default, body) => (_way, Of) = (way, of);

    /// <summary>Seq of the message.</summary>
    public long Of { get; }

    /// <summary>Completes when the log has decided, and the members are told.</summary>
    public Task Done => _done.Task;

    PendingAppend IStreamEvent.Append => this;

    ulong IStreamEvent.PublisherMark => 0;

    /// <param name="by">Who deletes it.</param>
    /// <param name="unpinned">See <see cref="Pins.RemovalOf"/>.</param>
    public static PendingRemoval To(Room room, Author by, in LogEntry message, IEventLog log, RecordsPlan unpinned)
    {
        var seq = message.Seq;
        return new PendingRemoval(room, by, seq, EventBody.Act(EventType.Delete, by, EventBody.NewId(), writer => writer.WriteNumber("of"u8, seq)))
        {
            Changes = unpinned.Changes,
            Conditions = unpinned.Conditions,
            Replacements = MessagePlan.RemovalOf(room.Log, message, by, log),
            EntryConditions = [new EntryCondition(seq, message.ChangedBy)],
        };
    }

    string? IStreamEvent.Line() => null;

    void IStreamEvent.Answer(List<IMember> touched) => _done.TrySetResult();

    protected override void Completed() => _way.Completed(this, this);

    internal override void Proceed(bool mayWork) => _way.Proceed(mayWork);
}
