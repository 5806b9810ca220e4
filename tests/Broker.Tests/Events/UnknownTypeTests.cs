using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Events;

/// <summary>Events that a newer version wrote before the program was rolled back.</summary>
public sealed class UnknownTypeTests
{
    // As this version would write them under another type, as a later format of the body has them, and with nothing behind the type.
    private static byte[][] Bodies { get; } =
    [
        [12, 0, 1, (byte)'x', .. "\"from\":{\"user\":\"ana\",\"name\":\"Ana\",\"kind\":\"bot\"},\"text\":\"secret\""u8], [0x40, 1, 0, 0xFF, 0xFF, 1], [0x8C], [0xFF], [99, 0xFF, 0xFF], [],
    ];

    [Fact]
    public async Task Fault_R12_Events_of_unknown_types_are_shown_as_such_and_end_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using (var first = await broker.ConnectAsync(bob))
        {
            await first.SubscribeAsync("rooms/lobby");
            Assert.True((await first.PublishAsync("rooms/lobby", "before")).Accepted);
        }

        var log = broker.Get<IEventLog>();
        foreach (var name in new[] { broker.Room("lobby").Log, LogName.OfAccount(bob.Account.Id) })
        {
            foreach (var body in Bodies)
            {
                Assert.Equal(AppendOutcome.Stored, (await log.AppendAsync(name, ana.Account.Id, null, default, body)).Outcome);
            }
        }

        // Who was here is read from the log, too.
        await broker.RestartAsync();
        await using var client = await broker.ConnectAsync(bob);
        Assert.True((await client.PublishAsync("rooms/lobby", "after")).Accepted);
        Assert.True((await client.PublishAsync("users/bob", "after")).Accepted);
        await client.SubscribeAsync("rooms/lobby", properties: new() { { "after", "0" } });
        await client.SubscribeAsync("users/bob", properties: new() { { "after", "0" } });

        var heard = await client.PublishesUntilAsync(publish => publish.Topic == "users/bob" && publish.Text.Contains("\"after\"", StringComparison.Ordinal));
        Check(heard.Where(publish => publish.Topic == "rooms/lobby").Select(publish => publish.Json));
        Check(heard.Where(publish => publish.Topic == "users/bob").Select(publish => publish.Json));
        using HttpClient http = new() { BaseAddress = broker.Http };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", bob.Token);
        foreach (var path in new[] { "/api/rooms/lobby/events?limit=500", "/api/whispers?limit=500" })
        {
            using var page = JsonDocument.Parse(await http.GetStringAsync(path, TestContext.Current.CancellationToken));
            Check(page.RootElement.GetProperty("events").EnumerateArray());
        }

        // They are nobody's messages, so nothing is unread of them.
        var state = broker.Get<ReadPositions>().Find(bob.Account, broker.Room("lobby"));
        Assert.Equal(0, state!.Value.Unread);
    }

    private static void Check(IEnumerable<JsonElement> events)
    {
        var all = events.ToList();
        Assert.Equal(Enumerable.Range(1, all.Count), all.Select(@event => @event.GetProperty("seq").GetInt32()));
        var unknown = all.Where(@event => @event.Type() == "unknown").ToList();
        Assert.Equal(Bodies.Length, unknown.Count);
        Assert.All(unknown, @event =>
        {
            Assert.Equal("", @event.GetProperty("from").GetProperty("user").GetString());
            Assert.False(@event.TryGetProperty("text", out _));
            Assert.True(DateTimeOffset.TryParse(@event.GetProperty("at").GetString(), CultureInfo.InvariantCulture, out _));
        });
    }
}
