using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>What every implementation of <see cref="IEventLog"/> keeps to.</summary>
public abstract class EventLogContract : IAsyncLifetime
{
    protected const int RememberedEvents = 10_000;

    private protected static LogName Lobby => LogName.OfRoom("lobby");

    private protected static LogName Garden => LogName.OfRoom("garden");

    private protected FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 22, 23, 0, 0, 123, TimeSpan.Zero));

    private protected IEventLog Log { get; set; } = null!;

    public virtual ValueTask InitializeAsync()
    {
        Log = Open();
        return ValueTask.CompletedTask;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the log of this test, the same one again after it was disposed.</summary>
    private protected abstract IEventLog Open();

    [Fact]
    public async Task Events_are_numbered_from_one_without_holes()
    {
        for (var seq = 1; seq <= 5; seq++)
        {
            var result = await Say($"event {seq}");

            Assert.Equal(AppendOutcome.Stored, result.Outcome);
            Assert.Equal(seq, result.Seq);
        }

        Assert.Equal((5, 1), (Log.Head(Lobby).Head, Log.Head(Lobby).First));
    }

    [Fact]
    public async Task An_open_log_tells_what_is_on_disk()
    {
        await Say("before");
        var open = Log.Open(Lobby);
        Assert.Equal(Log.Head(Lobby), open.Head);

        await Say("after");
        Assert.Equal((2, Log.Head(Lobby)), (open.Head.Head, open.Head));

        await Log.DropAsync(Lobby);
        Assert.Equal((0, Log.Head(Lobby)), (open.Head.Head, open.Head));

        await Say("anew");
        Assert.Equal((1, Log.Head(Lobby)), (open.Head.Head, open.Head));
    }

    [Fact]
    public async Task Each_log_counts_for_itself()
    {
        await Say("one");
        await Say("two");
        var other = await Say("uno", log: Garden);
        var inbox = await Say("psst", log: LogName.OfAccount("lobby"));

        Assert.Equal((1, 1), (other.Seq, inbox.Seq));
        Assert.Equal(["one", "two"], Texts(Log.ReadAfter(Lobby, 0, 10)));
        Assert.Equal(["uno"], Texts(Log.ReadAfter(Garden, 0, 10)));
        Assert.Equal(["psst"], Texts(Log.ReadAfter(LogName.OfAccount("lobby"), 0, 10)));
    }

    [Fact]
    public async Task A_log_whose_name_begins_with_anothers_is_not_mixed_with_it()
    {
        LogName[] names = [LogName.OfRoom("a"), LogName.OfRoom("a-"), LogName.OfRoom("ab"), LogName.OfRoom("a0"), LogName.OfRoom("b")];
        foreach (var name in names)
        {
            await Say($"in {name}", log: name);
        }

        await Log.DropAsync(names[0]);

        Assert.Empty(Log.ReadAfter(names[0], 0, 10).Entries);
        foreach (var name in names[1..])
        {
            Assert.Equal([$"in {name}"], Texts(Log.ReadBefore(name, long.MaxValue, 10)));
        }
    }

    [Fact]
    public async Task What_was_stored_is_read_as_it_was_sent()
    {
        byte[] body = [0, 255, 10, 13, .. Encoding.UTF8.GetBytes("olá")];
        var result = await Log.AppendAsync(Lobby, "account-é", "id 1", 1, body);

        var entry = Assert.Single(Log.ReadAfter(Lobby, 0, 1).Entries);

        Assert.Equal((result.Seq, result.At, "account-é"), (entry.Seq, entry.At, entry.Author));
        Assert.Equal(body, entry.Body.ToArray());
        Assert.Equal(result.Epoch, Log.Head(Lobby).Epoch);
    }

    [Fact]
    public async Task Empty_and_large_bodies_are_kept()
    {
        var large = new byte[1 << 20];
        Random.Shared.NextBytes(large);
        await Log.AppendAsync(Lobby, "ana", null, 0, ReadOnlyMemory<byte>.Empty);
        await Log.AppendAsync(Lobby, "ana", null, 0, large);

        var entries = Log.ReadAfter(Lobby, 0, 10).Entries;

        Assert.Equal(0, entries[0].Body.Length);
        Assert.True(entries[1].Body.Span.SequenceEqual(large));
    }

    [Fact]
    public async Task An_unused_log_is_empty_and_has_an_epoch_that_its_first_event_keeps()
    {
        var head = Log.Head(Lobby);

        Assert.Equal((0, 0), (head.Head, head.First));
        Assert.Matches("^[a-z0-9]{4,16}$", head.Epoch);
        Assert.Equal(head, Log.Head(Lobby));
        Assert.Equal(head, Log.ReadAfter(Lobby, 0, 10).Head);
        Assert.Empty(Log.ReadBefore(Lobby, long.MaxValue, 10).Entries);
        Assert.Equal(head.Epoch, (await Say("first")).Epoch);
    }

    [Fact]
    public void Two_logs_have_two_epochs() => Assert.NotEqual(Log.Head(Lobby).Epoch, Log.Head(Garden).Epoch);

    [Fact]
    public async Task Reading_after_gives_the_next_ones_oldest_first()
    {
        await SayMany(20);

        Assert.Equal([6, 7, 8], Seqs(Log.ReadAfter(Lobby, 5, 3)));
        Assert.Equal([19, 20], Seqs(Log.ReadAfter(Lobby, 18, 1_000)));
        Assert.Empty(Seqs(Log.ReadAfter(Lobby, 20, 10)));
        Assert.Empty(Seqs(Log.ReadAfter(Lobby, 21, 10)));
        Assert.Empty(Seqs(Log.ReadAfter(Lobby, long.MaxValue, 10)));
        Assert.Equal(20, Log.ReadAfter(Lobby, 5, 3).Head.Head);
    }

    [Fact]
    public async Task Reading_before_gives_the_newest_of_them_oldest_first()
    {
        await SayMany(20);

        Assert.Equal([18, 19, 20], Seqs(Log.ReadBefore(Lobby, long.MaxValue, 3)));
        Assert.Equal([18, 19, 20], Seqs(Log.ReadBefore(Lobby, 21, 3)));
        Assert.Equal([3, 4], Seqs(Log.ReadBefore(Lobby, 5, 2)));
        Assert.Equal([1, 2, 3, 4], Seqs(Log.ReadBefore(Lobby, 5, 1_000)));
        Assert.Empty(Seqs(Log.ReadBefore(Lobby, 1, 10)));
        Assert.Empty(Seqs(Log.ReadBefore(Lobby, 0, 10)));
    }

    [Fact]
    public async Task A_page_of_a_thousand_is_the_largest()
    {
        await SayMany(1_001);

        Assert.Equal(1_000, Log.ReadAfter(Lobby, 0, 1_000).Entries.Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => Log.ReadAfter(Lobby, 0, 1_001));
        Assert.Throws<ArgumentOutOfRangeException>(() => Log.ReadAfter(Lobby, 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Log.ReadAfter(Lobby, -1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Log.ReadBefore(Lobby, long.MaxValue, 1_001));
        Assert.Throws<ArgumentOutOfRangeException>(() => Log.ReadBefore(Lobby, long.MaxValue, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Log.ReadBefore(Lobby, -1, 1));
    }

    [Fact]
    public async Task A_name_that_is_none_and_ids_that_are_too_long_are_refused_at_once()
    {
        Assert.Equal(AppendOutcome.Stored, (await Log.AppendAsync(Lobby, new string('a', 255), new string('i', 128), 0, Bytes("x"))).Outcome);

        foreach (var name in new[] { default, LogName.OfRoom("a\0b"), LogName.OfRoom("olá"), LogName.OfRoom(new string('r', 126)) })
        {
            Assert.Throws<ArgumentException>(() => Log.Head(name));
            await Assert.ThrowsAsync<ArgumentException>(() => Log.AppendAsync(name, "ana", null, 0, Bytes("x")));
        }

        await Assert.ThrowsAsync<ArgumentException>(() => Log.AppendAsync(Lobby, new string('a', 256), null, 0, Bytes("x")));
        await Assert.ThrowsAsync<ArgumentException>(() => Log.AppendAsync(Lobby, "ana", new string('i', 129), 0, Bytes("x")));
        await Assert.ThrowsAsync<ArgumentException>(() => Log.AppendAsync(Lobby, "ana", new string('é', 65), 0, Bytes("x")));
        Assert.Equal(1, Log.Head(Lobby).Head);
    }

    [Fact]
    public async Task Time_is_in_milliseconds_and_never_runs_back_within_a_log()
    {
        var first = await Say("first");
        Assert.Equal(Time.GetUtcNow(), first.At);

        Time.AdjustTime(Time.GetUtcNow() - TimeSpan.FromHours(2));
        var second = await Say("second");
        Assert.Equal(first.At, second.At);

        await Reopen();
        Assert.Equal(first.At, (await Say("third")).At);
        Assert.Equal(Time.GetUtcNow(), (await Say("elsewhere", log: Garden)).At);
    }

    [Fact]
    public async Task The_same_id_with_the_same_content_is_stored_once()
    {
        var first = await Say("hello", id: "m1");
        Time.Advance(TimeSpan.FromMinutes(1));
        await Say("between");
        var again = await Say("hello", id: "m1");

        Assert.Equal(new AppendResult(AppendOutcome.Duplicate, 1, first.At, first.Epoch), again);
        Assert.Equal(["hello", "between"], Texts(Log.ReadAfter(Lobby, 0, 10)));
    }

    [Fact]
    public async Task The_same_id_with_other_content_is_refused()
    {
        await Say("hello", id: "m1");

        Assert.Equal(AppendOutcome.IdInUse, (await Say("goodbye", id: "m1")).Outcome);
        Assert.Equal(["hello"], Texts(Log.ReadAfter(Lobby, 0, 10)));
        Assert.Equal(2, (await Say("next", id: "m2")).Seq);
    }

    [Fact]
    public async Task An_id_belongs_to_its_author_and_its_log()
    {
        await Say("hello", id: "m1");

        Assert.Equal(AppendOutcome.Stored, (await Say("other author", id: "m1", author: "rui")).Outcome);
        Assert.Equal(AppendOutcome.Stored, (await Say("other log", id: "m1", log: Garden)).Outcome);
    }

    [Theory]
    [InlineData("ab", "c", "a", "bc")]
    [InlineData("a", "", "", "a")]
    [InlineData("a\0", "b", "a", "\0b")]
    public async Task Author_and_id_do_not_run_into_each_other(string author, string id, string otherAuthor, string otherId)
    {
        await Say("one", id: id, author: author);

        Assert.Equal(AppendOutcome.Duplicate, (await Say("one", id: id, author: author)).Outcome);
        Assert.Equal(AppendOutcome.Stored, (await Say("two", id: otherId, author: otherAuthor)).Outcome);
    }

    [Fact]
    public async Task Without_an_id_the_same_content_is_stored_again()
    {
        await Say("hello");

        Assert.Equal((AppendOutcome.Stored, 2L), ((await Say("hello")).Outcome, Log.Head(Lobby).Head));
    }

    [Fact]
    public async Task An_id_counts_at_once_also_while_its_event_is_still_being_written()
    {
        // Sent from the log thread itself, so that all of them are queued before the next batch is built.
        List<Task<AppendResult>> same = [];
        List<Task<AppendResult>> other = [];
        Signal sent = new(1);
        Log.Append(new Arrival(Lobby, "ana", null, Bytes("first"), sent, _ =>
        {
            for (var i = 0; i < 20; i++)
            {
                same.Add(Say("hello", id: "m1"));
                other.Add(Say("goodbye", id: "m1"));
            }
        }));
        await sent.Task;

        var results = await Task.WhenAll(same);

        Assert.Equal(AppendOutcome.Stored, results[0].Outcome);
        Assert.All(results[1..], result => Assert.Equal(results[0] with { Outcome = AppendOutcome.Duplicate }, result));
        Assert.All(await Task.WhenAll(other), result => Assert.Equal(AppendOutcome.IdInUse, result.Outcome));
        Assert.Equal(2, Log.Head(Lobby).Head);
    }

    [Fact]
    public async Task An_id_is_remembered_across_a_restart()
    {
        var first = await Say("hello", id: "m1");
        await Reopen();

        Assert.Equal(new AppendResult(AppendOutcome.Duplicate, 1, first.At, first.Epoch), await Say("hello", id: "m1"));
        Assert.Equal(AppendOutcome.IdInUse, (await Say("goodbye", id: "m1")).Outcome);
    }

    [Fact]
    public async Task An_id_is_remembered_for_seven_days_however_many_events_follow()
    {
        await Say("hello", id: "m1");
        await SayMany(RememberedEvents);
        Time.Advance(TimeSpan.FromDays(7));

        Assert.Equal(AppendOutcome.Duplicate, (await Say("hello", id: "m1")).Outcome);

        Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(AppendOutcome.Stored, (await Say("hello", id: "m1")).Outcome);
    }

    [Fact]
    public async Task An_id_is_remembered_for_ten_thousand_events_however_long_they_take()
    {
        await Say("hello", id: "m1");
        await SayMany(RememberedEvents - 1);
        Time.Advance(TimeSpan.FromDays(365));

        Assert.Equal(AppendOutcome.Duplicate, (await Say("hello", id: "m1")).Outcome);

        await Say("one more");
        Assert.Equal(AppendOutcome.Stored, (await Say("hello", id: "m1")).Outcome);
    }

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

    // Not the pool's: readers that never pause would keep it from everybody, the tests beside this one too.
    private static Task OnItsOwnThread(Action read) => Task.Factory.StartNew(read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private protected static List<string> Texts(LogPage page) => [.. page.Entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span))];

    private protected static List<long> Seqs(LogPage page) => [.. page.Entries.Select(entry => entry.Seq)];

    private protected Task<AppendResult> Say(string text, string? id = null, string author = "ana", LogName? log = null) =>
        Log.AppendAsync(log ?? Lobby, author, id, (UInt128)(uint)text.GetHashCode(StringComparison.Ordinal), Bytes(text));

    private protected async Task SayMany(int count)
    {
        var results = await Task.WhenAll(Enumerable.Range(0, count).Select(i => Say($"event {i}")));
        Assert.All(results, result => Assert.Equal(AppendOutcome.Stored, result.Outcome));
    }

    private protected async Task Reopen()
    {
        await Log.DisposeAsync();
        Log = Open();
    }

    /// <summary>Completes when so many appends have, and keeps their seqs in the order of completion.</summary>
    private protected sealed class Signal(int expected)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Task => _done.Task;

        public List<long> Order { get; } = [];

        public void Arrived(long seq)
        {
            Order.Add(seq);
            if (Order.Count == expected)
            {
                _done.SetResult();
            }
        }
    }

    private protected sealed class Arrival(LogName log, string author, string? id, byte[] body, Signal signal, Action<PendingAppend>? then = null)
        : PendingAppend(log, author, id, 0, body)
    {
        protected override void Completed()
        {
            then?.Invoke(this);
            signal.Arrived(Seq);
        }
    }
}
