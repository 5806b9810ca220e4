using WebMessenger.Broker.Events;
using WebMessenger.Broker.ReadMarks;

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>The count of what is unread, against one made by reading everything.</summary>
public sealed class MessageTallyTests
{
    [Theory]
    [InlineData(1, 0.0)]
    [InlineData(2, 0.5)]
    [InlineData(3, 0.95)]
    [InlineData(4, 0.999)]
    public async Task What_is_counted_is_what_is_there_whoever_wrote_how_much_of_it(int seed, double shareOfOne)
    {
        await using ReadingLog store = new();
        Random random = new(seed);
        List<(string Author, EventType Type)> all = [];
        MessageTally asked = new(store.Room.Log, new MessageBlocks(store.Log, store.Log));
        for (var round = 0; round < 6; round++)
        {
            var more = Enumerable.Range(0, round == 3 ? 11_000 : 900).Select(_ => (
                Author: random.NextDouble() < shareOfOne ? "talker" : "p" + random.Next(5),
                Type: random.Next(4) == 0 ? EventType.Join : EventType.Message)).ToList();
            await store.SayAsync(more);
            all.AddRange(more);

            // One that has looked on all the while, and one that begins now.
            foreach (var tally in (MessageTally[])[asked, new MessageTally(store.Room.Log, new MessageBlocks(store.Log, store.Log))])
            {
                foreach (var after in (int[])[all.Count - 1, all.Count - 40, all.Count - 800, all.Count - random.Next(all.Count), 1, 0])
                {
                    foreach (var who in (string[])["talker", "p1", "stranger"])
                    {
                        Assert.Equal(Expected(all, after, who), Count(store, tally, after, who));
                    }
                }
            }
        }
    }

    [Fact]
    public async Task More_than_999_are_999()
    {
        await using ReadingLog store = new();
        MessageTally tally = new(store.Room.Log, new MessageBlocks(store.Log, store.Log));
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 999));
        Assert.Equal(999, Count(store, tally, 0, "ana"));
        Assert.Equal(998, Count(store, tally, 1, "ana"));

        await store.SayAsync("bob");

        Assert.Equal(999, Count(store, tally, 0, "ana"));
        Assert.Equal(999, Count(store, tally, 1, "ana"));
        Assert.Equal(998, Count(store, tally, 2, "ana"));
        Assert.Equal(0, Count(store, tally, 0, "bob"));

        // Also where there is nobody else's, and more than is held.
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 5000));
        Assert.Equal(999, Count(store, tally, 0, "ana"));
        Assert.Equal(999, Count(store, new MessageTally(store.Room.Log, new MessageBlocks(store.Log, store.Log)), 0, "ana"));
        Assert.Equal(0, Count(store, tally, 0, "bob"));
    }

    [Theory]
    [InlineData(1, 0.1, 0.1)]
    [InlineData(2, 0.45, 0.45)]
    [InlineData(3, 0.01, 0.98)]
    [InlineData(4, 0.98, 0.01)]
    public async Task Fault_P15_What_ones_own_bots_said_is_counted_beside_whoever_else_said_how_much(int seed, double shareOfOwn, double shareOfBot)
    {
        await using ReadingLog store = new();
        Random random = new(seed);
        List<(string Author, string Kind)> all = [];
        MessageTally asked = new(store.Room.Log, new MessageBlocks(store.Log, store.Log));
        for (var round = 0; round < 5; round++)
        {
            List<(string Author, string Kind)> more = [.. Enumerable.Range(0, round == 2 ? 5000 : 1500).Select(_ => random.NextDouble() switch
            {
                var share when share < shareOfOwn => ("ana", "person"),
                var share when share < shareOfOwn + shareOfBot => ("ana", "bot"),
                _ => ("p" + random.Next(3), random.Next(2) == 0 ? "bot" : "person"),
            })];
            await Task.WhenAll(more.Select(said => store.SayAsync(said.Author, kind: said.Kind)));
            all.AddRange(more);
            foreach (var tally in (MessageTally[])[asked, new MessageTally(store.Room.Log, new MessageBlocks(store.Log, store.Log))])
            {
                foreach (var after in (int[])[all.Count - 1, all.Count - 40, all.Count - 800, all.Count - random.Next(all.Count), 1, 0])
                {
                    var count = tally.CountAfter(after, store.Log.Head(store.Room.Log).Epoch, "ana", out _);
                    Assert.Equal(Math.Min(999, all.Skip(after).Count(said => said.Author != "ana")), count.ByOthers);
                    var bots = Math.Min(999, all.Skip(after).Count(said => said is { Author: "ana", Kind: "bot" }));

                    // Where the others' are too many to be counted, no more is promised than what changes nothing.
                    Assert.InRange(count.ByOwnBots, count.ByOthers == 999 ? 0 : bots, bots);
                }
            }
        }
    }

    [Fact]
    public async Task Old_messages_are_found_behind_many_joins()
    {
        await using ReadingLog store = new();
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 3));
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Join), 12_000));
        MessageTally tally = new(store.Room.Log, new MessageBlocks(store.Log, store.Log));

        Assert.Equal(0, Count(store, tally, 3, "ana"));
        Assert.Equal(2, Count(store, tally, 1, "ana"));
        Assert.Equal(3, Count(store, tally, 0, "ana"));
    }

    [Fact]
    public async Task A_log_that_was_dropped_is_counted_anew()
    {
        await using ReadingLog store = new();
        MessageTally tally = new(store.Room.Log, new MessageBlocks(store.Log, store.Log));
        var old = await store.SayAsync("bob");
        await store.SayAsync("bob");
        Assert.Equal(2, Count(store, tally, 0, "ana"));

        await store.Log.DropAsync(store.Room.Log);
        Assert.Equal(0, Count(store, tally, 0, "ana"));
        await store.SayAsync("bob");

        Assert.Equal(1, Count(store, tally, 0, "ana"));
        Assert.Equal(default, tally.CountAfter(0, old.Epoch, "ana", out _));
    }

    private static int Expected(List<(string Author, EventType Type)> all, int after, string who) =>
        Math.Min(999, all.Skip(after).Count(said => said.Type == EventType.Message && said.Author != who));

    private static int Count(ReadingLog store, MessageTally tally, long after, string who)
    {
        var head = store.Log.Head(store.Room.Log);
        var count = tally.CountAfter(after, head.Epoch, who, out var counted);
        Assert.Equal(head.Head, counted);
        return count.ByOthers;
    }
}
