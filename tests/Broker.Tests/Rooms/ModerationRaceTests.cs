using System.Globalization;
using WebMessenger.Auth.Tokens;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Kicks, bans and mutes that meet what their target is doing: nothing is stored or delivered after the answer.</summary>
public sealed class ModerationRaceTests
{
    [Theory]
    [InlineData("kick")]
    [InlineData("ban")]
    [InlineData("mute")]
    public Task Fault_S7_Nothing_is_stored_or_heard_after_the_answer(string type) => WhileSpeakingAsync(type, rounds: 60);

    [Theory(Explicit = true)]
    [InlineData("kick")]
    [InlineData("ban")]
    [InlineData("mute")]
    public Task Fault_S7_Nothing_is_stored_or_heard_after_ten_thousand_answers(string type) => WhileSpeakingAsync(type, rounds: 10_000);

    [Fact]
    public async Task Fault_R9_Who_is_banned_while_he_comes_in_is_out()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartAsync(records.Place);
        var talk = await InYardAsync(broker);
        var (room, eve) = (broker.Room("yard"), await broker.RegisterAsync("eve"));

        records.Hold();
        var joining = broker.Get<RoomMembers>().JoinAsync(room, eve.Account, byItself: true);
        await records.Waiting(1);
        var ban = Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", eve.Account);
        Assert.False(ban.IsCompleted);
        records.Release();
        await joining;
        Assert.Null((await ban).Refusal);

        Assert.False(room.IsMember(eve.Account.Id));
        await broker.Get<RoomMembers>().JoinAsync(room, eve.Account, byItself: true);
        Assert.False(room.IsMember(eve.Account.Id));
    }

    [Fact]
    public async Task Another_nodes_ban_is_in_the_way_of_who_comes_in_here()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var (room, eve) = (broker.Room("yard"), await broker.RegisterAsync("eve"));
        Restraint ban = new(Ban: new Restriction(talk.Mod.Account.Id, DateTimeOffset.UnixEpoch, null, null));
        await broker.Get<IRecords>().WriteAsync(RestraintStore.ChangesOf(room.Key, eve.Account.Id, ban));

        await Assert.ThrowsAsync<RecordsNotWrittenException>(() => broker.Get<RoomMembers>().JoinAsync(room, eve.Account, byItself: true));

        Assert.False(room.IsMember(eve.Account.Id));
        Assert.Equal("conflict", (await Acts.ModerateAsync(broker, "yard", talk.Mod, "ban", eve.Account)).Refusal?.Notice);
    }

    // She publishes, comes in again and is taken over on another connection, all at the moment of the act.
    private static async Task WhileSpeakingAsync(string type, int rounds)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:PublishPerSecond", "0");
        var talk = await InYardAsync(broker);
        var (room, id) = (broker.Room("yard"), talk.Bea.Account.Id);
        var session = broker.Get<AccessTokens>().FindBearer(talk.Mod.Token)!;
        Task<ActResult> DoAsync(string act) => broker.Get<RoomActs>().ActAsync(room, new Command("", null, null, Acts.Moderation(act, "bea")), session);
        await using var mod = await broker.ConnectAsync(talk.Mod);
        await using var ear = await broker.ConnectAsync(talk.Bea);
        await ear.SubscribeAsync([new Filter("rooms/+"), new Filter("users/bea")]);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Data = new("members", "members") })).Refusal);
        using var mods = Calls.As(broker, talk.Mod);
        await mod.PublishAsync(Topic + "/data/bed", "nothing yet", retain: true);
        var (accepted, refused, lost) = (0, 0, 0);
        for (var round = 0; round < rounds; round++)
        {
            await using var speaker = await broker.ConnectAsync(talk.Bea, clientId: "phone");
            var speaking = Enumerable.Range(0, 6).Select(i => SayAsync(
                speaker, i % 2 == 0 ? Topic : Topic + "/data/bed", string.Create(CultureInfo.InvariantCulture, $"{round}/{i}"))).ToArray();
            var subscribing = round % 3 == 0 ? speaker.SubscribeAsync("rooms/yard") : null;
            var takenOver = round % 3 == 1 ? TakeOverAsync(broker, talk.Bea) : null;
            Thread.SpinWait(round % 50 * 400);
            Assert.Null((await DoAsync(type)).Refusal);

            // Read first and written after: whatever is still to come would lie between the two.
            var head = room.Head;
            var retained = await RetainedAsync(mods);
            var marker = string.Create(CultureInfo.InvariantCulture, $"marker {round}");
            Assert.True((await mod.PublishAsync(Topic, marker)).Accepted);
            await mod.PublishAsync("users/bea", marker);
            foreach (var answer in await Task.WhenAll(speaking))
            {
                _ = answer is null ? lost++ : answer.Value ? accepted++ : refused++;
            }

            await Task.WhenAll(subscribing ?? Task.CompletedTask, takenOver ?? Task.CompletedTask);

            var after = broker.Get<IEventLog>().ReadAfter(room.Log, head, 1000).Entries;
            Assert.DoesNotContain(after, entry => entry.Author == id && EventBody.TypeOf(entry.Body.Span) == EventType.Message);
            Assert.Equal(retained, await RetainedAsync(mods));
            var heard = await ear.PublishesUntilAsync(one => one.Topic == "users/bea" && one.Text.Contains(marker, StringComparison.Ordinal));
            Assert.Equal(type == "mute", heard.Any(one => one.Topic == Topic && one.Text.Contains(marker, StringComparison.Ordinal)));
            Assert.Equal(type == "mute", room.IsMember(id));
            if (type != "kick")
            {
                Assert.Null((await DoAsync("un" + type)).Refusal);
            }

            await broker.Get<RoomMembers>().JoinAsync(room, talk.Bea.Account);
        }

        Assert.Equal(rounds * 6, accepted + refused + lost);
        TestContext.Current.TestOutputHelper?.WriteLine($"{accepted} came before the act, {refused} did not, and {lost} went with a connection");
    }

    // Null: another connection took its over before it was answered.
    private static async Task<bool?> SayAsync(RawMqttClient speaker, string topic, string text)
    {
        try
        {
            return (await speaker.PublishAsync(topic, text, retain: topic != Topic)).Accepted;
        }
        catch (WireException)
        {
            return null;
        }
    }

    // As her device does that comes back: it takes its place, asks for the room again and speaks.
    private static async Task TakeOverAsync(RunningBroker broker, Member bea)
    {
        await using var next = await broker.ConnectAsync(bea, clientId: "phone");
        await next.SubscribeAsync([new Filter("rooms/+"), new Filter("rooms/yard"), new Filter("rooms/yard/data/#")]);
        await SayAsync(next, Topic, "taken over");
        await SayAsync(next, Topic + "/data/bed", "taken over");
    }

    private static async Task<string> RetainedAsync(Calls calls) => (await calls.SendAsync(HttpMethod.Get, "/api/rooms/yard/data?topic=bed")).Text;
}
