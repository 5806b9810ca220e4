using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>An account gets no more by fifty clients at once than by one, whatever ways they come by.</summary>
public sealed class FiftyClientsTests
{
    private const int TcpClients = 10, OlderTcpClients = 10, Tabs = 15, Callers = 15;

    [Fact]
    public async Task Attack_67_Of_fifty_messages_of_one_moment_slow_mode_takes_one_and_a_mute_none()
    {
        FakeTimeProvider time = new();
        await using var broker = await RunningBroker.StartAsync(time);
        var talk = await InYardAsync(broker);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { SlowMode = 30 })).Refusal);
        await using var many = await ManyAsync(broker, talk.Bea);
        for (var round = 0; round < 3; round++)
        {
            var head = broker.Room("yard").Head;

            var answers = await many.SayAsync();

            Assert.Equal(1, SaidAfter(broker, talk, head));
            Assert.InRange(answers.Count(answer => answer == "slow_mode"), 39, 40);
            Assert.All(answers, answer => Assert.Contains(answer, new[] { "slow_mode", Speaker.Done }));
            time.Advance(TimeSpan.FromSeconds(30));
        }

        Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account)).Refusal);
        var muted = broker.Room("yard").Head;
        Assert.All(await many.SayAsync(), answer => Assert.Equal("muted", answer));
        Assert.Equal(0, SaidAfter(broker, talk, muted));
    }

    [Fact]
    public async Task Attack_67_Of_fifty_messages_of_one_moment_none_comes_after_the_answer_to_a_mute()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var many = await ManyAsync(broker, talk.Bea);
        for (var round = 0; round < 10; round++)
        {
            var saying = many.SayAsync();
            Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "mute", talk.Bea.Account)).Refusal);
            var head = broker.Room("yard").Head;

            var answers = await saying;

            Assert.All(answers, answer => Assert.Contains(answer, new[] { "muted", Speaker.Done }));
            Assert.Equal(0, SaidAfter(broker, talk, head));
            Assert.Null((await Acts.ModerateAsync(broker, "yard", talk.Mod, "unmute", talk.Bea.Account)).Refusal);
        }
    }

    [Fact]
    public async Task Attack_67_Fifty_clients_of_one_account_have_one_place_and_who_watches_never_sees_more_people_than_there_are_places()
    {
        const int capacity = 2;
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Capacity = capacity })).Refusal);
        var eve = await broker.RegisterAsync("eve");
        await using var witness = await broker.ConnectAsync(talk.Mod);
        await witness.SubscribeAsync([new(Topic + "/people"), new("users/dora")]);
        await using var many = await ManyAsync(broker, talk.Bea);
        List<RawMqttClient> others = [];
        foreach (var member in new[] { talk.Caio, eve, talk.Maker }.SelectMany(member => Enumerable.Repeat(member, 5)))
        {
            others.Add(await broker.ConnectAsync(member));
        }

        HashSet<string> here = [];
        for (var round = 0; round < 5; round++)
        {
            // By name and by wildcard, all in one moment; and then they all go.
            var all = many.Clients.Concat(others).ToArray();
            var answers = await Task.WhenAll(all.Select((client, number) => client.SubscribeAsync(number % 3 == 0 ? "rooms/#" : Topic)));
            Assert.All(answers, answer => Assert.Contains(answer.ReasonCodes[0], new byte[] { 0x01, 0x97, 0x80 }));

            // Who asks while others come in may be granted and wait: what counts is who is there.
            Assert.Equal(capacity, broker.Room("yard").SnapshotPresence().Count(present => present.Account != talk.Maker.Account));
            while (here.Count < capacity)
            {
                Note(here, await witness.NextPublishAsync());
            }

            Assert.True(here.Count == capacity, $"At once there were {string.Join(", ", here)}.");
            await Task.WhenAll(all.Select(client => client.UnsubscribeAsync(Topic, "rooms/#")));

            var marker = FormattableString.Invariant($"marker {round}");
            await using var maker = await broker.ConnectAsync(talk.Maker);
            Assert.True((await maker.PublishAsync("users/dora", marker)).Accepted);
            foreach (var told in await witness.PublishesUntilAsync(one => one.Topic == "users/dora" && one.Text.Contains(marker, StringComparison.Ordinal)))
            {
                Note(here, told);
                Assert.True(here.Count <= capacity, $"At once there were {string.Join(", ", here)}.");
            }
        }

        await Task.WhenAll(others.Select(client => client.DisposeAsync().AsTask()));
    }

    // What came and went in one second is told at once. The owner and the moderator have places of their own.
    private static void Note(HashSet<string> here, ReceivedPublish told)
    {
        if (told.Topic != Topic + "/people")
        {
            return;
        }

        if (told.Json.TryGetProperty("here", out var all))
        {
            here.Clear();
            here.UnionWith(UsersIn(all));
        }
        else
        {
            here.ExceptWith(told.Json.GetProperty("gone").EnumerateArray().Select(user => user.GetString()!));
            here.UnionWith(UsersIn(told.Json.GetProperty("came")));
        }

        here.ExceptWith(["maker", "dora"]);
    }

    private static IEnumerable<string> UsersIn(JsonElement people) => people.EnumerateArray().Select(person => person.GetProperty("user").GetString()!);

    private static int SaidAfter(RunningBroker broker, MessageTalk talk, long head) => broker.Get<IEventLog>().ReadAfter(talk.Log, head, 1000).Entries
        .Count(entry => entry.Author == talk.Bea.Account.Id && EventBody.TypeOf(entry.Body.Span) == EventType.Message);

    private static async Task<Many> ManyAsync(RunningBroker broker, Member member)
    {
        List<RawMqttClient> clients = [];
        for (var number = 0; number < TcpClients + OlderTcpClients; number++)
        {
            clients.Add(await broker.ConnectAsync(member, number < TcpClients ? MqttVersion.V5 : MqttVersion.V311));
        }

        var browser = await broker.SignInAsync(member.Account);
        for (var number = 0; number < Tabs; number++)
        {
            clients.Add(await broker.ConnectBrowserAsync(browser));
        }

        return new Many(clients, Calls.As(broker, member));
    }

    /// <summary>Twenty clients over TCP, half of them of MQTT 3.1.1, fifteen tabs, and fifteen who call.</summary>
    private sealed class Many(IReadOnlyList<RawMqttClient> clients, Calls calls) : IAsyncDisposable
    {
        public IReadOnlyList<RawMqttClient> Clients => clients;

        /// <summary>All at once: done, or the code of the refusal. What is told to clients of MQTT 3.1.1 is left out.</summary>
        public async Task<IReadOnlyList<string>> SayAsync()
        {
            var answers = await Task.WhenAll([.. clients.Select(SayAsync), .. Enumerable.Range(0, Callers).Select(_ => CallAsync())]);
            Assert.Equal(OlderTcpClients, answers.Count(answer => answer is null));
            return [.. answers.OfType<string>()];
        }

        public async ValueTask DisposeAsync()
        {
            calls.Dispose();
            foreach (var client in clients)
            {
                await client.DisposeAsync();
            }
        }

        private static async Task<string?> SayAsync(RawMqttClient client)
        {
            var answer = await client.PublishAsync(Topic, "hello");
            return client.Version == MqttVersion.V311 ? null
                : answer.Accepted ? Speaker.Done
                : answer.ReasonString?.StartsWith("You are muted", StringComparison.Ordinal) == true ? "muted"
                : answer.Properties.User("code");
        }

        private async Task<string?> CallAsync()
        {
            var (status, text) = await calls.SendAsync(HttpMethod.Post, "/api/rooms/yard/events", new { type = "message", text = "hello" });
            return status == HttpStatusCode.Created ? Speaker.Done : JsonDocument.Parse(text).RootElement.GetProperty("code").GetString()!;
        }
    }
}
