using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Limits;

namespace WebMessenger.Broker.Tests.Limits;

public sealed class RateBudgetTests
{
    [Fact]
    public void A_burst_is_taken_at_once_and_the_rest_at_its_rate()
    {
        FakeTimeProvider time = new();
        RateBudget budget = new(20, 60, time);

        for (var i = 0; i < 60; i++)
        {
            Assert.True(budget.TryTake(out _));
        }

        Assert.False(budget.TryTake(out var wait));
        Assert.Equal(TimeSpan.FromMilliseconds(50), wait);
        time.Advance(wait);
        Assert.True(budget.TryTake(out _));
        Assert.False(budget.TryTake(out _));
        time.Advance(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 20; i++)
        {
            Assert.True(budget.TryTake(out _));
        }

        Assert.False(budget.TryTake(out _));
        Assert.False(budget.IsFull);
        time.Advance(TimeSpan.FromHours(1));
        Assert.True(budget.IsFull);
        for (var i = 0; i < 60; i++)
        {
            Assert.True(budget.TryTake(out _));
        }

        Assert.False(budget.TryTake(out _));
    }

    [Fact]
    public void A_rate_of_zero_is_no_limit()
    {
        RateBudget budget = new(0, 1, new FakeTimeProvider());

        Assert.All(Enumerable.Range(0, 1000), _ => Assert.True(budget.TryTake(out var _)));
        Assert.True(budget.IsFull);
    }
}
