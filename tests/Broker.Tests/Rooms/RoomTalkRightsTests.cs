using System.Net;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>
/// Each command of the talk in a room, allowed and refused, over MQTT 5, MQTT 3.1.1 and HTTP. What is refused is also not in the log.
/// </summary>
public sealed class RoomTalkRightsTests
{
    private const string Path = "/api/rooms/yard/events";

    /// <summary>In this order, so that each has a message of its own that no other has changed.</summary>
    private static readonly (string Name, Func<long, string> Payload)[] _commands =
    [
        ("message", _ => """{"type":"message","text":"hello"}"""),
        ("roll", _ => """{"type":"roll","dice":"2d6"}"""),
        ("reply", of => $$"""{"type":"message","text":"hello","replyTo":{{of}}}"""),
        ("edit", of => Payload("edit", of, ""","text":"another" """)),
        ("delete", of => Payload("delete", of)),
        ("reaction", of => Payload("reaction", of, ""","emoji":"👍","on":true""")),
        ("pin", of => Payload("pin", of, ""","on":true""")),
        ("unpin", of => Payload("pin", of, ""","on":false""")),
    ];

    private static readonly string[] _all = [.. _commands.Select(command => command.Name)];

    public static TheoryData<Way> Ways => [Way.Mqtt5, Way.Mqtt311, Way.Http];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Who_is_in_the_room_does_all_to_what_he_said_and_moderators_pin(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);

        await MustBeAsync(talk, way, talk.Bea, await SaidAsync(talk, talk.Bea), _all.Except(["pin", "unpin"]), Refused.NotAllowed);
        await MustBeAsync(talk, way, talk.Mod, await SaidAsync(talk, talk.Mod), _all, Refused.NotAllowed);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task What_others_said_nobody_edits_and_who_ranks_above_deletes(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);

