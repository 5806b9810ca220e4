using System.Net;
using System.Text.Json;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Conversations.DirectTalk;

namespace WebMessenger.Broker.Tests.Conversations;

/// <summary>What two say to each other: stored once, heard by both, changed like what is said in rooms.</summary>
public sealed class DirectConversationTests
{
    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task What_one_says_to_another_both_hear_and_nobody_else(string versionName)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await using var anas = await talk.ListenAsync(talk.Ana, version);
        await using var beas = await talk.ListenAsync(talk.Bea, version);
        await using var caios = await talk.ListenAsync(talk.Caio, version);
        Assert.Equal([(byte)(version == MqttVersion.V5 ? 0x87 : 0x80)], (await caios.SubscribeAsync("users/bea")).ReasonCodes);

        var seq = await talk.SayAsync(talk.Ana, talk.Bea, "psst");
        var heard = (await beas.NextPublishAsync()).Json;
        var own = (await anas.NextPublishAsync()).Json;
        await talk.SayAsync(talk.Bea, talk.Caio, "marker");

        Assert.Equal(("whisper", "bea", "psst"), (heard.Type(), heard.GetProperty("to").GetString(), heard.Text()));
        Assert.Equal(("ana", seq), (heard.GetProperty("with").GetString(), heard.GetProperty("cseq").GetInt64()));
        Assert.Equal(("sent", "ana", "psst"), (own.Type(), own.GetProperty("to").GetString(), own.Text()));
        Assert.Equal(("bea", seq), (own.GetProperty("with").GetString(), own.GetProperty("cseq").GetInt64()));
        Assert.Equal(heard.GetProperty("cepoch").GetString(), own.GetProperty("cepoch").GetString());
        Assert.Equal(heard.GetProperty("id").GetString(), own.GetProperty("id").GetString());
        Assert.Equal("marker", (await caios.NextPublishAsync()).Json.Text());

        // Each counts its own; what both see has one number.
        foreach (var (of, with) in new[] { (talk.Ana, "bea"), (talk.Bea, "ana") })
        {
            var said = Assert.Single(await talk.EventsAsync(of, with));
            Assert.Equal(("message", seq), Place(said));
            Assert.Equal((with, "psst"), (said.GetProperty("with").GetString(), said.Text()));
        }

