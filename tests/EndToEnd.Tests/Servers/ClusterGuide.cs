using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>What docs/cluster.md shows, run as it stands there, for two nodes on this machine.</summary>
internal sealed class ClusterGuide : IAsyncDisposable
{
    private static readonly string _root = typeof(ClusterGuide).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "Root").Value!;
    private static readonly string[] _places = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy", "/usr/bin/haproxy", "/opt/homebrew/bin/haproxy"];

    private readonly Process _process;
    private readonly string _folder;
    private readonly Task<string> _said;

    private ClusterGuide(Process process, string folder, int port, int mqtt)
    {
        (_process, _folder, Pages, Mqtt) = (process, folder, new Uri($"https://127.0.0.1:{port}"), new IPEndPoint(IPAddress.Loopback, mqtt));
        _said = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Null: it is not installed. `HAPROXY` in the environment names another one.</summary>
    public static string? HaProxy => Environment.GetEnvironmentVariable("HAPROXY") is { Length: > 0 } named ? named : _places.FirstOrDefault(File.Exists);

    /// <summary>Of the balancer.</summary>
    public Uri Pages { get; }

    public IPEndPoint Mqtt { get; }

    /// <summary>The one block of the guide that begins so.</summary>
    public static string Block(string opening)
    {
        var guide = File.ReadAllText(Path.Combine(_root, "docs", "cluster.md"));
        var begin = guide.IndexOf($"```{opening}\n", StringComparison.Ordinal);
        Assert.True(begin >= 0, $"docs/cluster.md shows no {opening}.");
        begin += opening.Length + 4;
        return guide[begin..guide.IndexOf("\n```", begin, StringComparison.Ordinal)];
    }

    public static Task<ClusterGuide> StartNginxAsync(ServerHouse house, TestCertificate certificate)
    {
        var port = FreePort();
        var shown = Replaced(
            Block("nginx"),
            [
                ("10.0.0.11:8080", house[0].Address.Authority), ("10.0.0.12:8080", house[1].Address.Authority), ("listen 443 ssl;", $"listen 127.0.0.1:{port} ssl;"),
                ("/etc/ssl/chat.pem", certificate.CertificateFile), ("/etc/ssl/chat.key", certificate.KeyFile),
            ]);
        return StartAsync(
            Nginx.Program!, folder =>
                $$"""
                daemon off;
                master_process off;
                pid {{folder}}/nginx.pid;
                error_log stderr;
                events {}
                http {
                  access_log off;
                  client_body_temp_path {{folder}}/body;
                  proxy_temp_path {{folder}}/proxy;
                  fastcgi_temp_path {{folder}}/fastcgi;
                  uwsgi_temp_path {{folder}}/uwsgi;
                  scgi_temp_path {{folder}}/scgi;
                  {{shown}}
                }
                """,
            (folder, file) => ["-p", folder, "-e", "stderr", "-c", file], port, 0);
    }

    public static async Task<ClusterGuide> StartHaProxyAsync(ServerHouse house, TestCertificate certificate)
    {
        // The first answer of a program that has just started may take longer than a check waits, on a busy machine twice.
        await Task.WhenAll(ServerHouse.BecomesAsync(house[0], HttpStatusCode.OK), ServerHouse.BecomesAsync(house[1], HttpStatusCode.OK));
        var (port, mqtt) = (FreePort(), FreePort());
        return await StartAsync(
            HaProxy!, folder =>
            {
                var both = Path.Combine(folder, "chat.pem");
                File.WriteAllText(both, File.ReadAllText(certificate.CertificateFile) + File.ReadAllText(certificate.KeyFile));
                return Replaced(
                    Block("haproxy"),
                    [
                        ("10.0.0.11:8883 check port 8080", $"{house[0].Mqtt} check port {house[0].Address.Port}"),
                        ("10.0.0.12:8883 check port 8080", $"{house[1].Mqtt} check port {house[1].Address.Port}"),
                        ("10.0.0.11:8080", house[0].Address.Authority), ("10.0.0.12:8080", house[1].Address.Authority),
                        ("bind :443 ssl crt /etc/haproxy/chat.pem", $"bind 127.0.0.1:{port} ssl crt {both}"), ("bind :8883", $"bind 127.0.0.1:{mqtt}"),
                    ]);
            },
            (_, file) => ["-f", file], port, mqtt);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _said;
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<ClusterGuide> StartAsync(
        string program, Func<string, string> configuration, Func<string, string, string[]> arguments, int port, int mqtt)
    {
        var folder = Directory.CreateTempSubdirectory("webmessenger-balancer-").FullName;
        var file = Path.Combine(folder, "configuration");
        await File.WriteAllTextAsync(file, configuration(folder) + "\n");
        ClusterGuide guide = new(Process.Start(new ProcessStartInfo(program, arguments(folder, file)) { RedirectStandardError = true })!, folder, port, mqtt);
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        while (true)
        {
            Assert.False(guide._process.HasExited, $"{program} ended: {(guide._process.HasExited ? await guide._said : "")}");
            try
            {
                using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, port, patience.Token);
                return guide;
            }
            catch (SocketException)
            {
                await Task.Delay(20, patience.Token);
            }
        }
    }

    private static string Replaced(string shown, (string Shown, string Here)[] changes)
    {
        foreach (var (what, here) in changes)
        {
            Assert.Contains(what, shown, StringComparison.Ordinal);
            shown = shown.Replace(what, here, StringComparison.Ordinal);
        }

        return shown;
    }

    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
