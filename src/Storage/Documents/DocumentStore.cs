using LiteDB;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace WebMessenger.Storage.Documents;

/// <summary>
/// The file of the documents: LiteDB, owned by one thread, and durable when a task completes. Safe to call from any thread.
/// </summary>
/// <remarks>
/// <para>What is stored in it, is stored by <see cref="Documents"/>; who opened the store closes, copies and checks it.</para>
/// <para>Why one thread, reads included: readers beside a writer killed LiteDB 5.0.20's engine in every run that tried.
/// Hot reads come from memory; this is read at start and written through after.</para>
/// <para>Calls run in the order in which they were made. Writes that wait are run one after the other, each a transaction, and share one
/// sync; a read waits for the sync of those before it, so that nobody is told what a power cut could take back.</para>
/// <para>Tasks fault with what the caller's function threw, or with <see cref="StoreUnavailableException"/> when the disk is full or fails.
/// Then reading goes on as far as the disk allows, and writing by itself when it can.</para>
/// </remarks>
public sealed class DocumentStore : IAsyncDisposable
{
    internal const long DefaultCheckpointAt = 8 * 1024 * 1024;
    internal const long DefaultReserve = 1024 * 1024;

    private const int BatchSize = 256;

    // More of them share one sync, and fill more room than can be made for them in between.
    private const int FewCalls = 8;

    // A store that nobody has asked for anything for so long copies its log early: who writes next does not wait for it.
    private const int IdleCheckpoints = 4;
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(1);

    private readonly StoreQueue _work = new();
    private readonly DocumentFeed _feed = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StoreFiles _files;
    private readonly long _checkpointAt;
    private readonly long _reserve;
    private readonly ILogger _logger;
    private readonly Thread _thread;

    // Of the store's thread alone.
    private readonly List<StoreWork> _unsettled = [];
    private DurableDatabase? _database;
    private StoreUnavailableException? _refusal;
    private bool _isDown;

    private DocumentStore(StoreFiles files, long checkpointAt, long reserve, ILogger logger, TaskCompletionSource opened)
    {
        _files = files;
        _checkpointAt = checkpointAt;
        _reserve = reserve;
        _logger = logger;
        Documents = new LiteDocuments(this, _feed);
        _thread = new Thread(() => Run(opened)) { IsBackground = true, Name = "document store" };
        // Without the opener's ExecutionContext, which would live as long as the store.
        _thread.UnsafeStart();
    }

    /// <summary>
    /// Opens or creates the file, its <c>.log</c> and its folder. Throws <see cref="StoreUnavailableException"/>,
    /// whose message names the file and what to do.
    /// </summary>
    /// <remarks>Files of version 0.1 are brought up to date. Who wants to keep them as they were copies them before.</remarks>
    public static DocumentStore Open(string path, ILogger<DocumentStore>? logger = null) =>
        Open(StoreFiles.Open(path), DefaultCheckpointAt, DefaultReserve, logger);

    /// <param name="checkpointAt">The log is copied into the data file when it has this many bytes.</param>
    /// <param name="reserve">Room that the log file has ahead of what is written, 0 for none.</param>
    internal static DocumentStore Open(StoreFiles files, long checkpointAt, long reserve = 0, ILogger? logger = null)
    {
        TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        DocumentStore store = new(files, checkpointAt, reserve, logger ?? NullLogger.Instance, opened);
        opened.Task.GetAwaiter().GetResult();
        return store;
    }

    public IDocuments Documents { get; }

    /// <summary>
    /// Runs on the store's thread. The result must not hold on to the database: materialise with ToList. A change throws.
    /// </summary>
    internal Task<T> ReadAsync<T>(Func<ILiteDatabase, T> read) => Enqueue(new StoreWork<T>(false, read));

    /// <summary>
    /// Runs as one transaction on the store's thread; completes when it is on disk. What <paramref name="write"/> throws undoes all of it.
    /// </summary>
    /// <remarks>
    /// LiteDB undoes the transaction as soon as an operation in it throws (a duplicate key), so catching that inside does not help, and
    /// faults the task: nothing else writes in the meantime, so look first. Awaiting or blocking inside is not possible.
    /// </remarks>
    /// <param name="acknowledging">See <see cref="StoreWork{T}"/>.</param>
    internal Task<T> WriteAsync<T>(Func<ILiteDatabase, T> write, Action? acknowledging = null) => Enqueue(new StoreWork<T>(true, write, acknowledging));

    /// <inheritdoc cref="WriteAsync{T}"/>
    internal Task WriteAsync(Action<ILiteDatabase> write) => WriteAsync(database =>
    {
        write(database);
        return true;
    });

    /// <summary>
    /// Copies the store's files, as they are between two calls, to <paramref name="path"/> and its <c>.log</c>,
    /// which open as this store does. The copy is not synced.
    /// </summary>
    public Task CopyAsync(string path) => ReadAsync(_ =>
    {
        StoreCopy.Make(_files, path);
        return true;
    });

    /// <summary>Lets what was asked for before finish, then closes the files.</summary>
    public ValueTask DisposeAsync()
    {
        _work.Complete();
        return new ValueTask(_closed.Task);
    }

    private Task<T> Enqueue<T>(StoreWork<T> work)
    {
        if (Thread.CurrentThread == _thread)
        {
            throw new InvalidOperationException("Called from inside a read or write of the store, which would wait for itself.");
        }
        return _work.TryAdd(work) ? work.Done : throw new ObjectDisposedException(nameof(DocumentStore));
    }

