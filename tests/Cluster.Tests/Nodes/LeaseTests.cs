using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Cluster.Nodes;
using WebMessenger.Postgres.Testing;

namespace WebMessenger.Cluster.Tests.Nodes;

public sealed class LeaseTests
{
    [Fact]
    public void A_renewal_holds_from_when_it_began_and_not_from_its_answer()
    {
        NodeLease lease = new(new());

        lease.Confirm(LeaseClock.Now - NodeLease.Holds - TimeSpan.FromMilliseconds(1));

        Assert.False(lease.IsFresh);
    }

    [Fact]
    public void A_node_is_quiet_when_a_lease_has_run_out_since_its_renewal_was_seen_whatever_the_clock_of_the_database_says()
    {
        var seen = LeaseClock.Now;
        NodeRow row = new("other", "", NodeRows.Serving, IsDead: false, DateTime.UnixEpoch, NodeRows.Over / 2);
        OtherNode node = new(row, seen);

        // Rows are read anew, a moment after another look that began before the lease had run out.
        node.See(row, began: seen, now: seen + NodeLease.Holds * 2, isAfterGap: false);
        Assert.False(node.IsQuiet);
        node.See(row, seen + NodeLease.Holds, seen + NodeLease.Holds, isAfterGap: false);
        Assert.False(node.IsQuiet);

        var later = seen + NodeLease.Holds + TimeSpan.FromMilliseconds(100);
        node.See(row, later, later, isAfterGap: false);
        Assert.True(node.IsQuiet);

        node.See(row with { Renewed = row.Renewed.AddSeconds(1) }, later, later, isAfterGap: false);
        Assert.False(node.IsQuiet);
    }

    [Fact]
    public async Task A_node_that_was_declared_dead_a_moment_ago_is_waited_for_by_one_that_has_not_known_it_before()
    {
        await using var house = await House.OpenAsync();
        NodeWatch watch = new(house.Database, "self", NullLogger.Instance);
        NodeRow old = new("old", "127.0.0.1:1@1", NodeRows.Serving, IsDead: true, DateTime.UnixEpoch, NodeRows.Over * 2);
        NodeRow[] rows = [old, old with { Name = "recent", Age = NodeRows.Over / 2 }];
        var went = 0;
        watch.Went += _ => went++;

        watch.See(rows, LeaseClock.Now);

        Assert.Null(watch.Find("old"));
        var recent = watch.Find("recent")!;
        Assert.False(recent.Silent.IsCompleted);
        await recent.Silent.SoonAsync();
        Assert.True(LeaseClock.Now - recent.SeenSince > NodeLease.Holds);

        // It leaves once, however long its row says that it is dead.
        await Until.TrueAsync(() => went == 1);
        watch.See(rows, LeaseClock.Now);
        Assert.Null(watch.Find("recent"));
    }

    [Fact]
    public async Task A_stale_lease_is_fresh_again_only_when_the_node_has_heard_what_it_missed()
    {
        TaskCompletionSource heard = new();
        NodeLease lease = new(new() { CatchUpAsync = () => heard.Task });
        var fresh = lease.WhenFreshAsync();

        lease.Confirm(LeaseClock.Now);
        Assert.False(lease.IsFresh);

        heard.SetResult();
        await fresh.AsTask().SoonAsync();
        Assert.True(lease.IsFresh);
    }

    [Fact]
    public async Task Catching_up_that_fails_is_tried_again()
    {
        var tries = 0;
        NodeLease lease = new(new() { CatchUpAsync = () => ++tries < 3 ? throw new IOException("The database is not there.") : Task.CompletedTask });

        lease.Confirm(LeaseClock.Now);

        await lease.WhenFreshAsync().AsTask().SoonAsync();
        Assert.Equal(3, tries);
    }

