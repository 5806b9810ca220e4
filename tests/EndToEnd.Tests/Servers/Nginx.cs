using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Reflection;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>A real nginx with the configuration that docs/operating.md shows, before a server of ours.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private const string DocumentedServer = "http://127.0.0.1:8080";

    private static readonly string[] Places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx", "/opt/homebrew/bin/nginx"];

    private readonly Process _process;
    private readonly string _folder;
    private readonly Task<string> _said;

    private Nginx(Process process, string folder, Uri address)
    {
        (_process, _folder, Address) = (process, folder, address);
        _said = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Null: it is not installed. `NGINX` in the environment names another one.</summary>
    public static string? Program =>
        Environment.GetEnvironmentVariable("NGINX") is { Length: > 0 } named ? named : Places.FirstOrDefault(File.Exists);

    /// <summary>`https://…`, or `http://…` of a folder.</summary>
    public Uri Address { get; }

    /// <summary>
    /// What was asked for so far, as the requests had it: `/chat/api/session`. A WebSocket is among it when it is closed.
    /// </summary>
    public IEnumerable<string> Asked => File.ReadLines(AskedFile(_folder));

    public static Task<Nginx> StartAsync(ServerProcess server, TestCertificate certificate)
    {
        var port = FreePort();
        return StartAsync(
            new Uri($"https://127.0.0.1:{port}"),
            ("listen 443 ssl;", $"listen 127.0.0.1:{port} ssl;"),
            ("/etc/ssl/chat.pem", certificate.CertificateFile),
            ("/etc/ssl/chat.key", certificate.KeyFile),
            (DocumentedServer, server.Address.GetLeftPart(UriPartial.Authority)));
    }

    /// <summary>Without TLS: a browser takes 127.0.0.1 for safe as it is.</summary>
    public static async Task<Nginx> StartInFolderAsync(ServerProcess server, bool takesFolderOff)
    {
        const string location = "location /chat/ {", leavesOn = $"proxy_pass {DocumentedServer};", takesOff = $"{DocumentedServer}/;";
        var guide = await GuideAsync();
        Assert.Contains(location, guide, StringComparison.Ordinal);
        Assert.Contains(takesOff, guide, StringComparison.Ordinal);
        var port = FreePort();
        return await StartAsync(
            new Uri($"http://127.0.0.1:{port}"),
            ("listen 443 ssl;", $"listen 127.0.0.1:{port};"),
            ("ssl_certificate     /etc/ssl/chat.pem;", ""),
            ("ssl_certificate_key /etc/ssl/chat.key;", ""),
            ("location / {", location),
            (leavesOn, $"proxy_pass {server.Address.GetLeftPart(UriPartial.Authority)}{(takesFolderOff ? "/" : "")};"));
    }

    private static async Task<Nginx> StartAsync(Uri address, params (string Shown, string Here)[] changes)
    {
        var folder = Directory.CreateTempSubdirectory("webmessenger-nginx-").FullName;
        var documented = await DocumentedAsync();
        foreach (var (shown, here) in changes)
        {
            Assert.Contains(shown, documented, StringComparison.Ordinal);
            documented = documented.Replace(shown, here, StringComparison.Ordinal);
        }

        var configuration = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(configuration, $$"""
            daemon off;
            master_process off;
            pid {{folder}}/nginx.pid;
            error_log stderr;
            events {}
            http {
              log_format asked '$request_uri';
              access_log {{AskedFile(folder)}} asked;
              client_body_temp_path {{folder}}/body;
              proxy_temp_path {{folder}}/proxy;
              fastcgi_temp_path {{folder}}/fastcgi;
              uwsgi_temp_path {{folder}}/uwsgi;
              scgi_temp_path {{folder}}/scgi;
              {{documented}}
            }
            """);
        ProcessStartInfo start = new(Program!) { RedirectStandardError = true };
        foreach (var argument in new[] { "-p", folder, "-e", "stderr", "-c", configuration })
        {
            start.ArgumentList.Add(argument);
        }

        Nginx nginx = new(Process.Start(start) ?? throw new InvalidOperationException("nginx did not start."), folder, address);
        await nginx.ListensAsync();
        return nginx;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _said;
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string AskedFile(string folder) => Path.Combine(folder, "asked.log");

    private static async Task<string> GuideAsync()
    {
        var root = typeof(Nginx).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "Root").Value!;
        return await File.ReadAllTextAsync(Path.Combine(root, "docs", "operating.md"));
    }

    private static async Task<string> DocumentedAsync()
    {
        var guide = await GuideAsync();
        const string opening = "```nginx";
        var begin = guide.IndexOf(opening, StringComparison.Ordinal) + opening.Length;
        Assert.True(begin > opening.Length, "docs/operating.md shows no configuration of nginx.");
        return guide[begin..guide.IndexOf("```", begin, StringComparison.Ordinal)];
    }

    private static string FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);
    }

    private async Task ListensAsync()
    {
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(20));
        while (true)
        {
            Assert.False(_process.HasExited, $"nginx ended: {(_process.HasExited ? await _said : "")}");
            try
            {
                using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, Address.Port, patience.Token);
                return;
            }
            catch (SocketException)
            {
                await look.WaitForNextTickAsync(patience.Token);
            }
        }
    }
}
