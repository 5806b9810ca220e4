using System.Globalization;
using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Tests.Hooks;
using WebMessenger.Broker.Tests.Host;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>A room that is read and not written, until it is opened again.</summary>
public sealed class ArchiveTests
{
    private static readonly Refused _archived = new(0x87, "room_archived", HttpStatusCode.Forbidden);

    private static readonly (string Topic, string Path, string Payload)[] _writes =
    [
        (Topic, "/api/rooms/yard/events", """{"type":"message","text":"hello"}"""),
        (Topic, "/api/rooms/yard/events", """{"type":"roll","dice":"2d6"}"""),
        (Topic, "/api/rooms/yard/events", """{"type":"edit","of":OWN,"text":"another"}"""),
        (Topic, "/api/rooms/yard/events", """{"type":"reaction","of":OWN,"emoji":"👍","on":true}"""),
        (Topic, "/api/rooms/yard/events", """{"type":"pin","of":OWN,"on":true}"""),
        (Topic + "/data/greenhouse", "/api/rooms/yard/data?topic=greenhouse", "21.5"),
    ];

    public static TheoryData<Way> Ways => [Way.Mqtt5, Way.Mqtt311, Way.Http];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Whoever_has_a_rank_writes_nothing_in_an_archived_room_until_it_is_opened_again(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Data = new("members", "members") });
        foreach (var who in new[] { talk.Maker, talk.Mod, talk.Bea })
        {
            var said = await talk.SayAsync(who, "mine");
            var mayPin = who != talk.Bea;
            Task<string> WriteAsync(Speaker speaker, (string Topic, string Path, string Payload) one) => speaker.DoAsync(
                one.Topic,
                one.Path,
                one.Payload.Replace("OWN", said.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal),
                one.Path.Contains("data", StringComparison.Ordinal) ? HttpMethod.Put : null);
            await using var before = await Speaker.AsAsync(broker, way, who);
            foreach (var one in _writes.Where(one => mayPin || !one.Payload.Contains("pin", StringComparison.Ordinal)))
            {
                Assert.Equal((one.Payload, Speaker.Done), (one.Payload, await WriteAsync(before, one)));
            }

            Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Archived = true })).Refusal);
            await using var after = await Speaker.AsAsync(broker, way, who);
            foreach (var one in _writes.Where(one => mayPin || !one.Payload.Contains("pin", StringComparison.Ordinal)))
            {
                Assert.Equal((one.Payload, _archived.Over(way)), (one.Payload, await WriteAsync(after, one)));
            }

            if (way != Way.Http)
            {
                Assert.Equal("room_archived", await after.TypeAsync(Topic + "/typing"));
            }

            Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Archived = false })).Refusal);
            await using var again = await Speaker.AsAsync(broker, way, who);
            Assert.Equal(Speaker.Done, await WriteAsync(again, _writes[0]));
            Assert.Equal(Speaker.Done, await WriteAsync(again, _writes[^1]));
        }
    }

    [Fact]
    public async Task Only_its_owner_and_administrators_archive_a_room_and_open_it_again_and_all_are_told()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var mods = Calls.As(broker, talk.Mod);
        using var beas = Calls.As(broker, talk.Bea);
        using var makers = Calls.As(broker, talk.Maker);
        await using var listener = await broker.ConnectAsync(talk.Bea);
        foreach (var filter in new[] { "rooms/yard", "rooms/yard/text", "rooms/yard/info" })
        {
            await listener.SubscribeAsync(filter);
        }

        foreach (var calls in new[] { mods, beas })
        {
            await calls.Expect(HttpStatusCode.Forbidden, HttpMethod.Patch, "/api/rooms/yard", new { archived = true });
        }

        var shown = await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { archived = true });

        Assert.True(shown.GetProperty("policy").GetProperty("archived").GetBoolean());
        HashSet<string> told = [];
        await listener.PublishesUntilAsync(one =>
        {
            if ((one.Topic == "rooms/yard/text" && one.Text == "** maker archived this room")
                || (one.Topic == "rooms/yard" && one.Json.Type() == "policy" && one.Json.GetProperty("archived").GetBoolean())
                || (one.Topic == "rooms/yard/info" && one.Json.TryGetProperty("archived", out _)))
            {
                told.Add(one.Topic);
            }

            return told.Count == 3;
        });
        await mods.Expect(HttpStatusCode.Forbidden, HttpMethod.Patch, "/api/rooms/yard", new { archived = false });

        await broker.RestartAsync();
        var administrator = broker.Get<AccountDirectory>().FindByUserName("first")!;
        using var later = Calls.As(broker, new Member(administrator, await broker.TokenAsync(administrator)));
        Assert.True(broker.Room("yard").Record.Policy.Archived);
        var opened = await later.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { archived = false });
        Assert.False(opened.GetProperty("policy").TryGetProperty("archived", out _));
    }

    [Fact]
    public async Task A_room_of_the_settings_is_not_archived()
    {
        await using var broker = await RunningBroker.StartAsync();
        var first = await broker.RegisterAsync("first");
        using var firsts = Calls.As(broker, first);

        var refused = await firsts.Expect(HttpStatusCode.Conflict, HttpMethod.Patch, "/api/rooms/lobby", new { archived = true });

        Assert.Equal("default_room", refused.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Nobody_new_comes_into_an_archived_room_and_who_is_in_it_reads_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await talk.SayAsync(talk.Bea, "once upon a time");
        var stranger = await broker.RegisterAsync("stranger");
        using var strangers = Calls.As(broker, stranger);
        using var makers = Calls.As(broker, talk.Maker);
        using var beas = Calls.As(broker, talk.Bea);
        await strangers.Get("/api/rooms/yard/events");
        var link = await makers.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/invites", new { });
        var secret = link.GetProperty("path").GetString()!.Split('#')[1];
        await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { archived = true });

        Assert.Equal("room_archived", Code(await strangers.Put("/api/rooms/yard/members/me", HttpStatusCode.Forbidden)));
        Assert.Equal("room_archived", Code(await strangers.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/invites", new { secret })));
        Assert.Equal("room_archived", Code(await makers.Put("/api/rooms/yard/members/stranger", HttpStatusCode.Forbidden)));
        Assert.Equal("room_archived", Code(await makers.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/rooms/yard/invites", new { })));
        await using (var client = await broker.ConnectAsync(stranger))
        {
            Assert.Equal([0x87], (await client.SubscribeAsync("rooms/yard")).ReasonCodes);
            Assert.Equal(0x87, (await client.PublishAsync("rooms/yard", "hello")).ReasonCode);
        }

        await strangers.Get("/api/rooms/yard/events", HttpStatusCode.NotFound);
        Assert.False(broker.Room("yard").IsMember(stranger.Account.Id));
        Assert.NotEmpty((await beas.Get("/api/rooms/yard/events")).GetProperty("events").EnumerateArray());
        await using var member = await broker.ConnectAsync(talk.Bea);
        Assert.Equal([1], (await member.SubscribeAsync("rooms/yard")).ReasonCodes);

        // Who has left is new.
        await beas.Delete("/api/rooms/yard/members/me");
        await beas.Put("/api/rooms/yard/members/me", HttpStatusCode.Forbidden);
        await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { archived = false });
        await beas.Put("/api/rooms/yard/members/me");
    }

    [Fact]
    public async Task Who_is_invited_into_a_private_room_or_has_its_link_is_told_that_it_is_archived_and_nobody_else()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private" })).Refusal);
        var (asked, stranger) = (await broker.RegisterAsync("asked"), await broker.RegisterAsync("stranger"));
        using var askeds = Calls.As(broker, asked);
        using var strangers = Calls.As(broker, stranger);
        using var makers = Calls.As(broker, talk.Maker);
        await makers.Expect(HttpStatusCode.Accepted, HttpMethod.Put, "/api/rooms/yard/members/asked");
        var link = await makers.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/invites", new { });
        var secret = link.GetProperty("path").GetString()!.Split('#')[1];
        await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { archived = true });

        Assert.Equal("room_archived", Code(await askeds.Put("/api/rooms/yard/members/me", HttpStatusCode.Forbidden)));
        Assert.Equal("room_archived", Code(await strangers.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/invites", new { secret })));
        Assert.Equal("no_such_room", Code(await strangers.Put("/api/rooms/yard/members/me", HttpStatusCode.NotFound)));
        await using (var client = await broker.ConnectAsync(asked))
        {
            var refused = await client.SubscribeAsync("rooms/yard");
            Assert.Equal([0x87], refused.ReasonCodes);
            Assert.Contains("archived", refused.ReasonString, StringComparison.Ordinal);
        }

        await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { archived = false });
        await askeds.Put("/api/rooms/yard/members/me");
        await strangers.Expect(HttpStatusCode.OK, HttpMethod.Post, "/api/invites", new { secret });
    }

    [Fact]
    public async Task Moderators_delete_mute_and_remove_in_an_archived_room_and_what_speaks_by_itself_is_silent()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "rude");
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account);
        Assert.Equal("200", await hook.SayAsync("one"));
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Archived = true })).Refusal);

        Assert.Equal("403 room_archived", await hook.SayAsync("two"));
        Assert.Null((await talk.DeleteAsync(talk.Mod, said)).Refusal);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", talk.Caio.Account)).Refusal);
        Assert.DoesNotContain("rude", talk.Stored(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whatever_is_on_its_way_as_a_room_is_archived_gets_no_number_after_the_answer()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var client = await broker.ConnectAsync(talk.Bea);
        var room = broker.Room("yard");
        for (var round = 0; round < 40; round++)
        {
            Assert.True((await client.PublishAsync(Topic, "in time")).Accepted);
            var speaking = client.PublishAsync(Topic, $"perhaps too late {round}");

            Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Archived = true })).Refusal);

            var head = room.Head;
            await speaking;
            Assert.Equal(0x87, (await client.PublishAsync(Topic, "too late")).ReasonCode);
            Assert.Equal(head, room.Head);
            Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Archived = false })).Refusal);
        }
    }

    [Fact]
    public async Task An_archived_room_is_in_no_list_but_at_the_end_of_ones_own()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var makers = Calls.As(broker, talk.Maker);
        using var strangers = Calls.As(broker, await broker.RegisterAsync("stranger"));
        await makers.MakeRoom("zoo");
        Assert.Equal(["lobby", "yard", "zoo"], Ids(await strangers.Get("/api/rooms")));
        await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { archived = true, tags = new[] { "plants" } });

        Assert.Equal(["lobby", "zoo"], Ids(await strangers.Get("/api/rooms")));
        Assert.Equal(["lobby", "zoo"], Ids(await makers.Get("/api/rooms?limit=50")));
        Assert.Empty(Ids(await makers.Get("/api/rooms?query=yard")));
        Assert.Empty(Ids(await strangers.Get("/api/rooms?tag=plants&sort=name")));
        Assert.Empty((await strangers.Get("/api/rooms?sort=name")).GetProperty("tags").EnumerateArray());
        var first = await makers.Get("/api/rooms?mine=true&limit=1");
        Assert.Equal(["zoo"], Ids(first));
        Assert.Equal(["yard"], Ids(await makers.Get($"/api/rooms?mine=true&limit=1&cursor={first.GetProperty("next").GetString()}")));

        // As version 1 began: with those that are mine.
        Assert.Equal(["lobby", "yard", "zoo"], Ids(await makers.Get("/api/rooms")));
    }

    private static string? Code(JsonElement problem) => problem.GetProperty("code").GetString();

    private static IEnumerable<string> Ids(JsonElement list) =>
        list.GetProperty("rooms").EnumerateArray().Select(room => room.GetProperty("id").GetString()!);
}
