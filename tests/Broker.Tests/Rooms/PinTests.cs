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

/// <summary>Moderators pin messages; whoever may read the room sees them, as they are now.</summary>
public sealed class PinTests
{
    private const string Path = "/api/rooms/yard/pins";

    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task A_pin_is_an_event_and_the_list_shows_the_message_as_it_is(string versionName)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var (first, second) = (await talk.SayAsync(talk.Bea, "one"), await talk.SayAsync(talk.Bea, "two"));
        await using var listener = await broker.ConnectAsync(talk.Caio, Enum.Parse<MqttVersion>(versionName));
        await listener.SubscribeAsync(Topic);
        await using var mod = await broker.ConnectAsync(talk.Mod, Enum.Parse<MqttVersion>(versionName));

        Assert.True((await mod.PublishAsync(Topic, Payload("pin", first, ""","on":true"""))).Accepted);
        Assert.Null((await PinAsync(talk, talk.Maker, second)).Refusal);

        var heard = (await listener.PublishesUntilAsync(publish => publish.Json.Type() == "pin"))[^1].Json;
        Assert.Equal((first, true, "dora"), (heard.GetProperty("of").GetInt64(), heard.GetProperty("on").GetBoolean(), heard.GetProperty("from").GetProperty("user").GetString()));
        Assert.Null((await talk.EditAsync(talk.Bea, first, "one, and better")).Refusal);
        for (var start = 0; start < 2; start++)
        {
            using var caios = Calls.As(broker, talk.Caio);
            var list = await caios.Get(Path);
            Assert.Equal([second, first], OfIn(list));
            Assert.Equal(("one, and better", "dora"), (list.GetProperty("pins")[1].GetProperty("event").Text(), list.GetProperty("pins")[1].GetProperty("by").GetProperty("user").GetString()));
            var page = await caios.Get(Path + "?limit=1");
            Assert.Equal(second, OfIn(page).Single());
            Assert.Equal([first], OfIn(await caios.Get($"{Path}?limit=1&after={page.GetProperty("next")}")));
            await broker.RestartAsync();
        }

