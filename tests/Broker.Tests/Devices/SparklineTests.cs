using System.Text;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>The numbers of the last day of a room's retained values: what is kept, what is on disk, and what goes.</summary>
public sealed class SparklineTests
{
    private static readonly TimeSpan s_tenMinutes = TimeSpan.FromSeconds(Sparkline.Seconds);

    [Fact]
    public async Task Of_each_ten_minutes_the_last_number_stands_and_after_a_day_it_is_gone()
    {
        await using RetainedDisk disk = new();
        await disk.SetAsync("t", "1");
        await disk.SetAsync("t", "2");
        disk.Time.Advance(s_tenMinutes);
        await disk.SetAsync("t", "3");
        disk.Time.Advance(s_tenMinutes * 2);
        Assert.Equal("2 3 - -", Shown(disk, "t"));
        await disk.SetAsync("t", "no number");
        Assert.Equal("2 3 - -", Shown(disk, "t"));
        await disk.SetAsync("t", "4");
        Assert.Equal("2 3 - 4", Shown(disk, "t"));

        disk.Time.Advance(s_tenMinutes * (Sparkline.Points - 2));
        Assert.Equal($"4{Nothing(Sparkline.Points - 2)}", Shown(disk, "t"));
        await disk.SetAsync("t", "5");
        Assert.Equal($"4{Nothing(Sparkline.Points - 3)} 5", Shown(disk, "t"));
    }

    [Fact]
    public async Task An_object_has_a_line_for_each_of_its_numbers_and_names_of_a_day_ago_give_their_place_to_others()
    {
        await using RetainedDisk disk = new();
        await disk.SetAsync("t", """{"temperature":21.5,"humidity":40,"more":{"depth":1}}""");
        Assert.Equal("21.5", Shown(disk, "t", "temperature"));
        Assert.Equal("40", Shown(disk, "t", "humidity"));
        Assert.Null(Shown(disk, "t", "depth"));
        Assert.Null(Shown(disk, "t"));

        await disk.SetAsync("t", """{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1}""");
        Assert.Equal(SparklineNumbers.Most, disk.Values.FindLines("t")!.Fields);
        Assert.Null(Shown(disk, "t", "7"));
        disk.Time.Advance(s_tenMinutes * (Sparkline.Points - 1));
        await disk.SetAsync("t", """{"temperature":22}""");
        disk.Time.Advance(s_tenMinutes);
        await disk.SetAsync("t", """{"7":7}""");
        Assert.Equal("7", Shown(disk, "t", "7"));
        Assert.Equal("22 -", Shown(disk, "t", "temperature"));
        Assert.Null(Shown(disk, "t", "humidity"));
    }

    [Fact]
    public void A_clock_that_is_set_back_writes_into_what_was_and_by_more_than_a_day_begins_anew()
    {
        // The clock of these tests goes forward alone.
        RoomSparklines room = new(RetainedDisk.Room, new Sparklines(new BrokerLimits()));
        room.Say("t", "1"u8, 3_000_000);
        room.Say("t", "2"u8, 2_999_998);
        Assert.Equal("2 - 1", Text(room.Find("t"), "", 3_000_000));
        room.Say("t", "3"u8, 3_000_000 - Sparkline.Points);
        Assert.Equal("3", Text(room.Find("t"), "", 3_000_000 - Sparkline.Points));
        Assert.Equal("", Text(room.Find("t"), "", 3_000_000));
    }

    [Fact]
    public async Task A_line_is_on_disk_with_the_next_ten_minutes_and_at_the_latest_with_the_end_of_the_program()
    {
        await using RetainedDisk disk = new();
        disk.Rooms.Sweep();
        await disk.SetAsync("t", "1");
        await SweepAsync(disk);
        await disk.RestartAsync();
        Assert.True(await disk.Values.OpenAsync());
        Assert.Null(disk.Values.FindLines("t"));

        disk.Rooms.Sweep();
        await disk.SetAsync("t", """{"a":2,"b":-0.5}""");
        disk.Time.Advance(s_tenMinutes);
        await SweepAsync(disk);
        await disk.SetAsync("t", """{"a":3}""");
        await SweepAsync(disk);
        await disk.RestartAsync();
        Assert.True(await disk.Values.OpenAsync());
        Assert.Equal("2 -", Shown(disk, "t", "a"));
        Assert.Equal("-0.5 -", Shown(disk, "t", "b"));

        await disk.SetAsync("t", """{"a":4}""");
        await disk.Rooms.SaveAsync();
        await disk.RestartAsync();
        Assert.True(await disk.Values.OpenAsync());
        Assert.Equal("2 4", Shown(disk, "t", "a"));
        disk.Time.Advance(s_tenMinutes * Sparkline.Points);
        await disk.RestartAsync();
        Assert.True(await disk.Values.OpenAsync());
        Assert.Null(disk.Values.FindLines("t"));
    }

