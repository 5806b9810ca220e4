using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>Finds events by when they were stored: times never go back within a log.</summary>
internal static class LogTimes
{
    /// <summary>
    /// The seq of the first event that is not older; one beyond the last, if all are.
    /// Reads one event where nothing is older, and else as many as the log's length has digits in base two.
    /// </summary>
    public static long FirstFrom(this IEventLog log, LogName name, DateTimeOffset at)
    {
        var head = log.Head(name);
        if (head.Head == 0 || AtOf(log, name, head.First) is not { } oldest || oldest >= at)
        {
            return head.First;
        }

        var (from, to) = (head.First + 1, head.Head + 1);
        while (from < to)
        {
            var middle = from + ((to - from) / 2);
            (from, to) = AtOf(log, name, middle) < at ? (middle + 1, to) : (from, middle);
        }

        return from;
    }

    private static DateTimeOffset? AtOf(IEventLog log, LogName name, long seq) =>
        log.ReadAfter(name, seq - 1, 1).Entries is [var entry] && entry.Seq == seq ? entry.At : null;
}
