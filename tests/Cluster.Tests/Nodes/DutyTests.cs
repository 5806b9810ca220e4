using WebMessenger.Cluster.Nodes;

namespace WebMessenger.Cluster.Tests.Nodes;

public sealed class DutyTests
{
    [Fact]
    public async Task One_node_has_a_duty_and_the_others_know_which()
    {
        await using var house = await House.StartAsync(3);

        await Until.TrueAsync(() => house.Nodes.Count(node => node.Duties.Has("search")) == 1);

        var holder = house.Nodes.Single(node => node.Duties.Has("search")).Name;
        await Until.TrueAsync(() => house.Nodes.All(node => node.Duties.HolderOf("search") == holder));
        Assert.All(house.Nodes, node => Assert.Null(node.Duties.HolderOf("nobody's")));
    }

    [Fact]
    public async Task The_duty_of_a_killed_process_is_taken_over()
    {
        await using var house = await House.OpenAsync();
        await using var child = await NodeChild.StartAsync(house.Postgres);
        Assert.Equal("held", await child.DoAsync("duty search"));
        var node = await house.AddAsync();
        await node.Links.StartAsync().SoonAsync();
        await Until.TrueAsync(() => node.Duties.HolderOf("search") == child.Name);
        Assert.False(node.Duties.Has("search"));

        child.Die();

        await Until.TrueAsync(() => node.Duties.Has("search"));
        Assert.Equal(node.Name, node.Duties.HolderOf("search"));
    }

    [Fact]
    public async Task The_duty_of_a_frozen_process_is_taken_over_when_it_is_declared_dead()
    {
        await using var house = await House.OpenAsync();
        await using var child = await NodeChild.StartAsync(house.Postgres);
        Assert.Equal("held", await child.DoAsync("duty search"));
        var node = await house.AddAsync();
        await node.Links.StartAsync().SoonAsync();

        child.Freeze();

        await Until.TrueAsync(() => node.Duties.Has("search"));
        Assert.True((bool)(await house.AskAsync("SELECT dead FROM nodes WHERE name = $1", child.Name))!);
    }

    [Fact]
    public async Task Work_runs_at_one_node_at_a_time_and_moves_to_another_when_that_one_leaves()
    {
        await using var house = await House.StartAsync(2);
        var (running, most) = (0, 0);
        TaskCompletionSource<ClusterNode> first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<ClusterNode> second = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenSource stop = new();
        var runs = house.Nodes.Select(node => node.Duties.RunAsync("search", async lost =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            _ = first.TrySetResult(node) || second.TrySetResult(node);
            try
            {
                await Task.Delay(Timeout.Infinite, lost);
            }
            finally
            {
                Interlocked.Decrement(ref running);
            }
        }, stop.Token)).ToList();

        var holder = await first.Task.SoonAsync();
        await holder.DisposeAsync();

        Assert.NotSame(holder, await second.Task.SoonAsync());
        await stop.CancelAsync();
        await Task.WhenAll(runs).SoonAsync();
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task Work_that_ends_by_itself_leaves_the_duty_to_others_and_what_it_throws_is_heard()
    {
        await using var house = await House.StartAsync(2);
        await house.Nodes[0].Duties.RunAsync("search", _ => Task.CompletedTask, TestContext.Current.CancellationToken).SoonAsync();
        await Assert.ThrowsAsync<InvalidDataException>(
            () => house.Nodes[0].Duties.RunAsync("search", _ => throw new InvalidDataException("Bad."), TestContext.Current.CancellationToken).SoonAsync());

        await house.Nodes[1].Duties.RunAsync("search", _ => Task.CompletedTask, TestContext.Current.CancellationToken).SoonAsync();
    }

    [Fact]
    public async Task A_node_that_is_declared_dead_has_no_duty_and_its_work_is_cancelled()
    {
        await using var house = await House.StartAsync(1);
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenSource stop = new();
        var run = house.Nodes[0].Duties.RunAsync("search", async lost =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, lost).ContinueWith(_ => cancelled.TrySetResult(), TaskScheduler.Default);
        }, stop.Token);
        await begun.Task.SoonAsync();

        await house.AskAsync("UPDATE nodes SET dead = true");

        await cancelled.Task.SoonAsync();
        Assert.False(house.Nodes[0].Duties.Has("search"));
        await stop.CancelAsync();
        await run.SoonAsync();
    }
}
