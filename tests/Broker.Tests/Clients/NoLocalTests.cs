using System.Globalization;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>MQTT 5's No Local where events come from the log, and on other connections of the same client.</summary>
public sealed class NoLocalTests
{
    private const byte NoLocal = 4;

    [Fact]
    public async Task Fault_Q9_Catching_up_on_another_connection_brings_what_others_said()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var other = await broker.ConnectAsync(ana, clientId: "other");
        await using (var client = await ConnectAsync(broker, ana))
        {
            await client.SubscribeAsync([new Filter("rooms/lobby", 1, NoLocal), new Filter("users/ana", 1, NoLocal)]);
            await client.PublishAsync("rooms/lobby", "mine");
            await client.PublishAsync("rooms/lobby", "mine", properties: new MqttProperties { { "id", "an \"id\" of mine" } });
            await client.PublishAsync("users/ana", "mine");
            await other.PublishAsync("rooms/lobby", "theirs", properties: new MqttProperties { { "id", "an \"id\" of theirs" } });

            // Heard and acknowledged: else it would come once more to who is back.
            await client.PublishesUntilAsync(publish => publish.Text.Contains("theirs", StringComparison.Ordinal));
            await client.PingAsync();
        }

        await Talk.GoneAsync(broker, ana, but: 1);
        await using var back = await ConnectAsync(broker, ana);
        await back.SubscribeAsync([new Filter("users/ana", 1, NoLocal)], new MqttProperties { { "after", "0" } });
        await back.SubscribeAsync([new Filter("rooms/lobby", 1, NoLocal)], new MqttProperties { { "after", "0" } });

        Assert.Equal(["theirs", "the end"], await HeardAsync(back, other));
    }

    [Fact]
    public async Task Fault_Q9_Who_has_fallen_behind_is_brought_what_others_said()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var other = await broker.ConnectAsync(ana, clientId: "other");
        await using var client = await ConnectAsync(broker, ana, receiveMaximum: 1);
        client.AcknowledgesItself = false;
        await client.SubscribeAsync([new Filter("rooms/lobby", 1, NoLocal)]);
        var held = await NextMessageOrJoinAsync(client, other, "held");
        await other.PublishAsync("rooms/lobby", "theirs");

        // Behind what does not fit the window, so it is met in the log.
        await client.PublishAsync("rooms/lobby", "mine");
        client.AcknowledgesItself = true;

        await client.AcknowledgeAsync(held);

        Assert.Equal(["theirs", "the end"], await HeardAsync(client, other));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("my will")]
    public async Task Fault_Q9_Who_is_back_hears_neither_its_own_words_nor_its_own_will(string? will)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var other = await broker.ConnectAsync(ana, clientId: "other");
        await using (var client = await ConnectAsync(broker, ana, receiveMaximum: 1, will: will))
        {
            client.AcknowledgesItself = false;
            await client.SubscribeAsync([new Filter("rooms/lobby", 1, NoLocal)]);
            await NextMessageOrJoinAsync(client, other, "held");
            await other.PublishAsync("rooms/lobby", "theirs");
            await client.PublishAsync("rooms/lobby", "mine");
            client.Abort();
            await Talk.GoneAsync(broker, ana, but: 1);
        }

        await using var back = await ConnectAsync(broker, ana);

        Assert.Equal(["held", "theirs", "the end"], await HeardAsync(back, other));
    }

    [Fact]
    public void What_is_remembered_of_a_stream_is_bounded_and_tells_clients_apart()
    {
        RecentPublishers said = new();
        var (mine, theirs) = (RecentPublishers.MarkOf("a", "mine"), RecentPublishers.MarkOf("a", "theirs"));
        for (var i = 0; i < RecentPublishers.Capacity; i++)
        {
            said.Add(mine, Id(i));
        }

        Assert.All(Enumerable.Range(0, RecentPublishers.Capacity), i => Assert.True(said.Has(mine, Id(i)) && !said.Has(theirs, Id(i))));
        said.Add(theirs, Id(RecentPublishers.Capacity));
        Assert.False(said.Has(mine, Id(0)));
        Assert.True(said.Has(mine, Id(1)) && said.Has(theirs, Id(RecentPublishers.Capacity)));

        static byte[] Id(int number) => System.Text.Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
    }

    private static async Task<RawMqttClient> ConnectAsync(RunningBroker broker, Member member, uint receiveMaximum = 20, string? will = null)
    {
        var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        var answer = await client.ConnectAsync(
            member.Account.UserName, member.Token, "client", cleanStart: false, will: will is null ? null : new Will("rooms/lobby", will),
            properties: new MqttProperties { { PropertyId.SessionExpiry, 3600 }, { PropertyId.ReceiveMaximum, receiveMaximum } });
        Assert.True(answer.Accepted);
        return client;
    }

    // Fills the window of one. A join that is on its way is acknowledged.
    private static async Task<ReceivedPublish> NextMessageOrJoinAsync(RawMqttClient client, RawMqttClient other, string text)
    {
        await other.PublishAsync("rooms/lobby", text);
        while (true)
        {
            var publish = await client.NextPublishAsync();
            if (Talk.Is(publish, text))
            {
                return publish;
            }

            await client.AcknowledgeAsync(publish);
        }
    }

    private static async Task<string?[]> HeardAsync(RawMqttClient client, RawMqttClient other)
    {
        Assert.True((await other.PublishAsync("rooms/lobby", "the end")).Accepted);
        var heard = await client.PublishesUntilAsync(publish => Talk.Is(publish, "the end"));
        return [.. heard.Where(publish => publish.Json.Type() is "message" or "whisper").Select(publish => publish.Json.Text())];
    }
}
