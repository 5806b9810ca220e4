using System.Security.Cryptography;
using System.Text;

namespace WebMessenger.Auth.Accounts;

/// <summary>
/// What the operator reads where the server was started, and types where the first account is registered: that account becomes the
/// administrator, and a stranger who is faster must not be it.
/// </summary>
/// <remarks>Made anew at each start, 59 random bits, in memory only. Guessing is limited as registering is.</remarks>
internal sealed class FirstAccountCode
{
    // Without letters and digits that are taken for one another.
    private const string Alphabet = "abcdefghjkmnpqrstuvwxyz23456789";

    private readonly byte[] _plain;

    public FirstAccountCode()
    {
        var plain = RandomNumberGenerator.GetString(Alphabet, 12);
        _plain = Encoding.UTF8.GetBytes(plain);
        Text = $"{plain[..4]}-{plain[4..8]}-{plain[8..]}";
    }

    public string Text { get; }

    /// <summary>However it is written: in capitals, without the dashes, with spaces.</summary>
    public bool Is(string? typed)
    {
        if (typed is null || typed.Length > 64)
        {
            return false;
        }

        var plain = string.Concat(typed.Where(char.IsLetterOrDigit)).ToLowerInvariant();
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(plain), _plain);
    }

    // Not by accident in a log.
    public override string ToString() => "the code for the first account";
}
