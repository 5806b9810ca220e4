using System.Buffers;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// An account's own stream, `users/{user}`: what is said to it and by it in conversations, and what its devices are told beside.
/// Kept under the account's id, so a rename takes it along.
/// </summary>
/// <remarks>
/// Its log has pointers into those of the conversations (ADR 0056). What they point to is read when it is shown: so what was edited or
/// deleted is nowhere shown as it was.
/// </remarks>
/// <param name="listeningChanged">Called under the gate when <see cref="Inbox.IsListening"/> has changed.</param>
/// <param name="findRoom">By its key.</param>
/// <param name="indexes">Of the notices of all accounts.</param>
/// <param name="names">Of those the account talks to.</param>
/// <param name="conversationChanged">Called when something was said to or by whom this names; must not block.</param>
internal sealed class Inbox(
    Account owner,
    IEventLog log,
    Action<Inbox> listeningChanged,
    Func<string, Room?> findRoom,
    NoticeIndexes indexes,
    ConversationNames names,
    Action<Inbox, string>? conversationChanged = null)
    : EventStream(LogName.OfAccount(owner.Id), log)
{
    private volatile bool _isListening;
    private volatile NoticeStream? _notices;

    // Under the gate.
    private bool _isClosed;

    public Account Owner { get; } = owner;

    /// <summary>Who named or answered the account. Made when somebody asks: many accounts have nobody who does.</summary>
    public NoticeStream Notices =>
        _notices ?? Interlocked.CompareExchange(ref _notices, new NoticeStream(Owner, Logs, findRoom, indexes), null) ?? _notices;

    /// <summary>Somebody has asked for <see cref="Notices"/>.</summary>
    public bool HasNotices => _notices is not null;

    /// <summary>A client of the account listens to what is unread.</summary>
    public bool IsListening => _isListening;

    /// <summary>What the account and another say to each other.</summary>
    /// <param name="other">Account id. Of who is erased this reads the disk.</param>
    public Conversation With(string other) => new(Owner, other, names.UserOf(Owner.Id, other), Logs);

    /// <summary>The same, of who is there: reads no disk.</summary>
    public Conversation With(Account other) => new(Owner, other.Id, other.UserName, Logs);

    /// <summary>What the account and whom it calls so say to each other. Reads the disk.</summary>
    /// <returns>Null: there is nobody of that name, and nobody erased who talked to the account.</returns>
    public Conversation? WithUser(string user) => names.IdOf(Owner.Id, user) is { } other ? With(other) : null;

    /// <summary>Something was said to or by the other, by account id. On the log thread.</summary>
    public void Said(string other) => conversationChanged?.Invoke(this, other);

    public override LogPage ReadAfter(long after, int limit) => Resolve(base.ReadAfter(after, limit));

    public override LogPage ReadBefore(long before, int limit) => Resolve(base.ReadBefore(before, limit));

    /// <summary>An event of a conversation as the inbox shows it.</summary>
    /// <param name="entry">As the conversation has it.</param>
    /// <param name="user">The other's user name.</param>
    /// <param name="seq">Of the pointer.</param>
    /// <param name="epoch">Of the conversation.</param>
    public LogEntry Shown(in LogEntry entry, string other, string user, long seq, string epoch)
    {
        var type = entry.Author == Owner.Id && other != Owner.Id ? EventType.Sent : EventType.Whisper;
        return entry with { Seq = seq, Body = EventBody.InInbox(entry.Body.Span, type, user, entry.Seq, epoch) };
    }

    /// <summary>What an answer answers, in the conversation that it is in.</summary>
    public override ReadOnlyMemory<byte> MoreOf(in LogEntry entry) =>
        EventBody.ReplyToOf(entry.Body.Span) is not null
        && Logs.ReadAfter(Log, entry.Seq - 1, 1).Entries is [var pointer]
        && pointer.Seq == entry.Seq
        && EventBody.PointerOf(pointer.Body.Span) is var (other, _)
            ? QuoteIn(LogName.OfConversation(Owner.Id, other), entry) : default;

    /// <summary>Another node has stored a pointer: something was said to or by the other whom it names.</summary>
    public override void Heard(in LogEntry entry)
    {
        if (EventBody.PointerOf(entry.Body.Span) is var (other, _))
        {
            Said(other);
        }
    }

    protected override LogEntry ShownOf(in LogEntry entry, IReadOnlyDictionary<(LogName Log, long Seq), StoredEvent> said) =>
        EventBody.PointerOf(entry.Body.Span) is var (other, seq) && said.TryGetValue((LogName.OfConversation(Owner.Id, other), seq), out var there)
            ? Shown(there.Entry, other, names.UserOf(Owner.Id, other), entry.Seq, there.Epoch)
            : Resolve(entry);

    private LogPage Resolve(LogPage page) => page with { Entries = [.. page.Entries.Select(Resolve)] };

    private LogEntry Resolve(LogEntry entry)
    {
        if (EventBody.PointerOf(entry.Body.Span) is not var (other, seq))
        {
            return entry;
        }

        try
        {
            var page = Logs.ReadAfter(LogName.OfConversation(Owner.Id, other), seq - 1, 1);
            if (page.Entries is [var said] && said.Seq == seq)
            {
                return Shown(said, other, names.UserOf(Owner.Id, other), entry.Seq, page.Head.Epoch);
            }
        }
        catch (LogDamagedException)
        {
            // As what is not there any more: else a client would come to nothing of all that is behind it.
        }

        return entry with { Body = default };
    }

    /// <summary>Hands what is said to the log. False: the account was erased.</summary>
    /// <param name="moreFollows">See <see cref="IEventLog.Append"/>.</param>
    public bool TryAppend(PendingAppend append, bool moreFollows = false)
    {
        // Under the gate, as in a room: else a pointer could come into the log's queue behind the end of the log, and stay (fault R13).
        lock (Gate)
        {
            if (_isClosed || Owner.IsErased)
            {
                return false;
            }

            Logs.Append(append, moreFollows);
            return true;
        }
    }

    /// <summary>The account was erased: from here on nothing is appended.</summary>
    public void Close()
    {
        lock (Gate)
        {
            _isClosed = true;
        }

        _notices?.Close();
    }

    public override byte[] EventsTopic => Encoding.ASCII.GetBytes("users/" + Owner.UserName);

    protected override TopicKind Kind => TopicKind.Inbox;

    public override void WriteJson(IBufferWriter<byte> target, in LogEntry entry, string epoch, ReadOnlySpan<byte> more = default) =>
        EventBody.WriteJson(target, entry, epoch, "to"u8, Encoding.ASCII.GetBytes(Owner.UserName), more);

    protected override PublishFrames? LineOf(IStreamEvent stored) => null;

    public override void WritePlace(Utf8JsonWriter writer) => writer.WriteString("to"u8, Owner.UserName);

    public override void Place(IMember member, HeldFilter[] filters, bool leavesAtOnce, CatchUpFrom? from = null)
    {
        lock (Gate)
        {
            Put(member, Subscriber.Of(member, this, filters), from);
            var isListening = false;
            foreach (var subscriber in Subscribers)
            {
                isListening |= subscriber.Unread is not null;
            }

            if (isListening != _isListening)
            {
                _isListening = isListening;
                listeningChanged(this);
            }
        }
    }
}
