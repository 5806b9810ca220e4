using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Tests.Transports;

/// <summary>Sockets that nobody signed in on, of every kind.</summary>
public sealed class StrangerTests
{
    private const string Stranger = "127.0.0.2";
    private const int PerAddress = 10;

    [Theory]
    [InlineData("http", "")]
    [InlineData("http", "GET / HTTP/1.1\r\nHost: localhost\r\n")]
    [InlineData("http", "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n")]
    [InlineData("https", "")]
    [InlineData("mqtt", "\u0010")]
    [InlineData("mqtts", "")]
    public async Task Fault_S1_Sockets_of_every_kind_are_counted_and_those_that_say_too_little_are_closed(string scheme, string says)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs a second address of loopback.");
        using TestCertificate certificate = new();
        await using var broker = await RunningBroker.StartAsync(
            [.. certificate.Settings.Select(setting => $"--{setting}"), "--Urls", "http://127.0.0.1:0;https://127.0.0.1:0", $"--WebMessenger:Limits:SocketsPerAddress={PerAddress}"]);
        var ana = await broker.RegisterAsync("ana");
        var sockets = broker.Get<OpenSockets>();
        await using var honest = await broker.ConnectAsync(ana);
        List<Socket> strangers = [];
        try
        {
            for (var i = 0; i < PerAddress * 3; i++)
            {
                strangers.Add(await OpenAsync(At(broker, scheme), Encoding.Latin1.GetBytes(says)));
            }

            // Those over the cap see the end of their connection at once; the others keep their places.
            await HandshakeTests.UntilAsync(() => strangers.Count(IsOver) >= PerAddress * 2);
            Assert.InRange(sockets.Count, 1, PerAddress + 1);
            Assert.True((await honest.PublishAsync("rooms/lobby", "I am in")).Accepted);
            using HttpClient http = new() { BaseAddress = broker.Http };
            Assert.Equal("ready", await http.GetStringAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken));

