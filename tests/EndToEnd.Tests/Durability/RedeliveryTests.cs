using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Durability;

public sealed class RedeliveryTests(SharedServer shared)
{
    [Fact]
    public async Task What_was_not_acknowledged_comes_again_in_order_also_when_the_connection_breaks_in_the_middle_of_it()
    {
        const int messages = 10, sentAgainBeforeTheBreak = 4;
        using var ana = await Person.RegisterAsync(shared.Server);
        var token = await ana.NewTokenAsync();
        var topic = $"rooms/{await ana.NewRoomAsync()}";
        await using (var first = await ConnectAsync(ana, token, messages))
        {
            Assert.True((await first.SubscribeAsync(topic)).ReasonCodes is [1]);

            // Ana's coming is the room's first event.
            for (var i = 1; i < messages; i++)
            {
                Assert.True((await first.PublishAsync(topic, $"{i}")).Accepted);
            }

            Assert.Equal(Enumerable.Range(1, messages), await SeqsAsync(first, messages));
            first.Abort();
        }

        // Takes some of it again, and is cut off before the rest can follow.
        await using (var second = await ConnectAsync(ana, token, sentAgainBeforeTheBreak))
        {
            Assert.Equal(Enumerable.Range(1, sentAgainBeforeTheBreak), await SeqsAsync(second, sentAgainBeforeTheBreak));
            second.Abort();
        }

        await using var third = await ConnectAsync(ana, token, messages);

        Assert.Equal(Enumerable.Range(1, messages), await SeqsAsync(third, messages));
    }

    private async Task<RawMqttClient> ConnectAsync(Person person, string token, int receiveMaximum)
    {
        var client = await shared.Server.TcpAsync();
        client.AcknowledgesItself = false;
        MqttProperties properties = new();
        properties.Add(PropertyId.SessionExpiry, 3600u);
        properties.Add(PropertyId.ReceiveMaximum, (uint)receiveMaximum);
        var connAck = await client.ConnectAsync(person.UserName, token, "redelivered", cleanStart: false, properties: properties);
        Assert.True(connAck.Accepted, $"{connAck}");
        return client;
    }

    private static async Task<int[]> SeqsAsync(RawMqttClient client, int count)
    {
        var seqs = new int[count];
        for (var i = 0; i < count; i++)
        {
            seqs[i] = (await client.NextPublishAsync()).Json.GetProperty("seq").GetInt32();
        }

        return seqs;
    }
}
