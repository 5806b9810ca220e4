using System.Net;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>What is edited and deleted in a room tells nobody outside what was said there.</summary>
public sealed class UnreadableTextTests
{
    private const string Canary = "canary-of-this-test";

    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task Attack_47_Edits_deletions_and_answers_tell_nobody_who_may_not_read_the_room(string versionName)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Visibility = "private" });
        var (eve, elsewhere) = (
            await MayAllAsync(broker, "eve"), talk.Bea with { Token = await broker.TokenAsync(talk.Bea.Account, ["lobby"]) });
        var said = await talk.SayAsync(talk.Bea, "to @caio");
        await using var member = await ListenAsync(broker, talk.Caio, version);
        Assert.Null((await talk.EditAsync(talk.Bea, said, Canary + " to @caio")).Refusal);
        await member.PublishesUntilAsync(publish => publish.Topic == Topic && publish.Text.Contains(Canary, StringComparison.Ordinal));
        await member.PublishesUntilAsync(publish => publish.Topic == "users/caio/notices" && publish.Text.Contains(Canary, StringComparison.Ordinal));
        using var caios = Calls.As(broker, talk.Caio);
        await caios.Put($"/api/saved/rooms/yard/{said}");

        // Caio is put out; what is said of it from here on is not his.
        using (var makers = Calls.As(broker, talk.Maker))
        {
            await makers.Delete("/api/rooms/yard/members/caio");
        }

        RawMqttClient[] others = [member, await ListenAsync(broker, eve, version), await ListenAsync(broker, elsewhere, version)];
        foreach (var text in new[] { Canary + " second to @caio and @eve", Canary + " third" })
        {
            Assert.Null((await talk.EditAsync(talk.Bea, said, text)).Refusal);
        }

        await using (var beas = await broker.ConnectAsync(talk.Bea))
        {
            Assert.True((await beas.PublishAsync(Topic, Payload("message", 0, $$""","text":"{{Canary}} @caio","replyTo":{{said}}"""))).Accepted);
            Assert.True((await beas.PublishAsync(Topic, Payload("delete", said, $$""","reason":"{{Canary}}" """))).Accepted);
            Assert.True((await beas.PublishAsync("rooms/lobby", "marker")).Accepted);
        }

        foreach (var other in others)
        {
            var heard = await other.PublishesUntilAsync(publish => publish.Text.Contains("marker", StringComparison.Ordinal));
            Assert.DoesNotContain(heard, publish => publish.Text.Contains(Canary, StringComparison.Ordinal));
            await other.DisposeAsync();
        }

        using var eves = Calls.As(broker, eve);
        using var limited = Calls.As(broker, elsewhere);
        foreach (var calls in new[] { caios, eves, limited })
        {
            await calls.Get("/api/rooms/yard/events", HttpStatusCode.NotFound);
            await calls.Get("/api/rooms/yard/pins", HttpStatusCode.NotFound);
            foreach (var path in new[] { "/api/notices", "/api/saved", "/api/conversations", "/api/rooms", "/api/search?q=" + Canary })
            {
                var (status, text) = await calls.SendAsync(HttpMethod.Get, path);
                Assert.True(status is HttpStatusCode.OK or HttpStatusCode.Forbidden, $"{path} answered {status}");
                Assert.DoesNotContain(Canary, text, StringComparison.Ordinal);
            }
        }
    }

    private static async Task<RawMqttClient> ListenAsync(RunningBroker broker, Member who, MqttVersion version)
    {
        var client = await broker.ConnectAsync(who, version);
        foreach (var filter in new[] { Topic, "rooms/#", "rooms/lobby", "users/" + who.Account.UserName, $"users/{who.Account.UserName}/notices" })
        {
            await client.SubscribeAsync(filter);
        }

        return client;
    }
}
