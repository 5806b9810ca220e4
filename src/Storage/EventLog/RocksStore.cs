using System.Globalization;
using Microsoft.Extensions.Logging;
using RocksDbSharp;

namespace WebMessenger.Storage.EventLog;

/// <summary>Opens the store, with its bounds, and mends it where a damage can be left out.</summary>
/// <remarks>
/// RocksDB 11.12 by default opens a damaged write-ahead log without a word and without what follows the damage,
/// and its stricter mode does not see every damage either. So the log is checked here first (<see cref="WalCheck"/>).
/// A torn tail is let go: it was never acknowledged. Anything else is named, kept aside, cut off, and answered with new epochs.
/// </remarks>
internal sealed class RocksStore : IDisposable
{
    /// <summary>
    /// As long as this file is there, epochs are to be renewed before anything is written:
    /// after a damage, also when the program died in between.
    /// </summary>
    public const string RenewEpochsMark = "RENEW-EPOCHS";

    private const string LockFile = "IN-USE";

    private readonly FileStream _lock;

    private RocksStore(RocksDb db, FileStream folderLock) => (Db, _lock) = (db, folderLock);

    /// <summary>It is as version 0.1 left it, and is not written to before <see cref="Migrate"/>.</summary>
    public bool IsOfOlderFormat => !IsFormat(Db, LogRecords.Format);

    public RocksDb Db { get; }

