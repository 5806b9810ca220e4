using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

public sealed class RocksJournalTests : JournalContract
{
    private readonly TempFolder _folder = new();
    private RocksRoomLogOptions _options = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task No_more_of_it_is_kept_than_its_bytes()
    {
        _options = new RocksRoomLogOptions { JournalBytes = 4_000 };
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

    private protected override (IRoomLog Log, IRecordStore Records, IJournal Journal) Open()
    {
        var log = RocksRoomLog.Open(_folder.In("events"), _options, Time, NullLogger<RocksRoomLog>.Instance);
        return (log, log, log);
    }

    private protected override Task SweepAsync() => RocksSweep.RunAsync(Log, Time, _options);
}
