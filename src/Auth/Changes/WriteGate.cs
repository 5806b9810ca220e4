namespace WebMessenger.Auth.Changes;

/// <summary>
/// Lets one change of accounts, login sessions and tokens through at a time: check, write, then memory, with nobody in between.
/// </summary>
/// <remarks>
/// Lock order: this gate first, then a class's own leaf lock. Never hold it while hashing a password or waiting for a client to close. Sign-ins that write nothing
/// (MQTT) do not take it; they compare the account's credential under the login sessions' lock instead.
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
