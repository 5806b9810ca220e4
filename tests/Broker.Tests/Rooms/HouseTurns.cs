using System.Collections.Concurrent;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Turns of several nodes in one process.</summary>
internal sealed class HouseTurns : ITurns
{
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _free = new();

    public bool IsAlone => false;

    public async Task<IDisposable> TakeAsync(string name, bool isShared = false, CancellationToken cancellation = default)
    {
        var free = _free.GetOrAdd(name, _ => new SemaphoreSlim(1));
        await free.WaitAsync(cancellation);
        return new Turn(free);
    }

    private sealed class Turn(SemaphoreSlim free) : IDisposable
    {
        public void Dispose() => free.Release();
    }
}
