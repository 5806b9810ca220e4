using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Retention;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>With a kick or a ban goes what somebody has said in the room of late.</summary>
public sealed class DeleteSinceTests
{
    private const string Canary = "canary-of-this-test";
    private const string Path = "/api/rooms/yard/events";

    public static TheoryData<Way, string> WaysAndActs => new()
    {
        { Way.Mqtt5, "ban" }, { Way.Mqtt311, "kick" }, { Way.Http, "ban" }, { Way.Http, "kick" },
    };

    [Theory]
    [MemberData(nameof(WaysAndActs))]
    public async Task What_somebody_said_goes_and_nothing_else(Way way, string type)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var ear = await broker.ConnectAsync(talk.Caio);
        await ear.SubscribeAsync("rooms/+");
        var (first, others) = (await talk.SayAsync(talk.Bea, Canary + " 1"), await talk.SayAsync(talk.Caio, "what Caio said"));
        var second = await talk.SayAsync(talk.Bea, "before the edit");
        Assert.Null((await talk.EditAsync(talk.Bea, second, Canary + " 2")).Refusal);
        Assert.Null((await talk.ActAsync(talk.Mod, new MessageAct.Pin(first, true))).Refusal);
        Assert.Null((await talk.DeleteAsync(talk.Bea, await talk.SayAsync(talk.Bea, "taken back by herself"))).Refusal);

