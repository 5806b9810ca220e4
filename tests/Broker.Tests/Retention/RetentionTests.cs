using System.Net;
using System.Text.Json;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Retention;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Operator.TypedCommand;
using static WebMessenger.Broker.Tests.Search.SearchTalk;

namespace WebMessenger.Broker.Tests.Retention;

/// <summary>What a room keeps no more is gone everywhere, and all else is as it was.</summary>
public sealed class RetentionTests
{
    [Fact]
    public async Task What_is_beyond_the_newest_messages_goes_as_soon_as_the_rules_say_so_and_with_each_round()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var said = await SayManyAsync(talk, 30);
        Assert.Null((await talk.DeleteAsync(talk.Bea, said[27])).Refusal);
        var (log, epoch) = (broker.Get<IEventLog>(), broker.Get<IEventLog>().Head(talk.Log).Epoch);

        Assert.Null((await KeepAsync(talk, messages: 10)).Refusal);

        await Until.TrueAsync(() => log.Head(talk.Log).First == said[20]);
        var head = log.Head(talk.Log);
        Assert.Equal(epoch, head.Epoch);
        var left = await talk.HistoryAsync();
        Assert.Equal(9, left.Count(one => one.Type() == "message"));
        Assert.Equal(said[29], left.Last(one => one.Type() == "message").GetProperty("seq").GetInt64());
        using var beas = Calls.As(broker, talk.Bea);
        var room = await beas.Get("/api/rooms/yard");
        Assert.Equal((head.Head, said[20]), (room.GetProperty("head").GetInt64(), room.GetProperty("oldest").GetInt64()));
        Assert.Equal("""{"days":0,"messages":10}""", room.GetProperty("kept").GetRawText());
        var next = await SayManyAsync(talk, 5);
        Assert.True(next[0] > head.Head);
        using (Rounds rounds = new(broker))
        {
            await rounds.AfterDaysAsync(0);
        }

