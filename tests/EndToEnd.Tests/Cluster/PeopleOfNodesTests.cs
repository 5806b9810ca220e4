using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>Who is here with two nodes, what they have read, and clients that are kept.</summary>
public sealed class PeopleOfNodesTests : IAsyncLifetime
{
    private ServerHouse _house = null!;

    public async ValueTask InitializeAsync() => _house = await ServerHouse.StartAsync();

    public ValueTask DisposeAsync() => _house?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact(Explicit = true)]
    public async Task Two_tabs_at_two_nodes_greet_once_and_the_last_one_out_says_leave()
    {
        using var bea = await Person.RegisterAsync(_house[1], "bea");
        await using var witness = await _house[1].PageAsync(bea.Cookie).InLobbyAsync();
        for (var round = 0; round < 20; round++)
        {
            using var ana = await Person.RegisterAsync(_house[0]);
            var tabs = await Task.WhenAll(_house[0].PageAsync(ana.Cookie).InLobbyAsync(), _house[1].PageAsync(ana.Cookie).InLobbyAsync());
            await witness.PublishesUntilAsync(publish => Is(publish, "join", ana));

            await tabs[round % 2].UnsubscribeAsync(Lobby.Topic);
            var between = Lobby.Unique("between");
            Assert.True((await witness.PublishAsync(Lobby.Topic, between)).Accepted);
            Assert.DoesNotContain(await witness.PublishesUntilAsync(publish => publish.Says(between)), publish => Names(publish, ana));

            await tabs[1 - (round % 2)].UnsubscribeAsync(Lobby.Topic);
            var gone = await witness.PublishesUntilAsync(publish => Is(publish, "leave", ana));
            Assert.Single(gone, publish => Names(publish, ana));
            Assert.Equal(["join", "leave"], (await bea.EventsAsync()).Where(one => Names(one, ana)).Select(one => one.GetProperty("type").GetString()));
            await Task.WhenAll(tabs.Select(tab => tab.DisposeAsync().AsTask()));
        }
    }

    [Fact(Explicit = true)]
    public async Task Who_was_with_a_node_that_is_killed_leaves_and_who_comes_back_elsewhere_does_not()
    {
        using var bea = await Person.RegisterAsync(_house[1], "bea");
        using var ana = await Person.RegisterAsync(_house[0]);
        using var eve = await Person.RegisterAsync(_house[0], "eve");
        await using var witness = await _house[1].PageAsync(bea.Cookie).InLobbyAsync();
        await using var lost = await _house[0].PageAsync(ana.Cookie).InLobbyAsync();
        await using var stays = await _house[0].PageAsync(eve.Cookie).InLobbyAsync();
        await witness.PublishesUntilAsync(publish => Is(publish, "join", eve));

        await _house[0].KillAsync();
        await using var back = await _house[1].PageAsync(eve.Cookie).InLobbyAsync();

        // The leave of who stays away, and nothing of who came back.
        var heard = await witness.PublishesUntilAsync(publish => Is(publish, "leave", ana));
        Assert.DoesNotContain(heard, publish => Is(publish, "leave", eve) || Is(publish, "join", eve));
    }

    [Fact]
    public async Task What_is_read_at_one_node_is_shown_at_the_other()
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        using var bea = await Person.RegisterAsync(_house[1], "bea");
        await using var speaker = await _house[1].PageAsync(bea.Cookie).InLobbyAsync();
        await using var tab = await _house[0].PageAsync(ana.Cookie).InLobbyAsync();
        await using var other = await _house[1].PageAsync(ana.Cookie);
        Assert.True((await other.ConnectAsync()).Accepted);
        await other.SubscribeAsync($"users/{ana.UserName}/read/lobby");
        var said = Lobby.Unique("said");
        Assert.True((await speaker.PublishAsync(Lobby.Topic, said)).Accepted);
        var seq = (await tab.PublishesUntilAsync(publish => publish.Says(said)))[^1].Json.GetProperty("seq").GetInt64();

        var answer = await ana.Http.PutAsJsonAsync("/api/rooms/lobby/read", new { seq }, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}");

        await other.PublishesUntilAsync(publish => publish.Topic.EndsWith("/read/lobby", StringComparison.Ordinal)
            && publish.Json.GetProperty("seq").GetInt64() == seq && publish.Json.GetProperty("unread").GetInt32() == 0);
    }

    [Fact(Explicit = true)]
    public async Task Who_types_at_one_node_is_seen_at_the_other()
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        using var bea = await Person.RegisterAsync(_house[1], "bea");
        await using var reader = await _house[1].PageAsync(bea.Cookie).InLobbyAsync();
        await reader.SubscribeAsync("rooms/lobby/typing", 0);
        await using var typist = await _house[0].PageAsync(ana.Cookie).InLobbyAsync();
        await reader.PublishesUntilAsync(publish => Is(publish, "join", ana));

        await typist.SendPublishAsync("rooms/lobby/typing", default);
        await reader.PublishesUntilAsync(publish => publish.Topic == "rooms/lobby/typing" && publish.Text.Contains(ana.UserName, StringComparison.Ordinal));
    }

    [Fact(Explicit = true)]
    public async Task A_client_that_is_kept_moves_between_nodes_and_misses_nothing_and_hears_nothing_twice()
    {
        const int Moves = 30;
        using var ana = await Person.RegisterAsync(_house[0]);
        using var bea = await Person.RegisterAsync(_house[1], "bea");
        var token = await ana.NewTokenAsync();
        var room = await bea.NewRoomAsync();
        await ana.EnterAsync(room);
        await using var speaker = await _house[1].PageAsync(bea.Cookie);
        Assert.True((await speaker.ConnectAsync()).Accepted);
        var end = Lobby.Unique("the end");
        using CancellationTokenSource over = new();
        var saying = SayAsync();

        List<long> heard = [];
        RawMqttClient? before = null;
        for (var move = 0; ; move++)
        {
            var client = await _house[move % 2].TcpAsync(MqttVersion.V311);
            client.AcknowledgesItself = false;
            var answer = await client.ConnectAsync(ana.UserName, token, "phone", cleanStart: false);
            Assert.True(answer.Accepted, answer.ToString());
            Assert.Equal(move > 0, answer.SessionPresent);
            await (before?.DisposeAsync() ?? ValueTask.CompletedTask);
            before = client;
            if (move == 0)
            {
                await client.SubscribeAsync($"rooms/{room}");
            }

            if (move == Moves)
            {
                await over.CancelAsync();
                await saying;
                Assert.True((await speaker.PublishAsync($"rooms/{room}", end)).Accepted);
                for (var isEnd = false; !isEnd;)
                {
                    isEnd = (await TakeAsync(client)).Json.IsMessage(end);
                }

                await client.DisposeAsync();
                break;
            }

            // What is acknowledged never comes again; what was sent beside it does.
            for (var i = 0; i < 3; i++)
            {
                await TakeAsync(client);
            }

            await client.PingAsync();
            if (move % 3 == 0)
            {
                await client.DisconnectAsync();
                await client.WaitForCloseAsync();
            }
            else if (move % 3 == 1)
            {
                client.Abort();
            }
        }

        Assert.Equal(heard.Distinct().Count(), heard.Count);
        Assert.Equal(heard.Order(), heard);
        Assert.Equal(heard[^1] - heard[0] + 1, heard.Count);

        async Task<ReceivedPublish> TakeAsync(RawMqttClient client)
        {
            var publish = await client.NextPublishAsync();
            heard.Add(publish.Json.GetProperty("seq").GetInt64());
            await client.AcknowledgeAsync(publish);
            return publish;
        }

        async Task SayAsync()
        {
            for (var number = 0; !over.IsCancellationRequested; number++)
            {
                Assert.True((await speaker.PublishAsync($"rooms/{room}", $"line {number}")).Accepted);
            }
        }
    }

    private static bool Is(ReceivedPublish publish, string type, Person person) =>
        Names(publish, person) && publish.Json.GetProperty("type").GetString() == type;

    private static bool Names(ReceivedPublish publish, Person person) =>
        publish.Topic == Lobby.Topic && publish.Payload.Length > 0 && Names(publish.Json, person);

    private static bool Names(JsonElement json, Person person) =>
        json.GetProperty("type").GetString() is "join" or "leave"
        && (json.GetProperty("from").GetProperty("user").GetString() == person.UserName
            || (json.TryGetProperty("others", out var others) && others.EnumerateArray().Any(other => other.GetProperty("user").GetString() == person.UserName)));
}
