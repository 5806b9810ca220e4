using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Rooms;

public sealed class ActTurnsTests
{
    private static readonly LogName _log = LogName.OfRoom("yard");

    private readonly ActTurns _turns;
    private int _rests;

    public ActTurnsTests() => _turns = new ActTurns(() => _rests++);

    [Fact]
    public async Task An_account_has_its_turns_in_the_order_in_which_it_asked_and_nobody_waits_for_anothers()
    {
        var first = await EnterAsync("ana", 1);
        var (second, third) = (EnterAsync("ana", 2), EnterAsync("ana", 3));
        using var other = await EnterAsync("bea", 1);
        Assert.Equal((false, false), (second.IsCompleted, third.IsCompleted));
        Assert.False(other.HasWaited);

        first.HasItsPlace();
        Assert.True((await second).HasWaited);
        Assert.False(third.IsCompleted);

        // Without a place: it was refused.
        (await second).Dispose();
        (await third).Dispose();
        first.Dispose();
        using var next = await EnterAsync("ana", 1);
        Assert.False(next.HasWaited);
    }

    [Fact]
    public async Task Those_on_one_message_go_one_after_the_other_to_their_ends()
    {
        var first = await EnterAsync("ana", 1);
        first.HasItsPlace();
        var second = EnterAsync("ana", 1);
        Assert.False(second.IsCompleted);

        first.Dispose();
        Assert.True((await second).HasWaited);
        (await second).Dispose();
    }

    [Fact]
    public async Task There_is_a_rest_when_nobody_waits_and_once_in_a_while_before()
    {
        (await EnterAsync("ana", 1)).Dispose();
        Assert.Equal(1, _rests);

        List<Task<ActTurn>> all = [.. Enumerable.Range(0, 70).Select(seq => EnterAsync("ana", seq))];
        List<int> rests = [];
        foreach (var turn in all)
        {
            var mine = await turn;
            mine.HasItsPlace();
            mine.HasItsPlace();
            rests.Add(_rests);
            mine.Dispose();
        }

        Assert.Equal([.. Enumerable.Repeat(1, 31), .. Enumerable.Repeat(2, 32), .. Enumerable.Repeat(3, 6), 4], rests);
    }

    [Fact]
    public async Task There_is_a_rest_where_the_next_waits_for_the_end_of_another_on_its_message()
    {
        var (first, second, third) = (await EnterAsync("ana", 1), EnterAsync("ana", 2), EnterAsync("ana", 1));
        first.HasItsPlace();
        Assert.Equal(0, _rests);

        (await second).HasItsPlace();
        Assert.Equal(1, _rests);

        first.Dispose();
        (await third).Dispose();
        Assert.Equal(2, _rests);
        (await second).Dispose();
    }

    private Task<ActTurn> EnterAsync(string account, long of) => _turns.EnterAsync(new ActedOn(account, _log, of));
}
