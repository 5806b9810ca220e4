using System.Globalization;
using System.Text;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Rooms;

public sealed class CatchUpTests
{
    [Fact]
    public async Task After_a_seq_comes_everything_later_and_then_what_is_live()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var speaker = await broker.ConnectAsync(ana);
        var first = await SayAsync(speaker, 1, 300);
        await using var reader = await broker.ConnectAsync(ana);

        await reader.SubscribeAsync("rooms/lobby", properties: After(first[99].Seq, first[99].Epoch));
        await SayAsync(speaker, 301, 310);
        var heard = await reader.PublishesUntilAsync(publish => publish.Text.Contains("\"text\":\"310\"", StringComparison.Ordinal));

        Assert.Equal(Enumerable.Range(101, 210).Select(Number), Texts(heard));
        AssertNoHoles(heard, first[99].Seq);
    }

    [Fact]
    public async Task The_newest_events_come_first_when_asked_for()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var speaker = await broker.ConnectAsync(ana);
        await SayAsync(speaker, 1, 50);
        await using var reader = await broker.ConnectAsync(ana);

        await reader.SubscribeAsync("rooms/lobby", properties: new MqttProperties { { "last", "10" } });
        await SayAsync(speaker, 51, 51);
        var heard = await reader.PublishesUntilAsync(publish => publish.Text.Contains("\"text\":\"51\"", StringComparison.Ordinal));

        Assert.Equal(Enumerable.Range(41, 11).Select(Number), Texts(heard));
    }

    [Fact]
    public async Task A_room_that_talks_all_the_while_leaves_no_gap_and_no_double()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var speaker = await broker.ConnectAsync(ana);
        var start = await SayAsync(speaker, 1, 200);
        using CancellationTokenSource enough = new();
        var talking = Task.Run(async () =>
        {
            var last = 200;
            while (!enough.IsCancellationRequested)
            {
                await SayAsync(speaker, last + 1, last + 5);
                last += 5;
            }

            return last;
        });

        for (var round = 0; round < 15; round++)
        {
            await using var reader = await RawMqttClient.OverTcpAsync(broker.Mqtt);
            await reader.ConnectAsync(
                "ana", ana.Token, properties: new MqttProperties { { PropertyId.ReceiveMaximum, (uint)(1 + round) } });
            await reader.SubscribeAsync("rooms/lobby", properties: After(start[9].Seq, start[9].Epoch));
            var target = Number(400 + (round * 20));
            var heard =
                await reader.PublishesUntilAsync(publish => publish.Text.Contains($"\"text\":\"{target}\"", StringComparison.Ordinal));
            AssertNoHoles(heard, start[9].Seq);
        }

        await enough.CancelAsync();
        Assert.True(await talking > 400);
    }

    [Fact]
    public async Task Hand_overs_by_the_hundred_in_a_busy_room_give_every_event_once()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var first = await broker.ConnectAsync(ana);
        var start = (await SayAsync(first, 1, 1))[0];
        using CancellationTokenSource enough = new();
        var speakers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => broker.ConnectAsync(ana)));
        var talking = Task.WhenAll(speakers.Select(speaker => Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                await SayAsync(speaker, 1, 20);
            }
        })));

        // The presence of a reader would add joins and leaves of its own: its account stays here by this one.
        await using var present = await broker.ConnectAsync(ana, MqttVersion.V311);
        await present.SubscribeAsync("rooms/lobby/text", 0);
        await using var reader = await broker.ConnectAsync(ana);
        var seen = start.Seq;
        for (var round = 0; round < 150; round++)
        {
            await reader.SubscribeAsync("rooms/lobby", properties: After(seen, start.Epoch));
            for (var i = 0; i < 40; i++)
            {
                Assert.Equal(++seen, (await reader.NextPublishAsync()).Json.GetProperty("seq").GetInt64());
            }

            await reader.UnsubscribeAsync("rooms/lobby");

            // What was on its way before the UNSUBACK is read too, so that the next round begins behind it.
            foreach (var rest in reader.AlreadyHere())
            {
                Assert.Equal(++seen, rest.Json.GetProperty("seq").GetInt64());
            }
        }

        await enough.CancelAsync();
        await talking;
        foreach (var speaker in speakers)
        {
            await speaker.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("newer than the head")]
    [InlineData("another epoch")]
    public async Task Attack_81_What_does_not_fit_the_log_begins_with_a_reset_and_skips_nothing(string what)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var speaker = await broker.ConnectAsync(ana);
        var said = await SayAsync(speaker, 1, 5);
        await using var reader = await broker.ConnectAsync(ana);

        await reader.SubscribeAsync(
            "rooms/lobby", properties: what == "another epoch" ? After(said[2].Seq, "other0") : After(said[^1].Seq + 100, said[0].Epoch));
        var heard = await reader.PublishesUntilAsync(publish => publish.Text.Contains("\"text\":\"5\"", StringComparison.Ordinal));

        var reset = heard[0].Json;
        Assert.Equal("reset", reset.Type());
        Assert.Equal("lobby", reset.GetProperty("room").GetString());
        Assert.Equal(said[0].Epoch, reset.GetProperty("epoch").GetString());
        Assert.Equal(1, reset.GetProperty("first").GetInt64());
        Assert.Equal(Enumerable.Range(1, 5).Select(Number), Texts(heard));
    }

    [Theory]
    [InlineData("after", "-1")]
    [InlineData("after", "x")]
    [InlineData("after", "")]
    [InlineData("after", "1.5")]
    [InlineData("last", "1001")]
    [InlineData("last", "+5")]
    public async Task A_bad_number_is_refused_and_changes_nothing(string name, string value)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        Assert.Equal([1], (await client.SubscribeAsync("rooms/lobby", properties: new MqttProperties { { "last", "5" } })).ReasonCodes);
        await client.UnsubscribeAsync("rooms/lobby");

        var refused = await client.SubscribeAsync("rooms/lobby", properties: new MqttProperties { { name, value } });

        Assert.Equal([0x83], refused.ReasonCodes);
        Assert.Contains(name, refused.ReasonString, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rooms/+")]
    [InlineData("rooms/lobby/#")]
    [InlineData("rooms/lobby/text")]
    public async Task Catching_up_goes_with_one_room_or_inbox_alone(string filter)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        Assert.Equal([1], (await client.SubscribeAsync("rooms/lobby", properties: After(0, null))).ReasonCodes);

        Assert.Equal([0x83], (await client.SubscribeAsync(filter, properties: After(0, null))).ReasonCodes);
        Assert.Equal(
            [0x83, 0x83],
            (await client.SubscribeAsync([new Filter("rooms/lobby"), new Filter("users/ana")], After(0, null))).ReasonCodes);
    }

    [Fact]
    public async Task Whispers_that_came_meanwhile_are_caught_up_with()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var speaker = await broker.ConnectAsync(ana);
        Assert.True((await speaker.PublishAsync("users/bob", "one")).Accepted);
        Assert.True((await speaker.PublishAsync("users/bob", "two")).Accepted);
        await using var reader = await broker.ConnectAsync(bob);

        await reader.SubscribeAsync("users/bob", properties: After(0, null));
        var heard = await reader.PublishesUntilAsync(publish => publish.Text.Contains("two", StringComparison.Ordinal));

        Assert.Equal(["one", "two"], heard.Select(publish => publish.Json.Text()!));
        Assert.Equal("bob", heard[0].Json.GetProperty("to").GetString());
    }

    [Fact]
    public async Task A_client_that_acknowledges_late_is_fed_from_the_log_and_misses_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var speaker = await broker.ConnectAsync(ana);
        await using var reader = await broker.ConnectAsync(ana);
        reader.AcknowledgesItself = false;
        await reader.SubscribeAsync("rooms/lobby");
        var said = await SayAsync(speaker, 1, 1000);

        List<ReceivedPublish> heard = [];
        while (heard.Count == 0 || heard[^1].Json.GetProperty("seq").GetInt64() < said[^1].Seq)
        {
            var publish = await reader.NextPublishAsync();
            heard.Add(publish);
            await reader.AcknowledgeAsync(publish);
        }

        AssertNoHoles(heard, heard[0].Json.GetProperty("seq").GetInt64() - 1);
        Assert.Equal(Enumerable.Range(1, 1000).Select(Number), Texts(heard));
    }

    [Fact]
    public async Task A_change_of_filters_while_behind_loses_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var speaker = await broker.ConnectAsync(ana);
        await using var reader = await broker.ConnectAsync(ana);
        reader.AcknowledgesItself = false;
        await reader.SubscribeAsync("rooms/lobby");
        await SayAsync(speaker, 1, 300);
        await reader.SubscribeAsync("rooms/lobby/typing");
        await SayAsync(speaker, 301, 305);

        List<ReceivedPublish> heard = [];
        while (heard.Count == 0 || !heard[^1].Text.Contains("\"text\":\"305\"", StringComparison.Ordinal))
        {
            var publish = await reader.NextPublishAsync();
            heard.Add(publish);
            await reader.AcknowledgeAsync(publish);
        }

        Assert.Equal(Enumerable.Range(1, 305).Select(Number), Texts(heard));
    }

    private static MqttProperties After(long seq, string? epoch)
    {
        MqttProperties properties = new() { { "after", seq.ToString(CultureInfo.InvariantCulture) } };
        if (epoch is not null)
        {
            properties.Add("epoch", epoch);
        }

        return properties;
    }

    private static async Task<IReadOnlyList<(long Seq, string? Epoch)>> SayAsync(RawMqttClient speaker, int from, int to)
    {
        // A few under way at once, as a busy client has them.
        List<(long, string?)> said = [];
        foreach (var chunk in Enumerable.Range(from, to - from + 1).Chunk(50))
        {
            var answers =
                await Task.WhenAll(chunk.Select(number => speaker.PublishAsync("rooms/lobby", Encoding.UTF8.GetBytes(Number(number)))));
            Assert.All(answers, answer => Assert.True(answer.Accepted));
            said.AddRange(answers.Select(answer => (answer.Seq, answer.Epoch)));
        }

        return said;
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static IEnumerable<string> Texts(IEnumerable<ReceivedPublish> heard) =>
        heard.Select(publish => publish.Json).Where(json => json.Type() == "message").Select(json => json.Text()!);

    private static void AssertNoHoles(IEnumerable<ReceivedPublish> heard, long after)
    {
        var seqs = heard.Select(publish => publish.Json.GetProperty("seq").GetInt64()).ToList();
        Assert.Equal(Enumerable.Range(0, seqs.Count).Select(i => after + 1 + i), seqs);
    }
}