    [Fact]
    public async Task A_lease_that_is_over_is_fresh_never_again()
    {
        NodeLease lease = new(new());
        NodeLease stale = new(new());
        var waits = stale.WhenFreshAsync().AsTask();
        lease.Confirm(LeaseClock.Now);
        await lease.WhenFreshAsync().AsTask().SoonAsync();

        stale.End("It was declared dead.");
        lease.End("It was declared dead.");
        Assert.False(lease.IsFresh);
        lease.Confirm(LeaseClock.Now);

        Assert.False(lease.IsFresh);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waits);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await lease.WhenFreshAsync());
        Assert.Equal("It was declared dead.", await lease.Ended);
    }

    [Fact]
    public async Task A_node_is_declared_dead_by_who_has_seen_its_old_row_for_as_long_as_a_lease_holds_and_not_before()
    {
        await using var house = await House.OpenAsync();
        await house.AskAsync("INSERT INTO nodes (name, address, version, renewed) VALUES ('old', '127.0.0.1:1@1', '', clock_timestamp() - interval '1 hour')");
        NodeWatch watch = new(house.Database, "self", NullLogger.Instance);

        // The database may have been away from both of them.
        watch.See(await NodeRows.ReadAsync(house.Database), LeaseClock.Now);
        var old = watch.Find("old")!;
        Assert.True(old.TryBury());
        old.EndBurying();

        await Until.TrueAsync(async () =>
        {
            watch.See(await NodeRows.ReadAsync(house.Database), LeaseClock.Now);
            return (bool)(await house.AskAsync("SELECT dead FROM nodes"))!;
        });
        Assert.True(LeaseClock.Now - old.SeenSince > NodeLease.Holds);
    }

    [Fact]
    public async Task While_the_database_is_away_the_lease_is_stale_and_then_all_nodes_go_on()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var server = await PostgresServer.StartAsync();
        await using var house = await House.OpenAsync(await server.CreateDatabaseAsync());
        var caughtUp = 0;
        await house.AddAsync(new() { CatchUpAsync = () => Task.FromResult(Interlocked.Increment(ref caughtUp)) });
        await house.AddAsync();
        foreach (var node in house.Nodes)
        {
            await node.Links.StartAsync().SoonAsync();
            await node.Lease.WhenFreshAsync().AsTask().SoonAsync();
        }

        var before = caughtUp;
        await server.StopAtOnceAsync();
        await Until.TrueAsync(() => house.Nodes.All(node => !node.Lease.IsFresh));

        // Longer than it takes to declare anybody dead, if only the age of his lease were looked at.
        var since = LeaseClock.Now;
        await Until.TrueAsync(() => LeaseClock.Now - since > NodeRows.Over);
        await server.StartAgainAsync();

        await Task.WhenAll(house.Nodes.Select(node => node.Lease.WhenFreshAsync().AsTask().SoonAsync()));
        Assert.Equal(before + 1, caughtUp);
        house.Database.Clear();
        Assert.False((bool)(await house.AskAsync("SELECT bool_or(dead) FROM nodes"))!);
    }

    [Fact]
    public async Task The_renewal_tells_how_far_the_journal_is()
    {
        TaskCompletionSource<long> seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var house = await House.OpenAsync();
        await house.AddAsync(new() { HeadSeen = head => _ = head == 42 && seen.TrySetResult(head) });

        await house.AskAsync("UPDATE journal_head SET n = 42");

        await seen.Task.SoonAsync();
    }

    [Fact]
    public async Task A_node_that_was_declared_dead_is_told_to_end()
    {
        await using var house = await House.StartAsync(2);
        await house.AskAsync("UPDATE nodes SET dead = true WHERE name = $1", house.Nodes[1].Name);

        await house.Nodes[1].Ended.SoonAsync();

        Assert.False(house.Nodes[1].Lease.IsFresh);
        await Until.TrueAsync(() => house.Nodes[0].Links.Others.Count == 0);
        Assert.True(house.Nodes[0].Lease.IsFresh);
    }

    [Fact]
    public async Task A_frozen_node_is_stale_in_the_moment_in_which_it_wakes_and_ends_itself_when_others_went_on()
    {
        await using var house = await House.StartAsync(1);
        TaskCompletionSource<string> left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        house.Nodes[0].Links.Left += left.SetResult;
        await using var child = await NodeChild.StartAsync(house.Postgres);
        Assert.Equal("watching", await child.DoAsync("watch"));

        child.Freeze();
        Assert.Equal(child.Name, await left.Task.SoonAsync());

        // What it had at the database has ended with it.
        Assert.Equal(0L, await house.AskAsync("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", child.Name));
        child.Thaw();

        Assert.Equal("woke fresh=False", await child.HearAsync());
        await child.EndAsync();
        Assert.Equal(3, child.ExitCode);
    }
}