        await MustBeAsync(talk, way, talk.Caio, await SaidAsync(talk, talk.Bea), ["message", "roll", "reply", "reaction"], Refused.NotAllowed);
        await MustBeAsync(talk, way, talk.Mod, await SaidAsync(talk, talk.Bea), _all.Except(["edit"]), Refused.NotAllowed);
        await MustBeAsync(talk, way, talk.Mod, await SaidAsync(talk, talk.Maker), _all.Except(["edit", "delete"]), Refused.NotAllowed);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task When_the_edit_window_is_over_only_edits_are_refused(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await SaidAsync(talk, talk.Mod);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { EditWindow = 60 });
        await MustBeAsync(talk, way, talk.Mod, await SaidAsync(talk, talk.Mod), _all, Refused.NotAllowed);

        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { EditWindow = 0 });

        await MustBeAsync(talk, way, talk.Mod, said, _all.Except(["edit"]), Refused.NotAllowed);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Guests_do_what_the_room_lets_them(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), guest);
        await using var zoe = await Speaker.InBrowserAsync(broker, way, guest);
        await using var says = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
        var (first, second, third) = (await SaidAsync(says), await SaidAsync(says), await SaidAsync(says));

        await MustBeAsync(talk, zoe, first, _all.Except(["pin", "unpin"]), Refused.NotAllowed);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Guests = "read" });
        await MustBeAsync(talk, zoe, second, ["delete"], Refused.NotAllowed);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Guests = "none" });
        await MustBeAsync(talk, zoe, third, [], Refused.NotAllowed);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Where_moderators_alone_write_others_delete_what_they_said(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var (said, ofMod) = (await SaidAsync(talk, talk.Bea), await SaidAsync(talk, talk.Mod));

        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Posting = "moderators" });

        await MustBeAsync(talk, way, talk.Mod, ofMod, _all, Refused.NotAllowed);
        await MustBeAsync(talk, way, talk.Bea, said, ["delete"], Refused.NotAllowed);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_80_A_token_does_in_its_rooms_what_its_verbs_say(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        async Task<Member> WithAsync(Verbs? verbs, string[]? rooms = null) =>
            talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account, rooms, verbs) };
        async Task<Queue<long>> OwnAsync() => await SaidAsync(talk, talk.Mod);
        string[] posts = [.. _all.Except(["pin", "unpin"])];
        string[] moderates = ["delete", "pin", "unpin"];

        await MustBeAsync(talk, way, await WithAsync(Verbs.Everything, ["yard"]), await OwnAsync(), _all, Refused.NotAllowed);
        await MustBeAsync(talk, way, await WithAsync(Verbs.Read | Verbs.Post), await OwnAsync(), posts, Refused.NotAllowed);
        await MustBeAsync(talk, way, await WithAsync(Verbs.Read), await OwnAsync(), [], Refused.NotAllowed);
        await MustBeAsync(talk, way, await WithAsync(null, ["lobby"]), await OwnAsync(), [], Refused.NoSuchRoom);

        // Over HTTP a token reads what it acts on; over MQTT each publish takes the verb for publishes.
        await MustBeAsync(
            talk, way, await WithAsync(Verbs.Read | Verbs.Moderate), await SaidAsync(talk, talk.Bea), way == Way.Http ? moderates : [], Refused.NotAllowed);
        await MustBeAsync(
            talk, way, await WithAsync(Verbs.Post), await OwnAsync(), way == Way.Http ? [] : posts, way == Way.Http ? Refused.NoSuchRoom : Refused.NotAllowed);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_36_39_Who_was_put_out_of_a_private_room_or_was_never_in_it_does_nothing_there(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private" });
        var eve = await MayAllAsync(broker, "eve");
        var said = await SaidAsync(talk, talk.Bea);
        await using var beas = await Speaker.AsAsync(broker, way, talk.Bea);
        await MustBeAsync(talk, beas, await SaidAsync(talk, talk.Bea), _all.Except(["pin", "unpin"]), Refused.NotAllowed);

        using (var makers = Calls.As(broker, talk.Maker))
        {
            await makers.Delete("/api/rooms/yard/members/bea");
        }

        await MustBeAsync(talk, beas, said, [], Refused.NoSuchRoom);
        await MustBeAsync(talk, way, eve, await SaidAsync(talk, talk.Maker), [], Refused.NoSuchRoom);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_27_Who_is_banned_does_nothing_by_any_way(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var beas = await Speaker.AsAsync(broker, way, talk.Bea);
        await MustBeAsync(talk, beas, await SaidAsync(talk, talk.Bea), _all.Except(["pin", "unpin"]), Refused.NotAllowed);
        var said = await SaidAsync(talk, talk.Bea);
        var head = broker.Room("yard").LogHead.Head;

        await broker.Get<AccountBans>().BanAsync("bea", null);

        if (way == Way.Http)
        {
            await MustBeAsync(talk, beas, said, [], new Refused(0, "", HttpStatusCode.Unauthorized, "not_signed_in"));
            return;
        }

        await using var again = await RawMqttClient.OverTcpAsync(broker.Mqtt, way == Way.Mqtt5 ? MqttVersion.V5 : MqttVersion.V311);
        Assert.NotEqual(0, (await again.ConnectAsync("bea", talk.Bea.Token)).ReasonCode);
        await Assert.ThrowsAnyAsync<Exception>(() => beas.DoAsync(Topic, Path, Payload("delete", said.Peek())));
        Assert.Equal(head, broker.Room("yard").LogHead.Head);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Of_what_is_no_message_of_the_room_nothing_is_done(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await MustBeAsync(talk, way, talk.Mod, await SaidAsync(talk, talk.Mod), _all, Refused.NotAllowed);
        await using var mods = await broker.ConnectAsync(talk.Mod);
        long elsewhere = 0;
        while (elsewhere < broker.Room("yard").LogHead.Head + 20)
        {
            elsewhere = (await mods.PublishAsync("rooms/lobby", "one")).Seq;
        }

        var role = (await talk.HistoryAsync()).First(one => one.Type() == "role").GetProperty("seq").GetInt64();
        string[] ofNone = ["message", "roll"];

        // A message of another room's log, what is no message, and a number that nothing has.
        foreach (var of in new[] { elsewhere, role, 1_000_000 })
        {
            await MustBeAsync(talk, way, talk.Mod, Always(of), ofNone, Refused.NoSuchEvent);
        }

        Assert.Equal("one", broker.Get<Storage.EventLog.IEventLog>().ReadAfter(broker.Room("lobby").Log, elsewhere - 1, 1).Entries
            .Select(entry => EventBody.TextOf(entry.Body.Span)).Single());
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_47_Of_what_was_deleted_nothing_is_done_and_nobody_is_quoted(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await SaidAsync(talk, talk.Mod);
        var deleted = said.Peek();
        await MustBeAsync(talk, way, talk.Mod, said, _all, Refused.NotAllowed);
        Assert.Null((await talk.DeleteAsync(talk.Mod, deleted)).Refusal);

        await MustBeAsync(talk, way, talk.Mod, Always(deleted), ["message", "roll"], Refused.IsRemoved);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_80_Who_may_not_read_a_room_marks_nothing_there(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private", Posting = "moderators" });
        async Task<string> MarkAsync(Member who)
        {
            await using var speaker = await Speaker.AsAsync(broker, way, who);
            return await speaker.DoAsync($"users/{who.Account.UserName}/read/yard", "/api/rooms/yard/read", """{"seq":1}""", HttpMethod.Put);
        }

        Assert.Equal(Speaker.Done, await MarkAsync(talk.Bea));
        Assert.Equal(Speaker.Done, await MarkAsync(talk.Bea with { Token = await broker.TokenAsync(talk.Bea.Account, ["yard"], Verbs.Read) }));
        foreach (var other in new[]
        {
            await MayAllAsync(broker, "eve"),
            talk.Bea with { Token = await broker.TokenAsync(talk.Bea.Account, verbs: Verbs.Post) },
            talk.Bea with { Token = await broker.TokenAsync(talk.Bea.Account, ["lobby"]) },
        })
        {
            Assert.Equal(Refused.NoSuchRoom.Over(way), await MarkAsync(other));
        }
    }

    [Theory]
    [InlineData(Way.Mqtt5)]
    [InlineData(Way.Mqtt311)]
    public async Task Attack_80_Who_may_not_write_does_not_type(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var listener = await broker.ConnectAsync(talk.Maker);
        await listener.SubscribeAsync(Topic + "/typing", 0);
        async Task<string> TypeAsync(Member who)
        {
            await using var speaker = await Speaker.AsAsync(broker, way, who);
            return await speaker.TypeAsync(Topic + "/typing");
        }

        Assert.Equal(Speaker.Done, await TypeAsync(talk.Bea));
        Assert.Equal("""{"user":"bea"}""", (await listener.NextPublishAsync()).Text);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Posting = "moderators" });
        foreach (var other in new[]
        {
            talk.Bea,
            await MayAllAsync(broker, "eve"),
            talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account, verbs: Verbs.Read) },
            talk.Mod with { Token = await broker.TokenAsync(talk.Mod.Account, ["lobby"]) },
        })
        {
            Assert.Equal("not_allowed", await TypeAsync(other));
        }

        Assert.Equal(Speaker.Done, await TypeAsync(talk.Mod));
        Assert.Equal("""{"user":"dora"}""", (await listener.NextPublishAsync()).Text);
    }

    private static async Task MustBeAsync(MessageTalk talk, Way way, Member who, Queue<long> of, IEnumerable<string> done, Refused otherwise)
    {
        await using var speaker = await Speaker.AsAsync(talk.Broker, way, who);
        await MustBeAsync(talk, speaker, of, done, otherwise);
    }

    private static async Task MustBeAsync(MessageTalk talk, Speaker speaker, Queue<long> of, IEnumerable<string> done, Refused otherwise)
    {
        var allowed = done.ToHashSet();
        List<string> became = [];
        foreach (var (name, payload) in _commands)
        {
            var seq = of.Dequeue();
            if (name == "unpin" && allowed.Contains(name))
            {
                Assert.Null((await talk.ActAsync(talk.Maker, new MessageAct.Pin(seq, true))).Refusal);
            }

            var before = talk.Broker.Room("yard").LogHead.Head;
            var answer = await speaker.DoAsync(Topic, Path, payload(seq));
            became.Add($"{name}: {answer}, {talk.Broker.Room("yard").LogHead.Head - before} in the log");
        }

        Assert.Equal(
            _all.Select(name => allowed.Contains(name) ? $"{name}: {Speaker.Done}, 1 in the log" : $"{name}: {otherwise.Over(speaker.Way)}, 0 in the log"),
            became);
    }

    // A message for each command.
    private static async Task<Queue<long>> SaidAsync(MessageTalk talk, Member by)
    {
        await using var client = await talk.Broker.ConnectAsync(by);
        return await SaidAsync(client);
    }

    private static async Task<Queue<long>> SaidAsync(RawMqttClient client)
    {
        Queue<long> seqs = new();
        foreach (var (name, _) in _commands)
        {
            var said = await client.PublishAsync(Topic, "for " + name);
            Assert.True(said.Accepted, said.ReasonString);
            seqs.Enqueue(said.Seq);
        }

        return seqs;
    }

    private static Queue<long> Always(long of) => new(Enumerable.Repeat(of, _commands.Length));
}
