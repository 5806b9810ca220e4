using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>What requests hold that do not come to their end, over real sockets.</summary>
public sealed partial class RequestsUnderWayTests
{
    private const int PerAddress = 4;
    private const string Neighbour = "127.0.0.2";

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Fault_S3_Answers_that_are_not_read_over_HTTP_2_are_a_few_and_are_cut_off()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs a second address of loopback.");
        using TestCertificate certificate = new();
        await using var broker = await StartAsync(certificate);
        var requests = broker.Get<RequestsUnderWay>();
        using var stranger = Client(broker, certificate, null);
        var file = await LongestFileAsync(stranger);
        List<HttpResponseMessage> unread = [];
        for (var i = 0; i < PerAddress; i++)
        {
            unread.Add(await stranger.GetAsync(file, HttpCompletionOption.ResponseHeadersRead, Cancellation));
            Assert.Equal(HttpVersion.Version20, unread[i].Version);
        }

        // The next one waits, and is refused by words that say when to come again.
        var next = stranger.GetAsync(file, Cancellation);
        await HandshakeTests.UntilAsync(() => requests.Waiting == 1);
        using (var neighbour = Client(broker, certificate, Neighbour))
        using (var health = await stranger.GetAsync(new Uri("/health/live", UriKind.Relative), Cancellation))
        {
            Assert.Equal(200, (int)health.StatusCode);
            Assert.NotEmpty(await neighbour.GetByteArrayAsync(file, Cancellation));
        }

        _time.Advance(RequestsUnderWay.LongestWait);
        using var refused = await next;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal(RequestsUnderWay.LongestWait, refused.Headers.RetryAfter?.Delta);
        Assert.Equal("busy", (await refused.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("code").GetString());

        // One that waits gets the place of one that is read.
        var waiting = stranger.GetAsync(new Uri("/api/session", UriKind.Relative), Cancellation);
        await HandshakeTests.UntilAsync(() => requests.Waiting == 1);
        Assert.NotEmpty(await unread[0].Content.ReadAsByteArrayAsync(Cancellation));
        using var served = await waiting;
        Assert.Equal(HttpStatusCode.Unauthorized, served.StatusCode);

        _time.Advance(SteadyBody.LongestPause);
        foreach (var cut in unread.Skip(1))
        {
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => cut.Content.ReadAsByteArrayAsync(Cancellation));
        }

