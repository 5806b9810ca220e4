using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using RocksDbSharp;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>Ids that are old enough leave the store, and no others. That they are not taken for known is the contract's.</summary>
public sealed class IdSweepTests : IAsyncLifetime
{
    private const int Kept = 10;

    private static readonly LogName Lobby = LogName.OfRoom("lobby");

    private TimeSpan _period = new RocksEventLogOptions().SweepPeriod;
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private RocksEventLog _log = null!;

    private string Events => _folder.In("events");

    public ValueTask InitializeAsync()
    {
        Open();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Ids_go_when_both_their_time_and_their_number_have_passed()
    {
        await Say(Lobby, "old", 1_000);
        await Say(LogName.OfRoom("quiet"), "old", Kept);
        await Say(LogName.OfAccount("ana"), "old", Kept + 1);
        _time.Advance(TimeSpan.FromDays(7) - _period);
        await Say(Lobby, "young", 100);
        await Sweep();

        // Seven days to the millisecond are not over yet.
        Assert.Equal(1_100, (await IdsIn(Lobby)).Count);

        _time.Advance(TimeSpan.FromMilliseconds(1));
        await Sweep();

        Assert.Equal(Names("young", 100), (await IdsIn(Lobby)).Order());
        Assert.Equal(Names("old", Kept), (await IdsIn(LogName.OfRoom("quiet"))).Order());
        Assert.Equal(Names("old", Kept + 1).Except(["old 0000"]), (await IdsIn(LogName.OfAccount("ana"))).Order());
        Assert.Equal(1_100, _log.Head(Lobby).Head);
    }

    [Fact]
    public async Task An_id_that_was_used_again_stays_with_its_new_event()
    {
        // So that no sweep comes before the id is used again.
        _period = TimeSpan.FromDays(30);
        await _log.DisposeAsync();
        Open();
        await Say(Lobby, "old", 100);
        _time.Advance(TimeSpan.FromDays(8));
        await Say(Lobby, "old", 1);
        await Say(Lobby, "young", Kept - 1);
        await Sweep();

        Assert.Equal(Names("old", 1).Concat(Names("young", Kept - 1)), (await IdsIn(Lobby)).Order());
        Assert.Equal(AppendOutcome.Duplicate, (await _log.AppendAsync(Lobby, "ana", "old 0000", 0, default)).Outcome);
    }

    [Fact]
    public async Task A_sweep_goes_on_where_the_last_one_stopped_also_after_a_restart()
    {
        await Say(Lobby, "old", 100);
        _time.Advance(TimeSpan.FromDays(8));
        await Sweep();
        Assert.Equal(Kept, (await IdsIn(Lobby)).Count);

        await Say(Lobby, "young", 100);
        _time.Advance(TimeSpan.FromDays(8));
        await Sweep();
        Assert.Equal(Names("young", 100).TakeLast(Kept), (await IdsIn(Lobby)).Order());
    }

    private static IEnumerable<string> Names(string name, int count) => Enumerable.Range(0, count).Select(i => $"{name} {i:D4}");

    private void Open() => _log = RocksEventLog.Open(Events, new RocksEventLogOptions { IdEvents = Kept, SweepPeriod = _period }, _time, NullLogger<RocksEventLog>.Instance);

    private async Task Say(LogName log, string name, int count)
    {
        var results = await Task.WhenAll(Names(name, count).Select(id => _log.AppendAsync(log, "ana", id, 0, Encoding.UTF8.GetBytes(id))));
        Assert.All(results, result => Assert.Equal(AppendOutcome.Stored, result.Outcome));
    }

    /// <summary>Lets a sweep come due, and takes more turns of the log thread than it needs: it does a step of it after each.</summary>
    private async Task Sweep()
    {
        _time.Advance(_period);
        for (var turn = 0; turn < 20; turn++)
        {
            await _log.DropAsync(LogName.OfRoom("unused"));
        }
    }

    /// <summary>The ids in the store itself.</summary>
    private async Task<List<string>> IdsIn(LogName log)
    {
        await _log.DisposeAsync();
        List<string> ids = [];
        using (var store = RocksDb.OpenReadOnly(new DbOptions(), Events, false))
        using (var iterator = store.NewIterator())
        {
            byte[] prefix = [.. LogRecords.Prefix(Encoding.ASCII.GetBytes(log.Value)), (byte)'i', 3, .. "ana"u8];
            for (iterator.Seek(prefix); iterator.Valid() && iterator.GetKeySpan().StartsWith(prefix); iterator.Next())
            {
                ids.Add(Encoding.UTF8.GetString(iterator.GetKeySpan()[prefix.Length..]));
            }
        }

        Open();
        return ids;
    }
}
