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

    [Fact]
    public async Task What_was_truncated_leaves_the_files_and_what_stays_is_there()
    {
        await SayManyAsync(300, "m");
        await Say("canarybird");
        await SayManyAsync(20, log: Garden);
        await Log.TruncateAsync(Lobby, 302);
        await Say("zebrafish");

        await ((ILogSpace)Log).GiveBackAsync(Lobby, TestContext.Current.CancellationToken);

        Assert.Equal(["zebrafish"], Texts());
        Assert.Equal(20, Log.ReadAfter(Garden, 0, 100).Entries.Count);
        await Log.DisposeAsync();
        Assert.Equal((1, 0), StoredEvents.Count(_folder.In("events"), Lobby, 302));
        Assert.False(StoredEvents.HasBytes(_folder.In("events"), "canarybird"));
        await ReopenAsync();
        Assert.Equal(AppendOutcome.Duplicate, (await Say("event 7", "m 7")).Outcome);
    }

    [Fact]
    public async Task A_purge_waits_until_what_was_truncated_is_cleared()
    {
        await SayManyAsync(3_000, "m");
        await Log.TruncateAsync(Lobby, 2_991);

        await Task.Run(() => ((RocksEventLog)Log).Purge(), TestContext.Current.CancellationToken);

        await Log.DisposeAsync();
        Assert.Equal((10, 0), StoredEvents.Count(_folder.In("events"), Lobby, 2_991));
        await ReopenAsync();
    }

    [Fact]
    public async Task A_log_that_is_dropped_while_it_is_shortened_keeps_what_it_is_told_next()
    {
        // An event a slice. The log thread does one after each of these: so the stretch has begun when the drop comes, and is not done.
        RocksEventLogOptions slow = new() { TruncateSlice = 1 };
        await using var log = RocksEventLog.Open(_folder.In("slow"), slow, Time, NullLogger<RocksEventLog>.Instance);
        await SayAsync(600);
        Gathering last = new(Garden, () => Task.WhenAll(log.DropAsync(Lobby), SayAsync(200)));
        Gathering second = new(Garden, () => HandOver(last));
        log.Append(new Gathering(Garden, () =>
        {
            _ = log.TruncateAsync(Lobby, 590);
            return HandOver(second);
        }));
        await (Task)await last.HandedOver;

        await log.GiveBackAsync(Lobby, TestContext.Current.CancellationToken);

        Assert.Equal((200, 1), (log.Head(Lobby).Head, log.Head(Lobby).First));
        Assert.Equal(
            Enumerable.Range(0, 200).Select(i => $"event {i}"),
            log.ReadAfter(Lobby, 0, 1_000).Entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span)));
        Assert.Equal(AppendOutcome.Duplicate, (await log.AppendAsync(Lobby, "ana", "m 7", 7, Bytes("event 7"))).Outcome);

        Gathering HandOver(Gathering next)
        {
            log.Append(next);
            return next;
        }

        Task SayAsync(int count) =>
            Task.WhenAll(Enumerable.Range(0, count).Select(i => log.AppendAsync(Lobby, "ana", $"m {i}", (UInt128)i, Bytes($"event {i}"))));
    }

    [Fact]
    public async Task A_log_that_is_truncated_while_another_is_cleared_has_its_turn_too()
    {
        // An event a slice, and ten a stretch. The log thread does one slice after each of these: so a stretch of the lobby has begun when
        // the garden, which is named before it, is truncated.
        RocksEventLogOptions slow = new() { TruncateStep = 10, TruncateSlice = 1 };
        await using (var log = RocksEventLog.Open(_folder.In("two"), slow, Time, NullLogger<RocksEventLog>.Instance))
        {
            await Task.WhenAll(new[] { Lobby, Garden }.SelectMany(name =>
                Enumerable.Range(0, 100).Select(i => log.AppendAsync(name, "ana", $"m {i}", (UInt128)i, Bytes($"event {i}")))));
            Gathering last = new(Lobby, () => log.TruncateAsync(Garden, 91));
            Gathering second = new(Lobby, () => HandOver(last));
            log.Append(new Gathering(Lobby, () =>
            {
                _ = log.TruncateAsync(Lobby, 91);
                return HandOver(second);
            }));
            await (Task)await last.HandedOver;
            await log.GiveBackAsync(Lobby, TestContext.Current.CancellationToken);

            Gathering HandOver(Gathering next)
            {
                log.Append(next);
                return next;
            }
        }

        Assert.Equal((10, 0), StoredEvents.Count(_folder.In("two"), Lobby, 91));
        Assert.Equal((10, 0), StoredEvents.Count(_folder.In("two"), Garden, 91));
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
