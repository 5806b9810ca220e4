using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Conversations.DirectTalk;

namespace WebMessenger.Broker.Tests.Conversations;

/// <summary>Who may do what in a conversation, over MQTT and HTTP; each time first what is allowed.</summary>
public sealed class ConversationRightsTests
{
    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task Only_who_said_it_edits_or_deletes_it(string versionName)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var seq = await talk.SayAsync(talk.Ana, talk.Bea, "one");
        Assert.True((await talk.PublishAsync(talk.Ana, talk.Bea, Act("edit", seq, ""","text":"two" """), version)).Accepted);
        await using var beas = await talk.ListenAsync(talk.Bea, version);

        foreach (var payload in new[] { Act("edit", seq, ""","text":"three" """), Act("delete", seq) })
        {
            var answer = await beas.PublishAsync("users/ana", payload);
            if (version == MqttVersion.V5)
            {
                Assert.Equal(0x87, answer.ReasonCode);
            }
            else
            {
                Assert.Equal("not_allowed", (await beas.NextPublishAsync()).Json.GetProperty("code").GetString());
            }
        }

        using var calls = Calls.As(broker, talk.Bea);
        await calls.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/conversations/ana/events", new { type = "delete", of = seq });
        Assert.Equal("two", (await talk.EventsAsync(talk.Bea, "ana"))[0].Text());
    }

    [Fact]
    public async Task Whoever_has_no_publish_left_hears_over_HTTP_the_same_of_somebody_as_of_nobody()
    {
        FakeTimeProvider time = new();
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<PublishBudgets>(provider, time)),
            "--WebMessenger:Limits:PublishPerSecond", "1", "--WebMessenger:Limits:PublishBurst", "1");
        var talk = await InAsync(broker);
        using var calls = Calls.As(broker, talk.Ana);
        await calls.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/conversations/bea/events", new { type = "message", text = "one" });

        foreach (var user in new[] { "bea", "caio", "nobody" })
        {
            await calls.Expect(HttpStatusCode.TooManyRequests, HttpMethod.Post, $"/api/conversations/{user}/events", new { type = "message", text = "two" });
        }

        time.Advance(TimeSpan.FromSeconds(1));
        await calls.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/conversations/nobody/events", new { type = "message", text = "two" });
    }

    [Fact]
    public async Task Who_is_neither_of_the_two_reads_and_changes_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var seq = await talk.SayAsync(talk.Ana, talk.Bea, "one");
        await using var caios = await talk.ListenAsync(talk.Caio);

        // An `of` is one of the conversation that the topic names, which is his own.
        foreach (var to in new[] { "ana", "bea" })
        {
            foreach (var payload in new[] { Act("edit", seq, ""","text":"three" """), Act("delete", seq), Act("reaction", seq, ""","emoji":"👍","on":true""") })
            {
                Assert.Equal(0x83, (await caios.PublishAsync("users/" + to, payload)).ReasonCode);
            }

            using var calls = Calls.As(broker, talk.Caio);
            await calls.Expect(HttpStatusCode.NotFound, HttpMethod.Post, $"/api/conversations/{to}/events", new { type = "delete", of = seq });
            Assert.Empty((await calls.Get($"/api/conversations/{to}/events")).GetProperty("events").EnumerateArray());
        }

        foreach (var filter in new[] { "users/bea", "users/bea/#", "users/+", "users/#", "users/bea/conversations/#", "users/bea/conversations/ana/read" })
        {
            Assert.InRange(Assert.Single((await caios.SubscribeAsync(filter)).ReasonCodes), 0x80, 0xFF);
        }

        Assert.Equal(0x87, (await caios.PublishAsync("users/bea/conversations/ana/read", """{"seq":1}""")).ReasonCode);
        Assert.Equal("one", Assert.Single(await talk.EventsAsync(talk.Bea, "ana")).Text());
    }

    [Fact]
    public async Task A_token_does_what_its_verbs_and_rooms_say()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var seq = await talk.SayAsync(talk.Ana, talk.Bea, "one");
        using (var all = Calls.As(broker, talk.Ana))
        {
            await all.Get("/api/conversations/bea/events");
            await all.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/conversations/bea/events", new { type = "edit", of = seq, text = "two" });
            await all.Expect(HttpStatusCode.OK, HttpMethod.Put, "/api/conversations/bea/read", new { seq });
        }

        var reads = talk.Ana with { Token = await broker.TokenAsync(talk.Ana.Account, verbs: Verbs.Read) };
        var posts = talk.Ana with { Token = await broker.TokenAsync(talk.Ana.Account, verbs: Verbs.Post) };
        var limited = talk.Ana with { Token = await broker.TokenAsync(talk.Ana.Account, rooms: ["lobby"]) };
        foreach (var (token, mayRead, mayPost) in new[] { (reads, true, false), (posts, false, true), (limited, false, false) })
        {
            using var calls = Calls.As(broker, token);
            foreach (var path in new[] { "/api/conversations", "/api/conversations/bea/events", "/api/saved" })
            {
                await calls.Get(path, mayRead ? HttpStatusCode.OK : HttpStatusCode.Forbidden);
            }

            await calls.Expect(mayRead ? HttpStatusCode.OK : HttpStatusCode.Forbidden, HttpMethod.Put, "/api/conversations/bea/read", new { seq });
            var status = mayPost ? HttpStatusCode.Created : HttpStatusCode.Forbidden;
            await calls.Expect(status, HttpMethod.Post, "/api/conversations/bea/events", new { type = "edit", of = seq, text = "by " + token.Token[..8] });
            await using var client = await broker.ConnectAsync(token);
            Assert.Equal(mayPost ? 0 : 0x87, (await client.PublishAsync("users/bea", Act("edit", seq, ""","text":"over MQTT" """))).ReasonCode);
            Assert.Equal(mayPost ? 0 : 0x87, (await client.PublishAsync("users/bea", "hello")).ReasonCode);
            Assert.Equal(mayRead ? 0 : 0x87, (await client.PublishAsync("users/ana/conversations/bea/read", """{"seq":1}""")).ReasonCode);
            await calls.Get("/api/ignored", HttpStatusCode.Unauthorized);
        }

        // What is limited to rooms listens to its inbox for notices, and hears nothing of conversations.
        await using var listener = await broker.ConnectAsync(limited);
        await listener.SubscribeAsync("users/ana/#");
        await listener.SubscribeAsync("users/ana/conversations/#");
        await listener.SubscribeAsync("rooms/lobby");
        await using var beas = await broker.ConnectAsync(talk.Bea);
        await beas.SendPublishAsync("users/ana/typing", default);
        await beas.PublishAsync("users/ana", "secret");
        await beas.PublishAsync("rooms/lobby", "marker");
        var heard = await listener.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, one => one.Topic.Contains("conversations", StringComparison.Ordinal) || one.Text.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task To_who_is_banned_nothing_is_said_and_ones_own_words_are_taken_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var own = await talk.SayAsync(talk.Ana, talk.Bea, "one");
        var others = await talk.SayAsync(talk.Bea, talk.Ana, "two");
        await broker.Get<AccountBans>().BanAsync("bea", null);
        await using var anas = await broker.ConnectAsync(talk.Ana);

        var nobody = await anas.PublishAsync("users/nobody", "hello");
        foreach (var payload in new[] { "hello", Act("edit", own, ""","text":"three" """), Act("reaction", others, ""","emoji":"👍","on":true""") })
        {
            var refused = await anas.PublishAsync("users/bea", payload);
            Assert.Equal((nobody.ReasonCode, nobody.ReasonString), (refused.ReasonCode, refused.ReasonString));
        }

        Assert.True((await anas.PublishAsync("users/bea", Act("delete", own))).Accepted);
        Assert.Equal(["removed", "message", "delete"], (await talk.EventsAsync(talk.Ana, "bea")).Select(one => one.Type()));
    }

    [Fact]
    public async Task Who_is_ignored_is_told_nothing_and_not_heard()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await using var beas = await talk.ListenAsync(talk.Bea);
        await beas.SubscribeAsync("users/bea/conversations/+/typing", 0);
        await using var anas = await talk.ListenAsync(talk.Ana);
        var before = await talk.SayAsync(talk.Ana, talk.Bea, "before");
        Assert.Equal("before", (await beas.NextPublishAsync()).Json.Text());
        await talk.IgnoreAsync(talk.Bea, talk.Ana);

        var during = await talk.PublishAsync(talk.Ana, talk.Bea, "during");
        Assert.Equal((0, before + 1), (during.ReasonCode, during.Seq));
        Assert.True((await talk.PublishAsync(talk.Ana, talk.Bea, Act("edit", during.Seq, ""","text":"during, edited" """))).Accepted);
        await anas.SendPublishAsync("users/bea/typing", default);
        await talk.SayAsync(talk.Caio, talk.Bea, "marker");
        Assert.Equal("marker", (await beas.NextPublishAsync()).Json.Text());

        // Whoever is ignored sees what he said, as ever.
        Assert.Equal(["sent", "sent", "edit"], (await anas.PublishesUntilAsync(one => one.Json.Type() == "edit")).Select(one => one.Json.Type()));
        var listed = (await talk.ListAsync(talk.Bea)).Single(one => one.GetProperty("user").GetString() == "ana");
        Assert.True(listed.GetProperty("ignored").GetBoolean());
        Assert.False(listed.TryGetProperty("last", out _));
        await broker.RestartAsync();
        await using var again = await talk.ListenAsync(talk.Bea);
        await talk.SayAsync(talk.Ana, talk.Bea, "after the restart");
        await talk.IgnoreAsync(talk.Bea, talk.Ana, isOn: false);
        await talk.SayAsync(talk.Ana, talk.Bea, "heard again");
        Assert.Equal("heard again", (await again.NextPublishAsync()).Json.Text());

        // What was said meanwhile is stored, for who looks.
        Assert.Contains(await talk.EventsAsync(talk.Bea, "ana"), one => one.Type() == "message" && one.Text() == "during, edited");
    }

    [Fact]
    public async Task So_many_are_ignored_as_the_settings_say()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:IgnoredPerAccount", "1");
        var talk = await InAsync(broker);
        await talk.IgnoreAsync(talk.Bea, talk.Ana);
        await talk.IgnoreAsync(talk.Bea, talk.Ana);
        Assert.Equal(HttpStatusCode.Conflict, await talk.ByCookieAsync(talk.Bea, HttpMethod.Put, "/api/ignored/caio"));
        Assert.Equal(HttpStatusCode.BadRequest, await talk.ByCookieAsync(talk.Bea, HttpMethod.Put, "/api/ignored/bea"));
        Assert.Equal(HttpStatusCode.NotFound, await talk.ByCookieAsync(talk.Bea, HttpMethod.Put, "/api/ignored/nobody"));
        Assert.Equal(HttpStatusCode.OK, await talk.ByCookieAsync(talk.Bea, HttpMethod.Get, "/api/ignored"));
        await talk.IgnoreAsync(talk.Bea, talk.Ana, isOn: false);
        await talk.IgnoreAsync(talk.Bea, talk.Caio);
    }

    [Fact]
    public async Task Who_is_ignored_invites_to_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        using var anas = Calls.As(broker, talk.Ana);
        using var beas = Calls.As(broker, talk.Bea);
        await anas.MakeRoom("den", "private");
        await anas.MakeRoom("nest", "private");
        await anas.Put("/api/rooms/den/members/bea", HttpStatusCode.Accepted);
        Assert.Single((await beas.Get("/api/rooms?limit=50")).GetProperty("invited").EnumerateArray());
        await talk.IgnoreAsync(talk.Bea, talk.Ana);
        await anas.Put("/api/rooms/nest/members/bea", HttpStatusCode.Accepted);
        Assert.Empty((await beas.Get("/api/rooms?limit=50")).GetProperty("invited").EnumerateArray());
        await talk.IgnoreAsync(talk.Bea, talk.Ana, isOn: false);
        Assert.Equal("den", Assert.Single((await beas.Get("/api/rooms?limit=50")).GetProperty("invited").EnumerateArray()).GetProperty("room").GetString());
    }
}
