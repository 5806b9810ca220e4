using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>In which hour something happened last in a room: no finer, for strangers see it.</summary>
/// <remarks>Thread-safe. After a start it is read from the room's log, by who asks first.</remarks>
internal sealed class RoomActivity(LogName name, IEventLog log, TimeProvider time)
{
    private const long NotRead = -1;

    private long _hour = NotRead;

    /// <summary>Hours since 1970, UTC; 0: nothing ever happened there, or its log cannot be read. May read the disk.</summary>
    public long Hour
    {
        get
        {
            var hour = Volatile.Read(ref _hour);
            if (hour != NotRead)
            {
                return hour;
            }

            var read = Read();
            var other = Interlocked.CompareExchange(ref _hour, read, NotRead);
            return other == NotRead ? read : other;
        }
    }

    /// <summary>Something has happened there. On the log thread, too: does not block.</summary>
    public void Now() => Volatile.Write(ref _hour, HourOf(time.GetUtcNow()));

    /// <summary>When that hour began.</summary>
    public static DateTimeOffset TimeOf(long hour) => DateTimeOffset.UnixEpoch.AddHours(hour);

    private long Read()
    {
        try
        {
            return log.ReadBefore(name, long.MaxValue, 1).Entries is [.., var last] ? HourOf(last.At) : 0;
        }
        catch (IOException)
        {
            // The log tells the operator, and the room is listed all the same.
            return 0;
        }
    }

    private static long HourOf(DateTimeOffset at) => at.ToUnixTimeSeconds() / 3600;
}
