using System.Globalization;
using System.Text;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Notices;

/// <content>Several nodes: one of them follows, and all have indexes of notices in memory.</content>
internal sealed partial class NoticeFollower
{
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
