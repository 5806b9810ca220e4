using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// A client's message as its stream takes it, once the log has decided: what members are shown of it, and what its sender is told.
/// </summary>
/// <remarks>
/// It is the acknowledgement itself, so that a message costs no object more.
/// A client may leave one of QoS 2 unreleased for long, so with the answer it lets go of the message.
/// </remarks>
/// <param name="publisher">Who is told; null: nobody is there any more.</param>
/// <param name="publisherMark">Of the client that said it.</param>
internal sealed class SaidPublish(
    ushort packetId,
    byte qualityOfService,
    Author author,
    Command command,
    PublishTarget target,
    ulong publisherMark,
    IPublisher? publisher)
    : PublishAnswer(packetId, qualityOfService), IStreamEvent
{
    private Command? _command = command;

    /// <summary>As the log has it; set by that itself, before it is handed over. Null: it has been answered.</summary>
    public PendingPublish? Stored { get; set; }

    public Author Author => author;

    public Command Command => _command ?? throw new InvalidOperationException("It has been answered.");

    public PublishTarget Target => target;

    public ulong PublisherMark => publisherMark;

    public IPublisher? Publisher => publisher;

    PendingAppend IStreamEvent.Append => Stored!;

    /// <summary>What it answers, as that was when it got its number: `quote` with a comma before it, or empty.</summary>
    public ReadOnlyMemory<byte> Quote { get; set; }

    /// <summary>It was stored before, under its id.</summary>
    public bool IsRepeated { get; private set; }

    ReadOnlyMemory<byte> IStreamEvent.More => Quote;
    StoredEvent? IStreamEvent.StoredIn(EventStream stream) => Stored!.StoredIn(stream);

    public string? Line() => Command.IsAction
        ? "* " + author.Name + " " + PlainLine.Of(Command.Text)
        : PlainLine.OfName(author.Name) + ": " + PlainLine.Of(Command.Text);

    public void Answer(List<IMember> touched)
    {
        PublishRefusal? refusal = null;
        switch (Stored!.Outcome)
        {
            case AppendOutcome.Stored or AppendOutcome.Duplicate:
                (Seq, Epoch, IsRepeated) = (Stored.Seq, Stored.Epoch, Stored.Outcome == AppendOutcome.Duplicate);
                break;
            case AppendOutcome.IdInUse:
                (Code, Reason) = (ReasonCode.ImplementationSpecificError, "id already used");
                break;
            case AppendOutcome.RightEnded:
                refusal = PublishRefusal.NoSuchRoom;
                break;
            case AppendOutcome.RuledOut:
                refusal = Stored.Ruling!;
                break;
            default:
                (Code, Reason) = (ReasonCode.QuotaExceeded, "The message could not be stored. Send it again later.");
                FailedWithoutWord = true;
                break;
        }

        (Stored, _command, Quote) = (null, null, default);
        if (refusal is null)
        {
            publisher?.Answer(this, touched);
        }
        else
        {
            publisher?.Refuse(this, refusal, target.TopicText, touched);
        }
    }
}
