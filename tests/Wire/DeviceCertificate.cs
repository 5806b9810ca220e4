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

    /// <summary>One that leads through others to an authority which nobody has.</summary>
    /// <param name="links">Certificates that are shown behind it.</param>
    /// <param name="padding">Bytes in each of these.</param>
    public static DeviceCertificate Signed(int links, int padding = 0, params X509Extension[] extensions)
    {
        var (from, to) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        X509Certificate2Collection chain = [];
        X500DistinguishedName issuer = new("CN=nobody's authority");
        var signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        for (var i = 0; i <= links; i++)
        {
            var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            CertificateRequest request = new(new X500DistinguishedName($"CN=link {i}"), key, HashAlgorithmName.SHA256);
            if (i < links)
            {
                request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
                request.CertificateExtensions.Add(new X509Extension("1.2.3.4", new byte[padding], critical: false));
            }
            else
            {
                Array.ForEach(extensions, request.CertificateExtensions.Add);
            }

            using (signer)
            {
                var made = request.Create(issuer, X509SignatureGenerator.CreateForECDsa(signer), from, to, [1, 2, (byte)i]);
                chain.Add(i < links ? made : made.CopyWithPrivateKey(key));
            }

            (issuer, signer) = (request.SubjectName, key);
        }

        signer.Dispose();
        DeviceCertificate leaf = new(chain[^1]);
        chain.RemoveAt(chain.Count - 1);
        leaf._chain.AddRange(chain);
        return leaf;
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