    [Fact]
    public async Task A_disk_that_refuses_has_it_with_the_ten_minutes_after()
    {
        await using RetainedDisk disk = new();
        disk.Rooms.Sweep();
        await disk.SetAsync("t", "1");
        disk.Time.Advance(s_tenMinutes);
        disk.Records.Fails = true;
        await SweepAsync(disk);
        disk.Records.Fails = false;
        Assert.Empty(Stored(disk));
        disk.Time.Advance(s_tenMinutes);
        await SweepAsync(disk);
        Assert.Equal(["t"], Stored(disk));
    }

    [Theory]
    [InlineData("cleared")]
    [InlineData("expired")]
    public async Task With_its_value_a_line_goes_from_memory_and_disk(string how)
    {
        await using RetainedDisk disk = new();
        await disk.SetAsync("stays", "1");
        await disk.SetAsync("t", "1", expires: how == "expired" ? disk.Time.GetUtcNow().AddHours(1) : null);
        await disk.Rooms.SaveAsync();
        Assert.Equal(["stays", "t"], Stored(disk));

        if (how == "cleared")
        {
            await disk.SetAsync("t", "");
        }
        else
        {
            disk.Time.Advance(TimeSpan.FromHours(1));
            await SweepAsync(disk);
        }

        Assert.Null(disk.Values.FindLines("t"));
        Assert.Equal(["stays"], Stored(disk));
        Assert.Equal(1, disk.Rooms.Lines.Count);
        await disk.SetAsync("t", "2");
        Assert.Equal("2", Shown(disk, "t"));
    }

    [Fact]
    public async Task A_line_whose_value_is_gone_goes_when_the_room_is_read()
    {
        await using RetainedDisk disk = new();
        await disk.SetAsync("t", "1");
        await disk.Rooms.SaveAsync();
        await disk.Records.WriteAsync([new(RetainedRecord.KeyOf(RetainedRecord.PrefixOf(RetainedDisk.Room), "t"), null)]);
        await disk.RestartAsync();

        Assert.True(await disk.Values.OpenAsync());
        Assert.Null(disk.Values.FindLines("t"));
        await SweepAsync(disk);
        Assert.Empty(Stored(disk));
    }

    [Fact]
    public async Task With_its_room_all_lines_go()
    {
        await using RetainedDisk disk = new();
        for (var i = 0; i < 150; i++)
        {
            await disk.SetAsync($"t/{i}", "1");
        }

        await disk.Rooms.SaveAsync();
        Assert.Equal(150, Stored(disk).Count);
        await disk.Rooms.ForgetAsync(RetainedDisk.Room);
        Assert.Empty(Stored(disk));
        Assert.Equal(0, disk.Rooms.Lines.Count);
    }

    [Fact]
    public async Task Attack_64_A_room_has_so_many_and_the_one_published_longest_ago_makes_room()
    {
        await using RetainedDisk disk = new(new BrokerLimits { SparklinesPerRoom = 3 });
        foreach (var topic in new[] { "a", "b", "c" })
        {
            await disk.SetAsync(topic, "1");
        }

        await disk.Rooms.SaveAsync();
        disk.Time.Advance(s_tenMinutes);
        await disk.SetAsync("d", "0");
        Assert.Null(disk.Values.FindLines("d"));

        disk.Time.Advance(s_tenMinutes * 6);
        await disk.SetAsync("a", "2");
        await disk.SetAsync("d", "1");
        await disk.SetAsync("none", "no number");

        Assert.Equal("1 - - - - - - 2", Shown(disk, "a"));
        Assert.Null(disk.Values.FindLines("b"));
        Assert.Equal("1", Shown(disk, "d"));
        Assert.Equal(3, disk.Rooms.Lines.Count);
        await disk.Rooms.SaveAsync();
        Assert.Equal(["a", "c", "d"], Stored(disk));
    }

    [Fact]
    public async Task Where_a_room_has_none_none_are_kept_and_those_of_before_go()
    {
        await using RetainedDisk disk = new();
        await disk.SetAsync("t", "1");
        await disk.Rooms.SaveAsync();
        disk.Limits = new BrokerLimits { SparklinesPerRoom = 0 };
        await disk.RestartAsync();

        await disk.SetAsync("t", "2");
        Assert.Null(disk.Values.FindLines("t"));
        await SweepAsync(disk);
        Assert.Empty(Stored(disk));
    }

    [Fact]
    public async Task Attack_64_When_the_server_has_as_many_as_it_may_one_that_is_not_in_use_makes_room_and_none_that_is()
    {
        await using RetainedDisk disk = new(new BrokerLimits { Sparklines = 3 });
        var other = disk.Rooms.Of("rfedcba9876543210");
        async Task SetAsync(string topic) =>
            Assert.Equal(RetainedOutcome.Stored, await other.SetAsync(RetainedDisk.Message(topic, "1")));
        await disk.SetAsync("mine", "1");
        await SetAsync("one");
        await SetAsync("two");
        await SetAsync("three");
        Assert.NotNull(disk.Values.FindLines("mine"));
        Assert.Null(other.FindLines("one"));
        Assert.NotNull(other.FindLines("three"));

        disk.Time.Advance(TimeSpan.FromHours(1));
        await disk.SetAsync("mine too", "1");
        await SetAsync("four");
        Assert.Null(disk.Values.FindLines("mine"));
        Assert.NotNull(disk.Values.FindLines("mine too"));
        Assert.NotNull(other.FindLines("four"));
        Assert.Equal(3, disk.Rooms.Lines.Count);

        RoomSparklines third = new("r0000000000000000", disk.Rooms.Lines);
        await SetAsync("three");
        third.Say("t", "1"u8, Sparkline.BucketOf(disk.Time.GetUtcNow()));
        Assert.Null(third.Find("t"));
    }

