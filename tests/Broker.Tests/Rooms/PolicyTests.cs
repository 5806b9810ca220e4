using System.Net;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Tests.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>A room's rules: who changes them, how they are told and kept, and that they are obeyed.</summary>
public sealed class PolicyTests
{
    [Fact]
    public async Task Rules_are_changed_by_a_command_told_as_an_event_and_there_after_a_restart()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, bea) = await YardAsync(broker);
        var token = await broker.TokenAsync(maker.Account, verbs: Verbs.Everything);
        await using var listener = await broker.ConnectAsync(bea);
        await listener.SubscribeAsync("rooms/yard");
        await using var makers = await broker.ConnectAsync(maker, password: token);
        var changed =
            await makers.PublishAsync("rooms/yard", """{"type":"policy","slowMode":30,"data":{"write":"members"},"title":"The yard"}""");
        Assert.True(changed.Accepted, changed.ReasonString);
        var heard = (await listener.PublishesUntilAsync(publish => publish.Json.Type() == "policy"))[^1].Json;
        Assert.Equal((30, "The yard"), (heard.GetProperty("slowMode").GetInt32(), heard.GetProperty("title").GetString()));
        Assert.False(heard.TryGetProperty("visibility", out _));

        Assert.Equal(0x83, (await makers.PublishAsync("rooms/yard", """{"type":"policy","slowMode":-1}""")).ReasonCode);
        Assert.Equal(0x83, (await makers.PublishAsync("rooms/yard", """{"type":"policy","posting":"nobody"}""")).ReasonCode);
        Assert.Equal(0x83, (await makers.PublishAsync("rooms/yard", """{"type":"policy","capacity":"many"}""")).ReasonCode);
        Assert.Equal(0x83, (await makers.PublishAsync("rooms/yard", """{"type":"policy"}""")).ReasonCode);
        Assert.Equal(0x83, (await makers.PublishAsync("users/bea", """{"type":"policy","slowMode":3}""")).ReasonCode);
        await broker.RestartAsync();
        using var beas = Calls.As(broker, bea);
        var room = await beas.Get("/api/rooms/yard");
        var policy = room.GetProperty("policy");
        Assert.Equal("The yard", room.GetProperty("title").GetString());
        Assert.Equal(
            """{"visibility":"public","entry":"open","guests":"write","posting":"everyone","data":{"read":"members","write":"members"},"""
            + """
            "slowMode":30,"capacity":0,"retention":{"days":0,"messages":0},"editWindow":-1,"history":"all",
            """
            + """
            "guard":{"newcomerMinutes":0,"repeats":0,"guestsPerMinute":0}}
            """,
            policy.GetRawText());
        await beas.Expect(HttpStatusCode.Forbidden, HttpMethod.Patch, "/api/rooms/yard", new { title = "Bea's" });
    }

    [Fact]
    public async Task A_change_of_two_fields_at_once_loses_none()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, _) = await YardAsync(broker);

        var all = await Task.WhenAll(
            Acts.ChangeAsync(broker, "yard", maker, new() { SlowMode = 5 }),
            Acts.ChangeAsync(broker, "yard", maker, new() { Capacity = 7 }));

        Assert.All(all, result => Assert.Null(result.Refusal));
        await broker.RestartAsync();
        var policy = broker.Room("yard").Record.Policy;
        Assert.Equal((5, 7, 2), (policy.SlowMode, policy.Capacity, broker.Room("yard").Record.Revision));
    }

    [Fact]
    public async Task Where_moderators_alone_write_others_read()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, bea) = await YardAsync(broker);
        await using var beas = await broker.ConnectAsync(bea);
        await beas.SubscribeAsync("rooms/yard");
        await using var makers = await broker.ConnectAsync(maker);
        const string before = """{"type":"message","text":"before","id":"b"}""";
        Assert.True((await beas.PublishAsync("rooms/yard", before)).Accepted);

        Assert.Null((await Acts.ChangeAsync(broker, "yard", maker, new() { Posting = "moderators" })).Refusal);

        Assert.Equal(0x87, (await beas.PublishAsync("rooms/yard", "after")).ReasonCode);
        Assert.Equal(0x87, (await beas.PublishAsync("rooms/yard", """{"type":"message","text":"after","id":"a"}""")).ReasonCode);
        Assert.True((await beas.PublishAsync("rooms/yard", before)).Accepted);
        Assert.True((await makers.PublishAsync("rooms/yard", "of the owner")).Accepted);
        await beas.PublishesUntilAsync(publish => publish.Text.Contains("of the owner", StringComparison.Ordinal));
        await Acts.GiveAsync(broker, "yard", maker, bea, MemberRole.Moderator);
        Assert.True((await beas.PublishAsync("rooms/yard", "of a moderator")).Accepted);
    }

    [Fact]
    public async Task Guests_do_what_the_room_lets_them()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, _) = await YardAsync(broker);
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        await using var zoe = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
        await zoe.SubscribeAsync([new Filter("rooms/yard"), new Filter("rooms/lobby")]);
        Assert.True((await zoe.PublishAsync("rooms/yard", "hello")).Accepted);
        await using var makers = await broker.ConnectAsync(maker);

        await Acts.ChangeAsync(broker, "yard", maker, new() { Guests = "read" });
        Assert.Equal(0x87, (await zoe.PublishAsync("rooms/yard", "no")).ReasonCode);
        await makers.PublishAsync("rooms/yard", "to all");
        await zoe.PublishesUntilAsync(publish => publish.Text.Contains("to all", StringComparison.Ordinal));

        await Acts.ChangeAsync(broker, "yard", maker, new() { Guests = "none" });
        await makers.PublishAsync("rooms/yard", "to members");
        await makers.PublishAsync("rooms/lobby", "marker");
        var heard = await zoe.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("to members", StringComparison.Ordinal));
        Assert.Equal([0x87], (await zoe.SubscribeAsync("rooms/yard")).ReasonCodes);
    }

    [Fact]
    public async Task Into_a_room_that_is_seen_and_not_open_who_is_invited_comes()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, _) = await YardAsync(broker);
        var eve = await broker.RegisterAsync("eve");
        await Acts.ChangeAsync(broker, "yard", maker, new() { Entry = "invite" });
        await using var client = await broker.ConnectAsync(eve);
        using var eves = Calls.As(broker, eve);
        using var makers = Calls.As(broker, maker);

        Assert.Equal([0x87, 0], (await client.SubscribeAsync([new Filter("rooms/yard"), new Filter("rooms/yard/info", 0)])).ReasonCodes);
        Assert.Equal(0x87, (await client.PublishAsync("rooms/yard", "let me in")).ReasonCode);
        await eves.Put("/api/rooms/yard/members/me", HttpStatusCode.Forbidden);
        await eves.Get("/api/rooms/yard/events", HttpStatusCode.NotFound);
        await makers.Put("/api/rooms/yard/members/eve", HttpStatusCode.Accepted);

        await eves.Put("/api/rooms/yard/members/me");
        Assert.True((await client.PublishAsync("rooms/yard", "thank you")).Accepted);
    }

    [Fact]
    public async Task Of_the_two_stores_the_one_that_was_changed_more_often_is_right()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (maker, _) = await YardAsync(broker);
        await Acts.ChangeAsync(broker, "yard", maker, new() { Visibility = "private" });
        var room = broker.Room("yard").Record;

        // As a crash between the two leaves it, and as damage of the log does.
        await broker.Get<RoomStore>().SaveAsync(room with { Policy = new PolicyFields(), Revision = 0 });
        await broker.RestartAsync();
        Assert.True(broker.Room("yard").Record.IsPrivate);
        await broker.Get<IRecords>().WriteAsync([new RecordChange([.. "room/"u8, .. System.Text.Encoding.ASCII.GetBytes(room.Key)], null)]);
        await broker.RestartAsync();
        Assert.True(broker.Room("yard").Record.IsPrivate);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", maker, new() { Title = "Still mine" })).Refusal);
        Assert.Equal(2, broker.Room("yard").Record.Revision);
    }

    [Fact]
    public void A_rule_that_is_not_stored_is_as_in_a_new_room()
    {
        var stored = RoomStore.Read(
            "r1",
            """
            {"id":"yard","title":"Yard","topic":"","createdAt":0,"policy":{"visibility":"private","retention":{"days":3}}}
            """u8.ToArray());

        Assert.Equal(new PolicyFields { Visibility = "private", Retention = new RetentionPolicy(Days: 3) }, stored.Policy);
        Assert.Equal(stored.Policy, RoomStore.Read("r1", RoomStore.BytesOf(stored)).Policy);
    }

    private static async Task<(Member Maker, Member Bea)> YardAsync(RunningBroker broker)
    {
        await broker.RegisterAsync("first");
        var (maker, bea) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bea"));
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("yard");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), bea.Account);
        return (maker, bea);
    }
}
