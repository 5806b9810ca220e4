using System.Net;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Conversations.DirectTalk;

namespace WebMessenger.Broker.Tests.Conversations;

/// <summary>
/// Each command of a conversation, allowed and refused, over MQTT 5, MQTT 3.1.1 and HTTP. What is refused is also not in the log.
/// </summary>
public sealed class ConversationTalkRightsTests
{
    private static readonly (string Name, Func<long, string> Payload)[] _commands =
    [
        ("message", _ => """{"type":"message","text":"hello"}"""),
        ("reply", of => $$"""{"type":"message","text":"hello","replyTo":{{of}}}"""),
        ("edit", of => Act("edit", of, ""","text":"another" """)),
        ("delete", of => Act("delete", of)),
        ("reaction", of => Act("reaction", of, ""","emoji":"👍","on":true""")),
    ];

    private static readonly string[] _all = [.. _commands.Select(command => command.Name)];

    public static TheoryData<Way> Ways => [Way.Mqtt5, Way.Mqtt311, Way.Http];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Both_say_answer_and_react_and_each_changes_what_he_said(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);

        await MustBeAsync(talk, way, talk.Ana, await SaidAsync(talk, talk.Ana, talk.Bea), _all, Refused.NotAllowed);
        await MustBeAsync(talk, way, talk.Ana, await SaidAsync(talk, talk.Bea, talk.Ana), ["message", "reply", "reaction"], Refused.NotAllowed);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_47_Of_what_others_say_or_was_deleted_nothing_is_done(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);

        // One more than Ana and Bea have said by then, so the number is of the other conversation alone.
        Queue<long> ofCaio = new();
        for (var left = 6 * _commands.Length; left > 0; left--)
        {
            ofCaio.Enqueue(await talk.SayAsync(talk.Caio, talk.Bea, "secret"));
        }

        var said = await SaidAsync(talk, talk.Ana, talk.Bea);
        var first = said.Peek();
        await MustBeAsync(talk, way, talk.Ana, said, _all, Refused.NotAllowed);
        await MustBeAsync(talk, way, talk.Ana, Always(ofCaio.Last()), ["message"], Refused.NoSuchEvent);
        await MustBeAsync(talk, way, talk.Ana, Always(1_000_000), ["message"], Refused.NoSuchEvent);
        Assert.True((await talk.PublishAsync(talk.Ana, talk.Bea, Act("delete", first))).Accepted);
        await MustBeAsync(talk, way, talk.Ana, Always(first), ["message"], Refused.IsRemoved);

