using LiteDB;

namespace WebMessenger.Storage.Documents;

/// <summary>One call waiting for the store's thread. Exactly one of <see cref="Acknowledge"/> and <see cref="Refuse"/> ends it.</summary>
internal abstract class StoreWork(bool writes)
{
    public bool Writes { get; } = writes;

    public abstract void Run(ILiteDatabase database);

    public abstract void Acknowledge();

    public abstract void Refuse(Exception error);
}

/// <inheritdoc/>
/// <param name="acknowledging">
/// Called on the store's thread, once what was written is on the disk, and before the caller hears of it.
/// </param>
internal sealed class StoreWork<T>(bool writes, Func<ILiteDatabase, T> body, Action? acknowledging = null) : StoreWork(writes)
{
    // Without the option the caller's continuation would run on the store's thread, and everybody else would wait for it.
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    public Task<T> Done => _done.Task;

    public override void Run(ILiteDatabase database)
    {
        _result = body(database);
        if (_result is Task)
        {
            throw new InvalidOperationException("A read or write of the store cannot be asynchronous: its transaction ends when it returns.");
        }
    }

    public override void Acknowledge()
    {
        acknowledging?.Invoke();
        _done.SetResult(_result!);
    }

    public override void Refuse(Exception error) => _done.SetException(error);
}
