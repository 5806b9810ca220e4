using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Connections;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Log;
using WebMessenger.Broker.Mqtt;
using WebMessenger.Broker.Storing;

namespace WebMessenger.Broker.Rooms;

/// <summary>A client's message on its way: into the log, then to the members, then back to the sender as an acknowledgement.</summary>
internal sealed class PendingPublish : PendingAppend, IStreamEvent
{
    private readonly EventStream _stream;
    private readonly Author _author;
    private readonly string _text;
    private readonly MqttConnection _publisher;
    private readonly PublishAnswer _answer;
    private readonly LoginSession _session;
    private readonly PublishTarget _target;
    private readonly Membership? _membership;
    private PublishRefusal? _refusal;
    private int _paid;

    private PendingPublish(
        EventStream stream, PublishTarget target, Membership? membership, Author author, Command command, byte[] body, MqttConnection publisher,
        PublishAnswer answer)
        : base(stream.Log, author.AccountId, command.Id, command.Id is null ? default : EventBody.ContentHash(command.Text, command.ReplyTo), body)
    {
        (_stream, _author, _text, _publisher, _answer) = (stream, author, command.Text, publisher, answer);
        (_session, _target, _membership) = (publisher.Session!, target, membership);
    }

    /// <param name="membership">In which it is said; null for a whisper.</param>
    /// <param name="expiry">See <see cref="EventBody.Message"/>.</param>
    /// <param name="record">Stored with the event, or not at all.</param>
    /// <param name="refusal">A rule that forbids it unless it is there already; null: none that is known yet.</param>
    public static PendingPublish Of(
        PublishTarget target, Membership? membership, Author author, Command command, MqttConnection publisher, PublishAnswer answer,
        DateTimeOffset? expiry = null, RecordChange? record = null, PublishRefusal? refusal = null)
    {
        EventStream stream = target.Room is { } room ? room : target.Inbox!;
        var type = target.Room is null ? EventType.Whisper : EventType.Message;
        var body = EventBody.Message(type, author, command.Id ?? EventBody.NewId(), command.Text, command.ReplyTo, expiry);
        return new PendingPublish(stream, target, membership, author, command, body, publisher, answer) { Record = record, _refusal = refusal };
    }

    public PendingAppend Append => this;

    public MqttConnection? Publisher => _publisher;

    protected internal override bool HasRight => !_session.IsRevoked && _membership is not { HasEnded: true };

    public string? Line() => _author.Name + ": " + PlainLine.Of(_text);

    public void Answer(List<MqttConnection> touched)
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
            _publisher.Answer(_answer, touched);
        }
        else
        {
            _publisher.Refuse(_answer, refusal, _target.TopicText, touched);
        }
    }

    protected internal override bool MayBeStored(int bytes)
    {
        _refusal ??= _target.IsGone ? PublishTarget.NobodyThere : _publisher.Pay(bytes);
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
            _publisher.GiveBack(_paid);
        }

        _stream.Add(this);
    }

    internal override void Proceed(bool mayWork) => _stream.Schedule(mayWork);
}
