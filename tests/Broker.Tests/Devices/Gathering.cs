using System.Diagnostics;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>What several clients are brought together, where nobody knows which of them is brought what.</summary>
internal static class Gathering
{
    /// <summary>All that came to each, at least so much together. Whoever waits in vain fails, and does not hang.</summary>
    /// <param name="counts">Null: everything counts.</param>
    public static async Task<List<ReceivedPublish>[]> GatherAsync(int atLeast, Func<ReceivedPublish, bool>? counts, params RawMqttClient[] clients)
    {
        List<ReceivedPublish>[] heard = [.. clients.Select(_ => new List<ReceivedPublish>())];
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            for (var i = 0; i < clients.Length; i++)
            {
                // Before its answer, the server writes what it had for the client.
                await clients[i].PingAsync();
                heard[i].AddRange(clients[i].AlreadyHere());
            }

            var count = heard.Sum(one => counts is null ? one.Count : one.Count(counts));
            if (count >= atLeast)
            {
                return heard;
            }

            Assert.True(Stopwatch.GetElapsedTime(began) < RawMqttClient.Patience, $"Only {count} of {atLeast} came.");
        }
    }
}
