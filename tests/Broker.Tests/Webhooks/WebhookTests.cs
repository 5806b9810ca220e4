using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Hooks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Webhooks;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Webhooks;

/// <summary>What is said in a room is posted elsewhere, signed.</summary>
public sealed class WebhookTests
{
    private const string Webhooks = "/api/rooms/yard/webhooks";
    private const string Inside = "--WebMessenger:Webhooks:AllowedNetworks:0";

    [Fact]
    public async Task What_is_said_is_posted_in_order_and_signed_as_Standard_Webhooks_has_it()
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        await using var broker = await RunningBroker.StartAsync(Inside, "127.0.0.1");
        var talk = await MessageTalk.InYardAsync(broker);
        await talk.SayAsync(talk.Bea, "before");
        var (_, secret) = await MadeAsync(broker, talk.Mod, elsewhere.Address);

        var seq = await talk.SayAsync(talk.Bea, "one");
        await talk.SayAsync(talk.Caio, "two");
        await talk.EditAsync(talk.Bea, seq, "one, edited");
        var heard = await elsewhere.HearAsync(3);

        Assert.Equal(["message", "message", "edit"], heard.Select(call => call.Json.Type()));
        Assert.Equal("two", heard[1].Json.Text());
        Assert.Equal(seq, heard[0].Json.GetProperty("seq").GetInt64());
        Assert.Equal($"{heard[0].Json.GetProperty("epoch").GetString()}.{seq}", heard[0].Id);
        var key = Convert.FromBase64String(secret["whsec_".Length..]);
        Assert.All(heard, call => Assert.Equal(
            "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{call.Id}.{call.Timestamp}.{call.Body}"))), call.Signature));
        Assert.All(heard, call => Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - long.Parse(call.Timestamp, CultureInfo.InvariantCulture), 0, 300));
    }

    [Fact]
    public async Task What_is_not_taken_is_posted_again_from_where_it_was_left_off_also_after_a_restart()
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        elsewhere.Status = 500;
        await using var broker = await RunningBroker.StartAsync(Inside, "127.0.0.1");
        var talk = await MessageTalk.InYardAsync(broker);
        await MadeAsync(broker, talk.Mod, elsewhere.Address);
        await talk.SayAsync(talk.Bea, "one");
        await talk.SayAsync(talk.Bea, "two");
        await elsewhere.HearAsync(1);
        elsewhere.Status = 200;
        var heard = await elsewhere.HearAsync(3);
        Assert.Equal(["one", "one", "two"], heard.Select(call => call.Json.Text()));
        Assert.Equal(heard[0].Id, heard[1].Id);

        elsewhere.Status = 503;
        await talk.SayAsync(talk.Bea, "three");
        await elsewhere.HearAsync(4);
        await broker.RestartAsync();
        elsewhere.Status = 200;
        heard = await elsewhere.HearUntilAsync(call => call.Taken && call.Json.Text() == "three");
        Assert.DoesNotContain(heard.Skip(4), call => call.Json.Text() != "three");
    }

    [Fact]
    public async Task One_that_fails_for_too_long_or_is_gone_is_switched_off_and_on_again_by_a_moderator()
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        elsewhere.Status = 410;
        await using var broker = await RunningBroker.StartAsync(Inside, "127.0.0.1");
        var talk = await MessageTalk.InYardAsync(broker);
        var (id, _) = await MadeAsync(broker, talk.Mod, elsewhere.Address);
        await talk.SayAsync(talk.Bea, "one");
        var shown = await ShownAsync(broker, talk.Maker, its => !its.GetProperty("on").GetBoolean());
        Assert.Equal("failed webhook_off", RunsOf(shown)[0]);
        Assert.Equal("failed http_410", RunsOf(shown)[1]);

        elsewhere.Status = 200;
        using var page = await HookPost.PageOfAsync(broker, talk.Maker.Account);
        await page.Expect(HttpStatusCode.NoContent, HttpMethod.Post, $"{Webhooks}/{id}/on");
        var heard = await elsewhere.HearUntilAsync(call => call.Taken);
        Assert.Equal("one", heard[^1].Json.Text());
    }

    [Fact]
    public async Task What_is_deleted_or_edited_while_one_fails_is_told_as_it_is_by_then()
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        elsewhere.Status = 500;
        await using var broker = await RunningBroker.StartAsync(Inside, "127.0.0.1");
        var talk = await MessageTalk.InYardAsync(broker);
        var (id, _) = await MadeAsync(broker, talk.Mod, elsewhere.Address);
        var (secret, wrong) = (await talk.SayAsync(talk.Bea, "secret"), await talk.SayAsync(talk.Bea, "wrong"));
        Assert.Equal("secret", (await elsewhere.HearAsync(1))[0].Json.Text());
        await talk.DeleteAsync(talk.Bea, secret);
        await talk.EditAsync(talk.Bea, wrong, "right");
        await PlaceAsync(broker, id, place => place is { FailingSince: not null } && place.Seq >= secret);
        elsewhere.Status = 200;
        await talk.SayAsync(talk.Bea, "last");
        var heard = await elsewhere.HearUntilAsync(call => call is { Taken: true } && call.Json.Type() == "message" && call.Json.Text() == "last");

        Assert.Equal(["message", "delete", "edit", "message"], heard.Where(call => call.Taken).Select(call => call.Json.Type()));
        Assert.DoesNotContain(heard, call => call.Taken && (call.Body.Contains("secret", StringComparison.Ordinal) || call.Body.Contains("wrong", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task One_that_may_not_tell_does_not_fail_meanwhile()
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        elsewhere.Status = 500;
        await using var broker = await RunningBroker.StartAsync(Inside, "127.0.0.1");
        var talk = await MessageTalk.InYardAsync(broker);
        var (id, _) = await MadeAsync(broker, talk.Mod, elsewhere.Address);
        await talk.SayAsync(talk.Bea, "one");
        await PlaceAsync(broker, id, place => place.FailingSince is not null);
        Assert.Null((await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Mod, MemberRole.Member)).Refusal);
        await talk.SayAsync(talk.Bea, "two");
        await PlaceAsync(broker, id, place => place.FailingSince is null);
    }

    [Fact]
    public async Task One_that_has_failed_for_hours_ends()
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        elsewhere.Status = 500;
        JumpingClock clock = new(TimeProvider.System);
        await using var broker = await StartAtAsync(clock);
        var talk = await MessageTalk.InYardAsync(broker);
        var (id, _) = await MadeAsync(broker, talk.Mod, elsewhere.Address);

        // It was failing two hours ago; but the server was away since, which is no failing.
        var webhooks = broker.Get<RoomWebhooks>();
        var webhook = webhooks.Find(broker.Room("yard").Key, id)!;
        await webhooks.MoveAsync(webhook, webhook.Place with { FailingSince = DateTimeOffset.UtcNow.AddHours(-2).ToUnixTimeMilliseconds() });
        await talk.SayAsync(talk.Bea, "one");
        await elsewhere.HearAsync(2);
        Assert.False(webhooks.Find(webhook.Room, id)!.Place.IsOff);

        clock.Off = TimeSpan.FromHours(2);
        var shown = await ShownAsync(broker, talk.Maker, its => !its.GetProperty("on").GetBoolean());
        Assert.Equal(["failed webhook_off", "failed http_500"], RunsOf(shown));
    }

    [Fact]
    public async Task One_that_is_switched_on_while_it_fails_has_all_its_time_again()
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        elsewhere.Status = 500;
        JumpingClock clock = new(TimeProvider.System);
        await using var broker = await StartAtAsync(clock);
        var talk = await MessageTalk.InYardAsync(broker);
        var (id, _) = await MadeAsync(broker, talk.Mod, elsewhere.Address);
        await talk.SayAsync(talk.Bea, "one");
        await elsewhere.HearAsync(1);
        await PlaceAsync(broker, id, place => place.FailingSince is not null);

        clock.Off = TimeSpan.FromHours(2);
        using var page = await HookPost.PageOfAsync(broker, talk.Maker.Account);
        await page.Expect(HttpStatusCode.NoContent, HttpMethod.Post, $"{Webhooks}/{id}/on");
        await elsewhere.HearAsync(3);
        Assert.False(broker.Get<RoomWebhooks>().Find(broker.Room("yard").Key, id)!.Place.IsOff);
    }

    [Fact]
    public async Task What_the_disk_refuses_to_note_is_told_again_without_anybody_saying_more()
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartWithAsync(records.Place, Inside, "127.0.0.1");
        var talk = await MessageTalk.InYardAsync(broker);
        var (id, _) = await MadeAsync(broker, talk.Mod, elsewhere.Address);
        await talk.SayAsync(talk.Bea, "one");
        await PlaceAsync(broker, id, place => place.Seq == broker.Room("yard").Head);

        elsewhere.Meanwhile = () => records.Fails = true;
        var seq = await talk.SayAsync(talk.Bea, "two");
        for (var deadline = DateTime.UtcNow.AddSeconds(30); !records.Refused.Any(key => key.EndsWith(id, StringComparison.Ordinal) && key.StartsWith("webhook/", StringComparison.Ordinal));)
        {
            Assert.True(DateTime.UtcNow < deadline, "Nothing was to be noted.");
            await Task.Yield();
        }

        elsewhere.Meanwhile = null;
        records.Fails = false;
        var heard = await elsewhere.HearAsync(3);
        Assert.Equal(["one", "two", "two"], heard.Select(call => call.Json.Text()));
        Assert.Equal(heard[1].Id, heard[2].Id);
        await PlaceAsync(broker, id, place => place.Seq == seq);
    }

    [Fact]
    public async Task What_cannot_be_read_is_left_out_and_said_once()
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        DamagedLog log = new();
        LogOfEverything lines = new();
        await using var broker = await RunningBroker.StartWithAsync(log.Place + (Action<IServiceCollection>)lines.TakeOver, Inside, "127.0.0.1");
        var talk = await MessageTalk.InYardAsync(broker);
        var (id, _) = await MadeAsync(broker, talk.Mod, elsewhere.Address);

        // It is held up by the first while the next ones are said.
        elsewhere.Status = 500;
        await talk.SayAsync(talk.Bea, "one");
        await elsewhere.HearAsync(1);
        foreach (var text in new[] { "two", "three" })
        {
            log.Entries.Add((broker.Room("yard").Log, await talk.SayAsync(talk.Bea, text)));
        }

        var seq = await talk.SayAsync(talk.Bea, "four");
        elsewhere.Status = 200;
        var heard = await elsewhere.HearUntilAsync(call => call.Json.Text() == "four");
        await PlaceAsync(broker, id, place => place.Seq == seq);

        Assert.Equal(["one", "four"], heard.Select(call => call.Json.Text()).Distinct());
        using var page = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        var its = Assert.Single((await page.Get(Webhooks)).GetProperty("webhooks").EnumerateArray());
        var runs = its.GetProperty("runs").EnumerateArray().Where(run => run.GetProperty("why").GetString() == "damaged");
        Assert.Equal(2, runs.Sum(run => run.GetProperty("times").GetInt32()));
        Assert.Equal(2, lines.Lines.Count(line => line.Contains(id, StringComparison.Ordinal) && line.Contains("cannot be read", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task With_its_maker_one_goes_unless_somebody_else_is_its_maker_by_then()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartWithAsync(records.Place);
        var talk = await MessageTalk.InYardAsync(broker);
        var (room, webhooks) = (broker.Room("yard"), broker.Get<RoomWebhooks>());
        string[] ids =
        [
            (await MadeAsync(broker, talk.Mod, new Uri("https://example.org/1"))).Id, (await MadeAsync(broker, talk.Mod, new Uri("https://example.org/2"))).Id,
        ];

        records.Hold();
        var forgotten = ((IAccountRecords)webhooks).ForgetAsync(talk.Mod.Account.Id);
        var first = records.Deleted.SelectMany(keys => keys).Single(key => key.StartsWith("webhook/", StringComparison.Ordinal));
        var other = ids.Single(id => first != $"webhook/{room.Key}/{id}");
        var on = webhooks.SwitchOnAsync(room, talk.Maker.Account, other);
        records.Release();
        await forgotten;
        Assert.Equal(BotChange.Done, await on);
        Assert.Equal([(other, talk.Maker.Account.Id)], webhooks.All.Select(one => (one.Id, one.Maker)));
        Assert.Single(broker.Get<IRecords>().ReadAll("webhook/"u8));
    }

    [Fact]
    public async Task Addresses_inside_are_not_called_and_redirects_not_followed()
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        await using (var open = await RunningBroker.StartAsync(Inside, "127.0.0.1"))
        {
            var talk = await MessageTalk.InYardAsync(open);
            var (id, _) = await MadeAsync(open, talk.Mod, elsewhere.Address);
            Assert.Equal("", await TestedAsync(open, talk.Mod, id));
            elsewhere.Status = 302;
            Assert.Equal("http_302", await TestedAsync(open, talk.Mod, id));
            Assert.Equal(2, elsewhere.Heard.Count);
        }

        // With another network allowed, so that http is: neither the address nor a name that leads to it.
        await using var broker = await RunningBroker.StartAsync(Inside, "192.0.2.0/24");
        var inside = await MessageTalk.InYardAsync(broker);
        foreach (var host in (string[])["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
        {
            var (id, _) = await MadeAsync(broker, inside.Mod, new UriBuilder(elsewhere.Address) { Host = host }.Uri);
            Assert.Equal("not_public", await TestedAsync(broker, inside.Mod, id));
        }

        Assert.Equal(2, elsewhere.Heard.Count);

        // Nor is anything public without encryption.
        var (plain, _) = await MadeAsync(broker, inside.Mod, new Uri("http://[2a00:ffff::1]/"));
        Assert.Equal("not_public", await TestedAsync(broker, inside.Mod, plain));
    }

    [Fact]
    public async Task Only_moderators_make_them_with_addresses_that_can_be_and_a_room_has_so_many()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:WebhooksPerRoom", "1");
        var talk = await MessageTalk.InYardAsync(broker);
        using var mods = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        foreach (var url in (string[])["http://example.org/", "ftp://example.org/", "https://a:b@example.org/", "/here", "", "https://example.org/" + new string('x', 2000)])
        {
            await mods.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Webhooks, new { name = "n", url });
        }

        var (id, secret) = await MadeAsync(broker, talk.Mod, new Uri("https://example.org/in"));
        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, (await mods.Get(Webhooks)).ToString(), StringComparison.Ordinal);
        await mods.Expect(HttpStatusCode.Conflict, HttpMethod.Post, Webhooks, new { name = "n", url = "https://example.org/" });

        using var beas = await HookPost.PageOfAsync(broker, talk.Bea.Account);
        await beas.Get(Webhooks, HttpStatusCode.Forbidden);
        await beas.Delete($"{Webhooks}/{id}", HttpStatusCode.Forbidden);
        await mods.Delete($"{Webhooks}/{id}");
        await mods.Delete($"{Webhooks}/{id}", HttpStatusCode.NotFound);
        Assert.Empty(broker.Get<IRecords>().ReadAll("webhook/"u8));
    }

    [Fact]
    public async Task One_ends_with_the_rank_of_its_maker_and_goes_with_its_room()
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        await using var broker = await RunningBroker.StartAsync(Inside, "127.0.0.1");
        var talk = await MessageTalk.InYardAsync(broker);
        await MadeAsync(broker, talk.Mod, elsewhere.Address, "One");
        await MadeAsync(broker, talk.Maker, new Uri(elsewhere.Address, "/makers"), "Two");
        await talk.SayAsync(talk.Bea, "one");
        await elsewhere.HearAsync(2);
        Assert.Equal("True True", await WorkAsync(broker, talk.Maker));

        Assert.Null((await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Mod, MemberRole.Member)).Refusal);
        Assert.Equal("False True", await WorkAsync(broker, talk.Maker));
        await talk.SayAsync(talk.Bea, "two");
        await talk.SayAsync(talk.Bea, "three");
        var heard = await elsewhere.HearUntilAsync(call => call.Json.Text() == "three");
        Assert.All(heard.Where(call => call.Json.Text() != "one"), call => Assert.Equal("/makers", call.Path));

        using var page = await HookPost.PageOfAsync(broker, talk.Maker.Account);
        await page.Delete("/api/rooms/yard");
        Assert.Empty(broker.Get<IRecords>().ReadAll("webhook/"u8));
    }

    private static async Task<(string Id, string Secret)> MadeAsync(RunningBroker broker, Member maker, Uri url, string name = "Elsewhere")
    {
        using var page = await HookPost.PageOfAsync(broker, maker.Account);
        var made = await page.Expect(HttpStatusCode.Created, HttpMethod.Post, Webhooks, new { name, url = url.OriginalString });
        return (made.GetProperty("id").GetString()!, made.GetProperty("secret").GetString()!);
    }

    // Why it was not taken; empty: it was.
    private static async Task<string> TestedAsync(RunningBroker broker, Member who, string id)
    {
        using var page = await HookPost.PageOfAsync(broker, who.Account);
        var answer = await page.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{Webhooks}/{id}/test");
        Assert.Equal(answer.GetProperty("taken").GetBoolean(), answer.GetProperty("why").GetString() == "");
        return answer.GetProperty("why").GetString()!;
    }

    private static async Task<JsonElement> ShownAsync(RunningBroker broker, Member reader, Func<JsonElement, bool> until)
    {
        using var page = await HookPost.PageOfAsync(broker, reader.Account);
        for (var deadline = DateTime.UtcNow.AddSeconds(30); ;)
        {
            var its = Assert.Single((await page.Get(Webhooks)).GetProperty("webhooks").EnumerateArray());
            if (until(its) && RunsOf(its)[0] == "failed webhook_off")
            {
                return its;
            }

            Assert.True(DateTime.UtcNow < deadline, $"It is shown as {its}.");
        }
    }

    // Until it has come to such a place.
    private static async Task PlaceAsync(RunningBroker broker, string id, Func<WebhookPlace, bool> until)
    {
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (broker.Get<RoomWebhooks>().Find(broker.Room("yard").Key, id)!.Place is var place && !until(place))
        {
            Assert.True(DateTime.UtcNow < deadline, $"It is at {place}.");
            await Task.Yield();
        }
    }

    // Whether each works, in the order in which they were made.
    private static async Task<string> WorkAsync(RunningBroker broker, Member reader)
    {
        using var page = await HookPost.PageOfAsync(broker, reader.Account);
        return string.Join(' ', (await page.Get(Webhooks)).GetProperty("webhooks").EnumerateArray().Select(one => one.GetProperty("works").GetBoolean()));
    }

    // Who tells has this clock. An hour of failing ends a webhook.
    private static Task<RunningBroker> StartAtAsync(TimeProvider clock) => RunningBroker.StartWithAsync(
        services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<WebhookTeller>(provider, clock)),
        Inside, "127.0.0.1", "--WebMessenger:Limits:WebhookFailureHours", "1");

    private static string[] RunsOf(JsonElement webhook) =>
        [.. webhook.GetProperty("runs").EnumerateArray().Select(run => $"{run.GetProperty("outcome")} {run.GetProperty("why")}".TrimEnd())];
}
