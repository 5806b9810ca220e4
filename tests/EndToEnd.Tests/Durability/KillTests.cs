using System.Globalization;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Durability;

public sealed class KillTests
{
    private static int Kills => Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1" ? 200 : 4;

    [Fact]
    public async Task Attack_69_What_was_acknowledged_outlives_kill_9_at_once_after_the_PUBACK()
    {
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        var token = await ana.NewTokenAsync();
        Dictionary<string, long> acknowledged = [];
        for (var kill = 0; kill < Kills; kill++)
        {
            await using (var client = await server.TcpAsync())
            {
                Assert.True((await client.ConnectAsync(ana.UserName, token)).Accepted);
                var text = Lobby.Unique(string.Create(CultureInfo.InvariantCulture, $"kill {kill}"));
                var ack = await client.PublishAsync(Lobby.Topic, text);
                await server.KillAsync();
                Assert.True(ack.Accepted, ack.ReasonString);
                acknowledged.Add(text, ack.Seq);
            }

            await server.StartAgainAsync();
            var seqs = (await ana.EventsAsync()).Select(@event => @event.GetProperty("seq").GetInt64()).ToArray();
            Assert.Equal(seqs.Order().Distinct(), seqs);
            Assert.Equal(seqs.Length, seqs[^1] - seqs[0] + 1);
        }

        var said = (await ana.EventsAsync()).Where(@event => @event.GetProperty("type").GetString() == "message")
            .ToLookup(@event => @event.GetProperty("text").GetString()!, @event => @event.GetProperty("seq").GetInt64());
        Assert.All(acknowledged, one => Assert.Equal([one.Value], said[one.Key]));
    }

    [Fact]
    public async Task What_was_edited_and_deleted_stays_so_after_kill_9_at_once_after_the_PUBACK()
    {
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        var token = await ana.NewTokenAsync();
        var (edited, deleted) = (0L, 0L);
        await using (var client = await server.TcpAsync())
        {
            Assert.True((await client.ConnectAsync(ana.UserName, token)).Accepted);
            edited = (await client.PublishAsync(Lobby.Topic, "before the edit")).Seq;
            deleted = (await client.PublishAsync(Lobby.Topic, "before the deletion")).Seq;
            await client.PublishAsync(Lobby.Topic, $$"""{"type":"edit","of":{{deleted}},"text":"before the deletion"}""");
            await client.PublishAsync(Lobby.Topic, $$"""{"type":"edit","of":{{edited}},"text":"before the edit"}""");
            Assert.True((await client.PublishAsync(Lobby.Topic, $$"""{"type":"edit","of":{{edited}},"text":"after it"}""")).Accepted);
            var last = await client.PublishAsync(Lobby.Topic, $$"""{"type":"delete","of":{{deleted}}}""");
            await server.KillAsync();
            Assert.True(last.Accepted, last.ReasonString);
        }

        await server.StartAgainAsync();

        var events = (await ana.EventsAsync()).ToDictionary(@event => @event.GetProperty("seq").GetInt64());
        Assert.Equal("after it", events[edited].GetProperty("text").GetString());
        Assert.Equal("removed", events[deleted].GetProperty("type").GetString());
        Assert.DoesNotContain(events.Values, @event => @event.GetRawText().Contains("before the", StringComparison.Ordinal));
    }
}
