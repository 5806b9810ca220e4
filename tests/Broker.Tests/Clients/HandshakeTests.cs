using System.Text;
using Microsoft.Extensions.DependencyInjection;
using MQTTnet.Server;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

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
        Assert.Equal(0u, answer.Properties.Number(PropertyId.SharedAvailable));
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
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        await client.SendAsync(Connect(0x85, 0xC2, "bridge"u8.ToArray(), "ana", "secret", "MQTT"));

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

    [Fact]
    public async Task Attack_1_The_first_packet_is_CONNECT()
    {
        await using var broker = await RunningBroker.StartAsync();
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        await client.SendAsync(new byte[] { 0xC0, 0 });

        await client.WaitForCloseAsync();
    }

    [Fact]
    public async Task Attack_2_A_second_CONNECT_ends_the_connection()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);

        await client.SendAsync(ClientPackets.Connect(MqttVersion.V5, "ana", ana.Token));

        Assert.Equal((byte)0x82, (await client.WaitForCloseAsync()).Disconnect);
    }

    [Theory]
    [InlineData("10FFFFFFFF7F")]
    [InlineData("10FFFFFF7F")]
    [InlineData("10814000")]
    public async Task Attack_3_4_A_length_too_long_to_be_true_closes_at_once(string hex)
    {
        await using var broker = await RunningBroker.StartAsync(WithoutHandshakeTimeout);
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);

        // Only the fixed header is sent: whoever waited for the rest would wait for ever.
        await client.SendAsync(Convert.FromHexString(hex));

        await client.WaitForCloseAsync();
    }

    [Theory]
    [InlineData("30FFFFFFFF7F", 0x81)]
    [InlineData("30FFFFFF7F", 0x95)]
    public async Task Attack_3_4_The_same_holds_after_CONNECT(string hex, byte code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);

        await client.SendAsync(Convert.FromHexString(hex));

        Assert.Equal(code, (await client.WaitForCloseAsync()).Disconnect);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Attack_5_Half_a_packet_and_then_the_end_frees_the_connection(bool isSignedIn)
    {
        await using var broker = await RunningBroker.StartAsync(WithoutHandshakeTimeout);
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        if (isSignedIn)
        {
            await client.ConnectAsync("ana", ana.Token);
        }

        await client.SendAsync(new byte[] { (byte)(isSignedIn ? 0x30 : 0x10), 20, 0 });
        await client.Transport.FinishAsync();

        await client.WaitForCloseAsync();
        await UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 0);
    }

    [Fact]
    public async Task Attack_6_7_Whoever_is_silent_or_dribbles_is_closed_after_five_seconds()
    {
        await using var broker = await RunningBroker.StartAsync();
        await using var silent = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await using var slow = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await using var silentBrowser = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, new WebSocketDoor());

        // Every byte is life to a timeout that begins anew; this one does not.
        await slow.SendAsync(new byte[] { 0x10 });
        await silent.WaitForCloseAsync();
        await slow.WaitForCloseAsync();
        await silentBrowser.WaitForCloseAsync();
        await UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 0);
    }

    [Fact]
    public async Task A_client_that_says_nothing_for_its_keep_alive_time_is_taken_for_dead()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var lively = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await using var dead = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await using var unwatched = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311);
        await lively.ConnectAsync("ana", ana.Token, "lively", keepAlive: 60);
        await dead.ConnectAsync("ana", ana.Token, "dead", keepAlive: 1);
        await unwatched.ConnectAsync("ana", ana.Token, "unwatched", keepAlive: 0);

        var closed = await dead.WaitForCloseAsync();

        Assert.Equal((byte)0x8D, closed.Disconnect);
        await lively.PingAsync();
        await unwatched.PingAsync();
    }

    [Fact]
    public async Task Fault_Q15_Bytes_of_a_packet_that_never_ends_are_no_sign_of_life()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var whole = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await using var dribbling = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        await whole.ConnectAsync("ana", ana.Token, "whole", keepAlive: 1);
        await dribbling.ConnectAsync("ana", ana.Token, "dribbling", keepAlive: 1);

        // A PUBLISH of 16,383 bytes, one at a time and faster than the keep-alive time.
        await dribbling.SendAsync(new byte[] { 0x32, 0xFF, 0x7F });
        using PeriodicTimer turn = new(TimeSpan.FromMilliseconds(100));
        while (!dribbling.IsClosed && await turn.WaitForNextTickAsync(TestContext.Current.CancellationToken))
        {
            await whole.PingAsync();
            try
            {
                await dribbling.SendAsync(new byte[] { 0 });
            }
            catch (System.Net.Sockets.SocketException)
            {
                // Closed meanwhile.
            }
        }

        Assert.Equal((byte)0x8D, (await dribbling.WaitForCloseAsync()).Disconnect);
        await whole.PingAsync();
    }

    [Theory]
    [InlineData(300)]
    [InlineData(301)]
    [InlineData(65_535)]
    public async Task Fault_Q16_Every_keep_alive_of_3_1_1_is_watched(int seconds)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311);

        await client.ConnectAsync("ana", ana.Token, "slow", keepAlive: (ushort)seconds);

        Assert.Equal(seconds, broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id).Single().KeepAliveSeconds);
    }

    [Theory]
    [InlineData("0AC0", 0x81)]
    [InlineData("00", 0x81)]
    [InlineData("36FF", 0x81)]
    [InlineData("80FF", 0x81)]
    [InlineData("C1", 0x81)]
    [InlineData("90FF", 0x82)]
    [InlineData("20", 0x82)]
    [InlineData("10FF", 0x82)]
    public async Task Fault_Q20_A_header_that_can_never_be_valid_is_judged_by_its_first_byte(string hex, byte code)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var honest = await broker.ConnectAsync(ana);
        await honest.SendAsync(new byte[] { 0xC0 });
        await honest.SendAsync(new byte[] { 0x00 });
        await using var client = await broker.ConnectAsync(ana);

        await client.SendAsync(Convert.FromHexString(hex));

        Assert.Equal(code, (await client.WaitForCloseAsync()).Disconnect);
        await honest.PingAsync();
    }

    [Fact]
    public async Task Attack_17_Packets_may_span_frames_and_frames_may_hold_many_packets()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, new WebSocketDoor());

        foreach (var one in ClientPackets.Connect(MqttVersion.V5, "ana", ana.Token))
        {
            await client.SendAsync(new[] { one });
        }

        Assert.True(ConnAck.Decode(await client.NextAsync(PacketType.ConnAck), MqttVersion.V5).Accepted);
        byte[] many =
        [
            .. ClientPackets.Publish(MqttVersion.V5, "rooms/lobby", "one"u8.ToArray(), 1, packetId: 1),
            .. ClientPackets.Publish(MqttVersion.V5, "rooms/lobby", "two"u8.ToArray(), 1, packetId: 2),
            0xC0, 0,
        ];
        await client.SendAsync(many);
        var first = PubAck.Decode(await client.NextAsync(PacketType.PubAck, 1));
        var second = PubAck.Decode(await client.NextAsync(PacketType.PubAck, 2));
        Assert.Equal(first.Seq + 1, second.Seq);
        await client.NextAsync(PacketType.PingResp);
    }

    [Fact]
    public async Task Attack_17_A_text_frame_ends_the_connection()
    {
        await using var broker = await RunningBroker.StartAsync(WithoutHandshakeTimeout);
        await using var client = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, new WebSocketDoor());

        await ((WebSocketTransport)client.Transport).SendFrameAsync(
            Encoding.ASCII.GetBytes("hello"), System.Net.WebSockets.WebSocketMessageType.Text, endOfMessage: true);

        Assert.Equal(System.Net.WebSockets.WebSocketCloseStatus.InvalidMessageType, (await client.WaitForCloseAsync()).WebSocket);
        await UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 0);
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

    // What closes a connection here is what the test sent, however slow the machine is.
    private static void WithoutHandshakeTimeout(IServiceCollection services) =>
        services.AddSingleton(new MqttServerOptionsBuilder().WithPersistentSessions(false).WithDefaultCommunicationTimeout(TimeSpan.FromHours(1)).Build());

    private static byte[] Connect(byte level, byte flags, byte[] clientId, string user, string password, string protocol = "MQTT")
    {
        var packet = new MqttWriter().String(protocol).Byte(level).Byte(flags).UInt16(60);
        if (level == 5)
        {
            packet.Properties(null);
        }

        return packet.Binary(clientId).String(user).String(password).ToPacket(PacketType.Connect);
    }
}
