using System.Globalization;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>What every implementation of <see cref="IRecords"/> keeps to, beside the logs it shares its store with.</summary>
public abstract class RecordsContract : IAsyncLifetime
{
    private static readonly LogName Lobby = LogName.OfRoom("lobby");

    private IEventLog _log = null!;

    private IRecords _records = null!;

    public virtual ValueTask InitializeAsync()
    {
        (_log, _records) = Open();
        return ValueTask.CompletedTask;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the store of this test, the same one again after its log was disposed.</summary>
    private protected abstract (IEventLog Log, IRecords Records) Open();

    [Fact]
    public async Task A_record_is_found_until_it_is_replaced_or_deleted()
    {
        Assert.Null(Find("a"));

        await Write(("a", "one"), ("b", "other"));
        Assert.Equal(("one", "other"), (Find("a"), Find("b")));

        await Write(("a", "two"));
        Assert.Equal(("two", "other"), (Find("a"), Find("b")));

        await Write(("a", null), ("never there", null));
        Assert.Equal((null, "other"), (Find("a"), Find("b")));
    }

    [Fact]
    public async Task Within_one_write_the_last_change_of_a_record_counts()
    {
        await Write(("a", "one"), ("a", null), ("b", "one"), ("b", "two"));

        Assert.Equal((null, "two"), (Find("a"), Find("b")));
    }

    [Fact]
    public async Task Any_bytes_are_a_key_and_any_bytes_a_value()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];
        byte[] longest = [.. Enumerable.Repeat((byte)0xFF, 1_024)];
        await _records.WriteAsync([new(all, all), new([0], []), new(longest, new byte[100_000])]);

