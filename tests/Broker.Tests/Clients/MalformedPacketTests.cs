using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>Every class of malformed packet of MQTT 5.0 and 3.1.1, over a real socket, with an honest client beside it.</summary>
public sealed class MalformedPacketTests(MalformedPacketTests.Server server) : IClassFixture<MalformedPacketTests.Server>
{
    /// <summary>Rows by their names, so that each is a test of its own.</summary>
    public static TheoryData<string> Rows => [.. MalformedPackets.All("ana", "secret").Select(row => row.ToString())];

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Attack_8_9_10_11_A_packet_is_taken_or_refused_as_the_standard_says(string name)
    {
        var row = server.Rows[name];
        await using var client = await RawMqttClient.OverTcpAsync(server.Broker.Mqtt, row.Version);
        if (!row.IsFirst)
        {
            Assert.True((await client.ConnectAsync("ana", server.Ana.Token)).Accepted);
        }

        await client.SendAsync(row.Bytes);

        if (row.IsFirst && row.Code is { } code)
        {
            Assert.Equal(code, ConnAck.Decode(await client.NextAsync(PacketType.ConnAck), row.Version).ReasonCode);
        }

        if (row.Code == 0)
        {
            await client.PingAsync();
        }
        else
        {
            var closed = await client.WaitForCloseAsync();
            Assert.Equal(row.IsFirst ? null : row.Code, closed.Disconnect);
        }

        // Neither its connection nor what it said is lost.
        var answer = await server.Honest.PublishAsync("users/honest", name);
        Assert.True(answer.Accepted);
        Assert.Equal(name, (await server.Honest.NextPublishAsync()).Json.Text());
    }

    public sealed class Server : IAsyncLifetime
    {
        internal RunningBroker Broker { get; private set; } = null!;

        internal Member Ana { get; private set; } = null!;

        internal RawMqttClient Honest { get; private set; } = null!;

        internal IReadOnlyDictionary<string, MalformedPacket> Rows { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Broker = await RunningBroker.StartAsync();
            Ana = await Broker.RegisterAsync("ana");
            Honest = await Broker.ConnectAsync(await Broker.RegisterAsync("honest"), clientId: "honest");
            await Honest.SubscribeAsync("users/honest");
            Rows = MalformedPackets.All("ana", Ana.Token).ToDictionary(row => row.ToString());
        }

        public async ValueTask DisposeAsync()
        {
            // Only the honest client is left.
            await HandshakeTests.UntilAsync(() => Broker.Get<ConnectionDirectory>().Count == 1);
            await Honest.PingAsync();
            await Honest.DisposeAsync();
            await Broker.DisposeAsync();
        }
    }
}
