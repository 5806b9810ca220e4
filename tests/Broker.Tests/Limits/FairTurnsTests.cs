using WebMessenger.Broker.Limits;

namespace WebMessenger.Broker.Tests.Limits;

/// <summary>Who comes next where only so many may.</summary>
public sealed class FairTurnsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task So_many_have_a_turn_at_once_and_the_next_comes_when_one_ends()
    {
        FairTurns turns = new(2, 0);
        var first = await turns.EnterAsync("ana", Cancellation);
        await turns.EnterAsync("bea", Cancellation);
        var third = turns.EnterAsync("caio", Cancellation);
        Assert.Equal((2, 1, false), (turns.Taken, turns.Waiting, third.IsCompleted));

        first.Dispose();
        first.Dispose();
        await third;
        Assert.Equal((2, 0), (turns.Taken, turns.Waiting));
    }

    [Fact]
    public async Task An_account_has_so_many_and_keeps_nobody_else_waiting()
    {
        FairTurns turns = new(3, 2);
        var own = Enumerable.Range(0, 5).Select(_ => turns.EnterAsync("ana", Cancellation)).ToArray();
        Assert.Equal((2, 3), (turns.Taken, turns.Waiting));
        var neighbour = await turns.EnterAsync("bea", Cancellation);

        neighbour.Dispose();
        Assert.Equal((2, 3), (turns.Taken, turns.Waiting));
        (await own[0]).Dispose();
        await own[2];
        Assert.False(own[3].IsCompleted);
    }

    [Fact]
    public async Task Accounts_come_one_after_the_other_however_many_one_of_them_asks_for()
    {
        FairTurns turns = new(1, 0);
        var turn = await turns.EnterAsync("ana", Cancellation);
        List<string> came = [];
        var waiting = new[] { "ana 1", "ana 2", "ana 3", "bea 1", "caio 1", "bea 2" }.Select(async who =>
        {
            using var its = await turns.EnterAsync(who.Split(' ')[0], Cancellation);
            came.Add(who);
        }).ToArray();

        turn.Dispose();
        await Task.WhenAll(waiting);
        Assert.Equal(["ana 1", "bea 1", "caio 1", "ana 2", "bea 2", "ana 3"], came);
        Assert.Equal((0, 0), (turns.Taken, turns.Waiting));
    }

    [Fact]
    public async Task Who_gives_up_leaves_the_line_and_takes_no_turn()
    {
        FairTurns turns = new(1, 1);
        var turn = await turns.EnterAsync("ana", Cancellation);
        using CancellationTokenSource end = new();
        var given = turns.EnterAsync("bea", end.Token);
        var next = turns.EnterAsync("caio", Cancellation);

        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        Assert.Equal((1, 1), (turns.Taken, turns.Waiting));
        turn.Dispose();
        (await next).Dispose();
        Assert.Equal((0, 0), (turns.Taken, turns.Waiting));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => turns.EnterAsync("bea", end.Token));
    }
}
