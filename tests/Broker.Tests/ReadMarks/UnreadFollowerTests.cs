using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>The blocks that a follower keeps of each log, and what is counted by them.</summary>
public sealed class UnreadFollowerTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task However_far_it_has_come_what_is_counted_is_what_is_there(int seed)
    {
        await using ReadingLog store = new();
        Followed followed = new(store);
        Random random = new(seed);
        List<(string Author, bool Counts)> all = [];
        var first = 1;
        await followed.BeginAsync();
        for (var step = 0; step < 60; step++)
        {
            switch (random.Next(8))
            {
                case 0 when all.Count > first:
                    var removed = random.Next(first, all.Count + 1);
                    await ReplaceAsync(store, removed);
                    all[removed - 1] = (all[removed - 1].Author, false);
                    all.Add(("mod", false));
                    // Removed is what the follower has seen: until then the old number stands, and is said anew then.
                    await followed.FollowAsync();
                    break;
                case 1:
                    first = Math.Min(all.Count + 1, first + random.Next(200));
                    await store.Log.TruncateAsync(store.Room.Log, first);
                    break;
                case 2 when random.Next(4) == 0:
                    await store.Log.DropAsync(store.Room.Log);
                    all.Clear();
                    first = 1;
                    break;
                case 3 or 4:
                    await followed.FollowAsync();
                    break;
                default:
                    List<(string Author, EventType Type)> more = [.. Enumerable.Range(0, random.Next(400)).Select(_ => (
                        "p" + random.Next(3), random.Next(4) == 0 ? EventType.Join : EventType.Message))];
                    await store.SayAsync(more);
                    all.AddRange(more.Select(said => (said.Author, said.Type == EventType.Message)));
                    break;
            }

            foreach (var tallies in (Tallies[])[followed.Tallies, new Tallies(new MessageBlocks(store.Log, store.Log))])
            {
                var after = random.Next(all.Count + 1);
                var expected = all.Where((said, i) => i >= Math.Max(after, first - 1) && said.Counts && said.Author != "p1").Count();
                Assert.Equal(Math.Min(999, expected), tallies.CountAfter(store.Room.Log, after, store.Log.Head(store.Room.Log).Epoch, "p1", out _).ByOthers);
            }
        }

        await followed.FollowAsync();
        await store.Log.DropAsync(store.Room.Log);
        await followed.FollowAsync();
        Assert.Empty(store.Log.ReadAll(MessageBlocks.Prefix));
    }

    [Fact]
    public async Task Fault_R8_Of_what_was_followed_nothing_is_read_again_to_count_it()
    {
        await using ReadingLog store = new();
        await store.SayAsync(Enumerable.Range(0, 6000).Select(i => ("p" + (i % 7), i % 3 == 0 ? EventType.Join : EventType.Message)));
        Assert.InRange(EventsReadFor(store, after: 0), 4000, 6000);
        Followed followed = new(store);

        await followed.BeginAsync();
        Assert.Equal(0, EventsReadFor(store, after: 0));
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 20));
        Assert.Equal(20, EventsReadFor(store, after: 6010));
        await followed.FollowAsync();
        Assert.Equal(0, EventsReadFor(store, after: 0));
        await store.RestartAsync();
        Assert.Equal(0, EventsReadFor(store, after: 0));
    }

    [Fact]
    public async Task Beginning_reads_as_much_of_a_log_as_any_answer_needs()
    {
        await using ReadingLog store = new();
        await store.SayAsync(Enumerable.Range(0, 8000).Select(i => ("p" + (i % 7), EventType.Message)));
        Followed followed = new(store);

        await followed.BeginAsync();

        Assert.InRange(store.Log.ReadAll(MessageBlocks.Prefix).Count, EnoughMessages.Count / MessageBlock.Length, (EnoughMessages.Count / MessageBlock.Length) + 2);
        Assert.Equal(0, EventsReadFor(store, after: 0));
    }

    [Fact]
    public async Task Blocks_that_nobody_looks_back_on_go()
    {
        await using ReadingLog store = new();
        Followed followed = new(store);
        await followed.BeginAsync();
        var old = MessageBlocks.Key(store.Room.Log, 0);
        await store.SayAsync("bob");
        await followed.FollowAsync();
        Assert.NotNull(store.Log.Find(old));
        for (var i = 0; i <= MessageBlocks.Kept; i++)
        {
            await store.SayAsync(Enumerable.Repeat(("bob", EventType.Join), MessageBlock.Length));
            await followed.FollowAsync();
        }

        Assert.Null(store.Log.Find(old));
        Assert.InRange(store.Log.ReadAll(MessageBlocks.Prefix).Count, MessageBlocks.Kept, MessageBlocks.Kept + 1);
    }

    [Fact]
    public async Task A_block_of_another_life_of_its_log_is_not_believed()
    {
        await using ReadingLog store = new();
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 3));
        MessageBlock other = new("zzzzzz", 0, 3, []);
        await store.Log.WriteAsync([new RecordChange(MessageBlocks.Key(store.Room.Log, 0), other.ToBytes())]);

        Assert.Equal(3, new Tallies(new MessageBlocks(store.Log, store.Log)).CountAfter(store.Room.Log, 0, store.Log.Head(store.Room.Log).Epoch, "ana", out _).ByOthers);
    }

    [Fact]
    public async Task A_damaged_log_is_told_once_however_much_is_said_there()
    {
        using TempFolder folder = new();
        await using (ReadingLog whole = new(folder.Path))
        {
            await whole.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 200));
            await whole.RestartAsync();
        }

        var table = Directory.GetFiles(folder.Path, "*.sst").MaxBy(path => new FileInfo(path).Length)!;
        var bytes = await File.ReadAllBytesAsync(table, TestContext.Current.CancellationToken);
        bytes[bytes.Length / 4] ^= 1;
        await File.WriteAllBytesAsync(table, bytes, TestContext.Current.CancellationToken);
        await using ReadingLog store = new(folder.Path);
        Lines lines = new();
        UnreadFollower follower = new(store.Log, store.Log, new ReadPositions(store.Log, store.Log), lines);
        for (var i = 0; i < 3; i++)
        {
            Assert.Empty(await follower.BeginAsync(store.Room.Log, TestContext.Current.CancellationToken));
        }

        Assert.Single(lines.All);
    }

    private sealed class Lines : ILogger<UnreadFollower>
    {
        public List<string> All { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            All.Add(formatter(state, exception));
    }

    [Fact]
    public async Task A_message_that_is_removed_leaves_the_count_and_it_is_said_again()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        await using var other = await broker.ConnectAsync(bob);
        await using var page = await broker.ConnectBrowserAsync(await broker.SignInAsync(ana.Account));
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), ana.Account, byItself: true);
        await page.SubscribeAsync("users/ana/unread");
        Assert.True((await other.PublishAsync("rooms/lobby", "one")).Accepted);
        Assert.True((await other.PublishAsync("rooms/lobby", "two")).Accepted);
        await page.PublishesUntilAsync(publish => Unread(publish.Text) == 2);

        var log = broker.Get<IEventLog>();
        var said = log.ReadAfter(broker.Room("lobby").Log, 0, 10).Entries.First(entry => EventBody.TypeOf(entry.Body.Span) == EventType.Message);
        var result = await ReplaceAsync(log, broker.Room("lobby").Log, said.Seq);
        Assert.Equal(AppendOutcome.Stored, result.Outcome);

        await page.PublishesUntilAsync(publish => Unread(publish.Text) == 1);
    }

    [Fact]
    public async Task Fault_R13_Of_a_room_that_is_deleted_no_block_is_left()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var maker = await broker.RegisterAsync("maker");
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("club");
        var prefix = MessageBlocks.PrefixOf(broker.Room("club").Log);
        var records = broker.Get<IRecords>();
        using PeriodicTimer again = new(TimeSpan.FromMilliseconds(20));
        await using var client = await broker.ConnectAsync(maker);
        Assert.True((await client.PublishAsync("rooms/club", "one")).Accepted);
        while (records.ReadAll(prefix).Count == 0)
        {
            await again.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        await makers.Delete("/api/rooms/club");
        while (records.ReadAll(prefix).Count > 0)
        {
            await again.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    private static int Unread(string text) =>
        System.Text.Json.JsonDocument.Parse(text).RootElement.GetProperty("rooms")[0].TryGetProperty("unread", out var unread) ? unread.GetInt32() : -1;

    private static int EventsReadFor(ReadingLog store, long after)
    {
        CountingLog log = new(store.Log);
        Tallies tallies = new(new MessageBlocks(log, store.Log));
        tallies.CountAfter(store.Room.Log, after, store.Log.Head(store.Room.Log).Epoch, "ana", out var counted);
        Assert.Equal(store.Log.Head(store.Room.Log).Head, counted);
        return log.EventsRead;
    }

    private static Task<AppendResult> ReplaceAsync(ReadingLog store, long seq) => ReplaceAsync(store.Log, store.Room.Log, seq);

    private static Task<AppendResult> ReplaceAsync(IEventLog log, LogName name, long seq)
    {
        Author by = new("mod", "mod", "mod", "person");
        var removed = EventBody.Presence(EventType.Leave, by, EventBody.NewId(), []);
        return log.AppendAsync(name, "mod", null, default, EventBody.Presence(EventType.Leave, by, EventBody.NewId(), []), replacements: [new Replacement(seq, removed)]);
    }

    /// <summary>A follower that is brought the journal when the test says so.</summary>
    private sealed class Followed
    {
        private readonly ReadingLog _store;
        private readonly UnreadFollower _follower;
        private JournalPosition _place;

        public Followed(ReadingLog store)
        {
            _store = store;
            Tallies tallies = new(new MessageBlocks(store.Log, store.Log));
            ReadPositions positions = new(store.Log, store.Log);
            positions.Recounted += tallies.Forget;
            _follower = new UnreadFollower(store.Log, store.Log, positions, NullLogger<UnreadFollower>.Instance);
            Tallies = tallies;
        }

        /// <summary>Asked all the while.</summary>
        public Tallies Tallies { get; }

        public async Task BeginAsync()
        {
            _place = _store.Log.ReadJournal(null, 1).Next;
            await _follower.ForgetAsync(TestContext.Current.CancellationToken);
            foreach (var log in _store.Log.ReadLogs(null, 1000))
            {
                await _store.Log.WriteAsync(await _follower.BeginAsync(log, TestContext.Current.CancellationToken));
            }
        }

        public async Task FollowAsync()
        {
            while (_store.Log.ReadJournal(_place, 256) is { Batches.Count: > 0 } page)
            {
                await _store.Log.WriteAsync(await _follower.FollowAsync(page.Batches, TestContext.Current.CancellationToken));
                _place = page.Next;
            }
        }
    }

    /// <summary>The real log, and how much was read of it.</summary>
    private sealed class CountingLog(IEventLog real) : IEventLog
    {
        public int EventsRead { get; private set; }

        public void Append(PendingAppend append, bool moreFollows = false) => real.Append(append, moreFollows);

        public void Wake() => real.Wake();

        public LogHead Head(LogName log) => real.Head(log);

        public OpenLog Open(LogName log) => real.Open(log);

        public LogPage ReadAfter(LogName log, long after, int limit) => Counted(real.ReadAfter(log, after, limit));

        public LogPage ReadBefore(LogName log, long before, int limit) => Counted(real.ReadBefore(log, before, limit));

        public Task TruncateAsync(LogName log, long before) => real.TruncateAsync(log, before);

        public Task DropAsync(LogName log) => real.DropAsync(log);

        public Task SettleAsync() => real.SettleAsync();

        public ValueTask DisposeAsync() => real.DisposeAsync();

        private LogPage Counted(LogPage page)
        {
            EventsRead += page.Entries.Count;
            return page;
        }
    }
}
