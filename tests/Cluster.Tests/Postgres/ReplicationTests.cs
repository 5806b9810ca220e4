using System.Text;
using Npgsql;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Tests.Postgres;

/// <summary>What nodes on one database hear of each other, and when.</summary>
public sealed class ReplicationTests : IAsyncLifetime
{
    private TestHouse _house = null!;

    public async ValueTask InitializeAsync() => _house = await TestHouse.CreateAsync();

    public ValueTask DisposeAsync() => _house is null ? default : _house.DisposeAsync();

    [Fact]
    public async Task What_one_writes_the_other_hears_in_its_order_with_the_events()
    {
        var nodes = await _house.OpenAsync("one", "two");
        var (one, two) = (nodes[0], nodes[1]);
        await one.Say("hello");
        await one.WriteAsync("k/a", "1");
        await one.WriteAsync("k/a", null);
        await one.Log.AppendAsync(TestHouse.Lobby, "one", null, 0, Encoding.UTF8.GetBytes("with"), [TestNode.Change("k/b", "2"), TestNode.Change("v/own", "x")]);
        await one.Log.Replication.EverywhereAsync();

        Assert.Equal(["k/a=1", "k/a=", "k/b=2"], two.Records);
        Assert.Equal([(JournalKind.Append, 1L, 1L), (JournalKind.Append, 2L, 2L)], two.Logs.Select(log => (log.Kind, log.From, log.To)));
        Assert.Equal(["hello", "with"], two.Logs.SelectMany(log => log.Entries).Select(entry => Encoding.UTF8.GetString(entry.Body.Span)));
        Assert.Equal("one", two.Logs[0].Entries[0].Author);
        Assert.Equal(one.Log.Head(TestHouse.Lobby), two.Logs[^1].Head);
        Assert.Equal(4, two.Ends);

        // Who wrote it does not hear it.
        Assert.Empty(one.Records);
        Assert.Empty(one.Logs);
    }

    [Fact]
    public async Task All_nodes_count_one_log_without_holes_and_know_each_others_ids()
    {
        var nodes = await _house.OpenAsync("one", "two", "three");
        var results = await Task.WhenAll(nodes.SelectMany(node => Enumerable.Range(0, 200).Select(i => node.Say($"{node.Name} {i}", $"{node.Name} {i}"))));

        Assert.All(results, result => Assert.Equal(AppendOutcome.Stored, result.Outcome));
        Assert.Equal(Enumerable.Range(1, 600).Select(seq => (long)seq), results.Select(result => result.Seq).Order());
        Assert.Single(results.Select(result => result.Epoch).Distinct());
        foreach (var node in nodes)
        {
            await node.Log.CatchUpAsync();
            Assert.Equal(nodes[0].Texts(), node.Texts());
            Assert.Equal(600, node.Log.Head(TestHouse.Lobby).Head);
        }

        // Sent again to another node after its own died.
        var again = await nodes[1].Log.AppendAsync(
            TestHouse.Lobby, "one", "one 7", (UInt128)(uint)"one 7".GetHashCode(StringComparison.Ordinal), Encoding.UTF8.GetBytes("one 7"));
        Assert.Equal((AppendOutcome.Duplicate, results[7].Seq), (again.Outcome, again.Seq));
    }

    /// <summary>The promise that all else rests on: what memory says as an event gets its number is what was written before, by
    /// whomever.</summary>
    [Fact]
    public async Task Attack_what_one_node_forbids_no_other_stores_from_then_on_even_if_no_call_arrives()
    {
        var nodes = await _house.OpenAsync("one", "two");
        _house.LoseBatches();
        for (var round = 0; round < 500; round++)
        {
            var (one, two) = round % 2 == 0 ? (nodes[0], nodes[1]) : (nodes[1], nodes[0]);
            await one.WriteAsync("k/ban", "x");
            Asking refused = new(two);
            two.Log.Append(refused);
            Assert.Equal(AppendOutcome.RightEnded, await refused.Done);

            await one.WriteAsync("k/ban", null);
            Asking stored = new(two);
            two.Log.Append(stored);
            Assert.Equal(AppendOutcome.Stored, await stored.Done);
        }

        Assert.Equal(500, nodes[0].Log.Head(TestHouse.Lobby).Head);
    }

