using System.Net;
using System.Text.Json;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;
using static WebMessenger.Broker.Tests.Rooms.ReactionTests;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>Pages of history with what was done to messages: as lines alone, with reactions, as of the page's head.</summary>
public sealed class LinesTests
{
    [Fact]
    public async Task A_page_of_lines_reads_on_over_what_was_only_done_to_messages()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var caios = Calls.As(broker, talk.Caio);
        List<long> lines = [];
        for (var i = 0; i < 4; i++)
        {
            lines.Add(await talk.SayAsync(talk.Bea, "line"));
            for (var edit = 0; edit < 40; edit++)
            {
                Assert.Null((await talk.EditAsync(talk.Bea, lines[^1], $"line {i} {edit}")).Refusal);
            }
        }

        await talk.ReactAsync(talk.Caio, lines[0], "👍");
        Assert.Null((await talk.DeleteAsync(talk.Bea, lines[2])).Refusal);
        var head = broker.Room("yard").Head;

        var newest = await caios.Get("/api/rooms/yard/events?view=lines&limit=2");
        Assert.Equal(lines[2..], Seqs(newest));
        Assert.Equal(("removed", "line 3 39"), (Events(newest)[0].Type(), Events(newest)[1].Text()));
        Assert.Equal((lines[2], head), (newest.GetProperty("from").GetInt64(), newest.GetProperty("to").GetInt64()));
        var older = await caios.Get($"/api/rooms/yard/events?view=lines&limit=2&before={lines[2]}");
        Assert.Equal(lines[..2], Seqs(older));
        Assert.Equal(["👍 1 caio mine"], ReactionsOf(Events(older)[0]));
        var onwards = await caios.Get($"/api/rooms/yard/events?view=lines&limit=500&after={lines[0]}");
        Assert.Equal(lines[1..], Seqs(onwards));
        Assert.Equal((lines[0] + 1, head), (onwards.GetProperty("from").GetInt64(), onwards.GetProperty("to").GetInt64()));
        Assert.False((await caios.Get("/api/rooms/yard/events?limit=2")).TryGetProperty("from", out _));
        await caios.Get("/api/rooms/yard/events?view=all", HttpStatusCode.BadRequest);
        await caios.Get("/api/rooms/yard/events?view=lines&view=lines", HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Of_many_who_react_twenty_are_named_and_all_are_counted()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        await talk.CrowdReactsAsync(said, "❤️", 3_000);
        await talk.ReactAsync(talk.Maker, said, "❤️");

        var hearts = (await talk.EventAsync(said)).GetProperty("reactions")[0];

        Assert.Equal((3_001, true), (hearts.GetProperty("count").GetInt32(), hearts.GetProperty("mine").GetBoolean()));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"user{i}"), hearts.GetProperty("users").EnumerateArray().Select(user => user.GetProperty("user").GetString()));
    }

    [Fact]
    public async Task Of_a_message_to_which_very_many_react_each_kind_is_named_and_counted_no_further()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        await talk.CrowdReactsAsync(said, "❤️", ReactionsOfPage.Most);
        await talk.CrowdReactsAsync(said, "🎉", 2 * ReactionsOfPage.FewOfKind);
        await talk.CrowdReactsAsync(said, "🎶", 3);
        await talk.ReactAsync(talk.Maker, said, "🎶");

        var kinds = (await talk.EventAsync(said)).GetProperty("reactions").EnumerateArray().Select(kind => (
            kind.GetProperty("emoji").GetString(), kind.GetProperty("count").GetInt32(), kind.GetProperty("mine").GetBoolean()));

        Assert.Equal([("❤️", ReactionsOfPage.Most, false), ("🎉", ReactionsOfPage.FewOfKind, false), ("🎶", 4, true)], kinds.Order());
    }

    [Fact]
    public async Task A_page_ends_where_very_many_have_reacted()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        long[] said = [await talk.SayAsync(talk.Bea, "one"), await talk.SayAsync(talk.Bea, "two"), await talk.SayAsync(talk.Bea, "three")];
        await talk.CrowdReactsAsync(said[1], "❤️", ReactionsOfPage.Most / 2);
        await talk.CrowdReactsAsync(said[2], "❤️", ReactionsOfPage.Most / 2);
        using var caios = Calls.As(broker, talk.Caio);

        Assert.Equal(said[1..], Seqs(await caios.Get("/api/rooms/yard/events?view=lines")));
        Assert.Equal(said[0], Seqs(await caios.Get($"/api/rooms/yard/events?view=lines&before={said[1]}"))[^1]);
        var onwards = await caios.Get($"/api/rooms/yard/events?after={said[0] - 1}");
        Assert.Equal(said, Seqs(onwards));
        Assert.Equal($"❤️ {ReactionsOfPage.Most / 2}", ReactionsOf(Events(onwards)[2])[0][..8]);
    }

    [Fact]
    public async Task Reactions_are_as_of_the_head_of_the_page()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var (log, records) = (broker.Get<IEventLog>(), broker.Get<IRecords>());
        var said = await talk.SayAsync(talk.Bea, "one");
        await talk.ReactAsync(talk.Caio, said, "👍");
        await talk.ReactAsync(talk.Mod, said, "👍");
        var head = log.Head(talk.Log);

        // What comes above the head is the reader's to apply.
        await talk.ReactAsync(talk.Bea, said, "👍");
        await talk.ReactAsync(talk.Caio, said, "👍", isOn: false);
        await talk.ReactAsync(talk.Mod, said, "👍", isOn: false);
        await talk.ReactAsync(talk.Mod, said, "👍");
        await talk.ReactAsync(talk.Maker, said, "👎");
        ReactionsOfPage page = new(records, log, talk.Log, talk.Caio.Account.Id);
        page.Prepare(head, said, said);

        var shown = JsonDocument.Parse("{" + System.Text.Encoding.UTF8.GetString(page.Of(said).Span)[1..] + "}").RootElement;
        Assert.Equal(2, shown.GetProperty("reactions")[0].GetProperty("count").GetInt32());
        Assert.Equal(["caio", "dora", "mine"], ReactionsOf(shown).Single().Split(' ')[2..].Order());
    }

    private static JsonElement[] Events(JsonElement page) => [.. page.GetProperty("events").EnumerateArray()];

    private static long[] Seqs(JsonElement page) =>
        [.. Events(page).Where(one => one.Type() is "message" or "removed" or "edit" or "delete").Select(one => one.GetProperty("seq").GetInt64())];
}
