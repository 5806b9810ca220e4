using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>What every implementation of <see cref="IEventLog"/> keeps to where stored events are changed, or go.</summary>
public abstract class EventChangeContract : LogSuite
{
    [Fact]
    public async Task A_replaced_body_is_read_in_its_place_and_all_else_stays()
    {
        var first = await Say("wrong", "m1");
        await Say("between");
        Time.Advance(TimeSpan.FromMinutes(1));
        var edit = await Say("edits 1", "m2", replacements: [new(1, Bytes("right"))]);

        Assert.Equal((AppendOutcome.Stored, 3L), (edit.Outcome, edit.Seq));
        for (var look = 0; look < 2; look++)
        {
            Assert.Equal(["right", "between", "edits 1"], Texts());
            var entry = Log.ReadAfter(Lobby, 0, 1).Entries[0];
            Assert.Equal((1L, first.At, "ana", 3L, edit.At), (entry.Seq, entry.At, entry.Author, entry.ChangedBy, entry.ChangedAt));
            var other = Log.ReadAfter(Lobby, 1, 1).Entries[0];
            Assert.Equal((0L, default), (other.ChangedBy, other.ChangedAt));
            await ReopenAsync();
        }

        var again = await Say("edits 1 again", replacements: [new(1, Bytes("better")), new(3, Bytes(""))]);
        Assert.Equal(["better", "between", "", "edits 1 again"], Texts());
        Assert.Equal([again.Seq, 0, again.Seq, 0], Log.ReadAfter(Lobby, 0, 10).Entries.Select(entry => entry.ChangedBy));
    }

    [Fact]
    public async Task The_id_of_a_replaced_event_is_equal_to_any_content()
    {
        var first = await Say("wrong", "m1");
        Assert.Equal(AppendOutcome.IdInUse, (await Say("other", "m1")).Outcome);
        var (edit, late) = await InOneBatchAsync(() => (Say("edits", replacements: [new(1, Bytes("right"))]), Say("another", "m1")));
        await edit;

        // Already for what stands behind it in its batch.
        Assert.Equal(new AppendResult(AppendOutcome.Duplicate, 1, first.At, first.Epoch), await late);
        foreach (var text in new[] { "wrong", "other" })
        {
            Assert.Equal(new AppendResult(AppendOutcome.Duplicate, 1, first.At, first.Epoch), await Say(text, "m1"));
        }

        Assert.Equal(2, Log.Head(Lobby).Head);
    }

    [Fact]
    public async Task What_is_not_there_is_not_replaced_and_makes_a_conflict()
    {
        await SayManyAsync(3);
        await Log.TruncateAsync(Lobby, 2);
        Assert.Equal(AppendOutcome.Stored, (await Say("edits", replacements: [new(2, Bytes("right"))])).Outcome);
        foreach (var seq in new long[] { -1, 0, 1, 5, long.MaxValue })
        {
            var refused = await Say("edits", "m1", replacements: [new(3, Bytes("not written")), new(seq, Bytes("x"))], changes: [Change("x", "x")]);
            Assert.Equal((AppendOutcome.Conflict, 0L), (refused.Outcome, refused.Seq));
            Assert.Equal(AppendOutcome.Conflict, (await Say("reacts", "m1", conditions: [new(seq, 0)], changes: [Change("x", "x")])).Outcome);
        }

        Assert.Equal(["right", "event 3", "edits"], Texts());
        Assert.Null(Record("x"));
        // Its id was not used up.
        Assert.Equal(5, (await Say("now", "m1")).Seq);
    }

    [Fact]
    public async Task Of_those_who_have_read_the_same_event_one_changes_it()
    {
        await Say("message");
        var (first, second, reaction, other) = await InOneBatchAsync(() => (
            Say("edit 1", replacements: [new(1, Bytes("first"))], conditions: [new(1, 0)]),
            Say("edit 2", replacements: [new(1, Bytes("second"))], conditions: [new(1, 0)]),
            Say("reacts", conditions: [new(1, 0)]),
            Say("not concerned")));

        Assert.Equal((AppendOutcome.Stored, 2L), ((await first).Outcome, (await first).Seq));
        Assert.Equal(AppendOutcome.Conflict, (await second).Outcome);
        Assert.Equal(AppendOutcome.Conflict, (await reaction).Outcome);
        Assert.Equal((AppendOutcome.Stored, 3L), ((await other).Outcome, (await other).Seq));
        Assert.Equal(["first", "edit 1", "not concerned"], Texts());

        // A condition alone changes nothing: both of these hold.
        var (one, two) = await InOneBatchAsync(() => (Say("reacts", conditions: [new(1, 2)]), Say("pins", conditions: [new(1, 2)])));
        Assert.Equal((AppendOutcome.Stored, AppendOutcome.Stored), ((await one).Outcome, (await two).Outcome));
    }

