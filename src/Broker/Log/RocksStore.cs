using System.Globalization;
using RocksDbSharp;

namespace WebMessenger.Broker.Log;

/// <summary>Opens the store, with its bounds, and mends it where a damage can be left out.</summary>
/// <remarks>
/// RocksDB 11.12 by default opens a damaged write-ahead log without a word and without what follows the damage, and even in its stricter mode takes a damaged
/// length near the end for a torn tail. So the files are checked here first (<see cref="WalCheck"/>), a torn tail is let go (it was never acknowledged), and a
/// damage is named, kept aside and answered with new epochs.
/// </remarks>
internal static class RocksStore
{
    /// <summary>As long as this file is there, epochs are to be renewed before anything is written: after a damage, also when the program died in between.</summary>
    public const string RenewEpochsMark = "RENEW-EPOCHS";

    public static RocksDb Open(string folder, RocksRoomLogOptions options, TimeProvider time, ILogger logger)
    {
        Directory.CreateDirectory(folder);
        var mark = Path.Combine(folder, RenewEpochsMark);
        var damage = WalCheck.FindDamage(folder);
        RocksDb? db = null;
        if (damage is null)
        {
            try
            {
                db = OpenWith(folder, options, Recovery.TolerateCorruptedTailRecords);
            }
            catch (RocksDbException error) when (error.Message.StartsWith("Corruption", StringComparison.Ordinal))
            {
                damage = new(folder, FirstLine(error.Message));
            }
        }

        if (damage is not null)
        {
            PutMark(mark);
            var copy = KeepAside(folder, time);
            LogMessages.Damaged(logger, damage.File, damage.What, copy);
            try
            {
                db = OpenWith(folder, options, Recovery.PointInTime);
            }
            catch (RocksDbException error) when (error.Message.StartsWith("Corruption", StringComparison.Ordinal))
            {
                throw new LogDamagedException($"The event log in {folder} is damaged and cannot be opened ({FirstLine(error.Message)}): restore it from a backup.", error);
            }
        }

        try
        {
            CheckFormat(db!, folder);
            if (File.Exists(mark))
            {
                RenewEpochs(db!);
                File.Delete(mark);
            }
        }
        catch
        {
            db!.Dispose();
            throw;
        }

        return db!;
    }

    public static HeadRecord? ReadHead(RocksDb db, ReadOnlySpan<byte> prefix)
    {
        Span<byte> key = stackalloc byte[LogRecords.MaxKey];
        return db.Get(key[..LogRecords.HeadKey(key, prefix)]) is { } stored ? LogRecords.ReadHead(stored) : null;
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
            throw new LogDamagedException($"The event log cannot be read: {FirstLine(error.Message)}", error);
        }
    }

    private static RocksDb OpenWith(string folder, RocksRoomLogOptions options, Recovery recovery)
    {
        var table = new BlockBasedTableOptions()
            .SetBlockCache(Cache.CreateLru((ulong)options.BlockCacheBytes))
            .SetCacheIndexAndFilterBlocks(true)
            .SetPinL0FilterAndIndexBlocksInCache(true)
            // Nearly every id that is looked for is new: the filter says so without reading a block.
            .SetFilterPolicy(BloomFilterPolicy.Create(10, false))
            .SetFormatVersion(5);
        var settings = new DbOptions()
            .SetCreateIfMissing(true)
            .SetParanoidChecks(true)
            .SetWalRecoveryMode(recovery)
            .SetBlockBasedTableFactory(table)
            .SetCompression(Compression.Lz4)
            .SetWriteBufferSize((ulong)options.MemtableBytes)
            .SetMaxWriteBufferNumber(3)
            .SetMaxTotalWalSize((ulong)options.WalBytes)
            .SetMaxOpenFiles(options.OpenFiles)
            .SetMaxLogFileSize(1 << 20)
            .SetKeepLogFileNum(2)
            .SetInfoLogLevel(InfoLogLevel.Warn)
            .SetStatsDumpPeriodSec(0);
        Native.Instance.rocksdb_options_set_max_background_jobs(settings.Handle, 2);
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
        if (db.Get(LogRecords.FormatKey) is { } found)
        {
            if (!found.AsSpan().SequenceEqual([LogRecords.Format]))
            {
                throw new IOException($"The event log in {folder} was written by a newer version of this program.");
            }

            return;
        }

        db.Put(LogRecords.FormatKey, [LogRecords.Format], writeOptions: new WriteOptions().SetSync(true));
    }

    private static void PutMark(string mark)
    {
        using FileStream file = new(mark, FileMode.Create);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Copies all that recovery may rewrite. Tables are never rewritten in place and may be large: they are left out.</summary>
    private static string KeepAside(string folder, TimeProvider time)
    {
        var stamp = time.GetUtcNow().ToString("yyyyMMdd'T'HHmmssfff", CultureInfo.InvariantCulture);
        var copy = Directory.CreateDirectory($"{Path.TrimEndingDirectorySeparator(folder)}.damaged-{stamp}").FullName;
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            var name = Path.GetFileName(file);
            if (!name.EndsWith(".sst", StringComparison.Ordinal) && name is not ("LOCK" or RenewEpochsMark))
            {
                File.Copy(file, Path.Combine(copy, name), overwrite: true);
            }
        }

        return copy;
    }

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
        db.Write(batch, synced);
    }

    private static string FirstLine(string message) => message.Split('\n', 2)[0];
}
