using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>An act on its way into the room's log: its event and what it changes of records are one batch.</summary>
/// <param name="payer">Null: it only takes rights away, which is never refused for want of room.</param>
/// <param name="ruling">What forbids it, unless it was done before under its id; null: nothing that is known yet.</param>
/// <param name="apply">Makes memory as the disk is by then, on the log thread: must not block.</param>
internal sealed class PendingAct(
    Room room,
    Author author,
    Command command,
    byte[] body,
    LoginSession session,
    StoragePayer? payer,
    ulong publisherMark,
    PublishRefusal? ruling,
    Action apply)
    : PendingAppend(
        room.Log,
        author.AccountId,
        command.Id,
        command.Id is null ? default : EventBody.ContentHash(command.Act!.Canonical),
        body),
    IStreamEvent
{
    private readonly TaskCompletionSource _told = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _paid;

    /// <summary>Completes when the log has decided, and the members are told.</summary>
    public Task Told => _told.Task;

    public PublishRefusal? Ruling { get; private set; } = ruling;

    public PendingAppend Append => this;

    public ulong PublisherMark => publisherMark;

    public string? Line() => null;

    public void Answer(List<IMember> touched) => _told.TrySetResult();

    protected internal override bool HasRight => /* guard: acts only under a login session that lasts */ !session.IsRevoked;

    protected internal override bool EndsBatch => true;

    protected internal override bool MayBeStored(int bytes)
    {
        Ruling ??= payer?.Pay(bytes);
        if (Ruling is not null)
        {
            return false;
        }

        _paid = payer is null ? 0 : bytes;
        return true;
    }

    protected override void Completed()
    {
        if (Outcome is AppendOutcome.Stored)
        {
            apply();
        }
        else if (_paid > 0 && Outcome is AppendOutcome.StoreFailed or AppendOutcome.Conflict)
        {
            payer!.Value.GiveBack(_paid);
        }

        room.Add(this);
    }

    internal override void Proceed(bool mayWork) => room.Schedule(mayWork);
}
