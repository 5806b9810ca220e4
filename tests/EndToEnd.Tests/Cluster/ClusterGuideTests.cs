using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>What docs/cluster.md shows works.</summary>
public sealed class ClusterGuideTests
{
    [Fact(Explicit = true)]
    public async Task Behind_nginx_people_go_on_at_the_other_node_when_one_is_killed()
    {
        Assert.SkipWhen(Nginx.Program is null, "nginx is not installed.");
        using TestCertificate certificate = new();
        await using var house = await ServerHouse.StartAsync(2, "WebMessenger:TrustedProxies:0=127.0.0.1");
        await using var nginx = await ClusterGuide.StartNginxAsync(house, certificate);

        await GoesOnAsync(house, nginx, certificate);
    }

    [Fact(Explicit = true)]
    public async Task Behind_HAProxy_people_and_MQTT_clients_go_on_at_the_other_node_when_one_is_killed()
    {
        Assert.SkipWhen(ClusterGuide.HaProxy is null, "HAProxy is not installed.");
        using TestCertificate certificate = new();
        await using var house = await ServerHouse.StartAsync(2, "WebMessenger:TrustedProxies:0=127.0.0.1");
        using var ana = await Person.RegisterAsync(house[1]);
        var token = await ana.NewTokenAsync();
        await using var balancer = await ClusterGuide.StartHaProxyAsync(house, certificate);

        await GoesOnAsync(house, balancer, certificate);

        await using var device = await RawMqttClient.OverTcpAsync(balancer.Mqtt, MqttVersion.V5);
        Assert.True((await device.ConnectAsync(ana.UserName, token)).Accepted);
        Assert.True((await device.PublishAsync(Lobby.Topic, "by MQTT")).Accepted);
    }

