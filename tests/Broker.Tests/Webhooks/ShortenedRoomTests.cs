using System.Net;
using WebMessenger.Broker.Tests.Hooks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Retention;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Webhooks;

/// <summary>What a room keeps no more, nobody elsewhere is told of; all that it keeps is told, in order.</summary>
public sealed class ShortenedRoomTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_webhook_that_stood_before_the_cut_goes_on_with_what_is_kept(int kept)
    {
        await using var elsewhere = await Elsewhere.StartAsync();
        elsewhere.Status = 500;
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Webhooks:AllowedNetworks:0", "127.0.0.1");
        var talk = await MessageTalk.InYardAsync(broker);
        using (var page = await HookPost.PageOfAsync(broker, talk.Mod.Account))
        {
            await page.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/webhooks", new { name = "Elsewhere", url = elsewhere.Address.OriginalString });
        }

        string[] texts = ["one", "two", "three", "four"];
        List<long> said = [];
        foreach (var text in texts)
        {
            said.Add(await talk.SayAsync(talk.Bea, text));
        }

        await elsewhere.HearAsync(1);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Retention = new(0, kept) })).Refusal);
        await Until.TrueAsync(() => broker.Get<IEventLog>().Head(talk.Log).First == said[^kept]);
        var before = elsewhere.Heard.Count;

        elsewhere.Status = 200;
        await talk.SayAsync(talk.Caio, "five");

        // One call may have been under way as the room was shortened.
        var heard = await elsewhere.HearUntilAsync(call => call.Taken && call.Json.Text() == "five");
        Assert.Equal([.. texts[^kept..], "five"], heard[before..].Where(call => call.Taken && call.Json.Text() != "one").Select(call => call.Json.Text()));
        Assert.DoesNotContain(heard, call => call.Json.Text() is "two");

        // All of it goes, and what is said next is told.
        await talk.SayAsync(talk.Caio, "six");
        await elsewhere.HearUntilAsync(call => call.Json.Text() == "six");
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Retention = new(1, 0) })).Refusal);
        using Rounds rounds = new(broker);
        await rounds.AfterDaysAsync(2);
        var end = broker.Get<IEventLog>().Head(talk.Log);
        Assert.Equal(end.Head + 1, end.First);
        await talk.SayAsync(talk.Bea, "seven");
        await elsewhere.HearUntilAsync(call => call.Taken && call.Json.Text() == "seven");
    }
}
