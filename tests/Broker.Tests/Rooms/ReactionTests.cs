using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>
/// People put emoji on what others said: an event for those who are here, and a count on the message for who reads it later.
/// </summary>
public sealed class ReactionTests
{
    private const string Path = "/api/rooms/yard/events";

    // As a command ends.
    private const string ThumbsUp = ""","emoji":"👍","on":true""";

    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task A_reaction_is_an_event_and_stands_with_its_message(string versionName)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        await using var listener = await broker.ConnectAsync(talk.Caio, version);
        await listener.SubscribeAsync(Topic);
        await listener.SubscribeAsync(Topic + "/text", 0);
        await using var client = await broker.ConnectAsync(talk.Bea, version);

        Assert.True((await client.PublishAsync(Topic, Payload("reaction", said, ThumbsUp))).Accepted);
        await talk.ReactAsync(talk.Maker, said, "👍");
        await talk.ReactAsync(talk.Maker, said, "❤️");

        var heard = (await listener.PublishesUntilAsync(publish => publish.Json.Type() == "reaction"))[^1].Json;
        Assert.Equal(("bea", said, "👍", true), (
            heard.GetProperty("from").GetProperty("user").GetString(),
            heard.GetProperty("of").GetInt64(),
            heard.GetProperty("emoji").GetString(),
            heard.GetProperty("on").GetBoolean()));
        await talk.SayAsync(talk.Bea, "next");
        Assert.Equal("bea: next", (await listener.PublishesUntilAsync(publish => publish.Topic == Topic + "/text"))[^1].Text);
        for (var start = 0; start < 2; start++)
        {
            // In one millisecond nobody was first.
            var (thumbs, hearts) = ReactionsOf(await talk.EventAsync(said)) is [var one, var other] ? (one, other) : ("", "");
            Assert.Contains(thumbs, new[] { "👍 2 bea maker mine", "👍 2 maker bea mine" });
            Assert.Equal("❤️ 1 maker mine", hearts);
            await broker.RestartAsync();
        }

