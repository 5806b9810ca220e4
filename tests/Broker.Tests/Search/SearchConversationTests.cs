using System.Net;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Tests.Conversations;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Search.SearchTalk;

namespace WebMessenger.Broker.Tests.Search;

/// <summary>What two say to each other is found by the two, and by nobody else.</summary>
public sealed class SearchConversationTests
{
    [Fact]
    public async Task What_two_say_to_each_other_is_found_by_both_and_by_nobody_else()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await DirectTalk.InAsync(broker);
        var anas = await talk.SayAsync(talk.Ana, talk.Bea, "canarybird one");
        var beas = await talk.SayAsync(talk.Bea, talk.Ana, "canarybird two");
        var other = await talk.SayAsync(talk.Caio, talk.Ana, "canarybird three");
        var open = await InLobbyAsync(broker, talk.Caio, "canarybird for all");
        await UntilFoundAsync(broker, talk.Ana, "canarybird", anas, beas, other, open);

        Assert.Equal(new[] { anas, beas, open }.Order(), (await FoundAsync(broker, talk.Bea, "canarybird")).Order());
        Assert.Equal(new[] { other, open }.Order(), (await FoundAsync(broker, talk.Caio, "canarybird")).Order());
        Assert.Equal([beas, anas], await FoundAsync(broker, talk.Ana, "canarybird", "&with=bea"));
        Assert.Equal([beas, anas], await FoundAsync(broker, talk.Bea, "canarybird in:@ana"));
        Assert.Equal([anas], await FoundAsync(broker, talk.Bea, "canarybird from:ana", "&with=ana"));
        Assert.Equal([open], await FoundAsync(broker, talk.Ana, "canarybird in:lobby"));

