using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>What every implementation of <see cref="IJournal"/> keeps to.</summary>
public abstract class JournalContract : LogSuite
{
    private protected JournalPosition End => Journal.ReadJournal(null, 1).Next;

    [Fact]
    public async Task What_is_done_to_logs_is_told_in_its_order()
    {
        var begin = End;
        await Say("one");
        await Say("uno", log: Garden);
        await Say("edit", replacements: [new(1, Bytes("two"))]);
        await Log.TruncateAsync(Lobby, 2);
        await Log.DropAsync(Garden);
        await Records.WriteAsync([Change("x", "x")]);
        await Log.DropAsync(LogName.OfRoom("never used"));
        await Log.TruncateAsync(Lobby, 1);

        LogChange[][] expected =
        [
            [new(Lobby, JournalKind.Append, 1, 1)],
            [new(Garden, JournalKind.Append, 1, 1)],
            [new(Lobby, JournalKind.Replace, 1, 1), new(Lobby, JournalKind.Append, 2, 2)],
            [new(Lobby, JournalKind.Truncate, 1, 1)],
            [new(Garden, JournalKind.Drop, 1, 1)],
        ];
        for (var look = 0; look < 2; look++)
        {
            var page = Journal.ReadJournal(begin, 100);
            Assert.False(page.IsGap);
            Assert.Equal(expected, page.Batches.Select(batch => batch.Changes.ToArray()));
            Assert.Equal(End, page.Next);
            await ReopenAsync();
        }
    }

    [Fact]
    public async Task By_log_what_was_said_one_after_the_other_is_one_stretch_and_all_else_keeps_its_order()
    {
        var begin = End;
        await Say("1");
        await Say("uno", log: Garden);
        await Say("2");
        await Say("3");
        await Say("edit", replacements: [new(1, Bytes("one"))]);
        await Say("5");
        await Log.DropAsync(Garden);
        await Say("due", log: Garden);
        await Log.TruncateAsync(Lobby, 2);
        await Say("6");

        LogChange[] expected =
        [
            new(Lobby, JournalKind.Append, 1, 3),
            new(Lobby, JournalKind.Replace, 1, 1),
            new(Lobby, JournalKind.Append, 4, 5),
            new(Lobby, JournalKind.Truncate, 1, 1),
            new(Lobby, JournalKind.Append, 6, 6),
            new(Garden, JournalKind.Append, 1, 1),
            new(Garden, JournalKind.Drop, 1, 1),
            new(Garden, JournalKind.Append, 1, 1),
        ];
        Assert.Equal(expected, Journal.ReadJournal(begin, 100).Batches.ByLog());
    }

    [Fact]
    public async Task A_batch_is_told_as_one()
    {
        var begin = End;
        var all = await InOneBatchAsync(() => Task.WhenAll(Say("1"), Say("uno", log: Garden), Say("2"), Say("3", "m1"), Say("3", "m1"), Say("4")));
        await all;

        var batches = Journal.ReadJournal(begin, 100).Batches;
        Assert.Equal([new(LogName.OfRoom("~elsewhere"), JournalKind.Append, 1, 1)], batches[0].Changes);
        Assert.Equal([new(Lobby, JournalKind.Append, 1, 4), new(Garden, JournalKind.Append, 1, 1)], batches[1].Changes);
        Assert.Equal(2, batches.Count);
    }

    [Fact]
    public async Task Neighbours_whose_bodies_one_batch_replaces_are_told_as_one_stretch()
    {
        await SayManyAsync(5);
        await SayManyAsync(2, "m", Garden);
        var begin = End;

        var all = await InOneBatchAsync(() => Task.WhenAll(
            Say("x", replacements: [new(2, Bytes("x"))]),
            Say("x", replacements: [new(5, Bytes("x")), new(1, Bytes("x"))]),
            Say("x", replacements: [new(2, Bytes("x"))], log: Garden),
            Say("x", replacements: [new(3, Bytes("x"))])));
        await all;

        LogChange[] replaced =
        [
            new(Garden, JournalKind.Replace, 2, 2), new(Lobby, JournalKind.Replace, 1, 3), new(Lobby, JournalKind.Replace, 5, 5),
        ];
        var changes = Journal.ReadJournal(begin, 100).Batches[1].Changes;
        Assert.Equal(replaced, changes.Take(3).OrderBy(change => change.Log.Value, StringComparer.Ordinal).ThenBy(change => change.From));
        Assert.Equal([new(Lobby, JournalKind.Append, 6, 8), new(Garden, JournalKind.Append, 3, 3)], changes.Skip(3));
    }

