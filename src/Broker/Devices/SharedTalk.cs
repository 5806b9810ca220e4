using System.Buffers;
using System.Text;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// Groups that share the talk of a room (`$share/{name}/rooms/{room}`): each event of its log goes to one of the members.
/// </summary>
/// <remarks>
/// Their cursors are seqs of the room's event log, which is for ever: nothing is stored for them but where they are. Thread-safe;
/// under <c>_gate</c> only those of cursors are taken.
/// </remarks>
internal sealed class SharedTalk : IGroupRoom, IGroupLog
{
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly HashSet<DataGroupCursor> _cursors = [];
    private long _stored;

    public SharedTalk(Room room, DataLogs logs, BrokerLimits limits)
    {
        Room = room;
        Topic = "rooms/" + room.Id.Value;
        Groups = new DataGroups(this, logs, limits);
    }

    public DataGroups Groups { get; }

    public Room Room { get; }

    private string Topic { get; }

    byte[] IGroupRoom.Prefix => [];

    IGroupLog IGroupRoom.Log => this;

    long IGroupLog.Stored => Volatile.Read(ref _stored);

    /// <summary>Before the keys of where all groups are: `durable/t/{account}/{room key}/{epoch of its log}/{share}`.</summary>
    public static byte[] RecordsPrefix { get; } = "durable/t/"u8.ToArray();

    /// <summary>The same of an account.</summary>
    public static byte[] RecordsOf(string account) => Encoding.UTF8.GetBytes($"durable/t/{account}/");

    /// <summary>Null: this program did not write it.</summary>
    public static (DataGroupName Name, string RoomKey, string Epoch)? ReadKey(byte[] key) =>
        Encoding.UTF8.GetString(key.AsSpan(RecordsPrefix.Length)).Split('/', 4) is [var account, var roomKey, var epoch, var share]
            ? (new DataGroupName(account, null, share), roomKey, epoch)
            : null;

    /// <summary>Whether what people say in the room is delivered to the login session.</summary>
    public static bool MayHear(Room room, LoginSession session) =>
        RoomPolicy.MayHear(room, session.Account) && session.Scope.Allows(room.Id.Value, Verbs.Read);

    bool IGroupRoom.MayRead(LoginSession session) => MayHear(Room, session);

    byte[] IGroupRoom.KeyOf(DataGroupName name, string filter) =>
        Encoding.UTF8.GetBytes($"durable/t/{name.Account}/{Room.Key}/{Room.LogHead.Epoch}/{name.Share}");

    void IGroupRoom.Subscribe(DataGroup group)
    {
        // All events of the room are for it: the log says that there are some.
    }

    void IGroupRoom.Unsubscribe(DataGroup group)
    {
        // As above.
    }

    void IGroupLog.Add(DataGroupCursor cursor)
    {
        lock (_gate)
        {
            if (_cursors.Count == 0)
            {
                Room.HasGrown += Grew;
            }

            _cursors.Add(cursor);
            _stored = Math.Max(_stored, Room.LogHead.Head);
            cursor.Opened(_stored);
        }
    }

    void IGroupLog.Remove(DataGroupCursor cursor)
    {
        lock (_gate)
        {
            if (_cursors.Remove(cursor) && _cursors.Count == 0)
            {
                Room.HasGrown -= Grew;
            }
        }
    }

    void IGroupLog.TellWhenStored(DataGroupCursor cursor)
    {
        // What has a seq in an event log is on disk.
    }

    IReadOnlyList<(long Seq, DataMessage? Message)> IGroupLog.Read(long after, out long end, int most)
    {
        var stored = Volatile.Read(ref _stored);
        var page = Room.ReadAfter(after, most);
        List<(long Seq, DataMessage? Message)> entries = new(page.Entries.Count);
        foreach (var entry in page.Entries)
        {
            if (entry.Seq <= stored)
            {
                entries.Add((entry.Seq, MessageOf(entry, page.Head.Epoch)));
            }
        }

        end = entries.Count > 0 ? entries[^1].Seq : stored;
        return entries;
    }

    DataMessage? IGroupLog.Find(long seq)
    {
        var page = Room.ReadAfter(seq - 1, 1);
        return page.Entries is [var entry] && entry.Seq == seq ? MessageOf(entry, page.Head.Epoch) : null;
    }

    // As it goes out to everybody else.
    private DataMessage MessageOf(in LogEntry entry, string epoch)
    {
        ArrayBufferWriter<byte> json = new(entry.Body.Length + 160);
        Room.WriteJson(json, entry, epoch, Room.MoreOf(entry).Span);
        return new DataMessage
        {
            Topic = Topic,
            Payload = json.WrittenMemory,
            QualityOfService = 1,
            ExpiresAt = EventBody.ExpiryOf(entry.Body.Span),
            At = entry.At,
        };
    }

    // On the room's worker, or on the log thread.
    private void Grew()
    {
        DataGroupCursor[] cursors;
        long stored;
        lock (_gate)
        {
            _stored = stored = Math.Max(_stored, Room.LogHead.Head);
            cursors = [.. _cursors];
        }

        foreach (var cursor in cursors)
        {
            cursor.Grew(stored);
            cursor.Stored();
        }
    }
}
