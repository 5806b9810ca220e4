using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using MqttAcceptor = WebMessenger.Broker.Clients.MqttAcceptor;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>WebSocket by the byte: what other people's clients offer, send, and see at the end.</summary>
public sealed class WebSocketTests
{
    private const byte CloseFrame = 0x88, BinaryFrame = 0x82, MaskBit = 0x80;

    [Fact]
    public async Task Fault_Q5_Who_closes_hears_the_servers_close_and_then_the_end_and_never_a_reset()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ends = await Task.WhenAll(Enumerable.Range(0, 60).Select(async _ =>
        {
            using var client = await UpgradeAsync(broker.Http);
            await client.SendAsync(Masked(CloseFrame, [0x03, 0xE8]));
            return await client.ReadToEndAsync();
        }));

        Assert.All(ends, end => Assert.Equal("880203E8", end));
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 0);
    }

    [Fact]
    public async Task Fault_Q5_The_server_closes_in_order_over_HTTP_2_as_well()
    {
        using TestCertificate certificate = new();
        await using var broker = await RunningBroker.StartAsync([.. certificate.Settings.Select(setting => $"--{setting}"), "--Urls", "http://127.0.0.1:0;https://127.0.0.1:0"]);
        var https = new Uri(broker.Program.Addresses.Single(address => address.StartsWith("https:", StringComparison.Ordinal)));
        using HttpMessageInvoker invoker = new(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, chain, _) => certificate.Signed(shown, chain) },
        });
        for (var i = 0; i < 20; i++)
        {
            using ClientWebSocket socket = new();
            socket.Options.HttpVersion = HttpVersion.Version20;
            socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
            socket.Options.AddSubProtocol("mqtt");
            await socket.ConnectAsync(new UriBuilder(https) { Scheme = "wss", Path = "/mqtt" }.Uri, invoker, TestContext.Current.CancellationToken);

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, TestContext.Current.CancellationToken);

            Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
            Assert.Equal(WebSocketState.Closed, socket.State);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault_Q14_An_unmasked_frame_ends_the_connection(bool inTwoPieces)
    {
        await using var broker = await RunningBroker.StartAsync();
        var connect = ClientPackets.Connect(MqttVersion.V5);
        using (var client = await UpgradeAsync(broker.Http))
        {
            await client.SendAsync(Masked(BinaryFrame, connect));
            await client.SendAsync(Masked(BinaryFrame, []));
            Assert.StartsWith("82", await client.ReadToEndAsync(), StringComparison.Ordinal);
        }

        using var unmasked = await UpgradeAsync(broker.Http);
        byte[] frame = [BinaryFrame, (byte)connect.Length, .. connect];
        var first = inTwoPieces ? 1 : frame.Length;
        await unmasked.SendAsync(frame[..first]);
        await unmasked.SendAsync(frame[first..]);

        Assert.Equal("880203EA", await unmasked.ReadToCloseAsync());
        await unmasked.ReadToEndAsync();
    }

    [Fact]
    public async Task A_server_that_stops_refuses_the_handshake_so_that_a_balancer_goes_elsewhere_with_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        await broker.Get<MqttAcceptor>().SendElsewhereAsync(() => Task.CompletedTask, TimeSpan.Zero);
        using HttpClient http = new() { BaseAddress = broker.Http };
        using HttpRequestMessage request = new(HttpMethod.Get, "/mqtt");
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.Add(new ProductHeaderValue("websocket"));
        request.Headers.Add("Sec-WebSocket-Version", "13");
        request.Headers.Add("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEA==");
        request.Headers.Add("Sec-WebSocket-Protocol", "mqtt");

        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
        Assert.True(answer.Headers.ConnectionClose);
    }

    [Theory]
    [InlineData("8")]
    [InlineData("12")]
    [InlineData("14")]
    public async Task Fault_Q14_Another_version_of_WebSocket_is_told_which_one_is_spoken(string version)
    {
        await using var broker = await RunningBroker.StartAsync();
        using HttpClient http = new() { BaseAddress = broker.Http };
        foreach (var (asked, status) in new[] { ("13", HttpStatusCode.SwitchingProtocols), (version, HttpStatusCode.UpgradeRequired) })
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "/mqtt");
            request.Headers.Connection.Add("Upgrade");
            request.Headers.Upgrade.Add(new ProductHeaderValue("websocket"));
            request.Headers.Add("Sec-WebSocket-Version", asked);
            request.Headers.Add("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEA==");
            request.Headers.Add("Sec-WebSocket-Protocol", "mqtt");

            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

            Assert.Equal(status, answer.StatusCode);
            Assert.True(status == HttpStatusCode.SwitchingProtocols || answer.Headers.GetValues("Sec-WebSocket-Version").Single() == "13");
        }
    }

    [Theory]
    [InlineData("mqtt", "mqtt")]
    [InlineData("mqttv3.1", "mqttv3.1")]
    [InlineData("mqttv3.1.1", "mqttv3.1.1")]
    [InlineData("mqttv3.1, mqtt", "mqtt")]
    [InlineData("chat, mqttv3.1", "mqttv3.1")]
    [InlineData("chat", null)]
    public async Task Fault_Q21_The_sub_protocol_that_was_offered_is_answered(string offered, string? answered)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var head = await RawWebSocket.HeadOfUpgradeAsync(broker.Http, offered);
        if (answered is null)
        {
            Assert.StartsWith("HTTP/1.1 400", head, StringComparison.Ordinal);
            return;
        }

        Assert.Contains($"\r\nSec-WebSocket-Protocol: {answered}\r\n", head, StringComparison.Ordinal);
        if (!offered.Contains(','))
        {
            await using var client = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, new WebSocketDoor(SubProtocol: offered), MqttVersion.V311);
            Assert.True((await client.ConnectAsync("ana", ana.Token)).Accepted);
        }
    }

    private static async Task<RawWebSocket> UpgradeAsync(Uri server) => await RawWebSocket.OpenAsync(server);

    private static byte[] Masked(byte header, byte[] payload) => [header, (byte)(MaskBit | payload.Length), 0, 0, 0, 0, .. payload];

    private sealed class RawWebSocket(Socket socket) : IDisposable
    {
        public static async Task<RawWebSocket> OpenAsync(Uri server)
        {
            var (socket, head) = await UpgradeAsync(server, "mqtt");
            Assert.StartsWith("HTTP/1.1 101", head, StringComparison.Ordinal);
            return new RawWebSocket(socket);
        }

        public static async Task<string> HeadOfUpgradeAsync(Uri server, string protocols)
        {
            var (socket, head) = await UpgradeAsync(server, protocols);
            socket.Dispose();
            return head;
        }

        public async Task SendAsync(byte[] bytes) => await socket.SendAsync(bytes, TestContext.Current.CancellationToken);

        /// <summary>All that comes until the end, as hexadecimal digits; `reset` behind it when it was no end.</summary>
        public async Task<string> ReadToEndAsync()
        {
            using CancellationTokenSource patience = new(RawMqttClient.Patience);
            StringBuilder all = new();
            var buffer = new byte[4096];
            try
            {
                while (await socket.ReceiveAsync(buffer, patience.Token) is var count and > 0)
                {
                    all.Append(Convert.ToHexString(buffer.AsSpan(0, count)));
                }
            }
            catch (SocketException)
            {
                all.Append("reset");
            }

            return all.ToString();
        }

        /// <summary>A close frame with a code, as hexadecimal digits.</summary>
        public async Task<string> ReadToCloseAsync()
        {
            using CancellationTokenSource patience = new(RawMqttClient.Patience);
            var close = new byte[4];
            var got = 0;
            while (got < close.Length && await socket.ReceiveAsync(close.AsMemory(got), patience.Token) is var count and > 0)
            {
                got += count;
            }

            return Convert.ToHexString(close.AsSpan(0, got));
        }

        public void Dispose() => socket.Dispose();

        private static async Task<(Socket Socket, string Head)> UpgradeAsync(Uri server, string protocols)
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, server.Port, TestContext.Current.CancellationToken);
            await socket.SendAsync(Encoding.ASCII.GetBytes(
                $"GET /mqtt HTTP/1.1\r\nHost: {server.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Protocol: {protocols}\r\n\r\n"));
            StringBuilder head = new();
            var one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await socket.ReceiveAsync(one, TestContext.Current.CancellationToken) > 0)
            {
                head.Append((char)one[0]);
            }

            return (socket, head.ToString());
        }
    }
}
