using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Notices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Notices;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who is kicked, banned or muted is told of it, also who was away; and who never was in the room is not.</summary>
public sealed class ModerationNoticeTests
{
    private static string? Field(JsonElement notice, string name) => notice.TryGetProperty(name, out var field) ? field.GetString() : null;

    [Fact]
    public async Task Who_was_away_finds_what_was_done_to_him_where_until_when_and_why_also_of_a_private_room_and_after_a_restart()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private" });

        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account)).Refusal);
        var ban = await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Bea.Account, minutes: 10, reason: "Enough.");
        var until = Timestamps.Format(broker.Room("yard").Restraints.BanOf(talk.Bea.Account.Id)!.Until!.Value);
        await broker.RestartAsync();
        await NoticeTalk.UntilStoredAsync(broker, talk.Bea, 2);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "unban", talk.Bea.Account)).Refusal);
        await NoticeTalk.UntilStoredAsync(broker, talk.Bea, 3);

        var page = await NoticeTalk.PageAsync(broker, talk.Bea);
        var notices = page.GetProperty("events").EnumerateArray().ToArray();
        Assert.Equal(["mute", "ban", "unban"], notices.Select(one => one.Type()));
        var banned = notices[1];
        Assert.Equal(("yard", "Room yard", until, "Enough."), (
            Field(banned, "room"), Field(banned, "title"), Field(banned, "until"), Field(banned, "reason")));
        Assert.Equal((ban.Seq, "dora"), (NoticeTalk.Of(banned), banned.GetProperty("from").GetProperty("user").GetString()));
        Assert.Equal((null, null), (Field(notices[0], "until"), Field(notices[0], "reason")));
        Assert.Equal(3, page.GetProperty("unread").GetInt32());
        Assert.Empty(broker.Get<IRecords>().ReadAll("an/"u8));

        using var beas = Calls.As(broker, talk.Bea);
        var read = await beas.Expect(HttpStatusCode.OK, HttpMethod.Put, "/api/notices/read", new { seq = 2 });
        Assert.Equal(2, read.GetProperty("seq").GetInt64());
        Assert.Equal(1, (await NoticeTalk.PageAsync(broker, talk.Bea)).GetProperty("unread").GetInt32());
    }

    [Fact]
    public async Task A_stranger_is_told_of_no_ban_and_reads_no_reason()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var eve = await broker.RegisterAsync("eve");
        await using var listener = await broker.ConnectAsync(eve);
        await listener.SubscribeAsync([new Filter("users/eve"), new Filter("users/eve/notices")]);
        await using var mod = await broker.ConnectAsync(talk.Mod);

        Assert.True((await mod.PublishAsync(Topic, """{"type":"ban","user":"eve","reason":"A word that she asked nobody for."}""")).Accepted);
        using var eves = Calls.As(broker, eve);
        Assert.Null(Field((await eves.Get("/api/rooms/yard")).GetProperty("banned"), "reason"));
        Assert.True((await mod.PublishAsync(Topic, """{"type":"unban","user":"eve","reason":"And one more."}""")).Accepted);

        // Who is in is told in the same way, and comes first of those who are told.
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), eve.Account);
        Assert.True((await mod.PublishAsync(Topic, """{"type":"kick","user":"eve","reason":"Now she is told."}""")).Accepted);
        var heard = await listener.PublishesUntilAsync(publish => publish.Topic == "users/eve/notices");
        Assert.Equal(["kick", "kick"], heard.Select(publish => publish.Json).Select(one => Field(one, "code") ?? one.Type()));
        Assert.All(heard, publish => Assert.Equal("Now she is told.", Field(publish.Json, "reason")));

        // Right after a kick a ban is part of the same matter.
        Assert.True((await mod.PublishAsync(Topic, """{"type":"ban","user":"eve","reason":"And of this."}""")).Accepted);
        var later = await listener.PublishesUntilAsync(publish => publish.Topic == "users/eve/notices");
        Assert.Equal("And of this.", Field(later[^1].Json, "reason"));
        Assert.Equal("And of this.", Field((await eves.Get("/api/rooms/yard")).GetProperty("banned"), "reason"));
    }

    [Fact]
    public async Task Who_ignores_a_moderator_is_told_what_was_done_and_none_of_his_words()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var page = Calls.OfPage(broker, await broker.SignInAsync(talk.Bea.Account));
        await page.Put("/api/ignored/dora");
        await using var listener = await broker.ConnectAsync(talk.Bea);
        await listener.SubscribeAsync([new Filter("users/bea"), new Filter("users/bea/notices")]);

        await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account, reason: "Listen to me.");

        var heard = await listener.PublishesUntilAsync(publish => publish.Topic == "users/bea/notices");
        Assert.Equal(["mute", "mute"], heard.Select(publish => publish.Json).Select(one => Field(one, "code") ?? one.Type()));
        Assert.All(heard, publish => Assert.DoesNotContain("Listen", publish.Text, StringComparison.Ordinal));
        Assert.Null(Field((await page.Get("/api/rooms/yard")).GetProperty("muted"), "reason"));
    }

    [Fact]
    public async Task Who_ignores_a_moderator_is_told_no_reason_of_a_deletion_either()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var page = Calls.OfPage(broker, await broker.SignInAsync(talk.Bea.Account));
        await page.Put("/api/ignored/dora");
        await using var listener = await broker.ConnectAsync(talk.Bea);
        await listener.SubscribeAsync("users/bea");
        var said = await talk.SayAsync(talk.Bea, "a word");

        Assert.Null((await talk.DeleteAsync(talk.Mod, said, reason: "Listen to me.")).Refusal);

        var notice = await listener.NextPublishAsync();
        Assert.Equal("deleted", notice.Json.GetProperty("code").GetString());
        Assert.DoesNotContain("Listen", notice.Text, StringComparison.Ordinal);
        using var makers = Calls.As(broker, talk.Maker);
        Assert.Equal("Listen to me.", Field((await makers.Get("/api/rooms/yard/audit")).GetProperty("entries")[0], "reason"));
    }

    [Fact]
    public async Task What_was_done_in_a_room_that_is_no_more_is_not_counted()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", talk.Bea.Account);
        await NoticeTalk.UntilStoredAsync(broker, talk.Bea, 1);
        Assert.Equal(1, (await NoticeTalk.PageAsync(broker, talk.Bea)).GetProperty("unread").GetInt32());
        using var makers = Calls.As(broker, talk.Maker);
        await makers.Delete("/api/rooms/yard");

        for (var start = 0; start < 2; start++)
        {
            var page = await NoticeTalk.PageAsync(broker, talk.Bea);
            Assert.Equal((0, 0), (page.GetProperty("events").GetArrayLength(), page.GetProperty("unread").GetInt32()));
            await broker.RestartAsync();
        }
    }

    [Fact]
    public async Task Who_follows_from_the_beginning_finds_acts_that_are_due_however_far_back()
    {
        // Follows when the test says so.
        await using var broker = await RunningBroker.StartWithAsync(services =>
        {
            services.Remove(services.Single(service => service.ImplementationType == typeof(NoticeFollower)));
            services.AddSingleton<NoticeFollower>();
        });
        var talk = await InYardAsync(broker);
        var records = broker.Get<IRecords>();
        await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account, reason: "Long ago.");
        await Task.WhenAll(Enumerable.Range(0, 1_100).Select(number =>
            Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Topic = $"{number}" })));
        Assert.True(broker.Room("yard").LogHead.Head > 1_100);
        await records.WriteAsync([
            new RecordChange(ActDue.Key(broker.Room("yard").Key, "nobody", Body("gone")), new ActDue(talk.Bea.Account.Id, "Yard").Write()),
            new RecordChange(NoticesDue.Key(talk.Log), null),
        ]);

        await broker.Get<NoticeFollower>().BeginAsync(talk.Log, TestContext.Current.CancellationToken);

        Assert.Equal("Long ago.", Field(Assert.Single(await NoticeTalk.NoticesAsync(broker, talk.Bea)), "reason"));
        Assert.Empty(records.ReadAll("an/"u8));
    }

    [Fact]
    public async Task Anothers_event_of_the_same_id_is_not_the_one_that_is_due()
    {
        // Follows when the test says so.
        await using var broker = await RunningBroker.StartWithAsync(services =>
        {
            services.Remove(services.Single(service => service.ImplementationType == typeof(NoticeFollower)));
            services.AddSingleton<NoticeFollower>();
        });
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Caio, "@bea", id: "once");
        var mute = await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account, id: "once");

        await FollowAsync(said);
        await FollowAsync(mute.Seq);

        Assert.Equal(["mention", "mute"], (await NoticeTalk.NoticesAsync(broker, talk.Bea)).Select(one => one.Type()));
        Assert.Null(broker.Get<IRecords>().Find(NoticesDue.Key(talk.Log)));

        Task FollowAsync(long seq) => broker.Get<NoticeFollower>().FollowAsync(
            [new JournalBatch(seq, [new LogChange(talk.Log, JournalKind.Append, seq, seq)])], TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task What_an_erased_account_was_to_be_told_goes_at_the_next_start()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var key = broker.Room("yard").Key;
        await broker.Get<IRecords>().WriteAsync([
            new RecordChange(ActDue.Key(key, "nobody", Body("hers")), new ActDue(talk.Bea.Account.Id, "Yard", Reason: "Of her.").Write()),
            new RecordChange(ActDue.Key(key, "nobody", Body("his")), new ActDue(talk.Caio.Account.Id, "Yard").Write()),
        ]);

        await broker.Get<AccountChanges>().EraseAsync(talk.Bea.Account, "correct horse battery staple", null);
        await broker.RestartAsync();

        Assert.Equal([talk.Caio.Account.Id], broker.Get<IRecords>().ReadAll("an/"u8).Select(one => ActDue.Read(one.Value)!.Account));
    }

    private static byte[] Body(string id) => EventBody.Act(EventType.Mute, new Author("", "nobody", "Nobody", "person"), id, _ => { }, 0);

    [Fact]
    public async Task So_many_who_are_not_in_the_room_are_banned_a_day_and_all_who_are()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton<TimeProvider>(time), "--WebMessenger:Limits:InvitationsPerDay", "2");
        var talk = await InYardAsync(broker);
        var (eve, fay, gil) = (await broker.RegisterAsync("eve"), await broker.RegisterAsync("fay"), await broker.RegisterAsync("gil"));
        async Task<string?> BanAsync(Member whom, string? id = null) =>
            (await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", whom.Account, id: id)).Refusal?.Notice;

        Assert.Null(await BanAsync(eve, "once"));
        Assert.Null(await BanAsync(eve, "once"));
        Assert.Null(await BanAsync(fay));
        Assert.Equal("too_many_attempts", await BanAsync(gil));
        Assert.Null(broker.Room("yard").Restraints.StoredOf(gil.Account.Id));

        Assert.Null(await BanAsync(talk.Bea));
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "kick", talk.Caio.Account)).Refusal);
        Assert.Null(await BanAsync(talk.Caio));
        time.Advance(TimeSpan.FromHours(12));
        Assert.Null(await BanAsync(gil));
    }
}
