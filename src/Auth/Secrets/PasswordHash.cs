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

    // In Base64 without its filling.
    private const int SaltLetters = 22;
    private const int HashLetters = 43;

    private static readonly string _currentPrefix = Prefix(PasswordCost.Current);

    public PasswordHash(PasswordCost cost, byte[] salt, byte[] hash) => (Cost, Salt, Hash) = (cost, salt, hash);

    public PasswordCost Cost { get; }

    public byte[] Salt { get; }

    public byte[] Hash { get; }

    // Made when it is asked for: there is one for each account, and it is twice as long as what it says.
    public string Encoded => Prefix(Cost) + Unpadded(Salt) + "$" + Unpadded(Hash);

    /// <summary>Throws <see cref="FormatException"/> when the store holds something that this program did not write.</summary>
    public static PasswordHash Parse(string encoded)
    {
        // As nearly all are: a start reads those of all accounts.
        if (TryParseCurrent(encoded) is { } current)
        {
            return current;
        }

        var match = Phc().Match(encoded);
        return match.Success
            ? new PasswordHash(
                new PasswordCost(int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture)),
                Padded(match.Groups[3].Value),
                Padded(match.Groups[4].Value))
            : throw new FormatException("A stored password hash is damaged.");
    }

    private static PasswordHash? TryParseCurrent(string encoded)
    {
        if (!encoded.StartsWith(_currentPrefix, StringComparison.Ordinal))
        {
            return null;
        }

        var rest = encoded.AsSpan(_currentPrefix.Length);
        var (salt, hash) = (new byte[SaltBytes], new byte[HashBytes]);
        return rest.Length == SaltLetters + 1 + HashLetters
            && rest[SaltLetters] == '$'
            && TryDecode(rest[..SaltLetters], salt)
            && TryDecode(rest[(SaltLetters + 1)..], hash)
            ? new PasswordHash(PasswordCost.Current, salt, hash)
            : null;
    }

    private static bool TryDecode(ReadOnlySpan<char> unpadded, byte[] bytes)
    {
        Span<char> padded = stackalloc char[HashLetters + 1];
        padded = padded[..((unpadded.Length + 3) & ~3)];
        unpadded.CopyTo(padded);
        padded[unpadded.Length..].Fill('=');
        return Convert.TryFromBase64Chars(padded, bytes, out var written) && written == bytes.Length;
    }

    private static string Prefix(PasswordCost cost) =>
        string.Create(CultureInfo.InvariantCulture, $"$argon2id$v=19$m={cost.MemoryKiB},t={cost.Passes},p=1$");

    private static string Unpadded(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    private static byte[] Padded(string text) => Convert.FromBase64String(text + new string('=', -text.Length & 3));

    [GeneratedRegex(@"^\$argon2id\$v=19\$m=([0-9]{1,8}),t=([0-9]{1,3}),p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$", RegexOptions.CultureInvariant)]
    private static partial Regex Phc();
}
