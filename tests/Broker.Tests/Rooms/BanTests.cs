using System.Net;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Somebody may not come into a room, for a while or for ever.</summary>
public sealed class BanTests
{
    [Fact]
    public async Task Who_is_banned_hears_reads_and_finds_nothing_until_it_is_over()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var talk = await InYardAsync(broker);
        await talk.SayAsync(talk.Maker, "a word");
        string[] readable = ["", "/events", "/people", "/members", "/pins", "/data"];
        using (var before = Calls.As(broker, talk.Bea))
        {
            foreach (var path in readable)
            {
                await before.Get("/api/rooms/yard" + path);
            }
        }

        await using var watcher = await broker.ConnectAsync(talk.Bea);
        Assert.Equal([1], (await watcher.SubscribeAsync("rooms/yard/info")).ReasonCodes);
        var ban = await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Bea.Account, minutes: 10);
        Assert.Null(ban.Refusal);
        Assert.True(ban.Seq > 0);
        Assert.DoesNotContain(broker.Room("yard").Subscribers.ToArray(), one => one.Member.Account == talk.Bea.Account);

        for (var start = 0; start < 2; start++)
        {
            using var calls = Calls.As(broker, talk.Bea);
            foreach (var path in readable[1..])
            {
                var (status, text) = await calls.SendAsync(HttpMethod.Get, "/api/rooms/yard" + path);
                Assert.True(status is HttpStatusCode.NotFound or HttpStatusCode.Forbidden, $"{path} answered {text}");
            }

            Assert.Equal("room_banned", (await calls.Put("/api/rooms/yard/members/me", HttpStatusCode.Forbidden)).GetProperty("code").GetString());
            Assert.Empty((await calls.Get("/api/search?q=word")).GetProperty("hits").EnumerateArray());
            await using var client = await broker.ConnectAsync(talk.Bea);
            foreach (var filter in new[] { "rooms/yard", "rooms/yard/info", "rooms/yard/people", "rooms/yard/data/#" })
            {
                Assert.Equal([0x87], (await client.SubscribeAsync(filter)).ReasonCodes);
            }

            var ofData = await client.SubscribeAsync("rooms/yard/data/#");
            Assert.StartsWith("You are banned from this room until ", ofData.ReasonString, StringComparison.Ordinal);

            var refused = await client.PublishAsync(Topic, "let me in");
            Assert.Equal((byte)0x87, refused.ReasonCode);
            Assert.StartsWith("You are banned from this room until ", refused.ReasonString, StringComparison.Ordinal);
            await broker.RestartAsync();
        }

        // Not a record that is over is left when the program has started after it.
        time.Advance(TimeSpan.FromMinutes(10));
        using (var after = Calls.As(broker, talk.Bea))
        {
            await after.Put("/api/rooms/yard/members/me");
            await after.Get("/api/rooms/yard/events");
        }

        await broker.RestartAsync();
        Assert.Empty(broker.Get<IRecords>().ReadAll("out/"u8));
        Assert.Empty(broker.Get<IRecords>().ReadAll("outof/"u8));
        Assert.True(broker.Room("yard").IsMember(talk.Bea.Account.Id));
    }

    [Fact]
    public async Task A_ban_for_ever_holds_until_it_is_lifted_and_then_all_is_as_it_was_before()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time);
        var talk = await InYardAsync(broker);
        using var calls = Calls.As(broker, talk.Bea);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Bea.Account);
        time.Advance(TimeSpan.FromDays(1000));
        await calls.Put("/api/rooms/yard/members/me", HttpStatusCode.Forbidden);

        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "unban", talk.Bea.Account)).Refusal);

        await calls.Put("/api/rooms/yard/members/me");
        Assert.Equal(MemberRole.Member, broker.Room("yard").MembershipOf(talk.Bea.Account.Id)?.Role);
        Assert.Equal("no_such_ban", (await Acts.ModerateAsync(broker, "yard", talk.Mod, "unban", talk.Bea.Account)).Refusal?.Notice);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Bea.Account);
        await broker.RestartAsync();
        using var again = Calls.As(broker, talk.Bea);
        await again.Put("/api/rooms/yard/members/me", HttpStatusCode.Forbidden);
        Assert.False(broker.Room("yard").IsMember(talk.Bea.Account.Id));
    }

    [Fact]
    public async Task Attack_58_An_invitation_opens_nothing_to_who_is_banned_and_none_is_made()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var eve = await broker.RegisterAsync("eve");
        using var makers = Calls.As(broker, talk.Maker);
        using var eves = Calls.As(broker, eve);
        await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { visibility = "private" });
        await makers.Put("/api/rooms/yard/members/eve", HttpStatusCode.Accepted);
        Assert.Single((await eves.Get("/api/rooms?limit=50")).GetProperty("invited").EnumerateArray());

        // She is not on the list: a ban is for who is not in as well.
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", eve.Account, minutes: 10)).Refusal);

        Assert.False(broker.Get<RoomInvitations>().IsInvited(broker.Room("yard"), eve.Account));
        await eves.Put("/api/rooms/yard/members/me", HttpStatusCode.NotFound);
        var refused = await makers.Put("/api/rooms/yard/members/eve", HttpStatusCode.Conflict);
        Assert.Equal("is_banned", refused.GetProperty("code").GetString());
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "unban", eve.Account);
        await eves.Put("/api/rooms/yard/members/me", HttpStatusCode.NotFound);
        await makers.Put("/api/rooms/yard/members/eve", HttpStatusCode.Accepted);
        await eves.Put("/api/rooms/yard/members/me");
    }

    [Fact]
    public async Task Who_is_asked_in_after_a_kick_need_not_wait()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var makers = Calls.As(broker, talk.Maker);
        using var beas = Calls.As(broker, talk.Bea);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", talk.Bea.Account);
        await beas.Put("/api/rooms/yard/members/me", HttpStatusCode.Forbidden);

        await makers.Put("/api/rooms/yard/members/bea", HttpStatusCode.Accepted);

        await beas.Put("/api/rooms/yard/members/me");
    }

    [Fact]
    public async Task A_room_has_so_many_bans_and_mutes_and_those_that_are_over_count_no_more()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time, "--WebMessenger:Limits:BansPerRoom", "2");
        var talk = await InYardAsync(broker);
        var eve = await broker.RegisterAsync("eve");
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Bea.Account, minutes: 5)).Refusal);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Caio.Account)).Refusal);

        Assert.Equal("too_many_bans", (await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", eve.Account)).Refusal?.Notice);

        // One who is held already may be held otherwise, and who is kicked is out in any case.
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Caio.Account)).Refusal);
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), eve.Account);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", eve.Account)).Refusal);
        Assert.False(broker.Room("yard").IsMember(eve.Account.Id));
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", eve.Account)).Refusal);
        Assert.Equal(2, broker.Get<IRecords>().ReadAll("out/"u8).Count);
    }

    [Fact]
    public async Task Fault_S13_Who_bans_names_that_are_nobodys_finds_out_about_a_few_a_day()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:InvitationsPerDay", "2");
        var talk = await InYardAsync(broker);
        using var calls = Calls.As(broker, talk.Mod);
        async Task<string?> BanAsync(string user, HttpStatusCode status) => (
            await calls.Expect(status, HttpMethod.Post, "/api/rooms/yard/events", new { type = "ban", user })).GetProperty("code").GetString();

        Assert.Equal("no_such_target", await BanAsync("nobody", HttpStatusCode.NotFound));
        Assert.Equal("no_such_target", await BanAsync("noone", HttpStatusCode.NotFound));
        Assert.Equal("too_many_attempts", await BanAsync("nada", HttpStatusCode.TooManyRequests));
        using var beas = Calls.As(broker, talk.Bea);
        var refused = await beas.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/rooms/yard/events", new { type = "ban", user = "nada" });
        Assert.Equal("not_allowed", refused.GetProperty("code").GetString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault_S13_A_ban_of_who_is_not_in_costs_a_try_whoever_it_is_and_says_nothing_when_none_is_left(bool isFull)
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:InvitationsPerDay", "3", "--WebMessenger:Limits:BansPerRoom", isFull ? "1" : "9");
        await MayAllAsync(broker, "admina");
        var talk = await InYardAsync(broker);
        await broker.RegisterAsync("eve");
        await broker.RegisterAsync("fay");
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Maker, "mute", talk.Caio.Account)).Refusal);
        using var calls = Calls.As(broker, talk.Mod);
        async Task<string?> BanAsync(string user)
        {
            var (_, text) = await calls.SendAsync(HttpMethod.Post, "/api/rooms/yard/events", new { type = "ban", user });
            using var answer = System.Text.Json.JsonDocument.Parse(text);
            return answer.RootElement.TryGetProperty("code", out var code) ? code.GetString() : null;
        }

        Assert.Equal(
            ["not_allowed", isFull ? "too_many_bans" : null, "no_such_target"],
            [await BanAsync("admina"), await BanAsync("eve"), await BanAsync("nobody")]);

        Assert.Equal(
            ["too_many_attempts", "too_many_attempts", "too_many_attempts"],
            [await BanAsync("admina"), await BanAsync("fay"), await BanAsync("nada")]);

        // Of who is in, everybody knows.
        Assert.Equal(isFull ? "too_many_bans" : null, await BanAsync("bea"));
    }

    [Fact]
    public async Task Over_MQTT_5_it_is_said_when_strangers_may_be_banned_again()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(time, "--WebMessenger:Limits:InvitationsPerDay", "1");
        var talk = await InYardAsync(broker);
        await using var mod = await broker.ConnectAsync(talk.Mod);
        Assert.Equal((byte)0x87, (await mod.PublishAsync(Topic, """{"type":"ban","user":"nobody"}""")).ReasonCode);

        var refused = await mod.PublishAsync(Topic, """{"type":"ban","user":"nada"}""");

        Assert.Equal(
            (0x97, "too_many_attempts", "86400"),
            (refused.ReasonCode, refused.Properties.User("code"), refused.Properties.User("retry")));
    }

    [Theory]
    [InlineData("""{"type":"ban"}""")]
    [InlineData("""{"type":"ban","user":"bea","minutes":-1}""")]
    [InlineData("""{"type":"mute","user":"bea","minutes":525601}""")]
    [InlineData("""{"type":"ban","user":"bea","minutes":"ten"}""")]
    [InlineData("long reason")]
    public async Task What_no_command_may_say_is_refused(string payload)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var mod = await broker.ConnectAsync(talk.Mod);
        payload = payload == "long reason" ? $$"""{"type":"kick","user":"bea","reason":"{{new string('a', 501)}}"}""" : payload;

        Assert.Equal((byte)0x83, (await mod.PublishAsync(Topic, payload)).ReasonCode);
        Assert.True(broker.Room("yard").IsMember(talk.Bea.Account.Id));
        Assert.True((await mod.PublishAsync(Topic, $$"""{"type":"ban","user":"bea","minutes":525600,"reason":"{{new string('a', 500)}}"}""")).Accepted);
    }

    [Fact]
    public async Task Nothing_is_left_of_bans_of_a_room_or_an_account_that_ends()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Bea.Account);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Caio.Account);
        var records = broker.Get<IRecords>();
        Assert.Equal((2, 2), (records.ReadAll("out/"u8).Count, records.ReadAll("outof/"u8).Count));

        await broker.Get<AccountChanges>().EraseAsync(talk.Bea.Account, "correct horse battery staple", null);
        Assert.Equal((1, 1), (records.ReadAll("out/"u8).Count, records.ReadAll("outof/"u8).Count));
        Assert.Null(broker.Room("yard").Restraints.StoredOf(talk.Bea.Account.Id));

        using var makers = Calls.As(broker, talk.Maker);
        await makers.Delete("/api/rooms/yard");
        Assert.Equal((0, 0), (records.ReadAll("out/"u8).Count, records.ReadAll("outof/"u8).Count));
    }
}
