namespace WebMessenger.Auth.Changes;

/// <summary>
/// Lets one change of accounts through at a time: check, write, then memory, with nobody in between.
/// </summary>
/// <remarks>
/// Lock order: this gate first, then a class's own leaf lock. Never hold it while hashing a password or waiting for a client to close.
/// What begins a login session or a token does not take it, and waits for nobody's write;
/// it compares the account's credential under the login sessions' lock instead.
/// </remarks>
internal sealed class WriteGate : IDisposable
{
    private readonly SemaphoreSlim _one = new(1, 1);

    public async Task<Entry> EnterAsync()
    {
        await _one.WaitAsync();
        return new Entry(_one);
    }

    public void Dispose() => _one.Dispose();

    public readonly struct Entry(SemaphoreSlim one) : IDisposable
    {
        public void Dispose() => one.Release();
    }
}
