using WebMessenger.Storage.Documents;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Auth.Changes;

/// <summary>
/// Lets one change of accounts through at a time: check, write, then memory, with nobody in between, on any node.
/// </summary>
/// <remarks>
/// Taken before any lock (docs/architecture.md, Locks). Never hold it while hashing a password or waiting for a client to close. What
/// begins a login session
/// or a token does not take it, and waits for nobody's write; it compares the account's credential under the login sessions' lock instead.
/// </remarks>
/// <param name="turns">Of the other nodes; null: there are none.</param>
internal sealed class WriteGate(ITurns? turns = null) : IDisposable
{
    /// <summary>The turn of all nodes.</summary>
    private const string Turn = "accounts";

    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly ITurns? _others = turns is null or { IsAlone: true } ? null : turns;

    /// <summary>No other node changes accounts.</summary>
    public bool IsAlone => _others is null;

    /// <exception cref="StoreUnavailableException">It cannot be said whose turn it is among the nodes.</exception>
    public async Task<Entry> EnterAsync()
    {
        await _one.WaitAsync();
        if (_others is null)
        {
            return new Entry(_one, null);
        }

        try
        {
            return new Entry(_one, await /* guard: one change of accounts at a time, of all nodes */ _others.TakeAsync(Turn));
        }
        catch (Exception error)
        {
            _one.Release();
            throw error is IOException and not StoreUnavailableException ? new StoreUnavailableException("The accounts", error.Message, error) : error;
        }
    }

    public void Dispose() => _one.Dispose();

    public readonly struct Entry(SemaphoreSlim one, IDisposable? turn) : IDisposable
    {
        public void Dispose()
        {
            turn?.Dispose();
            one.Release();
        }
    }
}
