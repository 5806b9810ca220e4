using System.Collections.Concurrent;
using WebMessenger.Broker.Hosting;

namespace WebMessenger.Broker.Connections;

/// <summary>What each account may still publish: one budget for all its clients.</summary>
internal sealed class PublishBudgets(BrokerLimits limits, TimeProvider time)
{
    private const int LookUpsPerPublish = 10;

    private readonly ConcurrentDictionary<string, RateBudget> _budgets = new();
    private readonly ConcurrentDictionary<string, RateBudget> _lookUps = new();

    public int Count => _budgets.Count + _lookUps.Count;

    public RateBudget Of(string accountId) =>
        _budgets.GetOrAdd(accountId, static (_, of) => new RateBudget(of.limits.PublishPerSecond, of.limits.PublishBurst, of.time), (limits, time));

    /// <summary>How often the log may still be asked whether it knows an id that a rule would refuse: ten times what the account may publish.</summary>
    public RateBudget LookUpsOf(string accountId) => _lookUps.GetOrAdd(
        accountId,
        static (_, of) => new RateBudget(Times(of.limits.PublishPerSecond), Times(of.limits.PublishBurst), of.time),
        (limits, time));

    /// <summary>Forgets accounts that have no connection and a full budget: who comes back begins with a full one anyway.</summary>
    public void Sweep(ConnectionDirectory connections)
    {
        Sweep(_budgets, connections);
        Sweep(_lookUps, connections);
    }

    private static int Times(int publishes) => (int)Math.Min((long)publishes * LookUpsPerPublish, int.MaxValue);

    private static void Sweep(ConcurrentDictionary<string, RateBudget> budgets, ConnectionDirectory connections)
    {
        foreach (var (accountId, budget) in budgets)
        {
            if (budget.IsFull && connections.OfAccount(accountId).Length == 0)
            {
                budgets.TryRemove(accountId, out _);
            }
        }
    }
}
