using System.Globalization;
using System.Text.RegularExpressions;

namespace WebMessenger.Auth.Secrets;

/// <summary>How much work one hash costs. Argon2id, RFC 9106.</summary>
internal sealed record PasswordCost(int MemoryKiB, int Passes)
{
    /// <summary>OWASP's minimum: 19 MiB, two passes. Libsodium computes with one lane.</summary>
    public static PasswordCost Current { get; } = new(19 * 1024, 2);

    public bool IsBelow(PasswordCost other) => MemoryKiB < other.MemoryKiB || Passes < other.Passes;
}

/// <summary>
/// A stored password: salt, hash and the cost it was made with, as the PHC string `$argon2id$v=19$m=…,t=…,p=1$salt$hash`.
/// </summary>
internal sealed partial class PasswordHash
{
    public const int SaltBytes = 16;
    public const int HashBytes = 32;

    public PasswordHash(PasswordCost cost, byte[] salt, byte[] hash)
    {
        (Cost, Salt, Hash) = (cost, salt, hash);
        Encoded = string.Create(
            CultureInfo.InvariantCulture, $"$argon2id$v=19$m={cost.MemoryKiB},t={cost.Passes},p=1${Unpadded(salt)}${Unpadded(hash)}");
    }

    public PasswordCost Cost { get; }

    public byte[] Salt { get; }

    public byte[] Hash { get; }

    public string Encoded { get; }

    /// <summary>Throws <see cref="FormatException"/> when the store holds something that this program did not write.</summary>
    public static PasswordHash Parse(string encoded)
    {
        var match = Phc().Match(encoded);
        return match.Success
            ? new PasswordHash(
                new PasswordCost(int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture)),
                Padded(match.Groups[3].Value),
                Padded(match.Groups[4].Value))
            : throw new FormatException("A stored password hash is damaged.");
    }

    private static string Unpadded(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    private static byte[] Padded(string text) => Convert.FromBase64String(text + new string('=', -text.Length & 3));

    [GeneratedRegex(@"^\$argon2id\$v=19\$m=([0-9]{1,8}),t=([0-9]{1,3}),p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$", RegexOptions.CultureInvariant)]
    private static partial Regex Phc();
}
