using System.Collections.Concurrent;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Limits;

/// <summary>What each account may still ask for by SUBSCRIBE and UNSUBSCRIBE: one budget for all its clients.</summary>
internal sealed class SubscribeBudgets(BrokerLimits limits, TimeProvider time)
{
    /// <summary>How many seconds' worth may be asked for at once: a hundred tabs come back together after a restart.</summary>
    private const int Burst = 10;

    private readonly ConcurrentDictionary<string, SubscribeBudget> _budgets = new();

    public int Count => _budgets.Count;

    public SubscribeBudget Of(string accountId) => _budgets.GetOrAdd(accountId, static (_, budgets) => budgets.New(), this);

    /// <summary>Forgets accounts that have no connection and a full budget: who comes back begins with a full one anyway.</summary>
    public void Sweep(IConnectedAccounts connected)
    {
        foreach (var (accountId, budget) in _budgets)
        {
            if (budget.Filters.IsFull && budget.CatchUp.IsFull && !connected.IsConnected(accountId))
            {
                _budgets.TryRemove(accountId, out _);
            }
        }
    }

    private SubscribeBudget New() => new(
        new WorkBudget(limits.SubscribePerSecond, Burst, time),
        new WorkBudget(limits.CatchUpBytesPerSecond, Burst, time));
}

/// <param name="Filters">In filters; a filter costs more where it brings more.</param>
/// <param name="CatchUp">In bytes of history that `after` and `last` bring.</param>
internal sealed record SubscribeBudget(WorkBudget Filters, WorkBudget CatchUp);