    [Fact]
    public async Task What_an_event_refers_to_is_judged_as_it_is_by_then()
    {
        await Say("message");
        Referring answer = new(Lobby, "a1", "message") { RefersTo = 1 };
        Log.Append(answer);
        Assert.Equal((AppendOutcome.Stored, 2L), await answer.Done);

        // Behind what changes it, and behind what adds it, all in one batch.
        var (late, early, own) = await InOneBatchAsync(() =>
        {
            Referring toOld = new(Lobby, "a2", "message") { RefersTo = 1 }, toNew = new(Lobby, "a3", "right") { RefersTo = 1 };
            Referring toOwn = new(Lobby, "a4", "answer") { RefersTo = 4 };
            _ = Say("edits", replacements: [new(1, Bytes("right"))]);
            Log.Append(toOld);
            Log.Append(toNew);
            Log.Append(toOwn);
            return (toOld, toNew, toOwn);
        });
        Assert.Equal((AppendOutcome.RuledOut, 0L), await late.Done);
        Assert.Equal((AppendOutcome.Stored, 4L), await early.Done);
        Assert.Equal((AppendOutcome.Stored, 5L), await own.Done);

        // What is not there is empty, and an id that is known is not asked about.
        Referring toNone = new(Lobby, "a5", "") { RefersTo = 99 }, again = new(Lobby, "a1", "something else") { RefersTo = 1 };
        Log.Append(toNone);
        Log.Append(again);
        Assert.Equal((AppendOutcome.Stored, 6L), await toNone.Done);
        Assert.Equal((AppendOutcome.Duplicate, 2L), await again.Done);
    }

    [Fact]
    public async Task An_event_that_is_still_being_written_can_be_replaced()
    {
        var (said, edit, again) = await InOneBatchAsync(() => (
            Say("wrong", "m1"),
            Say("edit", replacements: [new(1, Bytes("right"))], conditions: [new(1, 0)]),
            Say("edit again", replacements: [new(1, Bytes("better")), new(2, Bytes(""))], conditions: [new(1, 2)])));

        Assert.Equal([1, 2, 3], (await Task.WhenAll(said, edit, again)).Select(result => result.Seq));
        Assert.Equal(["better", "", "edit again"], Texts());
    }

    [Fact]
    public async Task An_event_that_is_not_stored_replaces_nothing()
    {
        await Say("message");
        await Say("edit", "m2", replacements: [new(1, Bytes("first"))]);

        Assert.Equal(AppendOutcome.Duplicate, (await Say("edit", "m2", replacements: [new(1, Bytes("second"))])).Outcome);
        Assert.Equal(AppendOutcome.IdInUse, (await Say("other", "m2", replacements: [new(1, Bytes("second"))])).Outcome);
        Assert.Equal(["first", "edit"], Texts());
    }

    [Fact]
    public async Task Truncated_events_are_not_read_any_more_and_numbers_go_on()
    {
        await SayManyAsync(20);
        await SayManyAsync(3, log: Garden);
        var epoch = Log.Head(Lobby).Epoch;
        await Log.TruncateAsync(Lobby, 15);

        for (var look = 0; look < 2; look++)
        {
            Assert.Equal(new LogHead(epoch, 20, 15), Log.Head(Lobby));
            Assert.Equal(Enumerable.Range(15, 6).Select(i => $"event {i}"), Texts());
            Assert.Equal([15, 16], Log.ReadAfter(Lobby, 3, 2).Entries.Select(entry => entry.Seq));
            Assert.Equal(6, Log.ReadBefore(Lobby, long.MaxValue, 1_000).Entries.Count);
            Assert.Empty(Log.ReadBefore(Lobby, 15, 10).Entries);
            await ReopenAsync();
        }

        Assert.Equal(21, (await Say("next")).Seq);
        Assert.Equal(3, Log.ReadAfter(Garden, 0, 10).Entries.Count);

        // Less than what is gone already.
        await Log.TruncateAsync(Lobby, 3);
        Assert.Equal((21, 15), (Log.Head(Lobby).Head, Log.Head(Lobby).First));
    }

    [Fact]
    public async Task A_log_of_which_all_was_truncated_is_empty_and_goes_on()
    {
        await Log.TruncateAsync(Lobby, 10);
        Assert.Equal((0, 0), (Log.Head(Lobby).Head, Log.Head(Lobby).First));

        await SayManyAsync(5);
        await Log.TruncateAsync(Lobby, long.MaxValue);
        Assert.Equal((5, 6), (Log.Head(Lobby).Head, Log.Head(Lobby).First));
        Assert.Empty(Texts());
        Assert.Empty(Log.ReadBefore(Lobby, long.MaxValue, 10).Entries);
        await ReopenAsync();
        await Log.TruncateAsync(Lobby, 100);

        Assert.Equal(6, (await Say("next")).Seq);
        Assert.Equal(["next"], Texts());
        Assert.Equal((6, 6), (Log.Head(Lobby).Head, Log.Head(Lobby).First));
    }

