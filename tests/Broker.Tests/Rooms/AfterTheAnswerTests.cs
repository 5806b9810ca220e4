using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>
/// When what takes rights in a room away is answered, it is over: on every kind of client nothing of the room is heard or said any more.
/// </summary>
public sealed class AfterTheAnswerTests
{
    [Theory]
    [InlineData("kick")]
    [InlineData("ban")]
    [InlineData("removal")]
    [InlineData("deletion")]
    [InlineData("guests")]
    public async Task Attack_36_Who_is_put_out_hears_and_says_nothing_more_on_any_client_and_what_waited_for_him_is_gone(string ending)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var (account, token) = ending == "guests" ? (await GuestAsync(broker), null) : (talk.Bea.Account, talk.Bea.Token);
        await using var witness = await HearingAsync(broker, talk);
        await using var listeners = await Listeners.OpenAsync(talk, account, token);
        var room = broker.Room("yard");

        await EndAsync(talk, ending);

        Assert.DoesNotContain(room.Subscribers.ToArray(), one => one.Member.Account == account);
        var (log, head) = (room.Log, room.Head);
        await listeners.ForgetAsync();
        await listeners.SayAndBeRefusedAsync();
        if (ending == "deletion")
        {
            // Another of the same name: their filters stand, and it is none of theirs.
            using var makers = Calls.As(broker, talk.Maker);
            await makers.MakeRoom("yard");
        }

        await SayAfterAsync(talk, witness, listeners.Inbox);
        foreach (var (name, heard) in await listeners.HearAsync("the marker"))
        {
            Assert.False(heard.Count > 0, $"{name} heard {(heard.Count > 0 ? heard[0].Topic + ": " + heard[0].Text : "")}");
        }

