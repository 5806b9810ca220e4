using System.Collections.Concurrent;
using System.Text;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Nodes;

/// <summary>Turns by advisory locks of PostgreSQL.</summary>
/// <remarks>
/// <para>A turn that nobody has is taken by a connection that holds all such; it waits for nothing, so what it holds can always be given
/// back.
/// For one that another node has, this node waits on a connection of a few that do nothing else, and if those are all waiting, by asking
/// again.</para>
/// <para>Within the node those of one name stand in a queue, and one of them stands in the database's.</para>
/// </remarks>
internal sealed class AdvisoryTurns : ITurns, IAsyncDisposable
{
    // What waits for no lock is answered soon, or its connection is dead.
    private const int AtOnceSeconds = 5;

    private static readonly TimeSpan _ask = TimeSpan.FromMilliseconds(25);

    private readonly ConcurrentDictionary<string, LocalQueue> _queues = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<TurnSession> _waiting = [];
    private readonly SemaphoreSlim _waiters;
    private readonly NodeHooks _hooks;
    private readonly Func<TurnSession> _open;
    private readonly TurnSession _atOnce;
    private readonly List<TurnSession> _all = [];

    /// <param name="lost">Called when another node has got a turn that this one had: this node has to end.</param>
    public AdvisoryTurns(string postgres, string node, int connections, NodeHooks hooks, Action<string> lost)
    {
        (_hooks, _waiters) = (hooks, new(connections));
        TurnSession Open(int patience)
        {
            TurnSession session = new(NodeConnection.Text(postgres, node, patience), lost);
            lock (_all)
            {
                _all.Add(session);
            }

            return session;
        }

        _open = () => Open(patience: 0);
        _atOnce = Open(AtOnceSeconds);
        hooks.Back += Renew;
    }

    public bool IsAlone => false;

    public async Task<IDisposable> TakeAsync(string name, bool isShared = false, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, 128);
        if (!Ascii.IsValid(name))
        {
            throw new ArgumentException("A turn has a name of ASCII.", nameof(name));
        }

        while (true)
        {
            var queue = _queues.GetOrAdd(name, key => new LocalQueue(key, this));
            if (await queue.TakeAsync(isShared, cancellation) is { } turn)
            {
                return turn;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var session in All())
        {
            await session.DisposeAsync();
        }

        _waiters.Dispose();
    }

    internal void Forget(LocalQueue queue) => _queues.TryRemove(new(queue.Name, queue));

    /// <summary>Waits in the database's queue, and until this node has heard what was written in earlier turns.</summary>
    /// <exception cref="IOException">The database is not there.</exception>
    internal async Task<Held> HoldAsync(LockKey key)
    {
        while (true)
        {
            if (await _atOnce.TryAsync(key) is { } head)
            {
                return await HeardAsync(new(_atOnce, key, this, isWaiter: false), head);
            }

            if (await _waiters.WaitAsync(TimeSpan.Zero))
            {
                var session = _waiting.TryTake(out var free) ? free : _open();
                Held held = new(session, key, this, isWaiter: true);
                try
                {
                    return await HeardAsync(held, await session.WaitAsync(key));
                }
                catch (IOException)
                {
                    GiveBack(session);
                    throw;
                }
            }

            await Task.Delay(_ask + TimeSpan.FromMilliseconds(Random.Shared.Next(10)));
        }
    }

    private void Renew() => All().ForEach(session => session.Renew());

    private List<TurnSession> All()
    {
        lock (_all)
        {
            return [.. _all];
        }
    }

    private void GiveBack(TurnSession session)
    {
        _waiting.Add(session);
        _waiters.Release();
    }

    private async Task<Held> HeardAsync(Held held, long head)
    {
        try
        {
            await _hooks.WhenAppliedAsync(head);
            return held;
        }
        catch (Exception error)
        {
            await held.ReleaseAsync();
            throw StoreUnavailableException.OfDatabase("What was written in earlier turns could not be heard.", error);
        }
    }

    /// <summary>A lock that one of the sessions has.</summary>
    internal sealed class Held(TurnSession session, LockKey key, AdvisoryTurns turns, bool isWaiter)
    {
        public async Task ReleaseAsync()
        {
            await session.ReleaseAsync(key);
            if (isWaiter)
            {
                turns.GiveBack(session);
            }
        }
    }
}