        // A deletion is no message either.
        await MustBeAsync(
            talk, way, talk.Ana, Always(broker.Get<IEventLog>().Head(talk.Log).Head - 1), ["message"], Refused.NoSuchEvent);
        Assert.All(
            await talk.EventsAsync(talk.Caio, "bea"), one => Assert.Equal(("message", "secret"), (one.Type(), one.Text())));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_80_A_token_that_posts_and_is_not_limited_to_rooms_does_it_all(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        async Task<Member> WithAsync(Verbs? verbs, string[]? rooms = null) =>
            talk.Ana with { Token = await broker.TokenAsync(talk.Ana.Account, rooms, verbs) };
        async Task<Queue<long>> OwnAsync() => await SaidAsync(talk, talk.Ana, talk.Bea);

        await MustBeAsync(talk, way, await WithAsync(Verbs.Post), await OwnAsync(), _all, Refused.NotAllowed);
        await MustBeAsync(talk, way, await WithAsync(Verbs.Read | Verbs.Moderate), await OwnAsync(), [], Refused.NotAllowed);
        await MustBeAsync(talk, way, await WithAsync(null, ["lobby"]), await OwnAsync(), [], Refused.NotAllowed);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_27_79_To_who_is_banned_nothing_but_deletions_is_done(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var said = await SaidAsync(talk, talk.Ana, talk.Bea);
        await MustBeAsync(talk, way, talk.Ana, await SaidAsync(talk, talk.Ana, talk.Bea), _all, Refused.NotAllowed);

        await broker.Get<AccountBans>().BanAsync("bea", null);

        await MustBeAsync(talk, way, talk.Ana, said, ["delete"], Refused.NotAllowed);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_79_Of_who_is_banned_and_never_talked_one_learns_no_more_than_of_nobody(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await using var anas = await Speaker.AsAsync(broker, way, talk.Ana);
        Task<string> MarkAsync(string user) =>
            anas.DoAsync($"users/ana/conversations/{user}/read", $"/api/conversations/{user}/read", """{"seq":1}""", HttpMethod.Put);
        Assert.Equal(Speaker.Done, await MarkAsync("caio"));
        await talk.SayAsync(talk.Ana, talk.Bea, "one");
        await talk.IgnoreAsync(talk.Ana, talk.Caio);
        await talk.IgnoreAsync(talk.Ana, talk.Caio, isOn: false);

        await broker.Get<AccountBans>().BanAsync("caio", null);
        await broker.Get<AccountBans>().BanAsync("bea", null);

        foreach (var (name, payload) in _commands)
        {
            var (nobody, banned) = (await DoAsync("nobody"), await DoAsync("caio"));
            Assert.Equal((name, Refused.NotAllowed.Over(way), nobody), (name, nobody, banned));
            Task<string> DoAsync(string user) => anas.DoAsync("users/" + user, $"/api/conversations/{user}/events", payload(1));
        }

        Assert.Equal(await MarkAsync("nobody"), await MarkAsync("caio"));
        Assert.Equal(HttpStatusCode.NotFound, await talk.ByCookieAsync(talk.Ana, HttpMethod.Put, "/api/ignored/nobody"));
        Assert.Equal(HttpStatusCode.NotFound, await talk.ByCookieAsync(talk.Ana, HttpMethod.Put, "/api/ignored/caio"));

        // With whom one has talked, that is one's own.
        Assert.Equal(Speaker.Done, await MarkAsync("bea"));
        await talk.IgnoreAsync(talk.Ana, talk.Bea);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Guests_talk_as_everybody_does(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        Member zoe = new(guest, "");
        await using var speaker = await Speaker.InBrowserAsync(broker, way, guest);
        await using var says = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
        Queue<long> own = new();
        foreach (var (name, _) in _commands)
        {
            own.Enqueue((await says.PublishAsync("users/bea", "for " + name)).Seq);
        }

        await MustBeAsync(talk, speaker, zoe, own, _all, Refused.NotAllowed);
        await MustBeAsync(talk, speaker, zoe, await SaidAsync(talk, talk.Bea, zoe), ["message", "reply", "reaction"], Refused.NotAllowed);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Commands_for_rooms_are_none_here(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var said = await talk.SayAsync(talk.Ana, talk.Bea, "one");
        await using var anas = await Speaker.AsAsync(broker, way, talk.Ana);
        Assert.Equal(Speaker.Done, await DoAsync(anas, Act("reaction", said, ""","emoji":"👍","on":true""")));
        var head = HeadOf(talk, talk.Ana);

        foreach (var payload in new[]
        {
            """{"type":"roll","dice":"2d6"}""", Act("pin", said, ""","on":true"""), """{"type":"role","user":"bea","role":"member"}""",
            """{"type":"policy","posting":"everyone"}""",
        })
        {
            Assert.Equal(Refused.BadCommand.Over(way), await DoAsync(anas, payload));
        }

        Assert.Equal(head, HeadOf(talk, talk.Ana));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Attack_80_How_far_one_has_read_a_token_says_that_reads_what_is_said(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await talk.SayAsync(talk.Bea, talk.Ana, "one");
        async Task<string> MarkAsync(Member who)
        {
            await using var speaker = await Speaker.AsAsync(broker, way, who);
            return await speaker.DoAsync("users/ana/conversations/bea/read", "/api/conversations/bea/read", """{"seq":1}""", HttpMethod.Put);
        }

        Assert.Equal(Speaker.Done, await MarkAsync(talk.Ana with { Token = await broker.TokenAsync(talk.Ana.Account, verbs: Verbs.Read) }));
        foreach (var (verbs, rooms) in new (Verbs?, string[]?)[] { (Verbs.Post, null), (null, ["lobby"]) })
        {
            Assert.Equal(
                Refused.NotAllowed.Over(way), await MarkAsync(talk.Ana with { Token = await broker.TokenAsync(talk.Ana.Account, rooms, verbs) }));
        }
    }

    private static async Task MustBeAsync(DirectTalk talk, Way way, Member who, Queue<long> of, IEnumerable<string> done, Refused otherwise)
    {
        await using var speaker = await Speaker.AsAsync(talk.Broker, way, who);
        await MustBeAsync(talk, speaker, who, of, done, otherwise);
    }

    // All of it is said to Bea.
    private static async Task MustBeAsync(
        DirectTalk talk, Speaker speaker, Member who, Queue<long> of, IEnumerable<string> done, Refused otherwise)
    {
        var allowed = done.ToHashSet();
        List<string> became = [];
        foreach (var (name, payload) in _commands)
        {
            var before = HeadOf(talk, who);
            var answer = await DoAsync(speaker, payload(of.Dequeue()));
            became.Add($"{name}: {answer}, {HeadOf(talk, who) - before} in the log");
        }

        Assert.Equal(
            _all.Select(name => allowed.Contains(name) ? $"{name}: {Speaker.Done}, 1 in the log" : $"{name}: {otherwise.Over(speaker.Way)}, 0 in the log"),
            became);
    }

    private static Task<string> DoAsync(Speaker speaker, string payload) => speaker.DoAsync("users/bea", "/api/conversations/bea/events", payload);

    private static long HeadOf(DirectTalk talk, Member who) =>
        talk.Broker.Get<IEventLog>().Head(LogName.OfConversation(who.Account.Id, talk.Bea.Account.Id)).Head;

    // A message for each command.
    private static async Task<Queue<long>> SaidAsync(DirectTalk talk, Member from, Member to)
    {
        Queue<long> seqs = new();
        foreach (var (name, _) in _commands)
        {
            seqs.Enqueue(await talk.SayAsync(from, to, "for " + name));
        }

        return seqs;
    }

    private static Queue<long> Always(long of) => new(Enumerable.Repeat(of, _commands.Length));
}
