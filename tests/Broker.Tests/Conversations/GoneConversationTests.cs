using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using static WebMessenger.Broker.Tests.Conversations.DirectTalk;

namespace WebMessenger.Broker.Tests.Conversations;

/// <summary>What is left of a conversation when one of the two is erased, or ignores the other.</summary>
public sealed class GoneConversationTests
{
    public static TheoryData<Way> Ways => [Way.Mqtt5, Way.Mqtt311, Way.Http];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task With_who_is_erased_one_reads_on_and_takes_back_and_says_nothing_more(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var own = await talk.SayAsync(talk.Ana, talk.Bea, "mine");
        var others = await talk.SayAsync(talk.Bea, talk.Ana, "yours");
        await using var anas = await Speaker.AsAsync(broker, way, talk.Ana);
        Assert.Equal(Speaker.Done, await DoAsync("""{"type":"message","text":"hello","id":"known"}"""));
        await EraseAsync(broker, talk.Bea.Account);

        Assert.Equal(1, (await talk.ListAsync(talk.Ana))[0].GetProperty("unread").GetInt32());
        Assert.Equal(Speaker.Done, await anas.DoAsync(
            "users/ana/conversations/bea/read", "/api/conversations/bea/read", $$"""{"seq":{{others}}}""", HttpMethod.Put));
        Assert.Equal(0, (await talk.ListAsync(talk.Ana))[0].GetProperty("unread").GetInt32());
        var head = broker.Get<IEventLog>().Head(talk.Log).Head;
        Assert.Equal(Refused.NotAllowed.Over(way), await DoAsync("""{"type":"message","text":"hello?"}"""));
        Assert.Equal(Refused.NotAllowed.Over(way), await DoAsync("""{"type":"message","text":"hello?","id":"new"}"""));
        Assert.Equal(Refused.NotAllowed.Over(way), await DoAsync(Act("edit", own, ""","text":"another" """)));
        Assert.Equal(Refused.NotAllowed.Over(way), await DoAsync(Act("delete", others)));
        Assert.Equal(head, broker.Get<IEventLog>().Head(talk.Log).Head);

        // What was stored before he went is known still.
        Assert.Equal(Speaker.Done, await DoAsync("""{"type":"message","text":"hello","id":"known"}"""));
        Assert.Equal(head, broker.Get<IEventLog>().Head(talk.Log).Head);
        Assert.Equal(Speaker.Done, await DoAsync(Act("delete", own)));
        Assert.Equal("removed", (await talk.EventsAsync(talk.Ana, "bea"))[0].Type());

        Task<string> DoAsync(string payload) => anas.DoAsync("users/bea", "/api/conversations/bea/events", payload);
    }

    [Fact]
    public async Task Who_ignores_somebody_hears_what_he_takes_back_and_none_of_his_words()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var (first, second) = (await talk.SayAsync(talk.Bea, talk.Ana, "one"), await talk.SayAsync(talk.Bea, talk.Ana, "two"));
        await using var anas = await talk.ListenAsync(talk.Ana);
        await talk.IgnoreAsync(talk.Ana, talk.Bea);

        await talk.SayAsync(talk.Bea, talk.Ana, "three");
        Assert.True((await talk.PublishAsync(talk.Bea, talk.Ana, Act("edit", first, ""","text":"four" """))).Accepted);
        Assert.True((await talk.PublishAsync(talk.Bea, talk.Ana, Act("reaction", first, ""","emoji":"👍","on":true"""))).Accepted);
        Assert.True((await talk.PublishAsync(talk.Bea, talk.Ana, Act("delete", second))).Accepted);

        var heard = (await anas.NextPublishAsync()).Json;
        Assert.Equal(("delete", second, "bea"), (heard.Type(), heard.GetProperty("of").GetInt64(), heard.GetProperty("with").GetString()));
        await talk.SayAsync(talk.Caio, talk.Ana, "marker");
        Assert.Equal("marker", (await anas.NextPublishAsync()).Json.Text());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_said_to_who_ignored_it_is_dropped_with_who_said_it(bool isAnswered)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        await talk.IgnoreAsync(talk.Bea, talk.Ana);
        await talk.SayAsync(talk.Ana, talk.Bea, "can you hear me?");
        if (isAnswered)
        {
            await talk.SayAsync(talk.Bea, talk.Ana, "no");
        }

        await EraseAsync(broker, talk.Ana.Account);

        // Who has said something there finds it as ever.
        Assert.Equal(isAnswered ? 2 : 0, broker.Get<IEventLog>().Head(talk.Log).Head);
        Assert.Equal(isAnswered ? 2 : 0, (await talk.EventsAsync(talk.Bea, "ana")).Length);
        await EraseAsync(broker, talk.Bea.Account);
        Assert.Equal(0, broker.Get<IEventLog>().Head(talk.Log).Head);
        Assert.Empty(broker.Get<IRecords>().ReadAll("c/"u8));
    }

    [Fact]
    public async Task Who_is_erased_leaves_a_place_among_those_that_are_ignored()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:IgnoredPerAccount", "1");
        var talk = await InAsync(broker);
        await talk.IgnoreAsync(talk.Ana, talk.Bea);
        Assert.Equal(HttpStatusCode.Conflict, await talk.ByCookieAsync(talk.Ana, HttpMethod.Put, "/api/ignored/caio"));

        await EraseAsync(broker, talk.Bea.Account);

        await talk.IgnoreAsync(talk.Ana, talk.Caio);
        Assert.Equal([talk.Caio.Account.Id], broker.Get<IgnoredPeople>().Of(talk.Ana.Account.Id).Keys);
        Assert.Single(broker.Get<IRecords>().ReadAll("ig/"u8));
    }

    private static async Task EraseAsync(RunningBroker broker, Account account) =>
        Assert.True((await broker.Get<AccountChanges>().EraseAsync(account, Password, null)).TryGet(out _, out _));
}
