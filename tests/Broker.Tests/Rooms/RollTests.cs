using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Dice are thrown by the server, and what they said stays.</summary>
public sealed class RollTests
{
    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task Dice_are_thrown_by_the_server_and_read_as_a_message(string versionName)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var listener = await broker.ConnectAsync(talk.Caio, Enum.Parse<MqttVersion>(versionName));
        await listener.SubscribeAsync(Topic);
        await using var author = await broker.ConnectAsync(talk.Bea, Enum.Parse<MqttVersion>(versionName));

        Assert.True((await author.PublishAsync(Topic, """{"type":"roll","dice":"2d6","id":"r","rolls":[6,6],"total":12,"text":"12"}""")).Accepted);

        var heard = (await listener.PublishesUntilAsync(publish => publish.Json.Type() == "message"))[^1].Json;
        var roll = heard.GetProperty("roll");
        int[] rolls = [.. roll.GetProperty("rolls").EnumerateArray().Select(one => one.GetInt32())];
        Assert.Equal(2, rolls.Length);
        Assert.All(rolls, one => Assert.InRange(one, 1, 6));
        Assert.Equal(("2d6", rolls.Sum()), (roll.GetProperty("dice").GetString(), roll.GetProperty("total").GetInt32()));
        Assert.Equal($"🎲 2d6: {rolls[0]} + {rolls[1]} = {rolls.Sum()}", heard.Text());

        // Sent again it is the first throw, and nobody makes another of it.
        using var beas = Calls.As(broker, talk.Bea);
        var again = await beas.Expect(HttpStatusCode.OK, HttpMethod.Post, "/api/rooms/yard/events", new { type = "roll", dice = "2d6", id = "r" });
        var seq = heard.GetProperty("seq").GetInt64();
        Assert.Equal(seq, again.GetProperty("seq").GetInt64());
        Assert.Equal("not_allowed", (await talk.EditAsync(talk.Bea, seq, "🎲 2d6: 6 + 6 = 12")).Refusal?.Notice);
        Assert.Equal(roll.GetRawText(), (await talk.EventAsync(seq)).GetProperty("roll").GetRawText());
        Assert.Null((await talk.DeleteAsync(talk.Bea, seq)).Refusal);
    }

    [Theory]
    [InlineData("1d6")]
    [InlineData("d20")]
    [InlineData("100d1000")]
    [InlineData("2D2")]
    public async Task These_are_dice(string dice)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var beas = Calls.As(broker, talk.Bea);

        await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/events", new { type = "roll", dice });
    }

    [Theory]
    [InlineData("")]
    [InlineData("6")]
    [InlineData("0d6")]
    [InlineData("101d6")]
    [InlineData("2d1")]
    [InlineData("2d1001")]
    [InlineData("2d+6")]
    [InlineData("-2d6")]
    [InlineData("2d6d6")]
    [InlineData("99999999999d6")]
    public async Task These_are_none(string dice)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        using var beas = Calls.As(broker, talk.Bea);
        await using var author = await broker.ConnectAsync(talk.Bea);
        Assert.True((await author.PublishAsync(Topic, """{"type":"roll","dice":"1d6"}""")).Accepted);

        await beas.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/rooms/yard/events", new { type = "roll", dice });
        Assert.Equal(0x83, (await author.PublishAsync(Topic, JsonSerializer.Serialize(new { type = "roll", dice }))).ReasonCode);
        Assert.Equal(0x83, (await author.PublishAsync(Topic, """{"type":"roll"}""")).ReasonCode);
    }

    [Fact]
    public void Every_side_comes()
    {
        List<FieldError> errors = [];
        HashSet<int> seen = [];
        for (var thrown = 0; thrown < 100 && seen.Count < 6; thrown++)
        {
            seen.UnionWith(Roll.Throw("100d6", errors)!.Rolls);
        }

        Assert.Empty(errors);
        Assert.Equal([1, 2, 3, 4, 5, 6], seen.Order());
    }
}
