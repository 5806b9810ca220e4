using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WireTls = WebMessenger.Wire.Testing.TlsTransport;

namespace WebMessenger.Broker.Tests.Clients;

public sealed class TlsTests
{
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task A_client_over_TLS_is_a_member_like_any_other(int level)
    {
        var version = (MqttVersion)level;
        using TestCertificate certificate = new();
        await using var broker = await StartAsync(certificate);
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var client = await RawMqttClient.OverTlsAsync(broker.MqttOverTls, certificate, version);
        Assert.True((await client.ConnectAsync("ana", "correct horse battery staple")).Accepted);
        await client.SubscribeAsync("rooms/lobby");
        await using var other = await broker.ConnectAsync(bob);

        // More than one pipe or one TLS record holds.
        var text = new string('x', 4000);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => other.PublishAsync("rooms/lobby", $"{i} {text[..3990]}")));
        await client.PublishAsync("rooms/lobby", "and back");

        var heard = await client.PublishesUntilAsync(publish => publish.Text.Contains("and back", StringComparison.Ordinal));
        Assert.Equal(100, heard.Count(publish => publish.Text.Contains(text[..3990], StringComparison.Ordinal)));
        var connection = Assert.Single(broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id));
        Assert.True(connection.Transport is { IsEncrypted: true, KeepsSecrets: true });
        await client.DisconnectAsync();
        Assert.False((await client.WaitForCloseAsync()).Reset);
    }

    [Fact]
    public async Task A_refusal_reaches_the_client_and_the_connection_is_closed_in_order()
    {
        using TestCertificate certificate = new();
        await using var broker = await StartAsync(certificate);
        await using var client = await RawMqttClient.OverTlsAsync(broker.MqttOverTls, certificate);

        Assert.Equal(0x86, (await client.ConnectAsync("ana", "wm_no")).ReasonCode);

        Assert.False((await client.WaitForCloseAsync()).Reset);
        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 0);
    }

    [Fact]
    public async Task Attack_7_A_silent_handshake_is_closed_and_counts_as_a_connection_meanwhile()
    {
        using TestCertificate certificate = new();
        await using var broker = await StartAsync(certificate, "--WebMessenger:Limits:ConnectionsPerAddress", "1");
        var limits = broker.Get<ConnectionLimits>();
        RawMqttClient? counted = null;
        for (var attempt = 0; attempt < 5 && counted is null; attempt++)
        {
            var silent = await RawMqttClient.OverTcpAsync(broker.MqttOverTls);
            await HandshakeTests.UntilAsync(() => IsFull(limits) || silent.IsClosed);

            // Closed already: it met the look at the limits, which takes the only place for a moment.
            counted = silent.IsClosed ? null : silent;
        }

        Assert.NotNull(counted);
        await counted.WaitForCloseAsync();

        await HandshakeTests.UntilAsync(() => limits.TryEnter(IPAddress.Loopback));
        limits.Leave(IPAddress.Loopback);
        await using var honest = await RawMqttClient.OverTlsAsync(broker.MqttOverTls, certificate);
        Assert.Equal(0x87, (await honest.ConnectAsync()).ReasonCode);
    }

    [Fact]
    public async Task Attack_25_Logout_silences_clients_over_TLS_also_those_that_do_not_read()
    {
        using TestCertificate certificate = new();
        await using var broker = await StartAsync(certificate);
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        List<RawMqttClient> clients = [];
        foreach (var i in Enumerable.Range(0, 4))
        {
            var client = await RawMqttClient.OverTlsAsync(broker.MqttOverTls, certificate, receiveBuffer: i == 0 ? 4096 : null);
            Assert.True((await client.ConnectAsync("ana", ana.Token, $"client-{i}")).Accepted);
            await client.SubscribeAsync("rooms/lobby", qos: 0);
            clients.Add(client);
        }

        clients[0].StopReading();
        await using var speaker = await broker.ConnectAsync(bob, MqttVersion.V311);
        await Flood.Async(speaker);
        Assert.True(clients[0].BytesRead < 4_000_000);

        await broker.Get<LoginSessions>().EndAsync(Assert.Single(broker.Get<LoginSessions>().List(ana.Account)), RevocationReason.TokenRevoked);

        Assert.All(broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id), connection => Assert.True(connection.Transport.Closed.IsCompleted));
        await speaker.PublishAsync("rooms/lobby", "after the end");
        clients[0].ResumeReading();
        foreach (var client in clients)
        {
            Assert.DoesNotContain(await client.PublishesUntilClosedAsync(), publish => publish.Text.Contains("after the end", StringComparison.Ordinal));
            await client.DisposeAsync();
        }

        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 1);
    }

    [Fact]
    public async Task A_renewed_certificate_serves_new_connections_and_old_ones_stay()
    {
        using TestCertificate certificate = new();
        await using var broker = await StartAsync(certificate);
        var ana = await broker.RegisterAsync("ana");
        await using var old = await RawMqttClient.OverTlsAsync(broker.MqttOverTls, certificate);
        await old.ConnectAsync("ana", ana.Token);
        Assert.Equal(certificate.Thumbprint, ((WireTls)old.Transport).Thumbprint);

        certificate.Renew();

        await using var renewed = await RawMqttClient.OverTlsAsync(broker.MqttOverTls, certificate);
        Assert.Equal(certificate.Thumbprint, ((WireTls)renewed.Transport).Thumbprint);
        Assert.NotEqual(certificate.Thumbprint, ((WireTls)old.Transport).Thumbprint);
        await old.PingAsync();
    }

    [Fact]
    public async Task A_client_that_offers_a_protocol_in_the_handshake_is_served()
    {
        using TestCertificate certificate = new();
        await using var broker = await StartAsync(certificate);

        await using var client = await RawMqttClient.OverTlsAsync(broker.MqttOverTls, certificate, protocols: [new SslApplicationProtocol("mqtt")]);

        Assert.Equal(0x87, (await client.ConnectAsync()).ReasonCode);
    }

    [Fact]
    public async Task Pages_and_WebSocket_are_served_with_the_same_certificate_and_a_Secure_cookie()
    {
        using TestCertificate certificate = new();
        await using var broker = await StartAsync(certificate, "--Urls", "http://127.0.0.1:0;https://127.0.0.1:0");
        Uri address = new(broker.Program.Addresses.Single(address => address.StartsWith("https:", StringComparison.Ordinal)));
        using HttpClient browser = new(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, chain, _) => certificate.Signed(shown, chain) && shown!.GetCertHashString() == certificate.Thumbprint },
        });

        using var entered = await browser.PostAsJsonAsync(new Uri(address, "/api/session/guest"), new { nickname = "Zoe" }, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, entered.StatusCode);
        var cookie = Assert.Single(entered.Headers.GetValues("Set-Cookie"));
        Assert.StartsWith("__Host-webmessenger=", cookie, StringComparison.Ordinal);
        Assert.Contains("; secure", cookie, StringComparison.OrdinalIgnoreCase);
        await using var page = await RawMqttClient.OverWebSocketAsync(
            new Uri($"wss://{address.Authority}/mqtt"), new WebSocketDoor(cookie.Split(';')[0], address.GetLeftPart(UriPartial.Authority)), trusted: certificate);
        Assert.True((await page.ConnectAsync()).Accepted);
        Assert.Equal([1], (await page.SubscribeAsync("rooms/lobby")).ReasonCodes);
        using HttpClient plain = new();
        Assert.Equal(HttpStatusCode.OK, (await plain.GetAsync(new Uri(broker.Http, "/health/live"), TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task Plain_MQTT_sent_to_the_port_of_TLS_is_not_answered()
    {
        using TestCertificate certificate = new();
        await using var broker = await StartAsync(certificate);
        await using var plain = await RawMqttClient.OverTcpAsync(broker.MqttOverTls);

        await plain.SendAsync(ClientPackets.Connect(MqttVersion.V5, "ana", "wm_no"));

        await plain.WaitForCloseAsync();
        Assert.Equal("nothing came", plain.Transcript());
    }

    private static bool IsFull(ConnectionLimits limits)
    {
        if (!limits.TryEnter(IPAddress.Loopback))
        {
            return true;
        }

        limits.Leave(IPAddress.Loopback);
        return false;
    }

    private static Task<RunningBroker> StartAsync(TestCertificate certificate, params string[] settings) =>
        RunningBroker.StartAsync([.. certificate.Settings.Select(setting => $"--{setting}"), .. settings]);
}