    [Fact]
    public async Task It_is_read_page_by_page_from_a_place_that_holds_across_restarts()
    {
        var place = End;
        for (var i = 1; i <= 25; i++)
        {
            await Say($"event {i}");
        }

        List<long> seqs = [];
        List<long> numbers = [];
        while (Journal.ReadJournal(place, 10) is { Batches.Count: > 0 } page)
        {
            Assert.True(page.Batches.Count <= 10);
            seqs.AddRange(page.Batches.SelectMany(batch => batch.Changes).Select(change => change.From));
            numbers.AddRange(page.Batches.Select(batch => batch.Number));
            place = JournalPosition.Read(page.Next.ToBytes())!.Value;
            await ReopenAsync();
        }

        Assert.Equal(Enumerable.Range(1, 25).Select(seq => (long)seq), seqs);
        Assert.Equal(numbers.Order().Distinct(), numbers);
        await Say("next");
        Assert.Equal(26, Journal.ReadJournal(place, 10).Batches.Single().Changes.Single().From);
        Assert.Throws<ArgumentOutOfRangeException>(() => Journal.ReadJournal(place, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Journal.ReadJournal(place, 1_001));
    }

    [Fact]
    public async Task A_place_that_is_none_of_these_data_is_a_gap_and_the_end_is_said()
    {
        await Say("one");
        var end = End;
        Assert.False(Journal.ReadJournal(end, 10).IsGap);
        JournalPosition?[] others = [null, end with { Epoch = "other" }, end with { Number = end.Number + 1 }];
        foreach (var place in others)
        {
            var page = Journal.ReadJournal(place, 10);
            Assert.True(page.IsGap);
            Assert.Equal(end, page.Next);
            Assert.Empty(page.Batches);
        }
    }

    [Fact]
    public async Task What_is_older_than_seven_days_goes_and_who_is_behind_is_told()
    {
        var begin = End;
        await SayManyAsync(1);
        var old = End;
        Time.Advance(TimeSpan.FromDays(1));
        for (var i = 0; i < 5; i++)
        {
            await SayManyAsync(1);
        }

        Time.Advance(TimeSpan.FromDays(6));
        await SweepAsync();
        Assert.Equal(6, Journal.ReadJournal(begin, 100).Batches.Count);

        Time.Advance(TimeSpan.FromHours(1));
        await SweepAsync();
        for (var look = 0; look < 2; look++)
        {
            Assert.True(Journal.ReadJournal(begin, 100).IsGap);
            Assert.Equal(5, Journal.ReadJournal(old, 100).Batches.Count);
            await ReopenAsync();
        }

        // Numbers go on when nearly nothing is left.
        Time.Advance(TimeSpan.FromDays(30));
        await SweepAsync();
        var end = End;
        await ReopenAsync();
        Assert.Equal(end, End);
        Assert.False(Journal.ReadJournal(end, 1).IsGap);
        await Say("next");
        Assert.True(End.Number > end.Number);
    }

    [Fact]
    public async Task Who_waits_is_woken_when_there_is_more()
    {
        using CancellationTokenSource over = new();
        var end = End;
        var (one, two) = (Journal.WaitAsync(end, over.Token), Journal.WaitAsync(end, over.Token));
        await Records.WriteAsync([Change("x", "x")]);
        Assert.False(one.IsCompleted);

        await Say("one");
        await Task.WhenAll(one, two);
        // There is more already.
        await Journal.WaitAsync(end, over.Token);

        var cancelled = Journal.WaitAsync(End, over.Token);
        await over.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
    }

    [Fact]
    public async Task At_the_end_who_waits_hears_of_it()
    {
        var place = End;
        var waiting = Journal.WaitAsync(place, CancellationToken.None);
        await Log.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Journal.WaitAsync(place, CancellationToken.None));
        Assert.Throws<ObjectDisposedException>(() => Journal.ReadJournal(null, 1));
        Assert.Throws<ObjectDisposedException>(() => Journal.ReadLogs(null, 1));
        await ReopenAsync();
    }

    [Fact]
    public async Task Who_follows_beside_many_writers_hears_of_each_event_once()
    {
        const int Writers = 4;
        const int Each = 200;
        var place = End;
        var writing = Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < Each; i++)
            {
                await Say("x", log: LogName.OfRoom($"room {writer}"));
            }
        })).ToList();
        Dictionary<LogName, long> heard = [];
        while (heard.Values.Sum() < Writers * Each)
        {
            await Journal.WaitAsync(place, TestContext.Current.CancellationToken);
            var page = Journal.ReadJournal(place, 7);
            foreach (var change in page.Batches.SelectMany(batch => batch.Changes))
            {
                Assert.Equal(heard.GetValueOrDefault(change.Log) + 1, change.From);
                // What is told can be read.
                Assert.Equal(change.To, Log.ReadBefore(change.Log, change.To + 1, 1).Entries.Single().Seq);
                heard[change.Log] = change.To;
            }

            place = page.Next;
        }

        await Task.WhenAll(writing);
        Assert.Empty(Journal.ReadJournal(place, 1).Batches);
    }

    [Fact]
    public async Task All_logs_are_listed_page_by_page()
    {
        LogName[] logs = [.. Enumerable.Range(0, 7).Select(i => LogName.OfRoom($"a{i}")), LogName.OfRoom("a"), LogName.OfRoom("a-"), LogName.OfAccount("ana")];
        foreach (var log in logs)
        {
            await SayManyAsync(3, "m", log);
        }

        await Log.DropAsync(logs[0]);
        await Log.TruncateAsync(logs[1], long.MaxValue);
        await Records.WriteAsync([Change("r/record", "x")]);

        List<LogName> listed = [];
        LogName? after = null;
        while (Journal.ReadLogs(after, 4) is { Count: > 0 } page)
        {
            Assert.True(page.Count <= 4);
            listed.AddRange(page);
            after = page[^1];
        }

        Assert.Equal(logs[1..].OrderBy(log => log.Value, StringComparer.Ordinal), listed);
        Assert.Throws<ArgumentException>(() => Journal.ReadLogs(default(LogName), 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => Journal.ReadLogs(null, 0));
    }
}