        Assert.Null((await talk.ReactAsync(talk.Maker, said, "👍", isOn: false)).Refusal);
        Assert.Null((await talk.ReactAsync(talk.Maker, said, "❤️", isOn: false)).Refusal);
        Assert.Equal(["👍 1 bea"], ReactionsOf(await talk.EventAsync(said)));
    }

    [Fact]
    public async Task What_is_so_already_changes_nothing_and_what_is_sent_again_is_the_same()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        using var caios = Calls.As(broker, talk.Caio);
        var put = new { type = "reaction", of = said, emoji = "👍", on = true, id = "r" };
        var first = await caios.Expect(HttpStatusCode.Created, HttpMethod.Post, Path, put);

        await caios.Expect(HttpStatusCode.NoContent, HttpMethod.Post, Path, new { type = "reaction", of = said, emoji = "👍", on = true });
        await caios.Expect(HttpStatusCode.NoContent, HttpMethod.Post, Path, new { type = "reaction", of = said, emoji = "👎", on = false });
        await caios.Expect(HttpStatusCode.Created, HttpMethod.Post, Path, new { type = "reaction", of = said, emoji = "👍", on = false });
        var again = await caios.Expect(HttpStatusCode.OK, HttpMethod.Post, Path, put);

        Assert.Equal(first.GetProperty("seq").GetInt64(), again.GetProperty("seq").GetInt64());
        Assert.Empty(ReactionsOf(await talk.EventAsync(said)));
        Assert.Equal(2, (await talk.HistoryAsync()).Count(one => one.Type() == "reaction"));
        Assert.Equal(1, (await caios.Get("/api/rooms/yard")).GetProperty("unread").GetInt32());
    }

    [Theory]
    [InlineData("x")]
    [InlineData("👍👍")]
    [InlineData("❤")]
    [InlineData(":smile:")]
    public async Task What_is_no_emoji_is_refused(string text)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        using var caios = Calls.As(broker, talk.Caio);
        await caios.Expect(HttpStatusCode.Created, HttpMethod.Post, Path, new { type = "reaction", of = said, emoji = "❤️", on = true });
        await using var client = await broker.ConnectAsync(talk.Caio);

        var problem = await caios.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Path, new { type = "reaction", of = said, emoji = text, on = true });
        Assert.Equal("invalid", problem.GetProperty("errors").GetProperty("emoji")[0].GetProperty("code").GetString());
        Assert.Equal(0x83, (await client.PublishAsync(Topic, Payload("reaction", said, $",\"emoji\":\"{text}\",\"on\":true"))).ReasonCode);
        Assert.Equal(["❤️ 1 caio"], ReactionsOf(await talk.EventAsync(said)));
    }

    [Fact]
    public async Task Who_may_not_write_does_not_react()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        await using var zoe = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
        Assert.True((await zoe.PublishAsync(Topic, Payload("reaction", said, ThumbsUp))).Accepted);
        using var reads = Calls.As(broker, talk.Caio with { Token = await broker.TokenAsync(talk.Caio.Account, verbs: Verbs.Read | Verbs.Moderate) });
        await reads.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Path, new { type = "reaction", of = said, emoji = "👍", on = true });
        using var strangers = Calls.As(broker, await MayAllAsync(broker, "stranger"));
        await strangers.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Path, new { type = "reaction", of = said, emoji = "👍", on = true });

        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Guests = "read", Posting = "moderators" });

        Assert.Equal(0x87, (await zoe.PublishAsync(Topic, Payload("reaction", said, ""","emoji":"👎","on":true"""))).ReasonCode);
        Assert.Equal("not_allowed", (await talk.ReactAsync(talk.Caio, said, "👍")).Refusal?.Notice);
        Assert.Null((await talk.ReactAsync(talk.Mod, said, "👍")).Refusal);
        Assert.Equal(["👍 2 guest dora"], ReactionsOf(await talk.EventAsync(said)));
    }

    [Fact]
    public async Task A_message_has_fifty_different_reactions_at_most_however_many_come_at_once()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        string[] emoji = [.. Enumerable.Range(0, 60).Select(i => char.ConvertFromUtf32(0x1F400 + i)).Where(Emoji.IsOne)];
        Assert.InRange(emoji.Length, 53, 60);
        foreach (var one in emoji[..49])
        {
            Assert.Null((await talk.ReactAsync(talk.Caio, said, one)).Refusal);
        }

        // Each sees that there is one place, and one has it.
        var both = await Task.WhenAll(talk.ReactAsync(talk.Caio, said, emoji[49]), talk.ReactAsync(talk.Mod, said, emoji[50]));

        Assert.Equal([null, "too_many"], both.Select(result => result.Refusal?.Notice).Order());
        Assert.Equal(50, ReactionsOf(await talk.EventAsync(said)).Length);
        using var beas = Calls.As(broker, talk.Bea);
        var problem = await beas.Expect(HttpStatusCode.Conflict, HttpMethod.Post, Path, new { type = "reaction", of = said, emoji = emoji[52], on = true });
        Assert.Equal("too_many", problem.GetProperty("code").GetString());

        // One that is there takes no place, and one that is taken back gives its own.
        Assert.Null((await talk.ReactAsync(talk.Bea, said, emoji[0])).Refusal);
        Assert.Null((await talk.ReactAsync(talk.Caio, said, emoji[1], isOn: false)).Refusal);
        Assert.Null((await talk.ReactAsync(talk.Bea, said, emoji[52])).Refusal);
    }

    [Fact]
    public async Task Reactions_go_with_a_message_that_is_deleted_and_with_the_room()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var (first, second) = (await talk.SayAsync(talk.Bea, "one"), await talk.SayAsync(talk.Bea, "two"));
        await talk.ReactAsync(talk.Caio, first, "👍");
        await talk.ReactAsync(talk.Caio, second, "👍");
        await talk.CrowdReactsAsync(first, "❤️", 2_500);
        Assert.Equal("❤️ 2500", ReactionsOf(await talk.EventAsync(first))[0][..7]);
        var records = broker.Get<IRecords>();

        Assert.Null((await talk.DeleteAsync(talk.Bea, first)).Refusal);

        Assert.Empty(ReactionsOf(await talk.EventAsync(first)));
        Assert.Equal("removed", (await talk.ReactAsync(talk.Mod, first, "👍")).Refusal?.Notice);
        await UntilNoneAsync(records, ReactionKey.PrefixOf(talk.Log, first));
        Assert.Equal(["👍 1 caio"], ReactionsOf(await talk.EventAsync(second)));
        var log = talk.Log;
        using var makers = Calls.As(broker, talk.Maker);
        await makers.Delete("/api/rooms/yard");
        await UntilNoneAsync(records, ReactionKey.PrefixOf(log));
    }

    [Fact]
    public async Task Of_a_log_that_was_dropped_while_nobody_followed_no_reaction_stays()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        await talk.ReactAsync(talk.Caio, said, "👍");
        var (log, records) = (broker.Get<IEventLog>(), broker.Get<IRecords>());
        var dropped = LogName.OfRoom("dropped");
        await records.WriteAsync([
            new RecordChange(ReactionKey.Of(dropped, 1, "👍", "a"), [1]), new RecordChange(ReactionKey.Of(dropped, 2, "👍", "a"), [1]),
            new RecordChange(Pins.Key(dropped), [1])]);

        await new ReactionFollower(log, records).ForgetAsync(TestContext.Current.CancellationToken);

        Assert.Empty(records.ReadPage(ReactionKey.PrefixOf(dropped), [], 10));
        Assert.Null(records.Find(Pins.Key(dropped)));
        Assert.Equal(["👍 1 caio"], ReactionsOf(await talk.EventAsync(said)));
    }

    [Fact]
    public async Task A_reaction_at_once_with_the_deletion_leaves_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        for (var round = 0; round < 20; round++)
        {
            var said = await talk.SayAsync(talk.Bea, "one");

            var reacted = talk.ReactAsync(talk.Caio, said, "👍");
            Assert.Null((await talk.DeleteAsync(talk.Bea, said)).Refusal);

            Assert.True((await reacted).Refusal is null or { Notice: "removed" });
        }

        await UntilNoneAsync(broker.Get<IRecords>(), ReactionKey.PrefixOf(talk.Log));
    }

    [Fact]
    public async Task Of_messages_that_are_deleted_together_all_reactions_go_and_those_to_their_neighbours_stay()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var client = await broker.ConnectAsync(talk.Bea);

        // Over the end of a run of 256 seqs.
        var said = new List<long>();
        for (var number = 0; number < 300; number++)
        {
            said.Add((await client.PublishAsync(Topic, "one")).Seq);
        }

        foreach (var seq in said)
        {
            await talk.CrowdReactsAsync(seq, "👍", 3);
        }

        await talk.CrowdReactsAsync(said[150], "❤️", 1_500);
        await talk.CrowdReactsAsync(said[151], "❤️", 1_500);
        var kept = new HashSet<long> { said[0], said[150], said[299] };

        var deleted = await Task.WhenAll(said.Where(seq => !kept.Contains(seq)).Select(seq => talk.DeleteAsync(talk.Bea, seq)));

        Assert.All(deleted, one => Assert.Null(one.Refusal));
        var records = broker.Get<IRecords>();
        foreach (var seq in said.Where(seq => !kept.Contains(seq)))
        {
            await UntilNoneAsync(records, ReactionKey.PrefixOf(talk.Log, seq));
        }

        Assert.Equal(3, records.ReadAll(ReactionKey.PrefixOf(talk.Log, said[0])).Count);
        Assert.Equal(1_503, records.ReadAll(ReactionKey.PrefixOf(talk.Log, said[150])).Count);
        Assert.Equal(3, records.ReadAll(ReactionKey.PrefixOf(talk.Log, said[299])).Count);
    }

    private static async Task UntilNoneAsync(IRecords records, byte[] prefix)
    {
        using PeriodicTimer again = new(TimeSpan.FromMilliseconds(20));
        while (records.ReadPage(prefix, [], 1).Count > 0)
        {
            await again.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Of each emoji: how many, who of them is named (a guest as such), whether the reader is one of them.</summary>
    internal static string[] ReactionsOf(JsonElement message) => !message.TryGetProperty("reactions", out var reactions) ? [] :
    [
        .. reactions.EnumerateArray().Select(one => string.Join(' ', (string?[])[
            one.GetProperty("emoji").GetString(),
            one.GetProperty("count").GetInt32().ToString(System.Globalization.CultureInfo.InvariantCulture),
            .. one.GetProperty("users").EnumerateArray().Select(user =>
                user.GetProperty("kind").GetString() == "guest" ? "guest" : user.GetProperty("user").GetString()),
            .. one.GetProperty("mine").GetBoolean() ? (string[])["mine"] : [],
        ])),
    ];
}
