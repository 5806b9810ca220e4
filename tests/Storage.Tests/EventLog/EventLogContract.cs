using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>
/// What every implementation of <see cref="IEventLog"/> keeps to: numbers, ids, pages.
/// What it keeps to over time: <see cref="EventLogLifeContract"/>.
/// </summary>
public abstract class EventLogContract : EventLogFixture
{
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
}