    [Fact]
    public async Task What_comes_while_a_node_waits_for_the_others_is_written_with_what_was_there()
    {
        var cancellation = TestContext.Current.CancellationToken;
        PgEventLogOptions options = new() { WritesOnFor = TimeSpan.FromMinutes(1) };
        var (one, two) = (_house.Open("one", options), _house.Open("two", options));
        await one.Log.Replication.BeginAsync();
        await two.Log.Replication.BeginAsync();
        await one.Say("first");
        await two.Say("second");
        await one.Say("third");

        await using NpgsqlConnection other = new(_house.Connection);
        await other.OpenAsync(cancellation);
        await using NpgsqlCommand locking = new("SELECT FROM journal_head FOR UPDATE", other);
        await using NpgsqlCommand waiting = new("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'", other);
        await using (var turn = await other.BeginTransactionAsync(cancellation))
        {
            await locking.ExecuteNonQueryAsync(cancellation);
            var fourth = one.Say("fourth");
            await Nodes.Until.TrueAsync(async () => (long)(await waiting.ExecuteScalarAsync(cancellation))! > 0);
            var fifth = one.Say("fifth");
            await turn.RollbackAsync(cancellation);
            var stored = await Task.WhenAll(fourth, fifth);
            Assert.Equal([4L, 5L], stored.Select(result => result.Seq));
        }

        await using NpgsqlCommand batches = new("SELECT n FROM journal_head", other);
        Assert.Equal(4L, await batches.ExecuteScalarAsync(cancellation));
    }

    [Fact]
    public async Task Calls_that_are_lost_doubled_or_late_change_nothing_of_what_is_heard()
    {
        var nodes = await _house.OpenAsync("one", "two", "three");
        Random random = new(7);
        Lock gate = new();
        _house.Network.Fate = topic =>
        {
            lock (gate)
            {
                return topic is NodeTopic.Batch ? (Fate)random.Next(5) : Fate.Arrives;
            }
        };
        await Task.WhenAll(nodes.Select(async node =>
        {
            for (var i = 0; i < 150; i++)
            {
                await node.WriteAsync($"k/{node.Name}", $"{i}");
                await node.Say($"{node.Name} {i}");
            }
        }));
        foreach (var node in nodes)
        {
            await node.Log.Replication.EverywhereAsync();
        }

        foreach (var node in nodes)
        {
            foreach (var other in nodes.Where(other => other != node))
            {
                Assert.Equal(
                    Enumerable.Range(0, 150).Select(i => $"k/{other.Name}={i}"), node.Records.Where(record => record.StartsWith($"k/{other.Name}=", StringComparison.Ordinal)));
            }

            var heard = node.Logs.SelectMany(log => Enumerable.Range((int)log.From, (int)(log.To - log.From + 1))).ToList();
            Assert.Equal(heard.Order().Distinct(), heard);
            Assert.Equal(300, heard.Count);
            Assert.All(node.Logs.SelectMany(log => log.Entries), entry => Assert.NotEqual(node.Name, entry.Author));
        }
    }

    [Fact]
    public async Task A_node_that_was_brought_nothing_reads_it_when_it_is_told_how_far_the_others_are()
    {
        var nodes = await _house.OpenAsync("one", "two");
        var (one, two) = (nodes[0], nodes[1]);
        _house.LoseBatches();
        await one.WriteAsync("k/a", "1");
        two.Log.Reached(one.Log.Applied);
        await two.Log.AppliedAsync(one.Log.Applied);
        Assert.Equal("1", two.Memory("k/a"));

        await one.WriteAsync("k/a", "2");
        await two.Log.CatchUpAsync();
        Assert.Equal("2", two.Memory("k/a"));
    }

