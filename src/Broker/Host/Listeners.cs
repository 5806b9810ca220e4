using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Transports;

namespace WebMessenger.Broker.Host;

/// <summary>The sockets the program listens on, and the addresses they really got.</summary>
internal sealed class Listeners : IServerAddresses
{
    private readonly List<(string Scheme, string Host, ListenOptions Options)> _listening = [];
    private BasePath _basePath = BasePath.Root;

    /// <summary>Where MQTT over TCP is served, with the port it really got; null: nowhere. After the start.</summary>
    public IPEndPoint? Mqtt => EndPoint("mqtt");

    /// <summary>The same for MQTT over TLS.</summary>
    public IPEndPoint? MqttOverTls => EndPoint("mqtts");

    /// <summary>
    /// One per listener: `http://localhost:8080`, with the base path if there is one, `mqtt://127.0.0.1:1883`; after the start.
    /// </summary>
    public IEnumerable<string> Addresses => _listening.Select(listener =>
        string.Create(CultureInfo.InvariantCulture, $"{listener.Scheme}://{listener.Host}:{((IPEndPoint)listener.Options.EndPoint).Port}")
        + FolderFor(listener.Scheme));

    /// <summary>The first of <see cref="Addresses"/> at which there are pages, which is the first of `Urls`.</summary>
    public string OfPages => Addresses.First();

    /// <summary>Takes `Urls` apart: once Kestrel listens by code (MQTT), it would not look at them.</summary>
    public void Configure(KestrelServerOptions kestrel, string urls, BrokerSettings settings, ServerCertificate? certificate)
    {
        _basePath = settings.BasePath;
        kestrel.AddServerHeader = false;
        Bound(kestrel.Limits);
        kestrel.ConfigureHttpsDefaults(https => (https.SslProtocols, https.HandshakeTimeout) = (ServerCertificate.Protocols, ServerCertificate.HandshakeTime));
        var certificates = kestrel.ApplicationServices.GetRequiredService<IConfiguration>().GetSection("Kestrel:Certificates:Default");
        foreach (var url in urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            ListenHttp(kestrel, url, certificates.Exists(), certificate);
        }

        if (_listening.Count == 0)
        {
            throw new StartupException(
                "The setting Urls is empty; it must be addresses such as http://localhost:8080, separated by semicolons.");
        }

        if (settings.MqttPort >= 0)
        {
            ListenMqtt(kestrel, "mqtt", settings.MqttAddress, settings.MqttPort, null);
        }

        if (settings.Tls is { Port: >= 0 } tls)
        {
            // An ALPN that Kestrel offers would turn away clients that offer "mqtt".
            ListenMqtt(kestrel, "mqtts", tls.Address, tls.Port, certificate!.Handshakes([], tls.ClientCertificates));
        }
    }

