using System.Globalization;
using System.Text.Json;
using WebMessenger.Load.Generator;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Cluster;

/// <summary>Somebody at each node says numbers in the first room, one after the other: so what is said after a moment is known.</summary>
internal sealed class NumberedTalk : IAsyncDisposable
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(2);

    private readonly CancellationTokenSource _stop = new();
    private readonly long[] _said;
    private readonly long[] _answered;
    private readonly Task[] _speaking;

    private NumberedTalk(LoadHouse house) =>
        (_said, _answered, _speaking) = (new long[house.Nodes.Count], new long[house.Nodes.Count], new Task[house.Nodes.Count]);

    public static NumberedTalk Begin(LoadHouse house)
    {
        NumberedTalk talk = new(house);
        for (var node = 0; node < house.Nodes.Count; node++)
        {
            var own = node;
            talk._speaking[node] = Task.Run(() => talk.SpeakAsync(house, own));
        }

        return talk;
    }

    /// <summary>The last number that has left from each node: what is above was sent later than this call.</summary>
    public IReadOnlyList<long> Mark() => [.. Enumerable.Range(0, _said.Length).Select(node => Interlocked.Read(ref _said[node]))];

    /// <summary>Completes when at this node so many more were acknowledged.</summary>
    public async Task MoreAsync(int node, int more, CancellationToken cancellation)
    {
        for (var goal = Interlocked.Read(ref _answered[node]) + more; Interlocked.Read(ref _answered[node]) < goal;)
        {
            await Task.Delay(_pause, cancellation);
        }
    }

    /// <summary>Whether it is a message of this talk that was sent after the mark.</summary>
    public static bool IsAfter(ReceivedPublish publish, IReadOnlyList<long> mark)
    {
        var json = publish.Json;
        return json.GetProperty("type").GetString() == "message" && json.GetProperty("text").GetString()!.Split(' ') is ["node", var node, "says", var number]
            && long.Parse(number, CultureInfo.InvariantCulture) > mark[int.Parse(node, CultureInfo.InvariantCulture)];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_speaking);
        _stop.Dispose();
    }

    // A node that is frozen, cut off or gone answers nothing: its speaker tries again.
    private async Task SpeakAsync(LoadHouse house, int node)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using var client = await RawMqttClient.OverTcpAsync(house.Nodes[node].Mqtt);
                if ((await client.ConnectAsync(house.Logins[node].UserName, house.Logins[node].Secret, $"speaker-{node}")).Accepted)
                {
                    await SpeakAsync(client, node);
                }
            }
            catch (Exception error) when (error is WireException or IOException or TimeoutException or System.Net.Sockets.SocketException)
            {
                await Task.Delay(100);
            }
        }
    }

    private async Task SpeakAsync(RawMqttClient client, int node)
    {
        while (!_stop.IsCancellationRequested)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"node {node} says {Interlocked.Increment(ref _said[node])}");
            await client.PublishAsync(RoomTopic.Of(0), JsonSerializer.Serialize(new { type = "message", text }));
            Interlocked.Increment(ref _answered[node]);
            await Task.Delay(_pause);
        }
    }
}
