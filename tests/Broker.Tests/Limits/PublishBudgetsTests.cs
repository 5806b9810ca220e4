using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Tests.Limits;

public sealed class PublishBudgetsTests
{
    [Fact]
    public void An_account_without_connections_is_forgotten_when_its_budget_is_full_again()
    {
        FakeTimeProvider time = new();
        PublishBudgets budgets = new(new BrokerLimits { PublishPerSecond = 1, PublishBurst = 2 }, time);
        ConnectionDirectory nobody = new();
        Assert.True(budgets.Of("ana").TryTake(out _));

        budgets.Sweep(nobody);
        Assert.Equal(1, budgets.Count);
        time.Advance(TimeSpan.FromSeconds(1));
        budgets.Sweep(nobody);

        Assert.Equal(0, budgets.Count);
    }
}
