using System.Net;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;

namespace WebMessenger.Broker.Tests.Hooks;

/// <summary>Programs elsewhere speak in a room by a hook.</summary>
public sealed class HookCallTests
{
    [Fact]
    public async Task What_is_posted_is_said_by_a_bot_of_the_hooks_name()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account, "Build");
        await using var beas = await broker.ConnectAsync(talk.Bea);
        await beas.SubscribeAsync("rooms/yard/text");

        Assert.Equal("200", await hook.SayAsync("hello @bea and @room"));
        Assert.Equal("200", await hook.SayAsync("""{"text":"down","username":"Grafana"}""", "application/json"));

        var lines = await beas.PublishesUntilAsync(publish => publish.Text.Contains("down", StringComparison.Ordinal));
        Assert.Equal(["Build: hello @bea and @room", "Build (Grafana): down"], lines.Select(line => line.Text).Where(line => line.StartsWith("Build", StringComparison.Ordinal)));
        var said = (await talk.HistoryAsync())[^2..];
        Assert.Equal([$"{hook.Id} Build bot", $"{hook.Id} Build bot"], said.Select(one => one.GetProperty("from")).Select(from => $"{from.GetProperty("user")} {from.GetProperty("name")} {from.GetProperty("kind")}"));
        Assert.Equal("bea", Assert.Single(said[0].GetProperty("mentions").EnumerateArray()).GetString());

        // Everybody is called by people alone.
        Assert.False(said[0].TryGetProperty("everyone", out _));
        Assert.False(said[0].TryGetProperty("via", out _));
        Assert.Equal("Grafana", said[1].GetProperty("via").GetString());
        Assert.Equal(["said", "said"], await hook.RunsAsync(talk.Mod.Account));
    }

    [Fact]
    public async Task What_is_posted_twice_under_an_id_is_said_once()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account);
        var head = broker.Room("yard").Head;

        foreach (var _ in Enumerable.Range(0, 2))
        {
            Assert.Equal("200", await hook.SayAsync("""{"type":"message","text":"once","id":"7"}""", "application/json"));
        }

        Assert.Equal(head + 1, broker.Room("yard").Head);
        Assert.Equal("409 id_used", await hook.SayAsync("""{"type":"message","text":"other","id":"7"}""", "application/json"));
    }

    [Fact]
    public async Task A_template_says_what_another_programs_JSON_is_about_and_no_text_is_an_answer_that_says_what_to_do()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account, template: "{repository.name}: {commits[0].message}");

        Assert.Equal("200", await hook.SayAsync("""{"repository":{"name":"yard"},"commits":[{"message":"fix"}]}""", "application/json"));
        Assert.Equal("yard: fix", (await talk.HistoryAsync())[^1].Text());
        Assert.Equal("200 unsaid", await hook.SayAsync("""{"zen":"ping"}""", "application/json"));
        var plain = await HookPost.MadeByAsync(broker, talk.Mod.Account);
        Assert.Equal("422 no_text", await plain.SayAsync("""{"zen":"ping"}""", "application/json"));
        Assert.Equal("400 invalid_json", await plain.SayAsync("{", "application/json"));
        Assert.Equal(["nothing", "said"], await hook.RunsAsync(talk.Mod.Account));
        Assert.Equal(["refused invalid_json", "refused no_text"], await plain.RunsAsync(talk.Mod.Account));
    }

    [Fact]
    public async Task A_hook_ends_with_the_rank_of_its_maker_and_works_again_when_another_renews_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account);
        Assert.Equal("200", await hook.SayAsync("one"));
        var head = broker.Room("yard").Head;

        Assert.Null((await Acts.GiveAsync(broker, "yard", talk.Maker, talk.Mod, MemberRole.Member)).Refusal);
        Assert.Equal("410 hook_ended", await hook.SayAsync("two"));
        Assert.Equal(head + 1, broker.Room("yard").Head);
        using var makers = await HookPost.PageOfAsync(broker, talk.Maker.Account);
        Assert.False(Assert.Single((await makers.Get(HookPost.Hooks)).GetProperty("hooks").EnumerateArray()).GetProperty("works").GetBoolean());
        await makers.Expect(HttpStatusCode.Gone, HttpMethod.Post, $"{HookPost.Hooks}/{hook.Id}/test");

        var path = (await makers.Expect(HttpStatusCode.OK, HttpMethod.Post, $"{HookPost.Hooks}/{hook.Id}/secret")).GetProperty("path").GetString()!;
        Assert.Equal("404 no_such_hook", await hook.SayAsync("three"));
        Assert.Equal("200", await (hook with { Path = path }).SayAsync("four"));
        Assert.Equal(["said", "refused hook_ended", "said"], await hook.RunsAsync(talk.Maker.Account));
    }

    [Fact]
    public async Task A_hook_of_who_is_banned_or_has_left_says_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var (mods, makers) = (await HookPost.MadeByAsync(broker, talk.Mod.Account), await HookPost.MadeByAsync(broker, talk.Maker.Account));
        Assert.Equal(("200", "200"), (await mods.SayAsync("one"), await makers.SayAsync("one")));

        await broker.Get<AccountBans>().BanAsync("maker", null);
        Assert.Equal("410 hook_ended", await makers.SayAsync("two"));
        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("yard"), talk.Mod.Account);
        Assert.Equal("410 hook_ended", await mods.SayAsync("two"));
    }

    [Fact]
    public async Task A_hook_of_an_administrator_who_left_the_room_says_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await broker.RegisterAsync("root-of-all");
        Assert.True(admin.Account.Profile.IsAdministrator);
        var maker = await broker.RegisterAsync("maker");
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom("yard");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), admin.Account);
        var hook = await HookPost.MadeByAsync(broker, admin.Account);
        Assert.Equal("200", await hook.SayAsync("one"));

        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("yard"), admin.Account);

        Assert.Equal("410 hook_ended", await hook.SayAsync("two"));
    }

    [Fact]
    public async Task Who_has_lost_his_rank_gets_no_number_for_what_was_under_way()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var room = broker.Room("yard");
        Author author = new("hook-x", "hook-x", "X", "bot");
        Assert.Null((await broker.Get<BotSpeech>().SayAsync(room, author, talk.Mod.Account, new BotWords("one"), [])).Refusal);

        var refused = await broker.Get<BotSpeech>().SayAsync(room, author, talk.Bea.Account, new BotWords("two"), []);

        Assert.NotNull(refused.Refusal);
    }

    [Fact]
    public async Task A_hook_that_is_removed_meanwhile_says_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var made = await HookPost.MadeByAsync(broker, talk.Mod.Account);
        var (hook, room, maker) = broker.Get<HookCalls>().Find(made.Path.Split('/')[^1])!.Value;
        Assert.NotNull((await broker.Get<HookCalls>().SayAsync(hook, room!, maker!, new BotWords("one"))).Said);

        Assert.Equal(BotChange.Done, await broker.Get<RoomHooks>().RemoveAsync(room!, talk.Maker.Account, hook.Id));

        Assert.Equal(new HookAnswer("removed"), await broker.Get<HookCalls>().SayAsync(hook, room!, maker!, new BotWords("two")));
        Assert.Equal("404 no_such_hook", await made.SayAsync("three"));
    }

    [Fact]
    public async Task A_hook_that_speaks_too_often_is_told_when_to_come_again()
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:HookPostsPerSecond", "1", "--WebMessenger:Limits:HookPostBurst", "2");
        var talk = await MessageTalk.InYardAsync(broker);
        var (hook, other) = (await HookPost.MadeByAsync(broker, talk.Mod.Account), await HookPost.MadeByAsync(broker, talk.Mod.Account));

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => hook.SayAsync("again")));

        Assert.InRange(answers.Count(answer => answer == "200"), 2, 19);
        Assert.All(answers.Where(answer => answer != "200"), answer => Assert.Equal("429 too_many_requests", answer));
        Assert.Equal("200", await other.SayAsync("mine"));
    }

    [Fact]
    public async Task What_a_hook_says_is_stored_out_of_its_makers_quota_and_cut_where_messages_end()
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:StoredBytesPerDayPerAccount", "20000", "--WebMessenger:Limits:TextLength", "100");
        var talk = await MessageTalk.InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account);

        Assert.Equal("200", await hook.SayAsync(new string('é', 101)));
        Assert.Equal(new string('é', 99) + "…", (await talk.HistoryAsync())[^1].Text());
        var answer = "200";
        for (var said = 0; said < 200 && answer == "200"; said++)
        {
            answer = await hook.SayAsync("more");
        }

        Assert.Equal("429 quota", answer);
        Assert.Equal("200", await (await HookPost.MadeByAsync(broker, talk.Maker.Account)).SayAsync("of another"));
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_not_read_to_its_end()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:HookBodyBytes", "2048");
        var talk = await MessageTalk.InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account);

        Assert.Equal("200", await hook.SayAsync(new string('x', 2048)));
        Assert.Equal("413 too_large", await hook.SayAsync(new string('x', 2049)));
        Assert.Equal(["refused too_large", "said"], await hook.RunsAsync(talk.Mod.Account));
    }
}
