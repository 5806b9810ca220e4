using System.Net;
using System.Text;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Hooks;

/// <summary>Hooks are made, shown, renewed and removed.</summary>
public sealed class HookTests
{
    [Fact]
    public async Task Only_moderators_make_and_see_hooks_and_access_tokens_do_not()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account);
        using var makers = await HookPost.PageOfAsync(broker, talk.Maker.Account);
        Assert.Equal(hook.Id, Assert.Single((await makers.Get(HookPost.Hooks)).GetProperty("hooks").EnumerateArray()).GetProperty("id").GetString());

        using var beas = await HookPost.PageOfAsync(broker, talk.Bea.Account);
        using var token = Calls.As(broker, talk.Mod);
        foreach (var (method, path, body) in new (HttpMethod, string, object?)[]
        {
            (HttpMethod.Get, HookPost.Hooks, null),
            (HttpMethod.Post, HookPost.Hooks, new { name = "mine" }),
            (HttpMethod.Post, HookPost.Hooks + "/preview", new { body = "x" }),
            (HttpMethod.Patch, $"{HookPost.Hooks}/{hook.Id}", new { name = "mine" }),
            (HttpMethod.Post, $"{HookPost.Hooks}/{hook.Id}/secret", null),
            (HttpMethod.Post, $"{HookPost.Hooks}/{hook.Id}/test", null),
            (HttpMethod.Delete, $"{HookPost.Hooks}/{hook.Id}", null),
        })
        {
            await beas.Expect(HttpStatusCode.Forbidden, method, path, body);
            await token.Expect(HttpStatusCode.Unauthorized, method, path, body);
        }

        Assert.Equal("200", await hook.SayAsync("still there"));
        await makers.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/yard", new { visibility = "private" });
        using var strangers = await HookPost.PageOfAsync(broker, (await broker.RegisterAsync("stranger")).Account);
        await strangers.Get(HookPost.Hooks, HttpStatusCode.NotFound);
        await makers.Get("/api/rooms/nowhere/hooks", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Attack_32_The_secret_is_shown_once_and_stored_as_a_hash()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account);
        var secret = hook.Path.Split('/')[^1];
        Assert.True(secret.Length >= 43);

        using var mods = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        Assert.DoesNotContain(secret, (await mods.Get(HookPost.Hooks)).ToString(), StringComparison.Ordinal);
        Assert.Equal("200", await hook.SayAsync("one"));
        Assert.Equal("404 no_such_hook", await (hook with { Path = "/api/hooks/" + secret[..^1] + (secret[^1] == 'A' ? 'B' : 'A') }).SayAsync("two"));

        // After a restart, too: what is stored finds it, and does not have it.
        await broker.RestartAsync();
        Assert.Equal("200", await hook.SayAsync("three"));
        await broker.Program.DisposeAsync();
        var stored = Directory.EnumerateFiles(broker.DataFolder, "*", SearchOption.AllDirectories).ToList();
        Assert.Contains(stored, file => Contains(file, hook.Id));
        Assert.DoesNotContain(stored, file => Contains(file, secret));
    }

    [Fact]
    public async Task A_hook_is_renamed_given_a_template_and_tested()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account);
        using var makers = await HookPost.PageOfAsync(broker, talk.Maker.Account);
        var its = $"{HookPost.Hooks}/{hook.Id}";

        await makers.Expect(HttpStatusCode.NoContent, HttpMethod.Patch, its, new { name = "Deploys", template = "{a}" });
        await makers.Expect(HttpStatusCode.NoContent, HttpMethod.Patch, its, new { name = "Deploys!" });
        await makers.Expect(HttpStatusCode.OK, HttpMethod.Post, its + "/test");
        await hook.SayAsync("""{"a":"b"}""", "application/json");
        Assert.Equal(["Test: Deploys! works.", "b"], (await talk.HistoryAsync())[^2..].Select(one => one.Text()));
        await makers.Expect(HttpStatusCode.NoContent, HttpMethod.Patch, its, new { template = "" });
        Assert.Equal("422 no_text", await hook.SayAsync("""{"a":"b"}""", "application/json"));

        foreach (var wrong in new object[] { new { name = "" }, new { name = "Admin" }, new { template = "{" }, new { template = new string('x', 1001) } })
        {
            await makers.Expect(HttpStatusCode.BadRequest, HttpMethod.Patch, its, wrong);
        }

        await makers.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, HookPost.Hooks, new { template = "{a}" });
        await makers.Expect(HttpStatusCode.NotFound, HttpMethod.Patch, $"{HookPost.Hooks}/hook-none", new { name = "x" });
        await makers.Delete(its);
        await makers.Delete(its, HttpStatusCode.NotFound);
        Assert.Empty((await makers.Get(HookPost.Hooks)).GetProperty("hooks").EnumerateArray());
        Assert.Equal("404 no_such_hook", await hook.SayAsync("gone"));
    }

    [Fact]
    public async Task A_preview_says_what_would_be_said_and_says_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using var mods = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        var head = broker.Room("yard").Head;

        var shown = await mods.Expect(HttpStatusCode.OK, HttpMethod.Post, HookPost.Hooks + "/preview",
            new { template = "{a.b}!", body = """{"a":{"b":"yes"},"username":"Kuma"}""" });
        Assert.Equal(("yes!", "Kuma", ""), (shown.Text(), shown.GetProperty("via").GetString(), shown.GetProperty("why").GetString()));
        shown = await mods.Expect(HttpStatusCode.OK, HttpMethod.Post, HookPost.Hooks + "/preview", new { body = "{}" });
        Assert.Equal((null, "no_text"), (shown.Text(), shown.GetProperty("why").GetString()));
        await mods.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, HookPost.Hooks + "/preview", new { template = "{", body = "x" });

        // It is as long as what would be said, with a template and without.
        var cut = new string('x', 3_999) + '…';
        shown = await mods.Expect(HttpStatusCode.OK, HttpMethod.Post, HookPost.Hooks + "/preview",
            new { template = string.Concat(Enumerable.Repeat("{a}", 40)), body = $$"""{"a":"{{new string('x', 60_000)}}"}""" });
        Assert.Equal(cut, shown.Text());
        shown = await mods.Expect(HttpStatusCode.OK, HttpMethod.Post, HookPost.Hooks + "/preview", new { body = new string('x', 60_000) });
        Assert.Equal(cut, shown.Text());
        Assert.Equal(head, broker.Room("yard").Head);
    }

    [Fact]
    public async Task A_room_has_so_many_hooks_and_no_more()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:HooksPerRoom", "2");
        var talk = await MessageTalk.InYardAsync(broker);
        using var mods = await HookPost.PageOfAsync(broker, talk.Mod.Account);
        var first = await HookPost.MadeByAsync(broker, talk.Mod.Account);
        await HookPost.MadeByAsync(broker, talk.Maker.Account);

        await mods.Expect(HttpStatusCode.Conflict, HttpMethod.Post, HookPost.Hooks, new { name = "third" });
        await mods.Delete($"{HookPost.Hooks}/{first.Id}");
        await mods.Expect(HttpStatusCode.Created, HttpMethod.Post, HookPost.Hooks, new { name = "third" });
    }

    [Fact]
    public async Task What_a_hook_did_last_is_kept_over_a_restart_and_the_oldest_goes()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account);
        await hook.SayAsync("{}", "application/json");
        await hook.SayAsync("{}", "application/json");
        await hook.SayAsync("text");
        Assert.Equal(["said", "refused no_text x2"], await hook.RunsAsync(talk.Mod.Account));

        await broker.RestartAsync();
        Assert.Equal(["said", "refused no_text x2"], await hook.RunsAsync(talk.Mod.Account));
        foreach (var number in Enumerable.Range(0, RunLog.Length))
        {
            await hook.SayAsync($"text {number}");
        }

        Assert.Equal(Enumerable.Repeat("said", RunLog.Length), await hook.RunsAsync(talk.Mod.Account));
    }

    [Fact]
    public async Task With_a_room_and_with_its_maker_a_hook_goes_from_the_disk()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var (mods, makers) = (await HookPost.MadeByAsync(broker, talk.Mod.Account), await HookPost.MadeByAsync(broker, talk.Maker.Account));
        await mods.SayAsync("one");
        await makers.SayAsync("one");
        await broker.Get<RunLogs>().SaveAsync();
        Assert.Equal((2, 2, 2), Kept(broker));

        await broker.Get<Auth.SigningIn.AccountChanges>().EraseAsync(talk.Mod.Account, "correct horse battery staple", null);
        Assert.Equal((1, 1, 1), Kept(broker));
        Assert.Equal("404 no_such_hook", await mods.SayAsync("two"));

        using var page = await HookPost.PageOfAsync(broker, talk.Maker.Account);
        await page.Delete("/api/rooms/yard");
        Assert.Equal((0, 0, 0), Kept(broker));
        Assert.Equal("404 no_such_hook", await makers.SayAsync("two"));
    }

    [Fact]
    public async Task A_hook_that_cannot_be_read_ends_no_other_and_goes_with_its_room()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var hook = await HookPost.MadeByAsync(broker, talk.Maker.Account);
        var key = Hook.Key(broker.Room("yard").Key, "hook-broken");
        await broker.Get<IRecords>().WriteAsync([new RecordChange(key, "no hook"u8.ToArray()), new RecordChange([.. "hooksecret/"u8, 1, 2, 3], key)]);

        using var page = await HookPost.PageOfAsync(broker, talk.Maker.Account);
        Assert.Equal(hook.Id, Assert.Single((await page.Get(HookPost.Hooks)).GetProperty("hooks").EnumerateArray()).GetProperty("id").GetString());
        Assert.Equal("200", await hook.SayAsync("one"));
        await page.Delete($"{HookPost.Hooks}/hook-broken", HttpStatusCode.NotFound);
        await page.Delete("/api/rooms/yard");
        Assert.Equal((0, 0, 0), Kept(broker));
    }

    private static (int Hooks, int Secrets, int Runs) Kept(RunningBroker broker)
    {
        var records = broker.Get<IRecords>();
        return (records.ReadAll("hook/"u8).Count, records.ReadAll("hooksecret/"u8).Count, records.ReadAll("runs/"u8).Count);
    }

    private static bool Contains(string file, string text) => File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.ASCII.GetBytes(text)) >= 0;
}
