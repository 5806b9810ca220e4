using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Reflection;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>A real nginx with the configuration that docs/operating.md shows, before a server of ours.</summary>
internal sealed class Nginx : IAsyncDisposable
{
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

    /// <summary>`https://…`.</summary>
    public Uri Address { get; }

    public static async Task<Nginx> StartAsync(ServerProcess server, TestCertificate certificate)
    {
        var folder = Directory.CreateTempSubdirectory("webmessenger-nginx-").FullName;
        var port = FreePort();
        var documented = await DocumentedAsync();
        foreach (var (shown, here) in new[]
        {
            ("listen 443 ssl;", $"listen 127.0.0.1:{port} ssl;"),
            ("/etc/ssl/chat.pem", certificate.CertificateFile),
            ("/etc/ssl/chat.key", certificate.KeyFile),
            ("http://127.0.0.1:8080", server.Address.GetLeftPart(UriPartial.Authority)),
        })
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
              access_log off;
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

        Nginx nginx = new(Process.Start(start) ?? throw new InvalidOperationException("nginx did not start."), folder, new Uri($"https://127.0.0.1:{port}"));
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

    private static async Task<string> DocumentedAsync()
    {
        var root = typeof(Nginx).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "Root").Value!;
        var guide = await File.ReadAllTextAsync(Path.Combine(root, "docs", "operating.md"));
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
