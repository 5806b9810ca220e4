using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace WebMessenger.Wire.Testing;

/// <summary>A key of a device and the certificate for it that the device has made itself.</summary>
internal sealed class DeviceCertificate : IDisposable
{
    private readonly X509Certificate2 _certificate;
    private readonly X509Certificate2Collection _chain = [];

    private DeviceCertificate(X509Certificate2 certificate) => _certificate = certificate;

    /// <summary>The certificate without its key.</summary>
    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>Its private key.</summary>
    public string KeyPem => _certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();

    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(_certificate.RawData));

    /// <summary>As a client shows it, with what stands behind it.</summary>
    public SslStreamCertificateContext Context => SslStreamCertificateContext.Create(_certificate, _chain, offline: true);

    public static DeviceCertificate Make(
        string subject = "CN=device", DateTimeOffset? from = null, DateTimeOffset? to = null, params X509Extension[] extensions)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(new X500DistinguishedName(subject), key, HashAlgorithmName.SHA256);
        Array.ForEach(extensions, request.CertificateExtensions.Add);
        return new(request.CreateSelfSigned(from ?? DateTimeOffset.UtcNow.AddDays(-1), to ?? DateTimeOffset.UtcNow.AddDays(30)));
    }

    /// <summary>One that an authority which nobody has has signed.</summary>
    /// <param name="links">Certificates that are shown behind it.</param>
    /// <param name="padding">Bytes in each of these.</param>
    public static DeviceCertificate Signed(int links, int padding = 0, params X509Extension[] extensions)
    {
        using var authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        X500DistinguishedName name = new("CN=nobody's authority");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=signed", key, HashAlgorithmName.SHA256);
        Array.ForEach(extensions, request.CertificateExtensions.Add);
        using var bare = request.Create(
            name, X509SignatureGenerator.CreateForECDsa(authority), DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30), [1, 2, 3]);
        DeviceCertificate made = new(bare.CopyWithPrivateKey(key));
        for (var i = 0; i < links; i++)
        {
            using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            CertificateRequest link = new($"CN=link {i}", other, HashAlgorithmName.SHA256);
            link.CertificateExtensions.Add(new X509Extension("1.2.3.4", new byte[padding], critical: false));
            made._chain.Add(link.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30)));
        }

        return made;
    }

    public void Dispose()
    {
        _certificate.Dispose();
        foreach (var link in _chain)
        {
            link.Dispose();
        }
    }
}
