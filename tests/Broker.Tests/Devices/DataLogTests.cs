using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>The data log of a room: its seqs, over restarts, and a disk that takes nothing.</summary>
public sealed class DataLogTests
{
    [Fact]
    public async Task No_seq_is_given_twice_also_when_all_was_removed_and_the_program_starts_again()
    {
        await using RetainedDisk disk = new();
        var log = await OpenAsync(disk);
        Assert.Equal(1, await SayAsync(disk, log, "a"));
        Assert.Equal(2, await SayAsync(disk, log, "b"));
        Assert.Equal(3, await SayAsync(disk, log, "c"));
        Assert.Equal(["a", "b", "c"], log.Read(0, out var end).Select(one => one.Message!.Topic));
        Assert.Equal(3, end);
        Assert.Equal(["c"], log.Read(2, out _).Select(one => one.Message!.Topic));
        await disk.RestartAsync();
        log = await OpenAsync(disk);
        Assert.Equal((3, 3L, 3L), (log.Size.Count, log.Head, log.Stored));

        // Nobody is owed anything.
        log.Sweep();
        Assert.Equal(0, log.Size.Count);
        await disk.RestartAsync();
        log = await OpenAsync(disk);

        Assert.Equal(0, log.Size.Count);
        Assert.Equal(4, await SayAsync(disk, log, "d"));
    }

    [Fact]
    public async Task Attack_62_What_is_older_than_its_hours_goes()
    {
        await using RetainedDisk disk = new();
        var log = await OpenAsync(disk);
        await SayAsync(disk, log, "a");
        Assert.Equal(1, log.Size.Count);
        disk.Time.Advance(TimeSpan.FromHours(25));
        for (var i = 0; i < 256; i++)
        {
            await SayAsync(disk, log, "b");
        }

        await disk.RestartAsync();
        log = await OpenAsync(disk);
        disk.Time.Advance(TimeSpan.FromHours(25));

        Assert.Equal(258, await SayAsync(disk, log, "c"));
        Assert.InRange(log.Size.Count, 1, 2);
    }

    [Fact]
    public async Task What_the_disk_does_not_take_is_said_not_to_be_stored()
    {
        await using RetainedDisk disk = new();
        var log = await OpenAsync(disk);
        await SayAsync(disk, log, "a");
        disk.FillDisk();

        Assert.False(await log.Append(RetainedDisk.Message("b", "1"), null, out var seq));
        Assert.Equal((0L, 1), (seq, log.Size.Count));
    }

    [Fact]
    public async Task Who_waits_is_told_when_what_it_waits_for_is_on_disk_and_not_with_what_was_before()
    {
        await using RetainedDisk disk = new();
        var log = await OpenAsync(disk);
        var room = RoomOn(disk);
        DataLogs logs = new(disk.Records, new BrokerLimits(), disk.Space, disk.Time, NullLogger<DataLogs>.Instance);
        DataCursor cursor = new(new DataSpace(room, new RateBudget(1, 1, disk.Time), log, logs, new BrokerLimits(), NullLogger<DataSpace>.Instance), logs, "x"u8.ToArray());
        log.Add(cursor);
        Heard heard = new();
        cursor.Reader = heard;

        var releaseFirst = disk.Records.Hold();
        var first = log.Append(RetainedDisk.Message("a", "1"), null, out _);
        log.Flush();
        var second = log.Append(RetainedDisk.Message("b", "2"), null, out var seq);
        cursor.Hear(seq);
        log.TellWhenStored(cursor);
        disk.Records.Hold();
        log.Flush();
        releaseFirst();
        await first;
        Assert.Equal((0, false), (heard.Times, cursor.IsDue));
        disk.Records.Release();
        await second;
        await Clients.HandshakeTests.UntilAsync(() => heard.Times == 1);

        Assert.True(cursor.IsDue);
    }

    [Fact]
    public async Task A_cursor_that_was_given_up_and_is_not_dropped_after_all_is_saved()
    {
        await using RetainedDisk disk = new();
        BrokerLimits limits = new();
        DataLogs logs = new(disk.Records, limits, disk.Space, disk.Time, NullLogger<DataLogs>.Instance);
        DataSpaces spaces = new(disk.Rooms, logs, limits, disk.Time, NullLogger<DataSpace>.Instance);
        var space = spaces.Of(RoomOn(disk));
        await space.Log.OpenAsync();
        var key = "x"u8.ToArray();

        // Its client does not know it, as if it were held again right after it was found to be given up.
        DataCursor cursor = new(space, logs, key, new DataCursors(spaces, 0, _ => key));
        space.Log.Add(cursor);
        await disk.Records.WriteAsync([new RecordChange(key, null)]);
        cursor.Hold([], isResuming: false);
        Assert.True(cursor.IsGivenUp);
        await logs.SaveAsync();

        Assert.NotNull(disk.Records.Find(key));
        await disk.Records.WriteAsync([new RecordChange(key, null)]);
        cursor.Advance(1);
        await logs.SaveAsync();
        Assert.NotNull(disk.Records.Find(key));
    }

