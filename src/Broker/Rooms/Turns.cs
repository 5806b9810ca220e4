using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rooms;

/// <summary>Whose turn it is to change something: alone, or with others who do not disturb one another. First come, first
/// served.</summary>
/// <remarks>
/// Thread-safe; <c>_gate</c> is a leaf lock. Many who share commit to disk together, which is why this is no gate: only who must be
/// alone waits for them, and lets
/// those wait who came after.
/// </remarks>
internal class Turns
{
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _sharing = [];
    private Task _lastAlone = Task.CompletedTask;

    /// <summary>Those of all nodes; in a house of one, this node's.</summary>
    /// <param name="name">Of the cluster's turn, before <paramref name="of"/>.</param>
    public static Turns Of(ITurns? cluster, string name, string of = "") =>
        cluster is null or { IsAlone: true } ? new Turns() : new NodeTurns(cluster, name + of);

    /// <summary>Completes when all who came before and want to be alone are done. Dispose of it when done.</summary>
    public virtual async Task<IDisposable> ShareAsync()
    {
        Turn turn = new(this);
        Task before;
        lock (_gate)
        {
            _sharing.Add(turn.Over);
            before = _lastAlone;
        }

        await before;
        return turn;
    }

    /// <summary>Completes when all who came before are done. Dispose of it when done.</summary>
    public virtual async Task<IDisposable> BeAloneAsync()
    {
        Turn turn = new(this);
        Task before;
        lock (_gate)
        {
            before = _sharing.Count == 0 ? _lastAlone : Task.WhenAll([.. _sharing, _lastAlone]);
            _sharing.Clear();
            _lastAlone = turn.Over;
        }

        await before;
        return turn;
    }

    private void End(Task turn)
    {
        lock (_gate)
        {
            _sharing.Remove(turn);
        }
    }

    private sealed class Turn(Turns turns) : IDisposable
    {
        private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Over => _over.Task;

        public void Dispose()
        {
            turns.End(Over);
            _over.TrySetResult();
        }
    }
}

/// <summary>One change at a time of what each account is in: its own comings and goings are in order, and nobody waits for
/// another's.</summary>
/// <remarks>Thread-safe; <c>_gate</c> is a leaf lock.</remarks>
internal class AccountTurns
{
    private readonly Lock _gate = new();

    // The last of each account that has one; so it is empty when nothing is under way.
    private readonly Dictionary<string, Task> _last = [];

    /// <summary>Those of all nodes; in a house of one, this node's.</summary>
    /// <param name="kind">What they are of, with a slash behind it: no two of one name are of different kinds.</param>
    public static AccountTurns Of(ITurns? cluster, string kind) =>
        cluster is null or { IsAlone: true } ? new AccountTurns() : new NodeAccountTurns(cluster, kind);

    /// <summary>Completes when what was begun for this account before is done. Dispose of it when done.</summary>
    public virtual async Task<IDisposable> EnterAsync(string accountId)
    {
        Turn turn = new(this, accountId);
        Task? before;
        lock (_gate)
        {
            before = _last.GetValueOrDefault(accountId);
            _last[accountId] = turn.Over;
        }

        if (before is not null)
        {
            await before;
        }

        return turn;
    }

    private void End(string accountId, Task turn)
    {
        lock (_gate)
        {
            if (_last.GetValueOrDefault(accountId) == turn)
            {
                _last.Remove(accountId);
            }
        }
    }

    private sealed class Turn(AccountTurns turns, string accountId) : IDisposable
    {
        private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Over => _over.Task;

        public void Dispose()
        {
            turns.End(accountId, Over);
            _over.TrySetResult();
        }
    }
}