        // What is so already is no event.
        Assert.Equal((null, 0L), ((await PinAsync(talk, talk.Mod, first)).Refusal, (await PinAsync(talk, talk.Mod, first)).Seq));
        Assert.Null((await PinAsync(talk, talk.Mod, first, isOn: false)).Refusal);
        using var after = Calls.As(broker, talk.Caio);
        Assert.Equal([second], OfIn(await after.Get(Path)));
        Assert.DoesNotContain((await after.Get("/api/rooms/yard/events?view=lines&limit=500")).GetProperty("events").EnumerateArray(), one => one.Type() == "pin");
    }

    [Fact]
    public async Task Pins_of_one_moment_that_an_earlier_version_stored_are_listed_page_by_page()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var (first, second) = (await talk.SayAsync(talk.Bea, "one"), await talk.SayAsync(talk.Bea, "two"));
        Assert.Null((await PinAsync(talk, talk.Maker, first)).Refusal);
        Assert.Null((await PinAsync(talk, talk.Maker, second)).Refusal);
        var records = broker.Get<IRecords>();
        var key = Pins.Key(talk.Log);
        var stored = records.Find(key)!;
        stored.AsSpan(8, 8).CopyTo(stored.AsSpan((stored.Length / 2) + 8));
        await records.WriteAsync([new RecordChange(key, stored)]);

        using var caios = Calls.As(broker, talk.Caio);
        var page = await caios.Get(Path + "?limit=1");

        Assert.Equal([second], OfIn(page));
        Assert.Equal([first], OfIn(await caios.Get($"{Path}?limit=1&after={page.GetProperty("next")}")));
    }

    [Fact]
    public async Task A_page_goes_on_where_the_one_before_ended_though_its_last_pin_was_taken_off()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        List<long> said = [];
        foreach (var text in new[] { "one", "two", "three", "four" })
        {
            said.Add(await talk.SayAsync(talk.Bea, text));
            Assert.Null((await PinAsync(talk, talk.Mod, said[^1])).Refusal);
        }

        using var caios = Calls.As(broker, talk.Caio);
        var page = await caios.Get(Path + "?limit=2");
        Assert.Equal([said[3], said[2]], OfIn(page));
        Assert.Null((await PinAsync(talk, talk.Mod, said[2], isOn: false)).Refusal);
        var next = await caios.Get($"{Path}?limit=2&after={page.GetProperty("next")}");
        Assert.Equal([said[1], said[0]], OfIn(next));

        // Pinned anew it is the newest one, and the page after is as it was.
        Assert.Null((await PinAsync(talk, talk.Mod, said[2])).Refusal);
        Assert.Equal(OfIn(next), OfIn(await caios.Get($"{Path}?limit=2&after={page.GetProperty("next")}")));
        Assert.Equal(JsonValueKind.Null, next.GetProperty("next").ValueKind);
    }

    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task Only_moderators_pin_and_only_by_a_token_that_moderates(string versionName)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        for (var more = 0; more < 30; more++)
        {
            await talk.SayAsync(talk.Bea, "elsewhere", "lobby");
        }

        Assert.Null((await PinAsync(talk, talk.Mod, said)).Refusal);
        Assert.Null((await PinAsync(talk, talk.Mod, said, isOn: false)).Refusal);
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        await using var zoe = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
        await zoe.SubscribeAsync(Topic);
        Assert.Equal(0x87, (await zoe.PublishAsync(Topic, Payload("pin", said, ""","on":true"""))).ReasonCode);

        var posts = talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account, verbs: Verbs.Read | Verbs.Post) };
        foreach (var other in new[] { talk.Bea, posts })
        {
            await using var client = await broker.ConnectAsync(other, version);
            await client.SubscribeAsync("users/" + other.Account.UserName);
            var answer = await client.PublishAsync(Topic, Payload("pin", said, ""","on":true"""));
            if (version == MqttVersion.V5)
            {
                Assert.Equal(0x87, answer.ReasonCode);
            }
            else
            {
                Assert.Equal("not_allowed", (await client.NextPublishAsync()).Json.GetProperty("code").GetString());
            }

            using var calls = Calls.As(broker, other);
            await calls.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/rooms/yard/events", new { type = "pin", of = said, on = true });
        }

        using var mods = Calls.As(broker, talk.Mod);
        await mods.Expect(HttpStatusCode.NotFound, HttpMethod.Post, "/api/rooms/yard/events", new { type = "pin", of = said + 25, on = true });
        await mods.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/rooms/yard/events", new { type = "pin", of = said });
        Assert.Empty(OfIn(await mods.Get(Path)));
        await mods.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/events", new { type = "pin", of = said, on = true });
        Assert.Equal([said], OfIn(await mods.Get(Path)));
    }

    [Fact]
    public async Task Pins_are_read_by_who_may_read_the_room()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        Assert.Null((await PinAsync(talk, talk.Mod, await talk.SayAsync(talk.Bea, "one"))).Refusal);
        var other = await broker.RegisterAsync("other");
        using var others = Calls.As(broker, other);
        Assert.Single(OfIn(await others.Get(Path)));
        using var elsewhere = Calls.As(broker, talk.Bea with { Token = await broker.TokenAsync(talk.Bea.Account, rooms: ["lobby"]) });
        await elsewhere.Get(Path, HttpStatusCode.NotFound);

        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private" });

        await others.Get(Path, HttpStatusCode.NotFound);
        using var beas = Calls.As(broker, talk.Bea);
        Assert.Single(OfIn(await beas.Get(Path)));
    }

    [Fact]
    public async Task A_deleted_message_loses_its_pin_and_a_room_has_so_many_at_most()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:PinsPerRoom", "3");
        var talk = await InYardAsync(broker);
        List<long> said = [];
        for (var number = 0; number < 8; number++)
        {
            said.Add(await talk.SayAsync(talk.Bea, $"canary {number}"));
        }

        // At once: however many ask, three are pinned.
        var pinned = await Task.WhenAll(said.Select((seq, index) => PinAsync(talk, index % 2 == 0 ? talk.Mod : talk.Maker, seq)));

        Assert.Equal(3, pinned.Count(one => one.Refusal is null));
        Assert.All(pinned, one => Assert.True(one.Refusal is null || one.Refusal.Notice is "too_many" or "conflict"));
        using var mods = Calls.As(broker, talk.Mod);
        var list = OfIn(await mods.Get(Path));
        Assert.Equal(3, list.Length);
        Assert.Null((await talk.DeleteAsync(talk.Bea, list[0])).Refusal);
        Assert.Equal(list[1..], OfIn(await mods.Get(Path)));
        Assert.Equal(2, broker.Get<Pins>().Of(talk.Log).Count);
        Assert.Equal("removed", (await PinAsync(talk, talk.Mod, list[0])).Refusal?.Notice);
        Assert.Null((await PinAsync(talk, talk.Mod, said.First(seq => !list.Contains(seq)))).Refusal);
    }

    [Fact]
    public async Task Of_a_deleted_room_no_pin_stays()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        Assert.Null((await PinAsync(talk, talk.Mod, await talk.SayAsync(talk.Bea, "one"))).Refusal);
        var key = Pins.Key(talk.Log);
        Assert.NotNull(broker.Get<IRecords>().Find(key));
        using var makers = Calls.As(broker, talk.Maker);

        await makers.Delete("/api/rooms/yard");

        var over = DateTime.UtcNow.AddSeconds(20);
        while (broker.Get<IRecords>().Find(key) is not null && DateTime.UtcNow < over)
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Assert.Null(broker.Get<IRecords>().Find(key));
    }

    private static Task<ActResult> PinAsync(MessageTalk talk, Member who, long of, bool isOn = true) => talk.ActAsync(who, new MessageAct.Pin(of, isOn));

    private static long[] OfIn(JsonElement list) => [.. list.GetProperty("pins").EnumerateArray().Select(pin => pin.GetProperty("of").GetInt64())];
}
