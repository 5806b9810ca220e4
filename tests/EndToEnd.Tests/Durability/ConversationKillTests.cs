using System.Globalization;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>Two talk, change, delete and read while the server dies under them over and over.</summary>
public sealed class ConversationKillTests
{
    private static readonly bool _isLong = Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1";

    private static int Kills => _isLong ? 200 : 4;

    [Fact]
    public async Task Nothing_acknowledged_of_a_conversation_is_lost_or_doubled_and_both_list_and_count_the_same_after_kill_9()
    {
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        using var bea = await Person.RegisterAsync(server, "bea");
        Side[] sides = [new(server, ana, bea, await ana.NewTokenAsync(), seed: 1), new(server, bea, ana, await bea.NewTokenAsync(), seed: 2)];
        Random random = new(3);
        for (var kill = 0; kill < Kills; kill++)
        {
            var talking = sides.Select(side => side.TalkUntilCutAsync(kill)).ToArray();
            await Task.WhenAll(sides.Select(side => side.Spoke));
            // Not waited for: it is the moment of the cut.
            await Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * 120), TestContext.Current.CancellationToken);
            await server.KillAsync();
            await Task.WhenAll(talking);
            await server.StartAgainAsync();
        }

        await Task.WhenAll(sides.Select(side => side.FinishAsync()));
        var logs = await Task.WhenAll(sides.Select(side => side.EventsAsync()));
        Assert.Equal(logs[0].Select(Line), logs[1].Select(Line));
        Assert.Equal(Enumerable.Range(1, logs[0].Count).Select(seq => (long)seq), logs[0].Select(one => one.GetProperty("seq").GetInt64()));
        foreach (var side in sides)
        {
            side.AssertKept(logs[0]);
            await side.AssertCountedAsync(logs[0]);
        }
    }

    private static string Line(JsonElement @event) =>
        $"{@event.GetProperty("seq")} {@event.GetProperty("type")} {User(@event)} {@event.GetProperty("id")} {Text(@event)}";

    private static string User(JsonElement @event) => @event.GetProperty("from").GetProperty("user").GetString()!;

    private static string Text(JsonElement @event) => @event.TryGetProperty("text", out var text) ? text.GetString()! : "";

    /// <summary>One of the two, by an MQTT client of its own, which repeats under its id what was not acknowledged.</summary>
    private sealed class Side(ServerProcess server, Person me, Person other, string token, int seed)
    {
        private readonly Random _random = new(seed);
        private readonly Dictionary<long, (string Id, string? Text)> _acknowledged = [];
        private readonly HashSet<string> _acts = [];
        private Func<RawMqttClient, Task>? _uncertain;
        private long _read;
        private TaskCompletionSource _spoke = new();
        private int _count;
        private int _ids;

        /// <summary>Completes when something was done in this life of the server, or nothing can be.</summary>
        public Task Spoke => _spoke.Task;

        public async Task TalkUntilCutAsync(int kill)
        {
            _spoke = new(TaskCreationOptions.RunContinuationsAsynchronously);
            try
            {
                await using var client = await ConnectAsync();
                while (true)
                {
                    await StepAsync(client, kill);
                    _spoke.TrySetResult();
                }
            }
            catch (Exception error) when (error is WireException or IOException or SocketException or ObjectDisposedException)
            {
                // The server is gone.
            }
            finally
            {
                _spoke.TrySetResult();
            }
        }

        /// <summary>What is not known to be done is done, and something is left unread.</summary>
        public async Task FinishAsync()
        {
            await using var client = await ConnectAsync();
            await RepeatAsync(client);
            await SayAsync(client, "the end");
        }

        public async Task<IReadOnlyList<JsonElement>> EventsAsync()
        {
            List<JsonElement> all = [];
            while (true)
            {
                var page = await me.Http.GetFromJsonAsync<JsonElement>($"/api/conversations/{other.UserName}/events?after={all.Count}&limit=500");
                all.AddRange(page.GetProperty("events").EnumerateArray());
                if (all.Count >= page.GetProperty("head").GetInt64())
                {
                    return all;
                }
            }
        }

        public void AssertKept(IReadOnlyList<JsonElement> log)
        {
            Assert.NotEmpty(_acknowledged);
            var mine = log.Where(one => User(one) == me.UserName).ToArray();
            Assert.All(mine.GroupBy(one => one.GetProperty("id").GetString()), same => Assert.Single(same));
            var ids = mine.Select(one => one.GetProperty("id").GetString()!).ToHashSet();
            Assert.Superset(_acts, ids);
            foreach (var (seq, (id, text)) in _acknowledged)
            {
                var there = log[(int)seq - 1];
                Assert.Equal((id, text ?? ""), (there.GetProperty("id").GetString(), Text(there)));
                Assert.Equal(text is null ? "removed" : "message", there.GetProperty("type").GetString());
            }
        }

        public async Task AssertCountedAsync(IReadOnlyList<JsonElement> log)
        {
            using CancellationTokenSource patience = new(RawMqttClient.Patience);
            using PeriodicTimer again = new(TimeSpan.FromMilliseconds(100));
            while (true)
            {
                var page = await me.Http.GetFromJsonAsync<JsonElement>($"/api/conversations/{other.UserName}/events?limit=1", patience.Token);
                var listed = (await me.Http.GetFromJsonAsync<JsonElement>("/api/conversations", patience.Token)).GetProperty("conversations")[0];
                var position = page.GetProperty("read").GetProperty("seq").GetInt64();
                Assert.InRange(position, _read, log.Count);
                var unread = log.Skip((int)position)
                    .Count(one => one.GetProperty("type").GetString() == "message" && User(one) == other.UserName);
                var counts = (page.GetProperty("unread").GetInt32(), listed.GetProperty("unread").GetInt32());

                // What is deleted leaves the count within seconds.
                if (counts == (unread, unread))
                {
                    return;
                }

                Assert.False(patience.IsCancellationRequested, $"{me.UserName} has {unread} unread, and is told {counts}.");
                await again.WaitForNextTickAsync();
            }
        }

        private async Task<RawMqttClient> ConnectAsync()
        {
            var client = await server.TcpAsync();
            Assert.True((await client.ConnectAsync(me.UserName, token)).Accepted);
            return client;
        }

        private async Task StepAsync(RawMqttClient client, int kill)
        {
            await RepeatAsync(client);
            long[] mine = [.. _acknowledged.Where(one => one.Value.Text is not null).Select(one => one.Key).TakeLast(10)];
            var of = mine.Length == 0 ? 0 : mine[_random.Next(mine.Length)];
            var act = mine.Length == 0 ? 0 : _random.Next(10);
            var text = string.Create(CultureInfo.InvariantCulture, $"{me.UserName} says {++_count} before kill {kill}");
            await (act switch
            {
                7 => DoAsync(client, id => new { type = "edit", of, text, id }, (_, _) => _acknowledged[of] = (_acknowledged[of].Id, text)),
                8 => DoAsync(client, id => new { type = "delete", of, id }, (_, _) => _acknowledged[of] = (_acknowledged[of].Id, null)),
                9 => ReadAsync(client),
                _ => SayAsync(client, text),
            });
        }

        private Task SayAsync(RawMqttClient client, string text) =>
            DoAsync(client, id => new { type = "message", text, id }, (seq, id) => _acknowledged[seq] = (id, text));

        private async Task ReadAsync(RawMqttClient client)
        {
            var seq = _acknowledged.Keys.Max();
            var ack = await client.PublishAsync(
                $"users/{me.UserName}/conversations/{other.UserName}/read", string.Create(CultureInfo.InvariantCulture, $"{{\"seq\":{seq}}}"));
            Assert.True(ack.Accepted, ack.ReasonString);
            _read = Math.Max(_read, seq);
        }

        // What was cut off is done first, under its id, whether it had been done or not.
        private async Task RepeatAsync(RawMqttClient client)
        {
            if (_uncertain is { } again)
            {
                await again(client);
            }
        }

        private async Task DoAsync(RawMqttClient client, Func<string, object> command, Action<long, string> acknowledged)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"{me.UserName}-{++_ids}");
            var payload = JsonSerializer.Serialize(command(id));
            _uncertain = async through =>
            {
                var ack = await through.PublishAsync("users/" + other.UserName, payload);
                Assert.True(ack.Accepted, ack.ReasonString);
                _uncertain = null;
                _acts.Add(id);
                acknowledged(ack.Seq, id);
            };
            await _uncertain(client);
        }
    }
}
