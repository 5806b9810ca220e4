using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who answers a message has it quoted, as it is whenever the answer is written out.</summary>
public sealed class ReplyTests
{
    private const string Events = "/api/rooms/yard/events";

    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task An_answer_comes_with_what_it_answers_live_to_who_was_away_and_in_pages(string versionName)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "shall we meet?");
        await KeptClients.LeaveBehindAsync(broker, talk.Mod, version, Topic, "away");
        await using var listener = await broker.ConnectAsync(talk.Caio, version);
        await listener.SubscribeAsync(Topic);
        await listener.SubscribeAsync(Topic + "/text", 0);
        await using var author = await broker.ConnectAsync(talk.Maker, version);

        Assert.True((await author.PublishAsync(Topic, Reply(said, "yes"))).Accepted);

        var heard = (await listener.PublishesUntilAsync(IsReply))[^1].Json;
        Assert.Equal(("bea", "shall we meet?"), QuoteOf(heard));
        Assert.Equal("maker: yes", (await listener.PublishesUntilAsync(publish => publish.Topic == Topic + "/text"))[^1].Text);
        var inPage = (await talk.HistoryAsync()).Single(one => one.TryGetProperty("replyTo", out _));
        Assert.Equal(("bea", "shall we meet?"), QuoteOf(inPage));
        Assert.DoesNotContain("quote", talk.Stored(), StringComparison.Ordinal);
        var (back, _) = await KeptClients.ConnectAsync(broker, talk.Mod, version, "away");
        await using (back)
        {
            Assert.Equal(("bea", "shall we meet?"), QuoteOf((await back.PublishesUntilAsync(IsReply))[^1].Json));
        }
    }

    [Fact]
    public async Task A_quote_follows_edits_and_is_none_of_what_was_deleted()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "canary of a quote");
        var answer = await talk.SayAsync(talk.Caio, Reply(said, "yes"));
        Assert.Equal("canary of a quote", QuoteOf(await talk.EventAsync(answer)).Text);

        Assert.Null((await talk.EditAsync(talk.Bea, said, "another text")).Refusal);
        Assert.Equal("another text", QuoteOf(await talk.EventAsync(answer)).Text);
        var second = await talk.SayAsync(talk.Caio, Reply(said, "and again"));
        Assert.Equal("another text", QuoteOf(await talk.EventAsync(second)).Text);
        Assert.Null((await talk.DeleteAsync(talk.Bea, said)).Refusal);

        Assert.False((await talk.EventAsync(answer)).TryGetProperty("quote", out _));
        Assert.Equal(said, (await talk.EventAsync(answer)).GetProperty("replyTo").GetInt64());
        Assert.DoesNotContain("canary", string.Concat(await talk.HistoryAsync()), StringComparison.Ordinal);
        await using var late = await broker.ConnectAsync(talk.Caio);
        await late.SubscribeAsync(Topic, properties: new() { { "after", "0" } });
        var all = await late.PublishesUntilAsync(publish => publish.Json.Type() == "delete");
        Assert.DoesNotContain("another text", string.Concat(all.Where(IsReply).Select(publish => publish.Text)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task What_is_no_message_of_the_room_any_more_is_not_answered(string versionName)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var (said, gone) = (await talk.SayAsync(talk.Bea, "one"), await talk.SayAsync(talk.Bea, "two"));
        for (var more = 0; more < 30; more++)
        {
            await talk.SayAsync(talk.Bea, "elsewhere", "lobby");
        }

        Assert.Null((await talk.DeleteAsync(talk.Bea, gone)).Refusal);
        await using var author = await broker.ConnectAsync(talk.Caio, version);
        await author.SubscribeAsync("users/caio");
        Assert.True((await author.PublishAsync(Topic, Reply(said, "yes"))).Accepted);
        var count = (await talk.HistoryAsync()).Length;
        using var caios = Calls.As(broker, talk.Caio);

        // A join, a number that only another room has, and what was deleted.
        foreach (var (of, code, status) in new[] { (1L, "no_such_event", HttpStatusCode.NotFound), (said + 25, "no_such_event", HttpStatusCode.NotFound), (gone, "removed", HttpStatusCode.Gone) })
        {
            var answer = await author.PublishAsync(Topic, Reply(of, "no"));
            if (version == MqttVersion.V5)
            {
                Assert.Equal(0x83, answer.ReasonCode);
            }
            else
            {
                Assert.Equal(code, (await author.NextPublishAsync()).Json.GetProperty("code").GetString());
            }

            var problem = await caios.Expect(status, HttpMethod.Post, Events, new { type = "message", text = "no", replyTo = of });
            Assert.Equal(code, problem.GetProperty("code").GetString());
        }

        Assert.Equal(count, (await talk.HistoryAsync()).Length);
    }

    [Fact]
    public async Task An_answer_right_behind_what_it_answers_is_stored_in_its_order_and_once()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var author = await broker.ConnectAsync(talk.Bea);
        var head = broker.Get<IEventLog>().Head(talk.Log).Head;

        var sent = Enumerable.Range(1, 20).Select(number => author.PublishAsync(
            Topic, number % 2 == 1 ? $"message {number}" : Reply(head + number - 1, $"answer {number}", $"id {number}"))).ToList();

        var answers = await Task.WhenAll(sent);
        Assert.All(answers, answer => Assert.True(answer.Accepted, answer.ReasonString));
        Assert.Equal(Enumerable.Range(1, 20).Select(number => head + number), answers.Select(answer => answer.Seq));
        Assert.Equal("message 19", QuoteOf(await talk.EventAsync(head + 20)).Text);

        // What is known by its id is acknowledged, whatever became of the other.
        Assert.Null((await talk.DeleteAsync(talk.Bea, head + 1)).Refusal);
        Assert.Equal(head + 2, await talk.SayAsync(talk.Bea, Reply(head + 1, "answer 2", "id 2")));
    }

    [Fact]
    public async Task A_quote_has_160_letters_at_most()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, string.Concat(Enumerable.Repeat("👋", 200)));

        var answer = await talk.SayAsync(talk.Caio, Reply(said, "hi"));

        Assert.Equal(string.Concat(Enumerable.Repeat("👋", 160)), QuoteOf(await talk.EventAsync(answer)).Text);
    }

    [Fact]
    public async Task Messages_are_said_over_http_by_the_rules_of_a_publish()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:TextLength", "100");
        var talk = await InYardAsync(broker);
        await using var listener = await broker.ConnectAsync(talk.Caio);
        await listener.SubscribeAsync(Topic);
        await listener.SubscribeAsync(Topic + "/text", 0);
        using var beas = Calls.As(broker, talk.Bea);

        var said = await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, Events, new { type = "message", text = "waves", action = true, id = "m" });
        var again = await beas.Expect(HttpStatusCode.OK, HttpMethod.Post, Events, new { type = "message", text = "waves", action = true, id = "m" });

        Assert.Equal(said.GetProperty("seq").GetInt64(), again.GetProperty("seq").GetInt64());
        var heard = await listener.PublishesUntilAsync(publish => publish.Topic == Topic + "/text");
        Assert.Equal("* bea waves", heard[^1].Text);
        await beas.Expect(HttpStatusCode.Conflict, HttpMethod.Post, Events, new { type = "message", text = "other", id = "m" });
        await beas.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Events, new { type = "message" });
        await beas.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Events, new { type = "message", text = "a", replyTo = 0 });
        await beas.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Events, new { type = "message", text = new string('a', 101) });

        // By a token without the verb, of another room, and by who is not in it.
        using var reads = Calls.As(broker, talk.Bea with { Token = await broker.TokenAsync(talk.Bea.Account, verbs: Verbs.Read) });
        await reads.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Events, new { type = "message", text = "no" });
        using var elsewhere = Calls.As(broker, talk.Bea with { Token = await broker.TokenAsync(talk.Bea.Account, rooms: ["lobby"]) });
        await elsewhere.Expect(HttpStatusCode.NotFound, HttpMethod.Post, Events, new { type = "message", text = "no" });
        await beas.Delete("/api/rooms/yard/members/me");
        await beas.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Events, new { type = "message", text = "no" });
        using var caios = Calls.As(broker, talk.Caio);
        await caios.Expect(HttpStatusCode.Created, HttpMethod.Post, Events, new { type = "message", text = "yes" });
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Posting = "moderators" });
        await caios.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Events, new { type = "message", text = "no" });
    }

    [Fact]
    public async Task Over_http_an_account_says_no_more_in_a_second_than_by_publishes()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:PublishPerSecond", "1", "--WebMessenger:Limits:PublishBurst", "2");
        var talk = await InYardAsync(broker);
        using var beas = Calls.As(broker, talk.Bea);
        await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, Events, new { type = "message", text = "one" });

        var said = await talk.SayAsync(talk.Bea, "to be edited");
        foreach (var (path, command) in new (string, object)[]
        {
            (Events, new { type = "message", text = "more" }),
            (Events, new { type = "edit", of = said, text = "another text" }),
            ("/api/conversations/caio/events", new { type = "message", text = "more" }),
        })
        {
            List<HttpStatusCode> answers = [];
            for (var more = 0; more < 10; more++)
            {
                answers.Add((await beas.SendAsync(HttpMethod.Post, path, command)).Status);
            }

            Assert.Contains(HttpStatusCode.TooManyRequests, answers);
        }
    }

    private static bool IsReply(ReceivedPublish publish) => publish.Topic == Topic && publish.Json.TryGetProperty("replyTo", out _);

    private static string Reply(long to, string text, string? id = null) =>
        JsonSerializer.Serialize(id is null ? (object)new { type = "message", text, replyTo = to } : new { type = "message", text, replyTo = to, id });

    private static (string? User, string? Text) QuoteOf(JsonElement message)
    {
        var quote = message.GetProperty("quote");
        return (quote.GetProperty("user").GetString(), quote.GetProperty("text").GetString());
    }
}