        Assert.Equal(all, _records.Find(all));
        Assert.Equal([], _records.Find([0])!);
        Assert.Equal(new byte[100_000], _records.Find(longest));
        Assert.Null(_records.Find([]));
    }

    [Fact]
    public async Task All_records_of_a_prefix_come_in_the_order_of_their_keys_and_no_others()
    {
        byte[][] keys = [[2], [2, 0], [2, 0, 1], [2, 0x7F], [2, 0x80], [2, 0xFF], [2, 0xFF, 0]];
        byte[][] others = [[1, 0xFF], [3], [3, 2]];
        await _records.WriteAsync([.. keys.Concat(others).Reverse().Select(key => new RecordChange(key, key))]);
        await _records.WriteAsync([new([2, 5], [5])]);
        await _records.WriteAsync([new([2, 5], null)]);

        var found = _records.ReadAll([2]);

        Assert.Equal(keys, found.Select(record => record.Key));
        Assert.Equal(keys, found.Select(record => record.Value));
        Assert.Equal(keys.Length + others.Length, _records.ReadAll([]).Count);
        Assert.Empty(_records.ReadAll([4]));
    }

    [Fact]
    public async Task Records_and_logs_do_not_meet()
    {
        // Keys as the logs could have them.
        string[] keys = ["r/lobby", "r/lobby\0h", "r/lobby\0e\0\0\0\0\0\0\0\u0001", "format", "\0format"];
        var first = await Say("hello", id: "m1");
        await Write([.. keys.Select(key => (key, (string?)"record"))]);
        await Say("goodbye", id: "m2");
        await Reopen();

        Assert.Equal(["hello", "goodbye"], Texts());
        Assert.All(keys, key => Assert.Equal("record", Find(key)));
        Assert.Equal(keys.Length, _records.ReadAll([]).Count);

        await _log.DropAsync(Lobby);
        Assert.Equal(keys.Length, _records.ReadAll([]).Count);

        await Write([.. keys.Select(key => (key, (string?)null))]);
        Assert.Empty(_records.ReadAll([]));
        Assert.Equal((AppendOutcome.Stored, 1L), ((await Say("again", id: "m1")).Outcome, _log.Head(Lobby).Head));
        Assert.NotEqual(first.Epoch, _log.Head(Lobby).Epoch);
    }

    [Fact]
    public async Task Everything_is_there_after_a_restart()
    {
        await Write([.. Enumerable.Range(0, 300).Select(i => ($"key {i:D3}", (string?)$"value {i}"))]);
        await Write(("key 007", null));
        await Reopen();

        Assert.Equal(Enumerable.Range(0, 300).Where(i => i != 7).Select(i => $"value {i}"), _records.ReadAll("key "u8).Select(record => Encoding.UTF8.GetString(record.Value)));
        Assert.Null(Find("key 007"));
    }

    [Fact]
    public async Task Writes_of_one_thread_take_effect_in_order_also_among_its_appends()
    {
        List<Task> under = [];
        for (var i = 1; i <= 500; i++)
        {
            under.Add(Say($"event {i}"));
            under.Add(Write(("last", i.ToString(CultureInfo.InvariantCulture))));
        }

        // Whoever sees the record sees the event that went before it, as soon as the log thread has said so.
        for (var last = 0; last < 500;)
        {
            last = int.Parse(Find("last") ?? "0", CultureInfo.InvariantCulture);
            Assert.True(SpinWait.SpinUntil(() => _log.Head(Lobby).Head >= last, TimeSpan.FromSeconds(30)));
        }

        await Task.WhenAll(under);
        Assert.Equal("500", Find("last"));
    }

    [Fact]
    public async Task A_write_is_seen_whole_or_not_at_all()
    {
        using CancellationTokenSource over = new();
        var reader = Task.Run(() =>
        {
            do
            {
                Assert.True(_records.ReadAll("key "u8).Select(record => Encoding.UTF8.GetString(record.Value)).Distinct().Count() <= 1);
            }
            while (!over.IsCancellationRequested);
        }, TestContext.Current.CancellationToken);
        for (var i = 0; i < 300; i++)
        {
            await Write([.. Enumerable.Range(0, 20).Select(number => ($"key {number}", (string?)$"value {i}"))]);
        }

        await over.CancelAsync();
        await reader;
        Assert.Equal(20, _records.ReadAll("key "u8).Count);
    }

    [Fact]
    public async Task The_record_of_an_event_is_written_with_it()
    {
        await Write(("p7", "old"));
        var result = await Say("hello", id: "m1", changes: [Change("p7", "new")]);

        Assert.Equal((AppendOutcome.Stored, "new"), (result.Outcome, Find("p7")));

        await Reopen();
        Assert.Equal("new", Find("p7"));
        await Say("and gone", changes: [Change("p7", null)]);
        Assert.Null(Find("p7"));
    }

    [Fact]
    public async Task The_record_of_an_event_that_is_not_stored_is_not_written()
    {
        await Say("hello", id: "m1");

        Assert.Equal(AppendOutcome.Duplicate, (await Say("hello", id: "m1", changes: [Change("p1", "x")])).Outcome);
        Assert.Equal(AppendOutcome.IdInUse, (await Say("other", id: "m1", changes: [Change("p2", "x")])).Outcome);
        // The same, while the first one is still being written.
        var same = await Task.WhenAll(Say("hello", id: "m2", changes: [Change("p3", "first")]), Say("hello", id: "m2", changes: [Change("p3", "second")]));

        Assert.Equal([AppendOutcome.Stored, AppendOutcome.Duplicate], same.Select(result => result.Outcome));
        Assert.Equal((null, null, "first"), (Find("p1"), Find("p2"), Find("p3")));
    }

    [Fact]
    public async Task A_key_that_is_none_is_refused_and_nothing_is_written()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _records.WriteAsync([new([1], [1]), new([], [1])]));
        await Assert.ThrowsAsync<ArgumentException>(() => _records.WriteAsync([new([1], [1]), new(new byte[1_025], [1])]));
        await Assert.ThrowsAsync<ArgumentException>(() => _records.WriteAsync([new([1], [1])], [new([], null)]));
        await Assert.ThrowsAsync<ArgumentException>(() => Say("x", conditions: [new([], null)]));
        await Assert.ThrowsAsync<ArgumentException>(() => Say("x", changes: [new(new byte[1_025], [1])]));
        Assert.ThrowsAny<ArgumentException>(() => _records.Find(new byte[1_025]));
        Assert.ThrowsAny<ArgumentException>(() => _records.ReadAll(new byte[1_025]));

        Assert.Empty(_records.ReadAll([]));
        Assert.Equal(0, _log.Head(Lobby).Head);
    }

    [Fact]
    public async Task What_was_queued_before_disposal_is_written_and_what_comes_after_is_refused()
    {
        var queued = Enumerable.Range(0, 100).Select(i => Write(($"key {i:D3}", "x"))).ToList();
        var closing = _log.DisposeAsync();
        var late = Write(("late", "x"));
        await closing;

        await Task.WhenAll(queued);
        await Assert.ThrowsAnyAsync<IOException>(() => late);
        Assert.Throws<ObjectDisposedException>(() => _records.Find([1]));
        Assert.Throws<ObjectDisposedException>(() => _records.ReadAll([]));
        (_log, _records) = Open();
        Assert.Equal(100, _records.ReadAll([]).Count);
    }

    [Fact]
    public async Task An_empty_write_keeps_its_place_and_does_nothing()
    {
        var said = Say("hello");
        await _records.WriteAsync([]);

        Assert.Equal(1, _log.Head(Lobby).Head);
        Assert.True((await said).Outcome is AppendOutcome.Stored);
        Assert.Empty(_records.ReadAll([]));
    }

    [Fact]
    public async Task A_write_is_done_if_its_conditions_hold_and_not_at_all_if_one_does_not()
    {
        Assert.Equal(WriteOutcome.Written, await WriteIf("a", "one", ("a", null)));
        Assert.Equal(WriteOutcome.Conflict, await WriteIf("a", "again", ("a", null)));
        Assert.Equal(WriteOutcome.Conflict, await WriteIf("a", "again", ("a", "other")));
        Assert.Equal(WriteOutcome.Conflict, await WriteIf("a", "again", ("a", "on")));
        Assert.Equal(WriteOutcome.Conflict, await WriteIf("a", "again", ("a", "")));
        Assert.Equal("one", Find("a"));

        Assert.Equal(WriteOutcome.Written, await WriteIf("b", "two", ("a", "one"), ("c", null)));
        Assert.Equal(WriteOutcome.Conflict, await WriteIf("b", "three", ("a", "one"), ("b", null)));
        Assert.Equal(WriteOutcome.Written, await WriteIf("a", null, ("a", "one"), ("b", "two")));
        Assert.Equal((null, "two"), (Find("a"), Find("b")));

        // No bytes are not no record.
        await Write(("empty", ""));
        Assert.Equal(WriteOutcome.Conflict, await WriteIf("x", "x", ("empty", null)));
        Assert.Equal(WriteOutcome.Written, await WriteIf("x", "x", ("empty", "")));
        await Reopen();
        Assert.Equal(WriteOutcome.Written, await WriteIf("y", "y", ("x", "x"), ("a", null)));
    }

    [Fact]
    public async Task Conditions_are_judged_against_what_comes_before_in_the_same_batch()
    {
        await Write(("a", "old"));
        var (plain, first, second, afterPlain, gone, notGone, other) = await InOneBatch(() => (
            Write(("a", "plain"), ("x", "plain")),
            WriteIf("a", "first", ("a", "plain")),
            WriteIf("a", "second", ("a", "plain")),
            WriteIf("x", null, ("x", "plain")),
            WriteIf("y", "gone", ("x", null)),
            WriteIf("z", "not gone", ("x", "plain")),
            Say("beside")));

        await plain;
        Assert.Equal(WriteOutcome.Written, await first);
        Assert.Equal(WriteOutcome.Conflict, await second);
        Assert.Equal(WriteOutcome.Written, await afterPlain);
        Assert.Equal(WriteOutcome.Written, await gone);
        Assert.Equal(WriteOutcome.Conflict, await notGone);
        Assert.Equal(AppendOutcome.Stored, (await other).Outcome);
        Assert.Equal(("first", null, "gone", null), (Find("a"), Find("x"), Find("y"), Find("z")));
    }

    [Fact]
    public async Task Of_many_writers_that_have_read_the_same_one_wins()
    {
        var turns = await Task.WhenAll(Enumerable.Range(0, 8).Select(async writer =>
        {
            var won = 0;
            for (var i = 0; i < 50; i++)
            {
                var read = Find("counter");
                var next = (int.Parse(read ?? "0", CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture);
                won += await WriteIf("counter", next, ("counter", read)) is WriteOutcome.Written ? 1 : 0;
            }

            return won;
        }));

        Assert.True(turns.Sum() >= 50);
        Assert.Equal(turns.Sum().ToString(CultureInfo.InvariantCulture), Find("counter"));
    }

    [Fact]
    public async Task An_event_whose_condition_does_not_hold_is_not_stored_and_others_are()
    {
        await Write(("rank", "member"));
        var stored = await Say("one", "m1", [Change("x", "1")], [If("rank", "member"), If("ban", null)]);
        var refused = await Say("two", "m2", [Change("x", "2")], [If("rank", "owner")]);

        Assert.Equal((AppendOutcome.Stored, 1L), (stored.Outcome, stored.Seq));
        Assert.Equal((AppendOutcome.Conflict, 0L, stored.Epoch), (refused.Outcome, refused.Seq, refused.Epoch));
        Assert.Equal("1", Find("x"));
        // Its id was not used up.
        Assert.Equal(2, (await Say("two", "m2", conditions: [If("rank", "member")])).Seq);
        // What is stored already is acknowledged, whatever holds by now.
        Assert.Equal(AppendOutcome.Duplicate, (await Say("one", "m1", conditions: [If("rank", "owner")])).Outcome);

        var (ban, late, other) = await InOneBatch(() => (
            Write(("ban", "ana")),
            Say("late", "m3", [Change("x", "3")], [If("ban", null)]),
            Say("not concerned")));
        await ban;
        Assert.Equal(AppendOutcome.Conflict, (await late).Outcome);
        Assert.Equal(AppendOutcome.Stored, (await other).Outcome);
        Assert.Equal("1", Find("x"));
        Assert.DoesNotContain("late", Texts());
    }

    [Fact]
    public async Task An_event_with_several_records_is_seen_with_all_of_them()
    {
        await Say("joins", changes: [Change("m/ana/lobby", "member"), Change("w/lobby/ana", ""), Change("old", null)]);
        await Reopen();

        Assert.Equal(("member", "", null), (Find("m/ana/lobby"), Find("w/lobby/ana"), Find("old")));
    }

    [Fact]
    public async Task Records_are_read_page_by_page()
    {
        await Write([.. Enumerable.Range(0, 25).Select(i => ($"p/{i:D2}", (string?)$"{i}")), ("o", "x"), ("p", "x"), ("p0", "x"), ("q", "x")]);

        List<string> keys = [];
        byte[] after = [];
        while (true)
        {
            var page = _records.ReadPage("p/"u8, after, 10);
            keys.AddRange(page.Select(record => Encoding.UTF8.GetString(record.Key)));
            if (page.Count < 10)
            {
                break;
            }

            after = page[^1].Key;
        }

        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"p/{i:D2}"), keys);
        // Also behind a record that has gone since.
        await Write(("p/09", null));
        Assert.Equal("p/10", Encoding.UTF8.GetString(_records.ReadPage("p/"u8, "p/09"u8, 1).Single().Key));
        Assert.Equal(1_000, await PageOfAThousandAsync());
        Assert.Throws<ArgumentException>(() => _records.ReadPage("p/"u8, "q"u8, 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => _records.ReadPage([], [], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _records.ReadPage([], [], 1_001));
    }

    private async Task<int> PageOfAThousandAsync()
    {
        await Write([.. Enumerable.Range(0, 1_001).Select(i => ($"many {i:D4}", (string?)"x"))]);
        return _records.ReadPage("many "u8, [], 1_000).Count;
    }

    private static RecordCondition If(string key, string? value) => new(Encoding.UTF8.GetBytes(key), value is null ? null : Encoding.UTF8.GetBytes(value));

    private static RecordChange Change(string key, string? value) => new(Encoding.UTF8.GetBytes(key), value is null ? null : Encoding.UTF8.GetBytes(value));

    private string? Find(string key) => _records.Find(Encoding.UTF8.GetBytes(key)) is { } value ? Encoding.UTF8.GetString(value) : null;

    private Task Write(params (string Key, string? Value)[] changes) => _records.WriteAsync([.. changes.Select(change => Change(change.Key, change.Value))]);

    private List<string> Texts() => [.. _log.ReadAfter(Lobby, 0, 1_000).Entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span))];

    private Task<AppendResult> Say(
        string text, string? id = null, IReadOnlyList<RecordChange>? changes = null, IReadOnlyList<RecordCondition>? conditions = null) =>
        _log.AppendAsync(Lobby, "ana", id, (UInt128)(uint)text.GetHashCode(StringComparison.Ordinal), Encoding.UTF8.GetBytes(text), changes, conditions);

    private Task<WriteOutcome> WriteIf(string key, string? value, params IReadOnlyList<(string Key, string? Value)> conditions) =>
        _records.WriteAsync([Change(key, value)], [.. conditions.Select(condition => If(condition.Key, condition.Value))]);

    // Handed over on the log thread itself, so that all of it is queued before the next batch is built.
    private async Task<T> InOneBatch<T>(Func<T> handOver)
    {
        Gathering gathering = new(Lobby, () => handOver()!);
        _log.Append(gathering);
        return (T)await gathering.HandedOver;
    }

    private async Task Reopen()
    {
        await _log.DisposeAsync();
        (_log, _records) = Open();
    }
}
