using System.Net;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Archives;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Archives;

/// <summary>What a file costs the server of which no room is made.</summary>
public sealed class ImportCostTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("events.jsonl", """{"seq":SEQ,"type":"x"}""")]
    [InlineData("reactions.jsonl", """{"of":99,"emoji":"👍","at":"2026-02-01T10:00:00Z","from":{"user":"ana","name":"Ana","kind":"person"}}""")]
    [InlineData("pins.jsonl", """{"of":99,"at":"2026-02-01T10:00:00Z","by":{"user":"ana","name":"Ana","kind":"person"}}""")]
    [InlineData("members.jsonl", """{"user":"ana","name":"x","role":"member","since":"2026-01-02T00:00:00.000Z"}""")]
    [InlineData("data.jsonl", """{"topic":"t","payload":"eA==","qos":1,"at":"2026-02-01T10:00:00Z","expiresAt":"2026-02-01T10:00:00Z"}""")]
    public async Task Lines_that_are_left_out_count(string part, string line)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ImportEvents", "3");
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        var file = RoomFile.Of();
        file[part] = Lines(4);

        var answer = await RoomFile.SendAsync(broker, zoe, file.Zipped(), HttpStatusCode.BadRequest);

        Assert.Contains($"{part} has more than 3 lines", answer.GetProperty("detail").GetString(), StringComparison.Ordinal);
        file[part] = Lines(3);
        await RoomFile.SendAsync(broker, zoe, file.Zipped());

        string Lines(int count) => string.Concat(Enumerable.Range(1, count).Select(seq => line.Replace("SEQ", $"{seq}", StringComparison.Ordinal) + "\n"));
    }

    [Theory]
    [InlineData("pins.jsonl", "broken")]
    [InlineData("data.jsonl", "broken")]
    [InlineData("reactions.jsonl", "broken")]
    [InlineData("events.jsonl", "broken")]
    public async Task All_of_a_file_is_read_before_anything_of_it_is_stored(string part, string end)
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        var file = RoomFile.Of(500);
        file[part] = (part == RoomFile.Events ? file[part] : "") + end;
        ImportRequest asked = new(zoe.Account, (await broker.SignInAsync(zoe.Account)).Session);
        var stored = 0L;

        await Assert.ThrowsAsync<ArchiveException>(
            () => broker.Get<RoomImport>().RunAsync(new MemoryStream(file.Zipped()), asked, now => stored = now, Cancellation));

        Assert.Equal(0, stored);
        Assert.Equal(0, broker.Get<StorageQuotas>().Of(zoe.Account).Used);
    }

    [Fact]
    public async Task What_was_written_for_nothing_is_paid_for_by_whose_fault_it_was()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RoomTriesPerDay", "1");
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        var quota = broker.Get<StorageQuotas>().Of(zoe.Account);
        await RoomFile.SendAsync(broker, zoe, RoomFile.Of(500).Zipped());
        var used = quota.Used;

        // It is stored when the room cannot be made.
        await RoomFile.SendAsync(broker, zoe, RoomFile.Of(500, "garden").Zipped(), HttpStatusCode.BadRequest);

        Assert.True(quota.Used > used + 10_000);
        Assert.Empty(broker.Get<IRecords>().ReadAll("import/"u8));
        Assert.Single(broker.Get<IJournal>().ReadLogs(null, 1_000), log => log.RoomKey is not null && broker.Get<IEventLog>().Head(log).Head >= 500);
        foreach (var (isPaidBack, isLeft) in (IEnumerable<(bool, bool)>)[(true, false), (false, true)])
        {
            StoragePayer payer = new(broker.Get<StorageQuotas>().Of((await MayAllAsync(broker, $"ana{isLeft}".ToLowerInvariant())).Account), broker.Get<DiskSpace>());
            Storing storing = new(broker.Get<IEventLog>(), broker.Get<IRecords>(), payer, payer, LogName.OfRoom(RoomStore.NewKey()));
            await storing.AppendAsync(
                new ImportedEvent(EventType.Message, 1, DateTimeOffset.UnixEpoch, new Author("imported:~ana", "~ana", "Ana", "person"), new byte[1000], null, 0), edits: 0);
            await storing.FlushAsync();
            await storing.EndAsync(isPaidBack);
            Assert.Equal(isLeft, payer.Quota.Used > 1000);
        }
    }

    [Fact]
    public async Task A_file_is_read_at_a_pace()
    {
        FakeTimeProvider time = new();
        var file = RoomFile.Of(1_000);
        await using var archive = await ArchiveFile.OpenAsync(new MemoryStream(file.Zipped()), new ArchiveBounds(0, 0, BytesPerSecond: 10_000), time, Cancellation);
        var began = time.GetUtcNow();
        var reading = Task.Run(() => archive.LinesAsync(RoomFile.Events, ArchiveFile.LongestLine, Cancellation).CountAsync(Cancellation).AsTask(), Cancellation);
        while (!reading.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Equal(1_000, await reading);
        Assert.True(time.GetUtcNow() - began >= TimeSpan.FromSeconds((file[RoomFile.Events].Length / 10_000) - 1));
    }

    [Fact]
    public async Task Who_reads_a_file_that_is_there_gives_the_others_their_turns()
    {
        var file = RoomFile.Of();
        await using var archive = await ArchiveFile.OpenAsync(new MemoryStream(file.Zipped()), null, TimeProvider.System, Cancellation);
        Turns turns = new();
        Task reading;
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(turns);
        try
        {
            reading = archive.ReadRoomAsync(Cancellation);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }

        await reading;
        Assert.True(turns.Count > 0);
    }

    private sealed class Turns : SynchronizationContext
    {
        public int Count { get; private set; }

        public override void Post(SendOrPostCallback d, object? state)
        {
            Count++;
            base.Post(d, state);
        }
    }
}
