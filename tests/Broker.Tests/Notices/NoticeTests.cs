using System.Net;
using System.Text.Json;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Notices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Hooks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Notices.NoticeTalk;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Notices;

/// <summary>Who is named or answered is told, wherever it looks, and of what is there alone.</summary>
public sealed class NoticeTests
{
    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task Who_is_named_or_answered_is_told_live_when_back_and_over_http(string versionName)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await KeptClients.LeaveBehindAsync(broker, talk.Caio, version, TopicOf(talk.Caio), "away");
        await using var page = await broker.ConnectAsync(talk.Caio, version);
        await page.SubscribeAsync(TopicOf(talk.Caio));

        var mention = await talk.SayAsync(talk.Bea, "hi @caio and `@dora`");
        var own = await talk.SayAsync(talk.Caio, "hello @caio");
        var answer = await talk.SayAsync(talk.Bea, Reply(own, "fine, @caio"));

        var first = (await page.NextPublishAsync()).Json;
        var second = (await page.NextPublishAsync()).Json;
        Assert.Equal(("mention", "caio", 1L, mention, "bea", "yard", "hi @caio and `@dora`"), (
            first.Type(), first.GetProperty("to").GetString(), first.GetProperty("seq").GetInt64(), Of(first),
            first.GetProperty("from").GetProperty("user").GetString(), first.GetProperty("room").GetString(), first.GetProperty("excerpt").GetString()));
        Assert.Equal(("reply", 2L, answer), (second.Type(), second.GetProperty("seq").GetInt64(), Of(second)));
        Assert.Empty(await NoticesAsync(broker, talk.Mod));
        var (back, _) = await KeptClients.ConnectAsync(broker, talk.Caio, version, "away");
        await using (back)
        {
            var missed = await back.PublishesUntilAsync(publish => publish.Json.GetProperty("seq").GetInt64() == 2);
            Assert.Equal(["mention", "reply"], missed.Select(Type));
            Assert.Equal("fine, @caio", missed[^1].Json.GetProperty("excerpt").GetString());
        }

