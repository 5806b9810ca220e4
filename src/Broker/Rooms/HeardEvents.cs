using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Rooms;

/// <summary>Brings what was said on other nodes to those who hear it here: same frames, in the order of the log (ADR 0086).</summary>
/// <remarks>
/// Called on the thread that numbers alone. Who hears nothing here has no stream here, and nothing is done for him.
/// A batch is looked at when all of it was heard: a pointer may stand before what it points to.
/// </remarks>
internal sealed class HeardEvents(RoomDirectory rooms, AccountDirectory accounts, IUnreadListeners unread)
{
    private readonly List<ReplicatedLog> _logs = [];
    private readonly HashSet<EventStream> _streams = [];

    // By the key of its record: who is to be told of a kick, a ban or a mute of this batch, and what.
    private readonly Dictionary<string, ActDue> _dues = [];

    public void Listen(IReplication replication)
    {
        replication.HearRecords(Encoding.ASCII.GetString(ActDue.Prefix), HeardDue);
        replication.HearLogs(_logs.Add);
        replication.HearEnd(End);
    }

    private void HeardDue(RecordChange change)
    {
        if (change.Value is { } value && ActDue.Read(value) is { } due)
        {
            _dues[Encoding.UTF8.GetString(change.Key)] = due;
        }
    }

    private void End()
    {
        Dictionary<(LogName Log, long Seq), StoredEvent> said = [];
        foreach (var log in _logs)
        {
            if (log is { Kind: JournalKind.Append } && log.Log.Sides is { } sides)
            {
                HeardTalk(log, sides, said);
            }
        }

        foreach (var log in _logs)
        {
            Heard(log, said);
        }

        foreach (var stream in _streams)
        {
            stream.Schedule();
        }

        _logs.Clear();
        _streams.Clear();
        _dues.Clear();
    }

    private void Heard(ReplicatedLog log, Dictionary<(LogName Log, long Seq), StoredEvent> said)
    {
        if (StreamOf(log.Log) is not { } stream)
        {
            return;
        }

        if (log.Kind != JournalKind.Append)
        {
            if (log.Kind is JournalKind.Truncate or JournalKind.Drop)
            {
                (stream as NoticeStream)?.HeardCut();
            }

            return;
        }

        if (log.Entries.Count < log.To - log.From + 1)
        {
            // What is not here its worker reads; the index of notices reads anew.
            (stream as NoticeStream)?.HeardCut();
            HeardSomeNotices(stream);
        }

        foreach (var entry in log.Entries)
        {
            stream.Heard(entry);
            if (stream is Room room)
            {
                HeardAct(room, entry);
            }
            else if (stream is NoticeStream notices)
            {
                HeardNotice(notices, entry);
            }
        }

        stream.Add(new HeardStretch(log, said));
        _streams.Add(stream);
    }

    // Found by its name: the log of a room, or one of an account that listens here.
    private EventStream? StreamOf(LogName log)
    {
        if (log.RoomKey is { } key)
        {
            return rooms.FindByKey(key);
        }

        return log.AccountId is not { } account || rooms.FindInbox(account) is not { } inbox ? null
            : log == inbox.Log ? inbox
            : inbox.HasNotices ? inbox.Notices : null;
    }

    private void HeardTalk(ReplicatedLog log, (string One, string Other) sides, Dictionary<(LogName Log, long Seq), StoredEvent> said)
    {
        var (one, other) = (rooms.FindInbox(sides.One), rooms.FindInbox(sides.Other));
        if (one is null && other is null)
        {
            return;
        }

        foreach (var entry in log.Entries)
        {
            said[(log.Log, entry.Seq)] = new StoredEvent(entry, log.Head.Epoch);
            var body = entry.Body.Span;
            one?.SaidBy(EventBody.PublisherOf(body), EventBody.IdOf(body));
            other?.SaidBy(EventBody.PublisherOf(body), EventBody.IdOf(body));
        }
    }

    // The message was heard before, and may have been counted for the clients here without the notice: they are told the count again.
    private void HeardNotice(NoticeStream notices, in LogEntry entry)
    {
        if (NoticeId.TryParse(EventBody.IdOf(entry.Body.Span)) is { IsOfAct: false } id
            && rooms.FindByKey(id.RoomKey) is { } room
            && rooms.FindInbox(notices.Owner.Id) is { } inbox)
        {
            unread.NoticeStored(inbox, room);
        }
    }

    // Which rooms they are about is not known: it may be each of the account's.
    private void HeardSomeNotices(EventStream stream)
    {
        if (stream is NoticeStream notices && rooms.FindInbox(notices.Owner.Id) is { } inbox)
        {
            foreach (var room in rooms.RoomsOf(notices.Owner.Id))
            {
                unread.NoticeStored(inbox, room);
            }
        }
    }

    private void HeardAct(Room room, in LogEntry entry)
    {
        var body = entry.Body.Span;
        var type = EventBody.TypeOf(body);
        // As who did it tells him: on the clients that are connected here.
        if (type is EventType.Kick or EventType.Ban or EventType.Unban or EventType.Mute or EventType.Unmute
            && _dues.TryGetValue(Encoding.UTF8.GetString(ActDue.Key(room.Key, entry.Author, body)), out var due)
            && accounts.Find(entry.Author) is { } by
            && rooms.FindInbox(due.Account) is { } inbox)
        {
            inbox.Enqueue(new InboxNotice(
                room, ModerationAct.NameOf(type), ModerationWords.NoticeOf(room, type, by, due.Until, due.Reason),
                new Restriction(by.Id, entry.At, due.Until, due.Reason)));
        }
    }
}
