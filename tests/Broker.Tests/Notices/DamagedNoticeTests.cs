using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Broker.Notices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Conversations;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Notices.NoticeTalk;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Notices;

/// <summary>What cannot be read hides itself and nothing else: no other notice, no other room, no other conversation.</summary>
public sealed class DamagedNoticeTests
{
    private readonly DamagedLog _log = new();

    [Fact]
    public async Task Of_an_account_whose_notices_cannot_be_read_nobody_else_is_told_less()
    {
        await using var broker = await RunningBroker.StartWithAsync(_log.Place);
        var talk = await InYardAsync(broker);
        await talk.SayAsync(talk.Bea, "hi @caio");
        await UntilStoredAsync(broker, talk.Caio, 1);
        _log.Logs.Add(LogName.OfNotices(talk.Caio.Account.Id));

        await talk.SayAsync(talk.Bea, "hi @caio and @dora");
        await talk.SayAsync(talk.Bea, "hi @dora");

        await UntilStoredAsync(broker, talk.Mod, 2);
        using var caios = Calls.As(broker, talk.Caio);
        Assert.True((await caios.Get("/api/rooms/yard")).GetProperty("member").GetBoolean());
        Assert.Empty(await NoticesAsync(broker, talk.Caio));
    }

    [Fact]
    public async Task A_log_that_takes_nothing_while_all_else_is_stored_is_given_up_after_a_few_tries()
    {
        await using var broker = await RunningBroker.StartWithAsync(services =>
        {
            _log.Place(services);
            services.Remove(services.Single(service => service.ImplementationType == typeof(NoticeFollower)));
            services.AddSingleton<NoticeFollower>();
        });
        var talk = await InYardAsync(broker);
        var follower = broker.Get<NoticeFollower>();
        var said = await talk.SayAsync(talk.Bea, "hi @caio and @dora");
        _log.Refusing.Add(LogName.OfNotices(talk.Caio.Account.Id));

        await Assert.ThrowsAsync<IOException>(FollowAsync);
        await Assert.ThrowsAsync<IOException>(FollowAsync);
        await FollowAsync();

        Assert.Equal(1, broker.Get<IEventLog>().Head(LogName.OfNotices(talk.Mod.Account.Id)).Head);
        Assert.Null(broker.Get<IRecords>().Find(NoticesDue.Key(talk.Log)));

        async Task FollowAsync() => await follower.FollowAsync(
            [new JournalBatch(1, [new LogChange(talk.Log, JournalKind.Append, said, said)])], TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Of_a_room_that_cannot_be_read_nobody_is_told_and_of_all_others_as_ever()
    {
        await using var broker = await RunningBroker.StartWithAsync(_log.Place);
        var talk = await InYardAsync(broker);
        using (var makers = Calls.As(broker, talk.Maker))
        {
            await makers.MakeRoom("attic");
        }

        foreach (var member in new[] { talk.Bea, talk.Caio })
        {
            await broker.Get<RoomMembers>().JoinAsync(broker.Room("attic"), member.Account);
        }

        await talk.SayAsync(talk.Bea, "hi @caio", "attic");
        await UntilStoredAsync(broker, talk.Caio, 1);
        var head = broker.Get<IEventLog>().Head(talk.Log).Head;
        for (var seq = head + 1; seq < head + 10; seq++)
        {
            _log.Entries.Add((talk.Log, seq));
        }

        await talk.SayAsync(talk.Bea, "hi @caio");
        await talk.SayAsync(talk.Bea, "hi again, @caio", "attic");

        await UntilStoredAsync(broker, talk.Caio, 2);
        Assert.All(await NoticesAsync(broker, talk.Caio), notice => Assert.Equal("attic", notice.GetProperty("room").GetString()));
        var follower = broker.Get<IEnumerable<IFollower>>().OfType<NoticeFollower>().Single();
        await broker.Get<IRecords>().WriteAsync([new RecordChange(NoticesDue.Key(talk.Log), [1])]);
        Assert.Empty(await follower.BeginAsync(talk.Log, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task One_message_that_cannot_be_read_takes_itself_out_of_what_is_counted_listed_and_saved()
    {
        await using var broker = await RunningBroker.StartWithAsync(_log.Place);
        var talk = await InYardAsync(broker);
        var (lost, left) = (await talk.SayAsync(talk.Bea, "one for @caio"), await talk.SayAsync(talk.Bea, "two for @caio"));
        await UntilStoredAsync(broker, talk.Caio, 2);
        using var caios = Calls.As(broker, talk.Caio);
        await caios.Put($"/api/saved/rooms/yard/{lost}");
        await caios.Put($"/api/saved/rooms/yard/{left}");
        await broker.RestartAsync();
        _log.Entries.Add((talk.Log, lost));

        using var after = Calls.As(broker, talk.Caio);
        var yard = (await after.Get("/api/rooms?mine=true")).GetProperty("rooms").EnumerateArray().Single(room => room.GetProperty("id").GetString() == "yard");
        Assert.Equal(1, yard.GetProperty("mentions").GetInt32());
        Assert.Equal([left], (await NoticesAsync(broker, talk.Caio)).Select(Of));
        var saved = (await after.Get("/api/saved")).GetProperty("saved").EnumerateArray().ToList();
        Assert.Equal([(left, true), (lost, false)], saved.Select(one => (one.GetProperty("seq").GetInt64(), one.TryGetProperty("event", out _))));
    }

    [Fact]
    public async Task A_room_or_conversation_that_cannot_be_read_is_listed_without_numbers_and_all_others_as_ever()
    {
        await using var broker = await RunningBroker.StartWithAsync(_log.Place);
        var talk = await DirectTalk.InAsync(broker);
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), talk.Ana.Account);
        await talk.SayAsync(talk.Bea, talk.Ana, "one");
        await talk.SayAsync(talk.Caio, talk.Ana, "two");
        await broker.RestartAsync();
        _log.Logs.Add(talk.Log);
        _log.Logs.Add(broker.Room("lobby").Log);

        var listed = await talk.ListAsync(talk.Ana);
        Assert.Equal([("caio", true), ("bea", false)], listed.Select(one => (one.GetProperty("user").GetString()!, one.TryGetProperty("unread", out _))));
        using var calls = Calls.As(broker, talk.Ana);
        var lobby = Assert.Single((await calls.Get("/api/rooms?mine=true")).GetProperty("rooms").EnumerateArray());
        Assert.Equal((true, false), (lobby.GetProperty("member").GetBoolean(), lobby.TryGetProperty("unread", out _)));

        // And its inbox goes on behind it.
        await using var client = await broker.ConnectAsync(talk.Ana);
        await client.SubscribeAsync("users/ana", properties: new() { { "after", "0" } });
        Assert.Equal("two", (await client.PublishesUntilAsync(publish => publish.Json.Type() == "whisper"))[^1].Json.Text());
        await calls.Expect(System.Net.HttpStatusCode.NoContent, HttpMethod.Post, "/api/read");
        Assert.Equal(0, (await talk.ListAsync(talk.Ana))[0].GetProperty("unread").GetInt32());
    }

    [Fact]
    public async Task A_malformed_record_of_a_conversation_takes_that_one_out_of_the_list_with_one_line_and_goes_with_the_account()
    {
        LogOfEverything lines = new();
        await using var broker = await RunningBroker.StartAsync(lines.TakeOver);
        var talk = await DirectTalk.InAsync(broker);
        await talk.SayAsync(talk.Bea, talk.Ana, "one");
        await talk.SayAsync(talk.Caio, talk.Ana, "two");
        Assert.Equal(2, (await talk.ListAsync(talk.Ana)).Length);
        var records = broker.Get<IRecords>();
        byte[][] malformed = [[1, 2], [.. Enumerable.Repeat((byte)0x7F, 12)]];
        foreach (var value in malformed)
        {
            await records.WriteAsync([new RecordChange(ConversationRecord.Key(talk.Ana.Account.Id, talk.Bea.Account.Id), value)]);

            Assert.Equal(["caio"], (await talk.ListAsync(talk.Ana)).Select(one => one.GetProperty("user").GetString()));
        }

        Assert.Single(lines.Lines, line => line.Contains("its record is malformed", StringComparison.Ordinal));
        await broker.Get<WebMessenger.Auth.SigningIn.AccountChanges>().EraseAsync(talk.Ana.Account, DirectTalk.Password, null);
        Assert.Empty(records.ReadAll(ConversationRecord.PrefixOf(talk.Ana.Account.Id)));
    }

    [Fact]
    public async Task The_newest_message_is_listed_however_much_was_done_behind_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await DirectTalk.InAsync(broker);
        await talk.SayAsync(talk.Bea, talk.Ana, "one");
        var said = await talk.SayAsync(talk.Bea, talk.Ana, "two");
        await using var client = await broker.ConnectAsync(talk.Ana);
        for (var i = 0; i < 150; i++)
        {
            var isOn = i % 2 == 0 ? "true" : "false";
            Assert.True((await client.PublishAsync("users/bea", DirectTalk.Act("reaction", said, $$""","emoji":"👍","on":{{isOn}}"""))).Accepted);
        }

        var listed = Assert.Single(await talk.ListAsync(talk.Bea));
        Assert.Equal((152L, "two"), (listed.GetProperty("head").GetInt64(), listed.GetProperty("last").Text()));
    }

    [Fact]
    public async Task The_list_of_conversations_reads_one_event_of_each_and_more_only_behind_what_was_done_to_others()
    {
        await using var broker = await RunningBroker.StartWithAsync(_log.Place);
        var talk = await DirectTalk.InAsync(broker);
        var said = await talk.SayAsync(talk.Bea, talk.Ana, "one");
        await talk.SayAsync(talk.Caio, talk.Ana, "two");
        Assert.True((await talk.PublishAsync(talk.Ana, talk.Bea, DirectTalk.Act("reaction", said, ""","emoji":"👍","on":true"""))).Accepted);
        _log.Longest.Clear();

        Assert.Equal(["two", "one"], (await talk.ListAsync(talk.Ana)).Select(one => one.GetProperty("last").Text()));

        Assert.Equal(1, _log.Longest[LogName.OfConversation(talk.Ana.Account.Id, talk.Caio.Account.Id)]);
        Assert.InRange(_log.Longest[talk.Log], 2, 8);
    }
}
