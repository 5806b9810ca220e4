using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Search;

/// <summary>Finds a place in a log by its time, in as many reads as its length has digits in base two.</summary>
internal static class LogTime
{
    /// <summary>The seq of the first event that is not before this time; null: all that there are were before.</summary>
    public static long? FirstFrom(EventStream stream, DateTimeOffset at)
    {
        var head = stream.LogHead;
        var (from, to) = (Math.Max(1, head.First), head.Head + 1);
        while (from < to)
        {
            var middle = from + ((to - from) / 2);
            if (stream.ReadAfter(middle - 1, 1).Entries is not [var entry])
            {
                // It was dropped meanwhile.
                return null;
            }

            (from, to) = entry.At < at ? (Math.Max(middle, entry.Seq) + 1, to) : (from, middle);
        }

        return from <= head.Head ? from : null;
    }
}
