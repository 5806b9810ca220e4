using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// The way of one event of a conversation: into the log of the two, and, by pointers in its batch, into the inboxes of those who hear it.
/// </summary>
internal sealed class ConversationWay : ISpokenWay
{
    private readonly Inbox _mine;
    private readonly Conversation _conversation;
    private readonly Inbox? _theirs;
    private readonly EventPointer _inMine;
    private readonly EventPointer? _inTheirs;

    /// <param name="mine">Of who says it.</param>
    /// <param name="conversation">As who says it sees it.</param>
    /// <param name="theirs">Null: nobody hears it there, for the account is erased, or is the same one.</param>
    /// <param name="isHeard">False: the other ignores who says it, and is told nothing of it; but of a deletion, which has no words, and
    /// may be of what was heard before.</param>
    public ConversationWay(Inbox mine, Conversation conversation, Inbox? theirs, bool isHeard, bool isMessage, bool isByBot, DateTimeOffset now)
    {
        (_mine, _conversation, _theirs) = (mine, conversation, theirs);
        var (me, other) = (mine.Owner, conversation.Other);
        _inMine = new EventPointer(mine.Log, EventBody.Pointer(isMessage, isByBot, other));
        List<EventPointer> pointers = [_inMine];
        List<RecordChange> index = [new ConversationRecord(other, now, conversation.User).ChangeOf(me.Id)];
        if (theirs is not null && /* guard: who is ignored is not heard */ isHeard)
        {
            pointers.Add(_inTheirs = new EventPointer(theirs.Log, EventBody.Pointer(isMessage, isByBot, me.Id)));
            index.Add(new ConversationRecord(me.Id, now, me.UserName).ChangeOf(other));
        }

        Pointers = pointers;
        Index = isMessage ? index : [];
    }

    public LogName Log => _conversation.Log;

    /// <summary>Whether the other takes it from who says it: asked when it gets its number, on the log thread. Must not block.</summary>
    public required Func<bool> IsTaken { get; init; }

    public IReadOnlyList<EventPointer> Pointers { get; }

    // By which each of the two finds the conversation.
    public IReadOnlyList<RecordChange> Index { get; }

    /// <summary>In whose turn whoever said it is answered: the other's, if there is one.</summary>
    public Inbox Main => _theirs ?? _mine;

    public void SaidBy(ulong publisherMark, ReadOnlySpan<byte> id)
    {
        _mine.SaidBy(publisherMark, id);
        _theirs?.SaidBy(publisherMark, id);
    }

    public bool TryAppend(PendingAppend append, bool moreFollows = false) => Main.TryAppend(append, moreFollows);

    public void Completed(IStreamEvent told, PendingAppend append)
    {
        // First: once the other's inbox has it, it may be answered and gone.
        if (_theirs is not null && append.Outcome == AppendOutcome.Stored)
        {
            _mine.Add(new OwnCopy(this, append, told.PublisherMark, told.More));
        }

        if (append.Outcome == AppendOutcome.Stored)
        {
            _mine.Said(_conversation.Other);
            if (_inTheirs is not null)
            {
                _theirs!.Said(_mine.Owner.Id);
            }
        }

        Main.Add(told);
    }

    public void Proceed(bool mayWork)
    {
        Main.Schedule(mayWork);
        if (_theirs is not null)
        {
            _mine.Schedule();
        }
    }

    public StoredEvent? StoredIn(EventStream stream, PendingAppend append)
    {
        var isMine = stream == _mine;
        if ((isMine ? _inMine : _inTheirs) is not { } pointer)
        {
            return null;
        }

        LogEntry entry = new(append.Seq, append.At, append.Author, append.Body);
        return new StoredEvent(
            isMine
                ? _mine.Shown(entry, _conversation.Other, _conversation.User, pointer.Seq, append.Epoch)
                : _theirs!.Shown(entry, _mine.Owner.Id, _mine.Owner.UserName, pointer.Seq, append.Epoch),
            pointer.Epoch);
    }

    /// <summary>What somebody said, for his own clients. He is answered elsewhere.</summary>
    private sealed class OwnCopy(ConversationWay way, PendingAppend append, ulong publisherMark, ReadOnlyMemory<byte> more) : IStreamEvent
    {
        public PendingAppend Append => append;

        public ReadOnlyMemory<byte> More => more;

        public ulong PublisherMark => publisherMark;

        public StoredEvent? StoredIn(EventStream stream) => way.StoredIn(stream, append);

        public string? Line() => null;

        public void Answer(List<IMember> touched)
        {
            // Answered in the turn of the other's inbox.
        }
    }
}
