using System.Net;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who may do what to what was said in a room, over MQTT and HTTP; each time first what is allowed.</summary>
public sealed class MessageRightsTests
{
    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task Only_its_author_edits_a_message(string versionName)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        await using var author = await broker.ConnectAsync(talk.Bea, version);
        Assert.True((await author.PublishAsync(Topic, Payload("edit", said, ""","text":"two" """))).Accepted);

        foreach (var other in new[] { talk.Caio, talk.Mod, talk.Maker })
        {
            await using var client = await broker.ConnectAsync(other, version);
            await client.SubscribeAsync($"users/{other.Account.UserName}");
            var answer = await client.PublishAsync(Topic, Payload("edit", said, ""","text":"three" """));
            if (version == MqttVersion.V5)
            {
                Assert.Equal(0x87, answer.ReasonCode);
            }
            else
            {
                Assert.Equal("not_allowed", (await client.NextPublishAsync()).Json.GetProperty("code").GetString());
            }
        }

        Assert.Equal("two", TextOf(await talk.EventAsync(said)));
    }

    [Fact]
    public async Task Only_who_ranks_above_deletes_what_others_said()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var other = await MayAllAsync(broker, "other");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), other.Account);
        Assert.Null((await Acts.GiveAsync(broker, "yard", talk.Maker, other, MemberRole.Moderator)).Refusal);
        var (ofMaker, ofMod, ofBea) = (
            await talk.SayAsync(talk.Maker, "one"), await talk.SayAsync(talk.Mod, "one"), await talk.SayAsync(talk.Bea, "one"));

        foreach (var (by, of) in new[] { (talk.Caio, ofBea), (talk.Bea, ofMod), (other, ofMod), (talk.Mod, ofMaker) })
        {
            Assert.Equal("not_allowed", (await talk.DeleteAsync(by, of)).Refusal?.Notice);
            Assert.Equal("message", (await talk.EventAsync(of)).Type());
        }

        Assert.Null((await talk.DeleteAsync(talk.Mod, ofBea)).Refusal);
        Assert.Null((await talk.DeleteAsync(talk.Maker, ofMod)).Refusal);
        Assert.Null((await talk.DeleteAsync(talk.Maker, ofMaker)).Refusal);
    }

    [Fact]
    public async Task A_token_does_to_messages_what_its_verbs_say()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var (own, others) = (await talk.SayAsync(talk.Mod, "one"), await talk.SayAsync(talk.Bea, "one"));
        var posts = talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account, verbs: Verbs.Read | Verbs.Post) };
        var reads = talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account, verbs: Verbs.Read | Verbs.Moderate) };
        var elsewhere = talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account, rooms: ["lobby"]) };
        using var postsHttp = Calls.As(broker, posts);
        using var readsHttp = Calls.As(broker, reads);
        using var elsewhereHttp = Calls.As(broker, elsewhere);
        await using var postsMqtt = await broker.ConnectAsync(posts);
        const string path = "/api/rooms/yard/events";

        await postsHttp.Expect(HttpStatusCode.Created, HttpMethod.Post, path, new { type = "edit", of = own, text = "two" });
        Assert.True((await postsMqtt.PublishAsync(Topic, Payload("edit", own, ""","text":"three" """))).Accepted);
        await postsHttp.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, path, new { type = "delete", of = others });
        Assert.Equal(0x87, (await postsMqtt.PublishAsync(Topic, Payload("delete", others))).ReasonCode);
        await readsHttp.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, path, new { type = "edit", of = own, text = "four" });
        await readsHttp.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, path, new { type = "delete", of = own });
        await elsewhereHttp.Expect(HttpStatusCode.NotFound, HttpMethod.Post, path, new { type = "delete", of = own });
        Assert.Equal("three", TextOf(await talk.EventAsync(own)));
        await readsHttp.Expect(HttpStatusCode.Created, HttpMethod.Post, path, new { type = "delete", of = others });
        Assert.Equal("removed", (await talk.EventAsync(others)).Type());
    }

    [Fact]
    public async Task Who_is_not_in_the_room_changes_nothing_there_and_one_room_nothing_of_another()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        var inLobby = await talk.SayAsync(talk.Bea, "one", "lobby");
        using var beas = Calls.As(broker, talk.Bea);
        await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/events", new { type = "edit", of = said, text = "two" });

        await beas.Delete("/api/rooms/yard/members/me");
        await beas.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/rooms/yard/events", new { type = "edit", of = said, text = "three" });
        await beas.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/rooms/yard/events", new { type = "delete", of = said });

        // The number is that of a message in another room, where it stays.
        await beas.Expect(HttpStatusCode.NotFound, HttpMethod.Post, "/api/rooms/lobby/events", new { type = "delete", of = said + 50 });
        await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/lobby/events", new { type = "delete", of = inLobby });
        Assert.Equal("two", TextOf(await talk.EventAsync(said)));
    }

    [Fact]
    public async Task Commands_about_a_room_are_for_a_room()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var client = await broker.ConnectAsync(talk.Bea);
        var whisper = await client.PublishAsync("users/caio", "psst");
        Assert.True(whisper.Accepted);

        Assert.Equal(0x83, (await client.PublishAsync("users/caio", """{"type":"role","user":"caio","role":"member"}""")).ReasonCode);
        Assert.Equal(0x83, (await client.PublishAsync("users/caio", """{"type":"policy","posting":"everyone"}""")).ReasonCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault_S7_What_waits_for_the_log_as_its_author_goes_is_not_done(bool isSignedOut)
    {
        Crossroads crossroads = new();
        await using var broker = await RunningBroker.StartWithAsync(crossroads.Place);
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        Assert.Null((await talk.EditAsync(talk.Bea, said, "two")).Refusal);
        var browser = await broker.SignInAsync(talk.Bea.Account);

        crossroads.Arm(Crossing.BeforeAppend);
        var late = broker.Get<MessageActs>().ActAsync(
            broker.Room("yard"), new AskedAct(new Command("", null, null, new MessageAct.Edit(said, "three")), browser.Session));
        await crossroads.Reached;
        if (isSignedOut)
        {
            await broker.Get<LoginSessions>().EndAsync(browser.Session);
        }
        else
        {
            var (room, members) = (broker.Room("yard"), broker.Get<RoomMembers>());
            await members.LeaveAsync(room, talk.Bea.Account);
            await members.JoinAsync(room, talk.Bea.Account);
        }

        crossroads.Release();

        Assert.NotNull((await late).Refusal);
        Assert.Equal("two", TextOf(await talk.EventAsync(said)));
    }

    [Fact]
    public async Task Fault_S31_Edits_are_paid_for_and_deletions_go_on_without_room()
    {
        var free = 10L << 30;
        DiskSpace space = new(() => new DiskRoom(Interlocked.Read(ref free), 20L << 30), new BrokerLimits());
        await using var broker = await RunningBroker.StartWithAsync(
            services => services.AddSingleton(space), "--WebMessenger:Limits:StoredBytesPerDayPerAccount", "3000");
        var talk = await InYardAsync(broker);
        var (first, second) = (await talk.SayAsync(talk.Bea, "one"), await talk.SayAsync(talk.Bea, "one"));
        using var beas = Calls.As(broker, talk.Bea);
        const string path = "/api/rooms/yard/events";

        Assert.Equal("quota", (await talk.EditAsync(talk.Bea, first, new string('a', 2000))).Refusal?.Notice);
        var over = await beas.Expect(HttpStatusCode.TooManyRequests, HttpMethod.Post, path, new { type = "edit", of = first, text = new string('a', 2000) });
        Assert.Equal("quota", over.GetProperty("code").GetString());
        Assert.Null((await talk.EditAsync(talk.Bea, first, "two")).Refusal);
        Interlocked.Exchange(ref free, 1);
        space.Look();

        await beas.Expect(HttpStatusCode.ServiceUnavailable, HttpMethod.Post, path, new { type = "edit", of = first, text = "three" });
        Assert.Equal("two", TextOf(await talk.EventAsync(first)));
        await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, path, new { type = "delete", of = first });
        await using var client = await broker.ConnectAsync(talk.Bea);
        Assert.Equal("busy", (await client.PublishAsync(Topic, Payload("edit", second, ""","text":"three" """))).Properties.User("code"));
        Assert.True((await client.PublishAsync(Topic, Payload("delete", second))).Accepted);
    }
}