    [Fact]
    public void Attack_64_A_small_machine_keeps_fewer()
    {
        Sparklines all = new(new BrokerLimits { Sparklines = 0, SparklinesPerRoom = 1000 }, memory: 16L * Sparkline.MostBytes * 10);
        RoomSparklines room = new(RetainedDisk.Room, all);
        for (var i = 0; i < 20; i++)
        {
            room.Say($"{i}", "1"u8, 1_000_000);
        }

        Assert.Equal(10, all.Count);
    }

    [Fact]
    public async Task Lines_stay_in_memory_when_the_values_of_their_room_are_let_go()
    {
        await using RetainedDisk disk = new();
        await disk.SetAsync("t", "1");
        Assert.True(disk.Values.TryLetGo());
        await disk.SetAsync("t", "2");
        Assert.Equal("2", Shown(disk, "t"));
        Assert.Equal(1, disk.Rooms.Lines.Count);
        await disk.Rooms.SaveAsync();
        Assert.Equal(["t"], Stored(disk));
    }

    [Fact]
    public async Task What_is_older_than_a_day_is_not_read_from_disk_and_goes_from_it()
    {
        await using RetainedDisk disk = new();
        await disk.SetAsync("old", "1");
        disk.Time.Advance(TimeSpan.FromHours(1));
        await disk.SetAsync("new", "2");
        await disk.Rooms.SaveAsync();
        Assert.Equal(["new", "old"], Stored(disk));
        await disk.RestartAsync();
        disk.Time.Advance(TimeSpan.FromHours(23));
        Assert.True(await disk.Values.OpenAsync());

        Assert.Null(Shown(disk, "old"));
        Assert.StartsWith("2", Shown(disk, "new"), StringComparison.Ordinal);
        await SweepAsync(disk);
        Assert.Equal(["new"], Stored(disk));
    }

    [Fact]
    public void Attack_64_One_that_was_read_from_disk_makes_room_before_one_that_is_in_use()
    {
        const long Now = 1_000_000;
        Sparklines all = new(new BrokerLimits { Sparklines = 2, SparklinesPerRoom = 1000 });
        RoomSparklines first = new("r1", all), second = new("r2", all), third = new("r3", all);
        first.Say("used", "1"u8, Now);
        Sparkline read = new("read", second);
        read.Set(""u8, 1, Now - 100);
        Assert.True(all.TryAdd(read, Now));

        third.Say("new", "1"u8, Now);

        Assert.Equal((true, false, true), (first.Find("used") is not null, second.Find("read") is not null, third.Find("new") is not null));
    }

    [Theory]
    [InlineData("r2")]
    [InlineData("r1")]
    public void Attack_64_One_that_was_read_from_disk_takes_the_place_of_none_that_is_newer(string room)
    {
        const long Now = 1_000_000;
        Sparklines all = new(new BrokerLimits { Sparklines = 1, SparklinesPerRoom = 1 });
        RoomSparklines first = new("r1", all);
        first.Say("newer", "1"u8, Now - 100);
        Sparkline read = new("older", room == "r1" ? first : new RoomSparklines(room, all));
        read.Set(""u8, 1, Now - 120);

        Assert.False(all.TryAdd(read, Now));

        Assert.NotNull(first.Find("newer"));
    }

    private static async Task SweepAsync(RetainedDisk disk)
    {
        disk.Rooms.Sweep();
        await disk.Values.SaveAsync();
    }

    private static List<string> Stored(RetainedDisk disk)
    {
        var prefix = SparklineRecord.PrefixOf(RetainedDisk.Room);
        return [.. disk.Records.ReadAll(prefix).Select(one => Encoding.UTF8.GetString(one.Key)[prefix.Length..])];
    }

    private static string? Shown(RetainedDisk disk, string topic, string field = "") =>
        Text(disk.Values.FindLines(topic), field, Sparkline.BucketOf(disk.Time.GetUtcNow()));

    // From the first number on; `-`: none was said.
    private static string? Text(Sparkline? line, string field, long until)
    {
        var points = new float[Sparkline.Points];
        return line?.TryRead(Encoding.UTF8.GetBytes(field), until, points) is not true ? null
            : string.Join(' ', points.SkipWhile(float.IsNaN).Select(point => float.IsNaN(point) ? "-" : FormattableString.Invariant($"{point}")));
    }

    private static string Nothing(int points) => string.Concat(Enumerable.Repeat(" -", points));
}
