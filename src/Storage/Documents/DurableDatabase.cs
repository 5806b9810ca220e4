using LiteDB;
using LiteDB.Engine;

namespace WebMessenger.Storage.Documents;

/// <summary>
/// One opening of LiteDB over the store's two files, and what makes it durable: the fence and the checkpoint. Owned by one thread.
/// </summary>
/// <remarks>
/// A commit is in the log; <see cref="Fence"/> puts the log on the disk; <see cref="Checkpoint"/> copies it into the data file, syncs that,
/// then empties the log (WalIndexService.CheckpointInternal of 5.0.20). A cut in between leaves the log, and it is copied again:
/// each page whole, so again is the same as once.
/// </remarks>
internal sealed class DurableDatabase : IDisposable
{
    private readonly LiteEngine _engine;
    private readonly GuardedEngine _guard;
    private readonly LiteDatabase _database;
    private readonly DataStream _data;
    private readonly CheckedLogStream _log;

    private DurableDatabase(LiteEngine engine, DataStream data, CheckedLogStream log)
    {
        _engine = engine;
        _guard = new GuardedEngine(engine);
        _database = new LiteDatabase(_guard, new BsonMapper { TrimWhitespace = false, EmptyStringToNull = false });
        _data = data;
        _log = log;
    }

    /// <summary>True from a rollback or a failed checkpoint until the next good one. LiteDB is then to be read only.</summary>
    public bool NeedsCheckpoint { get; private set; }

    /// <summary>Why the checkpoint on opening failed, if it did.</summary>
    public IOException? Obstacle { get; private set; }

    public long LogLength => _log.Length;

    public long Discarded => _log.Discarded;

    /// <summary>
    /// Throws <see cref="StoreUnavailableException"/> and nothing else. Without disk space it opens, and needs a checkpoint.
    /// </summary>
    public static DurableDatabase Open(StoreFiles files)
    {
        try
        {
            var log = CheckedLogStream.Open(files.Log, files.LogPath);
            DataStream data = new(files.Data, files.Path);
            PutHeader(files, data, log);
            var database = Open(data, log);
            database.TryCheckpoint();
            return database;
        }
        catch (Exception error) when (error is not StoreUnavailableException)
        {
            throw StoreUnavailableException.From(files.Path, error);
        }
    }

    public void Read(Action<ILiteDatabase> read) => _guard.Read(() => read(_database));

    public void Write(Action<ILiteDatabase> write)
    {
        try
        {
            _guard.Transact(() => write(_database));
        }
        catch
        {
            // LiteDB gives the pages back in a transaction of its own, and keeps what it read;
            // a checkpoint empties its cache, and fails if something is still held.
            NeedsCheckpoint = true;
            throw;
        }
    }

    /// <summary>A transaction of its own: LiteDB drops nothing in another.</summary>
    public void Drop(string collection) => _engine.DropCollection(collection);

    public bool IsClosed() => _guard.IsClosed();

    /// <summary>Returns when all that was committed before is on the disk.</summary>
    public void Fence()
    {
        // The length that the log will have when LiteDB's writer is done: LiteDB says it nowhere else.
        using var reader = _engine.Query("$database", new Query());
        reader.Read();
        _log.SyncThrough(reader.Current["logFileSize"].AsInt64);
    }

    /// <summary>To be called after a <see cref="Fence"/>: makes room in the log, see <see cref="CheckedLogStream.Reserve"/>.</summary>
    public void Reserve(long room) => _log.Reserve(room);

    public void Checkpoint()
    {
        NeedsCheckpoint = true;
        // The log first: a data file half written from a log that is not on the disk cannot be repaired.
        // A LiteDB whose writer died would also never return from a checkpoint.
        Fence();
        _engine.Checkpoint();
        NeedsCheckpoint = false;
    }

    /// <summary>To be called after a <see cref="Checkpoint"/>.</summary>
    public void Dispose() => _engine.Dispose();

    /// <summary>
    /// Leaves LiteDB to the garbage collector: what failed may never return from its Dispose, and it holds nothing but memory.
    /// </summary>
    public void Abandon()
    {
        _data.Seal();
        _log.Seal();
    }

    private static DurableDatabase Open(DataStream data, CheckedLogStream log)
    {
        LiteEngine engine = new(new EngineSettings
        {
            DataStream = data,
            LogStream = log,
            // Sorting must not spill people's names into a temporary folder.
            TempStream = new MemoryStream(),
            Collation = new Collation("/None"),
        });
        engine.Pragma("UTC_DATE", true);
        engine.Pragma("CHECKPOINT", 0);
        return new DurableDatabase(engine, data, log);
    }

    /// <summary>
    /// LiteDB reads the header from the data file before it looks at the log, so one that a cut has torn, or that was never written, is put
    /// there first. A new store begins with its header in the log: from the first byte on there is
    /// no moment at which a cut leaves something that does not open.
    /// </summary>
    private static void PutHeader(StoreFiles files, DataStream data, CheckedLogStream log)
    {
        var header = log.Header;
        if (header is null && files.Data.Length == 0)
        {
            if (log.Length > 0)
            {
                throw StoreUnavailableException.DataFileGone(files.Path);
            }
            header = NewHeader();
            log.Write(header, 0, header.Length);
            log.SyncThrough(log.Length);
        }
        ThrowIfForeign(files, header is not null);
        if (header is not null)
        {
            Page.MarkForDataFile(header);
            data.Position = 0;
            data.Write(header, 0, header.Length);
        }
    }

    /// <summary>Nothing is written over a file that is not ours, whatever the log says.</summary>
    private static void ThrowIfForeign(StoreFiles files, bool headerIsInLog)
    {
        var found = new byte[PageFrame.Size];
        var isWhole = files.Data.Read(found, 0) == PageFrame.Size && PageFrame.IsIntact(found, 0);
        var page = found.AsSpan(PageFrame.HeaderSize);
        var isStore = isWhole && Page.HasMagic(page);
        var isUnfinished = headerIsInLog && (Page.HasMagic(page) || Page.IsUnwritten(page));
        if (!isStore && !isUnfinished)
        {
            throw StoreUnavailableException.NotAStore(files.Path);
        }
    }

    private static byte[] NewHeader()
    {
        using MemoryStream image = new();
        using (new LiteEngine(new EngineSettings { DataStream = image, LogStream = new MemoryStream(), Collation = new Collation("/None") }))
        {
        }
        var header = image.ToArray()[..Page.Size];
        Page.MarkForLog(header, 1);
        return header;
    }

    private void TryCheckpoint()
    {
        try
        {
            Checkpoint();
        }
        catch (IOException error)
        {
            // NeedsCheckpoint stays: the log holds everything, and reading goes on from it.
            Obstacle = error;
        }
    }
}
