using System.Text.Json;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Conversations.DirectTalk;

namespace WebMessenger.Broker.Tests.Conversations;

/// <summary>Who answers what was said in a conversation has it quoted, as it is whenever the answer is written out: as in rooms.</summary>
public sealed class ConversationReplyTests
{
    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task An_answer_comes_with_what_it_answers_to_both_live_to_who_was_away_and_in_pages(string versionName)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);

        // So that the numbers of the inboxes are others than those of the conversation.
        await talk.SayAsync(talk.Caio, talk.Ana, "elsewhere");
        await talk.SayAsync(talk.Caio, talk.Bea, "elsewhere");
        await talk.SayAsync(talk.Caio, talk.Bea, "elsewhere, too");
        var said = await talk.SayAsync(talk.Bea, talk.Ana, "shall we meet?");
        await KeptClients.LeaveBehindAsync(broker, talk.Bea, version, "users/bea", "away");
        await using var anas = await talk.ListenAsync(talk.Ana, version);
        await using var beas = await talk.ListenAsync(talk.Bea, version);

        var answer = await talk.SayAsync(talk.Ana, talk.Bea, Reply(said, "yes"));

        Assert.Equal(("sent", "bea", "shall we meet?"), QuoteOf(await anas.NextPublishAsync()));
        Assert.Equal(("whisper", "bea", "shall we meet?"), QuoteOf(await beas.NextPublishAsync()));
        foreach (var (who, with) in new[] { (talk.Ana, "bea"), (talk.Bea, "ana") })
        {
            var inPage = (await talk.EventsAsync(who, with)).Single(one => one.GetProperty("seq").GetInt64() == answer);
            Assert.Equal(("message", "bea", "shall we meet?"), QuoteOf(inPage));
            using var calls = Calls.As(broker, who);
            var ofInbox = (await calls.Get("/api/whispers")).GetProperty("events").EnumerateArray().Single(IsReply);
            Assert.Equal(("bea", "shall we meet?"), (QuoteOf(ofInbox).User, QuoteOf(ofInbox).Text));
        }

        Assert.DoesNotContain("quote", talk.Stored(), StringComparison.Ordinal);
        var (back, _) = await KeptClients.ConnectAsync(broker, talk.Bea, version, "away");
        await using (back)
        {
            var missed = await back.PublishesUntilAsync(publish => IsReply(publish.Json));
            Assert.Equal(("whisper", "bea", "shall we meet?"), QuoteOf(missed[^1]));
        }
    }

    [Fact]
    public async Task A_quote_follows_edits_and_is_none_of_what_was_deleted()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var said = await talk.SayAsync(talk.Bea, talk.Ana, "canary of a quote");
        var answer = await talk.SayAsync(talk.Ana, talk.Bea, Reply(said, "yes"));
        Assert.Equal("canary of a quote", QuoteOf(await AnswerAsync()).Text);

        Assert.True((await talk.PublishAsync(talk.Bea, talk.Ana, Act("edit", said, ""","text":"another text" """))).Accepted);
        Assert.Equal("another text", QuoteOf(await AnswerAsync()).Text);
        Assert.True((await talk.PublishAsync(talk.Bea, talk.Ana, Act("delete", said))).Accepted);

        var left = await AnswerAsync();
        Assert.Equal((said, false), (left.GetProperty("replyTo").GetInt64(), left.TryGetProperty("quote", out _)));
        await using var late = await broker.ConnectAsync(talk.Bea);
        await late.SubscribeAsync("users/bea", properties: new() { { "after", "0" } });
        var all = string.Concat((await late.PublishesUntilAsync(publish => publish.Json.Type() == "delete"))
            .Where(publish => publish.Json.Type() != "edit").Select(publish => publish.Text));
        Assert.DoesNotContain("canary", all, StringComparison.Ordinal);
        Assert.DoesNotContain("another text", all, StringComparison.Ordinal);

        async Task<JsonElement> AnswerAsync() =>
            (await talk.EventsAsync(talk.Bea, "ana")).Single(one => one.GetProperty("seq").GetInt64() == answer);
    }

    private static string Reply(long to, string text) => JsonSerializer.Serialize(new { type = "message", text, replyTo = to });

    private static bool IsReply(JsonElement @event) => @event.TryGetProperty("replyTo", out _);

    private static (string? Type, string? User, string? Text) QuoteOf(ReceivedPublish publish) => QuoteOf(publish.Json);

    private static (string? Type, string? User, string? Text) QuoteOf(JsonElement @event) => @event.TryGetProperty("quote", out var quote)
        ? (@event.Type(), quote.GetProperty("user").GetString(), quote.GetProperty("text").GetString()) : (@event.Type(), null, null);
}
