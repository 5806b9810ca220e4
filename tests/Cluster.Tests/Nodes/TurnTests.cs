using WebMessenger.Cluster.Nodes;
using WebMessenger.Postgres.Testing;

namespace WebMessenger.Cluster.Tests.Nodes;

public sealed class TurnTests
{
    [Fact]
    public async Task What_is_looked_at_and_changed_in_a_turn_is_changed_by_nobody_else_meanwhile()
    {
        const int Tasks = 100;
        await using var house = await House.OpenAsync();
        await house.AskAsync("CREATE TABLE counted (n int); INSERT INTO counted VALUES (0)");
        var nodes = Enumerable.Range(0, 3).Select(i => Turns(house, $"node-{i}")).ToList();

        await Task.WhenAll(nodes.SelectMany(node => Enumerable.Range(0, Tasks).Select(async _ =>
        {
            using (await node.HaveAsync("room/lobby").SoonAsync())
            {
                var n = (int)(await house.AskAsync("SELECT n FROM counted"))!;
                await house.AskAsync("UPDATE counted SET n = $1", n + 1);
            }
        })));

        Assert.Equal(3 * Tasks, await house.AskAsync("SELECT n FROM counted"));
        await CloseAsync(nodes);
    }

    [Fact]
    public async Task Those_who_share_a_turn_have_it_together_and_who_does_not_has_it_alone()
    {
        await using var house = await House.OpenAsync();
        TaskCompletionSource heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
        AdvisoryTurns first = new(house.Postgres, "node-1", 8, new() { WhenAppliedAsync = _ => heard.Task }, _ => { });
        var second = Turns(house, "node-2");

        // Of one node they stand together before the turn is theirs: who comes a while later waits for the next one.
        var (oneHere, anotherHere) = (first.HaveAsync("room/lobby", isShared: true), first.HaveAsync("room/lobby", isShared: true));
        heard.SetResult();
        var shared = await oneHere.SoonAsync();
        var sharedHere = await anotherHere.SoonAsync();
        var sharedToo = await second.HaveAsync("room/lobby", isShared: true).SoonAsync();

        var alone = second.HaveAsync("room/lobby");
        await OthersTurnAsync(first, second);
        Assert.False(alone.IsCompleted);

        shared.Dispose();
        sharedHere.Dispose();
        sharedToo.Dispose();
        using (await alone.SoonAsync())
        {
            var again = first.HaveAsync("room/lobby", isShared: true);
            await OthersTurnAsync(first, second);
            Assert.False(again.IsCompleted);
        }

        await CloseAsync([first, second]);
    }

    [Fact]
    public async Task Who_has_a_turn_has_heard_what_was_written_in_earlier_ones()
    {
        await using var house = await House.OpenAsync();
        await house.AskAsync("UPDATE journal_head SET n = 7");
        TaskCompletionSource heard = new();
        TaskCompletionSource<long> asked = new();
        AdvisoryTurns turns = new(house.Postgres, "node-1", 2, new() { WhenAppliedAsync = n => asked.TrySetResult(n) ? heard.Task : Task.CompletedTask }, _ => { });

        var turn = turns.HaveAsync("room/lobby");
        Assert.Equal(7, await asked.Task.SoonAsync());
        Assert.False(turn.IsCompleted);

        heard.SetResult();
        (await turn.SoonAsync()).Dispose();
        await CloseAsync([turns]);
    }

    [Fact]
    public async Task More_may_wait_than_there_are_connections_and_what_is_held_can_always_be_given_back()
    {
        await using var house = await House.OpenAsync();
        var (first, second) = (Turns(house, "node-1", connections: 1), Turns(house, "node-2", connections: 1));
        var names = Enumerable.Range(0, 10).Select(i => $"room/{i}").ToList();
        var held = await Task.WhenAll(names.Select(name => first.HaveAsync(name).SoonAsync()));

        var waiting = names.Select(name => second.HaveAsync(name)).ToList();
        await OthersTurnAsync(first, second);
        Assert.All(waiting, turn => Assert.False(turn.IsCompleted));

        foreach (var turn in held)
        {
            turn.Dispose();
        }

        foreach (var turn in waiting)
        {
            (await turn.SoonAsync()).Dispose();
        }

        await CloseAsync([first, second]);
    }

