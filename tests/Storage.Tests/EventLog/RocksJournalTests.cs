using Microsoft.Extensions.Logging.Abstractions;
using RocksDbSharp;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

public sealed class RocksJournalTests : JournalContract
{
    private readonly TempFolder _folder = new();
    private RocksEventLogOptions _options = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task No_more_of_it_is_kept_than_its_bytes()
    {
        _options = new RocksEventLogOptions { JournalBytes = 4_000 };
        await ReopenAsync();
        var begin = End;
        List<JournalPosition> places = [];
        for (var i = 0; i < 3_000; i++)
        {
            await Say("x");
            places.Add(End);
        }

        await SweepAsync();
        Assert.True(Journal.ReadJournal(begin, 1).IsGap);
        var kept = places.Count(place => !Journal.ReadJournal(place, 1).IsGap);
        // 16 bytes and then, of one change, 25.
        Assert.InRange(kept, 4_000 / 41, (4_000 / 41) + 2);
        Assert.Equal(kept - 1, Journal.ReadJournal(places[^kept], 1_000).Batches.Count);
    }

    /// <summary>Between the two the log itself does not show its new events yet.</summary>
    [Fact]
    public void What_is_on_disk_and_not_published_is_not_read()
    {
        using var store = RocksStore.Open(_folder.In("journal"), _options, TimeProvider.System, NullLogger.Instance);
        LogJournal journal = new(store.Db, _options, TimeProvider.System);
        var place = journal.End;
        using WriteBatch batch = new();
        journal.Add(new LogState(LogName.OfRoom("a"), null), JournalKind.Append, 1, 1);
        journal.PutInto(batch, 0);
        store.Db.Write(batch);

        Assert.Empty(journal.Read(place, 10).Batches);
        journal.Publish();
        Assert.Single(journal.Read(place, 10).Batches);
    }

    [Fact]
    public async Task After_a_damage_or_a_restore_everybody_begins_from_the_logs()
    {
        await Say("one");
        var place = End;
        await Log.DisposeAsync();
        RocksStore.RenewEpochsAtNextOpening(_folder.In("events"));
        await ReopenAsync();

        Assert.True(Journal.ReadJournal(place, 1).IsGap);
        Assert.Equal(place.Number, End.Number);
        Assert.NotEqual(place.Epoch, End.Epoch);
    }

    /// <summary>Or a follower would read, and find more, and read, for ever.</summary>
    [Fact]
    public void Who_has_read_up_to_a_number_that_a_failed_write_had_waits_for_the_next()
    {
        using var store = RocksStore.Open(_folder.In("journal"), _options, TimeProvider.System, NullLogger.Instance);
        LogJournal journal = new(store.Db, _options, TimeProvider.System);
        var place = journal.End;
        using (WriteBatch refused = new())
        {
            journal.Add(new LogState(LogName.OfRoom("a"), null), JournalKind.Append, 1, 1);
            journal.PutInto(refused, 0);
            journal.Clear();
        }

        // A batch of records alone is written.
        journal.Publish();
        var page = journal.Read(place, 10);

        Assert.Empty(page.Batches);
        Assert.False(journal.WaitAsync(page.Next, TestContext.Current.CancellationToken).IsCompleted);
    }

    [Fact]
    public async Task What_could_not_be_forgotten_is_still_served()
    {
        var begin = End;
        await Say("one");
        await Say("two");
        await Log.DisposeAsync();
        Time.Advance(TimeSpan.FromDays(8));

        // A store that is read only refuses every write, as a full disk does.
        using (var refusing = RocksDb.OpenReadOnly(new DbOptions(), _folder.In("events"), errorIfLogFileExists: false))
        {
            LogJournal journal = new(refusing, _options, Time);
            journal.BeginTrim();
            Assert.ThrowsAny<RocksDbException>(journal.Trim);
            Assert.Equal((false, 2), (journal.Read(begin, 10).IsGap, journal.Read(begin, 10).Batches.Count));
        }

        await ReopenAsync();
        await SweepAsync();
        Assert.True(Journal.ReadJournal(begin, 10).IsGap);
    }

    private protected override (IEventLog Log, IRecords Records, IJournal Journal) Open()
    {
        var log = RocksEventLog.Open(_folder.In("events"), _options, Time, NullLogger<RocksEventLog>.Instance);
        return (log, log, log);
    }

    private protected override Task SweepAsync() => RocksSweep.RunAsync(Log, Time, _options);
}