        // Caio and Bea have said nothing to each other; whoever is named, it is one's own conversation.
        Assert.Empty(await FoundAsync(broker, talk.Caio, "canarybird", "&with=bea"));
        Assert.Empty(await FoundAsync(broker, talk.Caio, "canarybird", "&with=nobody"));
        var stranger = await broker.RegisterAsync("stranger");
        Assert.Equal([open], await FoundAsync(broker, stranger, "canarybird"));
        using var calls = Calls.As(broker, talk.Ana);
        foreach (var two in (string[])["a&with=bea&room=lobby", "a+in:lobby&with=bea", "a+in:@caio&with=bea", "a+in:@caio&room=lobby"])
        {
            await calls.Get("/api/search?q=" + two, HttpStatusCode.BadRequest);
        }
    }

    [Fact]
    public async Task A_hit_in_a_conversation_is_the_message_as_it_stands_there()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await DirectTalk.InAsync(broker);
        var seq = await talk.SayAsync(talk.Ana, talk.Bea, "Olá canarybird");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);

        foreach (var (who, with) in new[] { (talk.Ana, "bea"), (talk.Bea, "ana") })
        {
            var hit = (await SearchAsync(broker, who, "canarybird")).GetProperty("hits")[0];
            var stored = (await talk.EventsAsync(who, with)).Single(one => one.GetProperty("seq").GetInt64() == seq);
            foreach (var field in new[] { "with", "seq", "epoch", "at", "from", "text", "id" })
            {
                Assert.Equal(stored.GetProperty(field).GetRawText(), hit.GetProperty(field).GetRawText());
            }

            Assert.Equal(with, hit.GetProperty("with").GetString());
            Assert.False(hit.TryGetProperty("room", out _));
            Assert.Equal("[[4,10]]", hit.GetProperty("found").GetRawText());
        }
    }

    [Fact]
    public async Task A_token_that_is_limited_to_rooms_finds_no_conversation()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await DirectTalk.InAsync(broker);
        var seq = await talk.SayAsync(talk.Ana, talk.Bea, "canarybird one");
        var open = await InLobbyAsync(broker, talk.Ana, "canarybird for all");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq, open);

        var limited = talk.Bea with { Token = await broker.TokenAsync(talk.Bea.Account, ["lobby"]) };
        Assert.Equal([open], await FoundAsync(broker, limited, "canarybird"));
        using var calls = Calls.As(broker, limited);
        await calls.Get("/api/search?q=canarybird&with=ana", HttpStatusCode.Forbidden);
        var reads = talk.Bea with { Token = await broker.TokenAsync(talk.Bea.Account, verbs: Verbs.Read) };
        Assert.Equal([seq], await FoundAsync(broker, reads, "canarybird", "&with=ana"));
    }

    [Fact]
    public async Task Who_is_ignored_is_found_in_the_conversation_and_not_everywhere()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await DirectTalk.InAsync(broker);
        var seq = await talk.SayAsync(talk.Ana, talk.Bea, "canarybird one");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);

        await talk.IgnoreAsync(talk.Bea, talk.Ana);
        Assert.Empty(await FoundAsync(broker, talk.Bea, "canarybird"));
        Assert.Equal([seq], await FoundAsync(broker, talk.Bea, "canarybird", "&with=ana"));
        Assert.Equal([seq], await FoundAsync(broker, talk.Ana, "canarybird"));

        await talk.IgnoreAsync(talk.Bea, talk.Ana, isOn: false);
        Assert.Equal([seq], await FoundAsync(broker, talk.Bea, "canarybird"));
    }

    [Fact]
    public async Task What_is_deleted_in_a_conversation_is_found_no_more_and_in_no_file_of_the_index()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await DirectTalk.InAsync(broker);
        var gone = await talk.SayAsync(talk.Ana, talk.Bea, "canarybird one");
        var edited = await talk.SayAsync(talk.Ana, talk.Bea, "canarybird two");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", gone, edited);
        Assert.Contains("canarybird", Files(broker), StringComparison.Ordinal);

        Assert.True((await talk.PublishAsync(talk.Ana, talk.Bea, $$"""{"type":"delete","of":{{gone}}}""")).Accepted);
        Assert.Equal([edited], await FoundAsync(broker, talk.Bea, "canarybird"));
        Assert.True((await talk.PublishAsync(talk.Ana, talk.Bea, $$"""{"type":"edit","of":{{edited}},"text":"zebrafish"}""")).Accepted);
        Assert.Empty(await FoundAsync(broker, talk.Bea, "canarybird"));

        await UntilFoundAsync(broker, talk.Bea, "zebrafish", edited);
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        while (Files(broker).Contains("canarybird", StringComparison.Ordinal))
        {
            await Task.Delay(25, patience.Token);
        }
    }

    [Fact]
    public async Task Who_is_left_of_the_two_finds_what_was_said_by_who_is_erased()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await DirectTalk.InAsync(broker);
        var seq = await talk.SayAsync(talk.Ana, talk.Bea, "canarybird one");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);

        await EraseAsync(broker, talk.Ana);
        Assert.Equal("ana", (await SearchAsync(broker, talk.Bea, "canarybird")).GetProperty("hits")[0].GetProperty("with").GetString());
        Assert.Equal([seq], await FoundAsync(broker, talk.Bea, "canarybird", "&with=ana"));

        await EraseAsync(broker, talk.Bea);
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        while (Files(broker).Contains("canarybird", StringComparison.Ordinal))
        {
            await Task.Delay(25, patience.Token);
        }
    }

    private static async Task EraseAsync(RunningBroker broker, Member who) =>
        Assert.True((await broker.Get<AccountChanges>().EraseAsync(who.Account, DirectTalk.Password, null)).TryGet(out _, out _));

    private static async Task<long> InLobbyAsync(RunningBroker broker, Member who, string text)
    {
        await using var client = await broker.ConnectAsync(who);
        var said = await client.PublishAsync("rooms/lobby", text);
        Assert.True(said.Accepted, said.ReasonString);
        return said.Seq;
    }
}