    [Fact(Explicit = true)]
    public async Task Behind_HAProxy_connections_stay_while_the_database_is_away_and_are_taken_from_a_node_that_is_frozen()
    {
        Assert.SkipWhen(ClusterGuide.HaProxy is null, "HAProxy is not installed.");
        using TestCertificate certificate = new();
        await using var house = await ServerHouse.StartAsync(2, "WebMessenger:TrustedProxies:0=127.0.0.1");
        using var ana = await Person.RegisterAsync(house[1]);
        var token = await ana.NewTokenAsync();
        await using var balancer = await ClusterGuide.StartHaProxyAsync(house, certificate);
        var origin = balancer.Pages.GetLeftPart(UriPartial.Authority);
        using var browser = Browser(balancer, certificate);
        var cookie = await EnterAsync(browser, origin, "Guest");
        WebSocketDoor door = new(cookie, origin);
        Uri socket = new($"wss://{balancer.Pages.Authority}/mqtt");
        List<RawMqttClient> clients = [];
        try
        {
            // The one with the fewest connections is next: some come to each node.
            for (var pair = 0; pair < 3; pair++)
            {
                clients.Add(await ConnectAsync(socket, door, certificate));
                clients.Add(await RawMqttClient.OverTcpAsync(balancer.Mqtt, MqttVersion.V5));
                Assert.True((await clients[^1].ConnectAsync(ana.UserName, token)).Accepted);
            }

            await Task.WhenAll(house.CutAsync(0), house.CutAsync(1));
            await Task.Delay(TimeSpan.FromSeconds(6), TestContext.Current.CancellationToken);
            await Task.WhenAll(house.MendAsync(0), house.MendAsync(1));
            Assert.All(clients, client => Assert.False(client.IsClosed));
            Assert.True((await clients[0].PublishAsync(Lobby.Topic, "after the database was away")).Accepted);

            var began = Stopwatch.GetTimestamp();
            await house[0].SignalAsync("STOP");
            await Task.WhenAny(clients.Select(client => client.WaitForCloseAsync()));
            Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(8));
            await SpeakAsync(balancer, origin, [cookie], certificate);
        }
        finally
        {
            await house[0].SignalAsync("CONT");
            foreach (var client in clients)
            {
                await client.DisposeAsync();
            }
        }
    }

    [Fact(Explicit = true)]
    public async Task Behind_HAProxy_whoever_comes_while_a_node_stops_comes_to_the_other_at_once()
    {
        Assert.SkipWhen(ClusterGuide.HaProxy is null, "HAProxy is not installed.");
        using TestCertificate certificate = new();
        await using var house = await ServerHouse.StartAsync(2, "WebMessenger:TrustedProxies:0=127.0.0.1");
        using var ana = await Person.RegisterAsync(house[1]);
        await using var balancer = await ClusterGuide.StartHaProxyAsync(house, certificate);
        var origin = balancer.Pages.GetLeftPart(UriPartial.Authority);
        using var browser = Browser(balancer, certificate);
        WebSocketDoor door = new(await EnterAsync(browser, origin, "Guest"), origin);
        Uri socket = new($"wss://{balancer.Pages.Authority}/mqtt");
        List<RawMqttClient> there = [];
        try
        {
            // The node tells them one after the other, and goes on over that time.
            for (var tab = 0; tab < 8; tab++)
            {
                there.Add(await ConnectAsync(socket, door, certificate));
            }

            var ending = house[0].TerminateAsync();
            await ServerHouse.BecomesAsync(house[0], HttpStatusCode.ServiceUnavailable);
            var came = 0;
            for (; !ending.IsCompleted; came++)
            {
                await using var late = await RawMqttClient.OverWebSocketAsync(socket, door, trusted: certificate).InLobbyAsync();
                Assert.True((await late.PublishAsync(Lobby.Topic, "late")).Accepted);
            }

            Assert.InRange(came, 2, int.MaxValue);
            Assert.Equal(0, (await ending).ExitCode);
        }
        finally
        {
            foreach (var tab in there)
            {
                await tab.DisposeAsync();
            }
        }
    }

    [Fact(Explicit = true)]
    public async Task Nodes_with_certificates_made_as_shown_know_each_other_and_a_check_finds_nothing_wrong_with_them()
    {
        var folder = Directory.CreateTempSubdirectory("webmessenger-certificates-").FullName;
        try
        {
            var script = ClusterGuide.Block("sh certificates").Replace("10.0.0.11", "127.0.0.1", StringComparison.Ordinal).Replace("10.0.0.12", "127.0.0.1", StringComparison.Ordinal);
            using var made = Process.Start(new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", script]) { WorkingDirectory = folder, RedirectStandardError = true })!;
            var complaints = made.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(made.ExitCode == 0, await complaints);
            string[] settings =
            [
                $"WebMessenger:Cluster:Certificate={folder}/a.pem", $"WebMessenger:Cluster:CertificateKey={folder}/a.key", $"WebMessenger:Cluster:Authority={folder}/authority.pem",
            ];
            await using var house = await ServerHouse.StartAsync(2, settings);
            using var ana = await Person.RegisterAsync(house[0]);
            using var elsewhere = await ana.SignInAtAsync(house[1]);
            await using var first = await house[0].PageAsync(ana.Cookie).InLobbyAsync();
            await using var second = await house[1].PageAsync(elsewhere.Cookie).InLobbyAsync();
            var text = Lobby.Unique("by TLS");
            Assert.True((await first.PublishAsync(Lobby.Topic, text)).Accepted);
            await second.PublishesUntilAsync(publish => publish.Says(text));

            using var check = Process.Start(new ProcessStartInfo("dotnet", [ServerProcess.Program, "cluster", "check", $"--WebMessenger:Cluster:Postgres={house.Connection}", .. settings.Select(one => "--" + one)])
            {
                RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath(),
            })!;
            _ = check.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var said = await check.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            Assert.Equal(2, said.Split('\n').Count(line => line.StartsWith("ok", StringComparison.Ordinal) && line.Contains("  node ", StringComparison.Ordinal)));
            Assert.Equal(2, said.Split('\n').Count(line => line.StartsWith("ok", StringComparison.Ordinal) && line.Contains("  port of ", StringComparison.Ordinal)));
            Assert.Matches(@"ok +certificate +good until 20\d\d", said);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task GoesOnAsync(ServerHouse house, ClusterGuide balancer, TestCertificate certificate)
    {
        var origin = balancer.Pages.GetLeftPart(UriPartial.Authority);
        using var browser = Browser(balancer, certificate);
        var cookies = await Task.WhenAll(Enumerable.Range(0, 6).Select(guest => EnterAsync(browser, origin, $"Guest {guest}")));
        await SpeakAsync(balancer, origin, cookies, certificate);

        await house[0].KillAsync();

        // Each comes to the one that is left, with the session that he has.
        await SpeakAsync(balancer, origin, cookies, certificate);
        await EnterAsync(browser, origin, "Late guest");
    }

    private static HttpClient Browser(ClusterGuide balancer, TestCertificate certificate) => new(new SocketsHttpHandler
    {
        UseCookies = false, SslOptions = { RemoteCertificateValidationCallback = (_, shown, chain, _) => certificate.Signed(shown, chain) },
    })
    { BaseAddress = balancer.Pages };

    private static async Task<string> EnterAsync(HttpClient browser, string origin, string nickname)
    {
        using HttpRequestMessage enter = new(HttpMethod.Post, "/api/session/guest") { Content = JsonContent.Create(new { nickname }) };
        enter.Headers.Add("Origin", origin);
        using var entered = await browser.SendAsync(enter, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, entered.StatusCode);
        var given = Assert.Single(entered.Headers.GetValues("Set-Cookie"));
        Assert.StartsWith("__Host-webmessenger=", given, StringComparison.Ordinal);
        return given.Split(';')[0];
    }

    private static async Task SpeakAsync(ClusterGuide balancer, string origin, string[] cookies, TestCertificate certificate)
    {
        Uri socket = new($"wss://{balancer.Pages.Authority}/mqtt");
        List<RawMqttClient> tabs = [];
        try
        {
            foreach (var cookie in cookies)
            {
                tabs.Add(await ConnectAsync(socket, new WebSocketDoor(cookie, origin), certificate));
            }

            var text = Lobby.Unique("through the balancer");
            Assert.True((await tabs[0].PublishAsync(Lobby.Topic, text)).Accepted);
            foreach (var tab in tabs)
            {
                await tab.PublishesUntilAsync(publish => publish.Says(text));
            }
        }
        finally
        {
            foreach (var tab in tabs)
            {
                await tab.DisposeAsync();
            }
        }
    }

    // As a page does, until the balancer has found out.
    private static async Task<RawMqttClient> ConnectAsync(Uri socket, WebSocketDoor door, TestCertificate certificate)
    {
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        while (true)
        {
            try
            {
                return await RawMqttClient.OverWebSocketAsync(socket, door, trusted: certificate).InLobbyAsync();
            }
            catch (Exception error) when (error is not Xunit.Sdk.XunitException && !patience.IsCancellationRequested)
            {
                await Task.Delay(50, patience.Token);
            }
        }
    }
}
