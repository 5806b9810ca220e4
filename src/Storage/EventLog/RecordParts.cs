namespace WebMessenger.Storage.EventLog;

/// <summary>Changes of records that need not be one write.</summary>
public static class RecordParts
{
    /// <summary>So many are one write at most: whoever says something meanwhile waits for one part, and not for all (fault R11).</summary>
    public const int WriteAtOnce = 1_000;

    /// <summary>
    /// Hands over all parts before it returns, in this order. A crash may leave some of them written.
    /// Completes when all are on disk; fails with <see cref="IOException"/> when one could not be written.
    /// </summary>
    public static Task WriteInPartsAsync(this IRecords records, IEnumerable<RecordChange> changes)
    {
        ArgumentNullException.ThrowIfNull(records);
        return Task.WhenAll(changes.Chunk(WriteAtOnce).Select(some => records.WriteAsync(some)));
    }
}