        AssertSaidNothingAfter(broker, log, head, account);
    }

    [Fact]
    public async Task Who_is_muted_says_nothing_more_on_any_client_and_hears_on_all_of_them()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var witness = await HearingAsync(broker, talk);
        await using var listeners = await Listeners.OpenAsync(talk, talk.Bea.Account, talk.Bea.Token);
        var room = broker.Room("yard");

        await EndAsync(talk, "mute");

        var head = room.Head;
        await listeners.ForgetAsync();
        await listeners.SayAndBeRefusedAsync();
        await SayAfterAsync(talk, witness, listeners.Inbox);
        foreach (var (name, heard) in (await listeners.HearAsync("the marker")).Where(one => one.Name != "the stalled client"))
        {
            Assert.True(heard.Any(publish => publish.Topic == Topic && Listeners.IsAbout(publish, "after the answer")), $"{name} heard nothing.");
        }

        AssertSaidNothingAfter(broker, room.Log, head, talk.Bea.Account);
    }

    [Theory]
    [InlineData("""{"type":"policy","entry":"invite"}""", true)]
    [InlineData("""{"type":"policy","visibility":"private"}""", false)]
    public async Task Attack_36_Into_a_room_that_is_closed_no_stranger_comes_after_the_answer_and_none_reads_it(string policy, bool isSeen)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var eve = await MayAllAsync(broker, "eve");
        using var eves = Calls.As(broker, eve);
        await eves.Get("/api/rooms/yard/events");
        var browser = await broker.SignInAsync(eve.Account);
        await using var tab = await broker.ConnectBrowserAsync(browser, "tab");
        await using var wild = await broker.ConnectAsync(eve, MqttVersion.V311);
        await tab.SubscribeAsync([new(Topic + "/info"), new("users/eve")]);
        await wild.SubscribeAsync([new("rooms/#"), new("users/eve")]);
        await tab.PublishesUntilAsync(publish => publish.Topic == Topic + "/info");
        await using var maker = await broker.ConnectAsync(talk.Maker);
        await using var witness = await HearingAsync(broker, talk);

        Assert.True((await maker.PublishAsync(Topic, policy)).Accepted);

        // Before she is told of it in whatever way.
        var head = broker.Room("yard").Head;
        Assert.Equal((byte)0x87, (await tab.PublishAsync(Topic, "said after the answer")).ReasonCode);
        await wild.PublishAsync(Topic, "said after the answer");
        Assert.Equal([0x87, 0x87], (await tab.SubscribeAsync([new(Topic), new(Topic + "/text")])).ReasonCodes);
        await eves.Get("/api/rooms/yard/events", HttpStatusCode.NotFound);
        await eves.Put("/api/rooms/yard/members/me", isSeen ? HttpStatusCode.Forbidden : HttpStatusCode.NotFound);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Topic = "changed after the answer" })).Refusal);
        await SayAfterAsync(talk, witness, "users/eve");
        foreach (var client in new[] { tab, wild })
        {
            var heard = await client.PublishesUntilAsync(publish => publish.Topic == "users/eve" && Listeners.IsAbout(publish, "the marker"));
            Assert.DoesNotContain(heard, publish => publish.Topic != Topic + "/info" && publish.Topic.StartsWith("rooms/yard", StringComparison.Ordinal));
            Assert.True(isSeen || !heard.Any(publish => Listeners.IsAbout(publish, "changed after the answer")));
        }

        Assert.False(broker.Room("yard").IsMember(eve.Account.Id));
        AssertSaidNothingAfter(broker, talk.Log, head, eve.Account);
    }

    private static async Task<Account> GuestAsync(RunningBroker broker)
    {
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), guest);
        return guest;
    }

    // By the ways in which people do it: it is answered when the server says so.
    private static async Task EndAsync(MessageTalk talk, string ending)
    {
        using var makers = Calls.As(talk.Broker, talk.Maker);
        await using var mod = await talk.Broker.ConnectAsync(talk.Mod);
        switch (ending)
        {
            case "removal":
                await makers.Delete("/api/rooms/yard/members/bea");
                break;
            case "deletion":
                await makers.Delete("/api/rooms/yard");
                break;
            case "guests":
                await makers.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/events", new { type = "policy", guests = "none" });
                break;
            default:
                var answer = await mod.PublishAsync(Topic, $$"""{"type":"{{ending}}","user":"bea"}""");
                Assert.True(answer.Accepted, answer.ReasonString);
                break;
        }
    }

    private static async Task<RawMqttClient> HearingAsync(RunningBroker broker, MessageTalk talk)
    {
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Data = new("members", "members") })).Refusal);
        var witness = await broker.ConnectAsync(talk.Caio);
        await witness.SubscribeAsync("rooms/+");
        return witness;
    }

    // Others go on talking; when one of them has heard it, the marker is sent.
    private static async Task SayAfterAsync(MessageTalk talk, RawMqttClient witness, string inbox)
    {
        await using var maker = await talk.Broker.ConnectAsync(talk.Maker);
        Assert.True((await maker.PublishAsync(Topic, "after the answer")).Accepted);
        Assert.True((await maker.PublishAsync(Topic + "/data/bed", "after the answer")).Accepted);
        if (talk.Broker.Room("yard").IsMember(talk.Caio.Account.Id))
        {
            await witness.PublishesUntilAsync(publish => publish.Topic == Topic && Listeners.IsAbout(publish, "after the answer"));
        }

        Assert.True((await maker.PublishAsync(inbox, "the marker")).Accepted);
    }

    private static void AssertSaidNothingAfter(RunningBroker broker, LogName log, long head, Account account)
    {
        Assert.DoesNotContain(
            broker.Get<IEventLog>().ReadAfter(log, head, 1000).Entries,
            entry => entry.Author == account.Id && EventBody.TypeOf(entry.Body.Span) == EventType.Message);
        Assert.DoesNotContain(
            broker.Get<IRecords>().ReadAll([]), record => System.Text.Encoding.UTF8.GetString(record.Value).Contains("said after the answer", StringComparison.Ordinal));
    }
}
