using System.Collections.Concurrent;
using System.Text;
using WebMessenger.Cluster.Nodes;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Tests.Nodes;

public sealed class LinkTests
{
    [Fact]
    public async Task Each_node_sees_the_others_by_names_that_nobody_else_has()
    {
        await using var house = await House.StartAsync(3);

        Assert.Equal(3, house.Nodes.Select(node => node.Name).Distinct().Count());
        Assert.All(house.Nodes, node => Assert.InRange(node.Name.Length, 10, 32));
        foreach (var node in house.Nodes)
        {
            var others = house.Nodes.Select(other => other.Name).Except([node.Name]).Order();
            await Until.TrueAsync(() => node.Links.Others.Order().SequenceEqual(others));
        }
    }

    [Fact]
    public async Task What_is_told_is_heard_in_the_order_in_which_it_was_told()
    {
        const int Messages = 5_000;
        ConcurrentDictionary<(string, string), List<int>> heard = new();
        await using var house = await House.StartAsync(3, node =>
        {
            foreach (var topic in new[] { NodeTopic.Live, NodeTopic.Typing })
            {
                node.Links.Hear(topic, (from, message) => heard.GetOrAdd(($"{node.Name} {topic}", from), _ => []).Add(BitConverter.ToInt32(message.Span)));
            }
        });

        await Task.WhenAll(house.Nodes.Select(node => Task.Run(() =>
        {
            for (var i = 0; i < Messages; i++)
            {
                node.Links.Tell(i % 2 == 0 ? NodeTopic.Live : NodeTopic.Typing, BitConverter.GetBytes(i));
            }
        })));

        await Until.TrueAsync(() => heard.Count == 12 && heard.Values.All(list => list.Count == Messages / 2));
        Assert.All(heard.Values, list => Assert.Equal(list.Order(), list));
    }

