using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Connections;
using WebMessenger.Broker.Hosting;

namespace WebMessenger.Broker.Tests.Connections;

public sealed class WorkBudgetTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void What_is_dearer_than_all_that_is_left_is_done_and_paid_off_after()
    {
        WorkBudget budget = new(10, 3, _time);

        Assert.True(budget.TryTake(29, out _));
        Assert.True(budget.TryTake(21, out _));
        Assert.False(budget.TryTake(1, out var wait));
        Assert.InRange(wait.TotalSeconds, 2, 2.1);
        Assert.False(budget.HasSome(out _));
        _time.Advance(wait);

        Assert.True(budget.TryTake(1, out _));
    }

    [Fact]
    public void Nobody_waits_for_longer_than_ten_seconds()
    {
        WorkBudget budget = new(10, 3, _time);
        budget.Take(1_000_000);
        budget.Take(1_000_000);

        Assert.False(budget.TryTake(1, out var wait));
        Assert.InRange(wait, WorkBudget.LongestWait, WorkBudget.LongestWait + TimeSpan.FromSeconds(0.1));
        Assert.False(budget.IsFull);
        _time.Advance(TimeSpan.FromSeconds(13));
        Assert.True(budget.IsFull);
    }

    [Fact]
    public void Zero_is_no_limit()
    {
        WorkBudget budget = new(0, 3, _time);
        budget.Take(1_000_000);

        Assert.True(budget.TryTake(1_000_000, out _));
        Assert.True(budget.IsFull);
    }

    [Fact]
    public void An_account_without_connections_is_forgotten_when_both_its_budgets_are_full_again()
    {
        SubscribeBudgets budgets = new(new BrokerLimits(), _time);
        ConnectionDirectory nobody = new();
        budgets.Of("ana").Filters.Take(1);
        budgets.Of("bia").CatchUp.Take(1);

        budgets.Sweep(nobody);
        Assert.Equal(2, budgets.Count);
        _time.Advance(TimeSpan.FromSeconds(1));
        budgets.Sweep(nobody);

        Assert.Equal(0, budgets.Count);
    }
}