        Assert.Equal(said[25], log.Head(talk.Log).First);
        await broker.RestartAsync();
        Assert.Equal(said[25], broker.Get<IEventLog>().Head(talk.Log).First);
    }

    [Fact]
    public async Task What_is_older_than_its_days_goes_with_a_round_and_what_is_younger_stays()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), talk.Bea.Account);
        var forEver = await talk.SayAsync(talk.Bea, "for ever", "lobby");
        await SayManyAsync(talk, 1_200);
        Assert.Null((await KeepAsync(talk, days: 30)).Refusal);
        var log = broker.Get<IEventLog>();
        var head = log.Head(talk.Log);
        var newest = log.ReadAfter(talk.Log, head.Head - 1, 1).Entries[0].At;
        await Until.TrueAsync(() => broker.Get<TimeProvider>().GetUtcNow() > newest.AddMilliseconds(2));
        var young = await talk.SayAsync(talk.Bea, "young");
        var youngs = log.ReadAfter(talk.Log, young - 1, 1).Entries[0].At;
        using Rounds rounds = new(broker);

        await rounds.AfterDaysAsync(29);

        Assert.Equal(head.First, log.Head(talk.Log).First);
        await rounds.AtAsync(youngs.AddDays(30));
        Assert.Equal(["young"], (await talk.HistoryAsync()).Where(one => one.Type() == "message").Select(MessageTalk.TextOf));
        Assert.True(log.Head(talk.Log).First > head.Head);
        await rounds.AfterDaysAsync(31);
        var end = log.Head(talk.Log);
        Assert.Equal(end.Head + 1, end.First);
        Assert.Empty(await talk.HistoryAsync());
        Assert.Equal(end.Head + 1, await talk.SayAsync(talk.Bea, "new"));
        Assert.Equal(["new"], (await talk.HistoryAsync()).Select(MessageTalk.TextOf));
        Assert.Single(log.ReadAfter(broker.Room("lobby").Log, forEver - 1, 1).Entries);
    }

    [Fact]
    public async Task The_operators_days_hold_for_all_rooms_and_conversations_whatever_their_rules()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:RetentionDaysAtMost", "10");
        var talk = await MessageTalk.InYardAsync(broker);
        await talk.SayAsync(talk.Bea, "in the yard");
        await using var mods = await broker.ConnectAsync(talk.Mod);
        Assert.True((await mods.PublishAsync("users/bea", "between the two")).Accepted);
        Assert.Null((await KeepAsync(talk, days: 300)).Refusal);
        using var beas = Calls.As(broker, talk.Bea);
        var conversation = LogName.OfConversation(talk.Bea.Account.Id, talk.Mod.Account.Id);
        var log = broker.Get<IEventLog>();
        Assert.Equal("""{"days":10,"messages":0}""", (await beas.Get("/api/rooms/yard")).GetProperty("kept").GetRawText());

        using Rounds rounds = new(broker, daysAtMost: 10);
        LogName[] all = [talk.Log, conversation, LogName.OfAccount(talk.Bea.Account.Id), LogName.OfAccount(talk.Mod.Account.Id)];
        await rounds.AfterDaysAsync(11);
        Assert.All(all, name => Assert.True(log.Head(name) is { Head: > 0 } head && head.First == head.Head + 1));

        Assert.Empty((await beas.Get("/api/conversations/dora/events")).GetProperty("events").EnumerateArray());
        Assert.Empty((await beas.Get("/api/whispers")).GetProperty("events").EnumerateArray());
        Assert.Equal(HttpStatusCode.OK, (await beas.SendAsync(HttpMethod.Get, "/api/conversations")).Status);
        Assert.True((await mods.PublishAsync("users/bea", "again")).Accepted);
        Assert.Single((await beas.Get("/api/conversations/dora/events")).GetProperty("events").EnumerateArray());
    }

    [Fact]
    public async Task What_goes_is_in_no_search_no_pin_no_reaction_no_count_and_no_list()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var old = await talk.SayAsync(talk.Bea, "canarybird @caio");
        var kept = await talk.SayAsync(talk.Bea, "zebrafish @caio");
        using var caios = Calls.OfPage(broker, await broker.SignInAsync(talk.Caio.Account));
        foreach (var seq in new[] { old, kept })
        {
            Assert.Null((await talk.ReactAsync(talk.Caio, seq, "👍")).Refusal);
            Assert.Null((await talk.ActAsync(talk.Mod, new MessageAct.Pin(seq, true))).Refusal);
        }

        await UntilFoundAsync(broker, talk.Caio, "canarybird", old);
        await UntilRoomAsync(caios, room => room.GetProperty("mentions").GetInt32() == 2 && room.GetProperty("unread").GetInt32() == 2);

        Assert.Null((await KeepAsync(talk, messages: 1)).Refusal);
        await Until.TrueAsync(() => broker.Get<IEventLog>().Head(talk.Log).First == kept);
        await UntilFollowedAsync(talk);

        Assert.Empty(await FoundAsync(broker, talk.Caio, "canarybird"));
        Assert.Equal([kept], await FoundAsync(broker, talk.Caio, "zebrafish"));
        Assert.DoesNotContain("canarybird", Files(broker), StringComparison.Ordinal);
        await UntilRoomAsync(caios, room => room.GetProperty("mentions").GetInt32() == 1 && room.GetProperty("unread").GetInt32() == 1);
        await Until.TrueAsync(() => broker.Get<Pins>().Of(talk.Log).Count == 1);
        await Until.TrueAsync(() => broker.Get<IRecords>().ReadAll(ReactionKey.PrefixOf(talk.Log, old)).Count == 0);
        Assert.NotEmpty(broker.Get<IRecords>().ReadAll(ReactionKey.PrefixOf(talk.Log, kept)));
        var pins = (await caios.Get("/api/rooms/yard/pins")).GetProperty("pins").EnumerateArray().ToList();
        Assert.Equal(kept, Assert.Single(pins).GetProperty("of").GetInt64());
        Assert.DoesNotContain("canarybird", (await caios.SendAsync(HttpMethod.Get, "/api/notices")).Text, StringComparison.Ordinal);
        await broker.RestartAsync();
        await UntilFollowedAsync(talk);
        Assert.Equal([kept], await FoundAsync(broker, talk.Caio, "zebrafish"));
        Assert.Empty(await FoundAsync(broker, talk.Caio, "canarybird"));
    }

    [Fact]
    public async Task A_client_that_stood_before_the_cut_is_told_and_goes_on_there()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        await KeptClients.LeaveBehindAsync(broker, talk.Caio, MqttVersion.V5, MessageTalk.Topic, "away");
        var said = await SayManyAsync(talk, 20);
        Assert.Null((await KeepAsync(talk, messages: 4)).Refusal);
        await Until.TrueAsync(() => broker.Get<IEventLog>().Head(talk.Log).First == said[16]);
        await broker.RestartAsync();

        var (back, answer) = await KeptClients.ConnectAsync(broker, talk.Caio, clientId: "away");
        Assert.True(answer.SessionPresent);
        var heard = await back.PublishesUntilAsync(publish => publish.Json.Type() == "policy");

        Assert.Equal("reset", heard[0].Json.Type());
        Assert.Equal(said[16], heard[0].Json.GetProperty("first").GetInt64());
        Assert.Equal(said[16..], heard.Where(one => one.Json.Type() == "message").Select(one => one.Json.GetProperty("seq").GetInt64()));
        await back.PingAsync();
        var live = await talk.SayAsync(talk.Bea, "live");
        Assert.Equal(live, (await back.PublishesUntilAsync(publish => publish.Json.Type() == "message"))[^1].Json.GetProperty("seq").GetInt64());
        await back.DisposeAsync();
    }

    [Fact]
    public async Task The_files_and_a_copy_made_after_the_purge_have_none_of_it_and_all_of_the_rest()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var (old, kept) = (Guid.NewGuid().ToString("N"), Guid.NewGuid().ToString("N"));
        await talk.SayAsync(talk.Bea, old);
        var stays = await talk.SayAsync(talk.Bea, kept);
        Assert.Null((await KeepAsync(talk, messages: 1)).Refusal);
        await Until.TrueAsync(() => broker.Get<IEventLog>().Head(talk.Log).First == stays);
        await UntilFollowedAsync(talk);

        await DoneAsync(broker.Program.DataFolder, "purge");
        var backup = Path.Combine(broker.DataFolder, "backup");
        await DoneAsync(broker.Program.DataFolder, "backup", backup);

        Assert.DoesNotContain(old, Bytes(broker.Program.DataFolder), StringComparison.Ordinal);
        Assert.DoesNotContain(old, Bytes(backup), StringComparison.Ordinal);
        Assert.Contains(kept, Bytes(backup), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machine_that_boots_years_ahead_removes_nothing_that_was_not_seen_to_grow_old()
    {
        LogOfEverything lines = new();
        await using var broker = await RunningBroker.StartAsync(lines.TakeOver);
        var talk = await MessageTalk.InYardAsync(broker);
        var said = await SayManyAsync(talk, 30);
        Assert.Null((await KeepAsync(talk, days: 30)).Refusal);
        broker.MachineClock = new JumpingClock(TimeProvider.System) { Off = TimeSpan.FromDays(3_652) };

        // At the second start the clock is where the server ended.
        for (var start = 1; start <= 2; start++)
        {
            await broker.RestartAsync();

            // Days are judged before messages, so that what went by its age has gone when this has.
            Assert.Null((await KeepAsync(talk, days: 30, messages: 30 - (10 * start))).Refusal);
            var log = broker.Get<IEventLog>();
            await Until.TrueAsync(() => log.Head(talk.Log).First >= said[10 * start]);
            var told = start;
            await Until.TrueAsync(() => lines.Alarms.Count(line => line.StartsWith("The machine's clock is 365", StringComparison.Ordinal)) == told);
            Assert.Equal(said[10 * start], log.Head(talk.Log).First);
        }
    }

    [Fact]
    public async Task A_log_whose_space_cannot_be_given_back_holds_up_no_other_and_has_its_turn_again()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        await talk.SayAsync(talk.Bea, "one");
        var log = broker.Get<IEventLog>();
        var body = log.ReadBefore(talk.Log, long.MaxValue, 1).Entries[0].Body;
        LogName[] logs = [LogName.OfRoom("r000000000000000a"), LogName.OfRoom("r000000000000000b")];
        foreach (var name in logs)
        {
            await Task.WhenAll(Enumerable.Range(0, 10_100).Select(_ => log.AppendAsync(name, "ana", null, default, body)));
        }

        SpoiltSpace space = new(broker.Get<ILogSpace>());
        using Rounds rounds = new(broker, daysAtMost: 10, space);

        await rounds.AfterDaysAsync(11);
        Assert.Equal(logs, space.Asked);
        await rounds.AfterDaysAsync(11);
        Assert.Equal([.. logs, logs[0]], space.Asked);
        await rounds.AfterDaysAsync(11);
        Assert.Equal(3, space.Asked.Count);
    }

    [Fact]
    public async Task The_index_gives_its_space_back_when_it_has_heard_of_what_went()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var old = await talk.SayAsync(talk.Bea, "canarybird");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", old);
        Assert.Contains("canarybird", Files(broker), StringComparison.Ordinal);
        await broker.Get<IEventLog>().TruncateAsync(talk.Log, old + 1);
        var end = broker.Get<IJournal>().ReadJournal(null, 1).Next;

        Assert.True(await broker.Get<FreedSpace>().TryGiveBackAsync(end, TestContext.Current.CancellationToken));

        Assert.DoesNotContain("canarybird", Files(broker), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_that_cannot_be_are_refused_with_their_field_and_only_who_looks_after_the_room_sets_them()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using var makers = Calls.As(broker, talk.Maker);
        using var mods = Calls.As(broker, talk.Mod);
        foreach (var (days, messages) in new[] { (-1, 0), (36_501, 0), (0, -1), (0, 100_000_001) })
        {
            var (status, text) = await makers.SendAsync(HttpMethod.Post, "/api/rooms/yard/events", new { type = "policy", retention = new { days, messages } });
            Assert.Equal(HttpStatusCode.BadRequest, status);
            Assert.Contains("\"retention\"", text, StringComparison.Ordinal);
        }

        await mods.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/rooms/yard/events", new { type = "policy", retention = new { days = 1 } });
        await makers.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/events", new { type = "policy", retention = new { days = 1 } });
    }

    private static Task<ActResult> KeepAsync(MessageTalk talk, int days = 0, int messages = 0) =>
        Acts.ChangeAsync(talk.Broker, "yard", talk.Maker, new() { Retention = new(days, messages) });

    private static async Task<long[]> SayManyAsync(MessageTalk talk, int count)
    {
        await using var beas = await talk.Broker.ConnectAsync(talk.Bea);
        List<long> seqs = [];
        for (var i = 0; i < count; i++)
        {
            seqs.Add((await beas.PublishAsync(MessageTalk.Topic, $"message {i}")).Seq);
        }

        return [.. seqs];
    }

    private static async Task UntilRoomAsync(Calls calls, Func<JsonElement, bool> isSo)
    {
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        while (!isSo(await calls.Get("/api/rooms/yard")))
        {
            await Task.Delay(25, patience.Token);
        }
    }

    private static string Bytes(string folder) => string.Concat(Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(path =>
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using MemoryStream bytes = new();
            file.CopyTo(bytes);
            return System.Text.Encoding.Latin1.GetString(bytes.ToArray());
        }
        catch (IOException)
        {
            // A lock, or it has gone meanwhile.
            return "";
        }
    }));

    /// <summary>The first log that is asked for fails at its first time.</summary>
    private sealed class SpoiltSpace(ILogSpace real) : ILogSpace
    {
        public List<LogName> Asked { get; } = [];

        public Task GiveBackAsync(LogName log, CancellationToken cancellation = default)
        {
            Asked.Add(log);
            return Asked.Count == 1 ? throw new IOException("spoilt") : real.GiveBackAsync(log, cancellation);
        }

        public long SizeOf(LogName log) => real.SizeOf(log);
    }
}
