using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Admin;

/// <summary>How the server is, at a look and in curves.</summary>
public sealed class AdminFiguresTests
{
    [Fact]
    public async Task The_overview_tells_what_there_is()
    {
        await using var desk = await Desk.OpenAsync();
        using var guest = await desk.GuestAsync("Zoe");
        await using var tab = await desk.Broker.ConnectBrowserAsync(await desk.Broker.SignInAsync(desk.Ana.Account));
        await using var bot = await desk.Broker.ConnectAsync(desk.Bob);

        var now = await desk.Page.Get("/api/admin/overview");

        Assert.Equal((2, 1, 0), (now.GetProperty("connections").GetInt32(), now.GetProperty("browsers").GetInt32(), now.GetProperty("clientsOfDevices").GetInt32()));
        var accounts = now.GetProperty("accounts");
        Assert.Equal((3, 1, 1), (accounts.GetProperty("registered").GetInt32(), accounts.GetProperty("guests").GetInt32(), accounts.GetProperty("administrators").GetInt32()));
        Assert.Equal(1, now.GetProperty("rooms").GetProperty("public").GetInt32());
        Assert.All(now.GetProperty("health").EnumerateArray(), one => Assert.Contains(one.GetProperty("state").GetString(), new[] { "good", "warn", "bad" }));
        Assert.Equal("good", now.GetProperty("health").EnumerateArray().Single(one => one.GetProperty("name").GetString() == "mqtt").GetProperty("state").GetString());
        Assert.Equal(["rooms", "accounts", "search", "other"], now.GetProperty("stores").EnumerateArray().Select(one => one.GetProperty("name").GetString()));
        Assert.All(now.GetProperty("stores").EnumerateArray().Take(2), one => Assert.True(one.GetProperty("bytes").GetInt64() > 0));
        Assert.True(now.GetProperty("disk").GetProperty("totalBytes").GetInt64() >= now.GetProperty("disk").GetProperty("freeBytes").GetInt64());
        Assert.False(now.TryGetProperty("damagedSince", out _));
        Assert.NotEqual("", now.GetProperty("version").GetString());
    }

    [Fact]
    public async Task Rates_and_ways_are_measured_of_what_is_said()
    {
        await using var desk = await Desk.OpenAsync();
        await using var client = await desk.Broker.ConnectAsync(desk.Ana);
        await using var other = await desk.Broker.ConnectAsync(desk.Bob);
        await client.SubscribeAsync("rooms/lobby");
        await other.SubscribeAsync("rooms/lobby");
        var times = desk.Broker.Get<DeliveryTimes>();
        var before = times.Totals;
        for (var i = 0; i < 5; i++)
        {
            Assert.True((await client.PublishAsync("rooms/lobby", $"word {i}")).Accepted);
        }

        await other.PublishesUntilAsync(publish => publish.Text.Contains("word 4", StringComparison.Ordinal));
        await Clients.HandshakeTests.UntilAsync(() => times.Totals.Events - before.Events >= 5);
        Assert.InRange(times.Totals.Deliveries - before.Deliveries, 10, 40);
        Assert.True(times.Take() is { P50: > 0 } taken && taken.P99 >= taken.P50);
        Assert.Null(times.Take());
    }

    [Fact]
    public void Half_of_the_ways_and_ninety_nine_of_a_hundred_are_told_within_a_fifth()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        DeliveryTimes times = new(time);
        for (var i = 1; i <= 1_000; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(5));
            times.Told(time.GetUtcNow().AddMilliseconds(-i), events: 1, places: 2);
        }

        Assert.Equal(new DeliveryTotals(1_000, 2_000), times.Totals);
        var (p50, p99) = times.Take()!.Value;
        Assert.InRange(p50, 500, 600);
        Assert.InRange(p99, 990, 1_188);

        // Nobody hears it, or the clock was set back: no way at all.
        time.Advance(TimeSpan.FromSeconds(1));
        times.Told(time.GetUtcNow().AddHours(-1), events: 1, places: 0);
        Assert.Null(times.Take());
        times.Told(time.GetUtcNow().AddHours(1), events: 1, places: 1);
        Assert.Equal(0.1, times.Take()!.Value.P99);
    }

    [Fact]
    public async Task Curves_are_of_an_hour_a_day_and_a_week_and_last_over_a_restart()
    {
        await using var desk = await Desk.OpenAsync();
        FakeTimeProvider time = new(DateTimeOffset.FromUnixTimeSeconds(2_500_000_200));
        var records = desk.Broker.Get<IRecords>();
        Figures figures = new(records, time);
        for (var minute = 0; minute < 25; minute++)
        {
            await WriteAsync(records, figures.Put([minute, 1, float.NaN, minute, 100, 200]));
            time.Advance(TimeSpan.FromMinutes(1));
        }

        await WriteAsync(records, figures.Rest());
        time.Advance(TimeSpan.FromMinutes(5));
        Figures again = new(records, time);
        await again.LoadAsync();
        foreach (var one in new[] { figures, again })
        {
            var hour = one.Read(1);
            Assert.Equal((60, 60), (hour.StepSeconds, hour.Series[0].Values.Length));
            Assert.Equal(25, hour.Series[0].Values.Count(value => value is not null));
            Assert.Equal(24.0, hour.Series[0].Values.Last(value => value is not null));
            Assert.All(hour.Series[2].Values, value => Assert.Null(value));
            var week = one.Read(168);
            Assert.Equal((600, 1_008), (week.StepSeconds, week.Series[0].Values.Length));
            Assert.Equal([4.5, 14.5, 22.0], week.Series[0].Values.OfType<double>());
            Assert.Equal([9.0, 19.0, 24.0], week.Series[3].Values.OfType<double>());
            Assert.Equal(1_440, one.Read(24).Series[0].Values.Length);
        }

        // A week later nothing of it is told, nor kept.
        time.Advance(TimeSpan.FromDays(8));
        Assert.All(again.Read(168).Series, series => Assert.All(series.Values, value => Assert.Null(value)));
        await again.LoadAsync();
        Assert.DoesNotContain(records.ReadAll("fig/"u8), one => System.Text.Encoding.ASCII.GetString(one.Key).EndsWith("4166667", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_curves_over_http_have_every_series_by_its_name()
    {
        await using var desk = await Desk.OpenAsync();
        foreach (var hours in new[] { 1, 24, 168 })
        {
            var told = await desk.Page.Get($"/api/admin/figures?hours={hours}");
            Assert.Equal(
                ["connections", "messages", "delivery_p50_ms", "delivery_p99_ms", "disk_bytes", "memory_bytes"],
                told.GetProperty("series").EnumerateArray().Select(one => one.GetProperty("name").GetString()));
        }

        await desk.Page.Get("/api/admin/figures?hours=2", HttpStatusCode.BadRequest);
    }

    private static Task WriteAsync(IRecords records, IReadOnlyList<RecordChange> changes) => changes.Count == 0 ? Task.CompletedTask : records.WriteAsync(changes);
}
