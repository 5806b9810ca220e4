using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>The event log on a disk without space: a small file system in memory, for which the test must be allowed to mount.</summary>
public sealed class RocksFullDiskTests
{
    private static readonly LogName Lobby = LogName.OfRoom("lobby");

    private static readonly LogName Garden = LogName.OfRoom("garden");

    private static readonly byte[] LastSaid = [.. "last said"u8];

    [Fact]
    public async Task Attack_72_on_a_full_disk_nothing_is_acknowledged_reading_goes_on_and_it_recovers_by_itself()
    {
        await using var disk = await SmallDisk.MountAsync("8m");
        var events = Path.Combine(disk.Folder, "events");
        List<string> stored = [];
        string epoch;
        LogLines lines = new();
        await using (var log = Open(events, lines))
        {
            await SayUntil(log, stored, AppendOutcome.Stored);
            epoch = log.Head(Lobby).Epoch;

            // Many at once, until one is refused: its batch, and what was gathered behind it, is taken back as a whole.
            disk.Fill();
            List<Task<AppendResult>> sent = [];
            while (!sent.Any(one => one.IsCompletedSuccessfully && one.Result.Outcome is AppendOutcome.StoreFailed))
            {
                sent = [.. Enumerable.Range(0, 64).Select(i => Body($"{stored.Count + i}")).Select(body => log.AppendAsync(Lobby, "ana", null, 0, body, [new(LastSaid, body)]))];
                var results = await Task.WhenAll(sent);
                var kept = results.TakeWhile(result => result.Outcome is AppendOutcome.Stored).Count();
                Assert.All(results.Skip(kept), result => Assert.Equal(AppendOutcome.StoreFailed, result.Outcome));
                stored.AddRange(Enumerable.Range(stored.Count, kept).Select(number => $"{number}"));
            }

            Assert.NotEmpty(lines.Errors);
            // Records go the same way, alone and with an event.
            Assert.Equal(stored[^1], LastRecord(log));
            await Assert.ThrowsAnyAsync<IOException>(() => log.WriteAsync([new(LastSaid, Body("not written")), new([1], [])]));
            Assert.Equal(AppendOutcome.StoreFailed, (await log.AppendAsync(Lobby, "ana", null, 0, Body("not said"), [new(LastSaid, Body("not said"))])).Outcome);
            await Assert.ThrowsAnyAsync<IOException>(() => log.WriteAsync([new(LastSaid, Body("not written"))], [new(LastSaid, log.Find(LastSaid))]));
            Assert.Equal(stored[^1], LastRecord(log));
            Assert.Single(log.ReadAll([]));
            // The very first of a log fails too, and takes with it what was sent while its write ran: here, from the log thread.
            FirstOfItsLog first = new(log);
            log.Append(first);
            Assert.Equal(AppendOutcome.StoreFailed, await first.WhatBecameOfIt);
            await Assert.ThrowsAnyAsync<IOException>(() => first.Gathered);
            Assert.Equal(0, log.Head(Garden).Head);
            Assert.Equal(stored.Count, log.Head(Lobby).Head);
            Assert.Equal(stored.TakeLast(1_000), Read(log));

            disk.Free();
            await SayUntil(log, stored, AppendOutcome.Stored);
            Assert.Equal(stored.Count, log.Head(Lobby).Head);
            Assert.Equal(stored.TakeLast(1_000), Read(log));
            Assert.Equal(stored[^1], LastRecord(log));
            Assert.Equal(1, (await log.AppendAsync(Garden, "ana", null, 0, Body("first"))).Seq);
        }

        LogLines again = new();
        await using (var log = Open(events, again))
        {
            Assert.Empty(again.Errors);
            Assert.Equal((epoch, stored.Count), (log.Head(Lobby).Epoch, log.Head(Lobby).Head));
            Assert.Equal(stored.TakeLast(1_000), Read(log));
            Assert.Equal(stored[^1], LastRecord(log));
            Assert.Single(log.ReadAll([]));
            JournalCheck.AssertTellsOf(log, Lobby, stored.Count);
        }
    }

    [Fact]
    public async Task Attack_72_stopped_while_the_disk_is_full_it_opens_with_all_that_was_acknowledged()
    {
        await using var disk = await SmallDisk.MountAsync("8m");
        var events = Path.Combine(disk.Folder, "events");
        List<string> stored = [];
        string epoch;
        await using (var log = Open(events, new LogLines()))
        {
            await SayUntil(log, stored, AppendOutcome.Stored);
            epoch = log.Head(Lobby).Epoch;
            disk.Fill();
            await SayUntil(log, stored, AppendOutcome.StoreFailed);
        }

        disk.Free();
        LogLines lines = new();
        await using var again = Open(events, lines);
        Assert.Empty(lines.Errors);
        Assert.Equal((epoch, stored.Count), (again.Head(Lobby).Epoch, again.Head(Lobby).Head));
        Assert.Equal(stored, Read(again));
        JournalCheck.AssertTellsOf(again, Lobby, stored.Count);
        Assert.Equal(stored.Count + 1, (await again.AppendAsync(Lobby, "ana", null, 0, Body("next"))).Seq);
    }

    private static RocksEventLog Open(string folder, LogLines lines) =>
        RocksEventLog.Open(folder, new RocksEventLogOptions { MemtableBytes = 64 << 10, WalBytes = 1 << 20 }, TimeProvider.System, lines);

    private static byte[] Body(string text) => Encoding.UTF8.GetBytes(text.PadRight(2_000));

    private static List<string> Read(RocksEventLog log) =>
        [.. log.ReadBefore(Lobby, long.MaxValue, 1_000).Entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span).TrimEnd())];

    /// <summary>Says the next thing again and again until the outcome is this one.</summary>
    private static async Task SayUntil(RocksEventLog log, List<string> stored, AppendOutcome outcome)
    {
        using PeriodicTimer again = new(TimeSpan.FromMilliseconds(20));
        AppendResult result;
        do
        {
            var text = $"{stored.Count}";
            result = await log.AppendAsync(Lobby, "ana", null, 0, Body(text), [new(LastSaid, Body(text))]);
            if (result.Outcome is AppendOutcome.Stored)
            {
                stored.Add(text);
                Assert.Equal(stored.Count, result.Seq);
            }
        }
        while (result.Outcome != outcome && await again.WaitForNextTickAsync(TestContext.Current.CancellationToken));
    }

    private static string LastRecord(RocksEventLog log) => Encoding.UTF8.GetString(log.Find(LastSaid)!).TrimEnd();

    private sealed class FirstOfItsLog(RocksEventLog log) : PendingAppend(Garden, "ana", null, 0, Body("first"))
    {
        private readonly TaskCompletionSource<AppendOutcome> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<AppendOutcome> WhatBecameOfIt => _outcome.Task;

        // A drop of an unused log writes nothing, so nothing but the failure before it can make it fail.
        public Task Gathered { get; private set; } = Task.CompletedTask;

        protected override void Completed()
        {
            Gathered = log.DropAsync(LogName.OfRoom("unused"));
            _outcome.SetResult(Outcome);
        }
    }
}
