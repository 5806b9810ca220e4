using System.Globalization;
using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Notices;

// What moderators did to somebody.
internal sealed partial class NoticeFollower
{
    // Acts that are due are few, and each is known by its record: they are looked for as far back as there are some left.
    private async Task TellOfActsAsync(LogName name, string roomKey, CancellationToken cancellation)
    {
        // Before the log: the event of each is in it.
        var due = records.ReadAll(ActDue.PrefixOf(roomKey)).Select(one => Encoding.UTF8.GetString(one.Key)).ToHashSet();
        if (due.Count == 0 || rooms.FindByKey(roomKey) is not { } room)
        {
            return;
        }

        List<LogEntry> acts = [];
        for (var before = long.MaxValue; due.Count > 0;)
        {
            cancellation.ThrowIfCancellationRequested();
            var page = logs.ReadBefore(name, before, ReadAtOnce).Entries;
            if (page.Count == 0)
            {
                break;
            }

            acts.AddRange(page.Where(entry => EventBody.TypeOf(entry.Body.Span) is >= EventType.Kick and <= EventType.Unmute
                && due.Remove(Encoding.UTF8.GetString(ActDue.Key(roomKey, entry.Author, entry.Body.Span)))));
            before = page[0].Seq;
        }

        foreach (var act in acts.OrderBy(act => act.Seq))
        {
            await TellOfActAsync(room, act);
        }

        // Their events were truncated.
        await records.WriteInPartsAsync(due.Select(key => new RecordChange(Encoding.UTF8.GetBytes(key), null)));
    }

    // What was done to somebody, who need not hear the room any more. What is to be told stands beside the event.
    private async Task TellOfActAsync(Room room, LogEntry act)
    {
        var key = ActDue.Key(room.Key, act.Author, act.Body.Span);
        if (records.Find(key) is not { } value)
        {
            return;
        }

        if (ActDue.Read(value) is { } due && accounts.Find(due.Account) is { IsErased: false, Ban: null } account)
        {
            var type = EventBody.TypeOf(act.Body.Span);
            var inbox = rooms.InboxOf(account);
            try
            {
                await TellAsync(inbox, act, IdOf(room, act, type), id =>
                    EventBody.Notice(type, id, act.Body.Span, act.Seq, due.WriteFields));
            }
            catch (LogDamagedException error) when (!error.MayPass)
            {
                TellLeftOut(inbox.Notices.Log, error);
            }
        }

        await records.WriteAsync([new RecordChange(key, null)]);
    }

    // No record has it. Its removal is what nodes hear.
    private const string GonePrefix = "unnotice/";

    private readonly List<RecordChange> _gone = [];

    /// <summary>Hears which messages were deleted, when another node follows. Before anything is heard.</summary>
    public void Connect()
    {
        replication.HearRecords(GonePrefix, change =>
        {
            var name = Encoding.ASCII.GetString(change.Key.AsSpan(GonePrefix.Length));
            var slash = name.LastIndexOf('/');
            if (rooms.FindByKey(name[..slash]) is { } room)
            {
                Gone(room, new NoticedMessage(room.Key, long.Parse(name.AsSpan(slash + 1), CultureInfo.InvariantCulture)));
            }
        });
    }

    private void NoteGone(NoticedMessage message)
    {
        if (!replication.IsAlone)
        {
            _gone.Add(new RecordChange(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{GonePrefix}{message.RoomKey}/{message.Of}")), null));
        }
    }

    private RecordChange[] TakeGone()
    {
        RecordChange[] gone = [.. _gone];
        _gone.Clear();
        return gone;
    }
}
