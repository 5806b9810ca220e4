using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>Reads records beside the logs out of the store.</summary>
internal static class RecordReads
{
    /// <summary>Those whose keys begin with a prefix, in the order of keys, from behind one of them on; empty: from the first.</summary>
    /// <exception cref="LogDamagedException">They cannot be read.</exception>
    public static List<KeyValuePair<byte[], byte[]>> Read(RocksDb db, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefix.Length, LogRecords.MaxRecordKey, nameof(prefix));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(after.Length, LogRecords.MaxRecordKey, nameof(after));
        if (!after.IsEmpty && !after.StartsWith(prefix))
        {
            throw new ArgumentException("Not a key of that prefix.", nameof(after));
        }

        Span<byte> key = stackalloc byte[LogRecords.MaxStoredRecordKey];
        var wanted = key[..LogRecords.RecordKey(key, prefix)];
        Span<byte> last = stackalloc byte[LogRecords.MaxStoredRecordKey];
        last = last[..LogRecords.RecordKey(last, after.IsEmpty ? prefix : after)];
        List<KeyValuePair<byte[], byte[]>> records = [];

        // Without an end the iterator goes on behind the prefix, over all that was deleted there, until something is there.
        var options = new ReadOptions().SetIterateUpperBound(LogRecords.EndOfPrefix(wanted));
        using var iterator = db.NewIterator(readOptions: options);
        iterator.Seek(last);
        if (!after.IsEmpty && iterator.Valid() && iterator.GetKeySpan().SequenceEqual(last))
        {
            iterator.Next();
        }

        for (; records.Count < limit && iterator.Valid() && iterator.GetKeySpan().StartsWith(wanted); iterator.Next())
        {
            records.Add(new(LogRecords.RecordKeyIn(iterator.GetKeySpan()).ToArray(), iterator.GetValueSpan().ToArray()));
        }

        if (!iterator.Valid())
        {
            RocksStore.ThrowIfFailed(iterator);
        }

        GC.KeepAlive(options);
        return records;
    }
}