    [Fact]
    public async Task A_room_that_is_gone_leaves_no_head_behind()
    {
        await using RetainedDisk disk = new();
        var log = await OpenAsync(disk);
        await SayAsync(disk, log, "a");
        log.Sweep();
        await disk.Records.WriteAsync([new RecordChange("x"u8.ToArray(), "x"u8.ToArray())]);
        Assert.NotNull(disk.Records.Find(DataLogRecord.HeadKey(RetainedDisk.Room)));
        await SayAsync(disk, log, "b");
        await log.ForgetAsync();
        Assert.Null(disk.Records.Find(DataLogRecord.HeadKey(RetainedDisk.Room)));

        log.Sweep();
        await disk.Records.WriteAsync([new RecordChange("x"u8.ToArray(), null)]);

        Assert.Equal(0, log.Size.Count);
        Assert.Null(disk.Records.Find(DataLogRecord.HeadKey(RetainedDisk.Room)));
    }

    [Fact]
    public void A_message_is_read_as_it_was_written()
    {
        DataMessage message = new()
        {
            Topic = "a//ç", Payload = new byte[] { 1, 2 }, Properties = new byte[] { 1, 1 }, QualityOfService = 2, Retain = true,
            ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(7_000), At = DateTimeOffset.FromUnixTimeMilliseconds(5_000), PublisherMark = 9,
        };
        var read = DataLogRecord.Read(DataLogRecord.Write(message))!;

        Assert.Equal(
            (message.Topic, message.QualityOfService, message.Retain, message.ExpiresAt, message.At, message.PublisherMark),
            (read.Topic, read.QualityOfService, read.Retain, read.ExpiresAt, read.At, read.PublisherMark));
        Assert.Equal(message.Payload.ToArray(), read.Payload.ToArray());
        Assert.Equal(message.Properties.ToArray(), read.Properties.ToArray());
        Assert.Null(DataLogRecord.Read([2, 0, 0]));
    }

    [Fact]
    public void A_cursor_is_read_as_it_was_written()
    {
        DataCursorRecord record = new(7, HasGap: true, [new DataSent(3, 6, 2, IsReceived: true), new DataSent(4, 7, 1, IsReceived: false)], [("a/é/#", 9)]);
        Assert.True(DataCursorRecord.TryRead(record.ToBytes(), out var read));
        Assert.Equal((record.Cursor, record.HasGap), (read.Cursor, read.HasGap));
        Assert.Equal(record.Sent, read.Sent);
        Assert.Equal(record.Since, read.Since);
        var bytes = record.ToBytes();
        Assert.All(Enumerable.Range(0, bytes.Length), length => Assert.False(DataCursorRecord.TryRead(bytes.AsSpan(0, length), out _)));
    }

    private sealed class Heard : IDataReader
    {
        public int Times { get; private set; }

        public void Stored() => Times++;
    }

    internal static Room RoomOn(RetainedDisk disk)
    {
        Assert.True(RoomId.TryParse("lobby", out var id));
        StorageQuotas quotas = new(new BrokerLimits(), disk.Records, TimeProvider.System);
        RoomRecord record = new(RetainedDisk.Room, id, "Lobby", "", new PolicyFields(), null, DateTimeOffset.UnixEpoch);
        return new Room(record, disk.Log, quotas, disk.Space, TimeProvider.System);
    }

    private static async Task<DataLog> OpenAsync(RetainedDisk disk)
    {
        DataLog log = new(RetainedDisk.Room, disk.Records, disk.Space, new BrokerLimits(), disk.Time, NullLogger.Instance);
        await log.OpenAsync();
        return log;
    }

    private static async Task<long> SayAsync(RetainedDisk disk, DataLog log, string topic)
    {
        var stored = log.Append(new DataMessage { Topic = topic, QualityOfService = 1, At = disk.Time.GetUtcNow() }, null, out var seq);
        log.Flush();
        Assert.True(await stored);
        return seq;
    }
}
