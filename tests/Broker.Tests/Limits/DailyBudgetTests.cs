using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Limits;

public sealed class DailyBudgetTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void A_days_worth_is_taken_at_once_and_comes_back_little_by_little()
    {
        DailyBudget budget = new(4, _time, isStored: true);
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
        DailyBudget budget = new(0, _time, isStored: true);
        Assert.Equal(1000, Take(budget, "ana"));
        Assert.Equal(TimeSpan.Zero, budget.WaitOf("ana"));
    }

    [Fact]
    public void What_was_stored_goes_on_after_a_restart()
    {
        DailyBudget before = new(4, _time, isStored: true);
        Take(before, "ana");
        var stored = before.Of("ana");
        _time.Advance(TimeSpan.FromHours(12));
        DailyBudget after = new(4, _time, isStored: true);
        after.Restore("ana", stored);

        Assert.Equal(2, Take(after, "ana"));
    }

    [Fact]
    public void Fault_B13_A_clock_that_was_years_ahead_locks_nobody_out_after_it_is_set_back()
    {
        DailyBudget budget = new(4, _time, isStored: true);
        budget.Restore("ana", new DailyLeft(0, _time.GetUtcNow().AddYears(10)));

        Assert.Equal(0, Take(budget, "ana"));
        _time.Advance(TimeSpan.FromHours(6));

        Assert.Equal(1, Take(budget, "ana"));
    }

    [Fact]
    public void Fault_B13_What_is_not_stored_heeds_no_clock_that_is_set()
    {
        JumpingClock clock = new(_time);
        DailyBudget budget = new(4, clock, isStored: false);
        Assert.Equal(4, Take(budget, "ana"));

        clock.Off = TimeSpan.FromDays(3650);
        Assert.Equal(0, Take(budget, "ana"));
        clock.Off = TimeSpan.Zero;
        _time.Advance(TimeSpan.FromHours(6));

        Assert.Equal(1, Take(budget, "ana"));
    }

    [Fact]
    public void What_did_not_happen_is_given_back_and_no_more_than_a_days_worth()
    {
        DailyBudget budget = new(4, _time, isStored: true);
        Assert.Equal(4, Take(budget, "ana"));

        budget.Give("ana");
        Assert.Equal(1, Take(budget, "ana"));
        for (var i = 0; i < 10; i++)
        {
            budget.Give("ana");
        }

        Assert.Equal(4, Take(budget, "ana"));
    }

    [Fact]
    public void Many_busy_accounts_are_not_all_looked_at_for_each_of_them()
    {
        DailyBudget budget = new(4, _time, isStored: true);
        for (var i = 0; i < 40_000; i++)
        {
            Assert.True(budget.TryTake("account" + i));
        }

        Assert.InRange(budget.Tidied, 1, 3);
    }

    private static int Take(DailyBudget budget, string account) => Enumerable.Range(0, 1000).TakeWhile(_ => budget.TryTake(account)).Count();
}
