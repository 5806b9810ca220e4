using System.Net;
using System.Text.Json;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Conversations.DirectTalk;

namespace WebMessenger.Broker.Tests.Conversations;

/// <summary>Read positions of conversations, all at once and back; and saved messages.</summary>
public sealed class KeptForMeTests
{
    [Fact]
    public async Task How_far_one_has_read_is_told_of_each_conversation_and_the_inbox_moves_all()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await talk.SayAsync(talk.Bea, talk.Ana, "one");
        await talk.SayAsync(talk.Caio, talk.Ana, "two");
        await talk.SayAsync(talk.Bea, talk.Ana, "three");
        await using var anas = await broker.ConnectAsync(talk.Ana);
        await anas.SubscribeAsync("users/ana/conversations/bea/read");
        Assert.Equal((0L, 2), Told(await anas.NextPublishAsync()));

        var marked = await anas.PublishAsync("users/ana/conversations/bea/read", """{"seq":1}""");
        Assert.Equal((0, 1L), (marked.ReasonCode, marked.Seq));
        var told = await anas.NextPublishAsync();
        Assert.Equal("users/ana/conversations/bea/read", told.Topic);
        Assert.Equal((1L, 1), Told(told));
        Assert.Equal("bea", told.Json.GetProperty("with").GetString());

        // Lower ones are accepted and change nothing; unless they say so.
        Assert.Equal(1L, (await anas.PublishAsync("users/ana/conversations/bea/read", """{"seq":0}""")).Seq);
        Assert.Equal(0L, (await anas.PublishAsync("users/ana/conversations/bea/read", """{"seq":0,"back":true}""")).Seq);
        Assert.Equal((0L, 2), Told(await anas.NextPublishAsync()));

        Assert.True((await anas.PublishAsync("users/ana/read", """{"seq":2}""")).Accepted);
        Assert.Equal((1L, 1), Told(await anas.NextPublishAsync()));
        Assert.Equal((1, 0), await UnreadAsync());
        await broker.RestartAsync();
        Assert.Equal((1, 0), await UnreadAsync());

        async Task<(int Beas, int Caios)> UnreadAsync()
        {
            var unread = (await talk.ListAsync(talk.Ana)).ToDictionary(one => one.GetProperty("user").GetString()!, one => one.GetProperty("unread").GetInt32());
            return (unread["bea"], unread["caio"]);
        }