    private void Run(TaskCompletionSource opened)
    {
        try
        {
            _database = OpenDatabase();
            FirstFormat.Leave(_database, _files, _logger);
        }
        catch (StoreUnavailableException error)
        {
            _database?.Abandon();
            _files.Dispose();
            opened.SetException(error);
            return;
        }
        opened.SetResult();
        while (AwaitWork())
        {
            if (RunBatch() <= FewCalls && _work.IsIdle)
            {
                Prepare();
            }
        }
        Close();
    }

    /// <summary>False: there is none, and none comes.</summary>
    private bool AwaitWork()
    {
        if (!_work.Wait(IdleTime))
        {
            if (_database is { NeedsCheckpoint: false } database && database.LogLength >= _checkpointAt / IdleCheckpoints)
            {
                Checkpoint(database);
                Prepare();
            }
            _work.Wait(Timeout.InfiniteTimeSpan);
        }
        return _work.HasWork;
    }

    /// <summary>What the next write would have to do otherwise.</summary>
    private void Prepare()
    {
        try
        {
            if (_database is { NeedsCheckpoint: false })
            {
                _database.Reserve(_reserve);
            }
        }
        catch (Exception error)
        {
            Break(error);
        }
    }

    /// <summary>Says how many calls were waiting.</summary>
    private int RunBatch()
    {
        _refusal = null;
        var count = 0;
        for (; count < BatchSize && _work.TryTake(out var work); count++)
        {
            if (work.Writes)
            {
                Write(work);
            }
            else
            {
                Read(work);
            }
        }
        Settle();
        if (_database?.LogLength >= _checkpointAt)
        {
            Checkpoint(_database);
        }
        return count;
    }

    private void Write(StoreWork work)
    {
        DurableDatabase database;
        try
        {
            database = Writable();
        }
        catch (StoreUnavailableException refusal)
        {
            _refusal = refusal;
            work.Refuse(refusal);
            return;
        }
        try
        {
            database.Write(work.Run);
            _unsettled.Add(work);
        }
        catch (Exception error)
        {
            Refuse(work, database, error);
        }
    }

    private void Read(StoreWork work)
    {
        Settle();
        DurableDatabase database;
        try
        {
            database = _database ??= OpenDatabase();
        }
        catch (StoreUnavailableException refusal)
        {
            work.Refuse(refusal);
            return;
        }
        try
        {
            database.Read(work.Run);
            work.Acknowledge();
        }
        catch (Exception error)
        {
            Refuse(work, database, error);
        }
    }

    private void Refuse(StoreWork work, DurableDatabase database, Exception error)
    {
        if (database.IsClosed())
        {
            Break(error);
            error = Failed(error);
        }
        work.Refuse(error);
    }

    /// <summary>Answers the writes that ran, once they are on the disk.</summary>
    private void Settle()
    {
        if (_unsettled.Count == 0)
        {
            return;
        }
        try
        {
            _database!.Fence();
        }
        catch (Exception error)
        {
            Break(error);
            return;
        }
        if (_isDown)
        {
            // Only what is on the disk proves it: a file that opens may be on one that takes no byte more,
            // and each try would be told as an end and a beginning.
            _isDown = false;
            _logger.Recovered(_files.Path);
        }
        foreach (var work in _unsettled)
        {
            work.Acknowledge();
        }
        _unsettled.Clear();
    }

    private DurableDatabase Writable()
    {
        // Once a batch is often enough to try.
        if (_refusal is not null)
        {
            throw _refusal;
        }
        if (_database is { NeedsCheckpoint: true })
        {
            Settle();
        }
        if (_database is { NeedsCheckpoint: true } database)
        {
            Checkpoint(database);
        }
        _database ??= OpenDatabase();
        if (_database.NeedsCheckpoint)
        {
            throw Failed(_database.Obstacle!);
        }
        return _database;
    }

    private void Checkpoint(DurableDatabase database)
    {
        try
        {
            database.Checkpoint();
        }
        catch (Exception error)
        {
            Break(error);
        }
    }

    private DurableDatabase OpenDatabase()
    {
        var database = DurableDatabase.Open(_files);
        // Once down, it is the store's own half write that is taken off again, at each try.
        if (database.Discarded > 0 && !_isDown)
        {
            _logger.TailCut(_files.LogPath, database.Discarded);
        }
        if (database.NeedsCheckpoint && !_isDown)
        {
            _isDown = true;
            _logger.ReadOnly(_files.Path, database.Obstacle?.Message);
        }
        // Of what was refused when it failed, some may be there.
        _feed.Missed();
        return database;
    }

    /// <summary>
    /// Nothing in the memory of an engine that failed is believed: the next call opens the files anew, and learns from them what is there.
    /// </summary>
    private void Break(Exception cause)
    {
        if (!_isDown)
        {
            _isDown = true;
            if (cause is IOException)
            {
                _logger.StoreFailed(_files.Path, cause.Message);
            }
            else
            {
                _logger.StoreBroke(_files.Path, cause);
            }
        }
        _database?.Abandon();
        _database = null;
        foreach (var work in _unsettled)
        {
            work.Refuse(Failed(cause));
        }
        _unsettled.Clear();
    }

    private StoreUnavailableException Failed(Exception cause) => StoreUnavailableException.From(_files.Path, cause);

    private void Close()
    {
        try
        {
            _database?.Checkpoint();
            _database?.Dispose();
        }
        catch (Exception error)
        {
            _logger.ClosedWithoutCheckpoint(_files.Path, error);
            _database?.Abandon();
        }
        _files.Dispose();
        _feed.End();
        _closed.SetResult();
    }
}
