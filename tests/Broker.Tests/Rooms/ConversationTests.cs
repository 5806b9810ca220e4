using System.Globalization;
using System.Text;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Rooms;

public sealed class ConversationTests
{
    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task What_a_member_says_reaches_every_member_once_and_in_order(string versionName)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana", "Ana");
        var bob = await broker.RegisterAsync("bob", "Bob");
        await using var listener = await broker.ConnectAsync(bob, version);
        await using var speaker = await broker.ConnectAsync(ana, version);
        var granted = await listener.SubscribeAsync("rooms/lobby");
        Assert.Equal([1], granted.ReasonCodes);

        for (var i = 1; i <= 50; i++)
        {
            var answer = await speaker.PublishAsync("rooms/lobby", $"message {i}");
            Assert.True(answer.Accepted);
        }

        var heard = await listener.PublishesUntilAsync(publish => publish.Text.Contains("message 50", StringComparison.Ordinal));
        var messages = heard.Select(publish => publish.Json).Where(json => json.Type() == "message").ToList();
        Assert.Equal(Enumerable.Range(1, 50).Select(i => $"message {i}"), messages.Select(json => json.Text()!));
        var seqs = heard.Select(publish => publish.Json.GetProperty("seq").GetInt64()).ToList();
        Assert.Equal(seqs.Order(), seqs);
        Assert.Equal(seqs.Distinct(), seqs);
        var from = messages[0].GetProperty("from");
        Assert.Equal("ana", from.GetProperty("user").GetString());
        Assert.Equal("Ana", from.GetProperty("name").GetString());
        Assert.Equal("bot", from.GetProperty("kind").GetString());
    }

    [Fact]
    public async Task The_acknowledgement_says_where_the_event_lies()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);

        var first = await client.PublishAsync("rooms/lobby", """{"type":"message","text":"olá","id":"one"}""");
        var again = await client.PublishAsync("rooms/lobby", """{"type":"message","text":"olá","id":"one"}""");
        var other = await client.PublishAsync("rooms/lobby", """{"type":"message","text":"another","id":"one"}""");

        Assert.True(first.Seq > 0);
        Assert.Equal(first.Seq, again.Seq);
        Assert.Equal(first.Epoch, again.Epoch);
        Assert.Equal(0x83, other.ReasonCode);
        Assert.Equal("id already used", other.ReasonString);
    }

    [Fact]
    public async Task A_display_hears_one_plain_line_for_each_message()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana", "Ana");
        await using var display = await broker.ConnectAsync(ana, MqttVersion.V311);
        await display.SubscribeAsync("rooms/lobby/text", 0);
        await using var speaker = await broker.ConnectAsync(ana);

        await speaker.PublishAsync("rooms/lobby", "olá");
        var line = await display.NextPublishAsync();

        Assert.Equal("rooms/lobby/text", line.Topic);
        Assert.Equal("Ana: olá", line.Text);
    }

    [Fact]
    public async Task What_somebody_does_is_told_as_such()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana", "Ana");
        await using var listener = await broker.ConnectAsync(ana, MqttVersion.V311);
        await listener.SubscribeAsync("rooms/lobby");
        await listener.SubscribeAsync("rooms/lobby/text", 0);
        await using var speaker = await broker.ConnectAsync(ana);

        var said = await speaker.PublishAsync("rooms/lobby", """{"type":"message","text":"waves","action":true,"id":"a"}""");

        Assert.Equal(said.Seq, (await speaker.PublishAsync("rooms/lobby", """{"type":"message","text":"waves","action":true,"id":"a"}""")).Seq);
        Assert.Equal(0x83, (await speaker.PublishAsync("rooms/lobby", """{"type":"message","text":"waves","id":"a"}""")).ReasonCode);
        await speaker.PublishAsync("rooms/lobby", $$"""{"type":"edit","of":{{said.Seq}},"text":"goes"}""");
        var heard = await listener.PublishesUntilAsync(publish => publish.Text.Contains("\"edit\"", StringComparison.Ordinal));
        var message = heard.Single(publish => publish.Topic == "rooms/lobby" && publish.Json.Type() == "message").Json;
        Assert.Equal(("waves", true), (message.Text(), message.GetProperty("action").GetBoolean()));
        Assert.Equal("* Ana waves", heard.Single(publish => publish.Topic == "rooms/lobby/text").Text);
        using var calls = Calls.As(broker, ana);
        var stored = (await calls.Get("/api/rooms/lobby/events?limit=500")).GetProperty("events").EnumerateArray().Single(one => one.Type() == "message");
        Assert.Equal(("goes", true), (stored.Text(), stored.GetProperty("action").GetBoolean()));
    }

    [Fact]
    public async Task A_whisper_reaches_its_reader_alone()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var speaker = await broker.ConnectAsync(ana);
        await using var reader = await broker.ConnectAsync(bob);
        await reader.SubscribeAsync("users/bob");

        var answer = await speaker.PublishAsync("users/bob", "psst");
        var whisper = (await reader.NextPublishAsync()).Json;

        Assert.True(answer.Accepted);
        Assert.Equal("whisper", whisper.Type());
        Assert.Equal("psst", whisper.Text());
        Assert.Equal("ana", whisper.GetProperty("from").GetProperty("user").GetString());
    }

    [Fact]
    public async Task Somebody_typing_is_seen_by_the_room()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var reader = await broker.ConnectAsync(bob);
        await reader.SubscribeAsync("rooms/lobby/typing", 0);
        await using var typist = await broker.ConnectAsync(ana);
        await typist.SubscribeAsync("rooms/lobby");

        await typist.SendPublishAsync("rooms/lobby/typing", default);
        var note = await reader.NextPublishAsync();

        Assert.Equal("""{"user":"ana"}""", note.Text);
    }

    [Fact]
    public async Task Five_hundred_messages_come_through_a_window_of_four()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var listener = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await listener.ConnectAsync("ana", ana.Token, properties: new MqttProperties { { PropertyId.ReceiveMaximum, 4u } });
        await listener.SubscribeAsync("rooms/lobby");
        await using var speaker = await broker.ConnectAsync(ana);

        for (var i = 1; i <= 500; i++)
        {
            await speaker.SendPublishAsync("rooms/lobby", Encoding.UTF8.GetBytes(i.ToString(CultureInfo.InvariantCulture)));
        }

        var heard = await listener.PublishesUntilAsync(publish => publish.Text.Contains("\"text\":\"500\"", StringComparison.Ordinal));
        Assert.Equal(500, heard.Count(publish => publish.Json.Type() == "message"));
    }
}
