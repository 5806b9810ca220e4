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
    private readonly EventStream _stream;
    private readonly SaidPublish _said;
    private readonly LoginSession _session;
    private readonly StoragePayer _payer;
    private readonly Membership? _membership;
    private int _paid;

    private PendingPublish(
        EventStream stream, SaidPublish said, byte[] body, Membership? membership, LoginSession session, StoragePayer payer)
        : base(
            stream.Log,
            said.Author.AccountId,
            said.Command.Id,
            said.Command.Id is null ? default : EventBody.ContentHash(said.Command.Text, said.Command.ReplyTo),
            body)
    {
        (_stream, _said, _session, _payer, _membership) = (stream, said, session, payer, membership);
        said.Stored = this;
    }

    /// <summary>The rule that forbids it, unless it is there already; null: none that is known yet.</summary>
    public PublishRefusal? Ruling { get; private set; }

    /// <param name="membership">In which it is said; null for a whisper.</param>
    /// <param name="session">As whom the client is signed in.</param>
    /// <param name="expiry">See <see cref="EventBody.Message"/>.</param>
    /// <param name="record">Stored with the event, or not at all.</param>
    /// <param name="ruling">See <see cref="Ruling"/>.</param>
    public static PendingPublish Of(
        SaidPublish said,
        Membership? membership,
        LoginSession session,
        StoragePayer payer,
        DateTimeOffset? expiry = null,
        RecordChange? record = null,
        PublishRefusal? ruling = null)
    {
        var (target, command) = (said.Target, said.Command);
        EventStream stream = target.Room is { } room ? room : target.Inbox!;
        var type = target.Room is null ? EventType.Whisper : EventType.Message;
        var body = EventBody.Message(
            type, said.Author, command.Id ?? EventBody.NewId(), command.Text, command.ReplyTo, expiry, said.PublisherMark);
        stream.Publishers?.Add(said.PublisherMark, EventBody.IdOf(body));
        return new PendingPublish(stream, said, body, membership, session, payer)
        {
            Changes = record is { } change ? [change] : [], Ruling = ruling,
        };
    }

    private bool IsUnderItsSession => /* guard: a number only under a login session that lasts */ !_session.IsRevoked;

    protected internal override bool HasRight =>
        (/* guard: a publish after the end is not accepted (2) */ IsUnderItsSession)
        && /* guard: a number only within the stay it was said in */ _membership is not { HasEnded: true };

    protected internal override bool MayBeStored(int bytes)
    {
        Ruling ??= (/* guard: no whisper gets a number when nobody is there to read it */ _said.Target.IsGone) ? PublishTarget.NobodyThere
            : _said.Target.Room is { } room
                && _membership is { } membership
                && RoomPolicy.WhyNotPost(room, membership, _session.Account) is { } refusal ? refusal
            : _payer.Pay(bytes);
        if (Ruling is not null)
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

        _stream.Add(_said);
    }

    internal override void Proceed(bool mayWork) => _stream.Schedule(mayWork);
}
