using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// A client's message on its way into the log: with what right, by what rules and at whose expense.
/// What comes after that is <see cref="SaidPublish"/>'s.
/// </summary>
internal sealed class PendingPublish : PendingAppend
{
    private readonly IEventWay _way;
    private readonly SaidPublish _said;
    private readonly LoginSession _session;
    private readonly StoragePayer _payer;
    private readonly Membership? _membership;
    private readonly Named? _named;
    private readonly GuardedText? _text;
    private readonly IPublisher? _receiver;
    private int _paid;

    private PendingPublish(
        IEventWay way, SaidPublish said, byte[] body, Membership? membership, LoginSession session, StoragePayer payer, Named? named, PublishRefusal? ruling,
        IPublisher? receiver)
        : base(
            way.Log,
            said.Author.AccountId,
            said.Command.Id,
            said.Command.Id is null ? default : said.Command.ContentHash(),
            body)
    {
        (_way, _said, _session, _payer, _membership, _named) = (way, said, session, payer, membership, named);
        _receiver = receiver;

        Ruling = ruling;

        // What dice say is nobody's to choose. What is refused already, and may be as long as anybody likes, is not read.
        _text = ruling is null && said is { Target.Room: { } room, Command: { Roll: null, Text: var text } } ? new GuardedText(text).Read(room.Record.Policy.Guard) : null;
        said.Stored = this;
    }

    /// <summary>The rule that forbids it, unless it is there already; null: none that is known yet.</summary>
    public PublishRefusal? Ruling { get; private set; }

    /// <param name="membership">In which it is said; null for a whisper.</param>
    /// <param name="session">As whom the client is signed in.</param>
    /// <param name="expiry">See <see cref="EventBody.Message"/>.</param>
    /// <param name="record">Stored with the event, or not at all.</param>
    /// <param name="ruling">See <see cref="Ruling"/>.</param>
    /// <param name="named">Whom it names; null: nobody.</param>
    public static PendingPublish Of(
        ISpokenWay way,
        SaidPublish said,
        Membership? membership,
        LoginSession session,
        StoragePayer payer,
        DateTimeOffset? expiry = null,
        RecordChange? record = null,
        PublishRefusal? ruling = null,
        Named? named = null)
    {
        var (target, command) = (said.Target, said.Command);
        var body = EventBody.Message(
            EventType.Message,
            said.Author,
            command.Id ?? EventBody.NewId(),
            command.Text,
            command.ReplyTo,
            expiry,
            said.PublisherMark,
            command.IsAction,
            named,
            command.Roll);
        way.SaidBy(said.PublisherMark, EventBody.IdOf(body));

        // In a conversation nobody is named, and who is answered hears it anyway.
        var isDue = target.Room is not null && (command.ReplyTo is not null || named is { Users.Count: > 0 });
        return new PendingPublish(way, said, body, membership, session, payer, named, ruling, record is null ? null : said.Publisher)
        {
            Changes = isDue || way.Index.Count > 0
                ? [.. Only(record), .. way.Index, .. isDue ? [NoticesDue.Of(way.Log, body)] : Array.Empty<RecordChange>()]
                : Only(record),
            Pointers = way.Pointers,
            RefersTo = command.ReplyTo ?? 0,
        };
    }

    private static RecordChange[] Only(RecordChange? record) => record is { } change ? [change] : [];

    /// <summary>See <see cref="IStreamEvent.StoredIn"/>.</summary>
    public StoredEvent? StoredIn(EventStream stream) => _way.StoredIn(stream, this);

    private bool IsUnderItsSession => /* guard: a number only under a login session that lasts */ !_session.IsRevoked;

    protected internal override bool HasRight =>
        (/* guard: a publish after the end is not accepted (2) */ IsUnderItsSession)
        && (/* guard: a number only within the stay it was said in */ _membership is not { HasEnded: true })
        && /* guard: what was received once is stored by who has the client */ _receiver is not { IsElsewhere: true };

    protected internal override bool MayReferTo(ReadOnlySpan<byte> body)
    {
        // Of who is banned, or takes nothing from who asks, nobody learns by this whether the two have talked.
        Ruling = WhyNobody() ?? Ruling ?? (/* guard: an answer is to a message that is there */ TalkRefusals.WhyNoMessage(body));
        _said.Quote = Ruling is null ? Quote.Of(body) : default;
        return Ruling is null;
    }

    protected internal override bool MayBeStored(int bytes)
    {
        Ruling = WhyNobody() ?? Ruling;
        Ruling ??= _said.Target.Room is { } room
                && _membership is { } membership
                && (RoomPolicy.WhyNotPost(room, membership, _session.Account)
                    ?? (_text is null ? null : RoomPolicy.WhyNoLink(room, membership, _session.Account, _text))) is { } refusal ? refusal
            : _payer.Pay(bytes);
        if (Ruling is not null)
        {
            return false;
        }

        Ruling = _said.Target.Room is { } slow ? WhyNotNow(slow) : null;
        if (Ruling is not null)
        {
            _payer.GiveBack(bytes);
            return false;
        }

        _paid = bytes;
        return true;
    }

    protected override void Completed()
    {
        if (_paid > 0 && Outcome is AppendOutcome.StoreFailed)
        {
            _payer.GiveBack(_paid);
            _said.Target.Room?.SlowMode.GiveBack(_session.Account.Id);
            if (_text is not null && _said.Target.Room is { Record.Policy.Guard.Repeats: > 0 } room)
            {
                room.Guard.GiveBack(_session.Account.Id, _text.Fold);
            }
        }

        if (_named is { IsEveryone: true } && Outcome is not AppendOutcome.Stored)
        {
            _said.Target.Room?.EveryoneCalls.GiveBack();
        }

        _way.Completed(_said, this);
    }

    internal override void Proceed(bool mayWork) => _way.Proceed(mayWork);

    // Before all else: what is wrong with a whisper is not told of who takes none, for of nobody it is not either.
    private PublishRefusal? WhyNobody() =>
        (/* guard: no whisper gets a number when nobody is there to read it */ _said.Target.IsGone) ? PublishTarget.NobodyThere
        : (/* guard: who is left alone hears nothing */ _way is ConversationWay talk && !talk.IsTaken()) ? PublishTarget.NobodyThere
        : null;

    private PublishRefusal? WhyNotNow(Room room)
    {
        var refusal = RoomPolicy.WhyNotYet(room, _session.Account);
        if (refusal is null && _text is not null && RoomPolicy.WhyNotAgain(room, _session.Account, _text) is { } again)
        {
            // Who was not heard need not wait.
            room.SlowMode.GiveBack(_session.Account.Id);
            return again;
        }

        return refusal;
    }
}
