using System.Net;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Which room ids can be taken, and what asking for them tells.</summary>
public sealed class RoomIdsTests
{
    [Fact]
    public async Task Fault_S8_An_account_that_may_make_no_more_rooms_learns_nothing_by_trying()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RoomsPerAccount", "2");
        await broker.RegisterAsync("first");
        var (maker, eve) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("eve"));
        using var makers = Calls.As(broker, maker);
        using var eves = Calls.As(broker, eve);
        await makers.MakeRoom("hidden", "private");
        await eves.MakeRoom("one");
        var taken = await eves.MakeRoom("hidden", status: HttpStatusCode.BadRequest);
        Assert.Equal("taken", taken.GetProperty("errors").GetProperty("id")[0].GetProperty("code").GetString());
        await eves.MakeRoom("two");

        var existing = await eves.MakeRoom("hidden", status: HttpStatusCode.Conflict);
        var free = await eves.MakeRoom("free", status: HttpStatusCode.Conflict);

        Assert.Equal(free.GetProperty("code").GetString(), existing.GetProperty("code").GetString());
        Assert.Equal(free.GetProperty("detail").GetString(), existing.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Fault_S8_Ids_are_tried_a_few_times_a_day_and_those_that_are_taken_count()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RoomTriesPerDay", "3");
        await broker.RegisterAsync("first");
        var (maker, eve) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("eve"));
        using var makers = Calls.As(broker, maker);
        using var eves = Calls.As(broker, eve);
        await makers.MakeRoom("hidden", "private");
        await eves.MakeRoom("hidden", status: HttpStatusCode.BadRequest);
        await eves.MakeRoom("lobby", status: HttpStatusCode.BadRequest);
        await eves.MakeRoom("mine");

        var refused = await eves.MakeRoom("hidden", status: HttpStatusCode.TooManyRequests);
        var free = await eves.MakeRoom("free", status: HttpStatusCode.TooManyRequests);

        Assert.Equal("too_many_attempts", refused.GetProperty("code").GetString());
        Assert.Equal(free.GetProperty("detail").GetString(), refused.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Fault_S17_The_id_of_a_deleted_room_is_its_makers_and_the_administrators_for_ever()
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await broker.RegisterAsync("admina");
        var (maker, eve) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("eve"));
        using (var makers = Calls.As(broker, maker))
        {
            await makers.MakeRoom("club");
            await makers.Delete("/api/rooms/club");
            await makers.MakeRoom("club");
            await makers.Delete("/api/rooms/club");
            await makers.MakeRoom("den");
        }

        using (var admins = Calls.As(broker, admin))
        {
            // Whoever deletes it, it stays its maker's.
            await admins.Expect(HttpStatusCode.NoContent, HttpMethod.Delete, "/api/rooms/den", new { password = "correct horse battery staple" });
        }

        await broker.RestartAsync();
        using var eves = Calls.As(broker, eve);
        using var again = Calls.As(broker, maker);
        foreach (var id in (string[])["club", "den"])
        {
            var refused = await eves.MakeRoom(id, status: HttpStatusCode.BadRequest);
            Assert.Equal("taken", refused.GetProperty("errors").GetProperty("id")[0].GetProperty("code").GetString());
        }

        await again.MakeRoom("den");
        using var administrator = Calls.As(broker, admin);
        await administrator.MakeRoom("club");
    }

    [Fact]
    public async Task Fault_S17_A_token_that_names_a_room_loses_it_with_the_room()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var (maker, bea) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bea"));
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("club");
        var token = await broker.TokenAsync(bea.Account, ["club", "lobby"]);
        var only = await broker.TokenAsync(bea.Account, ["club"]);
        await using (var bot = await broker.ConnectAsync(bea, password: token))
        {
            Assert.True((await bot.PublishAsync("rooms/club", "before")).Accepted);
            await makers.Delete("/api/rooms/club");
            await makers.MakeRoom("club");

            Assert.Equal(0x87, (await bot.PublishAsync("rooms/club", "after")).ReasonCode);
            Assert.True((await bot.PublishAsync("rooms/lobby", "still")).Accepted);
        }

        await broker.RestartAsync();
        await using var again = await broker.ConnectAsync(bea, password: token);
        Assert.Equal([0x87, 1], (await again.SubscribeAsync([new Filter("rooms/club"), new Filter("rooms/lobby")])).ReasonCodes);
        await using var empty = await broker.ConnectAsync(bea, password: only);
        Assert.Equal([0x87, 0x87], (await empty.SubscribeAsync([new Filter("rooms/club"), new Filter("rooms/lobby")])).ReasonCodes);
    }
}