            // And none of them for long: what says nothing, or not enough, is closed by the server.
            await HandshakeTests.UntilAsync(() => strangers.TrueForAll(IsOver));
        }
        finally
        {
            strangers.ForEach(stranger => stranger.Dispose());
        }

        await HandshakeTests.UntilAsync(() => sockets.Count <= 2);
    }

    [Theory]
    [InlineData("http", "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", true)]
    [InlineData("http", "GET /health/live HTTP/1.1\r\nHost: localhost\r\n", false)]
    [InlineData("mqtt", "\u0010\u000d\0\u0004MQTT\u0004\u0002\0\u003c\0\u0001a", true)]
    [InlineData("mqtt", "\u0010\u000d\0\u0004MQTT\u0004\u0003\0\u003c\0\u0001a", false)]
    [InlineData("https", "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", true)]
    [InlineData("https", "", false)]
    [InlineData("mqtts", "\u0010\u000d\0\u0004MQTT\u0004\u0002\0\u003c\0\u0001a", true)]
    [InlineData("mqtts", "", false)]
    public async Task Fault_S1_Whoever_says_what_he_came_for_may_open_five_times_as_many_sockets(string scheme, string says, bool isUse)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs a second address of loopback.");
        using TestCertificate certificate = new();
        await using var broker = await RunningBroker.StartAsync(
            [
                .. certificate.Settings.Select(setting => $"--{setting}"), "--Urls", "http://127.0.0.1:0;https://127.0.0.1:0",
                "--WebMessenger:Limits:SocketsPerSecondPerAddress", "1",
            ]);
        List<Socket> opened = [];
        try
        {
            // Far more than forty seconds' worth of those that say nothing, for some seconds pass meanwhile.
            for (var i = 0; i < (isUse ? 12 : 40); i++)
            {
                var bytes = Encoding.Latin1.GetBytes(says);
                var isTls = isUse && scheme.EndsWith('s');
                opened.Add(await OpenAsync(At(broker, scheme), isTls ? default : bytes));
                if (isTls)
                {
                    await using SslStream tls = new(new NetworkStream(opened[^1]), false, (_, shown, chain, _) => certificate.Signed(shown, chain));
                    await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost" }, TestContext.Current.CancellationToken);
                    await tls.WriteAsync(bytes, TestContext.Current.CancellationToken);
                    Assert.NotEqual(0, await tls.ReadAsync(new byte[1], TestContext.Current.CancellationToken));
                }
                else if (isUse)
                {
                    Assert.NotEqual("", await AnswerAsync(opened[^1]));
                }
            }

            opened.Add(await OpenAsync(At(broker, "http"), "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray()));
            Assert.Equal(isUse ? "HTTP/1.1 200" : "", await AnswerAsync(opened[^1]));
        }
        finally
        {
            opened.ForEach(socket => socket.Dispose());
        }
    }

    // What comes first, or nothing when the server has closed it.
    private static async Task<string> AnswerAsync(Socket socket)
    {
        var bytes = new byte[12];
        try
        {
            return Encoding.Latin1.GetString(bytes, 0, await socket.ReceiveAsync(bytes, TestContext.Current.CancellationToken));
        }
        catch (SocketException)
        {
            return "";
        }
    }

    [Fact]
    public async Task Fault_S1_Of_what_a_connection_sends_and_nobody_reads_little_is_kept()
    {
        await using var broker = await RunningBroker.StartAsync();
        var limits = broker.Get<IOptions<KestrelServerOptions>>().Value.Limits;

        // Of real connections only the kernel's own buffers could be measured, which are larger.
        Assert.Equal(64 * 1024, limits.MaxRequestBufferSize);
        Assert.Equal(96 * 1024, limits.Http2.InitialConnectionWindowSize);
        Assert.Equal(64 * 1024, limits.Http2.InitialStreamWindowSize);
        Assert.Equal(100, limits.Http2.MaxStreamsPerConnection);
    }

    [Fact]
    public async Task Fault_S1_A_trusted_proxy_is_not_bounded_as_a_stranger_is()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs a second address of loopback.");
        await using var broker = await RunningBroker.StartAsync($"--WebMessenger:TrustedProxies:0={Stranger}", $"--WebMessenger:Limits:SocketsPerAddress={PerAddress}");
        var sockets = broker.Get<OpenSockets>();
        List<Socket> proxied = [];
        try
        {
            for (var i = 0; i < PerAddress * 3; i++)
            {
                proxied.Add(await OpenAsync(At(broker, "http"), default));
            }

            await HandshakeTests.UntilAsync(() => sockets.Count == PerAddress * 3);
        }
        finally
        {
            proxied.ForEach(socket => socket.Dispose());
        }

        await HandshakeTests.UntilAsync(() => sockets.Count == 0);
    }

    [Fact]
    public async Task A_connection_that_is_idle_between_requests_and_a_page_with_its_WebSocket_stay()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using var page = await broker.ConnectBrowserAsync(await broker.SignInAsync(ana.Account));
        using var idle = await OpenAsync(At(broker, "http"), "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
        using var silent = await OpenAsync(At(broker, "http"), default);

        // The silent one is the clock: it was opened last.
        await HandshakeTests.UntilAsync(() => IsOver(silent));

        await page.PingAsync();
        Assert.False(IsOver(idle));
        await idle.SendAsync("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        var answers = new byte[16_384];
        var got = 0;
        while (Encoding.ASCII.GetString(answers, 0, got).Split("\r\n\r\nlive").Length < 3)
        {
            var count = await idle.ReceiveAsync(answers.AsMemory(got), TestContext.Current.CancellationToken);
            Assert.NotEqual(0, count);
            got += count;
        }
    }

    private static IPEndPoint At(RunningBroker broker, string scheme)
    {
        Uri address = new(broker.Program.Addresses.Single(address => address.StartsWith(scheme + ":", StringComparison.Ordinal)));
        return new IPEndPoint(IPAddress.Loopback, address.Port);
    }

    private static async Task<Socket> OpenAsync(IPEndPoint server, ReadOnlyMemory<byte> says)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (OperatingSystem.IsLinux())
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(Stranger), 0));
        }

        try
        {
            await socket.ConnectAsync(server, TestContext.Current.CancellationToken);
            await socket.SendAsync(says, TestContext.Current.CancellationToken);
        }
        catch (SocketException)
        {
            // One too many: cut already.
        }

        return socket;
    }

    private static readonly byte[] Nothing = new byte[4096];

    // What the server says before it closes is read away.
    private static bool IsOver(Socket socket)
    {
        try
        {
            while (socket.Poll(0, SelectMode.SelectRead))
            {
                var available = socket.Available;
                if (available == 0)
                {
                    return true;
                }

                // An answer that is kept for the test itself.
                if (Encoding.ASCII.GetString(Nothing, 0, socket.Receive(Nothing, SocketFlags.Peek)).Contains("\r\n\r\nlive", StringComparison.Ordinal))
                {
                    return false;
                }

                socket.Receive(Nothing);
            }

            return !socket.Connected;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
