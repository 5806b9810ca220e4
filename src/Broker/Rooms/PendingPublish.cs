using WebMessenger.Broker.Connections;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Log;
using WebMessenger.Broker.Mqtt;

namespace WebMessenger.Broker.Rooms;

/// <summary>A client's message on its way: into the log, then to the members, then back to the sender as an acknowledgement.</summary>
internal sealed class PendingPublish : PendingAppend, IStreamEvent
{
    private readonly EventStream _stream;
    private readonly Author _author;
    private readonly string _text;
    private readonly MqttConnection? _publisher;
    private readonly PublishAnswer _answer;

    private PendingPublish(EventStream stream, Author author, Command command, byte[] body, ulong publisherMark, MqttConnection? publisher, PublishAnswer answer)
        : base(stream.Log, author.AccountId, command.Id, command.Id is null ? default : EventBody.ContentHash(command.Text, command.ReplyTo), body)
    {
        (_stream, _author, _text, PublisherMark, _publisher, _answer) = (stream, author, command.Text, publisherMark, publisher, answer);
    }

    /// <param name="expiry">See <see cref="EventBody.Message"/>.</param>
    /// <param name="record">Stored with the event, or not at all.</param>
    public static PendingPublish Of(
        PublishTarget target, Author author, Command command, MqttConnection publisher, PublishAnswer answer, DateTimeOffset? expiry = null, RecordChange? record = null) =>
        Of(target, author, command, publisher.PublisherMark, publisher, answer, expiry, record);

    /// <summary>A last will, which nobody waits for an answer to.</summary>
    /// <param name="publisherMark">Of the client that was lost.</param>
    /// <param name="lost">Its connection, which is told when the will is decided on; null: that is gone for good.</param>
    public static PendingPublish OfWill(PublishTarget target, Author author, Command command, ulong publisherMark, MqttConnection? lost, DateTimeOffset? expiry) =>
        Of(target, author, command, publisherMark, lost, new PublishAnswer(0, 0), expiry, record: null);

    private static PendingPublish Of(
        PublishTarget target, Author author, Command command, ulong publisherMark, MqttConnection? publisher, PublishAnswer answer, DateTimeOffset? expiry, RecordChange? record)
    {
        EventStream stream = target.Room is { } room ? room : target.Inbox!;
        var type = target.Room is null ? EventType.Whisper : EventType.Message;
        var body = EventBody.Message(type, author, command.Id ?? EventBody.NewId(), command.Text, command.ReplyTo, expiry);
        stream.Publishers?.Add(publisherMark, EventBody.IdOf(body));
        return new PendingPublish(stream, author, command, body, publisherMark, publisher, answer) { Record = record };
    }

    public PendingAppend Append => this;

    public ulong PublisherMark { get; }

    public string? Line() => _author.Name + ": " + PlainLine.Of(_text);

    public void Answer(List<MqttConnection> touched)
    {
        switch (Outcome)
        {
            case AppendOutcome.Stored or AppendOutcome.Duplicate:
                (_answer.Seq, _answer.Epoch) = (Seq, Epoch);
                break;
            case AppendOutcome.IdInUse:
                (_answer.Code, _answer.Reason) = (ReasonCode.ImplementationSpecificError, "id already used");
                break;
            default:
                (_answer.Code, _answer.Reason) = (ReasonCode.QuotaExceeded, "The message could not be stored. Send it again later.");
                _answer.FailedWithoutWord = true;
                break;
        }

        _publisher?.Answer(_answer, touched);
    }

    protected override void Completed() => _stream.Add(this);

    internal override void Proceed(bool mayWork) => _stream.Schedule(mayWork);
}
