using System.Threading.Channels;
using LiteDB;

namespace WebMessenger.Auth.Storage;

/// <summary>Accounts, login sessions, tokens and rooms on disk: LiteDB, owned by one thread, and durable when a task completes.</summary>
/// <remarks>
/// Why one thread, reads included: readers beside a writer killed LiteDB 5.0.20's engine in every run that tried. Hot reads come from memory; this is read at start and
/// written through after.
/// </remarks>
public sealed class DocumentStore : IAsyncDisposable
{
    private readonly Channel<Action<LiteDatabase>> _work = Channel.CreateUnbounded<Action<LiteDatabase>>(new() { SingleReader = true });
    private readonly Thread _thread;

    private DocumentStore(LiteDatabase database)
    {
        _thread = new Thread(() => Run(database)) { IsBackground = true, Name = "document store" };
        _thread.Start();
    }

    /// <summary>Opens or creates the file. Throws <see cref="IOException"/> when it cannot be read or written.</summary>
    public static DocumentStore Open(string path) =>
        new(new LiteDatabase(new ConnectionString { Filename = path, Collation = new Collation("/None") }) { UtcDate = true });

    /// <summary>Runs on the store's thread. The result must not hold on to the database: materialise with ToList.</summary>
    public Task<T> ReadAsync<T>(Func<ILiteDatabase, T> read) => Enqueue(read);

    /// <summary>Runs as one transaction on the store's thread; completes when it is on disk. What <paramref name="write"/> throws undoes all of it.</summary>
    public Task<T> WriteAsync<T>(Func<ILiteDatabase, T> write) => Enqueue(database =>
    {
        database.BeginTrans();
        try
        {
            var result = write(database);
            database.Commit();
            database.Checkpoint();
            return result;
        }
        catch
        {
            database.Rollback();
            throw;
        }
    });

    /// <inheritdoc cref="WriteAsync{T}"/>
    public Task WriteAsync(Action<ILiteDatabase> write) => WriteAsync(database =>
    {
        write(database);
        return true;
    });

    public ValueTask DisposeAsync()
    {
        _work.Writer.TryComplete();
        return new ValueTask(Task.Run(_thread.Join));
    }

    private Task<T> Enqueue<T>(Func<LiteDatabase, T> work)
    {
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var accepted = _work.Writer.TryWrite(database =>
        {
            try
            {
                done.SetResult(work(database));
            }
            catch (Exception error)
            {
                done.SetException(error);
            }
        });
        return accepted ? done.Task : throw new ObjectDisposedException(nameof(DocumentStore));
    }

    private void Run(LiteDatabase database)
    {
        using (database)
        {
            while (_work.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                while (_work.Reader.TryRead(out var work))
                {
                    work(database);
                }
            }
        }
    }
}