    [Fact]
    public async Task Nobody_has_heard_it_before_what_he_owes_for_it_is_done()
    {
        var (one, two) = (_house.Open("one"), _house.Open("two"));
        TaskCompletionSource closed = new();
        TaskCompletionSource heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
        two.Log.Replication.HearRecords("k/", _ =>
        {
            two.Log.Replication.Owe(closed.Task);
            heard.TrySetResult();
        });
        await one.Log.Replication.BeginAsync();
        await two.Log.Replication.BeginAsync();
        await one.WriteAsync("k/a", "1");
        var everywhere = one.Log.Replication.EverywhereAsync();
        var caughtUp = two.Log.CatchUpAsync();
        await heard.Task;

        // It goes on hearing meanwhile.
        await one.WriteAsync("other", "1");
        await two.Say("meanwhile");
        Assert.False(everywhere.IsCompleted);
        Assert.False(caughtUp.IsCompleted);

        closed.SetResult();
        await everywhere;
        await caughtUp;
    }

    [Fact]
    public async Task Who_listens_hears_what_was_written_since_the_log_was_opened_and_the_heads_are_known_before()
    {
        var one = _house.Open("one");
        await one.Say("before");
        var two = _house.Open("two");
        await one.Say("after");
        await one.WriteAsync("k/a", "1");
        await two.Log.CatchUpAsync();
        Assert.Equal(2, two.Log.Head(TestHouse.Lobby).Head);
        Assert.Empty(two.Records);

        await one.WriteAsync("k/a", "2");
        await two.Log.Replication.BeginAsync();
        Assert.Equal(["k/a=1", "k/a=2"], two.Records);
        Assert.Equal([2L], two.Logs.Select(log => log.From));
        Assert.Throws<InvalidOperationException>(() => two.Log.Replication.HearRecords("k/", _ => { }));
    }

    [Fact]
    public async Task Heads_drops_and_truncations_of_others_are_known_and_an_unused_log_has_one_epoch()
    {
        var nodes = await _house.OpenAsync("one", "two");
        var (one, two) = (nodes[0], nodes[1]);
        var open = two.Log.Open(TestHouse.Lobby);
        Assert.Equal(one.Log.Head(TestHouse.Lobby), open.Head);
        for (var i = 0; i < 20; i++)
        {
            await one.Say($"{i}");
        }

        await one.Log.TruncateAsync(TestHouse.Lobby, 11);
        await one.Log.Replication.EverywhereAsync();
        Assert.Equal((20, 11), (open.Head.Head, open.Head.First));
        Assert.Equal(11, two.Log.ReadAfter(TestHouse.Lobby, 0, 1).Entries[0].Seq);

        await one.Log.DropAsync(TestHouse.Lobby);
        await one.Log.Replication.EverywhereAsync();
        Assert.Equal(one.Log.Head(TestHouse.Lobby), open.Head);
        Assert.Equal(JournalKind.Drop, two.Logs[^1].Kind);
        Assert.Equal(0, open.Head.Head);

        var first = await two.Say("anew");
        Assert.Equal((1L, open.Head.Epoch), (first.Seq, first.Epoch));
    }

    [Fact]
    public async Task Reading_beside_another_nodes_truncations_and_drops_shows_no_hole_and_no_mixture()
    {
        var nodes = await _house.OpenAsync("one", "two");
        var (one, two) = (nodes[0], nodes[1]);
        _house.LoseBatches();
        await one.Say("0");
        using CancellationTokenSource over = new();
        var reader = Task.Factory.StartNew(
            () =>
            {
                do
                {
                    var page = two.Log.ReadAfter(TestHouse.Lobby, 0, 100);
                    for (var i = 0; i < page.Entries.Count; i++)
                    {
                        Assert.Equal(page.Head.First + i, page.Entries[i].Seq);
                    }

                    Assert.Single(page.Entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span).Split(' ')[0]).DefaultIfEmpty().Distinct());
                }
                while (!over.IsCancellationRequested);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        for (var life = 0; life < 60; life++)
        {
            await Task.WhenAll(Enumerable.Range(0, 20).Select(i => one.Say($"{life} {i}")));
            await one.Log.TruncateAsync(TestHouse.Lobby, 10);
            await one.Log.DropAsync(TestHouse.Lobby);
            await one.Log.SweepAsync();
            two.Log.Reached(one.Log.Applied - (life % 3));
        }

        await over.CancelAsync();
        await reader;
    }

