using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>
/// A device publishes on data topics and kept clients hear it while the server dies over and over: what MQTT's session state promises
/// (MQTT 5.0, 4.1 and 4.3) holds over all of it.
/// </summary>
public sealed class DataKillTests
{
    private static readonly bool _isLong = Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1";

    private static int Kills => _isLong ? 300 : 4;

    [Fact]
    public async Task Attack_69_At_QoS_2_nothing_is_lost_or_doubled_and_at_QoS_1_nothing_is_lost_after_kill_9()
    {
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        var token = await ana.NewTokenAsync();
        string[] topics = [$"rooms/{await ana.NewRoomAsync()}/data/count", $"rooms/{await ana.NewRoomAsync()}/data/count"];
        Speaker[] speakers = [.. topics.Select(topic => new Speaker(topic))];
        Hearer exact = new(2, topics), atLeast = new(1, topics);
        await using (var one = await ConnectAsync(server, ana, token, "exact"))
        await using (var other = await ConnectAsync(server, ana, token, "at-least"))
        {
            foreach (var topic in topics)
            {
                Assert.Equal([2], (await one.SubscribeAsync(topic, 2)).ReasonCodes);
                Assert.Equal([1], (await other.SubscribeAsync(topic)).ReasonCodes);
            }
        }

        Random random = new(7);
        for (var kill = 0; kill <= Kills; kill++)
        {
            using CancellationTokenSource stop = new();
            int[] before = [.. speakers.Select(speaker => speaker.Done)];
            await using var first = await ConnectAsync(server, ana, token, "first");
            await using var second = await ConnectAsync(server, ana, token, "second");
            await using var one = await ConnectAsync(server, ana, token, "exact");

            // This one is away now and then.
            await using var other = kill % 3 == 1 ? null : await ConnectAsync(server, ana, token, "at-least");
            Task[] speaking = [speakers[0].RunAsync(first, stop.Token), speakers[1].RunAsync(second, stop.Token)];
            Task[] hearing = [exact.RunAsync(one), other is null ? Task.CompletedTask : atLeast.RunAsync(other)];
            await UntilAsync(() => speakers.Zip(before).All(pair => pair.First.Done >= pair.Second + 25), speaking, hearing);
            if (kill < Kills)
            {
                // Not waited for: it is the moment of the cut.
                await Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * 100), TestContext.Current.CancellationToken);
                await server.KillAsync();
                await Task.WhenAll([.. speaking, .. hearing]);
                await server.StartAgainAsync();
                continue;
            }