        await using var mod = await Speaker.AsAsync(broker, way, talk.Mod);
        Assert.Equal(Speaker.Done, await mod.DoAsync(Topic, Path, $$"""{"type":"{{type}}","user":"bea","deleteSince":60,"reason":"Enough."}"""));
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), talk.Bea.Account);
        if (type == "ban")
        {
            Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "unban", talk.Bea.Account)).Refusal);
            await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), talk.Bea.Account);
        }

        var back = await talk.SayAsync(talk.Bea, "I am back");

        await ear.PublishesUntilAsync(one => one.Json.Type() == "delete" && one.Json.GetProperty("of").GetInt64() == second);
        await Until.TrueAsync(() => broker.Get<IRecords>().ReadAll(DeletingDue.Prefix).Count == 0);
        var history = await talk.HistoryAsync();
        string? TypeOf(long seq) => history.Single(one => one.GetProperty("seq").GetInt64() == seq).Type();
        Assert.Equal(("removed", "removed", "message", "message"), (TypeOf(first), TypeOf(second), TypeOf(others), TypeOf(back)));
        Assert.DoesNotContain(Canary, talk.Stored(), StringComparison.Ordinal);
        Assert.Equal(("dora", 2), (
            history.Where(one => one.Type() == "removed").Select(one => one.GetProperty("by").GetProperty("user").GetString()).First(),
            history.Count(one => one.Type() == "delete" && one.GetProperty("from").GetProperty("user").GetString() == "dora")));
        using var mods = Calls.As(broker, talk.Mod);
        Assert.Empty((await mods.Get("/api/rooms/yard/pins")).GetProperty("pins").EnumerateArray());
        var done = (await mods.Get("/api/rooms/yard/audit")).GetProperty("entries").EnumerateArray().ToArray();
        Assert.Equal(60, done.Single(one => one.Type() == type).GetProperty("deleteSince").GetInt32());
        Assert.DoesNotContain(done, one => one.Type() == "delete");
    }

    [Fact]
    public async Task Fault_S7_Of_who_speaks_meanwhile_and_comes_again_all_before_goes_and_all_after_stays()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:PublishPerSecond", "0", "--WebMessenger:Limits:DeletionsPerSecond", "0");
        var talk = await InYardAsync(broker);
        await using var bea = await broker.ConnectAsync(talk.Bea);
        var kicked = 0L;
        var back = new List<long>();
        for (var round = 0; round < 20; round++)
        {
            var speaking = Enumerable.Range(0, 6).Select(i => bea.PublishAsync(Topic, Canary)).ToArray();
            Thread.SpinWait(round * 1000);
            kicked = (await KickAsync(talk, deleteSince: 60)).Seq;
            await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), talk.Bea.Account);
            await Task.WhenAll(speaking);
            back.Add(await talk.SayAsync(talk.Bea, "I am back"));
        }

        await Until.TrueAsync(() => broker.Get<IRecords>().ReadAll(DeletingDue.Prefix).Count == 0);
        var left = broker.Get<IEventLog>().ReadAfter(talk.Log, 0, 1000).Entries
            .Where(entry => entry.Author == talk.Bea.Account.Id && EventBody.TypeOf(entry.Body.Span) == EventType.Message).ToList();
        Assert.All(left, entry => Assert.True(entry.Seq > kicked));
        Assert.Contains(left, entry => entry.Seq == back[^1]);
    }

    [Fact]
    public async Task What_was_said_before_stays_and_so_does_all_where_nothing_is_asked_for()
    {
        // The rooms' clock is half an hour on.
        FakeTimeProvider time = new(DateTimeOffset.UtcNow.AddMinutes(30));
        await using var broker = await RunningBroker.StartAsync(time);
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "before");

        Assert.Null((await KickAsync(talk, deleteSince: 10)).Refusal);
        await Until.TrueAsync(() => broker.Get<IRecords>().ReadAll(DeletingDue.Prefix).Count == 0);
        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", talk.Bea.Account)).Refusal);
        Assert.Empty(broker.Get<IRecords>().ReadAll(DeletingDue.Prefix));

        Assert.Equal("message", (await talk.EventAsync(said)).Type());
    }

    [Fact]
    public async Task Steps_are_bounded_and_a_restart_half_way_goes_on()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartWithAsync(
            services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<DeletingWork>(provider, time)),
            "--WebMessenger:Limits:DeletionsPerSecond", "1");
        var talk = await InYardAsync(broker);
        for (var said = 0; said < 5; said++)
        {
            await talk.SayAsync(talk.Bea, Canary);
        }

        Assert.Null((await KickAsync(talk, deleteSince: 60)).Refusal);
        await Until.TrueAsync(() => Removed(talk) == 1);
        await talk.SayAsync(talk.Maker, "a marker");
        Assert.Equal(1, Removed(talk));

        await broker.RestartAsync();
        var again = talk with { Broker = broker };
        await Until.TrueAsync(() => Removed(again) == 2);
        await Until.TrueAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return Removed(again) == 5;
        });
        Assert.DoesNotContain(Canary, again.Stored(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_many_that_are_put_out_not_more_goes_in_a_second_than_of_one()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartWithAsync(
            services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<DeletingWork>(provider, time)),
            "--WebMessenger:Limits:DeletionsPerSecond", "2");
        var talk = await InYardAsync(broker);
        await talk.SayAsync(talk.Bea, Canary);
        await talk.SayAsync(talk.Caio, Canary);

        Assert.Null((await KickAsync(talk, deleteSince: 60)).Refusal);
        await Until.TrueAsync(() => Removed(talk) == 1);
        Assert.Null((await KickAsync(talk, deleteSince: 60, "caio")).Refusal);
        await talk.SayAsync(talk.Maker, "a marker");
        Assert.Equal(1, Removed(talk));

        await Until.TrueAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return Removed(talk) == 2;
        });
    }

    [Fact]
    public async Task One_event_that_cannot_be_read_keeps_none_of_the_others()
    {
        DamagedLog damaged = new();
        await using var broker = await RunningBroker.StartWithAsync(damaged.Place);
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, Canary);
        damaged.Entries.Add((talk.Log, broker.Get<IEventLog>().Head(talk.Log).First));

        Assert.Null((await KickAsync(talk, deleteSince: 60)).Refusal);

        await Until.TrueAsync(() => broker.Get<IRecords>().ReadAll(DeletingDue.Prefix).Count == 0);
        Assert.Equal(EventType.Removed, EventBody.TypeOf(broker.Get<IEventLog>().FindReadable(talk.Log, said)!.Value.Entry.Body.Span));
    }

    [Fact]
    public async Task Nothing_is_left_of_it_when_the_room_ends()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartWithAsync(
            services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<DeletingWork>(provider, time)),
            "--WebMessenger:Limits:DeletionsPerSecond", "1");
        var talk = await InYardAsync(broker);
        await talk.SayAsync(talk.Bea, "one");
        await talk.SayAsync(talk.Bea, "two");
        Assert.Null((await KickAsync(talk, deleteSince: 60)).Refusal);
        await Until.TrueAsync(() => Removed(talk) == 1);
        Assert.Single(broker.Get<IRecords>().ReadAll(DeletingDue.Prefix));

        using var makers = Calls.As(broker, talk.Maker);
        await makers.Delete("/api/rooms/yard");

        await Until.TrueAsync(() => broker.Get<IRecords>().ReadAll(DeletingDue.Prefix).Count == 0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1441)]
    public async Task What_no_command_may_say_is_refused(int minutes)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var mods = Calls.As(broker, talk.Mod);

        var refused = await mods.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, Path, new { type = "kick", user = "bea", deleteSince = minutes });

        Assert.Contains("deleteSince", refused.GetRawText(), StringComparison.Ordinal);
        Assert.True(broker.Room("yard").IsMember(talk.Bea.Account.Id));
        await mods.Expect(HttpStatusCode.Created, HttpMethod.Post, Path, new { type = "kick", user = "bea", deleteSince = 1440 });
    }

    private static int Removed(MessageTalk talk) => talk.Broker.Get<IEventLog>().ReadAfter(talk.Log, 0, 1000).Entries
        .Count(entry => EventBody.TypeOf(entry.Body.Span) == EventType.Removed);

    private static Task<ActResult> KickAsync(MessageTalk talk, int deleteSince, string user = "bea") => talk.Broker.Get<RoomActs>().ActAsync(
        talk.Broker.Room("yard"),
        new Command("", null, null, ModerationAct.Read(new RoomCommand { Type = "kick", User = user, DeleteSince = deleteSince }, [])!),
        talk.Broker.Get<WebMessenger.Auth.Tokens.AccessTokens>().FindBearer(talk.Mod.Token)!);
}