    [Fact]
    public async Task A_truncation_keeps_its_place_among_the_appends()
    {
        var before = Enumerable.Range(0, 50).Select(i => Say($"before {i}")).ToList();
        var truncated = Log.TruncateAsync(Lobby, long.MaxValue);
        var after = Enumerable.Range(0, 50).Select(i => Say($"after {i}")).ToList();
        await truncated;
        await Task.WhenAll(before);
        await Task.WhenAll(after);

        Assert.Equal((100, 51), (Log.Head(Lobby).Head, Log.Head(Lobby).First));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"after {i}"), Texts());
    }

    [Fact]
    public async Task The_id_of_a_truncated_event_is_remembered_for_seven_days()
    {
        await SayManyAsync(100, "old");
        Time.Advance(TimeSpan.FromDays(7));
        await SayManyAsync(100, "young");
        Time.Advance(TimeSpan.FromMilliseconds(1));
        await Log.TruncateAsync(Lobby, 191);
        await SweepAsync();

        Assert.Equal((AppendOutcome.Duplicate, 150L), ((await Say("event 50", "young 50")).Outcome, (await Say("event 50", "young 50")).Seq));
        Assert.Equal(AppendOutcome.IdInUse, (await Say("other", "young 50")).Outcome);
        // Among the newest 10,000, and yet gone, for its event is.
        Assert.Equal(AppendOutcome.Stored, (await Say("event 50", "old 50")).Outcome);

        await ReopenAsync();
        Time.Advance(TimeSpan.FromDays(7) - TimeSpan.FromMilliseconds(1));
        await SweepAsync();
        Assert.Equal(AppendOutcome.Duplicate, (await Say("event 51", "young 51")).Outcome);
        Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(AppendOutcome.Stored, (await Say("event 51", "young 51")).Outcome);
        Assert.Equal(AppendOutcome.Duplicate, (await Say("event 91", "young 91")).Outcome);
    }

    [Fact]
    public async Task A_dropped_log_begins_anew_also_when_it_was_truncated()
    {
        await SayManyAsync(30, "m");
        await Log.TruncateAsync(Lobby, 20);
        await Log.DropAsync(Lobby);
        await SayManyAsync(30, "m");
        await SweepAsync();
        await ReopenAsync();
        await SweepAsync();

        Assert.Equal((30, 1), (Log.Head(Lobby).Head, Log.Head(Lobby).First));
        Assert.Equal(30, Texts().Count);
    }

    [Fact]
    public async Task Reading_while_events_are_replaced_and_truncated_shows_each_as_it_was_or_as_it_is()
    {
        await SayManyAsync(2_000, "m");
        using CancellationTokenSource over = new();
        var readers = Enumerable.Range(0, 2).Select(reader => Task.Factory.StartNew(() =>
        {
            do
            {
                var page = reader == 0 ? Log.ReadAfter(Lobby, 0, 200) : Log.ReadBefore(Lobby, long.MaxValue, 1_000);
                Assert.True(page.Entries.Count > 0);
                for (var i = 0; i < page.Entries.Count; i++)
                {
                    var entry = page.Entries[i];
                    Assert.Equal(page.Entries[0].Seq + i, entry.Seq);
                    Assert.True(entry.Seq >= page.Head.First);
                    Assert.Equal(entry.ChangedBy == 0 ? "event" : "changed", Text(entry).Split(' ')[0]);
                }
            }
            while (!over.IsCancellationRequested);
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToList();

        for (var seq = 10; seq < 2_000; seq += 10)
        {
            await Log.TruncateAsync(Lobby, seq);
            Assert.Equal(AppendOutcome.Stored, (await Say("event", replacements: [new(seq + 5, Bytes($"changed {seq}")), new(1_999, Bytes("changed"))])).Outcome);
        }

        await over.CancelAsync();
        await Task.WhenAll(readers);
    }

    /// <summary>Says "answer" to an event, if that has this body.</summary>
    private sealed class Referring(LogName log, string id, string expected) : PendingAppend(log, "bea", id, 1, Bytes("answer"))
    {
        private readonly TaskCompletionSource<(AppendOutcome Outcome, long Seq)> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<(AppendOutcome Outcome, long Seq)> Done => _done.Task;

        protected internal override bool MayReferTo(ReadOnlySpan<byte> body) => body.SequenceEqual(Bytes(expected));

        protected override void Completed() => _done.SetResult((Outcome, Seq));
    }
}
