using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>A server that is killed while what a room keeps no more goes: what is gone stays gone, and nothing newer is missed.</summary>
public sealed class RetentionKillTests
{
    private const int Old = 1_700;
    private const int Kept = 50;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private static int Kills => Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1" ? 60 : 4;

    [Fact]
    public async Task After_kill_9_in_the_midst_of_a_removal_it_goes_on_and_what_is_kept_is_there_searched_and_counted()
    {
        // Four steps, and time to be killed between them.
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, "WebMessenger:Limits:RetentionStepsPerSecond=2"]);
        using var ana = await Person.RegisterAsync(server);
        var room = await ana.NewRoomAsync();
        var token = await ana.NewTokenAsync();
        List<long> said = [];
        await using (var client = await server.TcpAsync())
        {
            Assert.True((await client.ConnectAsync(ana.UserName, token)).Accepted);
            for (var i = 0; i < Old; i++)
            {
                said.Add((await client.PublishAsync($"rooms/{room}", i == 0 ? "canarybird" : $"message {i}")).Seq);
            }
        }

        await ana.ActAsync(room, new { type = "policy", retention = new { messages = Kept } });
        Random random = new(5);
        var first = 0L;
        for (var kill = 0; kill < Kills; kill++)
        {
            await using (var client = await server.TcpAsync())
            {
                Assert.True((await client.ConnectAsync(ana.UserName, token)).Accepted);
                said.Add((await client.PublishAsync($"rooms/{room}", $"after {kill} kills")).Seq);

                // Not waited for: it is the moment of the kill.
                await Task.Delay(random.Next(0, 900), TestContext.Current.CancellationToken);
                var before = await FirstAsync(ana, room);
                await server.KillAsync();
                await server.StartAgainAsync();
                var after = await FirstAsync(ana, room);
                Assert.True(after >= before && before >= first, $"{first}, {before}, {after}");
                first = after;
            }
        }

        // By a round that the last start has begun, or by rules that keep less once more.
        await ana.ActAsync(room, new { type = "policy", retention = new { messages = Kept - 1 } });
        await UntilAsync(async () => await FirstAsync(ana, room) == said[^(Kept - 1)]);
        var there = (await ana.EventsAsync(room)).Where(one => one.GetProperty("type").GetString() == "message").ToList();
        Assert.Equal(said[^(Kept - 1)..], there.Select(one => one.GetProperty("seq").GetInt64()));
        await UntilAsync(async () => await HitsAsync(ana, "canarybird") == 0);
        Assert.Equal(1, await HitsAsync(ana, $"%22after+{Kills - 1}+kills%22"));
        await using var last = await server.TcpAsync();
        Assert.True((await last.ConnectAsync(ana.UserName, token)).Accepted);
        Assert.True((await last.PublishAsync($"rooms/{room}", "next")).Seq > said[^1]);
    }

    private static async Task<long> FirstAsync(Person who, string room) =>
        (await who.Http.GetFromJsonAsync<JsonElement>($"/api/rooms/{room}")).GetProperty("oldest").GetInt64();

    private static async Task<int> HitsAsync(Person who, string query) =>
        (await who.Http.GetFromJsonAsync<JsonElement>($"/api/search?q={query}")).GetProperty("hits").GetArrayLength();

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using CancellationTokenSource patience = new(_patience);
        while (!await isSo())
        {
            await Task.Delay(50, patience.Token);
        }
    }
}
