using System.Net;
using System.Text.Json;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Rules;
using WebMessenger.Broker.Tests.Devices;
using WebMessenger.Broker.Tests.Hooks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Rules;

/// <summary>Rules say in the room what happens on its data topics.</summary>
public sealed class RuleTests
{
    internal const string Rules = "/api/rooms/yard/rules";

    [Fact]
    public async Task A_threshold_is_said_once_until_the_value_has_come_all_the_way_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        await MadeAsync(broker, talk.Mod, new { name = "Heat", filter = "+/temp", when = "above", threshold = 30, hysteresis = 2, text = "{topic}: {value} °C" });
        await MadeAsync(broker, talk.Mod, new { name = "Frost", filter = "bed/temp", when = "below", threshold = 0.5, text = "{value}" });
        using DataCalls device = new(broker, talk.Mod.Token);

        foreach (var value in (string[])["29", "30", "30.5", "31", "29", "28.5", "31", "no number", "28", "32", "-1", "-2", "1e0", "0.25"])
        {
            await device.PutAsync("bed/temp", value);
        }

        await device.PutAsync("shed/temp", "40", more: "&retain=false&qos=0");
        Assert.Equal(["Heat bed/temp: 30.5 °C", "Heat bed/temp: 32 °C", "Frost -1", "Frost 0.25", "Heat shed/temp: 40 °C"], await SaidAsync(talk));
    }

    [Fact]
    public async Task A_value_that_becomes_the_one_that_is_named_or_another_is_said_also_from_within_JSON()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        await MadeAsync(broker, talk.Mod, new { name = "Door", filter = "door", when = "equals", value = "open", path = "state.now", text = "{topic} by {by[0]}: {value}" });
        await MadeAsync(broker, talk.Mod, new { name = "Mode", filter = "mode", when = "changes", text = "{value}" });
        using DataCalls device = new(broker, talk.Mod.Token);

        foreach (var now in (string[])["shut", "open", "open", "shut", "open"])
        {
            await device.PutAsync("door", $$"""{"state":{"now":"{{now}}"},"by":["ana"]}""");
        }

        await device.PutAsync("door", "{not json");
        await device.PutAsync("door", """{"state":7}""");
        foreach (var mode in (string[])["auto", "auto", "off", "", "auto"])
        {
            await device.PutAsync("mode", mode);
        }

        Assert.Equal(["Door door by ana: open", "Door door by ana: open", "Mode off", "Mode auto"], await SaidAsync(talk));
    }

    [Fact]
    public async Task JSON_that_a_path_cannot_be_followed_in_is_no_value_and_ends_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var id = await MadeAsync(broker, talk.Mod, new { name = "Mode", filter = "+", when = "changes", path = "value", text = "{topic} {value}" });
        using (DataCalls device = new(broker, talk.Mod.Token))
        {
            Assert.Equal(HttpStatusCode.NoContent, await device.PutAsync("a", """{"value":1}"""));
            Assert.Equal(HttpStatusCode.NoContent, await device.PutAsync("a", """{"\ud800":1}"""));
            Assert.Equal(HttpStatusCode.NoContent, await device.PutAsync("b", """{"\ud800":1}"""));
            Assert.Equal(HttpStatusCode.NoContent, await device.PutAsync("a", """{"value":2}"""));
            Assert.Equal(HttpStatusCode.NoContent, await device.PutAsync("a", """{"\ud800":1}"""));
        }

        Assert.Equal(["Mode a 2"], await SaidAsync(talk));
        using (var page = await HookPost.PageOfAsync(broker, talk.Mod.Account))
        {
            Assert.Null((await page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{Rules}/{id}/test")).Text());
        }

        // It is retained: the next start reads it.
        await UntilStoredAsync(broker, 1);
        await broker.RestartAsync();
        await broker.Get<RoomRules>().CatchUpAsync();
        using DataCalls again = new(broker, talk.Mod.Token);
        Assert.Equal(HttpStatusCode.NoContent, await again.PutAsync("a", """{"value":3}"""));
        Assert.Equal(["Mode a 2", "Mode a 3"], await SaidAsync(talk));
    }

    [Fact]
    public async Task Silence_is_said_once_and_again_after_something_was_heard()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        await MadeAsync(broker, talk.Mod, new { name = "Quiet", filter = "+/alive", when = "silent", seconds = 60, text = "{topic} is silent" });
        await MadeAsync(broker, talk.Mod, new { name = "Never", filter = "pump/alive", when = "silent", seconds = 60, text = "{topic} never spoke" });
        using DataCalls device = new(broker, talk.Mod.Token);
        await device.PutAsync("shed/alive", "1");
        Look(broker, 30);
        Look(broker, 70);
        Look(broker, 80);
        Assert.Equal(["Never pump/alive never spoke", "Quiet shed/alive is silent"], (await SaidAsync(talk)).Order());

        await device.PutAsync("shed/alive", "1");
        Look(broker, 30);
        Look(broker, 70);
        Assert.Equal("Quiet shed/alive is silent", (await SaidAsync(talk))[^1]);
        Assert.Equal(3, (await SaidAsync(talk)).Length);

        // Over a restart it is not said again, and the server's own absence is no silence.
        await device.PutAsync("bed/alive", "1");
        await broker.RestartAsync();
        Look(broker, 30);
        Assert.Equal(3, (await SaidAsync(talk)).Length);
        Look(broker, 70);
        Assert.Equal("Quiet bed/alive is silent", (await SaidAsync(talk))[^1]);
    }

    [Fact]
    public async Task A_restart_neither_repeats_nor_misses()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        await MadeAsync(broker, talk.Mod, new { name = "Heat", filter = "#", when = "above", threshold = 30, text = "{topic} {value}" });
        using (DataCalls device = new(broker, talk.Mod.Token))
        {
            await device.PutAsync("said", "31");
            await device.PutAsync("passing", "29", more: "&retain=false");
            await device.PutAsync("fallen", "31");
            await device.PutAsync("fallen", "29", more: "&retain=false");
        }

        Assert.Equal(2, (await SaidAsync(talk)).Length);
        await UntilStoredAsync(broker, 3);
        await broker.RestartAsync();
        await broker.Get<RoomRules>().CatchUpAsync();
        Assert.Equal(["Heat said 31", "Heat fallen 31"], await SaidAsync(talk));

        // What came while the rule did not hear it, as a crash has it, is said at the start.
        var listener = Assert.Single(broker.Get<RoomRules>().Listeners);
        var space = broker.Get<WebMessenger.Broker.Devices.DataSpaces>().Of(broker.Room("yard"));
        Assert.True(space.Unsubscribe(listener.Subscription));
        using (DataCalls device = new(broker, talk.Mod.Token))
        {
            await device.PutAsync("missed", "35");
            await device.PutAsync("said", "36");
        }

        await broker.RestartAsync();
        await broker.Get<RoomRules>().CatchUpAsync();
        Assert.Equal(["Heat said 31", "Heat fallen 31", "Heat missed 35"], await SaidAsync(talk));
    }

    [Fact]
    public async Task What_is_there_already_when_a_rule_is_made_is_no_news()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls device = new(broker, talk.Mod.Token);
        await device.PutAsync("t", "40");
        var id = await MadeAsync(broker, talk.Mod, new { name = "Heat", filter = "t", when = "above", threshold = 30, text = "{value}!" });
        await device.PutAsync("t", "41");
        Assert.Empty(await SaidAsync(talk));

        // But it is what a test is made of, which says nothing in the room.
        using var page = await HookPost.PageOfAsync(broker, talk.Maker.Account);
        var would = await page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{Rules}/{id}/test");
        Assert.Equal(("41!", "t", "41"), (would.Text(), would.GetProperty("topic").GetString(), would.GetProperty("value").GetString()));
        Assert.Empty(await SaidAsync(talk));

        // Changed, it begins anew; removed, it hears nothing.
        await page.Expect(HttpStatusCode.NoContent, HttpMethod.Put, $"{Rules}/{id}", new { name = "Heat", filter = "t", when = "above", threshold = 50, text = "{value}!!" });
        await device.PutAsync("t", "51");
        Assert.Equal(["Heat 51!!"], await SaidAsync(talk));
        await page.Delete($"{Rules}/{id}");
        await device.PutAsync("t", "1");
        await device.PutAsync("t", "52");
        Assert.Equal(["Heat 51!!"], await SaidAsync(talk));
        await page.Delete($"{Rules}/{id}", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_rule_ends_with_the_rank_of_its_maker_and_says_so_in_its_log()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        await MadeAsync(broker, talk.Mod, new { name = "Mode", filter = "mode", when = "changes", text = "{value}" });
        using DataCalls device = new(broker, talk.Maker.Token);
        await device.PutAsync("mode", "1");
        await device.PutAsync("mode", "2");
        Assert.Equal(["Mode 2"], await SaidAsync(talk));

        Assert.Null((await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Mod, MemberRole.Member)).Refusal);
        await device.PutAsync("mode", "3");
        Assert.Equal(["Mode 2"], await SaidAsync(talk));
        var shown = await OnlyAsync(broker, talk.Maker);
        Assert.False(shown.GetProperty("works").GetBoolean());
        Assert.Equal(["refused rule_ended", "said"], shown.GetProperty("runs").EnumerateArray().Select(run => $"{run.GetProperty("outcome")} {run.GetProperty("why")}".TrimEnd()));
    }

    [Fact]
    public async Task A_rule_says_only_what_its_maker_may_read()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        object terms = new { name = "Mode", filter = "mode", when = "changes", text = "{value}" };
        var id = await MadeAsync(broker, talk.Mod, terms);
        using DataCalls device = new(broker, talk.Mod.Token);
        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        await device.PutAsync("mode", "1");
        await device.PutAsync("mode", "2");
        Assert.Equal(["Mode 2"], await SaidAsync(talk));
        Assert.Equal("2", (await page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{Rules}/{id}/test")).Text());
        await page.Expect(HttpStatusCode.NoContent, HttpMethod.Put, $"{Rules}/{id}", terms);
        Assert.True((await OnlyAsync(broker, talk.Maker)).GetProperty("works").GetBoolean());

        // Devices alone read, by their tokens: no person does, and nobody by a rule.
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Data = new DataChanges("tokens", null) })).Refusal);
        Assert.Equal(HttpStatusCode.NoContent, await device.PutAsync("mode", "3"));
        Assert.Equal(["Mode 2"], await SaidAsync(talk));
        var shown = await OnlyAsync(broker, talk.Maker);
        Assert.False(shown.GetProperty("works").GetBoolean());
        Assert.Equal("rule_ended", shown.GetProperty("runs")[0].GetProperty("why").GetString());
        await page.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, $"{Rules}/{id}/test");
        await page.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, Rules, terms);
        await page.Expect(HttpStatusCode.Forbidden, HttpMethod.Put, $"{Rules}/{id}", terms);
        await page.Delete($"{Rules}/{id}");
    }

    [Fact]
    public async Task A_rule_speaks_so_often_a_minute_and_all_of_a_room_together()
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:RuleSaysPerMinute", "2", "--WebMessenger:Limits:RuleSaysPerMinutePerRoom", "3");
        var talk = await MessageTalk.InYardAsync(broker);
        await MadeAsync(broker, talk.Mod, new { name = "One", filter = "t", when = "changes", text = "{value}" });
        using DataCalls device = new(broker, talk.Mod.Token);
        foreach (var value in Enumerable.Range(0, 6))
        {
            await device.PutAsync("t", $"{value}");
        }

        Assert.Equal(["One 1", "One 2"], await SaidAsync(talk));
        await MadeAsync(broker, talk.Maker, new { name = "Two", filter = "u", when = "changes", text = "{value}" });
        foreach (var value in Enumerable.Range(0, 6))
        {
            await device.PutAsync("u", $"{value}");
        }

        Assert.Equal(["One 1", "One 2", "Two 1"], await SaidAsync(talk));
    }

    [Fact]
    public async Task A_room_has_so_many_rules_and_a_rule_knows_so_many_topics()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RulesPerRoom", "1", "--WebMessenger:Limits:TopicsPerRule", "2");
        var talk = await MessageTalk.InYardAsync(broker);
        object terms = new { name = "Mode", filter = "#", when = "equals", value = "on", text = "{topic}" };
        await MadeAsync(broker, talk.Mod, terms);
        using var page = await HookPost.PageOfAsync(broker, talk.Maker.Account);
        await page.Expect(HttpStatusCode.Conflict, HttpMethod.Post, Rules, terms);

        using DataCalls device = new(broker, talk.Mod.Token);
        foreach (var topic in (string[])["a", "b", "c"])
        {
            await device.PutAsync(topic, "on");
        }

        Assert.Equal(["Mode a", "Mode b"], await SaidAsync(talk));
    }

    [Fact]
    public async Task Only_moderators_have_rules_and_what_cannot_be_a_rule_is_named_by_its_field()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var id = await MadeAsync(broker, talk.Mod, new { name = "Mode", filter = "mode", when = "changes", text = "{value}" });
        using var beas = await HookPost.PageOfAsync(broker, talk.Bea.Account);
        await beas.Get(Rules, HttpStatusCode.Forbidden);
        await beas.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, $"{Rules}/{id}/test");
        await beas.Delete($"{Rules}/{id}", HttpStatusCode.Forbidden);
        Assert.Equal("mode", (await OnlyAsync(broker, talk.Maker)).GetProperty("terms").GetProperty("filter").GetString());

        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        foreach (var (field, terms) in new (string, object)[]
        {
            ("name", new { name = "", filter = "a", when = "changes", text = "x" }),
            ("filter", new { name = "n", filter = "a/#/b", when = "changes", text = "x" }),
            ("filter", new { name = "n", when = "changes", text = "x" }),
            ("when", new { name = "n", filter = "a", when = "never", text = "x" }),
            ("threshold", new { name = "n", filter = "a", when = "above", text = "x" }),
            ("hysteresis", new { name = "n", filter = "a", when = "below", threshold = 1, hysteresis = -1, text = "x" }),
            ("value", new { name = "n", filter = "a", when = "equals", text = "x" }),
            ("seconds", new { name = "n", filter = "a", when = "silent", seconds = 1, text = "x" }),
            ("path", new { name = "n", filter = "a", when = "changes", path = "a..b", text = "x" }),
            ("text", new { name = "n", filter = "a", when = "changes", text = "{" }),
        })
        {
            var problem = await page.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Rules, terms);
            Assert.Equal([field], problem.GetProperty("errors").EnumerateObject().Select(error => error.Name));
        }
    }

    [Fact]
    public async Task With_a_room_and_with_its_maker_a_rule_goes_from_the_disk()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        foreach (var maker in (Member[])[talk.Mod, talk.Maker])
        {
            await MadeAsync(broker, maker, new { name = "Mode", filter = "mode", when = "changes", text = "{value}" });
        }

        using (DataCalls device = new(broker, talk.Mod.Token))
        {
            await device.PutAsync("mode", "1");
        }

        await UntilStoredAsync(broker, 2);
        await broker.Get<Auth.SigningIn.AccountChanges>().EraseAsync(talk.Mod.Account, "correct horse battery staple", null);
        Assert.Equal((1, 1, 1), Kept(broker));
        using var page = await HookPost.PageOfAsync(broker, talk.Maker.Account);
        await page.Delete("/api/rooms/yard");
        Assert.Equal((0, 0, 0), Kept(broker));
        Assert.Empty(broker.Get<RoomRules>().Listeners);
    }

    [Fact]
    public async Task What_a_rule_says_is_no_data_and_a_room_without_rules_has_no_subscription_for_them()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var space = broker.Get<WebMessenger.Broker.Devices.DataSpaces>().Of(broker.Room("yard"));
        Assert.Equal(0, space.Count);
        var id = await MadeAsync(broker, talk.Mod, new { name = "All", filter = "#", when = "changes", text = "{topic} {value}" });
        Assert.Equal(1, space.Count);

        using DataCalls device = new(broker, talk.Mod.Token);
        await device.PutAsync("a", "1");
        await device.PutAsync("a", "2");
        Assert.Equal(["All a 2"], await SaidAsync(talk));

        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        await page.Delete($"{Rules}/{id}");
        Assert.Equal(0, space.Count);
    }

    internal static async Task<string> MadeAsync(RunningBroker broker, Member maker, object terms)
    {
        using var page = await HookPost.PageOfAsync(broker, maker.Account);
        return (await page.Expect(HttpStatusCode.Created, HttpMethod.Post, Rules, terms)).GetProperty("id").GetString()!;
    }

    private static async Task<JsonElement> OnlyAsync(RunningBroker broker, Member reader)
    {
        using var page = await HookPost.PageOfAsync(broker, reader.Account);
        return Assert.Single((await page.Get(Rules)).GetProperty("rules").EnumerateArray());
    }

    private static void Look(RunningBroker broker, int secondsFromNow)
    {
        foreach (var listener in broker.Get<RoomRules>().Listeners)
        {
            listener.LookForSilence(DateTimeOffset.UtcNow.AddSeconds(secondsFromNow));
        }
    }

    // What rules have said, up to a marker that a member says behind it.
    internal static async Task<string[]> SaidAsync(MessageTalk talk)
    {
        await talk.SayAsync(talk.Bea, "marker");
        return
        [
            .. (await talk.HistoryAsync()).Where(one => one.Type() == "message" && one.GetProperty("from").GetProperty("user").GetString()!.StartsWith("rule-", StringComparison.Ordinal))
                .Select(one => $"{one.GetProperty("from").GetProperty("name").GetString()} {one.Text()}"),
        ];
    }

    // What a rule knows of so many topics is on disk: what it is written behind says so.
    internal static async Task UntilStoredAsync(RunningBroker broker, int topics)
    {
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (broker.Get<IRecords>().ReadAll("rulestate/"u8).Count is var stored && stored < topics)
        {
            Assert.True(DateTime.UtcNow < deadline, $"Of {topics} topics {stored} are on disk.");
            await broker.Get<IRecords>().WriteAsync([new RecordChange("marker/"u8.ToArray(), [])]);
        }
    }

    private static (int Rules, int Revisions, int States) Kept(RunningBroker broker)
    {
        var records = broker.Get<IRecords>();
        return (records.ReadAll("rule/"u8).Count, records.ReadAll("ruleat/"u8).Count, records.ReadAll("rulestate/"u8).Count);
    }
}
