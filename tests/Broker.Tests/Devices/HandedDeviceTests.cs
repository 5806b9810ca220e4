using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Nodes;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Devices that another node serves than the one to which they came (ADR 0088): how they end.</summary>
public sealed class HandedDeviceTests : IAsyncLifetime
{
    private readonly FrontAndHome _nodes = new();
    private Greenhouse _house = null!;

    public async ValueTask InitializeAsync() =>
        _house = await Greenhouse.OnAsync(await RunningBroker.StartWithAsync(services => FrontAndHome.Into(services, _nodes)));

    public ValueTask DisposeAsync() => _house.DisposeAsync();

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task A_device_that_is_sent_to_another_node_has_no_will_said(int level)
    {
        var version = (MqttVersion)level;
        var token = await _house.MountAsync(_house.Bob);
        await using var ana = await _house.ListenAsync(_house.Ana);
        await using (var lost = await DyingAsync("lost"))
        {
            lost.Abort();
        }

        Assert.Equal("lost", (await ana.NextPublishAsync()).Text);

        await using var device = await DyingAsync("sent");
        await Task.WhenAll(_house.Broker.Get<ConnectionDirectory>().All
            .Where(client => client.Elsewhere is { Serves: true }).Select(client => client.SendElsewhereAsync(MqttAcceptor.DrainTime)));

        Assert.Equal(version == MqttVersion.V5 ? (byte?)0x9D : null, (await device.WaitForCloseAsync()).Disconnect);
        await HandshakeTests.UntilAsync(() => !_house.Broker.Get<ConnectionDirectory>().All.Any(client => client.Identity.Mount is not null));
        await _house.PublishAsync("after");
        Assert.Equal("after", (await ana.NextPublishAsync()).Text);

        async Task<RawMqttClient> DyingAsync(string payload)
        {
            var client = await RawMqttClient.OverTcpAsync(_house.Broker.Mqtt, version);
            var answer = await client.ConnectAsync("bob", token, will: new Will("state", payload, 1));
            Assert.True(answer.Accepted);
            return client;
        }
    }
}