    [Fact]
    public async Task Who_gives_up_waiting_leaves_the_turn_to_others()
    {
        await using var house = await House.OpenAsync();
        var (first, second) = (Turns(house, "node-1"), Turns(house, "node-2"));
        var held = await first.HaveAsync("room/lobby").SoonAsync();
        using CancellationTokenSource given = new();
        var waits = second.TakeAsync("room/lobby", cancellation: given.Token);
        await OthersTurnAsync(first, second);

        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits);
        held.Dispose();

        (await second.HaveAsync("room/lobby").SoonAsync()).Dispose();
        (await first.HaveAsync("room/lobby").SoonAsync()).Dispose();
        await CloseAsync([first, second]);
    }

    [Fact]
    public async Task The_turn_of_a_process_that_is_killed_is_over()
    {
        await using var house = await House.OpenAsync();
        await using var child = await NodeChild.StartAsync(house.Postgres);
        var turns = Turns(house, "node-1");
        Assert.Equal("taken", await child.DoAsync("take room/lobby"));
        var waits = turns.HaveAsync("room/lobby");
        await OthersTurnAsync(turns, turns);
        Assert.False(waits.IsCompleted);

        child.Die();

        (await waits.SoonAsync()).Dispose();
        await CloseAsync([turns]);
    }

    [Fact]
    public async Task Who_had_a_turn_when_the_database_went_has_it_when_it_is_back()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var server = await PostgresServer.StartAsync();
        await using var house = await House.OpenAsync(await server.CreateDatabaseAsync());
        List<string> lost = [];
        AdvisoryTurns first = new(house.Postgres, "node-1", 2, new(), lost.Add);
        var second = Turns(house, "node-2");
        var held = await first.HaveAsync("room/lobby").SoonAsync();
        (await second.HaveAsync("room/other").SoonAsync()).Dispose();

        await server.StopAtOnceAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => second.HaveAsync("room/lobby").SoonAsync());
        await server.StartAgainAsync();

        var waits = second.HaveAsync("room/lobby");
        await OthersTurnAsync(first, second);
        Assert.False(waits.IsCompleted);
        held.Dispose();

        (await waits.SoonAsync()).Dispose();
        Assert.Empty(lost);
        await CloseAsync([first, second]);
    }

    [Fact]
    public async Task A_turn_that_another_node_has_got_meanwhile_is_said_to_be_lost()
    {
        await using var house = await House.OpenAsync();
        TaskCompletionSource<string> lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
        AdvisoryTurns first = new(house.Postgres, "node-1", 2, new(), reason => lost.TrySetResult(reason));
        var second = Turns(house, "node-2");
        using var held = await first.HaveAsync("room/lobby").SoonAsync();
        var waits = second.HaveAsync("room/lobby");
        await OthersTurnAsync(first, second);

        await house.AskAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'node-1'");

        using (await waits.SoonAsync())
        {
            await lost.Task.SoonAsync();
        }

        await CloseAsync([first, second]);
    }

    private static AdvisoryTurns Turns(House house, string node, int connections = 8) => new(house.Postgres, node, connections, new(), _ => { });

    // A marker: whoever could have had its turn by now has been asked for before this.
    private static async Task OthersTurnAsync(AdvisoryTurns first, AdvisoryTurns second)
    {
        (await first.HaveAsync("marker").SoonAsync()).Dispose();
        (await second.HaveAsync("marker").SoonAsync()).Dispose();
    }

    private static async Task CloseAsync(IEnumerable<AdvisoryTurns> all)
    {
        foreach (var turns in all)
        {
            await turns.DisposeAsync();
        }
    }
}
