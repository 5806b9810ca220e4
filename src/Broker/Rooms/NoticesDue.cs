using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// In which rooms somebody was named or answered, or had something done to him (<see cref="ActDue"/>), of which he has not been told: one
/// record for a room, in the batch of the event. So who tells reads these rooms alone, also after a crash, and of a message that names
/// nobody nothing.
/// </summary>
/// <remarks>
/// Key `nd/{log}`, value the newest such event: its id, 0, and the user name of its author then, for others may have given the same id.
/// </remarks>
internal static class NoticesDue
{
    public static ReadOnlySpan<byte> Prefix => "nd/"u8;

    public static byte[] Key(LogName log) => Encoding.ASCII.GetBytes("nd/" + log.Value);

    /// <param name="body">Of the event of which somebody is to be told.</param>
    public static RecordChange Of(LogName log, ReadOnlySpan<byte> body) => new(Key(log), NameOf(body));

    /// <summary>Whether a record names this event.</summary>
    public static bool Names(ReadOnlySpan<byte> value, ReadOnlySpan<byte> body)
    {
        // Of nearly all events the id alone says that it is another.
        var id = EventBody.IdOf(body);
        return value.Length > id.Length && value[id.Length] == 0 && value.StartsWith(id) && value.SequenceEqual(NameOf(body));
    }

    private static byte[] NameOf(ReadOnlySpan<byte> body) =>
        [.. EventBody.IdOf(body), 0, .. Encoding.UTF8.GetBytes(EventBody.AuthorOf(body).User)];
}
