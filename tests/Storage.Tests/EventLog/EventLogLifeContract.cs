using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>
/// What every implementation of <see cref="IEventLog"/> keeps to among many threads,
/// when logs are dropped, and when it is closed and opened.
/// </summary>
public abstract class EventLogLifeContract : EventLogFixture
{
    [Fact]
    public async Task Appends_from_many_threads_get_each_number_once_and_each_thread_keeps_its_order()
    {
        const int Threads = 8;
        const int Each = 250;
        List<Arrival>[] sent = [.. Enumerable.Range(0, Threads).Select(_ => new List<Arrival>())];
        Signal done = new(Threads * Each);
        var threads = Enumerable.Range(0, Threads).Select(number => new Thread(() =>
        {
            for (var i = 0; i < Each; i++)
            {
                Arrival arrival = new(Lobby, $"author {number}", null, Bytes($"{number} {i}"), done);
                sent[number].Add(arrival);
                Log.Append(arrival);
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        await done.Task;

        Assert.All(sent, mine => Assert.Equal(mine.Select(arrival => arrival.Seq).Order(), mine.Select(arrival => arrival.Seq)));
        Assert.Equal(Enumerable.Range(1, Threads * Each).Select(seq => (long)seq), sent.SelectMany(mine => mine).Select(arrival => arrival.Seq).Order());
        // Completed in seq order, and readable by then.
        Assert.Equal(Enumerable.Range(1, Threads * Each).Select(seq => (long)seq), done.Order);
    }

    [Fact]
    public async Task What_is_acknowledged_can_be_read_by_then()
    {
        ConcurrentQueue<string> missing = new();
        Signal done = new(500);
        for (var i = 0; i < 500; i++)
        {
            Log.Append(new Arrival(Lobby, "ana", null, Bytes("x"), done, arrival =>
            {
                if (Log.Head(Lobby).Head < arrival.Seq || Log.ReadAfter(Lobby, arrival.Seq - 1, 1).Entries.Count != 1)
                {
                    missing.Enqueue($"seq {arrival.Seq}");
                }
            }));
        }

        await done.Task;
        Assert.Empty(missing);
    }

    [Fact]
    public async Task Readers_beside_a_writer_see_no_hole_and_no_number_twice()
    {
        using CancellationTokenSource over = new();
        var readers = Enumerable.Range(0, 3).Select(_ => OnItsOwnThread(() =>
        {
            var pages = 0;
            while (!over.IsCancellationRequested || pages == 0)
            {
                var page = Log.ReadBefore(Lobby, long.MaxValue, 50);
                var seqs = Seqs(page);
                Assert.Equal(Enumerable.Range(0, seqs.Count).Select(i => page.Head.Head - seqs.Count + 1 + i), seqs);
                pages++;
            }
        })).ToList();
        await SayMany(2_000);
        await over.CancelAsync();

        await Task.WhenAll(readers);
    }

    [Fact]
    public async Task A_dropped_log_is_empty_and_begins_anew_in_another_epoch()
    {
        var before = await Say("old", id: "m1");
        await Say("stays", log: Garden, id: "m1");
        await Log.DropAsync(Lobby);

        var head = Log.Head(Lobby);
        Assert.Equal((0, 0), (head.Head, head.First));
        Assert.NotEqual(before.Epoch, head.Epoch);
        Assert.Empty(Log.ReadBefore(Lobby, long.MaxValue, 10).Entries);

        var after = await Say("new", id: "m1");
        Assert.Equal((AppendOutcome.Stored, 1L, head.Epoch), (after.Outcome, after.Seq, after.Epoch));
        Assert.Equal(["new"], Texts(Log.ReadAfter(Lobby, 0, 10)));
        Assert.Equal(["stays"], Texts(Log.ReadAfter(Garden, 0, 10)));
    }

    [Fact]
    public async Task A_drop_holds_across_a_restart()
    {
        var before = await Say("old");
        await Log.DropAsync(Lobby);
        await Reopen();

        Assert.Equal(0, Log.Head(Lobby).Head);
        Assert.NotEqual(before.Epoch, Log.Head(Lobby).Epoch);
        Assert.Equal(1, (await Say("new")).Seq);
    }

    [Fact]
    public async Task Dropping_an_unused_log_does_nothing()
    {
        await Log.DropAsync(Lobby);

        Assert.Equal(1, (await Say("first")).Seq);
    }

    [Fact]
    public async Task A_drop_keeps_its_place_among_the_appends()
    {
        var before = Enumerable.Range(0, 50).Select(i => Say($"before {i}")).ToList();
        var dropped = Log.DropAsync(Lobby);
        var after = Enumerable.Range(0, 50).Select(i => Say($"after {i}")).ToList();
        await dropped;

        Assert.Equal(Enumerable.Range(1, 50).Select(seq => (long)seq), (await Task.WhenAll(before)).Select(result => result.Seq));
        Assert.Equal(Enumerable.Range(1, 50).Select(seq => (long)seq), (await Task.WhenAll(after)).Select(result => result.Seq));
        Assert.NotEqual((await before[0]).Epoch, (await after[0]).Epoch);
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"after {i}"), Texts(Log.ReadAfter(Lobby, 0, 1_000)));
    }

    [Fact]
    public async Task Reading_while_a_log_is_dropped_and_filled_again_never_mixes_two_lives()
    {
        using CancellationTokenSource over = new();
        var reader = OnItsOwnThread(() =>
        {
            Dictionary<string, string> lives = [];
            do
            {
                var page = Log.ReadAfter(Lobby, 0, 1);
                foreach (var text in Texts(page))
                {
                    Assert.True(lives.TryAdd(page.Head.Epoch, text) || lives[page.Head.Epoch] == text);
                }
            }
            while (!over.IsCancellationRequested);
        });
        for (var life = 0; life < 1_000; life++)
        {
            // Not awaited one by one: the fewer pauses, the likelier a read falls between a drop and the next life.
            _ = Say($"life {life}");
            var dropped = Log.DropAsync(Lobby);
            if (life % 50 == 0)
            {
                await dropped;
            }
        }

        await over.CancelAsync();
        await reader;
    }

    [Fact]
    public async Task Everything_is_there_after_a_restart()
    {
        await SayMany(300);
        await Say("other", log: Garden);
        var heads = (Log.Head(Lobby), Log.Head(Garden));
        var page = Log.ReadAfter(Lobby, 0, 1_000);
        await Reopen();

        Assert.Equal(heads, (Log.Head(Lobby), Log.Head(Garden)));
        Assert.Equal(Texts(page), Texts(Log.ReadAfter(Lobby, 0, 1_000)));
        Assert.Equal(301, (await Say("next")).Seq);
    }

    [Fact]
    public async Task What_was_queued_before_disposal_is_stored_and_what_comes_after_is_refused()
    {
        var queued = Enumerable.Range(0, 100).Select(i => Say($"queued {i}")).ToList();
        var closing = Log.DisposeAsync();
        var late = Say("late");
        await closing;

        Assert.All(await Task.WhenAll(queued), result => Assert.Equal(AppendOutcome.Stored, result.Outcome));
        Assert.Equal(AppendOutcome.StoreFailed, (await late).Outcome);
        Assert.Throws<ObjectDisposedException>(() => Log.Head(Lobby));
        Assert.Throws<ObjectDisposedException>(() => Log.ReadAfter(Lobby, 0, 1));
        await Assert.ThrowsAnyAsync<IOException>(() => Log.DropAsync(Lobby));
        Log = Open();
        Assert.Equal(100, Log.Head(Lobby).Head);
    }

    [Fact]
    public async Task Disposing_while_others_read_waits_for_them()
    {
        await SayMany(500);
        TaskCompletionSource reading = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var readers = Enumerable.Range(0, 4).Select(_ => OnItsOwnThread(() =>
        {
            try
            {
                while (true)
                {
                    Assert.Equal(500, Log.ReadAfter(Lobby, 0, 1_000).Entries.Count);
                    reading.TrySetResult();
                }
            }
            catch (ObjectDisposedException)
            {
                // The end of the test.
            }
        })).ToList();
        await reading.Task;
        await Log.DisposeAsync();

        await Task.WhenAll(readers);
        Log = Open();
    }

    [Fact]
    public async Task Disposing_twice_is_no_harm()
    {
        await Log.DisposeAsync();
        await Log.DisposeAsync();
        Log = Open();
    }

    [Fact]
    public async Task A_receiver_that_fails_does_not_stop_the_log()
    {
        Signal done = new(1);
        Log.Append(new Arrival(Lobby, "ana", null, Bytes("x"), done, _ => throw new InvalidOperationException("on purpose")));

        Assert.Equal(2, (await Say("next")).Seq);
    }
}
