using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>What followers can count on, on every implementation of the journal and the records.</summary>
public abstract class FollowingContract : LogSuite
{
    [Fact]
    public async Task A_new_follower_begins_from_the_logs_and_goes_on_with_what_comes()
    {
        for (var i = 0; i < 250; i++)
        {
            await Say("x", log: LogName.OfRoom($"room {i}"));
        }

        await using Run run = new(this, new Heads(this));
        await run.UntilAsync(() => Records.Find(Following.KeyOf("heads")) is [(byte)'f', ..]);
        Assert.Equal(250, run.Follower.Begun);
        Assert.All(Enumerable.Range(0, 250), i => Assert.Equal("1", Record($"head/r/room {i}")));
        await Say("y", log: Garden);
        await Say("y", log: Garden);
        await run.UntilAsync(() => Record("head/r/garden") == "2");

        Assert.Equal(250, run.Follower.Begun);
        Assert.Equal(1, run.Follower.Forgotten);
    }

    [Fact]
    public async Task It_goes_on_where_it_was_and_what_it_derives_is_written_with_its_place()
    {
        // Each event counted once: done twice, or left out, the sum would tell.
        await using (Run first = new(this, new Counts(this)))
        {
            await first.UntilAsync(() => first.Follower.Forgotten == 1 && Records.Find(Following.KeyOf("counts")) is [(byte)'f', ..]);
        }

        var said = 0;
        for (var life = 0; life < 10; life++)
        {
            await using (Run run = new(this, new Counts(this)))
            {
                for (var i = 0; i < 20; i++, said++)
                {
                    await Say("x", log: i % 3 == 0 ? Garden : Lobby);
                }

                // Stopped amid it, wherever it is by now.
            }

            await ReopenAsync();
        }

        await using Run last = new(this, new Counts(this));
        await last.UntilAsync(() => Record("sum") == said.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(0, last.Follower.Forgotten);
    }

    [Fact]
    public async Task Stopped_while_it_begins_it_goes_on_with_the_logs_that_are_left()
    {
        for (var i = 0; i < 250; i++)
        {
            await Say("x", log: LogName.OfRoom($"room {i:D3}"));
        }

        await using (Run run = new(this, new Heads(this) { StopsAt = "r/room 220" }))
        {
            await run.UntilAsync(() => run.Follower.Stopped);
        }

        await Say("y", log: LogName.OfRoom("room 000"));
        await ReopenAsync();
        await using Run again = new(this, new Heads(this));
        await again.UntilAsync(() => Record("head/r/room 249") == "1" && Record("head/r/room 000") == "2");
        Assert.Equal((0, 50), (again.Follower.Forgotten, again.Follower.Begun));
    }

    [Fact]
    public async Task Further_behind_than_the_journal_is_kept_it_forgets_and_begins_from_the_logs()
    {
        await Say("one");
        await using (Run run = new(this, new Heads(this)))
        {
            await run.UntilAsync(() => Record("head/r/lobby") == "1");
        }

        await Say("two");
        await Say("three");
        Time.Advance(TimeSpan.FromDays(8));
        await Say("four");
        await SweepAsync();
        await using Run again = new(this, new Heads(this));
        await again.UntilAsync(() => Record("head/r/lobby") == "4");

        Assert.Equal(1, again.Follower.Forgotten);
    }

    [Fact]
    public async Task What_happens_within_the_time_that_it_gathers_is_brought_together()
    {
        await using Run run = new(this, new Heads(this) { Gathers = TimeSpan.FromSeconds(1) });
        await run.UntilAsync(() => Records.Find(Following.KeyOf("heads")) is [(byte)'f', ..]);
        for (var i = 0; i < 20; i++)
        {
            await Say("x");
        }

        await run.UntilAsync(() => Advance(() => Record("head/r/lobby") == "20", TimeSpan.FromMilliseconds(100)));
        Assert.Equal(1, run.Follower.Followed);
    }

    [Fact]
    public async Task What_goes_on_all_the_while_is_one_write_each_time_that_it_gathers()
    {
        await Say("x");
        await using Run run = new(this, new Heads(this) { Gathers = TimeSpan.FromSeconds(1), MeanwhileAsync = () => Say("x") });
        await run.UntilAsync(() => Records.Find(Following.KeyOf("heads")) is [(byte)'f', ..]);
        await Say("x");

        var began = Time.GetUtcNow();
        await run.UntilAsync(() => Advance(() => run.Follower.Followed >= 6, TimeSpan.FromMilliseconds(100)));
        Assert.InRange(Time.GetUtcNow() - began, TimeSpan.FromSeconds(5), TimeSpan.MaxValue);
    }

    [Fact]
    public async Task What_many_logs_give_is_written_in_parts()
    {
        for (var i = 0; i < 30; i++)
        {
            await Say("x", log: LogName.OfRoom($"room {i:D2}"));
        }

        await using Run run = new(this, new Heads(this) { ChangesOfALog = 400 });
        await run.UntilAsync(() => Records.Find(Following.KeyOf("heads")) is [(byte)'f', ..]);

        Assert.Equal(30, run.Follower.Begun);
        Assert.All(Enumerable.Range(0, 30), i => Assert.Equal("1", Record($"head/r/room {i:D2}")));
        Assert.Equal(30 * 400, Records.ReadAll("head/"u8).Count);
    }

    [Fact]
    public async Task A_disk_that_fails_is_asked_again_after_a_while()
    {
        await Say("one");
        await using Run run = new(this, new Heads(this) { Failures = 2 });
        await run.UntilAsync(() => run.Follower.Failures == 1);
        await run.UntilAsync(() => Advance(() => run.Follower.Failures == 0));
        await run.UntilAsync(() => Advance(() => Record("head/r/lobby") == "1"));
    }

    [Fact]
    public async Task Of_two_that_follow_under_one_name_one_ends()
    {
        await Say("one");
        await using Run one = new(this, new Heads(this));
        await one.UntilAsync(() => Record("head/r/lobby") == "1");
        await using Run two = new(this, new Heads(this));
        var (first, second) = (one.Running, two.Running);
        for (var i = 0; i < 1_000 && !first.IsCompleted && !second.IsCompleted; i++)
        {
            await Say("more");
        }

        Assert.True(first.IsCompleted || second.IsCompleted);
        await Assert.ThrowsAsync<InvalidOperationException>(() => first.IsCompleted ? first : second);
        var rest = first.IsCompleted ? two : one;
        var head = Log.Head(Lobby).Head.ToString(CultureInfo.InvariantCulture);
        await rest.UntilAsync(() => Record("head/r/lobby") == head);
    }

    [Fact]
    public async Task Where_nobody_writes_it_follows_to_the_end_and_ends()
    {
        await Say("one");
        using Heads follower = new(this);
        Following following = new(Journal, Records, follower, Time, NullLogger.Instance);
        await following.CatchUpAsync(TestContext.Current.CancellationToken);
        Assert.Equal("1", Record("head/r/lobby"));

        for (var i = 0; i < 300; i++)
        {
            await Say("more");
        }

        for (var again = 0; again < 2; again++)
        {
            await following.CatchUpAsync(TestContext.Current.CancellationToken);
            Assert.Equal(("301", 1), (Record("head/r/lobby"), follower.Forgotten));
        }
    }

    private bool Advance(Func<bool> isDone, TimeSpan? by = null)
    {
        Time.Advance(by ?? Following.RetryPeriod);
        return isDone();
    }

    /// <summary>A follower that runs.</summary>
    private sealed class Run : IAsyncDisposable
    {
        private readonly CancellationTokenSource _over = new();

        public Run(FollowingContract suite, Follower follower)
        {
            Follower = follower;
            Following following = new(suite.Journal, suite.Records, follower, suite.Time, NullLogger.Instance);
            Running = Task.Run(() => following.RunAsync(_over.Token));
        }

        public Follower Follower { get; }

        public Task Running { get; }

        /// <summary>Looks again after each thing that the follower does, and now and then.</summary>
        public async Task UntilAsync(Func<bool> holds)
        {
            while (!holds())
            {
                Assert.False(Running.IsCompleted, Running.Exception?.ToString());
                await Follower.Step.WaitAsync(TimeSpan.FromMilliseconds(10), TestContext.Current.CancellationToken);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _over.CancelAsync();
            await Running.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            _over.Dispose();
            Follower.Dispose();
        }
    }

    private abstract class Follower(FollowingContract suite, string name) : IFollower, IDisposable
    {
        public string Name { get; } = name;

        public TimeSpan Gathers { get; init; }

        /// <summary>Done while it follows.</summary>
        public Func<Task>? MeanwhileAsync { get; init; }

        public SemaphoreSlim Step { get; } = new(0);

        public int Begun { get; private set; }

        public int Followed { get; private set; }

        public int Forgotten { get; private set; }

        public int Failures { get; set; }

        public string? StopsAt { get; init; }

        public bool Stopped { get; private set; }

        protected FollowingContract Suite { get; } = suite;

        public async Task ForgetAsync(CancellationToken cancellation)
        {
            FailIfDue();
            Forgotten++;
            Step.Release();
            await Suite.Records.WriteAsync([.. Suite.Records.ReadPage("head/"u8, [], 1_000).Select(record => new RecordChange(record.Key, null)), Change("sum", null)]);
        }

        public async Task<IReadOnlyList<RecordChange>> BeginAsync(LogName log, CancellationToken cancellation)
        {
            if (log.Value == StopsAt)
            {
                Stopped = true;
                await Task.Delay(Timeout.Infinite, cancellation);
            }

            Begun++;
            Step.Release();
            return Begin(log);
        }

        public async Task<IReadOnlyList<RecordChange>> FollowAsync(IReadOnlyList<JournalBatch> batches, CancellationToken cancellation)
        {
            if (MeanwhileAsync is { } meanwhile)
            {
                await meanwhile();
            }

            Followed++;
            Step.Release();
            return Follow(batches);
        }

        public void Dispose() => Step.Dispose();

        protected abstract IReadOnlyList<RecordChange> Begin(LogName log);

        protected abstract IReadOnlyList<RecordChange> Follow(IReadOnlyList<JournalBatch> batches);

        private void FailIfDue()
        {
            if (Failures > 0)
            {
                Failures--;
                Step.Release();
                throw new IOException("on purpose");
            }
        }
    }

    /// <summary>The head of each log: the same when done twice.</summary>
    private sealed class Heads(FollowingContract suite) : Follower(suite, "heads")
    {
        public int ChangesOfALog { get; init; } = 1;

        protected override IReadOnlyList<RecordChange> Begin(LogName log) =>
            [HeadOf(log), .. Enumerable.Range(1, ChangesOfALog - 1).Select(i => Change($"head/{log}/{i}", ""))];

        protected override IReadOnlyList<RecordChange> Follow(IReadOnlyList<JournalBatch> batches) =>
            [.. batches.SelectMany(batch => batch.Changes).Select(change => change.Log).Distinct().Select(HeadOf)];

        private RecordChange HeadOf(LogName log) => Change($"head/{log}", Suite.Log.Head(log).Head.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>How many events there ever were since it began: done twice it would be another.</summary>
    private sealed class Counts(FollowingContract suite) : Follower(suite, "counts")
    {
        protected override IReadOnlyList<RecordChange> Begin(LogName log) => [];

        protected override IReadOnlyList<RecordChange> Follow(IReadOnlyList<JournalBatch> batches)
        {
            var sum = int.Parse(Suite.Record("sum") ?? "0", CultureInfo.InvariantCulture);
            return [Change("sum", (sum + batches.SelectMany(batch => batch.Changes).Sum(change => change.To - change.From + 1)).ToString(CultureInfo.InvariantCulture))];
        }
    }
}
