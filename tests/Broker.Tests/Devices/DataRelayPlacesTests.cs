using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Nodes;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>
/// Where there is no place for one more who hears or says data topics, he is told so, and who only talks does not notice.
/// </summary>
public sealed class DataRelayPlacesTests : IAsyncLifetime
{
    private const string Data = Greenhouse.Data;
    private const byte QuotaExceeded = 0x97;

    private readonly FrontAndHome _nodes = new();
    private Greenhouse _house = null!;

    // Both ends of a pipe are this program's here, and each takes a place: Ana has no second one.
    public async ValueTask InitializeAsync() => _house = await Greenhouse.OnAsync(
        await RunningBroker.StartWithAsync(services => FrontAndHome.Into(services, _nodes), "--WebMessenger:Limits:NodePipes=4"));

    public ValueTask DisposeAsync() => _house.DisposeAsync();

    [Fact]
    public async Task Who_has_no_place_is_told_so_and_who_only_talks_does_not_notice()
    {
        await KeptClients.LeaveBehindAsync(_house.Broker, _house.Bob, MqttVersion.V5, "rooms/greenhouse");
        await using var ana = await _house.ListenAsync(_house.Ana);

        await using (var second = await _house.ConnectAsync(_house.Ana))
        {
            await second.SendPublishAsync(Data + "x", new byte[1]);
            Assert.Equal((QuotaExceeded, true), Said(await second.WaitForCloseAsync()));
        }

        var device = await RawMqttClient.OverTcpAsync(_house.Broker.Mqtt);
        await using (device)
        {
            Assert.Equal(QuotaExceeded, (await device.ConnectAsync("ana", await _house.MountAsync(_house.Ana))).ReasonCode);
            await device.WaitForCloseAsync();
        }

        var (bob, answer) = await KeptClients.ConnectAsync(_house.Broker, _house.Bob);
        await using var _ = bob;
        Assert.True(answer.SessionPresent);
        Assert.True((await bob.PublishAsync("rooms/greenhouse", "talk")).Accepted);
        await bob.PublishesUntilAsync(publish => publish.Text.Contains("talk", StringComparison.Ordinal));

        await ana.DisconnectAsync();
        await HandshakeTests.UntilAsync(() => _house.Broker.Get<NodePipes>().Count == 0);
        await using var again = await _house.ListenAsync(_house.Ana);
    }

    private static (byte, bool) Said(Closed closed) =>
        (closed.Disconnect ?? 0, closed.ReasonString?.Contains("no place", StringComparison.Ordinal) ?? false);
}
