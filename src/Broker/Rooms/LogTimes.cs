using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>Finds events by when they were stored: times never go back within a log.</summary>
internal static class LogTimes
{
    /// <summary>
    /// The seq of the first event that is not older; one beyond the last, if all are.
    /// Reads one event where nothing is older, and else as many as the log's length has digits in base two. For one that cannot be read
    /// the next stands that can.
    /// </summary>
    public static long FirstFrom(this IEventLog log, LogName name, DateTimeOffset at)
    {
        var head = log.Head(name);
        if (head.Head == 0 || NextFrom(log, name, head.First, head.Head) is not { } oldest || oldest.At >= at)
        {
            return head.First;
        }

        var (from, to) = (oldest.Seq + 1, head.Head + 1);
        while (from < to)
        {
            var middle = from + ((to - from) / 2);
            (from, to) = NextFrom(log, name, middle, to - 1) is { } next && next.At < at ? (next.Seq + 1, to) : (from, middle);
        }

        return from;
    }

    // Null: of the stretch none can be read.
    private static LogEntry? NextFrom(IEventLog log, LogName name, long from, long to)
    {
        for (var seq = from; seq <= to; seq++)
        {
            if (log.FindUndamaged(name, seq) is var (entry, _))
            {
                return entry;
            }
        }

        return null;
    }
}