        using var after = await stranger.GetAsync(file, Cancellation);
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
        unread.ForEach(answer => answer.Dispose());
    }

    [Fact]
    public async Task Fault_S1_A_request_that_does_not_end_holds_a_place_for_two_minutes_at_most()
    {
        using TestCertificate certificate = new();
        await using var broker = await StartAsync(certificate);
        using Socket stranger = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await stranger.ConnectAsync(IPAddress.Loopback, broker.Http.Port, Cancellation);
        await stranger.SendAsync(Encoding.ASCII.GetBytes(
            "POST /api/session/guest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 3000\r\n\r\n{\"nickname\":\""), Cancellation);
        using HttpClient http = new() { BaseAddress = broker.Http };
        var requests = broker.Get<RequestsUnderWay>();
        var taken = Enumerable.Range(0, PerAddress - 1).Select(_ => OpenBodyAsync(broker)).ToArray();
        var sockets = await Task.WhenAll(taken);

        var next = http.GetAsync(new Uri("/api/session", UriKind.Relative), Cancellation);
        await HandshakeTests.UntilAsync(() => requests.Waiting == 1);
        stranger.Close();
        using var served = await next;
        Assert.Equal(HttpStatusCode.Unauthorized, served.StatusCode);

        _time.Advance(RequestsUnderWay.Longest);
        foreach (var socket in sockets)
        {
            Assert.True(await EndsAsync(socket));
            socket.Dispose();
        }
    }

    [Fact]
    public async Task Fault_S1_A_body_is_whole_within_ten_seconds()
    {
        DefaultHttpContext context = new() { RequestServices = new ServiceCollection().AddSingleton<TimeProvider>(_time).BuildServiceProvider() };
        System.IO.Pipelines.Pipe body = new();
        await body.Writer.WriteAsync("{\"nickname\":\"a"u8.ToArray(), Cancellation);
        (context.Request.ContentType, context.Request.Body) = ("application/json", body.Reader.AsStream());

        var reading = JsonBody.ReadAsync(context.Request, AuthJson.Default.GuestRequest);
        _time.Advance(RequestBody.LongestBody - TimeSpan.FromSeconds(1));
        await body.Writer.WriteAsync("a"u8.ToArray(), Cancellation);
        Assert.False(reading.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(StatusCodes.Status408RequestTimeout, (await reading).Problem?.StatusCode);
    }

    [Theory]
    [InlineData("/api/session/guest", "nickname")]
    [InlineData("/api/accounts", "email")]
    [InlineData("/api/session", "login")]
    [InlineData("/api/password-links/look", "secret")]
    public async Task Fault_S1_Who_is_not_signed_in_sends_four_kilobytes_at_most(string path, string field)
    {
        await using var broker = await RunningBroker.StartAsync();
        using HttpClient http = new() { BaseAddress = broker.Http };
        foreach (var (length, isTooLarge) in new[] { (3000, false), (5000, true) })
        {
            using var answer = await http.PostAsJsonAsync(
                new Uri(path, UriKind.Relative), new Dictionary<string, string> { [field] = new('a', length) }, Cancellation);
            Assert.Equal(isTooLarge, answer.StatusCode == HttpStatusCode.RequestEntityTooLarge);
        }
    }

    [Fact]
    public async Task A_WebSocket_that_is_open_takes_no_place()
    {
        await using var broker = await RunningBroker.StartAsync($"--WebMessenger:Limits:RequestsUnderWayPerAddress={PerAddress}");
        var browser = await broker.SignInAsync((await broker.RegisterAsync("ana")).Account);
        List<RawMqttClient> tabs = [];
        for (var i = 0; i < PerAddress * 2; i++)
        {
            tabs.Add(await broker.ConnectBrowserAsync(browser));
        }

        Assert.Equal(0, broker.Get<RequestsUnderWay>().Waiting);
        foreach (var tab in tabs)
        {
            await tab.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(StatusCodes.Status101SwitchingProtocols, 0)]
    [InlineData(StatusCodes.Status200OK, 1)]
    [InlineData(StatusCodes.Status426UpgradeRequired, 1)]
    public async Task Fault_S1_Who_asks_for_an_upgrade_and_gets_another_answer_keeps_his_place(int status, int waiting)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("WebMessenger:Limits:RequestsUnderWayPerAddress", "1"), new("WebMessenger:Limits:RequestsUnderWay", "4")]).Build();
        using RequestsUnderWay requests = new(SettingsReader.Read(configuration), _time);
        TaskCompletionSource end = new();
        var asked = requests.ServeAsync(Request(), async context =>
        {
            context.Response.StatusCode = status;
            await context.Response.StartAsync(Cancellation);
            await end.Task;
        });

        var next = requests.ServeAsync(Request(), _ => Task.CompletedTask);

        Assert.Equal(waiting, requests.Waiting);
        end.SetResult();
        await Task.WhenAll(asked, next);

        static DefaultHttpContext Request()
        {
            FeatureCollection features = new();
            features.Set<IHttpRequestFeature>(new HttpRequestFeature());
            features.Set<IHttpUpgradeFeature>(new Upgradable());
            StartedAnswer answer = new();
            features.Set<IHttpResponseFeature>(answer);
            features.Set<IHttpResponseBodyFeature>(answer);
            return new DefaultHttpContext(features) { Connection = { RemoteIpAddress = IPAddress.Loopback } };
        }
    }

    [Theory]
    [InlineData(0, 256L << 20, 256)]
    [InlineData(0, 16L << 20, 64)]
    [InlineData(0, 64L << 30, 2048)]
    [InlineData(7, 64L << 30, 7)]
    public void Of_the_memory_an_eighth_is_for_requests(int configured, long memory, int places) =>
        Assert.Equal(places, RequestsUnderWay.PlacesOf(new BrokerLimits { RequestsUnderWay = configured }, memory));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault_S3_The_kernel_keeps_little_of_what_a_socket_does_not_take(bool isMqtt)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere an accepted socket has a buffer of its own.");
        using var listener = CountedListener.Listen(isMqtt ? new MqttEndPoint(IPAddress.Loopback, 0) : new IPEndPoint(IPAddress.Loopback, 0));
        using Socket peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(listener.LocalEndPoint!, Cancellation);

        using var accepted = await listener.AcceptAsync(Cancellation);

        // Linux says twice what was asked for: its own records count, too.
        Assert.Equal(CountedListener.SendBufferBytes * 2, accepted.SendBufferSize);
    }

    [Fact]
    public async Task A_socket_that_is_accepted_sends_at_once_and_finds_out_when_its_peer_has_died()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere it is set when a socket has been accepted.");
        using var listener = CountedListener.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        using Socket peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(listener.LocalEndPoint!, Cancellation);

        using var accepted = await listener.AcceptAsync(Cancellation);

        Assert.True(accepted.NoDelay);
        Assert.NotEqual(0, accepted.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
        Assert.Equal(60, accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
        Assert.Equal(15, accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
        Assert.Equal(4, accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount));
    }

    private sealed class Upgradable : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => true;

        public Task<Stream> UpgradeAsync() => Task.FromResult(Stream.Null);
    }

    /// <summary>Calls those who want to know that an answer starts, as Kestrel does.</summary>
    private sealed class StartedAnswer() : StreamResponseBodyFeature(Stream.Null), IHttpResponseFeature, IHttpResponseBodyFeature
    {
        private readonly Stack<(Func<object, Task> Call, object State)> _starting = new();

        public int StatusCode { get; set; } = StatusCodes.Status200OK;

        public string? ReasonPhrase { get; set; }

        public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();

        public Stream Body { get; set; } = Stream.Null;

        public bool HasStarted { get; private set; }

        public void OnStarting(Func<object, Task> callback, object state) => _starting.Push((callback, state));

        public void OnCompleted(Func<object, Task> callback, object state)
        {
            // Nobody asks.
        }

        async Task IHttpResponseBodyFeature.StartAsync(CancellationToken cancellationToken)
        {
            while (_starting.TryPop(out var starting))
            {
                await starting.Call(starting.State);
            }

            HasStarted = true;
        }
    }

    private Task<RunningBroker> StartAsync(TestCertificate certificate) => RunningBroker.StartAsync(
        services => services.AddSingleton(provider => new RequestsUnderWay(provider.GetRequiredService<BrokerSettings>(), _time)),
        [
            .. certificate.Settings.Select(setting => $"--{setting}"), "--Urls", "http://127.0.0.1:0;https://127.0.0.1:0",
            $"--WebMessenger:Limits:RequestsUnderWayPerAddress={PerAddress}",
        ]);

    /// <param name="from">Null: any address of this machine.</param>
    private static HttpClient Client(RunningBroker broker, TestCertificate certificate, string? from)
    {
        // A stream takes 64 KiB and no more, until somebody reads.
        SocketsHttpHandler handler = new()
        {
            InitialHttp2StreamWindowSize = 65535,
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, chain, _) => certificate.Signed(shown, chain) },
        };
        if (from is not null)
        {
            handler.ConnectCallback = async (context, cancellation) =>
            {
                Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            };
        }

        return new HttpClient(handler)
        {
            BaseAddress = new Uri(broker.Program.Addresses.Single(address => address.StartsWith("https:", StringComparison.Ordinal))),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    private static async Task<Uri> LongestFileAsync(HttpClient http)
    {
        var page = await http.GetStringAsync(new Uri("/", UriKind.Relative), Cancellation);
        (Uri? Address, int Length) longest = default;
        foreach (Match script in Scripts().Matches(page))
        {
            Uri address = new("/" + script.Groups[1].Value, UriKind.Relative);
            var length = (await http.GetByteArrayAsync(address, Cancellation)).Length;
            longest = length > longest.Length ? (address, length) : longest;
        }

        Assert.True(longest.Length > 65536, "No file of the pages is longer than what a stream takes at once.");
        return longest.Address!;
    }

    private static async Task<Socket> OpenBodyAsync(RunningBroker broker)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, broker.Http.Port, Cancellation);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            "POST /api/session/guest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 3000\r\n\r\n{\"nickname\":\""), Cancellation);
        return socket;
    }

    private static async Task<bool> EndsAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1024], Cancellation) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    [GeneratedRegex("(?:src|href)=\"(?:\\./|/)?(assets/[^\"]+\\.js)\"")]
    private static partial Regex Scripts();
}
