using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Admin;

namespace WebMessenger.Broker.Tests.Admin;

/// <summary>What cannot be undone takes the administrator's own password, of the last five minutes and in that browser.</summary>
public sealed class AdminProofTests
{
    private const string Link = "/api/admin/accounts/ana/password-link";

    [Fact]
    public async Task A_proof_lasts_five_minutes_and_for_its_own_login_session()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var desk = await Desk.OpenAsync(services => services.AddSingleton(provider => new AdminProofs(provider.GetRequiredService<AccountCare>(), time)));
        using var elsewhere = await Desk.PageOfAsync(desk.Broker, desk.Admin);
        Assert.Equal("proof_needed", Desk.Code(await desk.Page.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Link)));
        await desk.ProveAsync();

        time.Advance(AdminProofs.Lifetime - TimeSpan.FromSeconds(1));
        await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Post, Link);
        Assert.Equal("proof_needed", Desk.Code(await elsewhere.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Link)));

        time.Advance(TimeSpan.FromSeconds(1));
        foreach (var (method, path) in new[]
        {
            (HttpMethod.Post, Link), (HttpMethod.Delete, "/api/admin/accounts/ana"), (HttpMethod.Put, "/api/admin/accounts/ana/admin"),
        })
        {
            Assert.Equal("proof_needed", Desk.Code(await desk.Page.Expect(HttpStatusCode.Forbidden, method, path)));
        }

        await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Post, Link, new { password = Desk.Password });
        await desk.Page.Put("/api/admin/accounts/ana/admin");
    }

    [Theory]
    [InlineData("RetentionDaysAtMost", 30, 29, 0)]
    [InlineData("Limits:NoticeDays", 30, 1, 31)]
    [InlineData("Limits:NoticesPerAccount", 100, 99, 0)]
    [InlineData("Limits:AuditPerRoom", 20_000, 1, 0)]
    [InlineData("Limits:AuditDays", 200, 199, 0)]
    [InlineData("Limits:StoredBytesPerDayPerAccount", 1_000_000, 1, 0)]
    [InlineData("Limits:StoredBytesPerDayPerGuest", 1_000_000, 1, 0)]
    [InlineData("Limits:FreeDiskMegabytes", 10, 1_000_000, 5)]
    [InlineData("Limits:FreeDiskPercent", 10, 50, 5)]
    public async Task A_setting_by_which_less_is_kept_takes_the_password_and_one_by_which_more_is_does_not(string name, int was, int less, int more)
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var desk = await Desk.OpenAsync(services => services.AddSingleton(provider => new AdminProofs(provider.GetRequiredService<AccountCare>(), time)));
        await desk.ProveAsync();
        await ChangeAsync(HttpStatusCode.OK, name, was);
        time.Advance(AdminProofs.Lifetime);

        await ChangeAsync(HttpStatusCode.OK, name, was);
        await ChangeAsync(HttpStatusCode.OK, name, more);
        foreach (var value in new object?[] { less, was })
        {
            Assert.Equal("proof_needed", Desk.Code(await ChangeAsync(HttpStatusCode.Forbidden, name, value)));
        }

        Assert.Equal(more, await ValueAsync());
        await desk.ProveAsync();
        await ChangeAsync(HttpStatusCode.OK, name, less);
        Assert.Equal(less, await ValueAsync());

        Task<JsonElement> ChangeAsync(HttpStatusCode status, string setting, object? value) =>
            desk.Page.Expect(status, HttpMethod.Patch, "/api/admin/settings", new Dictionary<string, object?> { [setting] = value });
        async Task<int> ValueAsync() => (await desk.Page.Get("/api/admin/settings")).GetProperty("settings").EnumerateArray()
            .Single(one => one.GetProperty("name").GetString() == name).GetProperty("value").GetInt32();
    }

    [Fact]
    public async Task A_room_of_others_is_deleted_with_the_password_and_ones_own_without()
    {
        await using var desk = await Desk.OpenAsync();
        using var anas = WebMessenger.Broker.Tests.Rooms.Calls.As(desk.Broker, desk.Ana);
        await desk.Page.MakeRoom("mine");
        foreach (var (room, path) in new[] { ("yard", "/api/rooms/"), ("shed", "/api/admin/rooms/") })
        {
            await anas.MakeRoom(room);
            Assert.Equal("proof_needed", Desk.Code(await desk.Page.Delete(path + room, HttpStatusCode.Forbidden)));
            await desk.Page.Expect(HttpStatusCode.BadRequest, HttpMethod.Delete, path + room, new { password = "not this one" });
            await anas.Get("/api/rooms/" + room);
        }

        await desk.Page.Delete("/api/rooms/mine");
        await desk.Page.Expect(HttpStatusCode.NoContent, HttpMethod.Delete, "/api/rooms/yard", new { password = Desk.Password });
        await desk.Page.Delete("/api/admin/rooms/shed");
        await anas.Get("/api/rooms/yard", HttpStatusCode.NotFound);
        await anas.MakeRoom("attic");
        await anas.Delete("/api/rooms/attic");
    }

    [Fact]
    public async Task Wrong_passwords_prove_nothing_and_count_as_wrong_passwords_do()
    {
        await using var desk = await Desk.OpenAsync(null, "--WebMessenger:Limits:SignInsPerMinutePerAddress", "1000");
        var wrong = await desk.Page.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/admin/proof", new { password = "not this one" });
        Assert.Equal("wrong", wrong.GetProperty("errors").GetProperty("password")[0].GetProperty("code").GetString());
        await desk.Page.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Link, new { password = "nor this one" });
        var missing = await desk.Page.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/admin/proof", new { });
        Assert.Equal("required", missing.GetProperty("errors").GetProperty("password")[0].GetProperty("code").GetString());

        HttpStatusCode last;
        var tries = 0;
        do
        {
            (last, _) = await desk.Page.SendAsync(HttpMethod.Post, "/api/admin/proof", new { password = "not this one" });
        }
        while (last == HttpStatusCode.BadRequest && ++tries < 100);

        Assert.Equal(HttpStatusCode.TooManyRequests, last);
        Assert.Equal(
            "too_many_attempts", Desk.Code(await desk.Page.Expect(HttpStatusCode.TooManyRequests, HttpMethod.Post, "/api/admin/proof", new { password = Desk.Password })));
        Assert.Equal("proof_needed", Desk.Code(await desk.Page.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Link)));
    }
}