        static (long, int) Told(ReceivedPublish publish) => (publish.Json.GetProperty("seq").GetInt64(), publish.Json.GetProperty("unread").GetInt32());
    }

    [Fact]
    public async Task What_is_deleted_is_unread_no_more_and_a_position_goes_back_on_purpose_in_rooms_too()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var first = await talk.SayAsync(talk.Caio, "one");
        var last = await talk.SayAsync(talk.Caio, "two");
        using var beas = Calls.As(broker, talk.Bea);
        Assert.Equal(0, await Unread(new { seq = last }));
        Assert.Equal(0, await Unread(new { seq = first - 1 }));
        Assert.Equal(2, await Unread(new { seq = first - 1, back = true }));
        await broker.RestartAsync();
        using var again = Calls.As(broker, talk.Bea);
        Assert.Equal(2, (await again.Get("/api/rooms/yard")).GetProperty("unread").GetInt32());

        async Task<int> Unread(object body) =>
            (await beas.Expect(HttpStatusCode.OK, HttpMethod.Put, "/api/rooms/yard/read", body)).GetProperty("unread").GetInt32();
    }

    [Fact]
    public async Task All_is_read_at_once_and_a_limited_token_reads_its_rooms_alone()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        foreach (var room in new[] { "lobby", "garden" })
        {
            if (broker.Get<RoomDirectory>().Find(room) is null)
            {
                using var firsts = Calls.As(broker, talk.Bea);
                await firsts.MakeRoom(room);
            }

            await broker.Get<RoomMembers>().JoinAsync(broker.Room(room), talk.Ana.Account);
            await using var client = await broker.ConnectAsync(talk.Bea);
            await client.PublishAsync("rooms/" + room, "hello");
        }

        await talk.SayAsync(talk.Bea, talk.Ana, "psst");
        using var limited = Calls.As(broker, talk.Ana with { Token = await broker.TokenAsync(talk.Ana.Account, rooms: ["lobby"]) });
        await limited.Expect(HttpStatusCode.NoContent, HttpMethod.Post, "/api/read");
        Assert.Equal((0, 1, 1), await Unread());
        using var calls = Calls.As(broker, talk.Ana);
        await calls.Expect(HttpStatusCode.NoContent, HttpMethod.Post, "/api/read");
        Assert.Equal((0, 0, 0), await Unread());
        Assert.Equal(0, (await calls.Get("/api/whispers")).GetProperty("unread").GetInt32());

        async Task<(int, int, int)> Unread()
        {
            using var all = Calls.As(broker, talk.Ana);
            return (
                (await all.Get("/api/rooms/lobby")).GetProperty("unread").GetInt32(),
                (await all.Get("/api/rooms/garden")).GetProperty("unread").GetInt32(),
                (await talk.ListAsync(talk.Ana))[0].GetProperty("unread").GetInt32());
        }
    }

    [Fact]
    public async Task What_is_unread_in_a_conversation_is_said_live()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await using var anas = await broker.ConnectAsync(talk.Ana);
        await anas.SubscribeAsync("users/ana/unread");
        await talk.SayAsync(talk.Bea, talk.Ana, "one");
        var said = await Conversations(anas);
        Assert.Equal(("bea", 1, 1L), (said.GetProperty("user").GetString(), said.GetProperty("unread").GetInt32(), said.GetProperty("head").GetInt64()));
        using var calls = Calls.As(broker, talk.Ana);
        await calls.Expect(HttpStatusCode.OK, HttpMethod.Put, "/api/conversations/bea/read", new { seq = 1 });
        Assert.Equal((1L, 0), await Conversations(anas) is var read ? (read.GetProperty("seq").GetInt64(), read.GetProperty("unread").GetInt32()) : default);

        static async Task<JsonElement> Conversations(RawMqttClient client)
        {
            var heard = await client.PublishesUntilAsync(publish => publish.Json.TryGetProperty("conversations", out _));
            return heard[^1].Json.GetProperty("conversations")[0];
        }
    }

    [Fact]
    public async Task A_limited_token_is_told_of_no_conversation()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), talk.Ana.Account);
        await using var anas = await broker.ConnectAsync(talk.Ana);
        await using var limited = await broker.ConnectAsync(talk.Ana with { Token = await broker.TokenAsync(talk.Ana.Account, rooms: ["lobby"]) });
        foreach (var client in new[] { anas, limited })
        {
            await client.SubscribeAsync("users/ana/unread");
        }

        await talk.SayAsync(talk.Bea, talk.Ana, "one");
        await anas.PublishesUntilAsync(publish => publish.Json.TryGetProperty("conversations", out _));
        await using var beas = await broker.ConnectAsync(talk.Bea);
        await beas.PublishAsync("rooms/lobby", "marker");
        var heard = await limited.PublishesUntilAsync(publish => !publish.Json.TryGetProperty("all", out _) && publish.Json.GetProperty("rooms").GetArrayLength() > 0);
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("conversations", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Saved_messages_show_what_is_there_now_to_who_may_read_it_now()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:SavedPerAccount", "3");
        var yard = await MessageTalk.InYardAsync(broker);
        var (kept, gone) = (await yard.SayAsync(yard.Caio, "kept"), await yard.SayAsync(yard.Caio, "gone"));
        await using (var caios = await broker.ConnectAsync(yard.Caio))
        {
            Assert.True((await caios.PublishAsync("users/bea", "psst")).Accepted);
        }

        using var beas = Calls.As(broker, yard.Bea);
        foreach (var path in new[] { $"/api/saved/rooms/yard/{kept}", $"/api/saved/rooms/yard/{gone}", "/api/saved/conversations/caio/1", $"/api/saved/rooms/yard/{kept}" })
        {
            await beas.Put(path);
        }

        var more = await yard.SayAsync(yard.Caio, "one more");
        await beas.Put($"/api/saved/rooms/yard/{more}", HttpStatusCode.Conflict);
        await beas.Put("/api/saved/rooms/yard/9999", HttpStatusCode.NotFound);
        await beas.Put("/api/saved/rooms/nowhere/1", HttpStatusCode.NotFound);
        await beas.Put("/api/saved/conversations/nobody/1", HttpStatusCode.NotFound);
        await beas.Put("/api/saved/conversations/maker/1", HttpStatusCode.NotFound);
        Assert.Null((await yard.EditAsync(yard.Caio, kept, "kept, edited")).Refusal);
        Assert.Null((await yard.DeleteAsync(yard.Caio, gone)).Refusal);
        await beas.Put($"/api/saved/rooms/yard/{gone}", HttpStatusCode.Gone);
        await broker.RestartAsync();

        using var again = Calls.As(broker, yard.Bea);
        var page = await again.Get("/api/saved?limit=2");
        var rest = await again.Get("/api/saved?limit=2&cursor=" + page.GetProperty("next").GetString());
        var saved = page.GetProperty("saved").EnumerateArray().Concat(rest.GetProperty("saved").EnumerateArray()).ToList();
        Assert.Equal(["message", "removed", "message"], saved.Select(one => one.GetProperty("event").Type()));
        Assert.Equal(("psst", "caio"), (saved[0].GetProperty("event").Text(), saved[0].GetProperty("with").GetString()));
        Assert.Equal(("kept, edited", "yard"), (saved[2].GetProperty("event").Text(), saved[2].GetProperty("room").GetString()));

        // What she may not read she cannot save.
        using var stranger = Calls.As(broker, await broker.RegisterAsync("stranger"));
        await stranger.Put($"/api/saved/rooms/yard/{kept}");

        // Once she is out of the room, and the room is private, it says nothing.
        using var makers = Calls.As(broker, yard.Maker);
        await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { visibility = "private" });
        await makers.Delete("/api/rooms/yard/members/bea");
        var outside = (await again.Get("/api/saved")).GetProperty("saved").EnumerateArray().ToList();
        Assert.Equal([true, false, false], outside.Select(one => one.TryGetProperty("event", out _)));
        await stranger.Put($"/api/saved/rooms/yard/{more}", HttpStatusCode.NotFound);
        await again.Delete($"/api/saved/rooms/yard/{kept}");
        Assert.Equal(2, (await again.Get("/api/saved")).GetProperty("saved").GetArrayLength());
    }
}
