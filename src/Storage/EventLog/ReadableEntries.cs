namespace WebMessenger.Storage.EventLog;

/// <summary>Reads past what is damaged: an entry that cannot be read hides itself alone. The log tells the operator of it.</summary>
internal static class ReadableEntries
{
    /// <summary>One entry, and the epoch of its log. Null: it is not there, or cannot be read now.</summary>
    public static (LogEntry Entry, string Epoch)? FindReadable(this IEventLog log, LogName name, long seq)
    {
        try
        {
            return log.FindUndamaged(name, seq);
        }
        catch (LogDamagedException)
        {
            return null;
        }
    }

    /// <summary>One entry, and the epoch of its log. Null: it is not there, or is never read again.</summary>
    /// <exception cref="IOException">It cannot be read now.</exception>
    public static (LogEntry Entry, string Epoch)? FindUndamaged(this IEventLog log, LogName name, long seq)
    {
        try
        {
            var page = log.ReadAfter(name, seq - 1, 1);
            return page.Entries is [var entry] && entry.Seq == seq ? (entry, page.Head.Epoch) : null;
        }
        catch (LogDamagedException error) when (!error.MayPass)
        {
            return null;
        }
    }

    /// <summary>Those after a seq; where one of them cannot be read, the others of the stretch one by one.</summary>
    /// <param name="most">Entries; and where one cannot be read, seqs.</param>
    /// <param name="leftOut">Why some are not there; null: all are.</param>
    /// <exception cref="IOException">Nothing can be read now.</exception>
    public static IReadOnlyList<LogEntry> ReadReadable(
        this IEventLog log, LogName name, long after, int most, out LogDamagedException? leftOut)
    {
        leftOut = null;
        try
        {
            return log.ReadAfter(name, after, most).Entries;
        }
        catch (LogDamagedException error) when (!error.MayPass)
        {
            leftOut = error;
        }

        List<LogEntry> readable = [];
        for (var seq = after + 1; seq <= after + most; seq++)
        {
            if (log.FindUndamaged(name, seq) is var (entry, _))
            {
                readable.Add(entry);
            }
        }

        return readable;
    }
}
