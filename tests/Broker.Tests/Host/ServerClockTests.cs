using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Host;

public sealed class ServerClockTests
{
    private static readonly DateTimeOffset _now = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan _tenYears = TimeSpan.FromDays(3652);

    private readonly FakeTimeProvider _passing = new(_now);
    private readonly JumpingClock _machine;

    public ServerClockTests() => _machine = new(_passing);

    [Fact]
    public void A_clock_that_is_right_is_followed()
    {
        ServerClock clock = new(_machine, _now - TimeSpan.FromMinutes(1));
        for (var second = 0; second < 100; second++)
        {
            _passing.Advance(TimeSpan.FromSeconds(1));

            // As the network's time draws it.
            _machine.Off += TimeSpan.FromMilliseconds(1);
            Assert.Null(clock.Look());
        }

        Assert.Equal(_machine.GetUtcNow(), clock.GetUtcNow());
        Assert.Equal(TimeSpan.Zero, clock.StartsLater);
    }

    [Fact]
    public void Fault_B13_A_machine_that_starts_years_back_goes_on_where_it_was()
    {
        _machine.Off = -_tenYears;
        ServerClock clock = new(_machine, _now);
        Assert.Equal(_now, clock.GetUtcNow());

        // The network sets the clock, two hours after the server last ran.
        _passing.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(clock.Look());
        _machine.Off = TimeSpan.FromHours(2);

        Assert.Equal(new ClockStep(TimeSpan.FromHours(2), TimeSpan.Zero), clock.Look());
    }

    [Fact]
    public void Fault_B13_A_jump_of_ten_years_is_not_believed_until_it_lasts_and_then_no_time_has_passed()
    {
        ServerClock clock = new(_machine, null);
        _machine.Off = _tenYears;
        for (var minute = 0; minute < 10; minute++)
        {
            Assert.Null(clock.Look());
            _passing.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(_now + TimeSpan.FromMinutes(10), clock.GetUtcNow());
        var step = clock.Look();
        Assert.Equal(new ClockStep(_tenYears, _tenYears), step);
        clock.Follow(step!);
        Assert.Equal(_machine.GetUtcNow(), clock.GetUtcNow());
        Assert.Null(clock.Look());
    }

    [Fact]
    public void Fault_B13_A_jump_that_is_taken_back_is_never_followed()
    {
        ServerClock clock = new(_machine, null);
        for (var jump = 0; jump < 5; jump++)
        {
            _machine.Off = _tenYears;
            Assert.Null(clock.Look());
            _passing.Advance(ServerClock.Confirmation - TimeSpan.FromSeconds(1));
            _machine.Off = TimeSpan.Zero;
            Assert.Null(clock.Look());
            _passing.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(_machine.GetUtcNow(), clock.GetUtcNow());
    }

    [Fact]
    public void Fault_B13_A_clock_that_was_ahead_and_is_set_back_is_followed_when_it_lasts()
    {
        _machine.Off = -_tenYears;
        ServerClock clock = new(_machine, _now);
        Assert.Null(clock.Look());
        _passing.Advance(ServerClock.Confirmation);

        var step = clock.Look();
        Assert.Equal((-_tenYears, -_tenYears), (Whole(step!.By), Whole(step.Lifetimes)));
    }

    [Theory]
    [InlineData(8, 0)]
    [InlineData(36, 24)]
    public void Fault_B13_A_machine_that_slept_is_believed_and_its_sleep_counts_for_half_a_day_at_most(int hours, int later)
    {
        ServerClock clock = new(_machine, null);
        _machine.Off = TimeSpan.FromHours(hours);

        Assert.Equal(new ClockStep(TimeSpan.FromHours(hours), TimeSpan.FromHours(later)), clock.Look());
        Assert.Equal(TimeSpan.FromHours(later), new ServerClock(_machine, _now).StartsLater);
    }

    [Fact]
    public void A_start_years_ahead_is_doubted_but_for_half_a_day_until_so_much_time_has_passed()
    {
        _machine.Off = _tenYears;
        ServerClock clock = new(_machine, _now);
        Assert.Equal(_now + ServerClock.LongestGap, clock.Trusted);
        Assert.Equal(_machine.GetUtcNow(), clock.GetUtcNow());

        _passing.Advance(TimeSpan.FromDays(1));
        Assert.Null(clock.Look());
        Assert.Equal(_now + ServerClock.LongestGap + TimeSpan.FromDays(2), clock.Trusted);
        ServerClock next = new(_machine, clock.GetUtcNow(), clock.Doubted);
        Assert.Equal(clock.Trusted, next.Trusted);

        _passing.Advance(_tenYears);
        Assert.Equal(TimeSpan.Zero, next.Doubted);
        Assert.Equal(next.GetUtcNow(), next.Trusted);
    }

    [Fact]
    public void A_step_while_it_runs_is_doubted_as_far_as_it_does_not_count_and_no_more_when_it_is_taken_back()
    {
        ServerClock clock = new(_machine, _now);
        foreach (var ahead in new[] { TimeSpan.FromDays(20), _tenYears })
        {
            var before = clock.Trusted;
            Set(ahead);
            Assert.True(clock.Trusted - before <= ServerClock.LongestGap + (2 * ServerClock.Confirmation));
            Set(TimeSpan.Zero);
            Assert.Equal(_machine.GetUtcNow(), clock.Trusted);
        }

        void Set(TimeSpan off)
        {
            _machine.Off = off;
            if (clock.Look() is { } atOnce)
            {
                clock.Follow(atOnce);
                return;
            }

            _passing.Advance(ServerClock.Confirmation);
            clock.Follow(clock.Look()!);
        }
    }

    [Fact]
    public void The_file_gives_back_what_was_noted_and_nothing_when_it_was_spoilt()
    {
        using TempFolder folder = new();
        Assert.Null(ClockFile.Read(folder.Path));
        ClockFile.Write(folder.Path, _now);
        ClockFile.Write(folder.Path, _now + TimeSpan.FromSeconds(1));
        Assert.Equal((_now + TimeSpan.FromSeconds(1), TimeSpan.Zero), ClockFile.Read(folder.Path));
        ClockFile.Write(folder.Path, _now, _tenYears);
        Assert.Equal((_now, _tenYears), ClockFile.Read(folder.Path));
        File.WriteAllText(folder.In("clock"), File.ReadAllText(folder.In("clock")) + "more\n");
        Assert.Equal((_now, _tenYears), ClockFile.Read(folder.Path));
        File.WriteAllText(folder.In("clock"), "9999999999");
        Assert.Null(ClockFile.Read(folder.Path));
    }

    private static TimeSpan Whole(TimeSpan time) => TimeSpan.FromSeconds(Math.Round(time.TotalSeconds));
}
