using System.Text;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>Takes what was replaced and deleted out of the store's files.</summary>
internal static class RocksPurge
{
    // BottommostLevelCompaction::kForceOptimized of RocksDB's options.h.
    private const byte BottommostForced = 3;

    /// <summary>See <see cref="RocksEventLog.Purge"/>.</summary>
    public static void Run(RocksDb db, ReadOnlySpan<byte> records)
    {
        Span<byte> key = stackalloc byte[LogRecords.MaxStoredRecordKey];
        var stored = key[..LogRecords.RecordKey(key, records)];
        var (from, end) = records.IsEmpty ? (null, null) : (stored.ToArray(), LogRecords.EndOfPrefix(stored));
        Run(db, from, end);
    }

    /// <summary>See <see cref="ILogSpace.GiveBackAsync"/>.</summary>
    public static void Run(RocksDb db, LogName log)
    {
        var name = Encoding.ASCII.GetBytes(log.Value);
        Run(db, LogRecords.Prefix(name), LogRecords.End(name));
    }

    // Between two keys of the store, without the second; both null: all of it.
    private static void Run(RocksDb db, byte[]? from, byte[]? end)
    {
        DiskReads.Assert();
        var native = Native.Instance;
        var options = native.rocksdb_compactoptions_create();
        try
        {
            // What is in the write-ahead log comes into tables, and the file goes.
            db.Flush(new FlushOptions().SetWaitForFlush(true));

            // RocksDB would move tables that nothing lies above to the last level as they are.
            native.rocksdb_compactoptions_set_bottommost_level_compaction(options, BottommostForced);
            native.rocksdb_compactoptions_set_exclusive_manual_compaction(options, 0);
            // guard: what was deleted leaves the files
            native.rocksdb_compact_range_opt(db.Handle, options, from, (nuint)(from?.Length ?? 0), end, (nuint)(end?.Length ?? 0));
        }
        catch (RocksDbException error)
        {
            throw new IOException($"The event log could not be written anew: {error.Message.ReplaceLineEndings(" ")}", error);
        }
        finally
        {
            native.rocksdb_compactoptions_destroy(options);
        }
    }
}
