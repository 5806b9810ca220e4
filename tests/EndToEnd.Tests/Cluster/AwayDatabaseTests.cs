using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;
using WebMessenger.Postgres.Testing;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>While the database is away whoever asks hears what to do, and when it is back all goes on soon.</summary>
public sealed class AwayDatabaseTests
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Without_its_database_a_node_answers_503_and_what_to_do_and_stores_what_is_said_again_once()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var database = await PostgresServer.StartAsync(isDurable: true);
        var connection = await database.CreateDatabaseAsync();
        await using var node = await ServerProcess.StartAloneAsync([.. SharedServer.NoLimits, .. ServerHouse.SettingsOf(connection, database.Port, database.Port)]);
        using var ana = await Person.RegisterAsync(node);
        await using var tab = await node.PageAsync(ana.Cookie).InLobbyAsync();
        Assert.True((await tab.PublishAsync(Lobby.Topic, "before")).Accepted);
        Func<Task<HttpResponseMessage>>[] asks =
        [
            () => ana.Http.GetAsync("/api/rooms/lobby/events"),
            () => ana.Http.PostAsJsonAsync("/api/rooms/lobby/events", new { type = "message", text = "by HTTP" }),
            () => ana.Http.PostAsJsonAsync("/api/rooms", new { id = "another-room", title = "Another room", visibility = "public" }),
            () => ana.Http.PostAsJsonAsync("/api/tokens", new { name = "script" }),
        ];

        // It does not know yet. After two seconds its lease is over, and it says nothing to MQTT clients.
        database.Kill();
        var said = tab.PublishAsync(Lobby.Topic, "meanwhile");
        var answers = await Task.WhenAll(asks.Select(AnswerAsync));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status));
        Assert.All(answers, answer => Assert.Contains(answer.Code, (string[])["not_available", "not_stored"]));

        await database.StartAgainAsync();
        await ServerHouse.BecomesAsync(node, HttpStatusCode.OK);
        var answered = await said;
        Assert.True(answered.Accepted || answered.ReasonCode == 0x97, answered.ToString());
        Assert.True((await tab.PublishAsync(Lobby.Topic, "after")).Accepted);
        var texts = (await ana.EventsAsync()).Where(one => one.GetProperty("type").GetString() == "message").Select(one => one.GetProperty("text").GetString()).ToList();
        Assert.Equal(answered.Accepted ? ["before", "meanwhile", "after"] : ["before", "after"], texts.Where(text => text != "by HTTP"));
    }

    [Fact(Explicit = true)]
    public async Task After_a_cut_that_leaves_connections_dead_without_a_word_nodes_serve_again_within_seconds()
    {
        await using var house = await ServerHouse.StartAsync();
        using var ana = await Person.RegisterAsync(house[0]);
        await using var tab = await house[0].PageAsync(ana.Cookie).InLobbyAsync();
        await using var other = await house[1].PageAsync(ana.Cookie).InLobbyAsync();
        Assert.True((await tab.PublishAsync(Lobby.Topic, "before")).Accepted);
        await ana.NewRoomAsync();

        await Task.WhenAll(house.CutAsync(0), house.CutAsync(1));
        var meanwhile = Task.WhenAll(Enumerable.Range(0, 20).Select(_ => AnswerAsync(() => ana.Http.GetAsync("/api/rooms/lobby/events"))));
        house.Forget(0);
        house.Forget(1);

        // By the writer, a turn, a reader, and what the other node hears.
        await Task.WhenAll(ServerHouse.BecomesAsync(house[0], HttpStatusCode.OK), ServerHouse.BecomesAsync(house[1], HttpStatusCode.OK)).WaitAsync(_soon, TestContext.Current.CancellationToken);
        var text = Lobby.Unique("after");
        await PublishedAsync(tab, text).WaitAsync(_soon, TestContext.Current.CancellationToken);
        await ana.NewRoomAsync().WaitAsync(_soon, TestContext.Current.CancellationToken);
        Assert.Contains(await ana.EventsAsync().WaitAsync(_soon, TestContext.Current.CancellationToken), one => one.GetProperty("type").GetString() == "message" && one.IsMessage(text));
        await other.PublishesUntilAsync(publish => publish.Says(text));
        Assert.All(await meanwhile, answer => Assert.True(answer.Status is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable, $"{answer}"));
    }

    // What is refused is sent again, as the page does.
    private static async Task PublishedAsync(RawMqttClient client, string text)
    {
        while (!(await client.PublishAsync(Lobby.Topic, text)).Accepted)
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<(HttpStatusCode Status, string Code)> AnswerAsync(Func<Task<HttpResponseMessage>> ask)
    {
        using var answer = await ask();
        var text = await answer.Content.ReadAsStringAsync();
        var code = answer.StatusCode == HttpStatusCode.ServiceUnavailable ? JsonElement.Parse(text).GetProperty("code").GetString() ?? "" : text;
        return (answer.StatusCode, code);
    }
}
