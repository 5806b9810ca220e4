using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Hosting;

/// <summary>The program handles what a socket brings on the thread that waits for all of them (ADR 0013): nobody may keep that
/// thread.</summary>
public sealed class FloodTests
{
    private const int Said = 50;

    [Fact]
    public async Task Three_clients_that_flood_acknowledgements_do_not_keep_a_fourth_from_hearing_the_room()
    {
        await using var server = await ServerProcess.StartAsync(
            [.. SharedServer.NoLimits, "WebMessenger:Limits:IdlePacketsPerSecond=0"]);
        using var ana = await Person.RegisterAsync(server);
        var token = await ana.NewTokenAsync();
        await using var speaker = await ConnectAsync();
        await using var fourth = await ConnectAsync();
        await fourth.SubscribeAsync("rooms/lobby");
        using CancellationTokenSource enough = new();
        SemaphoreSlim[] sent = [new(0), new(0), new(0)];
        var flooding = sent.Select(mine => Task.Run(async () =>
        {
            await using var client = await ConnectAsync();

            // Of nothing: no such packet was ever sent.
            var acknowledgements = Enumerable.Repeat((byte[])[0x40, 0x02, 0x12, 0x34], 16_000).SelectMany(packet => packet).ToArray();
            while (!enough.IsCancellationRequested)
            {
                await client.SendAsync(acknowledgements);
                mine.Release();
            }
        })).ToList();
        await AllHaveSentMoreAsync();

        for (var message = 0; message < Said; message++)
        {
            var text = $"message {message}";
            Assert.True((await speaker.PublishAsync("rooms/lobby", text)).Accepted);
            await fourth.PublishesUntilAsync(heard => heard.Text.Contains($"\"{text}\"", StringComparison.Ordinal));
        }

        // They flooded all the while, and go on.
        await AllHaveSentMoreAsync();
        Assert.All(flooding, flood => Assert.False(flood.IsCompleted));
        await enough.CancelAsync();
        await Task.WhenAll(flooding);

        async Task<RawMqttClient> ConnectAsync()
        {
            var client = await server.TcpAsync();
            Assert.True((await client.ConnectAsync(ana.UserName, token)).Accepted);
            return client;
        }

        async Task AllHaveSentMoreAsync()
        {
            foreach (var flood in sent)
            {
                while (await flood.WaitAsync(0))
                {
                    // What was sent before.
                }

                Assert.True(await flood.WaitAsync(RawMqttClient.Patience));
            }
        }
    }
}
