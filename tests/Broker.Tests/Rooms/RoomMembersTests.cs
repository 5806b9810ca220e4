using System.Net;
using System.Text.Json;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>The list of a room's members, also of those who are silent and not here.</summary>
public sealed class RoomMembersTests
{
    [Fact]
    public async Task Fault_S18_Members_see_all_members_page_by_page_and_nobody_else_does()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var (maker, eve) = (await broker.RegisterAsync("maker", "Maker"), await broker.RegisterAsync("eve"));
        using var makers = Calls.As(broker, maker);
        using var eves = Calls.As(broker, eve);
        await makers.MakeRoom("yard");
        for (var i = 0; i < 5; i++)
        {
            using var some = Calls.As(broker, await broker.RegisterAsync($"m{i}", $"M {i}"));
            await some.Put("/api/rooms/yard/members/me");
        }

        var all = await makers.Get("/api/rooms/yard/members");
        Assert.Equal(["m0", "m1", "m2", "m3", "m4", "maker"], Users(all));
        Assert.Equal(JsonValueKind.Null, all.GetProperty("next").ValueKind);
        var one = all.GetProperty("members")[5];
        Assert.Equal(("Maker", "person", true), (
            one.GetProperty("name").GetString(), one.GetProperty("kind").GetString(), one.GetProperty("maker").GetBoolean()));

        var first = await makers.Get("/api/rooms/yard/members?limit=4");
        Assert.Equal(["m0", "m1", "m2", "m3"], Users(first));
        var rest = await makers.Get($"/api/rooms/yard/members?limit=4&after={first.GetProperty("next").GetString()}");
        Assert.Equal(["m4", "maker"], Users(rest));
        await makers.Get("/api/rooms/yard/members?limit=201", HttpStatusCode.BadRequest);

        await eves.Get("/api/rooms/yard/members", HttpStatusCode.NotFound);
        await makers.Delete("/api/rooms/yard/members/m3");
        Assert.DoesNotContain("m3", Users(await makers.Get("/api/rooms/yard/members")));
    }

    private static IEnumerable<string> Users(JsonElement page) =>
        page.GetProperty("members").EnumerateArray().Select(member => member.GetProperty("user").GetString()!);
}