        Assert.Empty(await talk.EventsAsync(talk.Caio, "ana"));
        Assert.Equal(1, broker.Get<IEventLog>().Head(talk.Log).Head);
    }

    [Fact]
    public async Task What_is_said_once_is_stored_once_for_both()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var first = await talk.PublishAsync(talk.Ana, talk.Bea, "hello", id: "one");
        Assert.Equal((first.Seq, first.Epoch), await Place("hello"));
        Assert.Equal(0x83, (await talk.PublishAsync(talk.Ana, talk.Bea, "other", id: "one")).ReasonCode);

        // The other's ids are the other's.
        Assert.Equal(first.Seq + 1, (await talk.PublishAsync(talk.Bea, talk.Ana, "hello", id: "one")).Seq);
        Assert.Equal(2, talk.Stored().Split("hello").Length - 1);

        async Task<(long, string?)> Place(string text) => await talk.PublishAsync(talk.Ana, talk.Bea, text, id: "one") is var again ? (again.Seq, again.Epoch) : default;
    }

    [Fact]
    public async Task Who_speaks_to_himself_hears_it_once_as_a_whisper()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await using var anas = await talk.ListenAsync(talk.Ana);
        await talk.SayAsync(talk.Ana, talk.Ana, "note");
        await talk.SayAsync(talk.Bea, talk.Ana, "marker");

        Assert.Equal(("whisper", "note"), (await anas.NextPublishAsync()).Json is var note ? (note.Type(), note.Text()) : default);
        Assert.Equal("marker", (await anas.NextPublishAsync()).Json.Text());
        Assert.Equal("note", Assert.Single(await talk.EventsAsync(talk.Ana, "ana")).Text());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_edited_deleted_and_reacted_to_both_hear(bool byHttp)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var seq = await talk.SayAsync(talk.Ana, talk.Bea, "one");
        await using var anas = await talk.ListenAsync(talk.Ana);
        await using var beas = await talk.ListenAsync(talk.Bea);

        await DoAsync(talk.Ana, talk.Bea, new { type = "edit", of = seq, text = "two" });
        await DoAsync(talk.Bea, talk.Ana, new { type = "reaction", of = seq, emoji = "👍", on = true });
        var edited = Assert.Single(await talk.EventsAsync(talk.Bea, "ana"), one => one.Type() == "message");
        Assert.Equal(("two", seq + 1), (edited.Text(), edited.GetProperty("edited").GetProperty("seq").GetInt64()));
        Assert.Equal("bea", edited.GetProperty("reactions")[0].GetProperty("users")[0].GetProperty("user").GetString());
        await DoAsync(talk.Ana, talk.Bea, new { type = "delete", of = seq });

        foreach (var (client, with) in new[] { (anas, "bea"), (beas, "ana") })
        {
            foreach (var (type, at) in new[] { ("edit", seq + 1), ("reaction", seq + 2), ("delete", seq + 3) })
            {
                var heard = (await client.NextPublishAsync()).Json;
                Assert.Equal((type, with, at, seq), (heard.Type(), heard.GetProperty("with").GetString(), heard.GetProperty("cseq").GetInt64(), heard.GetProperty("of").GetInt64()));
            }
        }

        var removed = (await talk.EventsAsync(talk.Bea, "ana"))[0];
        Assert.Equal(("removed", seq), Place(removed));
        Assert.False(removed.TryGetProperty("text", out _));

        async Task DoAsync(Member who, Member to, object command)
        {
            if (byHttp)
            {
                using var calls = Calls.As(broker, who);
                var done = await calls.Expect(HttpStatusCode.Created, HttpMethod.Post, $"/api/conversations/{to.Account.UserName}/events", command);
                Assert.Equal(to.Account.UserName, done.GetProperty("with").GetString());
            }
            else
            {
                Assert.True((await talk.PublishAsync(who, to, JsonSerializer.Serialize(command))).Accepted);
            }
        }
    }

    [Fact]
    public async Task Over_HTTP_one_says_the_same_as_over_MQTT()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await using var beas = await talk.ListenAsync(talk.Bea);
        using var calls = Calls.As(broker, talk.Ana);
        var body = new { type = "message", text = "waves", action = true, id = "w1" };
        var said = await calls.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/conversations/bea/events", body);
        var again = await calls.Expect(HttpStatusCode.OK, HttpMethod.Post, "/api/conversations/bea/events", body);

        Assert.Equal(said.GetRawText(), again.GetRawText());
        var heard = (await beas.NextPublishAsync()).Json;
        Assert.Equal(("whisper", "waves", true), (heard.Type(), heard.Text(), heard.GetProperty("action").GetBoolean()));
        Assert.Equal(said.GetProperty("seq").GetInt64(), (await talk.PublishAsync(talk.Ana, talk.Bea, JsonSerializer.Serialize(body))).Seq);
        foreach (var wrong in new object[] { new { type = "role" }, new { type = "message" }, new { type = "edit", text = "x" }, new { }, new { type = "message", text = " " } })
        {
            await calls.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/conversations/bea/events", wrong);
        }

        await calls.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/conversations/nobody/events", body);
    }

    [Fact]
    public async Task What_was_deleted_or_edited_is_in_no_answer_and_no_delivery()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await KeptClients.LeaveBehindAsync(broker, talk.Bea, MqttVersion.V5, "users/bea");
        var deleted = await talk.SayAsync(talk.Ana, talk.Bea, "canary one");
        var edited = await talk.SayAsync(talk.Ana, talk.Bea, "canary two");
        Assert.True((await talk.PublishAsync(talk.Ana, talk.Bea, Act("edit", edited, ""","text":"canary three" """))).Accepted);
        Assert.True((await talk.PublishAsync(talk.Ana, talk.Bea, Act("edit", edited, ""","text":"better" """))).Accepted);
        Assert.True((await talk.PublishAsync(talk.Ana, talk.Bea, Act("delete", deleted))).Accepted);
        Assert.DoesNotContain("canary", talk.Stored(), StringComparison.Ordinal);
        await broker.RestartAsync();

        Assert.DoesNotContain("canary", talk.Stored(), StringComparison.Ordinal);
        var (back, _) = await KeptClients.ConnectAsync(broker, talk.Bea);
        await using (back)
        {
            var heard = await back.PublishesUntilAsync(publish => publish.Json.Type() == "delete");
            Assert.Equal(["removed", "whisper", "edit", "edit", "delete"], heard.Select(one => one.Json.Type()));
            Assert.DoesNotContain(heard, one => one.Text.Contains("canary", StringComparison.Ordinal));
            Assert.Equal("better", heard[1].Json.Text());
            Assert.Equal(Enumerable.Range(1, 5).Select(seq => (long)seq), heard.Select(one => one.Json.GetProperty("seq").GetInt64()));
        }

        foreach (var member in new[] { talk.Ana, talk.Bea })
        {
            using var calls = Calls.As(broker, member);
            var other = member == talk.Ana ? "bea" : "ana";
            foreach (var path in new[] { $"/api/conversations/{other}/events", $"/api/conversations/{other}/events?view=lines", "/api/conversations", "/api/whispers" })
            {
                var text = (await calls.Get(path)).GetRawText();
                Assert.DoesNotContain("canary", text, StringComparison.Ordinal);
                Assert.Contains("better", text, StringComparison.Ordinal);
            }

            await using var client = await broker.ConnectAsync(member);
            await client.SubscribeAsync("users/" + member.Account.UserName, properties: new MqttProperties { { "after", "0" } });
            Assert.DoesNotContain(
                await client.PublishesUntilAsync(publish => publish.Json.Type() == "delete"), one => one.Text.Contains("canary", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Conversations_are_listed_the_newest_first_with_what_is_unread_and_the_last_line()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await talk.SayAsync(talk.Caio, talk.Ana, "first");
        var seq = await talk.SayAsync(talk.Bea, talk.Ana, "second");
        await talk.SayAsync(talk.Bea, talk.Ana, "third");
        Assert.True((await talk.PublishAsync(talk.Ana, talk.Bea, Act("reaction", seq, ""","emoji":"👍","on":true"""))).Accepted);

        var list = await talk.ListAsync(talk.Ana);
        Assert.Equal(["bea", "caio"], list.Select(one => one.GetProperty("user").GetString()));
        Assert.Equal(("Béa", "person", 2, 3L), (list[0].GetProperty("name").GetString(), list[0].GetProperty("kind").GetString(), list[0].GetProperty("unread").GetInt32(), list[0].GetProperty("head").GetInt64()));
        Assert.Equal("third", list[0].GetProperty("last").Text());
        Assert.Equal(0, (await talk.ListAsync(talk.Bea))[0].GetProperty("unread").GetInt32());

        using var calls = Calls.As(broker, talk.Ana);
        var page = await calls.Get("/api/conversations?limit=1");
        var next = await calls.Get("/api/conversations?limit=1&cursor=" + page.GetProperty("next").GetString());
        Assert.Equal("caio", Assert.Single(next.GetProperty("conversations").EnumerateArray()).GetProperty("user").GetString());
        Assert.False(next.TryGetProperty("next", out _));
        await calls.Get("/api/conversations?limit=0", HttpStatusCode.BadRequest);
        await calls.Get("/api/conversations?cursor=x", HttpStatusCode.BadRequest);
        Assert.Empty(await talk.ListAsync(await broker.RegisterAsync("dora")));
    }

    [Fact]
    public async Task Of_who_is_erased_the_other_keeps_what_both_said_and_with_the_second_it_is_gone()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var own = await talk.SayAsync(talk.Ana, talk.Bea, "mine");
        var others = await talk.SayAsync(talk.Bea, talk.Ana, "yours");
        Assert.True((await broker.Get<AccountChanges>().EraseAsync(talk.Bea.Account, Password, null)).TryGet(out _, out _));

        for (var look = 0; look < 2; look++)
        {
            Assert.Equal(["mine", "yours"], (await talk.EventsAsync(talk.Ana, "bea")).Select(one => one.Text()));
            var listed = Assert.Single(await talk.ListAsync(talk.Ana));
            Assert.Equal(("bea", true), (listed.GetProperty("user").GetString(), listed.GetProperty("gone").GetBoolean()));
            await broker.RestartAsync();
        }

        using var calls = Calls.As(broker, talk.Ana);
        await calls.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/conversations/bea/events", new { type = "message", text = "hello?" });
        await calls.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/conversations/bea/events", new { type = "delete", of = others });
        await calls.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/conversations/bea/events", new { type = "delete", of = own });
        Assert.Equal(["removed", "message"], (await talk.EventsAsync(talk.Ana, "bea")).Select(one => one.Type()).Take(2));

        var ana = broker.Get<WebMessenger.Auth.Accounts.AccountDirectory>().FindByUserName("ana")!;
        Assert.True((await broker.Get<AccountChanges>().EraseAsync(ana, Password, null)).TryGet(out _, out _));
        Assert.Equal(0, broker.Get<IEventLog>().Head(talk.Log).Head);
        Assert.Empty(broker.Get<IRecords>().ReadAll("c/"u8));
    }

    [Fact]
    public async Task Who_writes_is_seen_by_the_other_who_asks_for_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await using var beas = await broker.ConnectAsync(talk.Bea);
        await using var others = await broker.ConnectAsync(talk.Bea);
        Assert.Equal([0], (await beas.SubscribeAsync("users/bea/conversations/+/typing", 0)).ReasonCodes);
        Assert.Equal([0], (await others.SubscribeAsync("users/bea/conversations/caio/typing", 0)).ReasonCodes);
        await using var anas = await broker.ConnectAsync(talk.Ana);
        Assert.Equal([0x87], (await anas.SubscribeAsync("users/bea/conversations/+/typing", 0)).ReasonCodes);

        await anas.SendPublishAsync("users/bea/typing", default);
        var note = await beas.NextPublishAsync();
        Assert.Equal(("users/bea/conversations/ana/typing", """{"user":"ana"}"""), (note.Topic, note.Text));
        await using var caios = await broker.ConnectAsync(talk.Caio);
        await caios.SendPublishAsync("users/bea/typing", default);
        Assert.Equal("users/bea/conversations/caio/typing", (await others.NextPublishAsync()).Topic);
    }
}