    /// <summary>
    /// Which of the addresses the system refuses for that reason, as a setting would name it; null: none any more. For one clear line
    /// after a start that failed.
    /// </summary>
    public string? Refused(SocketError reason)
    {
        foreach (var (scheme, host, options) in _listening)
        {
            if (options.EndPoint is not IPEndPoint endPoint)
            {
                continue;
            }

            try
            {
                using Socket socket = new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(endPoint.Address, endPoint.Port));
            }
            catch (SocketException error) when (error.SocketErrorCode == reason)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{scheme}://{host}:{endPoint.Port}");
            }
            catch (SocketException)
            {
                // Refused for another reason, and not what the start stumbled over.
            }
        }

        return null;
    }

    /// <summary>
    /// Which port two settings have taken for themselves, in one line; null: none. For a start that failed, as <see cref="Refused"/>.
    /// </summary>
    public string? Twice()
    {
        foreach (var (index, (scheme, _, options)) in _listening.Index())
        {
            var second = _listening.Skip(index + 1).FirstOrDefault(other => Meet(options, other.Options));
            if (second.Options is not null)
            {
                var (one, two, port) = (SettingOf(scheme), SettingOf(second.Scheme), ((IPEndPoint)options.EndPoint).Port);
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"{(one == two ? $"{one} has port {port} twice" : $"{one} and {two} both have port {port}")}. Each needs a port of its own.");
            }
        }

        return null;
    }

    /// <summary>
    /// What a connection may cost before anybody knows whose it is,
    /// where Kestrel's own bounds are those of a server that trusts its clients (S1).
    /// </summary>
    private static void Bound(KestrelServerLimits limits)
    {
        limits.RequestHeadersTimeout = /* guard: ten seconds for the head of a request */ TimeSpan.FromSeconds(10);

        // Longer than the 60 s that nginx keeps connections to a server behind it:
        // it must not send a request into one that is just closing.
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(75);
        limits.MaxRequestLineSize = 8 * 1024;
        limits.MaxRequestHeadersTotalSize = 16 * 1024;
        limits.MaxRequestHeaderCount = 64;
        limits.MaxRequestBufferSize = /* guard: memory: what a connection sends and nobody reads */ 64 * 1024;

        // A write is over when the connection has taken it. What waits for a stream of HTTP/2 to be read would be nobody's otherwise:
        // the request that made it is over.
        limits.MaxResponseBufferSize = 0;

        // Kestrel would keep up to 1 MiB of what a connection sends and nobody reads.
        // The hundred streams of one stay: all tabs of a browser share them, with a WebSocket each.
        // A stream has less than the connection, or one that is not read stopped all others.
        limits.Http2.InitialConnectionWindowSize = 96 * 1024;
        limits.Http2.InitialStreamWindowSize = 64 * 1024;
        limits.Http2.MaxRequestHeaderFieldSize = 8 * 1024;
    }

    private string FolderFor(string scheme) =>
        _basePath.IsRoot || scheme.StartsWith("mqtt", StringComparison.Ordinal) ? "" : _basePath.Folder;

    private IPEndPoint? EndPoint(string scheme) => _listening.Find(listener => listener.Scheme == scheme).Options?.EndPoint as IPEndPoint;

    // A port 0 is any that is free.
    private static bool Meet(ListenOptions one, ListenOptions other) =>
        one.EndPoint is IPEndPoint { Port: > 0 } a && other.EndPoint is IPEndPoint b && a.Port == b.Port
        && (a.Address.Equals(b.Address) || IsAny(a.Address) || IsAny(b.Address));

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static string SettingOf(string scheme) => scheme switch
    {
        "mqtt" => "WebMessenger:Mqtt:Port",
        "mqtts" => "WebMessenger:Mqtt:Tls:Port",
        _ => "Urls",
    };

    private void ListenMqtt(KestrelServerOptions kestrel, string scheme, IPAddress address, int port, TlsHandshakeCallbackOptions? tls)
    {
        var host = address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
        kestrel.Listen(tls is null ? new MqttEndPoint(address, port) : new IPEndPoint(address, port), options =>
        {
            options.ServeMqtt(tls);
            _listening.Add((scheme, host, options));
        });
    }

    private void ListenHttp(KestrelServerOptions kestrel, string url, bool kestrelHasCertificate, ServerCertificate? certificate)
    {
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(url);
        }
        catch (FormatException error)
        {
            throw new StartupException($"The setting Urls has '{url}'; it must be addresses such as http://localhost:8080, separated by semicolons.", error);
        }

        var isHttps = address.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase);
        if (address.IsUnixPipe || (!isHttps && !address.Scheme.Equals("http", StringComparison.OrdinalIgnoreCase)) || address.PathBase.Length > 0)
        {
            throw new StartupException($"The setting Urls has '{url}'; it must be addresses such as http://localhost:8080, separated by semicolons.");
        }

        if (isHttps && !kestrelHasCertificate && certificate is null)
        {
            throw new StartupException(
                $"The setting Urls has '{url}', and there is no certificate for it: set WebMessenger:Mqtt:Tls:Certificate and WebMessenger:Mqtt:Tls:Key, or Kestrel:Certificates:Default.");
        }

        void Listening(ListenOptions options)
        {
            // Not HTTP/3, whose packets are no sockets that could be counted.
            options.Protocols = HttpProtocols.Http1AndHttp2;

            // What is set for Kestrel itself is meant for https alone, and wins.
            if (isHttps && kestrelHasCertificate)
            {
                options.UseHttps();
            }
            else if (isHttps)
            {
                options.UseHttps(certificate!.Handshakes());
            }

            // guard: five seconds for a first byte
            options.CloseSilent();
            _listening.Add((address.Scheme.ToLowerInvariant(), address.Host, options));
        }

        if (address.Port is < 0 or > IPEndPoint.MaxPort)
        {
            throw new StartupException($"The setting Urls has '{url}'; its port must be from 0 to 65535.");
        }

        if (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip))
        {
            // A socket of IPv6 refuses an IPv4 address that is written as one of its own.
            kestrel.Listen(ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip, address.Port, Listening);
        }
        else if (address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            if (address.Port == 0)
            {
                throw new StartupException("The setting Urls has port 0 with localhost; use http://127.0.0.1:0 for any free port.");
            }

            kestrel.ListenLocalhost(address.Port, Listening);
        }
        else if (/* guard: a host name does not say where to listen */ address.Host is "*" or "+")
        {
            kestrel.ListenAnyIP(address.Port, Listening);
        }
        else
        {
            // Kestrel would listen on all addresses for any name, so that a slip such as "locahost" opened the server to everybody.
            throw new StartupException(
                $"The setting Urls has '{url}', and a host name does not say where to listen: "
                + "write localhost or an IP address of this machine, or * for all addresses.");
        }
    }
}
