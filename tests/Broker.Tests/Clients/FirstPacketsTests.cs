using System.Text;
using Microsoft.Extensions.DependencyInjection;
using MQTTnet.Server;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;
using static WebMessenger.Broker.Tests.Clients.Handshakes;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>
/// What comes before and behind CONNECT that no client sends: other packets, lengths and headers that cannot be, halves, silence.
/// </summary>
public sealed class FirstPacketsTests
{
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
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 0);
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
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 0);
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
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 0);
    }
}
