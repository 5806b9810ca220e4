using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace WebMessenger.Auth.Secrets;

/// <summary>Makes the secrets that cookies, access tokens (256 random bits) and links carry, in base64url.</summary>
public static class Secret
{
    /// <summary>Begins every access token, so that a leaked one is recognised by who finds it and by scanners.</summary>
    public const string TokenPrefix = "wm_";

    // 256 bits in base64url.
    private const int TokenLength = 3 + 43;

    /// <summary>No password may look like this: it would never be checked as one.</summary>
    public static bool IsTokenShaped(string? text) => text is { Length: TokenLength } && text.StartsWith(TokenPrefix, StringComparison.Ordinal);

    public static string Create(string prefix = "") => prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>For a link that lives for an hour and is read out or typed at times: 128 random bits.</summary>
    public static string CreateForLink() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));

    /// <summary>A public name for something stored: not a secret, but not to be guessed or counted either.</summary>
    public static string CreateId() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(12)).Replace('_', 'A').Replace('-', 'B');
}

/// <summary>
/// SHA-256 of a secret: what is stored and looked up. A fast hash is enough, because the secret has 128 random bits or more.
/// </summary>
/// <remarks>
/// A dictionary look-up by it is not constant in time, and need not be:
/// whoever measures it learns about the hash of a guess, which leads nowhere.
/// </remarks>
public readonly record struct SecretHash(UInt128 High, UInt128 Low)
{
    /// <summary>Longer than any secret that was ever handed out.</summary>
    private const int MaxLength = 128;

    public static bool TryOf(string? secret, out SecretHash hash)
    {
        hash = default;
        if (string.IsNullOrEmpty(secret) || secret.Length > MaxLength)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[MaxLength * 3];
        Span<byte> digest = stackalloc byte[32];
        var length = Encoding.UTF8.GetBytes(secret, bytes);
        // guard: hashes of secrets only
        SHA256.HashData(bytes[..length], digest);
        hash = FromBytes(digest);
        return true;
    }

    public static SecretHash Of(string secret) => TryOf(secret, out var hash) ? hash : throw new ArgumentException("Not a secret of ours.", nameof(secret));

    public static SecretHash FromBytes(ReadOnlySpan<byte> digest) =>
        new(BinaryPrimitives.ReadUInt128BigEndian(digest), BinaryPrimitives.ReadUInt128BigEndian(digest[16..]));

    public byte[] ToBytes()
    {
        var bytes = new byte[32];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(16), Low);
        return bytes;
    }
}
