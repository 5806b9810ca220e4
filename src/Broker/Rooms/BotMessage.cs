using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What a hook or a rule says in a room, on its way into the log.</summary>
internal sealed class BotMessage : PendingAppend, IStreamEvent
{
    private readonly TaskCompletionSource<ActResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IEventWay _way;
    private readonly Author _author;
    private readonly BotWords _words;
    private readonly StoragePayer _payer;
    private readonly Func<bool> _hasRight;
    private readonly Func<PublishRefusal?> _rule;
    private PublishRefusal? _ruling;
    private int _paid;

    private BotMessage(
        IEventWay way, Author author, BotWords words, byte[] body, StoragePayer payer, Func<bool> hasRight, Func<PublishRefusal?> rule)
        : base(way.Log, author.AccountId, words.Id, words.Id is null ? default : EventBody.ContentHash(words.Text, replyTo: null), body) =>
        (_way, _author, _words, _payer, _hasRight, _rule) = (way, author, words, payer, hasRight, rule);

    /// <summary>Completes when it is on disk and the members are told, or when it is refused.</summary>
    public Task<ActResult> Done => _done.Task;

    PendingAppend IStreamEvent.Append => this;

    ulong IStreamEvent.PublisherMark => 0;

    /// <param name="named">Whom it names; null: nobody.</param>
    /// <param name="hasRight">Asked when it gets its number, on the log thread: whether its maker still has the rank for it.</param>
    /// <param name="rule">Asked then, too: what forbids it for a while.</param>
    /// <param name="conditions">That the hook or rule is still there when it gets its number.</param>
    /// <param name="changes">Stored with it, or not at all.</param>
    public static BotMessage Of(
        Room room,
        Author author,
        BotWords words,
        Named? named,
        StoragePayer payer,
        Func<bool> hasRight,
        Func<PublishRefusal?> rule,
        IReadOnlyList<RecordCondition> conditions,
        IReadOnlyList<RecordChange> changes)
    {
        var id = words.Id ?? EventBody.NewId();
        var body = EventBody.Message(EventType.Message, author, id, words.Text, replyTo: null, named: named, via: words.Via);
        return new BotMessage(room, author, words, body, payer, hasRight, rule)
        {
            Conditions = conditions,
            Changes = named is { Users.Count: > 0 } ? [.. changes, NoticesDue.Of(room.Log, body)] : changes,
        };
    }

    string? IStreamEvent.Line() =>
        PlainLine.OfName($"{_author.Name}{(_words.Via is { } via ? $" ({via})" : "")}: ") + PlainLine.Of(_words.Text);

    void IStreamEvent.Answer(List<IMember> touched) => _done.TrySetResult(Outcome switch
    {
        AppendOutcome.Stored => new ActResult(null, Seq, Epoch),
        AppendOutcome.Duplicate => new ActResult(null, Seq, Epoch, IsRepeated: true),
        AppendOutcome.IdInUse => ActResult.IdInUse,
        AppendOutcome.RightEnded => new ActResult(PublishRefusal.NoSuchRoom),
        AppendOutcome.RuledOut => new ActResult(_ruling),
        AppendOutcome.Conflict => ActResult.ConflictOfRecords,
        _ => new ActResult(PublishRefusal.NoRoom),
    });

    protected internal override bool HasRight => /* guard: a number only while who speaks may */ _hasRight();

    protected internal override bool MayBeStored(int bytes)
    {
        _ruling = /* guard: what speaks for who is muted is silent */ _rule() ?? _payer.Pay(bytes);
        _paid = _ruling is null ? bytes : 0;
        return _ruling is null;
    }

    protected override void Completed()
    {
        if (_paid > 0 && Outcome is AppendOutcome.StoreFailed)
        {
            _payer.GiveBack(_paid);
        }

        _way.Completed(this, this);
    }

    internal override void Proceed(bool mayWork) => _way.Proceed(mayWork);
}

/// <summary>What is said.</summary>
/// <param name="Via">What the caller of a hook calls itself; null: it does not say.</param>
/// <param name="Id">The caller's own, under which it is said once; null: it gave none.</param>
internal sealed record BotWords(string Text, string? Via = null, string? Id = null);
