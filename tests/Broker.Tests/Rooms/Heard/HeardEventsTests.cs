using System.Text.Json;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms.Heard;

/// <summary>What is said on another node, as it is heard here.</summary>
public sealed class HeardEventsTests
{
    [Fact]
    public async Task What_another_node_stored_goes_out_in_the_order_of_the_log_with_its_quote_and_its_line()
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var talk = await InYardAsync(broker);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await bea.SubscribeAsync([new Filter("rooms/yard"), new Filter("rooms/yard/text")]);
        await using var caio = await broker.ConnectAsync(talk.Caio);
        var first = (await caio.PublishAsync(Topic, "first")).Seq;
        var second = await other.SayAsync(talk.Log, talk.Mod.Account.Id, Message(talk.Mod, "second", replyTo: first));
        var third = await other.SayAsync(talk.Log, talk.Mod.Account.Id, Message(talk.Mod, "third"), brings: false);
        Assert.True((await caio.PublishAsync(Topic, "last")).Accepted);

        var heard = await bea.PublishesUntilAsync(publish => publish.Text.Contains("caio: last", StringComparison.Ordinal));
        var messages = heard.Where(publish => publish.Topic == Topic).Select(publish => publish.Json).Where(json => json.Type() == "message").ToList();
        Assert.Equal(["first", "second", "third", "last"], messages.Select(json => json.Text()));
        Assert.Equal([first, second, third, third + 1], messages.Select(json => json.GetProperty("seq").GetInt64()));
        Assert.Equal("first", messages[1].GetProperty("quote").GetProperty("text").GetString());
        Assert.Equal(
            ["caio: first", "dora: second", "dora: third", "caio: last"],
            heard.Where(publish => publish.Topic == Topic + "/text").Select(publish => publish.Text));
    }

    [Fact]
    public async Task What_was_not_brought_along_is_read_however_much_it_is()
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var talk = await InYardAsync(broker);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await bea.SubscribeAsync([new Filter("rooms/yard"), new Filter("rooms/yard/text")]);
        var log = broker.Get<IEventLog>();
        List<long> seqs = [];
        for (var i = 0; i < 150; i++)
        {
            seqs.Add((await log.AppendAsync(talk.Log, talk.Mod.Account.Id, null, default, Message(talk.Mod, $"number {i}"))).Seq);
        }

        await other.HearAsync(talk.Log, seqs[0], seqs[^1]);
        var heard = await bea.PublishesUntilAsync(publish => publish.Topic == Topic && publish.Text.Contains("number 149", StringComparison.Ordinal));
        Assert.Equal(seqs, heard.Where(publish => publish.Topic == Topic && publish.Json.Type() == "message").Select(publish => publish.Json.GetProperty("seq").GetInt64()));
    }

    [Fact]
    public async Task No_Local_holds_for_what_the_same_client_said_by_another_node()
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var talk = await InYardAsync(broker);
        await using var bea = await broker.ConnectAsync(talk.Bea, clientId: "mine");
        await bea.SubscribeAsync([new Filter("rooms/yard", Options: 0x04)]);
        var mark = RecentPublishers.MarkOf(talk.Bea.Account.Id, "mine");
        await other.SayAsync(talk.Log, talk.Bea.Account.Id, Message(talk.Bea, "of my own", publisher: mark));
        await other.SayAsync(talk.Log, talk.Bea.Account.Id, Message(talk.Bea, "of my other client"));

        var heard = await bea.PublishesUntilAsync(publish => publish.Text.Contains("of my other client", StringComparison.Ordinal));
        Assert.DoesNotContain(heard, publish => publish.Text.Contains("of my own", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_whisper_is_heard_in_the_inboxes_of_both_as_if_it_had_been_said_here()
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var talk = await InYardAsync(broker);
        var (ana, bea) = (talk.Caio.Account, talk.Bea.Account);
        await using var anas = await broker.ConnectAsync(talk.Caio);
        await anas.SubscribeAsync("users/caio");
        await using var beas = await broker.ConnectAsync(talk.Bea);
        await beas.SubscribeAsync("users/bea");
        Assert.True((await anas.PublishAsync("users/bea", "said here")).Accepted);
        var here = await beas.NextPublishAsync();
        Assert.Equal("said here", (await anas.NextPublishAsync()).Json.Text());
        foreach (var brings in new[] { true, false })
        {
            await other.SayAsync(
                LogName.OfConversation(ana.Id, bea.Id), ana.Id, Message(talk.Caio, "said there"), brings: brings,
                pointers:
                [
                    new EventPointer(LogName.OfAccount(ana.Id), EventBody.Pointer(isMessage: true, isByBot: false, bea.Id)),
                    new EventPointer(LogName.OfAccount(bea.Id), EventBody.Pointer(isMessage: true, isByBot: false, ana.Id)),
                ]);
            var there = await beas.NextPublishAsync();
            Assert.Equal(Fields(here.Json), Fields(there.Json));
            Assert.Equal(("whisper", "said there", "caio"), (there.Json.Type(), there.Json.Text(), there.Json.GetProperty("with").GetString()));
            var own = await anas.NextPublishAsync();
            Assert.Equal(("sent", "said there", "bea"), (own.Json.Type(), own.Json.Text(), own.Json.GetProperty("with").GetString()));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_notice_that_another_node_stored_is_counted_for_clients_that_were_told_of_the_message_before(bool brings)
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var talk = await InYardAsync(broker);
        var notices = LogName.OfNotices(talk.Bea.Account.Id);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await bea.SubscribeAsync("users/bea/unread");
        for (var number = 1; number <= 2; number++)
        {
            // It names nobody as it is stored: the node that follows here finds nothing to tell.
            var message = Message(talk.Mod, "to bea");
            var seq = await other.SayAsync(talk.Log, talk.Mod.Account.Id, message);
            await bea.PublishesUntilAsync(publish => Counts(publish, "yard") == (number, number - 1));
            NoticeId id = new(broker.Room("yard").Key, seq, "mention");
            await other.SayAsync(notices, talk.Mod.Account.Id, EventBody.Notice(EventType.MentionNotice, id.ToString(), message, seq), brings: brings);

            await bea.PublishesUntilAsync(publish => Counts(publish, "yard") == (number, number));
        }
    }

    [Fact]
    public async Task Slow_mode_repeats_and_calls_of_everybody_count_what_was_said_on_other_nodes()
    {
        var (other, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var talk = await InYardAsync(broker);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await using var mod = await broker.ConnectAsync(talk.Mod);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new PolicyChanges { SlowMode = 3600 })).Refusal);
        await other.SayAsync(talk.Log, talk.Bea.Account.Id, Message(talk.Bea, "said there"));
        Assert.Contains("once in 3600 s", (await bea.PublishAsync(Topic, "too early")).ReasonString!, StringComparison.Ordinal);

        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new PolicyChanges { SlowMode = 0, Guard = new GuardChanges { Repeats = 3 } })).Refusal);
        Assert.True((await bea.PublishAsync(Topic, "Buy now")).Accepted);
        await other.SayAsync(talk.Log, talk.Bea.Account.Id, Message(talk.Bea, "buy  NOW"));
        Assert.False((await bea.PublishAsync(Topic, "buy now")).Accepted);
        Assert.True((await bea.PublishAsync(Topic, "something else")).Accepted);

        await other.SayAsync(talk.Log, talk.Mod.Account.Id, Message(talk.Mod, "@room come", named: new Named([], IsEveryone: true)));
        var seq = (await mod.PublishAsync(Topic, "@room come again")).Seq;
        Assert.False((await talk.EventAsync(seq)).TryGetProperty("everyone", out var _));
    }

    [Fact]
    public async Task The_line_of_what_was_done_on_another_node_is_that_of_where_it_was_done()
    {
        var (_, broker) = await OtherNode.BesideAsync();
        await using var _ = broker;
        var talk = await InYardAsync(broker);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        await bea.SubscribeAsync("rooms/yard/text");
        await using var mod = await broker.ConnectAsync(talk.Mod);
        await using var maker = await broker.ConnectAsync(talk.Maker);
        string[] saidByMod =
        [
            "a line", """{"type":"message","text":"/me waves"}""", """{"type":"mute","user":"caio","minutes":5,"reason":"Too loud.","public":true}""",
            """{"type":"unmute","user":"caio"}""", """{"type":"ban","user":"caio"}""", """{"type":"unban","user":"caio"}""", """{"type":"policy","quietMinutes":1}""",
        ];
        foreach (var said in saidByMod)
        {
            var answer = await mod.PublishAsync(Topic, said);
            Assert.True(answer.Accepted, answer.ReasonString);
        }

        Assert.True((await maker.PublishAsync(Topic, """{"type":"policy","archived":true,"title":"Old"}""")).Accepted);
        var lines = (await bea.PublishesUntilAsync(publish => publish.Text.Contains("archived this room", StringComparison.Ordinal))).Select(publish => publish.Text).ToList();
        Assert.Equal(lines, broker.Get<IEventLog>().ReadAfter(talk.Log, 0, 1000).Entries.Select(entry => HeardLine.Of(entry)).OfType<string>());
    }

    private static byte[] Message(Member by, string text, long? replyTo = null, ulong publisher = 0, Named? named = null) => EventBody.Message(
        EventType.Message, Author.Of(by.Account, "person"), EventBody.NewId(), text, replyTo, publisher: publisher, named: named);

    // How many are unread, and how many of them name or answer the account.
    private static (int Unread, int Mentions)? Counts(ReceivedPublish told, string room) => told.Json.GetProperty("rooms").EnumerateArray()
        .Where(one => one.GetProperty("room").GetString() == room)
        .Select(one => ((int, int)?)(one.GetProperty("unread").GetInt32(), one.GetProperty("mentions").GetInt32())).SingleOrDefault();

    private static IEnumerable<string> Fields(JsonElement json) => json.EnumerateObject().Select(field => field.Name);
}