    public static RocksStore Open(string folder, RocksEventLogOptions options, TimeProvider time, ILogger logger)
    {
        // RocksDB locks the folder too, but only after the files were checked, and perhaps cut, here.
        // The system lets go of it when the process ends, however it ends.
        var folderLock = Lock(folder);
        try
        {
            return new(OpenLocked(folder, options, time, logger), folderLock);
        }
        catch
        {
            folderLock.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Db.Dispose();
        _lock.Dispose();
    }

    /// <summary>Makes a store of an older format one of this format, in one step. Events stay as they are; the journal begins.</summary>
    /// <exception cref="IOException">It cannot write: all is as it was.</exception>
    public void Migrate()
    {
        try
        {
            BeginFormat(Db);
        }
        catch (RocksDbException error)
        {
            throw new IOException($"The event log could not be brought to the format of this version: {FirstLine(error.Message)}", error);
        }
    }

    /// <summary>Null: it is not there, as in a store of an older format.</summary>
    public static JournalStart? ReadJournalStart(RocksDb db) => Get(db, LogRecords.JournalStartKey) is { } start ? LogRecords.ReadJournalStart(start) : null;

    private static void BeginFormat(RocksDb db)
    {
        using WriteBatch batch = new();
        batch.Put(LogRecords.FormatKey, [LogRecords.Format]);
        batch.Put(LogRecords.JournalStartKey, LogRecords.JournalStart(new(LogState.NewEpoch(), 0)));
        db.Write(batch, new WriteOptions().SetSync(true));
    }

    private static bool IsFormat(RocksDb db, byte format) => Get(db, LogRecords.FormatKey) is { } found && found.AsSpan().SequenceEqual([format]);

    /// <summary>The files that make up the store in a folder: all but locks and RocksDB's own diary.</summary>
    public static IEnumerable<string> FilesIn(string folder) => Directory.EnumerateFiles(folder).Where(path =>
        Path.GetFileName(path) is var name && name is not ("LOCK" or LockFile) && !name.StartsWith("LOG", StringComparison.Ordinal));

    /// <summary>See <see cref="RocksEventLog.SaveCopy"/>.</summary>
    public void SaveCopy(string folder) => SaveCopy(Db, folder);

    public static void SaveCopy(RocksDb db, string folder)
    {
        try
        {
            using var checkpoint = db.Checkpoint();
            checkpoint.Save(folder);
        }
        catch (RocksDbException error)
        {
            throw new IOException($"The event log could not be copied: {FirstLine(error.Message)}", error);
        }
    }

    public static void Verify(RocksDb db)
    {
        try
        {
            Native.Instance.rocksdb_verify_checksum(db.Handle);
        }
        catch (RocksDbException error)
        {
            throw new LogDamagedException($"The event log is damaged: {FirstLine(error.Message)}", error);
        }
    }

    /// <summary>Has all logs get another epoch when the store in the folder is next opened.</summary>
    public static void RenewEpochsAtNextOpening(string folder) => PutMark(Path.Combine(folder, RenewEpochsMark));

    private static FileStream Lock(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new(Path.Combine(folder, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error) when (File.Exists(Path.Combine(folder, LockFile)))
        {
            throw new IOException($"The event log in {folder} is in use by another process.", error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new IOException($"The event log in {folder} cannot be opened: no right to write there.", error);
        }
    }

    private static RocksDb OpenLocked(string folder, RocksEventLogOptions options, TimeProvider time, ILogger logger)
    {
        var mark = Path.Combine(folder, RenewEpochsMark);
        if ((/* guard: sums of the log of events */ WalCheck.FindDamage(folder)) is { } damage)
        {
            PutMark(mark);
            var what = string.Create(CultureInfo.InvariantCulture, $"the record at byte {damage.At} is not what was written");
            LogMessages.Damaged(logger, damage.File, what, KeepAside(folder, time));
            WalCheck.Cut(damage);
        }

        RocksDb? db = null;
        try
        {
            try
            {
                db = OpenWith(folder, options, Recovery.TolerateCorruptedTailRecords);
            }
            catch (RocksDbException error)
            {
                PutMark(mark);
                LogMessages.Damaged(logger, folder, FirstLine(error.Message), KeepAside(folder, time));
                db = OpenWith(folder, options, Recovery.PointInTime);
            }

            CheckFormat(db, folder);
            if (File.Exists(mark))
            {
                // guard: a damage renews the epochs
                RenewEpochs(db);
                File.Delete(mark);
            }

            return db;
        }
        catch (RocksDbException error)
        {
            db?.Dispose();
            throw new LogDamagedException($"The event log in {folder} is damaged and cannot be opened: restore it from a backup ({FirstLine(error.Message)}).", error);
        }
        catch
        {
            db?.Dispose();
            throw;
        }
    }

    public static HeadRecord? ReadHead(RocksDb db, ReadOnlySpan<byte> prefix)
    {
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        return Get(db, key[..LogRecords.HeadKey(key, prefix)]) is { } stored ? LogRecords.ReadHead(stored) : null;
    }

    /// <exception cref="LogDamagedException">It cannot be read.</exception>
    public static byte[]? Get(RocksDb db, ReadOnlySpan<byte> key)
    {
        DiskReads.Assert();
        try
        {
            return db.Get(key);
        }
        catch (RocksDbException error)
        {
            throw LogDamagedException.Of(FirstLine(error.Message), error);
        }
    }

    /// <summary>The value of a record beside the logs.</summary>
    /// <exception cref="LogDamagedException">It cannot be read.</exception>
    public static byte[]? FindRecord(RocksDb db, ReadOnlySpan<byte> key)
    {
        Span<byte> stored = stackalloc byte[LogRecords.MaxStoredRecordKey];
        return Get(db, stored[..LogRecords.RecordKey(stored, key)]);
    }

    /// <summary>Puts the iterator on a key. False: the key is not there.</summary>
    /// <param name="isNext">It is the one after where the iterator stands, if it is there at all.</param>
    /// <exception cref="LogDamagedException">What is stored there cannot be read.</exception>
    public static bool TryMoveTo(Iterator iterator, ReadOnlySpan<byte> key, bool isNext)
    {
        if (isNext)
        {
            iterator.Next();
        }
        else
        {
            iterator.Seek(key);
        }

        if (iterator.Valid() && iterator.GetKeySpan().SequenceEqual(key))
        {
            return true;
        }

        ThrowIfFailed(iterator);
        return false;
    }

    /// <summary>An iterator that is not valid is either at the end or could not read on; only this tells which.</summary>
    public static void ThrowIfFailed(Iterator iterator)
    {
        try
        {
            Native.Instance.rocksdb_iter_get_error(iterator.Handle);
        }
        catch (RocksDbException error)
        {
            throw LogDamagedException.Of(FirstLine(error.Message), error);
        }
    }

    /// <summary>
    /// Throws <see cref="RocksDbException"/> for a damage alone, and <see cref="IOException"/> for all else that is in the way.
    /// </summary>
    private static RocksDb OpenWith(string folder, RocksEventLogOptions options, Recovery recovery)
    {
        var table = new BlockBasedTableOptions()
            .SetBlockCache(Cache.CreateLru((ulong)options.BlockCacheBytes))
            .SetCacheIndexAndFilterBlocks(true)
            .SetPinL0FilterAndIndexBlocksInCache(true)
            // Nearly every id that is looked for is new: the filter says so without reading a block.
            .SetFilterPolicy(BloomFilterPolicy.Create(10, false))
            // The index and the filter of a big file are megabytes, which the cache would not hold: every new id would read them whole.
            // In parts, those of the logs in use are what is read and kept.
            .SetIndexType(BlockBasedTableIndexType.TwoLevelIndex)
            .SetFormatVersion(5);
        Native.Instance.rocksdb_block_based_options_set_partition_filters(table.Handle, 1);
        var settings = new DbOptions()
            .SetCreateIfMissing(true)
            .SetParanoidChecks(true)
            .SetWalRecoveryMode(recovery)
            .SetBlockBasedTableFactory(table)
            .SetCompression(Compression.Lz4)
            .SetWriteBufferSize((ulong)options.MemtableBytes)
            .SetMaxWriteBufferNumber(3)
            // The same for the ids in memory (with whole_key_filtering below): an eighth less CPU per append, as measured.
            .SetMemtablePrefixBloomSizeRatio(0.05)
            .SetMaxTotalWalSize((ulong)options.WalBytes)
            .SetMaxOpenFiles(options.OpenFiles)
            .SetMaxLogFileSize(1 << 20)
            .SetKeepLogFileNum(2)
            .SetInfoLogLevel(InfoLogLevel.Warn)
            .SetStatsDumpPeriodSec(0);
        Native.Instance.rocksdb_options_set_max_background_jobs(settings.Handle, 2);
        Native.Instance.rocksdb_options_set_memtable_whole_key_filtering(settings.Handle, 1);
        try
        {
            return RocksDb.Open(settings, folder);
        }
        catch (RocksDbException error) when (error.Message.Contains("LOCK", StringComparison.Ordinal))
        {
            throw new IOException($"The event log in {folder} is in use by another process.", error);
        }
        catch (RocksDbException error) when (!error.Message.StartsWith("Corruption", StringComparison.Ordinal))
        {
            throw new IOException($"The event log in {folder} cannot be opened: {FirstLine(error.Message)}", error);
        }
        finally
        {
            // Their finalizers free what the native side is using.
            GC.KeepAlive(settings);
            GC.KeepAlive(table);
        }
    }

    private static void CheckFormat(RocksDb db, string folder)
    {
        if (db.Get(LogRecords.FormatKey) is null)
        {
            // It was just made.
            BeginFormat(db);
        }
        else if (!IsFormat(db, LogRecords.Format) && !IsFormat(db, LogRecords.FormatBeforeJournal))
        {
            throw new IOException($"The event log in {folder} was written by a newer version of this program.");
        }
    }

    private static void PutMark(string mark)
    {
        using FileStream file = new(mark, FileMode.Create);
        file.Flush(flushToDisk: true);
        FolderSync.Run(Path.GetDirectoryName(mark)!);
    }

    /// <summary>Copies all that recovery may rewrite. Tables are never rewritten in place and may be large: they are left out.</summary>
    private static string KeepAside(string folder, TimeProvider time)
    {
        var aside = Path.TrimEndingDirectorySeparator(folder) + ".damaged-";
        var files = Directory.EnumerateFiles(folder).Where(IsRewritten).ToList();

        // What starts the program again and again would fill the disk with copies of a store that does not open.
        var last = Directory.EnumerateDirectories(Path.GetDirectoryName(aside)!, Path.GetFileName(aside) + "*").Max(StringComparer.Ordinal);
        if (last is not null && /* guard: a damage is kept aside once */ files.TrueForAll(file => IsCopyOf(Path.Combine(last, Path.GetFileName(file)), file)))
        {
            return last;
        }

        var stamp = time.GetUtcNow().ToString("yyyyMMdd'T'HHmmssfff", CultureInfo.InvariantCulture);
        var copy = Directory.CreateDirectory(aside + stamp).FullName;
        files.ForEach(file => File.Copy(file, Path.Combine(copy, Path.GetFileName(file)), overwrite: true));
        return copy;

        // RocksDB's own diary grows with each try.
        static bool IsRewritten(string file) => Path.GetFileName(file) is var name
            && !name.EndsWith(".sst", StringComparison.Ordinal)
            && !name.StartsWith("LOG", StringComparison.Ordinal)
            && name is not ("LOCK" or LockFile or RenewEpochsMark);
    }

    private static bool IsCopyOf(string copy, string file) =>
        File.Exists(copy) && new FileInfo(copy).Length == new FileInfo(file).Length && File.ReadAllBytes(copy).AsSpan().SequenceEqual(File.ReadAllBytes(file));

    /// <summary>Gives every log another epoch: clients read anew, and no seq counts twice in one epoch.</summary>
    private static void RenewEpochs(RocksDb db)
    {
        using WriteBatch batch = new();
        var synced = new WriteOptions().SetSync(true);
        using var iterator = db.NewIterator();
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        Span<byte> value = stackalloc byte[LogRecords.MaxHeadRecord];
        for (iterator.Seek(LogRecords.FirstLogKey); iterator.Valid();)
        {
            var name = LogRecords.NameIn(iterator.GetKeySpan()).ToArray();
            var prefix = LogRecords.Prefix(name);
            if (ReadHead(db, prefix) is { } head)
            {
                var renewed = head with { Epoch = LogState.NewEpoch(not: head.Epoch) };
                batch.Put(key[..LogRecords.HeadKey(key, prefix)], value[..LogRecords.Head(value, renewed)]);
                if (batch.Count() >= 1_000)
                {
                    db.Write(batch, synced);
                    batch.Clear();
                }
            }

            iterator.Seek(LogRecords.End(name));
        }

        ThrowIfFailed(iterator);
        if (ReadJournalStart(db) is { } start)
        {
            // Its newest numbers may be given again, too.
            batch.Put(LogRecords.JournalStartKey, LogRecords.JournalStart(start with { Epoch = LogState.NewEpoch(not: start.Epoch) }));
        }

        db.Write(batch, synced);
    }

    private static string FirstLine(string message) => message.Split('\n', 2)[0];
}
