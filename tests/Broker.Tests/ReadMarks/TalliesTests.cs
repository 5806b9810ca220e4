using WebMessenger.Broker.Events;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.ReadMarks;

public sealed class TalliesTests
{
    [Fact]
    public async Task Fault_R8_What_is_held_of_logs_has_a_bound_and_those_that_were_let_go_are_counted_all_the_same()
    {
        await using ReadingLog store = new();
        LogName[] logs = [.. Enumerable.Range(0, 12).Select(i => LogName.OfRoom($"room{i}"))];
        foreach (var log in logs)
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => store.SayAsync("bob", EventType.Message, log)));
        }

        Tallies tallies = new(new MessageBlocks(store.Log, store.Log), most: 500);
        for (var round = 0; round < 3; round++)
        {
            foreach (var log in logs)
            {
                Assert.Equal(100 - round, tallies.CountAfter(log, round, store.Log.Head(log).Epoch, "ana", out _).ByOthers);
                Assert.InRange(tallies.Messages, 100, 500);
            }
        }
    }

    [Fact]
    public async Task Who_asks_after_what_was_forgotten_is_told_what_is_there()
    {
        await using ReadingLog store = new();
        Tallies tallies = new(new MessageBlocks(store.Log, store.Log));
        await store.SayAsync("bob");
        var epoch = store.Log.Head(store.Room.Log).Epoch;
        Assert.Equal(1, tallies.CountAfter(store.Room.Log, 0, epoch, "ana", out _).ByOthers);

        tallies.Forget(store.Room.Log);
        Assert.Equal(0, tallies.Messages);

        Assert.Equal(1, tallies.CountAfter(store.Room.Log, 0, epoch, "ana", out _).ByOthers);
    }
}