    [Fact]
    public async Task What_one_is_told_the_others_do_not_hear()
    {
        ConcurrentQueue<string> heard = [];
        await using var house = await House.StartAsync(3, node => node.Links.Hear(NodeTopic.Live, (_, message) => heard.Enqueue($"{node.Name} {Text(message)}")));
        var (from, to) = (house.Nodes[0], house.Nodes[1].Name);

        from.Links.Tell(to, NodeTopic.Live, Bytes("you"));
        from.Links.Tell("nobody", NodeTopic.Live, Bytes("you"));
        from.Links.Tell(NodeTopic.Live, Bytes("all"));

        await Until.TrueAsync(() => heard.Count(line => line.EndsWith("all", StringComparison.Ordinal)) == 2);
        Assert.Equal([$"{to} you"], heard.Where(line => line.EndsWith("you", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_answer_comes_back_and_one_that_throws_fails_at_who_asked()
    {
        await using var house = await House.StartAsync(2, node =>
        {
            node.Links.Answer(NodeTopic.Figures, (from, asked) => Task.FromResult<ReadOnlyMemory<byte>>(Bytes($"{from} asked {Text(asked)}")));
            node.Links.Answer(NodeTopic.Revoke, (_, _) => throw new InvalidOperationException("It cannot be."));
        });
        var (asks, answers) = (house.Nodes[0], house.Nodes[1].Name);

        Assert.Equal($"{asks.Name} asked this", Text(await asks.Links.AskAsync(answers, NodeTopic.Figures, Bytes("this"), TestContext.Current.CancellationToken)));
        await Assert.ThrowsAsync<IOException>(() => asks.Links.AskAsync(answers, NodeTopic.Revoke, Bytes("this"), TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<IOException>(() => asks.Links.AskAsync(answers, NodeTopic.TakeOver, Bytes("this"), TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<IOException>(() => asks.Links.AskAsync("nobody", NodeTopic.Figures, Bytes("this"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Who_asks_all_waits_for_the_one_who_works_on_it_however_long()
    {
        TaskCompletionSource works = new();
        var asked = 0;
        TaskCompletionSource<ReadOnlyMemory<byte>> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var house = await House.StartAsync(3, node => node.Links.Answer(NodeTopic.Applied, (_, _) =>
        {
            if (Interlocked.Increment(ref asked) == 2)
            {
                works.TrySetResult();
                return answer.Task;
            }

            return Task.FromResult(ReadOnlyMemory<byte>.Empty);
        }));

        var all = house.Nodes[0].Links.AskAllAsync(NodeTopic.Applied, Bytes("7"));
        await works.Task.SoonAsync();

        // Longer than a node that is not reached would be waited for, by the leases that go on meanwhile.
        var since = LeaseClock.Now;
        await Until.TrueAsync(() => LeaseClock.Now - since > NodeRows.Over + NodeLease.Holds);
        Assert.False(all.IsCompleted);
        Assert.False((bool)(await house.AskAsync("SELECT bool_or(dead) FROM nodes"))!);

        answer.SetResult(default);
        await all.SoonAsync();
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Who_asks_all_does_not_wait_for_a_node_that_does_not_serve_yet()
    {
        await using var house = await House.StartAsync(1);
        var late = await house.AddAsync();
        var asked = 0;
        late.Links.Answer(NodeTopic.Applied, (_, _) =>
        {
            asked++;
            return Task.FromResult(ReadOnlyMemory<byte>.Empty);
        });

        await house.Nodes[0].Links.AskAllAsync(NodeTopic.Applied, Bytes("7")).SoonAsync();
        Assert.Equal(0, asked);

        // From the end of its start on it is asked by everybody, whether or not they had looked again by themselves.
        await late.Links.StartAsync().SoonAsync();
        await house.Nodes[0].Links.AskAllAsync(NodeTopic.Applied, Bytes("7")).SoonAsync();
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task A_node_that_begins_to_serve_has_heard_what_was_written_before_it_was_asked()
    {
        await using var house = await House.StartAsync(1);
        TaskCompletionSource heard = new();
        NodeHooks hooks = new();
        var late = await house.AddAsync(hooks);
        hooks.CatchUpAsync = () => heard.Task;

        var start = late.Links.StartAsync();
        await Until.TrueAsync(() => house.Nodes[0].Links.Others.Contains(late.Name));
        Assert.False(start.IsCompleted);

        heard.SetResult();
        await start.SoonAsync();
    }

    [Fact]
    public async Task Who_asks_all_goes_on_without_a_killed_node_when_its_lease_is_over()
    {
        await using var house = await House.StartAsync(2, node => node.Links.Answer(NodeTopic.Revoke, (_, asked) => Task.FromResult(asked)));
        ConcurrentQueue<string> left = [];
        foreach (var node in house.Nodes)
        {
            node.Links.Left += name => left.Enqueue($"{node.Name} {name}");
        }

        await using var child = await NodeChild.StartAsync(house.Postgres);
        await house.Nodes[0].Links.AskAllAsync(NodeTopic.Revoke, Bytes("s1")).SoonAsync();
        child.Die();

        await house.Nodes[0].Links.AskAllAsync(NodeTopic.Revoke, Bytes("s2")).SoonAsync();

        var over = await house.AskAsync("SELECT dead AND clock_timestamp() - renewed > $2 FROM nodes WHERE name = $1", child.Name, NodeLease.Holds);
        Assert.True((bool)over!);
        await Until.TrueAsync(() => left.Count >= 2);
        Assert.Equal(house.Nodes.Select(node => $"{node.Name} {child.Name}").Order(), left.Order());
        Assert.All(house.Nodes, node => Assert.DoesNotContain(child.Name, node.Links.Others));
    }

    [Fact]
    public async Task Who_asks_those_that_speak_goes_on_without_a_killed_node_when_a_lease_has_run_out()
    {
        await using var house = await House.StartAsync(2, node => node.Links.Answer(NodeTopic.Revoke, (_, asked) => Task.FromResult(asked)));
        await using var child = await NodeChild.StartAsync(house.Postgres);
        Assert.Equal(2, (await house.Nodes[0].Links.AskWhoSpeaksAsync(NodeTopic.Revoke, Bytes("s1")).SoonAsync()).Count);
        child.Die();

        var answers = await house.Nodes[0].Links.AskWhoSpeaksAsync(NodeTopic.Revoke, Bytes("s2")).SoonAsync();

        Assert.Equal(["s2"], answers.Select(Text));
        var age = (TimeSpan)(await house.AskAsync("SELECT clock_timestamp() - renewed FROM nodes WHERE name = $1", child.Name))!;
        Assert.InRange(age, NodeLease.Holds, NodeRows.Over);
    }

    [Fact]
    public async Task A_node_that_renews_its_lease_and_is_not_reached_is_declared_dead_by_those_who_reach_each_other()
    {
        await using var house = await House.StartAsync(2, node => node.Links.Answer(NodeTopic.Revoke, (_, asked) => Task.FromResult(asked)));
        await using var child = await NodeChild.StartAsync(house.Postgres);
        await house.Nodes[0].Links.AskAllAsync(NodeTopic.Revoke, Bytes("s1")).SoonAsync();
        using CancellationTokenSource stop = new();
        child.Freeze();
        var renewing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await house.AskAsync("UPDATE nodes SET renewed = clock_timestamp() WHERE name = $1 AND NOT dead", child.Name);
                await Task.Delay(50);
            }
        }, TestContext.Current.CancellationToken);

        await house.Nodes[0].Links.AskAllAsync(NodeTopic.Revoke, Bytes("s2")).SoonAsync();

        // Its lease had run out by then, if it held one: it was dead for so long.
        var over = await house.AskAsync("SELECT dead AND clock_timestamp() - renewed > $2 FROM nodes WHERE name = $1", child.Name, NodeLease.Holds);
        Assert.True((bool)over!);
        Assert.All(house.Nodes, node => Assert.True(node.Lease.IsFresh));
        await stop.CancelAsync();
        await renewing;
    }

    [Fact]
    public async Task What_waits_for_a_node_is_bounded_and_the_rest_is_dropped()
    {
        const int Told = 1_000;
        await using var house = await House.OpenAsync();
        var node = await house.AddAsync(options: own => own with { LinkQueueBytes = 64 * 1024 });
        await node.Links.StartAsync().SoonAsync();
        await using var child = await NodeChild.StartAsync(house.Postgres);
        await Until.TrueAsync(() => node.Links.Others.Contains(child.Name));

        child.Freeze();
        for (var i = 0; i < Told; i++)
        {
            node.Links.Tell(NodeTopic.Live, new byte[1_024]);
        }

        child.Thaw();

        // What was dropped is gone, and what comes after it is heard again.
        await Until.TrueAsync(() =>
        {
            node.Links.Tell(NodeTopic.Typing, default);
            return child.HasSaid;
        });
        Assert.InRange(int.Parse((await child.HearAsync())!["heard ".Length..], System.Globalization.CultureInfo.InvariantCulture), 1, Told / 2);
    }

    [Fact]
    public async Task A_node_that_leaves_in_order_has_left_at_once_and_is_not_dead()
    {
        await using var house = await House.StartAsync(1);
        await using var child = await NodeChild.StartAsync(house.Postgres);
        TaskCompletionSource<string> left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        house.Nodes[0].Links.Left += left.SetResult;
        await Until.TrueAsync(() => house.Nodes[0].Links.Others.Contains(child.Name));

        Assert.Equal("left", await child.DoAsync("leave"));

        Assert.Equal(child.Name, await left.Task.SoonAsync());
        Assert.Equal(1L, await house.AskAsync("SELECT count(*) FROM nodes"));
        Assert.True(house.Nodes[0].Lease.IsFresh);
    }

    [Fact]
    public async Task A_node_starts_beside_rows_of_those_that_were_killed()
    {
        await using var house = await House.OpenAsync();
        string name;
        await using (var child = await NodeChild.StartAsync(house.Postgres))
        {
            name = child.Name;
        }

        var node = await house.AddAsync();
        await node.Links.StartAsync().SoonAsync();

        Assert.Empty(node.Links.Others);
        Assert.True((bool)(await house.AskAsync("SELECT dead FROM nodes WHERE name = $1", name))!);
        Assert.Equal(6, await house.AskAsync("SELECT Status FROM OrleansMembershipTable WHERE SiloName = $1", name));
    }

    [Fact]
    public async Task A_node_does_not_wait_for_the_one_that_was_at_its_address_and_has_ended()
    {
        await using var house = await House.OpenAsync();
        var port = House.FreePort();
        await RememberAsync(house, "before", port);

        await house.AddAsync(options: own => own with { Port = port });

        Assert.True((bool)(await house.AskAsync("SELECT dead FROM nodes WHERE name = 'before'"))!);
    }

    [Fact]
    public async Task A_node_that_would_have_the_address_of_one_that_listens_there_leaves_it_alone()
    {
        await using var house = await House.OpenAsync();
        using System.Net.Sockets.TcpListener listener = new(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        await RememberAsync(house, "living", port);

        await Assert.ThrowsAsync<IOException>(() => house.AddAsync(options: own => own with { Port = port }));

        Assert.False((bool)(await house.AskAsync("SELECT dead FROM nodes WHERE name = 'living'"))!);
    }

    // One whose lease is never over by the clock.
    private static Task<object?> RememberAsync(House house, string name, int port) => house.AskAsync(
        "INSERT INTO nodes (name, address, version, renewed) VALUES ($1, $2, '', clock_timestamp() + interval '1 hour')", name, $"127.0.0.1:{port}@1");

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
