using System.Net;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who has which role in a room, who gives it, and what can be done by it.</summary>
public sealed class RoleTests
{
    private const string Password = "correct horse battery staple";

    [Fact]
    public async Task A_role_is_given_by_a_command_heard_by_all_and_there_after_a_restart()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, bea, _) = await YardAsync(broker);
        var token = await broker.TokenAsync(maker.Account, verbs: Verbs.Everything);
        await using var listener = await broker.ConnectAsync(bea);
        await listener.SubscribeAsync("rooms/yard");
        await using var makers = await broker.ConnectAsync(maker, password: token);
        var given = await makers.PublishAsync("rooms/yard", """{"type":"role","user":"bea","role":"moderator","id":"one"}""");
        Assert.True(given.Accepted, given.ReasonString);

        var heard = (await listener.PublishesUntilAsync(publish => publish.Json.Type() == "role"))[^1].Json;
        Assert.Equal(("maker", "bea"), (
            heard.GetProperty("from").GetProperty("user").GetString(), heard.GetProperty("target").GetProperty("user").GetString()));
        Assert.Equal("moderator", heard.GetProperty("role").GetString());
        Assert.Equal(MemberRole.Moderator, RoleOf(broker, bea));

        // Sent again it is the same, whatever holds by now; another under the same id is another.
        Assert.Equal(
            given.Seq, (await makers.PublishAsync("rooms/yard", """{"type":"role","user":"bea","role":"moderator","id":"one"}""")).Seq);
        Assert.Equal(
            0x83, (await makers.PublishAsync("rooms/yard", """{"type":"role","user":"bea","role":"member","id":"one"}""")).ReasonCode);
        await broker.RestartAsync();
        Assert.Equal(MemberRole.Moderator, RoleOf(broker, bea));
        using var beas = Calls.As(broker, bea);
        Assert.Equal("moderator", (await beas.Get("/api/rooms/yard")).GetProperty("role").GetString());
        var members = (await beas.Get("/api/rooms/yard/members")).GetProperty("members").EnumerateArray();
        Assert.Equal(
            ["bea moderator", "caio member", "maker owner"],
            members.Select(member => $"{member.GetProperty("user").GetString()} {member.GetProperty("role").GetString()}"));

        // Those with a role alone, for who has one is found among thousands.
        var ranked = (await beas.Get("/api/rooms/yard/members?role=moderator")).GetProperty("members").EnumerateArray();
        Assert.Equal(["bea", "maker"], ranked.Select(member => member.GetProperty("user").GetString()));
        await beas.Get("/api/rooms/yard/members?role=king", HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Nobody_gives_a_role_to_who_ranks_as_high_nor_one_as_high_as_his_own()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, bea, caio) = await YardAsync(broker);
        Assert.Null((await Acts.GiveAsync(broker, "yard", maker, bea, MemberRole.Moderator)).Refusal);

        Assert.Equal("not_allowed", (await Acts.GiveAsync(broker, "yard", bea, caio, MemberRole.Moderator)).Refusal?.Notice);
        Assert.Equal("not_allowed", (await Acts.GiveAsync(broker, "yard", bea, maker, MemberRole.Member)).Refusal?.Notice);
        Assert.Equal("not_allowed", (await Acts.GiveAsync(broker, "yard", bea, bea, MemberRole.Owner)).Refusal?.Notice);
        Assert.Equal("not_allowed", (await Acts.GiveAsync(broker, "yard", caio, bea, MemberRole.Member)).Refusal?.Notice);
        Assert.Equal("not_allowed", (await Acts.GiveAsync(broker, "yard", maker, maker, MemberRole.Member)).Refusal?.Notice);
        Assert.Equal(
            (MemberRole.Owner, MemberRole.Moderator, MemberRole.Member),
            (RoleOf(broker, maker), RoleOf(broker, bea), RoleOf(broker, caio)));

        // One's own may be put down.
        Assert.Null((await Acts.GiveAsync(broker, "yard", bea, bea, MemberRole.Member)).Refusal);
        Assert.Equal(MemberRole.Member, RoleOf(broker, bea));
    }

    [Fact]
    public async Task Who_gives_a_room_away_is_a_moderator_and_there_is_one_owner()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, bea, caio) = await YardAsync(broker);

        // Both at once: the second is not the owner any more when its turn comes.
        var both = await Task.WhenAll(
            Acts.GiveAsync(broker, "yard", maker, bea, MemberRole.Owner), Acts.GiveAsync(broker, "yard", maker, caio, MemberRole.Owner));

        Assert.Single(both, result => result.Refusal is null);
        for (var start = 0; start < 2; start++)
        {
            Assert.Equal(
                (MemberRole.Moderator, MemberRole.Owner, MemberRole.Member),
                (RoleOf(broker, maker), RoleOf(broker, bea), RoleOf(broker, caio)));
            Assert.Equal(bea.Account.Id, broker.Room("yard").OwnerId);
            await broker.RestartAsync();
        }

        using var beas = Calls.As(broker, bea);
        Assert.True((await beas.Get("/api/rooms/yard")).GetProperty("mine").GetBoolean());
        using var makers = Calls.As(broker, maker);
        Assert.False((await makers.Get("/api/rooms/yard")).GetProperty("mine").GetBoolean());
    }

    [Fact]
    public async Task An_administrator_gives_a_room_to_a_member()
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await broker.RegisterAsync("admina");
        var (maker, bea, _) = await YardAsync(broker);
        using var makers = Calls.As(broker, maker);
        await makers.Delete("/api/rooms/yard/members/me");

        Assert.Null((await Acts.GiveAsync(broker, "yard", admin, bea, MemberRole.Owner)).Refusal);

        Assert.False((await makers.Get("/api/rooms/yard")).GetProperty("mine").GetBoolean());
        await broker.RestartAsync();
        Assert.Equal(bea.Account.Id, broker.Room("yard").OwnerId);
        Assert.Null(broker.Room("yard").MembershipOf(maker.Account.Id));
    }

    [Fact]
    public async Task Nobody_takes_a_room_from_its_owner_but_by_giving_it_to_another()
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await broker.RegisterAsync("admina");
        var (maker, bea, _) = await YardAsync(broker);

        Assert.Equal("not_allowed", (await Acts.GiveAsync(broker, "yard", admin, maker, MemberRole.Member)).Refusal?.Notice);
        Assert.Equal("not_allowed", (await Acts.GiveAsync(broker, "yard", admin, maker, MemberRole.Moderator)).Refusal?.Notice);

        Assert.Equal(MemberRole.Owner, RoleOf(broker, maker));
        Assert.Null((await Acts.GiveAsync(broker, "yard", admin, bea, MemberRole.Owner)).Refusal);
        Assert.Equal((MemberRole.Moderator, MemberRole.Owner), (RoleOf(broker, maker), RoleOf(broker, bea)));
    }

    [Fact]
    public async Task Moderators_remove_members_and_nobody_who_ranks_as_high()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, bea, caio) = await YardAsync(broker);
        await Acts.GiveAsync(broker, "yard", maker, bea, MemberRole.Moderator);
        using var beas = Calls.As(broker, bea);
        using var caios = Calls.As(broker, caio);
        await caios.Delete("/api/rooms/yard/members/bea", HttpStatusCode.Forbidden);
        await beas.Delete("/api/rooms/yard/members/maker", HttpStatusCode.Forbidden);
        Assert.True(broker.Room("yard").IsMember(maker.Account.Id));

        // Who is not on it is off it already, known or not.
        await beas.Delete("/api/rooms/yard/members/first");
        await beas.Delete("/api/rooms/yard/members/nobody");

        await beas.Delete("/api/rooms/yard/members/caio");

        Assert.False(broker.Room("yard").IsMember(caio.Account.Id));
    }

    [Fact]
    public async Task Fault_S20_The_rooms_of_an_erased_account_are_a_moderators_before_they_are_a_longer_members()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, _, caio) = await YardAsync(broker);
        await Acts.GiveAsync(broker, "yard", maker, caio, MemberRole.Moderator);

        await broker.Get<AccountChanges>().EraseAsync(maker.Account, Password, null);

        Assert.Equal((caio.Account.Id, MemberRole.Owner), (broker.Room("yard").OwnerId, RoleOf(broker, caio)));
    }

    [Fact]
    public async Task Guests_and_strangers_have_no_role()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, _, _) = await YardAsync(broker);
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), guest);

        Assert.Equal(
            "not_allowed", (await Acts.GiveAsync(broker, "yard", maker, new Member(guest, ""), MemberRole.Moderator)).Refusal?.Notice);
        Assert.Equal("no_such_member", (
            await Acts.GiveAsync(broker, "yard", maker, await broker.RegisterAsync("dora"), MemberRole.Moderator)).Refusal?.Notice);
    }

    [Fact]
    public async Task An_act_takes_a_token_that_asked_for_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, bea, _) = await YardAsync(broker);
        const string command = """{"type":"role","user":"bea","role":"moderator"}""";
        await using (var plain = await broker.ConnectAsync(maker))
        {
            Assert.Equal(0x87, (await plain.PublishAsync("rooms/yard", command)).ReasonCode);
        }

        using (var calls = Calls.As(broker, maker))
        {
            await calls.Expect(
                HttpStatusCode.Forbidden, HttpMethod.Post, "/api/rooms/yard/events",
                new { type = "role", user = "bea", role = "moderator" });
        }

        Assert.Equal(MemberRole.Member, RoleOf(broker, bea));
        var token = await broker.TokenAsync(maker.Account, verbs: Verbs.Everything);
        using var asked = Calls.As(broker, maker with { Token = token });
        var body = new { type = "role", user = "bea", role = "moderator", id = "x" };
        var first = await asked.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/events", body);
        var again = await asked.Expect(HttpStatusCode.OK, HttpMethod.Post, "/api/rooms/yard/events", body);
        Assert.Equal(first.GetProperty("seq").GetInt64(), again.GetProperty("seq").GetInt64());
        Assert.Equal(MemberRole.Moderator, RoleOf(broker, bea));
        await asked.Expect(
            HttpStatusCode.NotFound, HttpMethod.Post, "/api/rooms/yard/events", new { type = "role", user = "nobody", role = "member" });
        await asked.Expect(
            HttpStatusCode.BadRequest, HttpMethod.Post, "/api/rooms/yard/events", new { type = "role", user = "bea", role = "king" });
    }

    [Fact]
    public async Task Fault_S7_An_act_that_waits_for_the_log_as_its_login_session_ends_is_not_done()
    {
        Crossroads crossroads = new();
        await using var broker = await RunningBroker.StartWithAsync(crossroads.Place);
        var (maker, bea, _) = await YardAsync(broker);
        var browser = await broker.SignInAsync(maker.Account);
        crossroads.Arm(Crossing.BeforeAppend);
        var act = broker.Get<RoomActs>().ActAsync(
            broker.Room("yard"), new Command("", null, null, new RoomAct.Role("bea", MemberRole.Moderator)), browser.Session);
        await crossroads.Reached;
        await broker.Get<LoginSessions>().EndAsync(browser.Session);
        crossroads.Release();

        Assert.NotNull((await act).Refusal);
        Assert.Equal(MemberRole.Member, RoleOf(broker, bea));
    }

    [Fact]
    public async Task Fault_R9_A_role_is_not_given_to_who_leaves_meanwhile_and_not_lost_by_another_at_once()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartAsync(records.Place);
        var (maker, bea, caio) = await YardAsync(broker);
        records.Hold();
        var leaving = broker.Get<RoomMembers>().LeaveAsync(broker.Room("yard"), bea.Account, byItself: true);
        await records.Waiting(1);
        var (beas, caios) = (
            Acts.GiveAsync(broker, "yard", maker, bea, MemberRole.Moderator),
            Acts.GiveAsync(broker, "yard", maker, caio, MemberRole.Moderator));
        records.Release();
        await leaving;

        Assert.Equal("no_such_member", (await beas).Refusal?.Notice);
        Assert.Null((await caios).Refusal);
        await broker.RestartAsync();
        Assert.Equal((null, MemberRole.Moderator), (broker.Room("yard").MembershipOf(bea.Account.Id), RoleOf(broker, caio)));
        Assert.Null(broker.Get<IRecords>().Find(MembershipRecord.AccountKey(bea.Account.Id, broker.Room("yard").Key)));
    }

    [Fact]
    public async Task Fault_S20_A_room_that_is_given_counts_as_one_that_is_made_and_nobody_who_is_banned_is_given_one()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RoomsPerAccount", "2");
        var (maker, bea, caio) = await YardAsync(broker);
        using var makers = Calls.As(broker, maker);
        using var beas = Calls.As(broker, bea);
        await makers.MakeRoom("barn");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("barn"), bea.Account);
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("barn"), caio.Account);
        await beas.MakeRoom("own");

        // Both at once: the second counts the first.
        var both = await Task.WhenAll(
            Acts.GiveAsync(broker, "yard", maker, bea, MemberRole.Owner), Acts.GiveAsync(broker, "barn", maker, bea, MemberRole.Owner));

        Assert.Equal([null, "too_many"], both.Select(result => result.Refusal?.Notice).Order());
        Assert.Equal(2, broker.Get<RoomDirectory>().OwnedBy(bea.Account.Id).Count);
        var left = both[0].Refusal is null ? "barn" : "yard";
        var token = await broker.TokenAsync(maker.Account, verbs: Verbs.Everything);
        using var asked = Calls.As(broker, maker with { Token = token });
        var body = new { type = "role", user = "bea", role = "owner" };
        var refused = await asked.Expect(HttpStatusCode.Conflict, HttpMethod.Post, $"/api/rooms/{left}/events", body);
        Assert.Equal("too_many", refused.GetProperty("code").GetString());

        await broker.Get<AccountBans>().BanAsync("caio", null);
        Assert.Equal("not_allowed", (await Acts.GiveAsync(broker, left, maker, caio, MemberRole.Owner)).Refusal?.Notice);
        Assert.Equal(maker.Account.Id, broker.Room(left).OwnerId);
    }

    [Fact]
    public async Task An_act_that_changes_nothing_is_no_event_and_one_that_was_done_is_known_by_its_id()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, bea, _) = await YardAsync(broker);
        var done = await Acts.GiveAsync(broker, "yard", maker, bea, MemberRole.Moderator, "one");
        Assert.True(done.Seq > 0);

        var again = await Acts.GiveAsync(broker, "yard", maker, bea, MemberRole.Moderator, "two");

        Assert.Equal((null, 0L), (again.Refusal, again.Seq));
        var repeated = await Acts.GiveAsync(broker, "yard", maker, bea, MemberRole.Moderator, "one");
        Assert.Equal((null, done.Seq, true), (repeated.Refusal, repeated.Seq, repeated.IsRepeated));
        var acts = broker.Get<IEventLog>().ReadAfter(broker.Room("yard").Log, 0, 100).Entries
            .Count(entry => EventBody.TypeOf(entry.Body.Span) == EventType.Role);
        Assert.Equal(1, acts);
    }

    private static MemberRole RoleOf(RunningBroker broker, Member member) => broker.Room("yard").MembershipOf(member.Account.Id)!.Role;

    /// <summary>A room of Maker's, with Bea in it, and Caio since later.</summary>
    private static async Task<(Member Maker, Member Bea, Member Caio)> YardAsync(RunningBroker broker)
    {
        await broker.RegisterAsync("first");
        var (maker, bea, caio) =
            (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bea"), await broker.RegisterAsync("caio"));
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("yard");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), bea.Account);
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), caio.Account);
        return (maker, bea, caio);
    }
}
