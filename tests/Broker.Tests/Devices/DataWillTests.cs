using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Wills on data topics: retained, late, with properties, and only where the client may write.</summary>
public sealed class DataWillTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_will_is_said_with_its_QoS_flag_and_properties_also_when_the_client_is_taken_over(bool isMounted)
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var listener = await house.ListenAsync(house.Bob, options: 8);
        var token = isMounted ? await house.MountAsync(house.Ana) : house.Ana.Token;
        Will will = new(
            (isMounted ? "" : Greenhouse.Data) + "lamp/online", "no", 2, true,
            new() { { PropertyId.ContentType, "text/plain" }, { "a", "b" }, { PropertyId.WillDelay, 0 } });
        await using var lost = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        Assert.True((await lost.ConnectAsync("ana", token, "lamp", will: will)).Accepted);

        await using var taker = await house.ConnectAsync(house.Ana, clientId: "lamp", password: token);

        var heard = await listener.NextPublishAsync();
        Assert.Equal((Greenhouse.Data + "lamp/online", "no", 2, true), (heard.Topic, heard.Text, heard.Qos, heard.Retain));
        Assert.Equal(["ContentType", "UserProperty"], heard.Properties.Select(property => $"{property.Id}"));
        await using var late = await house.ListenAsync(house.Bob, "lamp/#");
        heard = await late.NextPublishAsync();
        Assert.Equal(("no", true), (heard.Text, heard.Retain));
    }

    [Fact]
    public async Task A_will_with_a_delay_waits_and_one_that_says_goodbye_says_none()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var listener = await house.ListenAsync(house.Bob);
        await using var polite = await WithWillAsync(house, "polite", delay: 0);
        await polite.DisconnectAsync();
        await polite.WaitForCloseAsync();
        await using var late = await WithWillAsync(house, "late", delay: 1);
        late.Abort();

        Assert.Equal("late", (await listener.NextPublishAsync()).Text);
    }

    [Fact]
    public async Task Attack_41_A_will_where_the_client_may_not_write_or_may_no_more_is_not_said()
    {
        await using var house = await Greenhouse.OpenAsync();
        await using var listener = await house.ListenAsync(house.Ana);
        await using var allowed = await WithWillAsync(house, "allowed", delay: 0);
        allowed.Abort();
        Assert.Equal("allowed", (await listener.NextPublishAsync()).Text);
        await using var refused = await WithWillAsync(house, "refused", delay: 0);
        await house.RuleAsync(write: "moderators");
        refused.Abort();
        await using var never = await WithWillAsync(house, "never", delay: 0);
        never.Abort();

        await Clients.HandshakeTests.UntilAsync(() => house.Broker.Get<Broker.Clients.ConnectionDirectory>().Count == 1);
        await house.Broker.Get<Broker.Devices.DataSpaces>().SettleAsync();
        await listener.PingAsync();
        Assert.Empty(listener.AlreadyHere());
    }

    private static async Task<RawMqttClient> WithWillAsync(Greenhouse house, string clientId, uint delay)
    {
        var client = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        var answer = await client.ConnectAsync(
            "bob", house.Bob.Token, clientId, will: new Will(Greenhouse.Data + "x", clientId, 1, Properties: new() { { PropertyId.WillDelay, delay } }),
            properties: new() { { PropertyId.SessionExpiry, 60 } });
        Assert.True(answer.Accepted);
        return client;
    }
}
