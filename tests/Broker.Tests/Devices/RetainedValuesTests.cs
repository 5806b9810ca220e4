using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using static WebMessenger.Broker.Tests.Devices.RetainedDisk;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>The retained values of a room: what is found, what is on disk, and what neither takes.</summary>
public sealed class RetainedValuesTests
{
    private static readonly byte[] s_properties = [0x03, 0, 4, .. "a/b;"u8, 0x26, 0, 1, .. "k"u8, 0, 2, .. "vv"u8];

    [Fact]
    public async Task A_value_comes_back_byte_for_byte_after_a_restart()
    {
        await using RetainedDisk disk = new();
        var at = disk.Time.GetUtcNow();
        DataMessage said = new()
        {
            Topic = "a//ü b", Payload = new byte[] { 0, 255, 1 }, Properties = s_properties, QualityOfService = 2, Retain = true,
            ExpiresAt = at.AddHours(1), At = at, PublisherMark = ulong.MaxValue - 1,
        };
        Assert.Equal(RetainedOutcome.Stored, await disk.Values.SetAsync(said));
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("b", "no properties, no end"));

        await disk.RestartAsync();

        Assert.True(await disk.Values.OpenAsync());
        var found = disk.Values.Find(said.Topic)!;
        Assert.Equal(said.Payload.ToArray(), found.Payload.ToArray());
        Assert.Equal(said.Properties.ToArray(), found.Properties.ToArray());
        Assert.Equal(
            (said.Topic, said.QualityOfService, true, said.ExpiresAt, said.At, said.PublisherMark),
            (found.Topic, found.QualityOfService, found.Retain, found.ExpiresAt, found.At, found.PublisherMark));
        Assert.Null(disk.Values.Find("b")!.ExpiresAt);
    }

    [Fact]
    public async Task A_value_of_QoS_1_is_on_disk_when_its_publisher_is_told_and_one_of_QoS_0_with_the_next_sweep()
    {
        await using RetainedDisk disk = new();
        Assert.True(await disk.Values.OpenAsync());
        disk.Records.Hold();
        var said = disk.SetAsync("one", "1");
        Assert.False(said.IsCompleted);
        Assert.Equal(["one=1"], await disk.ShownAsync());
        await disk.Records.Waiting(1);
        disk.Records.Release();
        Assert.Equal(RetainedOutcome.Stored, await said);
        Assert.Equal(["one=1"], disk.Stored());

        Assert.Equal(RetainedOutcome.Stored, disk.SetAtOnce("zero", "0", qos: 0));
        Assert.Equal(["one=1", "zero=0"], await disk.ShownAsync());
        Assert.Equal(["one=1"], disk.Stored());
        disk.Rooms.Sweep();
        await disk.Rooms.SaveAsync();
        Assert.Equal(["one=1", "zero=0"], disk.Stored());
    }

    [Fact]
    public async Task An_empty_payload_clears_and_clearing_nothing_is_nothing()
    {
        await using RetainedDisk disk = new();
        await disk.SetAsync("a/b", "1");
        await disk.SetAsync("a", "2");
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("a/b", ""));
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("never", ""));

        Assert.Equal(["a=2"], await disk.ShownAsync());
        Assert.Equal(["a=2"], disk.Stored());
        Assert.Equal((1, 24L), disk.Values.Size);
    }

    [Fact]
    public async Task The_newest_stands_whatever_the_disk_was_busy_with_when_it_came()
    {
        await using RetainedDisk disk = new();
        Assert.True(await disk.Values.OpenAsync());
        disk.Records.Hold();
        var first = disk.SetAsync("t", "1");
        await disk.Records.Waiting(1);
        List<Task<RetainedOutcome>> others = [];
        for (var number = 2; number <= 50; number++)
        {
            others.Add(disk.SetAsync("t", $"{number}", qos: (byte)(number % 3)));
            Assert.Equal([$"t={number}"], await disk.ShownAsync());
        }

        disk.Records.Release();
        Assert.Equal(RetainedOutcome.Stored, await first);
        Assert.All(await Task.WhenAll(others), outcome => Assert.Equal(RetainedOutcome.Stored, outcome));
        Assert.Equal(["t=50"], disk.Stored());

        await disk.RestartAsync();
        Assert.Equal(["t=50"], await disk.ShownAsync());
    }

    [Fact]
    public async Task Attack_64_A_room_that_changes_hands_while_memory_is_made_is_let_go_all_the_same()
    {
        await using RetainedDisk disk = new();
        AskedTime time = new();
        RetainedValues values = null!;
        RetainedMemory memory = new(new BrokerLimits(), bound: 10, () => [values], time);
        values = new RetainedValues(Room, memory, disk.Rooms.Lines, disk.Records, disk.Space, time, NullLogger.Instance) { OwnerId = "one" };
        Assert.True(await values.OpenAsync());
        memory.Take(1_000);
        time.Advance(RetainedMemory.KeptFor);
        time.Asked = () => values.OwnerId = "other";

        Assert.False(memory.HasRoomForRoom(0));

        Assert.False(values.IsOpen);
    }

    [Fact]
    public async Task Attack_72_What_the_disk_does_not_take_is_not_acknowledged_and_the_value_before_it_is_back()
    {
        await using RetainedDisk disk = new();
        await disk.SetAsync("t", "before");
        await disk.SetAsync("cleared", "before");
        disk.Records.Fails = true;

        Assert.Equal(RetainedOutcome.NotStored, await disk.SetAsync("t", "after"));
        Assert.Equal(RetainedOutcome.NotStored, await disk.SetAsync("new", "after"));
        Assert.Equal(RetainedOutcome.NotStored, await disk.SetAsync("cleared", ""));
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("zero", "later", qos: 0));
        disk.Rooms.Sweep();
        await disk.Rooms.SaveAsync();
        Assert.Equal(["cleared=before", "t=before", "zero=later"], await disk.ShownAsync());

        disk.Records.Fails = false;
        disk.Rooms.Sweep();
        await disk.Rooms.SaveAsync();
        Assert.Equal(["cleared=before", "t=before", "zero=later"], disk.Stored());
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("t", "after"));
        Assert.Equal(["cleared=before", "t=after", "zero=later"], disk.Stored());
        Assert.Equal(3, disk.Values.Size.Count);
    }

    [Fact]
    public async Task Attack_72_On_a_disk_that_is_nearly_full_values_are_cleared_and_none_is_set()
    {
        await using RetainedDisk disk = new();
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("a", "1"));
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("b", "1"));
        disk.FillDisk();

        Assert.Equal(RetainedOutcome.NotStored, await disk.SetAsync("a", "2"));
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("b", ""));
        Assert.Equal(["a=1"], disk.Stored());
    }

    [Fact]
    public async Task A_value_that_has_expired_is_not_found_and_goes_from_the_disk_so_many_at_a_time()
    {
        await using RetainedDisk disk = new();
        var end = disk.Time.GetUtcNow().AddSeconds(10);
        await Task.WhenAll(Enumerable.Range(0, 5_000).Select(number => disk.SetAsync($"e/{number}", "x", expires: end)));
        await disk.SetAsync("stays", "x");
        await disk.SetAsync("again", "x", expires: end);
        await disk.SetAsync("again", "y", expires: end.AddSeconds(100));
        Assert.Equal(5_002, (await disk.ShownAsync()).Count);

        disk.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(["again=y", "stays=x"], await disk.ShownAsync());
        Assert.Null(disk.Values.Find("e/1"));
        Assert.Equal(5_002, disk.Values.Size.Count);
        disk.Rooms.Sweep();
        Assert.Equal(3_002, disk.Values.Size.Count);
        disk.Rooms.Sweep();
        disk.Rooms.Sweep();
        await disk.Rooms.SaveAsync();
        Assert.Equal(["again=y", "stays=x"], disk.Stored());

        await disk.RestartAsync();
        disk.Time.Advance(TimeSpan.FromSeconds(100));
        Assert.Equal(["stays=x"], await disk.ShownAsync());
        disk.Rooms.Sweep();
        await disk.Rooms.SaveAsync();
        Assert.Equal(["stays=x"], disk.Stored());
    }

    [Fact]
    public void A_value_that_is_set_over_and_over_before_it_expires_takes_no_more_memory_each_time()
    {
        ExpiringValues expiring = new();
        RetainedTree tree = new();
        var stays = tree.FindOrAdd("stays");
        var end = DateTimeOffset.UnixEpoch.AddDays(10);
        Put(stays, end);
        var node = tree.FindOrAdd("t");
        for (var number = 0; number < 20_000; number++)
        {
            Put(node, end.AddMilliseconds(number));
        }

        Assert.InRange(expiring.Count, 2, 1_100);
        Assert.Same(stays, expiring.TakeDue(end.ToUnixTimeMilliseconds()));
        Assert.Same(node, expiring.TakeDue(end.AddDays(1).ToUnixTimeMilliseconds()));
        Assert.Null(expiring.TakeDue(end.AddDays(1).ToUnixTimeMilliseconds()));

        void Put(RetainedNode at, DateTimeOffset until)
        {
            at.Value = RetainedRecord.Write(Message("", "x", expires: until));
            expiring.Put(at, at.Value);
        }
    }

    [Fact]
    public async Task A_room_that_is_full_refuses_one_more_and_keeps_the_old_value_and_takes_what_is_no_more()
    {
        await using RetainedDisk disk = new(new BrokerLimits { RetainedPerRoom = 3 });
        for (var number = 0; number < 3; number++)
        {
            Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync($"t{number}", "x"));
        }

        Assert.Equal(RetainedOutcome.Full, disk.SetAtOnce("t3", "x"));
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("t2", "longer than it was"));
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("t0", ""));
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("t3", "x"));
        Assert.Equal(["t1=x", "t2=longer than it was", "t3=x"], disk.Stored());
    }

    [Fact]
    public async Task A_room_whose_values_have_as_many_bytes_as_they_may_refuses_what_is_larger_and_keeps_the_old_value()
    {
        await using RetainedDisk disk = new(new BrokerLimits { RetainedMegabytesPerRoom = 1 });
        var half = new string('x', 600_000);
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("a", half));
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("b", "small"));

        Assert.Equal(RetainedOutcome.Full, await disk.SetAsync("b", half));
        Assert.Equal("small", Encoding.UTF8.GetString(disk.Values.Find("b")!.Payload.Span));
        Assert.Equal(RetainedOutcome.Stored, await disk.SetAsync("a", half[1..]));
    }

    [Fact]
    public async Task When_the_memory_of_all_rooms_is_full_those_that_nobody_asks_for_are_let_go_and_else_nothing_more_comes_in()
    {
        await using RetainedDisk disk = new(new BrokerLimits { RetainedMegabytes = 2, RetainedAccountPercent = 0 });
        var (one, other) = (disk.Rooms.Of("rone"), disk.Rooms.Of("rother"));
        var large = new string('x', 900_000);
        Assert.Equal(RetainedOutcome.Stored, await one.SetAsync(Message("a", large)));
        Assert.Equal(RetainedOutcome.Stored, await other.SetAsync(Message("a", large)));

        // Both were asked for just now.
        Assert.Equal(RetainedOutcome.NoMemory, await other.SetAsync(Message("b", large)));
        disk.Time.Advance(RetainedMemory.KeptFor);
        Assert.True(await other.OpenAsync());
        Assert.Equal(RetainedOutcome.Stored, await other.SetAsync(Message("b", large)));
        Assert.Equal((false, true), (one.IsOpen, other.IsOpen));

        // Its turn to be read, and no room for it; then the other has its turn to go.
        Assert.False(await one.OpenAsync());
        Assert.False(one.IsOpen);
        disk.Time.Advance(RetainedMemory.KeptFor);
        Assert.Equal([$"a={large}"], await disk.ShownAsync(room: "rone"));
        Assert.False(other.IsOpen);
        disk.Time.Advance(RetainedMemory.KeptFor);
        Assert.Equal([$"a={large}", $"b={large}"], await disk.ShownAsync(room: "rother"));
        Assert.InRange(disk.Rooms.Memory.Now, 0, 2 << 20);
    }

    [Fact]
    public async Task Attack_64_Rooms_of_the_account_that_holds_most_of_the_memory_are_let_go_first()
    {
        await using RetainedDisk disk = new(new BrokerLimits { RetainedMegabytes = 2, RetainedAccountPercent = 0 });
        var large = new string('x', 450_000);
        foreach (var (room, owner) in new[] { ("rvictim", "victim"), ("rone", "hoarder"), ("rtwo", "hoarder"), ("rthree", "hoarder") })
        {
            await ((IRetainedRooms)disk.Rooms).OpenAsync(room, owner);
            Assert.Equal(RetainedOutcome.Stored, await disk.Rooms.Of(room).SetAsync(Message("a", large)));
            disk.Time.Advance(TimeSpan.FromSeconds(1));
        }

        // The victim's was used least lately.
        disk.Time.Advance(RetainedMemory.KeptFor);
        await ((IRetainedRooms)disk.Rooms).OpenAsync("rfour", "hoarder");
        Assert.Equal(RetainedOutcome.Stored, await disk.Rooms.Of("rfour").SetAsync(Message("a", large)));

        Assert.Equal((true, false, true), (disk.Rooms.Of("rvictim").IsOpen, disk.Rooms.Of("rone").IsOpen, disk.Rooms.Of("rfour").IsOpen));
    }

    [Fact]
    public async Task What_is_set_before_the_values_are_read_waits_in_its_order()
    {
        await using RetainedDisk disk = new();
        await disk.SetAsync("t", "old");
        await disk.SetAsync("u", "old");
        await disk.RestartAsync();

        List<Task<RetainedOutcome>> said = [];
        for (var number = 0; number < 200; number++)
        {
            said.Add(disk.Values.SetAsync(Message("t", $"{number}", qos: (byte)(number & 1))).AsTask());
        }

        Assert.All(await Task.WhenAll(said), outcome => Assert.Equal(RetainedOutcome.Stored, outcome));
        Assert.Equal(["t=199", "u=old"], await disk.ShownAsync());
        Assert.Equal(["t=199", "u=old"], disk.Stored());
    }

    [Fact]
    public async Task Who_takes_values_slowly_takes_none_that_was_replaced_also_where_they_were_let_go_meanwhile()
    {
        await using RetainedDisk disk = new();
        for (var number = 0; number < 10; number++)
        {
            await disk.SetAsync($"t/{number}", "old");
        }

        using var taken = disk.Values.Match(DataFilter.All).GetEnumerator();
        Assert.True(taken.MoveNext());
        var first = taken.Current.Topic;
        Assert.True(disk.Values.TryLetGo());
        for (var number = 0; number < 10; number++)
        {
            await disk.SetAsync($"t/{number}", number == 5 ? "" : "new");
        }

        List<string> rest = [];
        while (taken.MoveNext())
        {
            rest.Add($"{taken.Current.Topic}={Encoding.UTF8.GetString(taken.Current.Payload.Span)}");
        }

        Assert.Equal(
            Enumerable.Range(0, 10).Where(number => number != 5).Select(number => $"t/{number}").Where(topic => topic != first).Select(topic => topic + "=new"),
            rest.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Of_a_deleted_room_nothing_is_found_taken_or_stored_also_of_what_was_on_its_way()
    {
        await using RetainedDisk disk = new();
        await disk.SetAsync("t", "1");
        Assert.Equal(RetainedOutcome.Stored, await disk.Rooms.Of("rother").SetAsync(Message("t", "of another")));
        disk.Records.Hold();
        var underWay = disk.SetAsync("u", "2");
        await disk.Records.Waiting(1);
        var waiting = disk.SetAsync("v", "3");
        var forgetting = disk.Rooms.ForgetAsync(Room);
        Assert.Equal(RetainedOutcome.NotStored, await waiting);
        disk.Records.Release();
        await forgetting;

        Assert.Equal(RetainedOutcome.Stored, await underWay);
        Assert.Equal(RetainedOutcome.NotStored, await disk.SetAsync("t", "again"));
        Assert.False(await disk.Values.OpenAsync());
        Assert.Empty(disk.Values.Match(DataFilter.All));
        Assert.Empty(disk.Stored());
        Assert.Equal(["t=of another"], disk.Stored("rother"));
    }

    // Something happens while it is asked.
    private sealed class AskedTime : FakeTimeProvider
    {
        public Action? Asked { get; set; }

        public override long GetTimestamp()
        {
            Asked?.Invoke();
            return base.GetTimestamp();
        }
    }
}
