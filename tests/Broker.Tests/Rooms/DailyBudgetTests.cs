using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Tests.Rooms;

public sealed class DailyBudgetTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void A_days_worth_is_taken_at_once_and_comes_back_little_by_little()
    {
        DailyBudget budget = new(4, _time);
        Assert.Equal(4, Take(budget, "ana"));
        Assert.Equal(TimeSpan.FromHours(6), budget.WaitOf("ana"));
        Assert.Equal(4, Take(budget, "bea"));

        _time.Advance(TimeSpan.FromHours(6));
        Assert.Equal(1, Take(budget, "ana"));
        _time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(4, Take(budget, "ana"));
        budget.Forget("ana");
        Assert.Equal(4, Take(budget, "ana"));
    }

    [Fact]
    public void None_limits_nothing()
    {
        DailyBudget budget = new(0, _time);
        Assert.Equal(1000, Take(budget, "ana"));
        Assert.Equal(TimeSpan.Zero, budget.WaitOf("ana"));
    }

    [Fact]
    public void What_was_stored_goes_on_after_a_restart()
    {
        DailyBudget before = new(4, _time);
        Take(before, "ana");
        var stored = before.Of("ana");
        _time.Advance(TimeSpan.FromHours(12));
        DailyBudget after = new(4, _time);
        after.Restore("ana", stored);

        Assert.Equal(2, Take(after, "ana"));
    }

    [Fact]
    public void Fault_B13_A_clock_that_was_years_ahead_locks_nobody_out_after_it_is_set_back()
    {
        DailyBudget budget = new(4, _time);
        budget.Restore("ana", new DailyLeft(0, _time.GetUtcNow().AddYears(10)));

        Assert.Equal(0, Take(budget, "ana"));
        _time.Advance(TimeSpan.FromHours(6));

        Assert.Equal(1, Take(budget, "ana"));
    }

    private static int Take(DailyBudget budget, string account) => Enumerable.Range(0, 1000).TakeWhile(_ => budget.TryTake(account)).Count();
}
