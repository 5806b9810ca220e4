using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Nodes;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Tests.Limits;

/// <summary>What an account has used up on one node is used up on all, a second later.</summary>
public sealed class SharedLimitsTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 23, 8, 0, 0, TimeSpan.Zero));
    private readonly BrokerLimits _limits = new() { PublishPerSecond = 10, PublishBurst = 20, UsesToldPerSecond = 2 };

    [Fact]
    public void What_is_published_on_one_node_is_taken_from_the_budget_on_the_other()
    {
        var (one, two) = (NodeOf(), NodeOf());
        for (var i = 0; i < 15; i++)
        {
            Assert.True(one.Budgets.Of("ana").TryTake(out _));
        }

        Carry(one, two);

        Assert.True(two.Budgets.Of("ana").TryTake(5, out _));
        Assert.False(two.Budgets.Of("ana").TryTake(out _));
        Assert.True(two.Budgets.Of("bob").TryTake(20, out _));

        // What was told is told once, and what was heard is not told again.
        one.Shared.Tell();
        Assert.Empty(one.Links.Told);
        Carry(two, one);
        Assert.False(one.Budgets.Of("ana").TryTake(1, out _));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(one.Budgets.Of("ana").TryTake(10, out _));
    }

    [Fact]
    public void Who_has_more_than_the_limit_by_talking_to_two_nodes_makes_up_for_it_and_owes_no_more_than_a_burst()
    {
        var (one, two) = (NodeOf(), NodeOf());
        Assert.True(one.Budgets.Of("ana").TryTake(20, out _) && two.Budgets.Of("ana").TryTake(20, out _));

        Carry(one, two);
        Carry(one, two, 1_000);

        Assert.False(two.Budgets.Of("ana").TryTake(out var wait));
        Assert.Equal(2.1, wait.TotalSeconds, 3);
    }

    [Fact]
    public void What_an_account_may_do_so_often_a_day_it_may_do_so_often_on_all_nodes()
    {
        var (one, two) = (new DailyBudget(5, _time, isStored: false), new DailyBudget(5, _time, isStored: false));
        var (told, heard) = (one.Share(12), two.Share(12));
        Assert.All(Enumerable.Range(0, 4), _ => Assert.True(one.TryTake("ana")));
        one.Give("ana");

        var use = Assert.Single(told.Untold);
        Assert.Equal(("ana", 3), (use.Key, use.Value));
        told.Told(use.Key, use.Value);
        heard.UsedElsewhere(use.Key, use.Value);

        Assert.Empty(told.Untold);
        Assert.Empty(heard.Untold);
        Assert.All(Enumerable.Range(0, 2), _ => Assert.True(two.TryTake("ana")));
        Assert.False(two.TryTake("ana"));
        Assert.True(two.TryTake("bob"));
        Assert.Equal(2, heard.Untold.Single(one => one.Key == "ana").Value);
        _time.Advance(TimeSpan.FromHours(4.8));
        Assert.True(two.TryTake("ana"));
    }

    [Fact]
    public void What_was_given_back_is_not_told()
    {
        var (one, two) = (NodeOf(), NodeOf());
        Assert.True(one.Budgets.Of("ana").TryTake(15, out _));
        one.Budgets.Of("ana").Return(15);

        one.Shared.Tell();

        Assert.Empty(one.Links.Told);
        Assert.True(two.Budgets.Of("ana").TryTake(20, out _));
    }

    [Fact]
    public void A_node_tells_so_many_uses_a_second_the_larger_ones_first_and_the_rest_in_the_next()
    {
        var (one, two) = (NodeOf(), NodeOf());
        foreach (var (account, count) in new[] { ("ana", 3), ("bob", 12), ("cid", 7) })
        {
            Assert.True(one.Budgets.Of(account).TryTake(count, out _));
        }

        Carry(one, two);
        Assert.Equal((20, 8, 13), (Left("ana"), Left("bob"), Left("cid")));

        Carry(one, two);
        Assert.Equal((17, 8, 13), (Left("ana"), Left("bob"), Left("cid")));

        int Left(string account)
        {
            var budget = two.Budgets.Of(account);
            var left = Enumerable.Range(1, 20).Last(count => TakesAndReturns(budget, count));
            return left;
        }

        static bool TakesAndReturns(RateBudget budget, int count)
        {
            var isTaken = budget.TryTake(count, out _);
            budget.Return(isTaken ? count : 0);
            return isTaken;
        }
    }

    [Fact]
    public void Bytes_of_the_day_are_those_of_all_nodes()
    {
        StorageQuota here = new(1_000, 0, _time), there = new(1_000, 0, _time);
        Assert.True(here.TryTake(700, out _));
        here.GiveBack(100);

        Assert.Equal(600, here.Untold);
        there.TakeElsewhere(here.Untold);
        here.Told(600);

        Assert.Equal((0, 600), (here.Untold, there.Used));
        Assert.False(there.TryTake(401, out _));
        Assert.True(there.TryTake(400, out _));
        Assert.Equal(400, there.Untold);
    }

    [Theory]
    [InlineData("")]
    [InlineData("02")]
    [InlineData("01")]
    [InlineData("0101")]
    [InlineData("01010003616E61")]
    [InlineData("0101FFFF616E610000000000000001")]
    [InlineData("01010003616E61FFFFFFFFFFFFFFFF")]
    [InlineData("01630003616E610000000000000001")]
    public void What_is_damaged_or_of_another_version_takes_nothing(string hex)
    {
        var node = NodeOf();

        node.Links.Say(NodeTopic.Limits, Convert.FromHexString(hex));

        Assert.True(node.Budgets.Of("ana").TryTake(20, out _));
    }

    private Node NodeOf()
    {
        HeardLinks links = new();
        PublishBudgets budgets = new(_limits, _time);
        return new(links, budgets, new SharedLimits([budgets], links, _limits, _time, NullLogger<SharedLimits>.Instance));
    }

    private static void Carry(Node from, Node to, int times = 1)
    {
        from.Shared.Tell();
        while (from.Links.Told.TryDequeue(out var told))
        {
            for (var i = 0; i < times; i++)
            {
                to.Links.Say(told.Topic, told.Message);
            }
        }

        if (times > 1)
        {
            // Twenty a time, and never more owed than a burst.
            byte[] message = [1, 1, 0, 3, .. "ana"u8, 0, 0, 0, 0, 0, 0, 0, 20];
            for (var i = 0; i < times; i++)
            {
                to.Links.Say(NodeTopic.Limits, message);
            }
        }
    }

    private sealed record Node(HeardLinks Links, PublishBudgets Budgets, SharedLimits Shared);
}
