using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace WebMessenger.Wire.Testing;

/// <summary>
/// An authority made for one test, and PEM files of a certificate for this machine that an intermediate authority has signed.
/// </summary>
internal sealed class TestCertificate : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("webmessenger-certificate-").FullName;
    private readonly X509Certificate2 _authority;
    private readonly X509Certificate2 _intermediate;

    public TestCertificate()
    {
        _authority = MakeAuthority("CN=an authority of one test", null);
        _intermediate = MakeAuthority("CN=its intermediate", _authority);
        Renew();
    }

    /// <summary>The certificate and, behind it, the intermediate one.</summary>
    public string CertificateFile => Path.Combine(_folder, "chat.pem");

    public string KeyFile => Path.Combine(_folder, "chat.key");

    /// <summary>For `--cafile`.</summary>
    public string AuthorityFile => Path.Combine(_folder, "ca.pem");

    /// <summary>Of what the files hold now, as hexadecimal digits.</summary>
    public string Thumbprint { get; private set; } = "";

    /// <summary>Of the intermediate certificate.</summary>
    public string IntermediateThumbprint => _intermediate.Thumbprint;

    /// <summary>For a server: `WebMessenger:Mqtt:Tls:…`, on any free port.</summary>
    public string[] Settings =>
    [
        $"WebMessenger:Mqtt:Tls:Certificate={CertificateFile}",
        $"WebMessenger:Mqtt:Tls:Key={KeyFile}",
        "WebMessenger:Mqtt:Tls:Port=0",
    ];

    /// <summary>Writes a new key and a new certificate of the same authority.</summary>
    /// <param name="password">Of the key's file.</param>
    public void Renew(string? password = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        using var certificate = request.Create(_intermediate, _intermediate.NotBefore, _intermediate.NotAfter, RandomNumberGenerator.GetBytes(8));
        PbeParameters encryption = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);
        File.WriteAllText(AuthorityFile, _authority.ExportCertificatePem());
        File.WriteAllText(KeyFile, password is null ? key.ExportPkcs8PrivateKeyPem() : key.ExportEncryptedPkcs8PrivateKeyPem(password, encryption));
        File.WriteAllText(CertificateFile, $"{certificate.ExportCertificatePem()}\n{_intermediate.ExportCertificatePem()}\n");
        Thumbprint = certificate.Thumbprint;
    }

    /// <summary>Whether a chain that a server showed leads to this authority, whatever the machine trusts.</summary>
    public bool Signed(X509Certificate? certificate, X509Chain? shown)
    {
        using X509Chain chain = new();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_authority);
        if (shown is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(shown.ChainPolicy.ExtraStore);
        }

        return certificate is not null && chain.Build(new X509Certificate2(certificate));
    }

    public void Dispose()
    {
        _authority.Dispose();
        _intermediate.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static X509Certificate2 MakeAuthority(string name, X509Certificate2? signer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        if (signer is null)
        {
            return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
        }

        using var certificate = request.Create(signer, signer.NotBefore, signer.NotAfter, RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }
}
