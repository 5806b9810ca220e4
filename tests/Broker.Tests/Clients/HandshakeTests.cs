using System.Text;
using Microsoft.Extensions.DependencyInjection;
using MQTTnet.Server;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;
using static WebMessenger.Broker.Tests.Clients.Handshakes;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>CONNECT and CONNACK, and what happens to those who do not come in.</summary>
public sealed class HandshakeTests
{
    [Fact]
    public async Task CONNACK_announces_what_this_server_keeps_to()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        var answer = await client.ConnectAsync("ana", ana.Token, keepAlive: 0, properties: new MqttProperties { { PropertyId.SessionExpiry, uint.MaxValue } });

        Assert.True(answer.Accepted);
        Assert.False(answer.SessionPresent);
        Assert.Equal(128u, answer.Properties.Number(PropertyId.ReceiveMaximum));
        Assert.Equal(65_536u + 8192, answer.Properties.Number(PropertyId.MaximumPacketSize));
        Assert.Equal(16u, answer.Properties.Number(PropertyId.TopicAliasMaximum));
        Assert.Equal(300u, answer.Properties.Number(PropertyId.ServerKeepAlive));
        Assert.Equal(7u * 24 * 60 * 60, answer.Properties.Number(PropertyId.SessionExpiry));
        Assert.Equal(1u, answer.Properties.Number(PropertyId.SharedAvailable));
        Assert.StartsWith("auto-", answer.AssignedClientId, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_keep_alive_within_bounds_and_a_client_id_of_its_own_are_left_alone()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        var answer = await client.ConnectAsync("ana", ana.Token, "phone", keepAlive: 60);

        Assert.Null(answer.AssignedClientId);
        Assert.Null(answer.Properties.Number(PropertyId.ServerKeepAlive));
        Assert.Null(answer.Properties.Number(PropertyId.SessionExpiry));
        Assert.Equal("phone", Assert.Single(broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id)).ClientId);
    }

    /// <summary>[MQTT-3.2.2-22], [MQTT-3.1.2-21]</summary>
    [Theory]
    [InlineData(0, 60u, 60)]
    [InlineData(61, 60u, 60)]
    [InlineData(60, null, 60)]
    [InlineData(59, null, 59)]
    public async Task A_longer_keep_alive_than_the_operator_wants_is_answered_with_his(int asked, uint? told, int watched)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Mqtt:MaximumKeepAlive", "60");
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        var answer = await client.ConnectAsync("ana", ana.Token, "phone", keepAlive: (ushort)asked);

        Assert.Equal(told, answer.Properties.Number(PropertyId.ServerKeepAlive));
        Assert.Equal(watched, broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id).Single().KeepAliveSeconds);
    }

    [Theory]
    [InlineData("V5")]
    [InlineData("V311")]
    public async Task Attack_30_A_client_without_an_id_is_given_one(string version)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana, Enum.Parse<MqttVersion>(version));

        Assert.StartsWith("auto-", Assert.Single(broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id)).ClientId, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("61", 0)]
    [InlineData("C3A9F09F988A", 0)]
    [InlineData("610A62", 0x85)]
    [InlineData("61C28562", 0x85)]
    [InlineData("610062", 0x85)]
    [InlineData("C0AF", 0x85)]
    [InlineData("EDA080", 0x85)]
    public async Task Attack_30_A_client_id_is_UTF8_without_controls(string hex, byte code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        await client.SendAsync(Connect(5, 0xC2, Convert.FromHexString(hex), "ana", ana.Token));

        Assert.Equal(code, ConnAck.Decode(await client.NextAsync(PacketType.ConnAck), MqttVersion.V5).ReasonCode);
    }

    [Fact]
    public async Task Attack_30_A_client_id_has_128_bytes_at_most()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var longest = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await using var tooLong = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311);

        Assert.Equal(0, (await longest.ConnectAsync("ana", ana.Token, new string('x', 128))).ReasonCode);
        Assert.Equal(2, (await tooLong.ConnectAsync("ana", ana.Token, new string('x', 129))).ReasonCode);
        await tooLong.WaitForCloseAsync();
    }

    [Theory]
    [InlineData("MQTT", 4, 0)]
    [InlineData("MQTT", 0x84, 1)]
    [InlineData("MQTT", 0x83, 1)]
    [InlineData("MQTT", 3, 1)]
    [InlineData("MQIsdp", 3, 1)]
    [InlineData("MQIsdp", 0x83, 1)]
    public async Task Fault_Q6_3_1_and_bridges_that_count_on_no_echo_are_told_that_it_is_another_version(string protocol, byte level, byte code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311);

        await client.SendAsync(Connect(level, 0xC2, "bridge"u8.ToArray(), "ana", ana.Token, protocol));

        Assert.Equal(code, ConnAck.Decode(await client.NextAsync(PacketType.ConnAck), MqttVersion.V311).ReasonCode);
        if (code == 0)
        {
            await client.PingAsync();
        }
        else
        {
            await client.WaitForCloseAsync();
        }
    }

    [Theory]
    [InlineData(4, null)]
    [InlineData(5, 0x81)]
    public async Task Fault_Q10_A_malformed_CONNECT_is_answered_where_the_version_has_a_word_for_it(byte level, int? code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var version = level == 5 ? MqttVersion.V5 : MqttVersion.V311;
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, version);

        // The reserved connect flag [MQTT-3.1.2-3].
        await client.SendAsync(Connect(level, 0xC3, "ana"u8.ToArray(), "ana", "secret"));

        if (code is not null)
        {
            Assert.Equal(code, ConnAck.Decode(await client.NextAsync(PacketType.ConnAck), version).ReasonCode);
        }

        await client.WaitForCloseAsync();
        Assert.Equal(code is not null, client.Transcript().Contains("CONNACK", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Fault_Q6_A_bridge_of_MQTT_5_is_told_so_in_its_own_version()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        await client.SendAsync(Connect(0x85, 0xC2, "bridge"u8.ToArray(), "ana", ana.Token, "MQTT"));

        Assert.Equal(0x84, ConnAck.Decode(await client.NextAsync(PacketType.ConnAck), MqttVersion.V5).ReasonCode);
        await client.WaitForCloseAsync();
    }

    [Fact]
    public async Task An_authentication_method_is_refused_by_name()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        var answer = await client.ConnectAsync("ana", ana.Token, properties: new MqttProperties { { PropertyId.AuthenticationMethod, "SCRAM-SHA-1" } });

        Assert.Equal(0x8C, answer.ReasonCode);
        await client.WaitForCloseAsync();
    }

    [Theory]
    [InlineData("V5", 0x86, 0x87)]
    [InlineData("V311", 4, 5)]
    public async Task Nobody_comes_in_without_credentials_or_with_wrong_ones(string versionName, byte wrong, byte none)
    {
        var version = Enum.Parse<MqttVersion>(versionName);
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using (await broker.ConnectAsync(ana, version))
        {
        }

        await using var guesser = await RawMqttClient.OverTcpAsync(broker.Mqtt, version);
        Assert.Equal(wrong, (await guesser.ConnectAsync("ana", "wm_" + new string('A', 43))).ReasonCode);
        await guesser.WaitForCloseAsync();
        await using var stranger = await RawMqttClient.OverTcpAsync(broker.Mqtt, version);
        Assert.Equal(none, (await stranger.ConnectAsync()).ReasonCode);
        await stranger.WaitForCloseAsync();
        await using var page = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, new WebSocketDoor(), version);
        Assert.Equal(none, (await page.ConnectAsync()).ReasonCode);
        Assert.False((await page.WaitForCloseAsync()).Reset);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("1100000000210002270000FFFF2200101901170026000161000162", 0)]
    [InlineData("210002210002", 0x82)]
    [InlineData("210000", 0x82)]
    [InlineData("2700000000", 0x82)]
    [InlineData("1702", 0x82)]
    [InlineData("16000161", 0x82)]
    [InlineData("0101", 0x81)]
    [InlineData("7F00", 0x81)]
    [InlineData("2100", 0x81)]
    public async Task Attack_10_Repeated_unknown_and_senseless_properties_of_CONNECT_are_refused(string hex, byte code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        var properties = Convert.FromHexString(hex);

        await client.SendAsync(new MqttWriter().String("MQTT").Byte(5).Byte(0xC2).UInt16(60).VariableInteger(properties.Length).Raw(properties)
            .String("id").String("ana").String(ana.Token).ToPacket(PacketType.Connect));

        Assert.Equal(code, ConnAck.Decode(await client.NextAsync(PacketType.ConnAck), MqttVersion.V5).ReasonCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_is_refused_or_thrown_out_with_more_on_its_way_hears_why_all_the_same(bool overWebSocket)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");

        // More than the server's buffers take in: when it closes, some of it is still unread.
        byte[] more = [.. Enumerable.Repeat(ClientPackets.Publish(MqttVersion.V5, "rooms/lobby", new byte[60_000]), 5).SelectMany(packet => packet)];
        byte[] refused = [.. ClientPackets.Connect(MqttVersion.V5, "ana", "wm_" + new string('A', 43)), .. more];
        byte[] malformed = [0x36, 0, .. more];
        for (var i = 0; i < 40; i++)
        {
            await using var stranger = await OpenAsync();
            await TrySendAsync(stranger, refused);
            Assert.Equal(0x86, ConnAck.Decode(await stranger.NextAsync(PacketType.ConnAck), MqttVersion.V5).ReasonCode);
            await stranger.WaitForCloseAsync();

            await using var member = await OpenAsync();
            Assert.True((await member.ConnectAsync("ana", ana.Token)).Accepted);
            await TrySendAsync(member, malformed);
            Assert.Equal((byte)0x81, (await member.WaitForCloseAsync()).Disconnect);
        }

        Task<RawMqttClient> OpenAsync() => overWebSocket
            ? RawMqttClient.OverWebSocketAsync(broker.WebSocket, new WebSocketDoor())
            : RawMqttClient.OverTcpAsync(broker.Mqtt);

        // The server may close before all of it is sent.
        static async Task TrySendAsync(RawMqttClient client, byte[] bytes)
        {
            try
            {
                await client.SendAsync(bytes);
            }
            catch (Exception error) when (error is System.Net.WebSockets.WebSocketException or System.Net.Sockets.SocketException or IOException)
            {
            }
        }
    }

    [Fact]
    public async Task Attack_67_An_address_has_so_many_connections_and_no_more()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ConnectionsPerAddress", "2");
        var ana = await broker.RegisterAsync("ana");
        await using var one = await broker.ConnectAsync(ana);
        await using var two = await broker.ConnectAsync(ana);
        try
        {
            await using var tooMany = await RawMqttClient.OverTcpAsync(broker.Mqtt);
            await tooMany.WaitForCloseAsync();
        }
        catch (System.Net.Sockets.SocketException)
        {
            // Cut off before it was even open.
        }

        Assert.Equal(System.Net.HttpStatusCode.TooManyRequests, await RawMqttClient.UpgradeStatusAsync(broker.WebSocket, new WebSocketDoor()));

        await one.DisconnectAsync();
        await one.WaitForCloseAsync();
        var limits = broker.Get<WebMessenger.Broker.Clients.ConnectionLimits>();
        await UntilAsync(() => limits.TryEnter(System.Net.IPAddress.Loopback));
        limits.Leave(System.Net.IPAddress.Loopback);
        await using var three = await broker.ConnectAsync(ana);
        await three.PingAsync();
    }

    [Fact]
    public async Task Attack_67_An_account_has_so_many_connections_and_no_more()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ConnectionsPerAccount", "2");
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var one = await broker.ConnectAsync(ana, clientId: "one");
        await using var two = await broker.ConnectAsync(ana, clientId: "two");
        await using var tooMany = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        Assert.Equal(0x97, (await tooMany.ConnectAsync("ana", ana.Token, "three")).ReasonCode);

        await using var another = await broker.ConnectAsync(bob);
        await using var twoAgain = await broker.ConnectAsync(ana, clientId: "two");
        await two.WaitForCloseAsync();
        await twoAgain.PingAsync();
        await one.PingAsync();
    }

    /// <summary>Waits for what no packet announces: the server's own books.</summary>
    internal static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(RawMqttClient.Patience);
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(5));
        while (!condition())
        {
            await look.WaitForNextTickAsync(patience.Token);
        }
    }
}
