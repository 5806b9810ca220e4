using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Auth.Secrets;

/// <summary>
/// The client certificate that an access token may have: whoever proves in a TLS handshake that he has its key is let in as by the token.
/// </summary>
/// <remarks>
/// Known by its fingerprint alone (RFC 8705, 3.1: x5t#S256). Names, purposes and signatures in it are for nobody to read here: who may
/// do what is the token's.
/// </remarks>
public sealed record ClientCertificate(Fingerprint Fingerprint, DateTimeOffset NotBefore, DateTimeOffset NotAfter)
{
    /// <summary>Of its PEM text. One with an RSA key of 16,384 bits has 5 KiB.</summary>
    public const int MaxCharacters = 16 * 1024;

    private const string Field = "certificate";

    /// <summary>Both ends belong to the time in which it is valid (RFC 5280, 4.1.2.5).</summary>
    public bool IsValidAt(DateTimeOffset now) => now >= NotBefore && !IsOverAt(now);

    public bool IsOverAt(DateTimeOffset now) => now > NotAfter;

    /// <summary>
    /// The one certificate in a PEM text (RFC 7468). Refused as <see cref="Refusal.Fields"/>: `required`, `private_key`, `too_long`,
    /// `invalid`.
    /// </summary>
    public static Outcome<ClientCertificate> Read(string? pem)
    {
        if (string.IsNullOrWhiteSpace(pem))
        {
            return new Refusal.Fields(Field, FieldCodes.Required, "Give the certificate as PEM.");
        }

        // Before its length is looked at: a key that has left its device is to be told of, whatever else is wrong.
        if (/* guard: a private key is not taken */ pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            return new Refusal.Fields(
                Field, FieldCodes.PrivateKey, "This text has a private key in it, which nobody but the device may have. Give the certificate alone, and make a new key.");
        }

        if (/* guard: certificates of 16 KiB */ pem.Length > MaxCharacters)
        {
            return new Refusal.Fields(Field, FieldCodes.TooLong, "A certificate has 16 KiB at most.");
        }

        return Parse(pem) is { } certificate
            ? certificate
            : new Refusal.Fields(Field, FieldCodes.Invalid, "This is not one certificate as PEM: -----BEGIN CERTIFICATE----- and the lines up to its end.");
    }

    // Of two it would be a guess which one the device shows.
    private static ClientCertificate? Parse(string pem)
    {
        if (!PemEncoding.TryFind(pem, out var found) || pem[found.Label] != "CERTIFICATE" || PemEncoding.TryFind(pem.AsSpan(found.Location.End.Value), out _))
        {
            return null;
        }

        try
        {
            // Of what was read, and not of what was sent: that is what the handshake will show.
            using var certificate = X509CertificateLoader.LoadCertificate(Convert.FromBase64String(pem[found.Base64Data]));
            return new ClientCertificate(
                Fingerprint.Of(certificate), certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        }
        catch (Exception error) when (error is CryptographicException or FormatException or ArgumentException)
        {
            return null;
        }
    }
}