            await stop.CancelAsync();
            await Task.WhenAll(speaking);
            await UntilAsync(() => HasAll(exact) && (other is null || HasAll(atLeast)), hearing);
            one.Abort();
            other?.Abort();
            await Task.WhenAll(hearing);
        }

        await using (var last = await ConnectAsync(server, ana, token, "at-least"))
        {
            var running = atLeast.RunAsync(last);
            await UntilAsync(() => HasAll(atLeast), [running]);
            last.Abort();
            await running;
        }

        foreach (var (topic, speaker) in topics.Zip(speakers))
        {
            Assert.Equal(Enumerable.Range(1, speaker.Done), exact.Heard[topic]);
            Assert.Equal(Enumerable.Range(1, speaker.Done), atLeast.Heard[topic].Distinct());
        }

        bool HasAll(Hearer hearer) => topics.Zip(speakers).All(pair => hearer.Heard[pair.First].LastOrDefault() == pair.Second.Done);
    }

    [Theory]
    [InlineData("data/work")]
    [InlineData("talk")]
    public async Task Attack_69_A_group_loses_nothing_after_kill_9_and_what_comes_twice_says_so(string what)
    {
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        var token = await ana.NewTokenAsync();
        var room = $"rooms/{await ana.NewRoomAsync()}";
        var topic = what == "talk" ? room : $"{room}/{what}";
        Speaker speaker = new(topic);
        ConcurrentQueue<(int Number, bool IsRepeated)> heard = [];
        await using (var one = await ConnectAsync(server, ana, token, "one"))
        {
            Assert.Equal([1], (await one.SubscribeAsync("$share/workers/" + topic)).ReasonCodes);
        }

        Random random = new(11);
        for (var kill = 0; kill <= Kills; kill++)
        {
            using CancellationTokenSource stop = new();
            var before = speaker.Done;
            await using var first = await ConnectAsync(server, ana, token, "first");

            // Now and then nobody works, or one of them leaves before the cut.
            await using var one = kill % 3 == 2 ? null : await ConnectAsync(server, ana, token, "one");
            await using var two = kill % 3 == 2 ? null : await ConnectAsync(server, ana, token, "two");
            if (two is not null)
            {
                Assert.Equal([1], (await two.SubscribeAsync("$share/workers/" + topic)).ReasonCodes);
            }

            var speaking = speaker.RunAsync(first, stop.Token);
            Task[] working = [WorkAsync(one, heard), WorkAsync(two, heard)];
            await UntilAsync(() => speaker.Done >= before + 25, [speaking], working);
            if (kill % 2 == 1)
            {
                two?.Abort();
            }

            if (kill < Kills)
            {
                // Not waited for: it is the moment of the cut.
                await Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * 100), TestContext.Current.CancellationToken);
                await server.KillAsync();
                await Task.WhenAll([speaking, .. working]);
                await server.StartAgainAsync();
                continue;
            }

            await stop.CancelAsync();
            await speaking;
            one?.Abort();
            two?.Abort();
            await Task.WhenAll(working);
        }

        await using (var last = await ConnectAsync(server, ana, token, "one"))
        {
            var working = WorkAsync(last, heard);
            await UntilAsync(() => heard.Select(one => one.Number).Distinct().Count() >= speaker.Done, [working]);
            last.Abort();
            await working;
        }

        Assert.Equal(Enumerable.Range(1, speaker.Done), heard.Select(one => one.Number).Distinct().Order());
        Assert.All(heard.GroupBy(one => one.Number), times => Assert.InRange(times.Count(one => !one.IsRepeated), 0, 1));
    }

    private static async Task WorkAsync(RawMqttClient? worker, ConcurrentQueue<(int Number, bool IsRepeated)> heard)
    {
        try
        {
            while (worker is not null)
            {
                var publish = await worker.NextPublishAsync(TimeSpan.FromMinutes(10));
                Assert.Equal(1, publish.Qos);
                if (NumberIn(publish.Text) is { } number)
                {
                    heard.Enqueue((number, publish.Duplicate));
                }

                await worker.AcknowledgeAsync(publish);
            }
        }
        catch (Exception error) when (IsCut(error))
        {
            // The server is gone.
        }
    }

    // Of talk: null is somebody who came or went.
    private static int? NumberIn(string said) => !said.StartsWith('{') ? int.Parse(said, CultureInfo.InvariantCulture)
        : JsonNode.Parse(said)!["text"] is { } text ? int.Parse((string)text!, CultureInfo.InvariantCulture)
        : null;

    private static async Task<RawMqttClient> ConnectAsync(ServerProcess server, Person person, string token, string clientId)
    {
        var client = await server.TcpAsync();
        client.AcknowledgesItself = false;
        MqttProperties properties = new() { { PropertyId.SessionExpiry, 3600u }, { PropertyId.ReceiveMaximum, 4 } };
        var answer = await client.ConnectAsync(person.UserName, token, clientId, cleanStart: false, properties: properties);
        Assert.True(answer.Accepted, $"{answer}");
        return client;
    }

    // Nobody may have failed meanwhile.
    private static async Task UntilAsync(Func<bool> isSo, params Task[][] running)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(120));
        while (!isSo())
        {
            foreach (var failed in running.SelectMany(some => some).Where(task => task.IsFaulted))
            {
                await failed;
            }

            await Task.Delay(5, patience.Token);
        }
    }

    private static bool IsCut(Exception error) => error is WireException or SocketException or IOException or ObjectDisposedException or OperationCanceledException;

    /// <summary>Says 1, 2, 3 … at QoS 2, each when the one before is complete, over all its connections.</summary>
    private sealed class Speaker(string topic)
    {
        private bool _isSent;
        private bool _isReceived;

        /// <summary>The newest number that is complete.</summary>
        public int Done { get; private set; }

        public async Task RunAsync(RawMqttClient client, CancellationToken stop)
        {
            try
            {
                while (_isSent || !stop.IsCancellationRequested)
                {
                    var number = Done + 1;
                    var id = (ushort)((number % 1000) + 1);
                    if (!_isReceived)
                    {
                        var isAgain = _isSent;
                        _isSent = true;
                        await client.SendPublishAsync(
                            topic, Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture)), 2, packetId: id, duplicate: isAgain);
                        Assert.Equal(0, PubAck.Decode(await client.NextAsync(PacketType.PubRec, id)).ReasonCode);
                        _isReceived = true;
                    }

                    await client.SendAsync(ClientPackets.PubRel(id));
                    await client.NextAsync(PacketType.PubComp, id);
                    (_isSent, _isReceived, Done) = (false, false, number);
                }
            }
            catch (Exception error) when (IsCut(error))
            {
                // The server is gone.
            }
        }
    }

    /// <summary>A receiver as MQTT 5.0, 4.3 has it, over all its connections: it answers at once, so several are in flight.</summary>
    private sealed class Hearer(byte qos, string[] topics)
    {
        /// <summary>More than the server gives out with this Receive Maximum.</summary>
        private const int Ids = 256;

        // At QoS 2: received, and not released.
        private readonly ConcurrentDictionary<ushort, bool> _open = new();

        /// <summary>By topic.</summary>
        public Dictionary<string, ConcurrentQueue<int>> Heard { get; } = topics.ToDictionary(topic => topic, _ => new ConcurrentQueue<int>());

        public async Task RunAsync(RawMqttClient client)
        {
            var releasing = qos < 2 ? [] : Enumerable.Range(1, Ids).Select(id => ReleaseAsync(client, (ushort)id)).ToArray();
            try
            {
                while (true)
                {
                    var publish = await client.NextPublishAsync(TimeSpan.FromMinutes(10));
                    Assert.Equal(qos, publish.Qos);
                    if (qos == 1 || _open.TryAdd(publish.PacketId, true))
                    {
                        Heard[publish.Topic].Enqueue(int.Parse(publish.Text, CultureInfo.InvariantCulture));
                    }

                    await client.AcknowledgeAsync(publish);
                }
            }
            catch (Exception error) when (IsCut(error))
            {
                // The server is gone.
            }

            await Task.WhenAll(releasing);
        }

        // Also of what it has completed: the server may not know.
        private async Task ReleaseAsync(RawMqttClient client, ushort id)
        {
            try
            {
                while (true)
                {
                    await client.NextAsync(PacketType.PubRel, id);
                    _open.TryRemove(id, out _);
                    await client.SendAsync(ClientPackets.Answer(PacketType.PubComp, id));
                }
            }
            catch (Exception error) when (IsCut(error))
            {
                // The server is gone.
            }
        }
    }
}
