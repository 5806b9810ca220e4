using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>A client's message on its way: into the log, then to the members, then back to the sender as an acknowledgement.</summary>
internal sealed class PendingPublish : PendingAppend, IStreamEvent
{
    private readonly EventStream _stream;
    private readonly Author _author;
    private readonly string _text;
    private readonly IPublisher? _publisher;
    private readonly PublishAnswer _answer;
    private readonly LoginSession _session;
    private readonly StoragePayer _payer;
    private readonly PublishTarget _target;
    private readonly Membership? _membership;
    private PublishRefusal? _refusal;
    private int _paid;

    private PendingPublish(
        EventStream stream, PublishTarget target, Membership? membership, Author author, Command command, byte[] body, ulong publisherMark, IPublisher? publisher,
        LoginSession session, StoragePayer payer, PublishAnswer answer)
        : base(stream.Log, author.AccountId, command.Id, command.Id is null ? default : EventBody.ContentHash(command.Text, command.ReplyTo), body)
    {
        (_stream, _author, _text, PublisherMark, _publisher, _answer) = (stream, author, command.Text, publisherMark, publisher, answer);
        (_session, _payer, _target, _membership) = (session, payer, target, membership);
    }

    /// <param name="membership">In which it is said; null for a whisper.</param>
    /// <param name="expiry">See <see cref="EventBody.Message"/>.</param>
    /// <param name="record">Stored with the event, or not at all.</param>
    /// <param name="refusal">A rule that forbids it unless it is there already; null: none that is known yet.</param>
    public static PendingPublish Of(
        PublishTarget target, Membership? membership, Author author, Command command, IPublisher publisher, PublishAnswer answer,
        DateTimeOffset? expiry = null, RecordChange? record = null, PublishRefusal? refusal = null) =>
        Of(target, membership, author, command, publisher.PublisherMark, publisher, publisher.Session!, publisher.Payer, answer, expiry, record, refusal);

    /// <summary>A last will, which nobody waits for an answer to.</summary>
    /// <param name="membership">See <see cref="Of(PublishTarget, Membership?, Author, Command, IPublisher, PublishAnswer, DateTimeOffset?, RecordChange?, PublishRefusal?)"/>.</param>
    /// <param name="publisherMark">Of the client that was lost.</param>
    /// <param name="lost">Its connection, which is told when the will is decided on; null: that is gone for good.</param>
    /// <param name="session">As whom it was signed in.</param>
    public static PendingPublish OfWill(
        PublishTarget target, Membership? membership, Author author, Command command, ulong publisherMark, IPublisher? lost, LoginSession session, StoragePayer payer,
        DateTimeOffset? expiry) =>
        Of(target, membership, author, command, publisherMark, lost, session, payer, new PublishAnswer(0, 0), expiry, record: null, refusal: null);

    private static PendingPublish Of(
        PublishTarget target, Membership? membership, Author author, Command command, ulong publisherMark, IPublisher? publisher, LoginSession session, StoragePayer payer,
        PublishAnswer answer, DateTimeOffset? expiry, RecordChange? record, PublishRefusal? refusal)
    {
        EventStream stream = target.Room is { } room ? room : target.Inbox!;
        var type = target.Room is null ? EventType.Whisper : EventType.Message;
        var body = EventBody.Message(type, author, command.Id ?? EventBody.NewId(), command.Text, command.ReplyTo, expiry, publisherMark);
        stream.Publishers?.Add(publisherMark, EventBody.IdOf(body));
        return new PendingPublish(stream, target, membership, author, command, body, publisherMark, publisher, session, payer, answer) { Changes = record is { } change ? [change] : [], _refusal = refusal };
    }

    public PendingAppend Append => this;

    public ulong PublisherMark { get; }

    protected internal override bool HasRight => !_session.IsRevoked && _membership is not { HasEnded: true };

    public string? Line() => _author.Name + ": " + PlainLine.Of(_text);

    public void Answer(List<IMember> touched)
    {
        PublishRefusal? refusal = null;
        switch (Outcome)
        {
            case AppendOutcome.Stored or AppendOutcome.Duplicate:
                (_answer.Seq, _answer.Epoch) = (Seq, Epoch);
                break;
            case AppendOutcome.IdInUse:
                (_answer.Code, _answer.Reason) = (ReasonCode.ImplementationSpecificError, "id already used");
                break;
            case AppendOutcome.RightEnded:
                refusal = PublishRefusal.NoSuchRoom;
                break;
            case AppendOutcome.RuledOut:
                refusal = _refusal!;
                break;
            default:
                (_answer.Code, _answer.Reason) = (ReasonCode.QuotaExceeded, "The message could not be stored. Send it again later.");
                _answer.FailedWithoutWord = true;
                break;
        }

        if (refusal is null)
        {
            _publisher?.Answer(_answer, touched);
        }
        else
        {
            _publisher?.Refuse(_answer, refusal, _target.TopicText, touched);
        }
    }

    protected internal override bool MayBeStored(int bytes)
    {
        _refusal ??= _target.IsGone ? PublishTarget.NobodyThere : _payer.Pay(bytes);
        if (_refusal is not null)
        {
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
        }

        _stream.Add(this);
    }

    internal override void Proceed(bool mayWork) => _stream.Schedule(mayWork);
}
