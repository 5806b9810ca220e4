using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Tests.Limits;

public sealed class WorkBudgetTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void What_is_dearer_than_all_that_is_left_is_done_and_paid_off_after()
    {
        WorkBudget budget = new(10, 3, _time);

        budget.Take(29);
        Assert.True(budget.HasSome(out _));
        budget.Take(21);
        Assert.False(budget.HasSome(out var wait));
        Assert.InRange(wait.TotalSeconds, 2, 2.1);
        _time.Advance(wait);

        Assert.True(budget.HasSome(out _));
    }

    [Fact]
    public async Task Fault_S4_Turns_come_in_the_order_in_which_they_were_asked_for_ten_seconds_after_one_another_at_most()
    {
        WorkBudget budget = new(10, 3, _time);
        budget.Take(1_000_000);
        List<WorkTurn> line = [.. Enumerable.Range(0, 5).Select(_ => budget.Queue())];

        // The third gives up, which lets nobody past the two before it.
        line[2].End();
        Assert.NotNull(budget.WaitFor(line[3]));
        foreach (var next in new[] { 0, 1, 3, 4 })
        {
            var pause = budget.WaitFor(line[next]);
            Assert.NotNull(pause);
            _time.Advance(WorkBudget.LongestWait + TimeSpan.FromSeconds(0.1));
            await pause;
            Assert.All(line[(next + 1)..], behind => Assert.True(behind == line[2] || budget.WaitFor(behind) is { IsCompleted: false }));
            Assert.Null(budget.WaitFor(line[next]));
            budget.Take(1_000_000);
            line[next].End();
            await line[next].Done;
        }

        // No line is left behind.
        Assert.True(budget.Queue().Before.IsCompleted);
    }

    [Fact]
    public void A_debt_is_of_ten_seconds_at_most()
    {
        WorkBudget budget = new(10, 3, _time);
        budget.Take(1_000_000);
        budget.Take(1_000_000);

        Assert.False(budget.HasSome(out var wait));
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

        Assert.True(budget.HasSome(out _));
        Assert.Null(budget.WaitFor(budget.Queue()));
        Assert.Equal(0, budget.Dearest);
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
