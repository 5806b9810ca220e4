using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// In which rooms somebody was named or answered of whom nobody has been told: one record for a room, in the batch of the message. So who
/// tells reads these rooms alone, also after a crash, and of a message that names nobody nothing.
/// </summary>
/// <remarks>Key `nd/{log}`, value the id of the newest such event.</remarks>
internal static class NoticesDue
{
    public static ReadOnlySpan<byte> Prefix => "nd/"u8;

    public static byte[] Key(LogName log) => Encoding.ASCII.GetBytes("nd/" + log.Value);

    /// <param name="body">Of the event that names or answers somebody.</param>
    public static RecordChange Of(LogName log, ReadOnlySpan<byte> body) => new(Key(log), EventBody.IdOf(body).ToArray());
}
