using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Where a group is in its log: what it needs of that, and what it is dealt.</summary>
public sealed class DataGroupCursorTests
{
    [Fact]
    public async Task The_log_is_needed_from_the_first_that_is_not_acknowledged_and_not_for_what_went_at_QoS_2()
    {
        await using RetainedDisk disk = new();
        var (log, cursor) = await OpenAsync(disk, most: 10);
        Assert.Equal((long.MaxValue, 0L), (cursor.FirstNeeded, cursor.LargestSeq));
        for (var seq = 1; seq <= 5; seq++)
        {
            Assert.Equal(seq, await SayAsync(disk, log, cursor, mayDeal: seq < 4));
        }

        // 1 to 3 are with members, and 4 and 5 wait.
        Assert.Equal((1L, 3L), (cursor.FirstNeeded, cursor.LargestSeq));
        cursor.Done(1);
        cursor.Return(3, wasSent: true);
        Assert.Equal((2L, (3L, 0L)), (cursor.FirstNeeded, (cursor.Next().Returned, cursor.Next().After)));
        cursor.Done(2);
        Assert.Equal(3, cursor.FirstNeeded);
        Assert.Equal(Dealing.Dealt, cursor.Deal(3, isExact: true, out var isRepeated));
        Assert.True(isRepeated);

        // It is only written down yet that it goes to a member, which may be gone by then.
        Assert.Equal(3, cursor.FirstNeeded);
        Assert.True(cursor.Pass(3, isRepeated: true, () => true));
        Assert.Equal(4, cursor.FirstNeeded);
        cursor.Return(3, wasSent: true);
        Assert.Equal(3, cursor.FirstNeeded);
        cursor.Done(3);
        Assert.Equal(Dealing.Dealt, cursor.Deal(4, isExact: false, out isRepeated));
        Assert.False(isRepeated);
        Assert.Equal(Dealing.Dealt, cursor.Deal(5, isExact: true, out _));
        Assert.Equal((4L, 5L), (cursor.FirstNeeded, cursor.LargestSeq));
        cursor.Done(4);
        Assert.Equal(5, cursor.FirstNeeded);
        Assert.True(cursor.Pass(5, isRepeated: false, () => true));
        Assert.Equal(long.MaxValue, cursor.FirstNeeded);
    }

    [Fact]
    public async Task What_was_acknowledged_meanwhile_is_passed_and_what_there_is_no_room_for_waits()
    {
        await using RetainedDisk disk = new();
        var (log, cursor) = await OpenAsync(disk, most: 2);
        await SayAsync(disk, log, cursor, mayDeal: true);
        await SayAsync(disk, log, cursor, mayDeal: false);
        await SayAsync(disk, log, cursor, mayDeal: false);
        cursor.Return(1, wasSent: true);
        cursor.Done(1);

        Assert.Equal(Dealing.Past, cursor.Deal(1, isExact: false, out _));
        Assert.Equal(Dealing.Dealt, cursor.Deal(2, isExact: false, out _));
        Assert.Equal(Dealing.Dealt, cursor.Deal(3, isExact: false, out _));
        await SayAsync(disk, log, cursor, mayDeal: false);
        Assert.Equal(Dealing.Full, cursor.Deal(4, isExact: false, out _));
        cursor.Done(2);
        Assert.Equal(Dealing.Dealt, cursor.Deal(4, isExact: false, out _));
        cursor.End();
        Assert.Equal(Dealing.Full, cursor.Deal(5, isExact: false, out _));
    }

    [Fact]
    public void What_may_not_be_read_is_noted_in_stretches_which_are_bounded()
    {
        WithheldStretches withheld = new();
        for (var stretch = 0; stretch < 64; stretch++)
        {
            Assert.True(withheld.Add((10 * stretch) + 1));
            Assert.True(withheld.Add((10 * stretch) + 5));
            withheld.Interrupt();
        }

        Assert.Equal([false, true, true, true, false], [.. new[] { 0L, 1, 3, 5, 7 }.Select(withheld.Contains)]);
        Assert.False(withheld.Add(1_000));
        Assert.True(withheld.Contains(7));
        WithheldStretches read = new();
        Assert.False(read.TryRestore("a/#", 1));
        Assert.All(withheld.ToRecord(), one => Assert.True(read.TryRestore(one.Text, one.Last)));
        Assert.Equal(withheld.ToRecord(), read.ToRecord());
        read.Forget(15);
        Assert.Equal([false, true, true], [.. new[] { 15L, 21, 1_000 }.Select(read.Contains)]);
    }

    private static async Task<(DataLog Log, DataGroupCursor Cursor)> OpenAsync(RetainedDisk disk, int most)
    {
        BrokerLimits limits = new();
        DataLogs logs = new(disk.Records, limits, disk.Space, disk.Time, NullLogger<DataLogs>.Instance);
        var log = logs.Of(RetainedDisk.Room);
        await log.OpenAsync();
        DataGroupCursor cursor = new(log, logs, "x"u8.ToArray(), most);
        log.Add(cursor);
        return (log, cursor);
    }

    private static async Task<long> SayAsync(RetainedDisk disk, DataLog log, DataGroupCursor cursor, bool mayDeal)
    {
        var stored = log.Append(new DataMessage { Topic = "a", QualityOfService = 1, At = disk.Time.GetUtcNow() }, null, out var seq);
        Assert.Equal(mayDeal, cursor.Hear(seq, mayDeal));
        log.Flush();
        Assert.True(await stored);
        return seq;
    }
}
