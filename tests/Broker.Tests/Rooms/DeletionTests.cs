using System.Net;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>What was deleted is nowhere any more, and in its place stands who said something there, and who deleted it.</summary>
public sealed class DeletionTests
{
    private const string Canary = "canary-of-this-test";

    [Theory]
    [InlineData("V311", false)]
    [InlineData("V5", false)]
    [InlineData("V311", true)]
    [InlineData("V5", true)]
    public async Task Attack_47_What_was_edited_and_deleted_is_in_no_answer_and_no_delivery(string versionName, bool restarts)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);

        // One is away before it is said, the other has been sent it and not acknowledged it.
        await KeptClients.LeaveBehindAsync(broker, talk.Caio, version, Topic, "away");
        var (half, _) = await KeptClients.ConnectAsync(broker, talk.Caio, version, "half", acknowledges: false);
        await half.SubscribeAsync(Topic);
        var said = await talk.SayAsync(talk.Bea, Canary + " 1", id: "said");
        while (!(await half.NextPublishAsync()).Text.Contains(Canary, StringComparison.Ordinal))
        {
        }

        half.Abort();
        await half.DisposeAsync();
        await talk.EditAsync(talk.Bea, said, Canary + " 2");
        await talk.EditAsync(talk.Bea, said, Canary + " 3");
        Assert.Contains(Canary + " 3", talk.Stored(), StringComparison.Ordinal);
        Assert.DoesNotContain(Canary + " 1", talk.Stored(), StringComparison.Ordinal);

        var deleted = await talk.DeleteAsync(talk.Bea, said);

        Assert.Null(deleted.Refusal);
        if (restarts)
        {
            await broker.RestartAsync();
        }

        Assert.DoesNotContain(Canary, talk.Stored(), StringComparison.Ordinal);
        Assert.DoesNotContain(Canary, string.Concat(await talk.HistoryAsync()), StringComparison.Ordinal);
        var removed = await talk.EventAsync(said);
        Assert.Equal(("removed", "bea", "bea", "said"), (
            removed.Type(),
            removed.GetProperty("from").GetProperty("user").GetString(),
            removed.GetProperty("by").GetProperty("user").GetString(),
            removed.GetProperty("id").GetString()));
        var heard = await HeardAsync(broker, talk, version, "away");
        Assert.Equal(["removed", "edit", "edit", "delete"], heard.Select(publish => publish.Json.Type()).Where(type => type is not ("join" or "leave" or "message")));

        var again = await HeardAsync(broker, talk, version, "half");
        Assert.True(again.First(publish => publish.Json.GetProperty("seq").GetInt64() == said).Duplicate);
        if (version == MqttVersion.V5)
        {
            await using var catchingUp = await broker.ConnectAsync(talk.Caio);
            await catchingUp.SubscribeAsync(Topic, properties: new() { { "after", "0" } });
            var all = await catchingUp.PublishesUntilAsync(publish => publish.Json.GetProperty("seq").GetInt64() >= deleted.Seq);
            Assert.DoesNotContain(Canary, string.Concat(all.Select(publish => publish.Text)), StringComparison.Ordinal);
            Assert.Equal(
                Enumerable.Range(1, all.Count).Select(seq => (long)seq), all.Select(publish => publish.Json.GetProperty("seq").GetInt64()));
        }
    }

    [Fact]
    public async Task By_http_one_is_told_what_became_of_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        using var beas = Calls.As(broker, talk.Bea);
        using var caios = Calls.As(broker, talk.Caio);
        const string path = "/api/rooms/yard/events";
        var edit = new { type = "edit", of = said, text = "two", id = "e" };

        await caios.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, path, new { type = "edit", of = said, text = "two" });
        var first = await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, path, edit);
        var again = await beas.Expect(HttpStatusCode.OK, HttpMethod.Post, path, edit);
        Assert.Equal((first.GetProperty("seq").GetInt64(), "yard"), (again.GetProperty("seq").GetInt64(), again.GetProperty("room").GetString()));
        Assert.Equal("id_used", await CodeAsync(beas, HttpStatusCode.Conflict, new { type = "edit", of = said, text = "three", id = "e" }));
        Assert.Equal("no_such_event", await CodeAsync(beas, HttpStatusCode.NotFound, new { type = "edit", of = said + 100, text = "three" }));
        Assert.Equal("no_such_event", await CodeAsync(beas, HttpStatusCode.NotFound, new { type = "delete", of = first.GetProperty("seq").GetInt64() }));
        Assert.Equal("invalid_fields", await CodeAsync(beas, HttpStatusCode.BadRequest, new { type = "delete" }));
        Assert.Equal("invalid_fields", await CodeAsync(beas, HttpStatusCode.BadRequest, new { type = "delete", of = 0 }));
        Assert.Equal("invalid_fields", await CodeAsync(beas, HttpStatusCode.BadRequest, new { type = "delete", of = said, reason = new string('r', 201) }));

        await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, path, new { type = "delete", of = said });

        Assert.Equal("removed", await CodeAsync(beas, HttpStatusCode.Gone, new { type = "delete", of = said }));
        Assert.Equal("removed", await CodeAsync(beas, HttpStatusCode.Gone, new { type = "edit", of = said, text = "four" }));
        Assert.Equal("no_such_room", await CodeAsync(beas, HttpStatusCode.NotFound, new { type = "delete", of = 1 }, "/api/rooms/none/events"));

        static async Task<string?> CodeAsync(Calls calls, HttpStatusCode status, object body, string to = path) =>
            (await calls.Expect(status, HttpMethod.Post, to, body)).GetProperty("code").GetString();
    }

    [Fact]
    public async Task A_moderator_deletes_what_a_member_said_who_is_told_why_and_nobody_else()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var author = await broker.ConnectAsync(talk.Bea, MqttVersion.V311);
        await author.SubscribeAsync("users/bea");
        await using var listener = await broker.ConnectAsync(talk.Caio);
        await listener.SubscribeAsync(Topic);
        var said = await talk.SayAsync(talk.Bea, "rude");

        Assert.Null((await talk.DeleteAsync(talk.Mod, said, reason: "It was\nrude.")).Refusal);

        var notice = (await author.NextPublishAsync()).Json;
        Assert.Equal(("notice", "deleted", Topic), (
            notice.Type(), notice.GetProperty("code").GetString(), notice.GetProperty("topic").GetString()));
        Assert.EndsWith("It was ⏎ rude.", notice.Text(), StringComparison.Ordinal);
        var heard = (await listener.PublishesUntilAsync(publish => publish.Json.Type() == "delete"))[^1];
        Assert.DoesNotContain("It was", heard.Text, StringComparison.Ordinal);
        var removed = await talk.EventAsync(said);
        Assert.Equal(("bea", "dora"), (
            removed.GetProperty("from").GetProperty("user").GetString(), removed.GetProperty("by").GetProperty("user").GetString()));
    }

    [Fact]
    public async Task What_is_said_by_a_bot_and_in_the_format_before_is_edited_and_deleted_as_all_else()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        byte[] body = [1, 0, 2, .. "m1"u8, .. "\"from\":{\"user\":\"bea\",\"name\":\"Béa\",\"kind\":\"bot\"},\"text\":\"old\",\"replyTo\":4"u8];
        var stored = await broker.Get<IEventLog>().AppendAsync(talk.Log, talk.Bea.Account.Id, "m1", default, body);

        Assert.Null((await talk.EditAsync(talk.Bea, stored.Seq, "new")).Refusal);

        var edited = await talk.EventAsync(stored.Seq);
        Assert.Equal(("m1", "new", 4, "Béa"), (
            edited.GetProperty("id").GetString(), edited.Text(), edited.GetProperty("replyTo").GetInt32(), edited.GetProperty("from").GetProperty("name").GetString()));
        Assert.Null((await talk.DeleteAsync(talk.Bea, stored.Seq)).Refusal);
        var left = broker.Get<IEventLog>().ReadAfter(talk.Log, stored.Seq - 1, 1).Entries[0].Body;
        Assert.Equal((EventType.Removed, true), (EventBody.TypeOf(left.Span), EventBody.IsByBot(left.Span)));
        Assert.Equal("Béa", (await talk.EventAsync(stored.Seq)).GetProperty("from").GetProperty("name").GetString());
    }

    [Fact]
    public async Task Edits_and_deletions_are_not_unread_and_a_deleted_message_leaves_the_count()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var page = await broker.ConnectBrowserAsync(await broker.SignInAsync(talk.Caio.Account));
        await page.SubscribeAsync("users/caio/unread");
        var (first, second) = (await talk.SayAsync(talk.Bea, "one"), await talk.SayAsync(talk.Bea, "two"));
        await talk.EditAsync(talk.Bea, first, "three");
        var deleted = await talk.DeleteAsync(talk.Bea, second);

        // Said again by itself, when the counted message is none any more.
        await page.PublishesUntilAsync(publish => publish.Json.GetProperty("rooms").EnumerateArray().Any(room =>
            room.GetProperty("room").GetString() == "yard" && room.GetProperty("head").GetInt64() == deleted.Seq && room.GetProperty("unread").GetInt32() == 1));
    }

    private static async Task<IReadOnlyList<ReceivedPublish>> HeardAsync(RunningBroker broker, MessageTalk talk, MqttVersion version, string clientId)
    {
        await talk.SayAsync(talk.Bea, "marker of " + clientId);
        var (client, answer) = await KeptClients.ConnectAsync(broker, talk.Caio, version, clientId);
        Assert.True(answer.SessionPresent);
        await using (client)
        {
            var heard = await client.PublishesUntilAsync(publish => publish.Text.Contains("marker of " + clientId, StringComparison.Ordinal));
            Assert.DoesNotContain(Canary, string.Concat(heard.Select(publish => publish.Text)), StringComparison.Ordinal);
            return heard;
        }
    }
}
