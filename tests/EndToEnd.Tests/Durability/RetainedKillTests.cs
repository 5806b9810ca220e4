using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>Values of data topics are set and cleared while the server dies over and over.</summary>
public sealed class RetainedKillTests
{
    private const int Topics = 40;

    private static readonly bool _isLong = Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1";

    private static int Kills => _isLong ? 100 : 4;

    [Fact]
    public async Task Attack_69_No_value_that_was_acknowledged_is_lost_or_followed_by_an_older_one_after_kill_9()
    {
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        var room = await ana.NewRoomAsync();
        Random random = new(5);

        // By topic: the newest number that was acknowledged, and the newest that was asked for. Those that are cleared have no value.
        var (kept, asked) = (new int[Topics], new int[Topics]);
        for (var kill = 0; kill < Kills; kill++)
        {
            TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
            var setting = Enumerable.Range(0, 4).Select(worker => SetUntilCutAsync(ana, room, worker, kept, asked, begun)).ToArray();
            await begun.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

            // Not waited for: it is the moment of the cut.
            await Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * 150), TestContext.Current.CancellationToken);
            await server.KillAsync();
            await Task.WhenAll(setting);
            await server.StartAgainAsync();

            var found = await ValuesAsync(ana, room);
            for (var topic = 0; topic < Topics; topic++)
            {
                var value = found.GetValueOrDefault(topic);

                // What was not acknowledged may be there, or not. Each fifth clears.
                Assert.True(
                    Enumerable.Range(kept[topic], asked[topic] - kept[topic] + 1).Any(number => Shown(number) == value),
                    $"Topic {topic}: {kept[topic]} was acknowledged, {asked[topic]} asked for, and {value} is there.");
                kept[topic] = asked[topic] = Math.Max(kept[topic], value);
                if (value == 0)
                {
                    // It may be the one that was cleared last: the next number is higher than any.
                    asked[topic] = kept[topic] += 5 - (kept[topic] % 5);
                }
            }
        }

        Assert.InRange(kept.Max(), 6, int.MaxValue);
    }

    private static int Shown(int number) => number % 5 == 0 ? 0 : number;

    private static async Task SetUntilCutAsync(Person ana, string room, int worker, int[] kept, int[] asked, TaskCompletionSource begun)
    {
        try
        {
            for (var step = 0; ; step++)
            {
                var topic = (worker * Topics / 4) + (step % (Topics / 4));
                var number = ++asked[topic];
                var address = string.Create(CultureInfo.InvariantCulture, $"/api/rooms/{room}/data?topic=t/{topic}");
                using var answer = Shown(number) == 0
                    ? await ana.Http.DeleteAsync(address)
                    : await ana.Http.PutAsync(address, new StringContent(number.ToString(CultureInfo.InvariantCulture)));
                Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
                kept[topic] = number;
                if (step == Topics / 4)
                {
                    begun.TrySetResult();
                }
            }
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
        {
            // The server is gone.
        }
        finally
        {
            begun.TrySetResult();
        }
    }

    private static async Task<Dictionary<int, int>> ValuesAsync(Person ana, string room)
    {
        var page = await ana.Http.GetFromJsonAsync<JsonElement>($"/api/rooms/{room}/data?limit=500", TestContext.Current.CancellationToken);
        return page.GetProperty("values").EnumerateArray().ToDictionary(
            value => int.Parse(value.GetProperty("topic").GetString()![2..], CultureInfo.InvariantCulture),
            value => int.Parse(value.GetProperty("value").GetString()!, CultureInfo.InvariantCulture));
    }
}