        await broker.RestartAsync();
        var list = await PageAsync(broker, talk.Caio);
        Assert.Equal(2, list.GetProperty("unread").GetInt32());
        Assert.Equal([first.GetRawText(), second.GetRawText()], list.GetProperty("events").EnumerateArray().Select(one => one.GetRawText()));
        Assert.DoesNotContain("caio and", string.Concat(broker.Get<IEventLog>().ReadAfter(LogName.OfNotices(talk.Caio.Account.Id), 0, 9).Entries
            .Select(entry => System.Text.Encoding.UTF8.GetString(entry.Body.Span))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_deleted_left_or_edited_is_so_in_the_notices_too()
    {
        const string canary = "canary of a notice";
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await KeptClients.LeaveBehindAsync(broker, talk.Caio, MqttVersion.V5, TopicOf(talk.Caio), "away");
        var (gone, stays) = (await talk.SayAsync(talk.Bea, canary + " @caio"), await talk.SayAsync(talk.Bea, "stays @caio"));
        await UntilStoredAsync(broker, talk.Caio, 2);
        Assert.Equal([gone, stays], (await NoticesAsync(broker, talk.Caio)).Select(Of));

        Assert.Null((await talk.DeleteAsync(talk.Bea, gone)).Refusal);
        Assert.Null((await talk.EditAsync(talk.Bea, stays, "another text")).Refusal);

        var left = Assert.Single(await NoticesAsync(broker, talk.Caio));
        Assert.Equal((stays, "another text"), (Of(left), left.GetProperty("excerpt").GetString()));
        var (back, _) = await KeptClients.ConnectAsync(broker, talk.Caio, MqttVersion.V5, "away");
        await using (back)
        {
            var missed = await back.PublishesUntilAsync(publish => publish.Json.GetProperty("seq").GetInt64() == 2);
            Assert.Equal(["removed", "mention"], missed.Select(Type));
            Assert.DoesNotContain(canary, string.Concat(missed.Select(publish => publish.Text)), StringComparison.Ordinal);
            Assert.DoesNotContain("bea", missed[0].Text, StringComparison.Ordinal);
        }

        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("yard"), talk.Caio.Account);
        Assert.Empty(await NoticesAsync(broker, talk.Caio));
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), talk.Caio.Account);
        Assert.Single(await NoticesAsync(broker, talk.Caio));
    }

    [Fact]
    public async Task An_edit_tells_who_is_named_newly_and_a_second_run_nobody()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "hi @caio");
        await UntilStoredAsync(broker, talk.Caio, 1);

        Assert.Null((await talk.EditAsync(talk.Bea, said, "hi @caio and @dora")).Refusal);

        await UntilStoredAsync(broker, talk.Mod, 1);
        Assert.Equal([said], (await NoticesAsync(broker, talk.Mod)).Select(Of));
        Assert.Single(await NoticesAsync(broker, talk.Caio));

        // As after a crash in which its place was not stored: all of it again.
        var log = broker.Get<IEventLog>();
        await broker.Get<IRecords>().WriteAsync([new RecordChange(NoticesDue.Key(talk.Log), [1])]);
        var follower = broker.Get<IEnumerable<IFollower>>().OfType<NoticeFollower>().Single();
        await follower.FollowAsync(
            [new JournalBatch(1, [new LogChange(talk.Log, JournalKind.Append, 1, log.Head(talk.Log).Head)])], TestContext.Current.CancellationToken);
        await follower.BeginAsync(talk.Log, TestContext.Current.CancellationToken);
        Assert.Single(await NoticesAsync(broker, talk.Caio));
        Assert.Single(await NoticesAsync(broker, talk.Mod));
    }

    [Fact]
    public async Task Who_may_not_hear_it_or_does_not_want_to_is_told_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await talk.SayAsync(talk.Bea, "hi @caio");
        await UntilStoredAsync(broker, talk.Caio, 1);
        var browser = await broker.SignInAsync(talk.Caio.Account);
        Assert.Equal(HttpStatusCode.NoContent, await LevelAsync(broker, browser, "yard", "nothing"));

        await talk.SayAsync(talk.Bea, "hi @caio and @bea");
        await talk.SayAsync(talk.Bea, "hi @dora");
        await UntilStoredAsync(broker, talk.Mod, 1);
        Assert.Single(await NoticesAsync(broker, talk.Caio));
        Assert.Empty(await NoticesAsync(broker, talk.Bea));

        Assert.Equal(HttpStatusCode.NoContent, await LevelAsync(broker, browser, "yard", "mentions"));
        await talk.SayAsync(talk.Bea, "hi @caio again");
        await UntilStoredAsync(broker, talk.Caio, 2);

        // Shown with the room, by cookie alone, and gone with the stay.
        using var caios = Calls.As(broker, talk.Caio);
        Assert.Equal("mentions", (await caios.Get("/api/rooms/yard")).GetProperty("notify").GetString());
        using var beas = Calls.As(broker, talk.Bea);
        Assert.Equal("all", (await beas.Get("/api/rooms/yard")).GetProperty("notify").GetString());
        await caios.Expect(HttpStatusCode.Unauthorized, HttpMethod.Put, "/api/rooms/yard/notify", new { level = "all" });
        Assert.Equal(HttpStatusCode.BadRequest, await LevelAsync(broker, browser, "yard", "some"));
        Assert.Equal(HttpStatusCode.NotFound, await LevelAsync(broker, browser, "none", "all"));
        await broker.RestartAsync();
        using var after = Calls.As(broker, talk.Caio);
        Assert.Equal("mentions", (await after.Get("/api/rooms/yard")).GetProperty("notify").GetString());
        await after.Delete("/api/rooms/yard/members/me");
        await after.Put("/api/rooms/yard/members/me");
        Assert.Equal("all", (await after.Get("/api/rooms/yard")).GetProperty("notify").GetString());
    }

    [Fact]
    public async Task Whoever_ignores_somebody_is_not_told_that_he_names_and_answers_him()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await talk.SayAsync(talk.Bea, "hi @caio");
        await UntilStoredAsync(broker, talk.Caio, 1);
        Assert.True(await broker.Get<IgnoredPeople>().AddAsync(talk.Caio.Account.Id, talk.Bea.Account.Id));

        await talk.SayAsync(talk.Bea, "hi @caio once more");
        await talk.SayAsync(talk.Mod, "hi @caio");

        await UntilStoredAsync(broker, talk.Caio, 2);
        Assert.Equal(["bea", "dora"], (await NoticesAsync(broker, talk.Caio)).Select(notice => notice.GetProperty("from").GetProperty("user").GetString()).Order());
    }

    [Fact]
    public async Task Who_has_left_by_then_is_told_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var follower = broker.Get<IEnumerable<IFollower>>().OfType<NoticeFollower>().Single();
        await talk.SayAsync(talk.Bea, "hi @caio");
        await UntilStoredAsync(broker, talk.Caio, 1);
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), (await broker.RegisterAsync("eva")).Account);
        var eva = broker.Get<WebMessenger.Auth.Accounts.AccountDirectory>().FindByUserName("eva")!;
        var body = EventBody.Message(
            EventType.Message, Author.Of(talk.Bea.Account, "person"), "m", "hi @eva", null, named: new Named(["eva"], false));
        await broker.Get<RoomMembers>().LeaveAsync(broker.Room("yard"), eva);

        // As one that was said just before she left.
        var stored = await broker.Get<IEventLog>().AppendAsync(talk.Log, talk.Bea.Account.Id, "m", default, body, [NoticesDue.Of(talk.Log, body)]);
        await follower.FollowAsync([new JournalBatch(1, [new LogChange(talk.Log, JournalKind.Append, stored.Seq, stored.Seq)])], TestContext.Current.CancellationToken);

        Assert.Equal(0, broker.Get<IEventLog>().Head(LogName.OfNotices(eva.Id)).Head);
    }

    [Fact]
    public async Task Mentions_are_counted_beside_what_is_unread_until_they_are_read_or_deleted()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var page = await broker.ConnectBrowserAsync(await broker.SignInAsync(talk.Caio.Account));
        await page.SubscribeAsync("users/caio/unread");
        using var caios = Calls.As(broker, talk.Caio);
        var first = await talk.SayAsync(talk.Bea, "hi @caio");
        await talk.SayAsync(talk.Bea, "hi all");
        var third = await talk.SayAsync(talk.Bea, "and @caio");

        await UntilAsync(2);
        await UntilStoredAsync(broker, talk.Caio, 2);
        Assert.Equal((3, 2), ((await caios.Get("/api/rooms/yard")).GetProperty("unread").GetInt32(), await MentionsAsync()));
        Assert.Null((await talk.DeleteAsync(talk.Bea, third)).Refusal);
        await UntilAsync(1);
        Assert.Equal(1, await MentionsAsync());

        await caios.Expect(HttpStatusCode.OK, HttpMethod.Put, "/api/rooms/yard/read", new { seq = first });

        await UntilAsync(0);
        Assert.Equal((0, 0), (await MentionsAsync(), (await PageAsync(broker, talk.Caio)).GetProperty("unread").GetInt32()));

        // The list has a position of its own, too.
        await talk.SayAsync(talk.Bea, "hi @caio, once more");
        await UntilStoredAsync(broker, talk.Caio, 3);
        Assert.Equal(1, (await PageAsync(broker, talk.Caio)).GetProperty("unread").GetInt32());
        await caios.Expect(HttpStatusCode.OK, HttpMethod.Put, "/api/notices/read", new { seq = 3 });
        var list = await PageAsync(broker, talk.Caio);
        Assert.Equal((0, 3L), (list.GetProperty("unread").GetInt32(), list.GetProperty("read").GetProperty("seq").GetInt64()));
        Assert.Equal(1, await MentionsAsync());

        async Task<int> MentionsAsync() => (await caios.Get("/api/rooms/yard")).GetProperty("mentions").GetInt32();

        Task<IReadOnlyList<ReceivedPublish>> UntilAsync(int count) => page.PublishesUntilAsync(publish => publish.Json.GetProperty("rooms").EnumerateArray().Any(room =>
            room.GetProperty("room").GetString() == "yard" && room.GetProperty("mentions").GetInt32() == count));
    }

    [Fact]
    public async Task Only_a_filter_that_names_the_level_brings_notices_and_no_token_of_some_rooms()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var all = await broker.ConnectAsync(talk.Caio);
        await all.SubscribeAsync("users/caio/#");
        await all.SubscribeAsync("users/caio/+");
        await using var named = await broker.ConnectAsync(talk.Caio);
        await named.SubscribeAsync("users/caio/notices");
        var limited = talk.Caio with { Token = await broker.TokenAsync(talk.Caio.Account, rooms: ["yard"]) };
        await using var limitedClient = await broker.ConnectAsync(limited);
        Assert.Equal([0x87], (await limitedClient.SubscribeAsync("users/caio/notices")).ReasonCodes);
        Assert.Equal([0x87], (await limitedClient.SubscribeAsync("users/bea/notices")).ReasonCodes);
        using var calls = Calls.As(broker, limited);
        await calls.Get("/api/notices", HttpStatusCode.Forbidden);
        Assert.Equal(0x87, (await named.PublishAsync("users/caio/notices", "mine")).ReasonCode);

        await talk.SayAsync(talk.Bea, "hi @caio");

        Assert.Equal("mention", (await named.NextPublishAsync()).Json.Type());
        await using var whisperer = await broker.ConnectAsync(talk.Bea);
        await whisperer.PublishAsync("users/caio", "psst");
        var heard = await all.PublishesUntilAsync(publish => publish.Json.Type() == "whisper");
        Assert.DoesNotContain(heard, publish => publish.Topic.EndsWith("/notices", StringComparison.Ordinal));

        // It catches up as a room does.
        await using var late = await broker.ConnectAsync(talk.Caio);
        await late.SubscribeAsync("users/caio/notices", properties: new() { { "after", "0" } });
        Assert.Equal("mention", (await late.NextPublishAsync()).Json.Type());
    }

    [Fact]
    public async Task An_account_keeps_so_many_and_none_once_it_is_erased()
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:NoticesPerAccount", "10", "--WebMessenger:Limits:NoticesPerSenderPerDay", "0");
        var talk = await InYardAsync(broker);
        await using var author = await broker.ConnectAsync(talk.Bea);
        foreach (var sent in Enumerable.Range(1, 130).Chunk(65))
        {
            await Task.WhenAll(sent.Select(number => author.PublishAsync(Topic, $"{number} @caio")));
        }

        await UntilStoredAsync(broker, talk.Caio, 130);
        var log = broker.Get<IEventLog>();
        var name = LogName.OfNotices(talk.Caio.Account.Id);
        Assert.InRange(log.Head(name).First, 20, 121);
        var browser = await broker.SignInAsync(talk.Caio.Account);
        await broker.Get<WebMessenger.Auth.SigningIn.AccountChanges>().EraseAsync(talk.Caio.Account, "correct horse battery staple", null);

        Assert.Empty(log.ReadAfter(name, 0, 10).Entries);
        Assert.NotNull(browser);
    }

    [Fact]
    public async Task One_account_causes_another_so_many_notices_a_day_and_pushes_out_nobody_elses()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:NoticesPerSenderPerDay", "3");
        var talk = await InYardAsync(broker);
        await using var author = await broker.ConnectAsync(talk.Bea);
        for (var number = 0; number < 6; number++)
        {
            Assert.True((await author.PublishAsync(Topic, $"{number} @caio")).Accepted);
        }

        var answered = await talk.SayAsync(talk.Caio, "what is it?");
        await talk.SayAsync(talk.Mod, Reply(answered, "nothing"));
        await UntilStoredAsync(broker, talk.Caio, 4);

        Assert.Equal(
            ["bea", "bea", "bea", "dora"],
            (await NoticesAsync(broker, talk.Caio)).Select(one => one.GetProperty("from").GetProperty("user").GetString()));
    }

    [Fact]
    public async Task All_guests_together_cause_an_account_as_many_notices_a_day_as_one_account_does()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:NoticesPerSenderPerDay", "3");
        var talk = await InYardAsync(broker);
        for (var number = 0; number < 5; number++)
        {
            var guest = (await broker.Get<WebMessenger.Auth.SigningIn.Registration>().EnterAsGuestAsync($"Zoe {number}", null)).Value!;
            await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), guest);
            await using var client = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
            Assert.True((await client.PublishAsync(Topic, $"{number} @caio")).Accepted);
        }

        await talk.SayAsync(talk.Bea, "one @caio");
        await UntilStoredAsync(broker, talk.Caio, 4);

        Assert.Equal(
            ["guest", "guest", "guest", "bot"],
            (await NoticesAsync(broker, talk.Caio)).Select(one => one.GetProperty("from").GetProperty("kind").GetString()));
    }

    [Fact]
    public async Task Each_hook_causes_an_account_as_many_notices_a_day_as_one_account_does()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:NoticesPerSenderPerDay", "2");
        var talk = await InYardAsync(broker);
        foreach (var name in new[] { "One", "Other" })
        {
            var hook = await HookPost.MadeByAsync(broker, talk.Mod.Account, name);
            for (var number = 0; number < 4; number++)
            {
                Assert.Equal("200", await hook.SayAsync($"{number} @caio"));
            }
        }

        await talk.SayAsync(talk.Bea, "last @caio");
        await UntilStoredAsync(broker, talk.Caio, 5);

        Assert.Equal(
            ["One", "One", "Other", "Other", "bea"],
            (await NoticesAsync(broker, talk.Caio)).Select(one => one.GetProperty("from").GetProperty("name").GetString()));
    }

    [Fact]
    public async Task Attack_36_A_notice_that_tells_nothing_any_more_names_neither_the_room_nor_the_message()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await talk.SayAsync(talk.Bea, "hello @caio");
        await UntilStoredAsync(broker, talk.Caio, 1);
        var key = broker.Room("yard").Key;
        Assert.StartsWith(key, Assert.Single(await NoticesAsync(broker, talk.Caio)).GetProperty("id").GetString(), StringComparison.Ordinal);
        using (var makers = Calls.As(broker, talk.Maker))
        {
            await makers.Delete("/api/rooms/yard/members/caio");
        }

        await using var client = await broker.ConnectAsync(talk.Caio);
        await client.SubscribeAsync(TopicOf(talk.Caio), properties: new MqttProperties { { "after", "0" } });
        var gone = await client.NextPublishAsync();

        Assert.Equal(("removed", 1L, "1"), (gone.Json.Type(), gone.Json.GetProperty("seq").GetInt64(), gone.Json.GetProperty("id").GetString()));
        Assert.DoesNotContain(key, gone.Text, StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode> LevelAsync(RunningBroker broker, WebMessenger.Auth.Sessions.SignedIn browser, string room, string level)
    {
        using HttpClient client = new() { BaseAddress = broker.Http };
        client.DefaultRequestHeaders.Add("Cookie", $"webmessenger={browser.Secret}");
        client.DefaultRequestHeaders.Add("Origin", broker.Http.GetLeftPart(UriPartial.Authority));
        using var content = new StringContent(JsonSerializer.Serialize(new { level }), System.Text.Encoding.UTF8, "application/json");
        using var answer = await client.PutAsync(new Uri($"/api/rooms/{room}/notify", UriKind.Relative), content, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
