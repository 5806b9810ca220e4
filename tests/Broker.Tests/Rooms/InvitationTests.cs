using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who is asked into a room, what the one who asks learns by it, and what the one who is asked can do.</summary>
public sealed class InvitationTests
{
    [Fact]
    public async Task Fault_S19_A_disk_that_takes_nothing_uses_up_no_invitation_and_no_withdrawal()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:InvitationsPerDay", "3");
        var (admin, bea) = (await broker.RegisterAsync("first"), await broker.RegisterAsync("bea"));
        using TempFolder folder = new();
        var closed = DocumentStore.Open(folder.In("rooms.db"));
        await closed.DisposeAsync();
        var invitations = ActivatorUtilities.CreateInstance<RoomInvitations>(broker.Program.Services, new RoomStore(closed.Documents));
        foreach (var whom in new[] { bea.Account, null })
        {
            for (var i = 0; i < 5; i++)
            {
                await Assert.ThrowsAnyAsync<Exception>(() => invitations.InviteAsync(broker.Room("lobby"), whom, admin.Account));
                await Assert.ThrowsAnyAsync<Exception>(() => invitations.WithdrawAsync(broker.Room("lobby"), whom, admin.Account));
            }
        }

        Assert.Equal(TimeSpan.Zero, invitations.WaitForNext(admin.Account));
    }

    [Fact]
    public async Task Whoever_comes_in_while_his_invitation_is_taken_back_is_out_when_that_is_answered()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:InvitationsPerDay", "0");
        await broker.RegisterAsync("first");
        var (maker, bea) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bea"));
        using var makers = Calls.As(broker, maker);
        using var beas = Calls.As(broker, bea);
        await makers.MakeRoom("den", "private");
        for (var i = 0; i < 40; i++)
        {
            await makers.Put("/api/rooms/den/members/bea", HttpStatusCode.Accepted);

            // Who changes the room holds up both: whoever takes back finds nobody on the list, then he comes, then there is no invitation.
            var change = await broker.Room("den").Turns.BeAloneAsync();
            var removing = makers.SendAsync(HttpMethod.Delete, "/api/rooms/den/members/bea");
            var coming = beas.SendAsync(HttpMethod.Put, "/api/rooms/den/members/me");
            change.Dispose();
            var removed = await removing;
            await coming;

            Assert.Equal(HttpStatusCode.NoContent, removed.Status);
            Assert.False(broker.Room("den").IsMember(bea.Account.Id));
        }
    }

    [Fact]
    public async Task The_owner_of_a_room_that_becomes_private_as_he_leaves_stays_in_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var maker = await broker.RegisterAsync("maker");
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("den", "private");

        Assert.Equal(RoomChange.OwnerStays, await broker.Get<RoomMembers>().LeaveAsync(broker.Room("den"), maker.Account, byItself: true));

        Assert.True(broker.Room("den").IsMember(maker.Account.Id));
        await makers.MakeRoom("yard");
        Assert.Equal(RoomChange.Done, await broker.Get<RoomMembers>().LeaveAsync(broker.Room("yard"), maker.Account, byItself: true));
    }

    [Fact]
    public async Task Fault_S19_Somebody_who_is_invited_is_on_no_list_and_unseen_until_he_comes()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var (maker, bea) = (await broker.RegisterAsync("maker", "Maker"), await broker.RegisterAsync("bea", "Bea"));
        using var makers = Calls.As(broker, maker);
        using var beas = Calls.As(broker, bea);
        await makers.MakeRoom("den", "private");
        await makers.MakeRoom("yard");

        // Connected, with a filter that takes all rooms, as a page or a bot may have it.
        await using var listener = await broker.ConnectAsync(bea);
        await listener.SubscribeAsync([new Filter("rooms/#"), new Filter("users/bea")]);
        foreach (var room in (string[])["den", "yard"])
        {
            var answer = await makers.Put($"/api/rooms/{room}/members/bea", HttpStatusCode.Accepted);
            Assert.True(answer.GetProperty("invited").GetBoolean());
            Assert.False(broker.Room(room).IsMember(bea.Account.Id));
            Assert.Equal(0, broker.Room(room).People);
        }

        var notice = await listener.PublishesUntilAsync(publish => publish.Topic == "users/bea");
        Assert.Equal("invited", notice[^1].Json.GetProperty("code").GetString());
        var invited = (await beas.Get("/api/rooms")).GetProperty("invited");
        Assert.Equal(["den", "yard"], invited.EnumerateArray().Select(one => one.GetProperty("room").GetString()!).Order());
        var den = invited.EnumerateArray().Single(one => one.GetProperty("room").GetString() == "den");
        Assert.Equal("Room den", den.GetProperty("title").GetString());
        Assert.Equal("maker", den.GetProperty("by").GetProperty("user").GetString());

        // A private one is not shown further before, and is open to who accepts.
        await beas.Get("/api/rooms/den", HttpStatusCode.NotFound);
        await beas.Get("/api/rooms/den/events", HttpStatusCode.NotFound);
        await beas.Put("/api/rooms/den/members/me");
        Assert.True(broker.Room("den").IsMember(bea.Account.Id));
        Assert.Equal(
            ["yard"],
            (await beas.Get("/api/rooms")).GetProperty("invited").EnumerateArray().Select(one => one.GetProperty("room").GetString()!));
    }

    [Theory]
    [InlineData("@bea")]
    [InlineData("be a")]
    [InlineData("béa")]
    [InlineData(".bea")]
    [InlineData("a234567890123456789012345678901234")]
    public async Task Fault_A4_What_nobody_can_be_called_is_said_to_be_no_user_name_and_costs_no_invitation(string name)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:InvitationsPerDay=1");
        await broker.RegisterAsync("first");
        var (maker, bea) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bea"));
        using var makers = Calls.As(broker, maker);
        using var beas = Calls.As(broker, bea);
        await makers.MakeRoom("den");

        var answer = await makers.Put($"/api/rooms/den/members/{Uri.EscapeDataString(name)}", HttpStatusCode.BadRequest);

        Assert.Equal("invalid", answer.GetProperty("errors").GetProperty("user")[0].GetProperty("code").GetString());

        // Who may not invite is told no more than before.
        await beas.Put($"/api/rooms/den/members/{Uri.EscapeDataString(name)}", HttpStatusCode.Forbidden);
        await makers.Put("/api/rooms/den/members/nobody", HttpStatusCode.Accepted);
        await makers.Put("/api/rooms/den/members/bea", HttpStatusCode.TooManyRequests);
    }

    [Fact]
    public async Task Fault_S19_Who_declined_is_not_asked_again_and_has_no_way_in()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var (maker, bea) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bea"));
        using var makers = Calls.As(broker, maker);
        using var beas = Calls.As(broker, bea);
        await makers.MakeRoom("den", "private");
        await makers.Put("/api/rooms/den/members/bea", HttpStatusCode.Accepted);
        Assert.Equal(1, (await beas.Get("/api/rooms")).GetProperty("invited").GetArrayLength());

        await beas.Delete("/api/rooms/den/members/me");
        await makers.Put("/api/rooms/den/members/bea", HttpStatusCode.Accepted);
        await broker.RestartAsync();

        using var after = Calls.As(broker, bea);
        Assert.Equal(0, (await after.Get("/api/rooms")).GetProperty("invited").GetArrayLength());
        await after.Put("/api/rooms/den/members/me", HttpStatusCode.NotFound);
        await after.Delete("/api/rooms/den/members/me", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Fault_S19_An_invitation_taken_back_or_by_somebody_who_is_banned_or_gone_opens_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var bea = await broker.RegisterAsync("bea");
        using var beas = Calls.As(broker, bea);
        foreach (var name in (string[])["asks", "takes-back", "banned"])
        {
            var maker = await broker.RegisterAsync(name);
            using var makers = Calls.As(broker, maker);
            await makers.MakeRoom("of-" + name, "private");
            await makers.Put($"/api/rooms/of-{name}/members/bea", HttpStatusCode.Accepted);
            if (name == "takes-back")
            {
                await makers.Delete($"/api/rooms/of-{name}/members/bea");
            }
        }

        await broker.Get<AccountBans>().BanAsync("banned", null);

        Assert.Equal(
            ["of-asks"],
            (await beas.Get("/api/rooms")).GetProperty("invited").EnumerateArray().Select(one => one.GetProperty("room").GetString()!));
        await beas.Put("/api/rooms/of-takes-back/members/me", HttpStatusCode.NotFound);
        await beas.Put("/api/rooms/of-banned/members/me", HttpStatusCode.NotFound);
        await beas.Put("/api/rooms/of-asks/members/me");
    }

    [Fact]
    public async Task Fault_S19_A_bot_that_subscribes_to_the_room_accepts()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var (maker, bea) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bea"));
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("den", "private");
        await using var bot = await broker.ConnectAsync(bea);
        Assert.Equal([0x87], (await bot.SubscribeAsync("rooms/den")).ReasonCodes);

        await makers.Put("/api/rooms/den/members/bea", HttpStatusCode.Accepted);
        await broker.RestartAsync();
        await using var again = await broker.ConnectAsync(bea);
        Assert.Equal([0x87, 1], (await again.SubscribeAsync([new Filter("rooms/den/info"), new Filter("rooms/den")])).ReasonCodes);

        Assert.True(broker.Room("den").IsMember(bea.Account.Id));
        Assert.True((await again.PublishAsync("rooms/den", "here")).Accepted);
    }

    [Fact]
    public async Task Fault_S6_S13_Whether_somebody_exists_or_is_banned_is_not_told_to_who_invites()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var (maker, other) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("other"));
        await broker.RegisterAsync("there");
        await broker.RegisterAsync("banned");
        await broker.Get<AccountBans>().BanAsync("banned", null);
        using var makers = Calls.As(broker, maker);
        using var others = Calls.As(broker, other);
        await makers.MakeRoom("den");
        await makers.Put("/api/rooms/den/members/there", HttpStatusCode.Accepted);

        HashSet<(HttpStatusCode, string)> ofMaker = [], ofOther = [], taken = [], removed = [];
        foreach (var name in (string[])["there", "banned", "nobody", "x.y_z-1"])
        {
            ofMaker.Add(await makers.SendAsync(HttpMethod.Put, $"/api/rooms/den/members/{name}"));
            taken.Add(await makers.SendAsync(HttpMethod.Delete, $"/api/rooms/den/members/{name}"));
            ofOther.Add(await others.SendAsync(HttpMethod.Put, $"/api/rooms/den/members/{name}"));
            removed.Add(await others.SendAsync(HttpMethod.Delete, $"/api/rooms/den/members/{name}"));
        }

        Assert.Equal(HttpStatusCode.Accepted, Assert.Single(ofMaker).Item1);
        Assert.Equal(HttpStatusCode.NoContent, Assert.Single(taken).Item1);
        Assert.Equal(HttpStatusCode.Forbidden, Without(ofOther));
        Assert.Equal(HttpStatusCode.Forbidden, Without(removed));

        // The trace id differs from answer to answer.
        static HttpStatusCode Without(HashSet<(HttpStatusCode Status, string Text)> answers) => Assert.Single(
            answers.Select(answer => (
                answer.Status, JsonDocument.Parse(answer.Text).RootElement.GetProperty("detail").GetString())).Distinct()).Status;
    }

    [Fact]
    public async Task Fault_S6_A_whisper_to_nobody_and_to_somebody_banned_is_refused_in_one_answer()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await broker.RegisterAsync("banned");
        await using var client = await broker.ConnectAsync(ana);
        Assert.True((await client.PublishAsync("users/banned", "before")).Accepted);
        await broker.Get<AccountBans>().BanAsync("banned", null);

        var banned = await client.PublishAsync("users/banned", "after");
        var nobody = await client.PublishAsync("users/nobody", "after");

        Assert.Equal((0x87, nobody.ReasonString), (banned.ReasonCode, banned.ReasonString));
        Assert.Equal(banned.ReasonCode, nobody.ReasonCode);
    }

    [Fact]
    public async Task Fault_S13_Names_are_tried_twenty_times_a_day_whether_they_exist_or_not()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:InvitationsPerDay", "3");
        await broker.RegisterAsync("first");
        var (maker, bea) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bea"));
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("den");
        await makers.Put("/api/rooms/den/members/bea", HttpStatusCode.Accepted);
        await makers.Put("/api/rooms/den/members/nobody", HttpStatusCode.Accepted);
        await makers.Put("/api/rooms/den/members/bea", HttpStatusCode.Accepted);

        var refused = await makers.Put("/api/rooms/den/members/bea", HttpStatusCode.TooManyRequests);
        Assert.Equal("too_many_invitations", refused.GetProperty("code").GetString());
        await makers.Put("/api/rooms/den/members/nobody", HttpStatusCode.TooManyRequests);

        // As many are taken back, whether there were any or not.
        foreach (var name in (string[])["nobody", "bea", "nobody"])
        {
            await makers.Delete($"/api/rooms/den/members/{name}");
        }

        await makers.Delete("/api/rooms/den/members/nobody", HttpStatusCode.TooManyRequests);

        // A restart gives no new ones, and coming oneself costs nothing.
        await broker.RestartAsync();
        using var again = Calls.As(broker, maker);
        await again.Put("/api/rooms/den/members/bea", HttpStatusCode.TooManyRequests);
        using var beas = Calls.As(broker, bea);
        await beas.Put("/api/rooms/den/members/me");
        await again.Put("/api/rooms/den/members/bea");
    }

    [Fact]
    public async Task Fault_S19_Nobody_is_buried_in_invitations()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:OpenInvitations", "2");
        await broker.RegisterAsync("first");
        var (maker, bea) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bea"));
        using var makers = Calls.As(broker, maker);
        using var beas = Calls.As(broker, bea);
        foreach (var room in (string[])["one", "two", "three"])
        {
            await makers.MakeRoom(room);
            await makers.Put($"/api/rooms/{room}/members/bea", HttpStatusCode.Accepted);
        }

        Assert.Equal(["one", "two"], Rooms(await beas.Get("/api/rooms")));
        await beas.Delete("/api/rooms/one/members/me");
        await makers.Put("/api/rooms/three/members/bea", HttpStatusCode.Accepted);
        Assert.Equal(["three", "two"], Rooms(await beas.Get("/api/rooms")));

        static IEnumerable<string> Rooms(JsonElement list) =>
            list.GetProperty("invited").EnumerateArray().Select(one => one.GetProperty("room").GetString()!).Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task Fault_S7_Nobody_comes_uninvited_into_a_room_that_becomes_private_in_the_same_moment()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var maker = await broker.RegisterAsync("maker");
        var eve = await broker.RegisterAsync("eve");
        using var eves = Calls.As(broker, eve);
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("open");
        await eves.Put("/api/rooms/open/members/me");
        Assert.True(broker.Room("open").IsMember(eve.Account.Id));
        List<string> inside = [];
        for (var i = 0; i < 10; i++)
        {
            Assert.True(RoomId.TryParse($"race-{i}", out var id));
            await broker.Get<RoomMaking>().CreateAsync(id, "Race", "", isPrivate: false, maker.Account);
            var room = broker.Room(id.Value);

            // The change waits for the disk when the call comes, so the room is still public for whoever looks before the gate.
            var change = Acts.ChangeAsync(broker, room.Id.Value, maker, new() { Visibility = "private" });
            var call = eves.SendAsync(HttpMethod.Put, $"/api/rooms/{id}/members/me");
            await change;
            var answer = await call;
            if (room.IsMember(eve.Account.Id))
            {
                inside.Add($"{id}: {answer.Status}");
            }
            else
            {
                Assert.Equal(HttpStatusCode.NotFound, answer.Status);
            }
        }

        Assert.Empty(inside);
    }

    [Fact]
    public async Task Fault_S19_An_administrator_goes_into_no_private_room_and_opens_none()
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await broker.RegisterAsync("admina");
        var maker = await broker.RegisterAsync("maker");
        using var admins = Calls.As(broker, admin);
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("den", "private");
        await makers.MakeRoom("yard");
        await admins.Put("/api/rooms/yard/members/me");

        await admins.Put("/api/rooms/den/members/me", HttpStatusCode.Forbidden);
        await admins.Put("/api/rooms/den/members/maker2", HttpStatusCode.Forbidden);
        await admins.Expect(HttpStatusCode.Forbidden, HttpMethod.Patch, "/api/rooms/den", new { visibility = "public" });
        await admins.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/den", new { topic = "Looked after" });

        Assert.False(broker.Room("den").IsMember(admin.Account.Id));
        await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/den", new { visibility = "public" });
    }
}
