using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using WebMessenger.Cluster.Nodes;

namespace WebMessenger.Cluster.Tests.Nodes;

/// <summary>Certificates of nodes as files, for as long as a test runs.</summary>
internal sealed class NodeFiles : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("wm-nodes-").FullName;
    private readonly X509Certificate2 _authority = Authority("house");

    /// <summary>A node whose certificate the authority of the house has signed.</summary>
    public NodeOptions Sign(NodeOptions own, string name)
    {
        var (certificate, key) = Save(Signed(_authority, name), name);
        return own with { Certificate = certificate, CertificateKey = key, Authority = Save(_authority, "authority").Certificate };
    }

    public static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    public static X509Certificate2 Signed(X509Certificate2 authority, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        using var signed = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        using var own = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pkcs12), null);
    }

    public (string Certificate, string Key) Save(X509Certificate2 certificate, string name)
    {
        var (path, keyPath) = (Path.Combine(_folder, $"{name}.pem"), Path.Combine(_folder, $"{name}.key"));
        File.WriteAllText(path, certificate.ExportCertificatePem());
        using var key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
        return (path, keyPath);
    }

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
