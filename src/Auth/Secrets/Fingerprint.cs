using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace WebMessenger.Auth.Secrets;

/// <summary>SHA-256 of a certificate's DER. No secret: everybody may know it, and nobody is let in for knowing it.</summary>
/// <remarks>A type of its own, so that it can be looked up among certificates alone and never where secrets are.</remarks>
public readonly record struct Fingerprint(UInt128 High, UInt128 Low)
{
    public const int Bytes = 32;

    public static Fingerprint Of(X509Certificate certificate)
    {
        Span<byte> digest = stackalloc byte[Bytes];
        return certificate.TryGetCertHash(HashAlgorithmName.SHA256, digest, out _)
            ? FromBytes(digest) : throw new CryptographicException("A certificate could not be hashed.");
    }

    public static Fingerprint FromBytes(ReadOnlySpan<byte> digest) =>
        new(BinaryPrimitives.ReadUInt128BigEndian(digest), BinaryPrimitives.ReadUInt128BigEndian(digest[16..]));

    /// <summary>What <see cref="ToString"/> says.</summary>
    public static bool TryParse(string? text, out Fingerprint fingerprint)
    {
        Span<byte> digest = stackalloc byte[Bytes];
        var isOne = text is { Length: 2 * Bytes } && Convert.FromHexString(text, digest, out _, out _) == System.Buffers.OperationStatus.Done;
        fingerprint = isOne ? FromBytes(digest) : default;
        return isOne;
    }

    public void WriteTo(Span<byte> digest)
    {
        BinaryPrimitives.WriteUInt128BigEndian(digest, High);
        BinaryPrimitives.WriteUInt128BigEndian(digest[16..], Low);
    }

    /// <summary>64 hexadecimal digits, in small letters.</summary>
    public override string ToString()
    {
        Span<byte> digest = stackalloc byte[Bytes];
        WriteTo(digest);
        return Convert.ToHexStringLower(digest);
    }
}
