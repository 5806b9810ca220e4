using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Hosting;

/// <summary>What cannot start says why in one line, and ends with 1.</summary>
public sealed class StartTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("webmessenger-start-").FullName;

    [Fact]
    public async Task A_good_start_names_its_addresses_and_alarms_nobody()
    {
        await using var server = await ServerProcess.StartAsync();

        Assert.Contains($"Listening on http://127.0.0.1:{server.Address.Port}", server.Log, StringComparison.Ordinal);
        Assert.Contains($"Listening on mqtt://127.0.0.1:{server.Mqtt.Port}", server.Log, StringComparison.Ordinal);
        Assert.DoesNotMatch("(?m)^.{0,40}(WRN|ERR|FTL|warn|fail|crit)", server.Log);
    }

    [Fact]
    public async Task With_a_certificate_MQTT_over_TLS_and_https_are_among_the_addresses()
    {
        using TestCertificate certificate = new();
        await using var server = await ServerProcess.StartAsync([.. certificate.Settings, "Urls=http://127.0.0.1:0;https://127.0.0.1:0"]);

        Assert.Contains($"Listening on mqtts://127.0.0.1:{server.MqttOverTls.Port}", server.Log, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^Listening on https://127\.0\.0\.1:\d+$", server.Log);
        Assert.DoesNotMatch("(?m)^.{0,40}(WRN|ERR|FTL|warn|fail|crit)", server.Log);
    }

    [Fact]
    public async Task A_used_HTTP_port_is_one_clear_line()
    {
        using var taken = Listen(out var port);

        var ended = await ServerProcess.RunToEndAsync([.. Settings(), $"Urls=http://127.0.0.1:{port}"]);

        AssertOneLine(ended, port);
    }

    [Fact]
    public async Task A_used_MQTT_port_is_one_clear_line()
    {
        using var taken = Listen(out var port);

        var ended = await ServerProcess.RunToEndAsync([.. Settings(), "Urls=http://127.0.0.1:0", $"WebMessenger:Mqtt:Port={port}"]);

        AssertOneLine(ended, port);
    }

    [Fact]
    public async Task A_data_folder_that_cannot_be_written_is_one_clear_line()
    {
        // A file where the folder should be: refused for root too, who may write everywhere else.
        var file = Path.Combine(_folder, "file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        var folder = Path.Combine(file, "data");

        var ended = await ServerProcess.RunToEndAsync("Urls=http://127.0.0.1:0", "WebMessenger:Mqtt:Port=0", $"WebMessenger:DataFolder={folder}");

        AssertOneLine(ended, folder);
    }

    [Fact]
    public async Task A_file_of_accounts_that_was_cut_off_is_one_clear_line()
    {
        var folder = Path.Combine(_folder, "data");
        await using (var server = await ServerProcess.StartInAsync(folder))
        {
            Assert.Equal(0, (await server.TerminateAsync()).ExitCode);
        }

        using (var file = File.OpenWrite(Path.Combine(folder, "accounts.db")))
        {
            file.SetLength(file.Length / 2);
        }

        var ended = await ServerProcess.RunToEndAsync([.. Settings(), "Urls=http://127.0.0.1:0"]);

        AssertOneLine(ended, "restore it from a backup");
    }

    [Theory]
    [InlineData("WebMessenger:Mqtt:Port=70000", "WebMessenger:Mqtt:Port")]
    [InlineData("WebMessenger:Mqtt:Port=many", "WebMessenger:Mqtt:Port")]
    [InlineData("WebMessenger:Mqtt:Address=nowhere", "WebMessenger:Mqtt:Address")]
    [InlineData("WebMessenger:Limits:TextLength=-1", "WebMessenger:Limits:TextLength")]
    [InlineData("WebMessenger:Rooms:Default:0=No Room!", "WebMessenger:Rooms:Default")]
    [InlineData("Urls=not an address", "Urls")]
    [InlineData("Urls=https://127.0.0.1:0", "WebMessenger:Mqtt:Tls:Certificate")]
    [InlineData("WebMessenger:Mqtt:Tls:Certificate=/nowhere/chat.pem", "WebMessenger:Mqtt:Tls:Certificate")]
    [InlineData("WebMessenger:TrustedProxies:0=a proxy", "WebMessenger:TrustedProxies")]
    [InlineData("WebMessenger:BasePath=chat", "WebMessenger:BasePath")]
    public async Task A_bad_setting_is_one_line_that_names_its_key(string setting, string key)
    {
        var ended = await ServerProcess.RunToEndAsync([.. Settings(), "Urls=http://127.0.0.1:0", setting]);

        AssertOneLine(ended, key);
    }

    [Fact]
    public async Task Fault_P18_What_is_published_has_the_compressed_copies_too()
    {
        var published = Path.Combine(_folder, "published");

        // What the tests were built with; the server of the other tests is not built again under their feet.
        var configuration = new FileInfo(ServerProcess.Program).Directory!.Parent!;
        var project = Path.Combine(configuration.Parent!.Parent!.FullName, "Broker.csproj");
        using var publish = Process.Start(
            "dotnet", ["publish", project, "-c", configuration.Name, "--no-build", "-v", "q", "-nodeReuse:false", "-o", published]);
        await publish.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(0, publish.ExitCode);
        var assets = Path.Combine(published, "wwwroot", "assets");

        // A line that leads to another file has none: it would be longer.
        var texts = Directory.GetFiles(assets).Where(file => Path.GetExtension(file) is ".js" or ".css" && new FileInfo(file).Length > 128).ToList();
        Assert.NotEmpty(texts);
        Assert.All(texts, file => Assert.True(File.Exists(file + ".br") && File.Exists(file + ".gz"), file));
    }

    [Fact]
    public async Task Attack_73_A_second_process_on_the_same_folder_refuses_to_start_and_kill_9_frees_it()
    {
        await using var first = await ServerProcess.StartInAsync(_folder);

        var second = await ServerProcess.RunToEndAsync("Urls=http://127.0.0.1:0", "WebMessenger:Mqtt:Port=0", $"WebMessenger:DataFolder={_folder}");

        AssertOneLine(second, _folder);
        using HttpClient http = new();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri(first.Address, "/health/ready"), TestContext.Current.CancellationToken)).StatusCode);
        await first.KillAsync();
        await first.StartAgainAsync();
    }

    [Fact]
    public async Task SIGTERM_ends_it_in_order_with_clients_connected()
    {
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        await using var page = await server.PageAsync(ana.Cookie).InLobbyAsync();
        await using var shell = await server.TcpAsync(MqttVersion.V311).InLobbyAsync(ana.UserName, await ana.NewTokenAsync());
        await using var stalled = await server.PageAsync(ana.Cookie, receiveBuffer: 4096).InLobbyAsync();
        stalled.StopReading();
        var text = Lobby.Unique("kept");
        Assert.True((await page.PublishAsync(Lobby.Topic, text)).Accepted);

        var started = TimeProvider.System.GetTimestamp();
        var ended = await server.TerminateAsync();

        Assert.Equal(0, ended.ExitCode);
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(10), "It took longer than the 10 s that a supervisor is told.");
        Assert.Equal((byte)0x8B, (await page.WaitForCloseAsync()).Disconnect);
        Assert.Null((await shell.WaitForCloseAsync()).Disconnect);
        await server.StartAgainAsync();
        Assert.Single(await ana.EventsAsync(), @event => @event.GetProperty("type").GetString() == "message" && @event.IsMessage(text));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string[] Settings() => ["WebMessenger:Mqtt:Port=0", $"WebMessenger:DataFolder={Path.Combine(_folder, "data")}"];

    private static Socket Listen(out string port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        port = ((IPEndPoint)socket.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);
        return socket;
    }

    private static void AssertOneLine(Ended ended, string names)
    {
        Assert.Equal(1, ended.ExitCode);
        var line = Assert.Single(ended.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.Contains(names, line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Output, StringComparison.Ordinal);
    }
}
