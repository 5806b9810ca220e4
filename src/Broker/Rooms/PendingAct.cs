using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>An act on its way into the log of a room or conversation: its event and what it changes of records are one batch.</summary>
/// <param name="payer">Null: it costs nobody anything, as a deletion, of which there is one for each message at most.</param>
/// <param name="ruling">What forbids it, unless it was done before under its id; null: nothing that is known yet.</param>
internal sealed class PendingAct(
    IEventWay way,
    Author author,
    Command command,
    byte[] body,
    LoginSession session,
    StoragePayer? payer,
    ulong publisherMark,
    PublishRefusal? ruling)
    : PendingAppend(
        way.Log,
        author.AccountId,
        command.Id,
        command.Id is null ? default : command.ContentHash(),
        body),
    IStreamEvent
{
    private readonly TaskCompletionSource _told = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _paid;
    private bool _isBeyondQuota;

    /// <summary>Completes when the log has decided, and the members are told.</summary>
    public Task Told => _told.Task;

    public PublishRefusal? Ruling { get; private set; } = ruling;

    /// <summary>The stay in the room that it is done in; null: it needs none.</summary>
    public Membership? Membership { get; init; }

    /// <summary>See <see cref="AskedAct.Receiver"/>.</summary>
    public IPublisher? Receiver { get; init; }

    /// <summary>
    /// How often a day it is done although its payer refuses: it takes rights away, for which there is room on a disk that is nearly full.
    /// Null: never.
    /// </summary>
    public DailyBudget? BeyondQuota { get; init; }

    /// <summary>Asked when its event gets its number, on the log thread: what forbids it by then. Must not block. Null: nothing.</summary>
    public Func<PublishRefusal?>? Rule { get; init; }

    /// <summary>Asked then once, when it is paid for and nothing else forbids it; null: nothing is left to ask. Must not block.</summary>
    public Func<PublishRefusal?>? Last { get; init; }

    /// <summary>
    /// Makes memory as the disk is by then, on the log thread: must not block. Null: what is in memory is not changed.
    /// </summary>
    public Action? Apply { get; init; }

    /// <summary>See <see cref="AskedAct.Accepted"/>.</summary>
    public Action<PendingAct, List<IMember>>? Accepted { get; init; }

    public PendingAppend Append => this;

    public ulong PublisherMark => publisherMark;

    public StoredEvent? StoredIn(EventStream stream) => way.StoredIn(stream, this);

    /// <summary>What `/text` says of it; null: nothing.</summary>
    public string? Words { get; init; }

    public string? Line() => Words;

    public void Answer(List<IMember> touched)
    {
        if (Outcome is AppendOutcome.Stored or AppendOutcome.Duplicate)
        {
            Accepted?.Invoke(this, touched);
        }

        _told.TrySetResult();
    }

    private bool IsUnderItsSession => /* guard: acts only under a login session that lasts */ !session.IsRevoked;

    protected internal override bool HasRight =>
        IsUnderItsSession && (/* guard: acts on messages only within the stay they were asked in */ Membership is not { HasEnded: true })
        && /* guard: an act that was received once is stored by who has the client */ Receiver is not { IsElsewhere: true };

    protected internal override bool EndsBatch => Apply is not null;

    protected internal override bool MayBeStored(int bytes)
    {
        Ruling ??= Rule?.Invoke() ?? Pay(bytes);
        if (Ruling is null && Last?.Invoke() is { } last)
        {
            GiveBack();
            Ruling = last;
        }

        return Ruling is null;
    }

    protected override void Completed()
    {
        if (Outcome is AppendOutcome.Stored)
        {
            Apply?.Invoke();
        }
        else if (Outcome is AppendOutcome.StoreFailed or AppendOutcome.Conflict)
        {
            GiveBack();
        }

        way.Completed(this, this);
    }

    internal override void Proceed(bool mayWork) => way.Proceed(mayWork);

    private PublishRefusal? Pay(int bytes)
    {
        if (payer?.Pay(bytes) is not { } refusal)
        {
            _paid = payer is null ? 0 : bytes;
            return null;
        }

        _isBeyondQuota = /* guard: what takes rights away beyond the quota, a day */ BeyondQuota?.TryTake(Author) == true;
        return _isBeyondQuota ? null : refusal;
    }

    private void GiveBack()
    {
        if (_paid > 0)
        {
            payer!.Value.GiveBack(_paid);
            _paid = 0;
        }

        if (_isBeyondQuota)
        {
            BeyondQuota!.Give(Author);
            _isBeyondQuota = false;
        }
    }
}
