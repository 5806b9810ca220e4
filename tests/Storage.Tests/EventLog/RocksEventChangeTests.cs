using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RocksDbSharp;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

public sealed class RocksEventChangeTests : EventChangeContract
{
    private readonly TempFolder _folder = new();
    private readonly RocksEventLogOptions _options = new() { TruncateStep = 10 };

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Truncated_events_leave_the_store_step_by_step_also_across_restarts_and_ids_when_their_time_is_over()
    {
        await SayManyAsync(500);
        await SayManyAsync(500, "m");
        await Log.TruncateAsync(Lobby, 991);
        // Each opening goes on with what is left.
        var left = await CountAsync();
        for (var opening = 0; opening < 100 && left.Whole > 10; opening++)
        {
            await RocksSweep.RunAsync(Log, Time, _options);
            var now = await CountAsync();
            Assert.True(now.Whole < left.Whole);
            left = now;
        }

        // Whole are those that stay; of the others with an id, the id is there.
        Assert.Equal((10, 490, 500), left);

        Time.Advance(TimeSpan.FromDays(8));
        for (var opening = 0; opening < 5; opening++)
        {
            await RocksSweep.RunAsync(Log, Time, _options);
        }

        Assert.Equal((10, 0, 10), await CountAsync());
        Assert.Equal(10, Texts().Count);
    }

    private protected override (IEventLog Log, IRecords Records, IJournal Journal) Open()
    {
        var log = RocksEventLog.Open(_folder.In("events"), _options, Time, NullLogger<RocksEventLog>.Instance);
        return (log, log, log);
    }

    private protected override Task SweepAsync() => RocksSweep.RunAsync(Log, Time, _options);

    /// <summary>What is in the store itself: events with a body, events without, and ids.</summary>
    private async Task<(int Whole, int Stubs, int Ids)> CountAsync()
    {
        await Log.DisposeAsync();
        var (whole, stubs, ids) = (0, 0, 0);
        using (var store = RocksDb.OpenReadOnly(new DbOptions(), _folder.In("events"), false))
        using (var iterator = store.NewIterator())
        {
            var prefix = LogRecords.Prefix(Encoding.ASCII.GetBytes(Lobby.Value));
            for (iterator.Seek(prefix); iterator.Valid() && iterator.GetKeySpan().StartsWith(prefix); iterator.Next())
            {
                switch (iterator.GetKeySpan()[prefix.Length])
                {
                    case (byte)'e' when LogRecords.ReadEvent(iterator.GetValueSpan()).Body.IsEmpty:
                        stubs++;
                        break;
                    case (byte)'e':
                        whole++;
                        break;
                    case (byte)'i':
                        ids++;
                        break;
                    default:
                        break;
                }
            }
        }

        await ReopenAsync();
        return (whole, stubs, ids);
    }
}
