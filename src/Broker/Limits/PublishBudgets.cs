using System.Collections.Concurrent;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Limits;

/// <summary>What each account may still publish: one budget for all its clients.</summary>
internal sealed class PublishBudgets(BrokerLimits limits, TimeProvider time) : ISharedUse
{
    private readonly ConcurrentDictionary<string, RateBudget> _budgets = new();

    public int Count => _budgets.Count;

    byte ISharedUse.Kind => 1;

    IReadOnlyList<KeyValuePair<string, long>> ISharedUse.Untold =>
        [.. _budgets.Select(one => KeyValuePair.Create(one.Key, one.Value.Untold)).Where(one => one.Value > 0)];

    public RateBudget Of(string accountId) =>
        _budgets.GetOrAdd(accountId, static (_, of) => new RateBudget(of.limits.PublishPerSecond, of.limits.PublishBurst, of.time), (limits, time));

    /// <summary>One more publish of the account, by a way that says no in words; null: it may.</summary>
    public PublishRefusal? WhyNot(string accountId) => Of(accountId).TryTake(out var wait) ? null
        : new(ReasonCode.QuotaExceeded, "Too many messages. Wait a moment.", "too_many_attempts", (int)Math.Ceiling(wait.TotalSeconds));

    /// <summary>The limits are others from now on, also for who publishes just now.</summary>
    public void LimitsChanged()
    {
        foreach (var budget in _budgets.Values)
        {
            budget.Become(limits.PublishPerSecond, limits.PublishBurst);
        }
    }

    void ISharedUse.Told(string key, long count) => _budgets.GetValueOrDefault(key)?.Told(count);

    void ISharedUse.UsedElsewhere(string key, long count) => Of(key).TakeElsewhere(count);

    /// <summary>Forgets accounts that have no connection and a full budget: who comes back begins with a full one anyway.</summary>
    public void Sweep(IConnectedAccounts connected)
    {
        foreach (var (accountId, budget) in _budgets)
        {
            if (budget.IsFull && !connected.IsConnected(accountId))
            {
                _budgets.TryRemove(accountId, out _);
            }
        }
    }
}