    [Fact]
    public async Task A_node_that_the_feed_does_not_reach_back_to_ends_itself()
    {
        var nodes = await _house.OpenAsync("one", "two");
        var (one, two) = (nodes[0], nodes[1]);
        _house.LoseBatches();
        await one.Say("heard by nobody");
        await ExecuteAsync("DELETE FROM feed");
        await one.Say("next");
        two.Log.Reached(one.Log.Applied);

        Assert.NotEmpty(await two.Log.Health.Lost);
        Assert.Equal(AppendOutcome.StoreFailed, (await two.Say("not any more")).Outcome);
        Assert.False(two.Log.Health.IsWriting);
        Assert.Equal(AppendOutcome.Stored, (await one.Say("goes on")).Outcome);
    }

    [Fact]
    public async Task Who_starts_for_too_long_ends_itself()
    {
        var (one, two) = (_house.Open("one"), _house.Open("two", new() { KeptBytes = 1_000 }));
        await one.Log.Replication.BeginAsync();
        await one.WriteAsync("k/a", new string('x', 500));
        await two.Log.CatchUpAsync();
        Assert.False(two.Log.Health.Lost.IsCompleted);

        await one.WriteAsync("k/a", new string('x', 500));
        two.Log.Reached(one.Log.Applied);
        Assert.NotEmpty(await two.Log.Health.Lost);
    }

    [Theory]
    [InlineData("UPDATE journal_head SET epoch = 'other'")]
    [InlineData("UPDATE journal_head SET n = n - 1")]
    public async Task A_node_whose_database_was_put_back_ends_itself(string restore)
    {
        var nodes = await _house.OpenAsync("one");
        await nodes[0].Say("before");
        await ExecuteAsync(restore);

        Assert.Equal(AppendOutcome.StoreFailed, (await nodes[0].Say("not in that database")).Outcome);
        Assert.NotEmpty(await nodes[0].Log.Health.Lost);
    }

    [Fact]
    public async Task A_node_that_was_declared_dead_writes_nothing_more()
    {
        await ExecuteAsync("CREATE TABLE test_dead (dead boolean)");
        await ExecuteAsync("INSERT INTO test_dead VALUES (false)");
        await using var log = PgEventLog.Open(
            _house.Connection, null, _house.Network.Join("one"), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<PgEventLog>.Instance,
            () => new("SELECT dead FROM test_dead"));
        Assert.Equal(AppendOutcome.Stored, (await log.AppendAsync(TestHouse.Lobby, "ana", null, 0, default)).Outcome);

        await ExecuteAsync("UPDATE test_dead SET dead = true");
        Assert.Equal(AppendOutcome.StoreFailed, (await log.AppendAsync(TestHouse.Lobby, "ana", null, 0, default)).Outcome);
        await Assert.ThrowsAnyAsync<IOException>(() => log.WriteAsync([TestNode.Change("k/a", "1")]));
        Assert.NotEmpty(await log.Health.Lost);
        Assert.Equal(1, log.Head(TestHouse.Lobby).Head);
    }

    [Fact]
    public async Task More_than_a_call_or_a_queue_has_room_for_is_read_from_the_database()
    {
        PgEventLogOptions small = new() { CallBytes = 2_000, WaitingBytes = 4_000, FeedStep = 3 };
        var (one, two) = (_house.Open("one", small), _house.Open("two", small));
        await one.Log.Replication.BeginAsync();
        await two.Log.Replication.BeginAsync();
        for (var i = 0; i < 50; i++)
        {
            await one.WriteAsync($"k/{i}", new string('x', i * 100));
            await one.Say(new string('y', i * 100));
        }

        await one.Log.Replication.EverywhereAsync();
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"k/{i}={new string('x', i * 100)}"), two.Records);
        Assert.Equal(Enumerable.Range(1, 50).Select(seq => (long)seq), two.Logs.Select(log => log.To));
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var database = Npgsql.NpgsqlDataSource.Create(_house.Connection);
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Has the right only as long as the node's memory says nothing of a ban.</summary>
    private sealed class Asking(TestNode node) : PendingAppend(TestHouse.Lobby, node.Name, null, 0, default)
    {
        private readonly TaskCompletionSource<AppendOutcome> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<AppendOutcome> Done => _done.Task;

        protected internal override bool HasRight => node.Memory("k/ban") is null;

        protected override void Completed() => _done.SetResult(Outcome);
    }
}
