using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace WebMessenger.Load.Servers;

/// <summary>A certificate for this machine in files, for a server whose TLS is to be knocked at.</summary>
internal sealed class LoadCertificate : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("webmessenger-certificate-").FullName;

    public LoadCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
        File.WriteAllText(In("chat.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(In("chat.key"), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>Of a server that has MQTT over TLS and https beside http, on free ports.</summary>
    public IReadOnlyList<string> Settings =>
    [
        $"WebMessenger:Mqtt:Tls:Certificate={In("chat.pem")}",
        $"WebMessenger:Mqtt:Tls:Key={In("chat.key")}",
        "WebMessenger:Mqtt:Tls:Port=0",
        "Urls=http://127.0.0.1:0;https://127.0.0.1:0",
    ];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);
}
